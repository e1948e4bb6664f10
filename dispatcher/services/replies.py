"""Takes in what people send us: kept, matched to a conversation, told to its owner; opt-outs obeyed, not forwarded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Reply, Response
from dispatcher.model.errors import DispatcherError, Refused
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import (
    alert_intake,
    caps,
    conversations,
    keywords,
    mail_text,
    matching,
    reply_notices,
    reply_store,
    suppressions,
    tasks,
)
from dispatcher.services.directory import owner_of
from dispatcher.services.matching import Match
from dispatcher.services.once import clean
from dispatcher.services.page_replies import from_page
from dispatcher.services.reply_store import visible

__all__ = ["from_page", "receive", "visible"]

MOST_SHOWN = 100_000  # characters of `text`; `original` is whole
_ASKS = {"stop": "wants no more of this", "start": "wants to get this again"}


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply's own words ("" where there are none), what is shown, and all of it."""

    own: str
    shown: str
    original: str


def receive(session: Session, runtime: Runtime, reply: InboundReply, callback_id: int | None) -> Reply | None:
    """Take in one message of a person; None where it was a representative's answer and has become a response.

    An alert by one of our analysts is kept, too, and taken in by a job of its own.

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
        state = "settled" if found.staff or found.author else ""
        why = f"automatic: {reply.automatic}"
        return _keep(session, runtime, reply, said, found, callback_id, "automatic", why, state)
    wish = _wish(session, reply, said, found)
    if wish and found.stranger:
        return _keep_strangers_wish(session, runtime, reply, said, found, callback_id, _ASKS[wish])
    if wish:
        return _obey(session, runtime, reply, said, found, callback_id, wish)
    if found.author:
        return _take_in(session, runtime, reply, said, found, callback_id)
    if found.staff and found.conversation:
        if found.note:
            return _refuse(session, runtime, reply, said, found, callback_id, f"it is {found.note}")
        return _respond(session, runtime, reply, said, found, callback_id)
    if _is_wrong_person(reply, said, found):
        if found.stranger:
            return _keep_strangers_wish(session, runtime, reply, said, found, callback_id, "says this is not theirs")
        return _keep_wrong_person(session, runtime, reply, said, found, callback_id)
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
    unverified = f"sender not verified: {reply.verified}" if reply.verified and not found.staff else ""
    return reply_store.keep(
        session,
        runtime,
        dedupe=reply.dedupe,
        channel=reply.channel,
        sender=reply.sender,
        kind=kind,
        text=said.shown,
        original=said.original,
        subject=reply.subject,
        person=found.customer,
        message_id=found.message_id,
        delivery_id=found.delivery.id if found.delivery else None,
        callback_id=callback_id,
        note="; ".join(part for part in (note, found.note, unverified) if part),
        state=state,
        received_at=reply.received_at,
    )


def _take_in(
    session: Session, runtime: Runtime, reply: InboundReply, said: _Said, found: Match, callback_id: int | None
) -> Reply:
    if reply.keyword == "help":
        note = "the carrier has answered this word"
        return _keep(session, runtime, reply, said, Match(), callback_id, "answer", note, state="settled")
    assert found.author is not None
    return alert_intake.keep(
        session,
        runtime,
        reply,
        found.author,
        text=said.shown,
        original=said.original,
        message_id=found.message_id,
        doubt=found.note,
        callback_id=callback_id,
    )


# --- opt-outs ---------------------------------------------------------------------------------------------


def _may_stop(reply: InboundReply, found: Match) -> bool:
    """A forged sender of mail who knows no token of ours must not cut a customer off: then a person reads it."""
    return reply.channel != "email" or bool(found.address) or not reply.verified


def _is_wrong_person(reply: InboundReply, said: _Said, found: Match) -> bool:
    return _may_stop(reply, found) and keywords.is_wrong_person(said.own, found.customer.name if found.customer else "")


def _wish(session: Session, reply: InboundReply, said: _Said, found: Match) -> keywords.Wish:
    """What they want of us rather than of their representative."""
    wish = keywords.wish_of(reply.channel, said.own, reply.subject, reply.keyword)
    if not _may_stop(reply, found) or (reply.channel == "email" and found.staff):
        return ""  # a representative's mail goes to the customer, whatever it says
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
    # The reply first: whoever writes takes the conversation before the record's chain, so nobody waits in a circle.
    kind, state = ("opt-out" if wish == "stop" else "opt-in"), ("" if found.customer else "settled")
    kept = _keep(session, runtime, reply, said, found, callback_id, kind, state=state)
    address = clean(found.address or reply.sender, 320)
    actor = f"customer {found.customer.key}" if found.customer else "system"
    if wish == "start":
        suppressions.lift(session, runtime, reply.channel, address, actor, reasons=suppressions.THEIR_OWN)
    else:
        words = " ".join(said.own.split())[:60] or reply.subject[:60] or "STOP"
        suppressions.suppress(session, runtime, reply.channel, address, "opt-out", f"{reply.channel} {words}", actor)
    return kept


def _keep_wrong_person(
    session: Session, runtime: Runtime, reply: InboundReply, said: _Said, found: Match, callback_id: int | None
) -> Reply:
    """Somebody else has this address now: nothing more goes there, and the representative finds the right one."""
    note = "says they are the wrong person: nothing more is sent to this address"
    kept = _keep(session, runtime, reply, said, found, callback_id, "answer", note)
    address = clean(found.address or reply.sender, 320)
    source = f"{reply.channel} {' '.join(said.own.split())[:60]}"
    suppressions.suppress(session, runtime, reply.channel, address, "wrong-person", source)
    text = f"{address} says this is not theirs: find the right address"
    _find_out(session, runtime, found, f"wrong-person:{reply.channel}:{address}", text)
    return kept


def _keep_strangers_wish(
    session: Session,
    runtime: Runtime,
    reply: InboundReply,
    said: _Said,
    found: Match,
    callback_id: int | None,
    what: str,
) -> Reply:
    """An alert that was passed on carries its reply address along: who got it that way silences nobody else."""
    sender, address = clean(reply.sender.strip().lower(), 320), found.address
    note = f"{what}, but is not {address}: nothing was changed"
    kept = _keep(session, runtime, reply, said, found, callback_id, "answer", note)
    text = f"{sender} {what}, in answer to an alert to {address}: ask the customer and mend the address if it is wrong"
    _find_out(session, runtime, found, f"wrong-person:{reply.channel}:{address}:{sender}", text)
    return kept


def _find_out(session: Session, runtime: Runtime, found: Match, of: str, text: str) -> None:
    """A task for the owner, once a day for each address and who speaks of it; without a customer none."""
    person = found.customer
    if person is None:
        return
    rep = owner_of(session, person)
    digest = hashlib.sha256(of.encode()).hexdigest()[:32]
    tasks.open_task(
        session,
        kind="wrong-person",
        dedupe=f"wrong-person:{person.id}:{runtime.now():%Y%m%d}:{digest}",
        text=text,
        rep_id=rep.id if rep else None,
        customer_id=person.id,
        message_id=found.message_id,
        delivery_id=found.delivery.id if found.delivery else None,
    )


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
        return _refuse(session, runtime, reply, said, found, callback_id, f"it {why}")
    return None


def _refuse(
    session: Session,
    runtime: Runtime,
    reply: InboundReply,
    said: _Said,
    found: Match,
    callback_id: int | None,
    why: str,
) -> Reply:
    """Kept, but not passed on; the representative is told at their own address."""
    assert found.staff is not None
    assert found.conversation is not None
    digest = hashlib.sha256(reply.dedupe.encode()).hexdigest()[:32]
    if caps.may_answer(session, runtime, found.staff):
        reply_notices.tell_not_sent(session, runtime, found.staff, found.conversation, why, digest)
    note = f"an answer of {found.staff.email}, not passed on: {why}"
    return _keep(session, runtime, reply, said, Match(), callback_id, "answer", note, state="settled")
