"""Wishes about our messages themselves, obeyed at once: no more of this, again, this is not me.

What may be one is asked of a person, and until they have answered all that goes to that contact point waits.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Letter, Reply, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services import confirmations, keywords, languages, meant_points, suppressions, tasks
from dispatcher.services.arrival import Arrival
from dispatcher.services.once import clean
from dispatcher.services.ownership import owner_of
from dispatcher.services.reply_notices import WAYS
from dispatcher.services.understanding import Understood

_ASKS = {
    "opt-out": "wants no more of this",
    "opt-in": "wants to get this again",
    "wrong-person": "says this is not theirs",
}
_JUST_SAID = timedelta(seconds=30)
_CONTRARY = {"opt-out": "opt-in", "opt-in": "opt-out"}
_OBEYED = 60  # characters of what was said that an order keeps as its source


def may_be_obeyed(arrival: Arrival, understood: Understood) -> bool:
    """False where a person must read it: a forged mail must not cut a customer off, a representative's goes out.

    Analysts write of what customers should stop and sell, and representatives to them: of the words of both only STOP
    and the like is a wish.
    """
    if not _is_theirs(arrival):
        return False
    reply = arrival.reply
    ours = arrival.found.author or arrival.found.staff
    if ours and not keywords.wish_of(reply.channel, arrival.said.own, reply.keyword):
        return False
    return _may_come_back(arrival) if understood.kind == "opt-in" else True


def _is_theirs(arrival: Arrival) -> bool:
    """Whether it is the word of whoever has the address. A sender of mail who knows no token of ours may be anybody."""
    reply, found = arrival.reply, arrival.found
    if reply.distrust:
        return False
    return reply.channel != "email" or not (found.staff or not (found.address or not reply.verified))


def _may_come_back(arrival: Arrival) -> bool:
    """A bare yes only where it must mean that. What the carrier blocks it gives free for words of its own alone."""
    reply = arrival.reply
    agreed = keywords.is_agreement(arrival.said.own)
    order = suppressions.in_force(arrival.session, reply.channel, _address(arrival))
    if agreed:
        return order is not None and order.reason in suppressions.THEIR_OWN
    return order is None or order.mirror != "theirs" or reply.keyword == "start"


def is_overtaken(arrival: Arrival, understood: Understood) -> bool:
    """Whether they have said the contrary since: a text that no webhook brought is found minutes or days late."""
    session, reply = arrival.session, arrival.reply
    contrary = _CONTRARY.get(understood.kind)
    # What a webhook brings has just been said, whatever the clocks have done since the order was given.
    if contrary is None or reply.channel != "sms" or reply.received_at > arrival.runtime.now() - _JUST_SAID:
        return False
    later = select(Reply.id).where(
        Reply.channel == reply.channel,
        Reply.sender == clean(reply.sender, 320),
        Reply.kind == contrary,
        Reply.received_at > reply.received_at,
    )
    if session.scalar(later.limit(1)) is not None:
        return True
    order = suppressions.in_force(session, reply.channel, _address(arrival)) if contrary == "opt-out" else None
    return order is not None and order.created_at > reply.received_at


def obey(arrival: Arrival, understood: Understood) -> Reply:
    """At once, and recorded; never forwarded as if it were an answer. Confirmed, unless the carrier has done it."""
    if arrival.found.stranger:
        return _keep_strangers(arrival, understood)
    if understood.kind == "wrong-person":
        return _stop_for_wrong_person(arrival, understood)
    found, session, runtime, reply = arrival.found, arrival.session, arrival.runtime, arrival.reply
    channel, address = reply.channel, _address(arrival)
    # The reply first: whoever writes takes the conversation, then what waits, then the record's chain, so nobody waits
    # in a circle.
    points = [(channel, address)]
    if understood.kind == "opt-out":
        points = meant_points.of(found.customer, points[0], arrival.said.own)
    kept = arrival.keep(understood, state=state_of(arrival), stops=points)
    actor = f"customer {found.customer.key}" if found.customer else "system"
    language = languages.of_answer(arrival.said.own, found.customer.language if found.customer else "")
    if understood.kind == "opt-in":
        lifted = suppressions.take_back(
            session, runtime, channel, address, actor, reasons=suppressions.THEIR_OWN, topic=None
        )
        answered = reply.keyword == "start" or (channel == "sms" and keywords.is_agreement(arrival.said.own))
        for order in lifted[:1] if not answered else ():
            confirmations.of_return(session, runtime, order, found.customer, kept.conversation_id, language)
    else:
        for point in points:
            order = suppressions.suppress(
                session, runtime, *point, "opt-out", f"{channel} {words_of(kept) or 'STOP'}", actor,
                reply_id=kept.id, at_provider=reply.keyword == "stop",
            )  # fmt: skip
            confirmations.of_stop(session, runtime, order, found.customer, kept.conversation_id, language)
    return kept


def state_of(arrival: Arrival) -> str:
    """The state in which a wish is kept. One of nobody's is settled unseen only where it is clear what it ends: what
    goes to an address that we know, or all that the carrier would bring. Else somebody may have written from another
    address than the one that gets our alerts, and a person looks whose it is.
    """
    nobodys = arrival.found.customer is None
    return "settled" if nobodys and (arrival.reply.keyword == "stop" or _is_known(arrival)) else ""


def _is_known(arrival: Arrival) -> bool:
    session, channel, address = arrival.session, arrival.reply.channel, _address(arrival)
    known = (
        select(ContactPoint.id).where(ContactPoint.address == address),
        select(Suppression.id).where(Suppression.channel == channel, Suppression.address == address),
        select(Letter.id).where(Letter.channel == channel, Letter.address == address),
    )
    return any(session.scalar(one.limit(1)) is not None for one in known)


def _stop_for_wrong_person(arrival: Arrival, understood: Understood) -> Reply:
    """Somebody else has this address now: nothing more goes there, no answer either, and the representative finds the
    right one."""
    channel, address = arrival.reply.channel, _address(arrival)
    said = "says they are the wrong person: nothing more is sent to this address"
    kept = arrival.keep(understood, said, stops=[(channel, address)])
    suppressions.suppress(
        arrival.session, arrival.runtime, channel, address, "wrong-person", f"{channel} {words_of(kept)}",
        reply_id=kept.id,
    )  # fmt: skip
    _find_out(
        arrival, f"wrong-person:{channel}:{address}", f"{address} says this is not theirs: find the right address"
    )
    return kept


def _keep_strangers(arrival: Arrival, understood: Understood) -> Reply:
    """An alert that was passed on carries its reply address along: who got it that way silences nobody else."""
    reply, address, what = arrival.reply, arrival.found.address, _ASKS[understood.kind]
    sender = clean(reply.sender.strip().lower(), 320)
    doubtful = understood.doubted()
    kept = arrival.keep(doubtful, f"{what}, but is not {address}: nothing was changed")
    text = f"{sender} {what}, in answer to an alert to {address}: ask the customer and mend the address if it is wrong"
    _find_out(arrival, f"wrong-person:{reply.channel}:{address}:{sender}", text)
    return kept


def _address(arrival: Arrival) -> str:
    return clean(arrival.found.address or arrival.reply.sender, 320)


def words_of(reply: Reply) -> str:
    """How much of what was said an order keeps as its source."""
    return (" ".join(reply.text.split()) or reply.subject)[:_OBEYED]


def _find_out(arrival: Arrival, of: str, text: str) -> None:
    """A task for the owner, once a day for each address and who speaks of it; without a customer none."""
    person = arrival.found.customer
    if person is None:
        return
    rep = owner_of(arrival.session, person)
    digest = hashlib.sha256(of.encode()).hexdigest()[:32]
    tasks.open_task(
        arrival.session,
        kind="wrong-person",
        dedupe=f"wrong-person:{person.id}:{arrival.runtime.now():%Y%m%d}:{digest}",
        text=text,
        rep_id=rep.id if rep else None,
        customer_id=person.id,
        message_id=arrival.found.message_id,
        delivery_id=arrival.found.delivery.id if arrival.found.delivery else None,
    )


# --- what may be a wish -----------------------------------------------------------------------------------


def weigh(arrival: Arrival, understood: Understood, note: str) -> Reply:
    """Keep a reply; where it may be an opt-out, hold the contact point it speaks of, unless anybody may have written
    it.
    """
    theirs = _is_theirs(arrival) and not (arrival.found.stranger or arrival.found.staff)
    point = (arrival.reply.channel, _address(arrival))
    if not theirs or understood.doubt != "opt-out":
        return arrival.keep(understood, note)
    kept = arrival.keep(understood, note, stops=[point])
    hold(arrival.session, arrival.runtime, kept, *point)
    return kept


def hold(session: Session, runtime: Runtime, reply: Reply, channel: str, address: str) -> None:
    """Nothing more to this contact point until a person has said what a doubtful reply meant: asked once, by a task.

    Nothing is done where the reply is not doubtful, no customer has the address, or an order stands already.
    """
    if reply.doubt != "opt-out" or suppressions.in_force(session, channel, address) is not None:
        return
    point = select(ContactPoint.id).where(ContactPoint.channel == channel, ContactPoint.address == address)
    if session.scalar(point.limit(1)) is None:
        return
    person = session.get(Customer, reply.customer_id) if reply.customer_id else None
    actor = f"customer {person.key}" if person else "system"
    order = suppressions.suppress(
        session, runtime, channel, address, "doubt", f"{reply.channel} {words_of(reply)}", actor, reply_id=reply.id
    )
    if order.reply_id != reply.id:
        return  # another worker was quicker
    _ask(session, reply, f"Until you have said so, alerts to {address} wait")


def ask(session: Session, reply: Reply, channel: str, address: str) -> None:
    """A doubtful reply that anybody may have written: a person asks them, and what goes to `address` goes on."""
    if reply.doubt == "opt-out" and suppressions.in_force(session, channel, address) is None:
        _ask(session, reply, f"Anybody who has that alert may have written it, so alerts to {address} go on: ask them")


def _ask(session: Session, reply: Reply, until: str) -> None:
    person = session.get(Customer, reply.customer_id) if reply.customer_id else None
    rep = owner_of(session, person) if person else None
    way = WAYS.get(reply.channel, reply.channel)
    tasks.open_task(
        session,
        kind="doubt",
        dedupe=suppressions.doubt_task(reply.id),
        text=f"Do they want no more of this? “{words_of(reply)}”, by {way}. {until}",
        rep_id=(reply.conversation.rep_id if reply.conversation else None) or (rep.id if rep else None),
        customer_id=reply.customer_id,
        message_id=reply.message_id,
        delivery_id=reply.delivery_id,
    )
