"""Takes in what people send us: kept, matched to a conversation, told to its owner; opt-outs obeyed, not forwarded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Customer, Delivery, Message, Reply, Response, Staff
from dispatcher.model.errors import DispatcherError, NotFound, Refused
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, keywords, mail_text, matching, reply_notices, suppressions
from dispatcher.services.matching import Match
from dispatcher.services.once import clean, insert_once
from dispatcher.services.recordings import attach_recording, pending_recording, waiting_recordings

__all__ = ["attach_recording", "from_page", "keep_for", "pending_recording", "receive", "visible", "waiting_recordings"]

MOST_SHOWN = 100_000  # characters of `text`; `original` is whole
MOST_FROM_PAGE = 5_000
_SAME_PAGE_REPLY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply's own words ("" where there are none), what is shown, and all of it."""

    own: str
    shown: str
    original: str


def receive(session: Session, runtime: Runtime, reply: InboundReply, callback_id: int | None) -> Reply | None:
    """Take in one message of a person; None where it was a representative's answer and has become a response.

    A copy, by `dedupe`, changes nothing and gives what the first one gave.
    """
    key = clean(reply.dedupe, 200)
    known = session.scalar(select(Reply).where(Reply.dedupe == key))
    if known is not None:
        return known
    if session.scalar(select(Response.id).where(Response.dedupe == key)):
        return None
    said = _read(reply)
    found = matching.match(session, runtime, reply, said.own or said.shown)
    if reply.automatic:
        state = "settled" if found.staff else ""
        why = f"automatic: {reply.automatic}"
        return _keep(session, runtime, reply, said, found, callback_id, "automatic", why, state)
    wish = _wish(session, reply, said, found)
    if wish:
        return _obey(session, runtime, reply, said, found, callback_id, wish)
    if found.staff and found.conversation:
        return _respond(session, runtime, reply, said, found, callback_id)
    note = "the carrier has answered this word" if reply.keyword == "help" else ""
    return _keep(session, runtime, reply, said, found, callback_id, "answer", note)


def _read(reply: InboundReply) -> _Said:
    if reply.channel == "email":
        original = mail_text.plain_text(reply.text, reply.html)
        own = mail_text.own_words(original)
    else:
        original = clean(reply.text.replace("\r\n", "\n"))
        own = original.strip()
    files = "\n".join(f"[Attached: {clean(one.name, 100)}, {one.media_type}]" for one in reply.attachments[:20])
    shown = "\n\n".join(part for part in ((own or original.strip())[:MOST_SHOWN], files) if part)
    return _Said(own, shown, original)


def _keep(
    session: Session,
    runtime: Runtime,
    reply: InboundReply,
    said: _Said,
    found: Match,
    callback_id: int | None,
    kind: str,
    note: str = "",
    state: str = "",
) -> Reply:
    """The row, in its conversation where it has one; its owner is told of what a person wants to be read."""
    conversation = None
    if found.customer:
        conversation = conversations.thread(
            session,
            runtime,
            found.customer,
            found.message_id,
            channel=reply.channel,
            address=clean(reply.sender, 320),
            at=reply.received_at,
            disturb=kind == "answer",
        )
    unverified = f"sender not verified: {reply.verified}" if reply.verified and not found.staff else ""
    new = insert_once(
        session,
        Reply,
        dedupe=clean(reply.dedupe, 200),
        conversation_id=conversation.id if conversation else None,
        message_id=found.message_id,
        customer_id=found.customer.id if found.customer else None,
        delivery_id=found.delivery.id if found.delivery else None,
        callback_id=callback_id,
        channel=reply.channel,
        sender=clean(reply.sender, 320),
        subject=clean(reply.subject, 300),
        text=said.shown,
        original=said.original,
        kind=kind,
        state=state or ("matched" if conversation else "unmatched"),
        note=clean("; ".join(part for part in (note, found.note, unverified) if part), 300),
        received_at=reply.received_at,
    )
    if new is None:  # another worker had a copy of it
        return session.scalars(select(Reply).where(Reply.dedupe == clean(reply.dedupe, 200))).one()
    if conversation and kind == "answer":
        reply_notices.tell_owner(session, runtime, conversation, new)
    elif new.state == "unmatched" and kind == "answer":
        reply_notices.tell_of_unmatched(session, runtime)
    return new


# --- opt-outs ---------------------------------------------------------------------------------------------


def _wish(session: Session, reply: InboundReply, said: _Said, found: Match) -> keywords.Wish:
    """What they want of us rather than of their representative."""
    wish = keywords.wish_of(reply.channel, said.own, reply.subject, reply.keyword)
    # By mail a representative's words go to the customer, whatever they are. And a forged sender who knows no token
    # of ours must not cut a customer off: then a person reads it.
    if reply.channel == "email" and (found.staff or (reply.verified and not found.address)):
        return ""
    if wish == "start" and keywords.is_agreement(said.own):
        order = suppressions.in_force(session, reply.channel, reply.sender)
        return "start" if order and order.reason in suppressions.THEIR_OWN else ""
    return wish


