"""Tells officers that a message waits, and authors what was decided.

An unreleased alert is never in a mail or a text: the notice carries a link and not a word of the alert. A call says
nothing at all before the PIN.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import duty, twins
from dispatcher.model import Decision, Letter, Message, Staff, Task
from dispatcher.runtime import Runtime
from dispatcher.services import letters, rings, tasks

_UNDECIDED = "undecided:"
_DECIDED = {"approve": "approved", "return": "returned to you", "reject": "rejected"}


def tell_officers(session: Session, runtime: Runtime, message: Message) -> int:
    """Tell the officers on duty by each of their own channels, and begin to wait; how many were told.

    Called whenever a version is handed in: what was told of the one before is called off.
    """
    rings.call_off(session, runtime, message)
    close_tasks(session, runtime, message)
    message.escalations, message.escalate_at = 0, runtime.now() + patience(runtime, message)
    told = duty.on_duty(session, runtime, message)
    tell(session, runtime, message, told, "waits for your approval")
    return len(told)


def patience(runtime: Runtime, message: Message) -> timedelta:
    """How long a decision may take, under the urgency, before more people are told."""
    settings = runtime.settings
    urgent = message.current.urgency == "urgent"
    return timedelta(minutes=settings.decide_urgent_within_minutes if urgent else settings.decide_within_minutes)


def tell(
    session: Session,
    runtime: Runtime,
    message: Message,
    people: Iterable[Staff],
    what: str,
    *,
    level: int = 0,
    by_telephone: bool = False,
) -> None:
    """Tell these officers: a mail, a text, a call, as their own channels say; all with a telephone are called where
    `by_telephone` is set. `what` completes "Alert 7 …"; each level of escalation is told once."""
    urgent = "URGENT: " if message.current.urgency == "urgent" else ""
    link = f"{runtime.settings.public_url}/approvals/{message.id}"
    like = _like(session, message)
    for officer in people:
        letters.tell_staff(
            session,
            runtime,
            officer,
            kind=rings.KIND,
            dedupe=f"{_front(message)}:{level}",
            subject=f"{urgent}Alert {message.id} {what}",
            text=(
                f"{message.author.name} has submitted alert {message.id} (version {message.version}), "
                f"{_moment(message.submitted_at)}.\n\n"
                f"{like}Read it, hear it and decide here:\n{link}\n\n"
                "The first officer to decide settles it."
            ),
            short_text=f"{urgent}Alert {message.id} {what}: {link}",
            message_id=message.id,
        )
        if by_telephone or rings.CHANNEL in officer.channels:
            rings.ring(session, runtime, officer, message)


def _like(session: Session, message: Message) -> str:
    """The latest alert that this one is very like: it may have come twice."""
    found = next(iter(twins.of(session, message)), None)
    return f"It is very like alert {found.message_id}, submitted {_moment(found.submitted_at)}.\n\n" if found else ""


def _front(message: Message) -> str:
    """How the dedupe of all that is told of this version begins, since it was last handed in."""
    return f"approval:{message.current.id}:{message.submitted_at:%Y%m%d%H%M%S%f}"


def told_at(session: Session, message: Message) -> list[datetime]:
    """When its officers were told of the version that waits: first, and at each level of escalation."""
    query = select(Letter.dedupe, Letter.created_at).where(
        Letter.message_id == message.id, Letter.dedupe.startswith(f"{_front(message)}:")
    )
    firsts: dict[str, datetime] = {}
    for dedupe, at in session.execute(query.order_by(Letter.created_at, Letter.id)):
        firsts.setdefault(dedupe.split(":")[3], at)
    return [firsts[level] for level in sorted(firsts)]


def tell_author(session: Session, runtime: Runtime, message: Message, decision: Decision) -> None:
    """Tell the author what was decided, with the officer's words, without the alert's."""
    close_tasks(session, runtime, message)
    how = "decided by telephone" if decision.via == "phone" else "wrote"
    words = f"\n\n{decision.officer.name} {how}:\n{decision.comment}" if decision.comment else ""
    letters.tell_staff(
        session,
        runtime,
        message.author,
        kind="decision",
        dedupe=f"decision:{decision.id}",
        subject=f"Alert {message.id} was {_DECIDED[decision.decision]}",
        text=(
            f"Alert {message.id} (version {message.version}) was {_DECIDED[decision.decision]} by "
            f"{decision.officer.name}.{words}\n\n{runtime.settings.public_url}/messages/{message.id}"
        ),
        only=("email",),
        message_id=message.id,
    )


def task_of(message: Message) -> str:
    """The dedupe of the task by which administrators look for an officer."""
    return f"{_UNDECIDED}{message.current.id}:{message.submitted_at:%Y%m%d%H%M%S}"


def close_tasks(session: Session, runtime: Runtime, message: Message) -> None:
    """Nobody is to look for an officer any more. Whoever is closing it just now does so themselves."""
    found = select(Task).where(Task.message_id == message.id, Task.state == "open", Task.dedupe.startswith(_UNDECIDED))
    for task in session.scalars(found.with_for_update(skip_locked=True)):
        tasks.mark_closed(runtime, task, None, tasks.SETTLED)


def _moment(at: datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M} UTC" if at else ""
