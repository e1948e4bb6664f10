"""Writes a reply into its conversation, once, and tells its owner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Reply, Staff
from dispatcher.model.conversation import READ, WISHES
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services import complaint_letters, conversations, orders, passing, reply_files, reply_notices
from dispatcher.services.audit import fingerprint, record
from dispatcher.services.holding import hold_what_waits
from dispatcher.services.once import clean, insert_once
from dispatcher.services.understanding import Understood

MOST_NOTE = 300
UNVERIFIED = "sender not verified"


def keep(
    session: Session,
    runtime: Runtime,
    *,
    dedupe: str,
    channel: str,
    sender: str,
    understood: Understood,
    text: str,
    original: str | None = None,
    subject: str = "",
    person: Customer | None = None,
    message_id: int | None = None,
    delivery_id: int | None = None,
    callback_id: int | None = None,
    note: str = "",
    state: str = "",
    received_at: datetime | None = None,
    tell_at: datetime | None = None,
    proven: bool = True,
    html: str = "",
    sender_check: str = "",
    files: Sequence[File] = (),
    answer_to: str | None = None,
    stops: Sequence[tuple[str, str]] = (),
) -> Reply:
    """The reply with this `dedupe`. A new one is `state`, else matched where a `person` is known, else unmatched.

    Its owner is told now or at `tell_at`, of an order at once; of one that belongs to nobody, the administrators.
    Where the sender is not `proven`, nothing is written to them by itself. What is answered goes to `answer_to` where
    that is given, in place of the sender; "" is by the customer's own order of channels. Where orders against
    contact points follow from it, `stops` names these, channel and address: what waits there is held before the record.
    """
    at = received_at or runtime.now()
    key, address = clean(dedupe, 200), clean(sender, 320)
    conversation = None
    if person is not None:
        conversation = conversations.thread(
            session,
            runtime,
            person,
            message_id,
            channel=channel,
            address=address if answer_to is None else clean(answer_to, 320),
            at=at,
            disturb=understood.kind in READ,
        )
    new = insert_once(
        session,
        Reply,
        dedupe=key,
        conversation_id=conversation.id if conversation else None,
        message_id=message_id,
        customer_id=person.id if person else None,
        delivery_id=delivery_id,
        callback_id=callback_id,
        channel=channel,
        sender=address,
        subject=clean(subject, 300),
        text=text,
        original=text if original is None else original,
        kind=understood.kind,
        kind_by=understood.by,
        kind_because=clean(understood.because, 300),
        doubt=understood.doubt,
        html=html,
        sender_check=clean(sender_check, 200),
        state=state or ("matched" if conversation else "unmatched"),
        note=clean(note, MOST_NOTE),
        received_at=at,
    )
    if new is None:  # another worker had a copy of it
        return session.scalars(select(Reply).where(Reply.dedupe == key)).one()
    for point in sorted(stops):
        hold_what_waits(session, runtime, *point, ends=understood.kind == "opt-in")
    if conversation is not None:
        passing.route(session, runtime, conversation)
    if files:
        reply_files.keep(session, new, files)
    # Last of all locks but one: the record's. What a customer wrote is held to it by `verify`.
    who = f"customer {person.key}" if person else "system"
    record(session, runtime, who, "receive reply", f"reply {new.id}", kind=new.kind, words=fingerprint(new.original))
    if new.kind == "order" and conversation:
        orders.request(session, runtime, conversation, new, who, proven=proven)
    elif new.kind in READ and conversation:
        reply_notices.tell_owner(session, runtime, conversation, new, due_at=tell_at)
        if new.kind == "complaint":
            complaint_letters.note_it(session, runtime, new, proven=proven)
    elif new.kind in (*READ, *WISHES) and new.state == "unmatched":
        reply_notices.tell_of_unmatched(session, runtime)
    return new


def is_theirs(reply: Reply) -> bool:
    """Whether it came from a contact point of its customer's. Another address may be that of whoever has an alert that
    was passed on, and nothing is written to it.
    """
    person = reply.customer
    return person is not None and reply.sender.strip().lower() in {one.address for one in person.contact_points}


def is_proven(reply: Reply) -> bool:
    """Whether something may be written to its sender by itself, long after it came: as `proven` of `keep`, and never
    where the note of it was cut, for that says who is not to be believed.
    """
    return is_theirs(reply) and UNVERIFIED not in reply.note and len(reply.note) < MOST_NOTE


def visible(session: Session, staff: Staff) -> Select[Reply]:
    """The replies this person may see, newest first: of their own conversations, for administrators all."""
    query = select(Reply).order_by(Reply.id.desc())
    if staff.has("admin"):
        return query
    theirs = conversations.visible_ids(session, staff)
    return query.where(Reply.conversation_id.in_(theirs))


def assign(session: Session, runtime: Runtime, staff: Staff, reply_id: int, customer_key: str) -> Reply:
    """Give an unmatched reply to a customer, and so to their representative, who is told; an order waits from now on.

    Raises as `conversations.assign`.
    """
    reply = conversations.assign(session, runtime, staff, reply_id, customer_key)
    if reply.kind == "order" and reply.conversation is not None:
        orders.request(session, runtime, reply.conversation, reply, staff, proven=False)
    return reply
