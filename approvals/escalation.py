"""Escalation: an alert on which nobody has decided in the time that its urgency allows is told to more people.

First to everybody on duty once more, now also by telephone; after as long again to all officers who may decide, and to
the administrators with a task. A decision, a withdrawal or an expiry ends it, a new version begins it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import duty, notices
from dispatcher.model import Message, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import letters, reply_notices, rings, tasks
from dispatcher.services.audit import record

LEVELS = 2
WATCHED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How long a message waits: since when, when it was escalated, when that is due next, and who was rung how often.

    `next_at` is None once all have been told. `unsure` are those who are not rung again, because nobody
    knows how a call to them ended.
    """

    since: datetime | None
    escalated: list[datetime]
    next_at: datetime | None
    rung: list[tuple[Staff, int]]
    unsure: list[Staff]


def standing(session: Session, message: Message) -> Standing | None:
    """For people; None for a message that does not wait for a decision."""
    if message.state != "pending" or message.submitted_at is None:
        return None
    told = notices.told_at(session, message)
    rung = [(session.get_one(Staff, number), times) for number, times in rings.rung(session, message).items()]
    return Standing(
        told[0] if told else message.submitted_at,
        told[1:],
        message.escalate_at if message.escalations < LEVELS else None,
        sorted(rung, key=lambda pair: pair[0].name),
        sorted((session.get_one(Staff, one) for one in rings.unsure(session, message)), key=lambda one: one.name),
    )


def escalate(session: Session, runtime: Runtime, message_id: int) -> int:
    """Take the next step, if it is due; the level reached, 0 where nothing was to be done.

    The message's row is held: however many sweeps ring for it, each level is told once.
    """
    message = session.scalar(
        select(Message).where(Message.id == message_id).with_for_update().execution_options(populate_existing=True)
    )
    now = runtime.now()
    if message is None or message.escalate_at is None or message.escalate_at > now:
        return 0
    if message.state != "pending":
        message.escalate_at = None
        notices.close_tasks(session, runtime, message)
        return 0
    if message.escalations >= LEVELS:
        message.escalate_at = now + WATCHED  # until it waits no more, and its task is closed
        return 0
    message.escalations += 1
    first = message.escalations < LEVELS
    message.escalate_at = now + (notices.patience(runtime, message) if first else WATCHED)
    told = _first(session, runtime, message) if first else _last(session, runtime, message)
    record(
        session, runtime, "system", "escalate message", f"message {message.id}",
        version=message.version, level=message.escalations, told=[one.email for one in told],
    )  # fmt: skip
    return message.escalations


def _first(session: Session, runtime: Runtime, message: Message) -> list[Staff]:
    told = duty.on_duty(session, runtime, message)
    notices.tell(session, runtime, message, told, "still waits: nobody has decided", level=1, by_telephone=True)
    return told


def _last(session: Session, runtime: Runtime, message: Message) -> list[Staff]:
    """Also who is not on duty, or away. Their telephones ring at any hour only for what is urgent."""
    told = duty.may_decide(session, message)
    urgent = message.current.urgency == "urgent"
    what = "still waits, and all officers are told"
    notices.tell(session, runtime, message, told, what, level=2, by_telephone=urgent)
    _alarm(session, runtime, message, bool(told))
    return told


def _alarm(session: Session, runtime: Runtime, message: Message, anybody: bool) -> None:
    since = f"{message.submitted_at:%d %b %H:%M} UTC" if message.submitted_at else "its submission"
    who = "all officers who may have been told" if anybody else "there is no officer who may decide on it"
    text = f"Alert {message.id} waits since {since} and nobody has decided; {who}"
    tasks.open_task(session, kind="alarm", dedupe=notices.task_of(message), text=text, message_id=message.id)
    for person in reply_notices.admins(session):
        letters.tell_staff(
            session,
            runtime,
            person,
            kind="alarm",
            dedupe=notices.task_of(message),
            subject=f"Alert {message.id} waits, and nobody decides",
            text=f"{text}.\n\nPlease find an officer: {runtime.settings.public_url}/approvals/{message.id}",
            short_text=f"Alert {message.id} waits since {since}, and nobody decides. Please find an officer.",
            message_id=message.id,
        )
