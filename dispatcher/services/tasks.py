"""What only a person can settle: opened once, closed by somebody, or by news that settles it first."""

from __future__ import annotations

import logging

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Letter, Staff, Task
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services import letters
from dispatcher.services.audit import record
from dispatcher.services.once import clean, insert_once
from dispatcher.services.reply_notices import admins

log = logging.getLogger(__name__)

SETTLED = "settled"  # the answer of a task that no person has closed: the provider's news, or the customer's word


def open_task(
    session: Session,
    *,
    kind: str,
    dedupe: str,
    text: str,
    rep_id: int | None = None,
    customer_id: int | None = None,
    message_id: int | None = None,
    delivery_id: int | None = None,
    letter_id: int | None = None,
) -> Task:
    """The task with this `dedupe`, opened if it is new. Without `rep_id` it is the administrators'.

    One that was closed by an order to send again, or by good news, is opened anew: that came to nothing too.
    """
    new = insert_once(
        session,
        Task,
        kind=kind,
        dedupe=dedupe[:100],
        text=clean(text, 500),
        rep_id=rep_id,
        customer_id=customer_id,
        message_id=message_id,
        delivery_id=delivery_id,
        letter_id=letter_id,
    )
    if new is not None:
        return new
    known = session.scalars(select(Task).where(Task.dedupe == dedupe[:100])).one()
    if known.state == "closed" and known.answer in ("again", SETTLED):
        known.state, known.answer, known.closed_at, known.closed_by = "open", None, None, None
        known.text = clean(text, 500)
    return known


def alarm(
    session: Session, runtime: Runtime, channel: str, text: str, *, about: str = "", tell: bool = False
) -> Task | None:
    """Tell the administrators, once an hour for each channel, that something must be mended; None where it was told.

    `about` tells alarms of one channel apart, e.g. "message 7". With `tell` they also get a letter.
    """
    text = clean(text)  # it may quote a vendor
    dedupe = f"alarm:{channel}:{about}:{runtime.now():%Y%m%d%H}"[:100]
    if session.scalar(select(Task.id).where(Task.dedupe == dedupe)) is not None:
        return None
    log.error("alarm on %s: %s", channel, text)
    opened = open_task(session, kind="alarm", dedupe=dedupe, text=f"{channel}: {text}")
    for person in admins(session) if tell else ():
        letters.tell_staff(
            session,
            runtime,
            person,
            kind="alarm",
            dedupe=dedupe[:60],
            subject=f"{runtime.settings.firm_name}: {channel} needs you",
            text=f"{text}\n\nPlease look: {runtime.settings.public_url}/tasks",
        )
    return opened


def visible(session: Session, staff: Staff, state: str | None = "open") -> Select[Task]:
    """The tasks of this person, oldest first: a rep's own, for administrators all."""
    query = select(Task).order_by(Task.id)
    if not staff.has("admin"):
        query = query.where(Task.rep_id == staff.id)
    return query.where(Task.state == state) if state else query


def one(session: Session, staff: Staff, task_id: int) -> Task:
    """One task of this person's, as it is now. Raises NotFound."""
    query = visible(session, staff, state=None).where(Task.id == task_id)
    task = session.scalar(query.execution_options(populate_existing=True))
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    return task


def locked(session: Session, staff: Staff, task_id: int) -> Task:
    """One task of this person's, held until the end of the transaction. Raises NotFound."""
    query = visible(session, staff, state=None).where(Task.id == task_id)
    task = session.scalar(query.with_for_update(of=Task).execution_options(populate_existing=True))
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    return task


def close(session: Session, runtime: Runtime, staff: Staff, task_id: int, answer: str | None = None) -> Task:
    """Mark a task as done by this person. Raises NotFound where it is nobody's that they may see."""
    task = locked(session, staff, task_id)
    if task.state == "open":
        mark_closed(runtime, task, staff, answer)
        record(session, runtime, staff, "close task", f"task {task.id}", kind=task.kind, answer=answer or "")
    return task


def mark_closed(runtime: Runtime, task: Task, staff: Staff | None, answer: str | None) -> None:
    """Close it; without anybody, because news has settled it."""
    task.state, task.answer = "closed", answer
    task.closed_at, task.closed_by = runtime.now(), staff.id if staff else None


def close_alarm(session: Session, runtime: Runtime, channel: str, about: str) -> None:
    """Close the alarms about something that is over."""
    session.execute(
        update(Task)
        .where(Task.kind == "alarm", Task.state == "open", Task.dedupe.startswith(f"alarm:{channel}:{about}:"))
        .values(state="closed", answer=SETTLED, closed_at=runtime.now())
        .execution_options(synchronize_session=False)
    )


def close_settled(session: Session, runtime: Runtime) -> int:
    """Close what asked for a person and was settled by the provider's news first; how many."""
    arrived = ("accepted", "delivered")
    settled = session.scalars(
        select(Task.id)
        .outerjoin(Delivery, Task.delivery_id == Delivery.id)
        .outerjoin(Letter, Task.letter_id == Letter.id)
        .where(
            Task.state == "open",
            Task.kind.in_(("unknown", "poison")),  # by the index: other kinds may lie open by the thousand
            or_(
                and_(Task.kind == "unknown", or_(Delivery.state != "unknown", Letter.state != "unknown")),
                and_(Task.kind == "poison", or_(Delivery.state.in_(arrived), Letter.state.in_(arrived))),
            ),
        )
    ).all()
    if settled:
        session.execute(
            update(Task)
            .where(Task.id.in_(settled), Task.state == "open")
            .values(state="closed", answer=SETTLED, closed_at=runtime.now())
            .execution_options(synchronize_session=False)
        )
    return len(settled)
