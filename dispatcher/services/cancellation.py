"""Stops everything of a message that has not left yet."""

from __future__ import annotations

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, Delivery, Letter, Message, Recipient, Staff, Task
from dispatcher.model.delivery import CALL_FOLLOWS, IN_DOUBT, UNREACHABLE, WAITING, in_states
from dispatcher.model.errors import StateConflict
from dispatcher.model.message import LIFE
from dispatcher.runtime import Runtime
from dispatcher.services import letters
from dispatcher.services.audit import record
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.storage.many import among

_AT_ONCE = 1000  # rows that one sweep tidies


def possible(session: Session, message: Message) -> bool:
    """Whether there is anything to cancel: of a released message, while something waits again or is in doubt."""
    if message.state not in LIFE["cancel"][0]:
        return False
    if message.state != "released":
        return True
    left = select(Delivery.id).where(Delivery.message_id == message.id, Delivery.state.in_(WAITING | IN_DOUBT))
    return session.scalar(left.limit(1)) is not None


def cancel(session: Session, runtime: Runtime, staff: Staff, message: Message) -> int:
    """Cancel what waits; how many deliveries were stopped. What is on its way or out stays as it is.

    The message's row is locked by the caller, and a claim reads the message's state under the same lock, so
    no attempt starts after this has been committed. What is in doubt, and turns out never to have left, is cancelled
    then. Raises StateConflict where nothing is left to cancel.
    """
    if message.state == "released" and not possible(session, message):
        raise StateConflict("cannot cancel: the message is released", state="released")
    message.advance("cancel")
    stopped = _stop(session, runtime, Delivery, Delivery.message_id == message.id, Delivery.state.in_(WAITING))
    announced = (Letter.message_id == message.id, Letter.kind == CALL_FOLLOWS, Letter.state.in_(WAITING))
    _stop(session, runtime, Letter, *announced)
    _stop_telling(session, runtime, staff, message)
    record(session, runtime, staff, "cancel message", f"message {message.id}", stopped=stopped)
    return stopped


def _stop_telling(session: Session, runtime: Runtime, staff: Staff, message: Message) -> None:
    """Representatives who were asked to reach customers themselves pass on what was cancelled no more."""
    asked = (Task.kind == UNREACHABLE, Task.message_id == message.id, Task.state == "open")
    for task in session.scalars(select(Task).where(*asked).order_by(Task.id).with_for_update()):
        if (another := _to_pass_on(session, task, message)) is not None:
            task.message_id = another
        else:
            task.text = "No usable contact point: mend the directory. The alert was cancelled: do not pass it on"
    asking = (Letter.message_id == message.id, Letter.kind == UNREACHABLE)
    _stop(session, runtime, Letter, *asking, Letter.state.in_(WAITING))
    told = select(Letter.staff_id).where(*asking, Letter.state != "cancelled")
    subject = message.current.subject
    for rep in session.scalars(select(Staff).where(Staff.id.in_(told), Staff.active).order_by(Staff.id)):
        letters.tell_staff(
            session,
            runtime,
            rep,
            kind="cancelled",
            dedupe=f"cancelled:{message.id}",
            subject=f"Cancelled: {subject}",
            text=f'{staff.name} has cancelled the alert "{subject}". You were asked to reach some of your customers '
            "yourself: please do not pass it on to them any more.",
            message_id=message.id,
        )


def _to_pass_on(session: Session, task: Task, cancelled: Message) -> int | None:
    """Another alert, released and standing, that did not reach the customer of this task either."""
    return session.scalar(
        select(Recipient.message_id)
        .join(Message, Message.id == Recipient.message_id)
        .where(
            Recipient.customer_id == task.customer_id,
            Recipient.delivery_id.is_(None),
            Recipient.left_at.is_(None),
            Recipient.because != BY_OWN_WORD,
            Message.state.in_(("releasing", "released")),
            Message.id != cancelled.id,
            Message.released_at >= cancelled.released_at,  # of an earlier one it is done, or has a task of its own
        )
        .order_by(Message.released_at, Message.id)
        .limit(1)
    )


def _stop(session: Session, runtime: Runtime, table: type[Delivery] | type[Letter], *which: ColumnElement[bool]) -> int:
    result = session.execute(
        update(table)
        .where(*which)
        .values(state="cancelled", settled_at=runtime.now(), due_at=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def tidy(session: Session, runtime: Runtime) -> int:
    """Cancel what waits of messages that are cancelled; how many deliveries.

    An outcome or a fallback that was written while the message was being cancelled did not see it yet.
    """
    left = session.scalars(
        select(Delivery.id)
        .where(
            # All channels are named, so that the index of what waits can be used.
            Delivery.channel.in_(CHANNELS),
            in_states(Delivery.state, *WAITING),
            Delivery.message_id.in_(select(Message.id).where(Message.state == "cancelled")),
        )
        .order_by(Delivery.id)
        .limit(_AT_ONCE)
        .with_for_update(of=Delivery, skip_locked=True)
    ).all()
    return _stop(session, runtime, Delivery, among(Delivery.id, left)) if left else 0
