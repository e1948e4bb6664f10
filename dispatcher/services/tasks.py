"""What only a person can settle: opened once, closed by somebody."""

from __future__ import annotations

import logging

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher.model import Staff, Task
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services.audit import record

log = logging.getLogger(__name__)


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
) -> Task:
    """The task with this `dedupe`, opened if it is new. Without `rep_id` it is the administrators'."""
    known = session.scalar(select(Task).where(Task.dedupe == dedupe))
    if known is not None:
        return known
    task = Task(
        kind=kind,
        dedupe=dedupe,
        text=text[:500],
        rep_id=rep_id,
        customer_id=customer_id,
        message_id=message_id,
        delivery_id=delivery_id,
    )
    session.add(task)
    session.flush()
    return task


def alarm(session: Session, runtime: Runtime, channel: str, text: str) -> None:
    """Tell the administrators, once an hour for each channel, that something must be mended."""
    hour = runtime.now().strftime("%Y%m%d%H")
    log.error("alarm on %s: %s", channel, text)
    open_task(session, kind="alarm", dedupe=f"alarm:{channel}:{hour}", text=f"{channel}: {text}")


def visible(session: Session, staff: Staff, state: str | None = "open") -> Select[Task]:
    """The tasks of this person, oldest first: a rep's own, for administrators all."""
    query = select(Task).order_by(Task.id)
    if not staff.has("admin"):
        query = query.where(Task.rep_id == staff.id)
    return query.where(Task.state == state) if state else query


def close(session: Session, runtime: Runtime, staff: Staff, task_id: int) -> Task:
    """Mark a task as done by this person."""
    task = session.scalar(visible(session, staff, state=None).where(Task.id == task_id))
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    if task.state == "open":
        task.state, task.closed_at, task.closed_by = "closed", runtime.now(), staff.id
        record(session, runtime, staff, "close task", f"task {task.id}", kind=task.kind)
    return task
