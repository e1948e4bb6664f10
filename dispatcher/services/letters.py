"""Letters: one message to one address outside a release. Written here, sent by the worker of the notices queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Conversation, Customer, Letter, Staff
from dispatcher.runtime import Runtime


def write(
    session: Session,
    runtime: Runtime,
    *,
    kind: str,
    dedupe: str,
    channel: str,
    address: str,
    subject: str,
    text: str,
    staff: Staff | None = None,
    customer: Customer | None = None,
    message_id: int | None = None,
    conversation: Conversation | None = None,
    sender_name: str = "",
    due_at: datetime | None = None,
) -> Letter:
    """The letter with this `dedupe`, written if it is new, and due at `due_at` or now.

    One that is due later is not rung for: the sweep finds it, unless somebody makes it due before.
    """
    known = written(session, dedupe)
    if known is not None:
        return known
    letter = Letter(
        kind=kind,
        dedupe=dedupe,
        channel=channel,
        address=address,
        subject=subject[:300],
        text=text,
        staff_id=staff.id if staff else None,
        customer_id=customer.id if customer else None,
        message_id=message_id,
        conversation_id=conversation.id if conversation else None,
        sender_name=sender_name,
        due_at=due_at or runtime.now(),
        created_at=runtime.now(),
    )
    session.add(letter)
    session.flush()
    if due_at is None:
        note(session, "notices", "send_letter", letter.id)
    return letter


def written(session: Session, dedupe: str) -> Letter | None:
    """The letter with this `dedupe`, where it has been written."""
    return session.scalar(select(Letter).where(Letter.dedupe == dedupe))


def tell_staff(
    session: Session,
    runtime: Runtime,
    person: Staff,
    *,
    kind: str,
    dedupe: str,
    subject: str,
    text: str,
    short_text: str = "",
    only: tuple[str, ...] = ("email", "sms"),
    message_id: int | None = None,
    conversation: Conversation | None = None,
    due_at: datetime | None = None,
) -> list[Letter]:
    """Tell a member of staff by each of their own channels that can carry words; by mail where none can.

    `short_text` is what a text message says; the same as `text` where it is not given.
    """
    usable = runtime.usable_channels()
    wanted = [one for one in person.channels if one in only and one in usable and (one != "sms" or person.phone)]
    letters = []
    for channel in dict.fromkeys(wanted or ["email"]):
        letters.append(
            write(
                session,
                runtime,
                kind=kind,
                dedupe=f"{dedupe}:{channel}:{person.id}",
                channel=channel,
                address=person.email if channel == "email" else person.phone or "",
                subject=subject,
                text=(short_text or text) if channel == "sms" else text,
                staff=person,
                message_id=message_id,
                conversation=conversation,
                due_at=due_at,
            )
        )
    return letters