def _obey(
    session: Session,
    runtime: Runtime,
    reply: InboundReply,
    said: _Said,
    found: Match,
    callback_id: int | None,
    wish: keywords.Wish,
) -> Reply:
    """At once, and recorded; never forwarded as if it were an answer."""
    address = clean(found.address or reply.sender, 320)
    actor = f"customer {found.customer.key}" if found.customer else "system"
    if wish == "stop":
        source = f"{reply.channel} {' '.join(said.own.split())[:60] or reply.subject[:60] or 'STOP'}"
        suppressions.suppress(session, runtime, reply.channel, address, "opt-out", source, actor)
    else:
        suppressions.lift(session, runtime, reply.channel, address, actor, reasons=suppressions.THEIR_OWN)
    kind = "opt-out" if wish == "stop" else "opt-in"
    return _keep(session, runtime, reply, said, found, callback_id, kind, state="" if found.customer else "settled")


# --- a representative's answer ----------------------------------------------------------------------------


def _respond(
    session: Session, runtime: Runtime, reply: InboundReply, said: _Said, found: Match, callback_id: int | None
) -> Reply | None:
    assert found.staff is not None
    assert found.conversation is not None
    via = "mail" if reply.channel == "email" else "sms"
    text = said.own if found.text is None else found.text
    key = clean(reply.dedupe, 200)
    try:
        conversations.respond(session, runtime, found.staff, found.conversation.id, text, via=via, dedupe=key)
    except DispatcherError as error:
        why = error.fields["text"] if isinstance(error, Refused) and "text" in error.fields else str(error)
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        reply_notices.tell_not_sent(session, runtime, found.staff, found.conversation, f"it {why}", digest)
        note = f"an answer of {found.staff.email}, not passed on: {why}"
        return _keep(session, runtime, reply, said, Match(), callback_id, "answer", note, state="settled")
    return None


# --- from the customer's page -----------------------------------------------------------------------------


def from_page(session: Session, runtime: Runtime, delivery_id: int, text: str, wants_call: bool) -> Reply:
    """What a customer wrote on the page of an alert; the same words within ten minutes count once.

    Raises NotFound for a delivery of nothing released, Refused without words or a wish to be called.
    """
    delivery = session.get(Delivery, delivery_id)
    message = delivery.message if delivery else None
    if delivery is None or message is None or message.state not in ("releasing", "released"):
        raise NotFound("there is no such alert")
    words = clean(text).strip()
    if not words and not wants_call:
        raise Refused({"text": "is empty; write your answer, or ask for a call"})
    if len(words) > MOST_FROM_PAGE:
        raise Refused({"text": f"has {len(words)} characters; at most {MOST_FROM_PAGE} are taken"})
    digest = hashlib.sha256(f"{wants_call}\x1f{words}".encode()).hexdigest()[:32]
    number = int(runtime.now().timestamp() // _SAME_PAGE_REPLY.total_seconds())
    keys = [f"page:{delivery.id}:{digest}:{number - back}" for back in (0, 1)]
    known = session.scalars(select(Reply).where(Reply.dedupe.in_(keys))).first()
    if known is not None:
        return known
    person, note = matching.person_of(session, delivery, delivery.address, words)
    kind = "call" if wants_call else "answer"
    return keep_for(
        session, runtime, person, message, delivery, dedupe=keys[0], channel="page", sender=delivery.address,
        text=words, kind=kind, note=note,
    )  # fmt: skip


def keep_for(
    session: Session,
    runtime: Runtime,
    person: Customer | None,
    message: Message | None,
    delivery: Delivery | None,
    *,
    dedupe: str,
    channel: str,
    sender: str,
    text: str,
    kind: str,
    note: str = "",
    recording_ref: str | None = None,
    tell_at: datetime | None = None,
    quiet: bool = False,
) -> Reply:
    """A reply of somebody already known, e.g. by page or call; with `quiet` nobody is disturbed by it.

    The owner is told now or at `tell_at`. A copy, by `dedupe`, gives the first.
    """
    conversation = None
    if person is not None:
        conversation = conversations.thread(
            session, runtime, person, message.id if message else None,
            channel=channel, address=sender, at=runtime.now(), disturb=not quiet,
        )  # fmt: skip
    new = insert_once(
        session,
        Reply,
        dedupe=clean(dedupe, 200),
        conversation_id=conversation.id if conversation else None,
        message_id=message.id if message else None,
        customer_id=person.id if person else None,
        delivery_id=delivery.id if delivery else None,
        channel=channel,
        sender=clean(sender, 320),
        text=text,
        original=text,
        kind=kind,
        state="matched" if conversation else "unmatched",
        note=clean(note, 300),
        recording_ref=recording_ref,
        received_at=runtime.now(),
    )
    if new is None:
        return session.scalars(select(Reply).where(Reply.dedupe == clean(dedupe, 200))).one()
    if not quiet:
        if conversation:
            reply_notices.tell_owner(session, runtime, conversation, new, due_at=tell_at)
        else:
            reply_notices.tell_of_unmatched(session, runtime)
    return new


# --- looking ----------------------------------------------------------------------------------------------


def visible(
    session: Session,
    staff: Staff,
    *,
    message: int | None = None,
    customer: str | None = None,
    state: str | None = None,
) -> Select[Reply]:
    """The replies this person may see, newest first: of their own conversations, for administrators all."""
    query = select(Reply).order_by(Reply.id.desc())
    if not staff.active:
        return query.where(false())
    if not staff.has("admin"):
        query = query.join(Conversation, Reply.conversation_id == Conversation.id).where(
            or_(Conversation.rep_id == staff.id, Conversation.claimed_by == staff.id)
        )
    if message is not None:
        query = query.where(Reply.message_id == message)
    if customer is not None:
        query = query.where(Reply.customer_id.in_(select(Customer.id).where(Customer.key == customer)))
    return query.where(Reply.state == state) if state else query
