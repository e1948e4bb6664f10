"""Stops everything of a message that has not left yet."""

from __future__ import annotations

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Letter, Message, Staff
from dispatcher.model.delivery import WAITING
from dispatcher.runtime import Runtime
from dispatcher.services.audit import record


def cancel(session: Session, runtime: Runtime, staff: Staff, message: Message) -> int:
    """Cancel what waits; how many deliveries were stopped. What is on its way or out stays as it is.

    The message's row is locked by the caller, and a claim reads the message's state under the same lock, so
    no attempt starts after this has been committed.
    """
    message.advance("cancel")
    result = session.execute(
        update(Delivery)
        .where(Delivery.message_id == message.id, Delivery.state.in_(WAITING))
        .values(state="cancelled", settled_at=runtime.now(), due_at=None)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    session.execute(
        update(Letter)
        .where(Letter.message_id == message.id, Letter.kind == "call-follows", Letter.state.in_(WAITING))
        .values(state="cancelled", settled_at=runtime.now(), due_at=None)
        .execution_options(synchronize_session=False)
    )
    record(session, runtime, staff, "cancel message", f"message {message.id}", stopped=result.rowcount)
    return result.rowcount
