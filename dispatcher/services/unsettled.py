"""Alerts that wait for a doubt: who is to settle it is reminded, then the administrators too, until somebody has.

An alert that is urgent or ends is a task of its own at once, see `doubted`; every other would wait here for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Delivery, Message, Reply, Staff, Suppression, Task
from dispatcher.model.delivery import WAITING
from dispatcher.model.message import end_of_validity
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, reply_notices, suppressions
from dispatcher.services.audit import record
from dispatcher.services.holding import HELD

KIND = "doubt"  # of the task that a person settles, and of the letters that remind them
# From the question to the first reminder, from that to the second, and so on; then as long each time as the last.
STEPS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=20), timedelta(days=1))
_LOOK_AGAIN = timedelta(hours=1)  # while nothing waits


def due(session: Session, runtime: Runtime) -> list[int]:
    """Replies of which a person has been asked in vain what was meant, and the next reminder is due."""
    asked = session.scalars(select(Task.dedupe).where(Task.state == "open", Task.kind == KIND))
    numbers = [int(number) for one in asked if (number := one.partition(":")[2]).isdigit()]
    if not numbers:
        return []
    late = or_(Reply.due_at.is_(None), Reply.due_at <= runtime.now())
    return list(session.scalars(select(Reply.id).where(Reply.id.in_(numbers), late).order_by(Reply.id).limit(500)))


def remind(session: Session, runtime: Runtime, reply_id: int) -> None:
    """Remind whoever has the task, from the second time on the administrators too; of a new one, when it is due.

    While nothing waits for it nobody is disturbed.
    """
    reply = session.get_one(Reply, reply_id, with_for_update=True, populate_existing=True)
    asked = Task.dedupe == suppressions.doubt_task(reply_id)
    task = session.scalar(select(Task).where(asked, Task.state == "open").with_for_update())
    now = runtime.now()
    if task is None or (reply.due_at is not None and reply.due_at > now):
        return
    order = _order(session, reply_id)
    if order is not None and reply.due_at is None and now < order.created_at + STEPS[0]:
        reply.due_at = order.created_at + STEPS[0]
        return
    waiting = _waiting(session, order) if order is not None else 0
    if order is None or not waiting:
        reply.due_at = now + _LOOK_AGAIN
        return
    reply.tries += 1
    reply.due_at = now + STEPS[min(reply.tries, len(STEPS) - 1)]
    to = _tell(session, runtime, task, reply, order.created_at, waiting)
    record(session, runtime, "system", "remind of doubt", f"reply {reply.id}", to=to, step=reply.tries, waiting=waiting)


def _order(session: Session, reply_id: int) -> Suppression | None:
    """What holds alerts back until the doubt about this reply is settled; None where anybody may have written it."""
    standing = (Suppression.reply_id == reply_id) & (Suppression.reason == KIND) & Suppression.lifted_at.is_(None)
    return session.scalars(select(Suppression).where(standing).limit(1)).first()


def _waiting(session: Session, order: Suppression) -> int:
    """How many alerts it holds back."""
    return session.scalar(select(func.count(Delivery.id)).where(*_held_by(order))) or 0


def _held_by(order: Suppression) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.channel == order.channel,
        Delivery.address == order.address,
        Delivery.state.in_(WAITING),
        Delivery.error == HELD,
    )


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What a doubt keeps from one contact point: how many alerts, of which the first is stale after `ends_at`."""

    channel: str
    address: str
    reply: Reply | None
    waiting: int
    ends_at: datetime | None


def held_back(session: Session, customer: Customer) -> list[HeldBack]:
    """Where alerts for a customer wait until a person has said what they meant, whatever conversation it was in."""
    found = []
    for point in customer.contact_points:
        for order in suppressions.all_in_force(session, point.channel, point.address):
            if order.reason != KIND:
                continue
            waiting = session.execute(
                select(Message.released_at, Message.valid_for)
                .join(Delivery, Delivery.message_id == Message.id)
                .where(*_held_by(order))
            ).all()
            ends = [end_of_validity(released_at, valid_for) for released_at, valid_for in waiting]
            reply = session.get(Reply, order.reply_id) if order.reply_id else None
            first = min((one for one in ends if one is not None), default=None)
            found.append(HeldBack(point.channel, point.address, reply, len(waiting), first))
    return found


def _tell(session: Session, runtime: Runtime, task: Task, reply: Reply, since: datetime, waiting: int) -> list[str]:
    alerts = "1 alert waits" if waiting == 1 else f"{waiting} alerts wait"
    customer = reply_notices.who(reply.customer) if reply.customer else reply.sender
    conversation = reply.conversation
    page = reply_notices.page_of(runtime, conversation) if conversation else f"{runtime.settings.public_url}/tasks"
    told = []
    for one in _people(session, runtime, task, reply.tries):
        letters.tell_staff(
            session,
            runtime,
            one,
            kind=KIND,
            dedupe=f"doubt:{reply.id}:{reply.tries}",
            subject=f"{alerts} until somebody has said what {customer} meant",
            text=f"{task.text}\n\nNobody has said so since {since:%d %b %Y %H:%M} UTC, and {alerts}. "
            f"One press says it: {page}",
            short_text=f"{alerts} until somebody has said what {customer} meant: {page}",
            message_id=reply.message_id,
        )
        told.append(one.email)
    return told


def _people(session: Session, runtime: Runtime, task: Task, step: int) -> Iterable[Staff]:
    """Who has the task, or stands in for them; from the second step on, and where nobody has it, all administrators."""
    owner = task.rep if task.rep is not None and task.rep.active else None
    here = covers.standing_in(session, runtime, owner) if owner else None
    alone = step == 1 and here is not None and not covers.is_away(runtime, here)
    people = ([here] if here else []) + ([] if alone else reply_notices.admins(session))
    return {one.id: one for one in people}.values()
