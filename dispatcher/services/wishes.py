"""Wishes about our messages themselves, obeyed at once: no more of this, again, this is not me."""

from __future__ import annotations

import hashlib

from dispatcher.model import Reply
from dispatcher.services import keywords, suppressions, tasks
from dispatcher.services.arrival import Arrival
from dispatcher.services.directory import owner_of
from dispatcher.services.once import clean
from dispatcher.services.understanding import Understood

_ASKS = {
    "opt-out": "wants no more of this",
    "opt-in": "wants to get this again",
    "wrong-person": "says this is not theirs",
}


def may_be_obeyed(arrival: Arrival, understood: Understood) -> bool:
    """False where a person must read it: a forged mail must not cut a customer off, a representative's goes out.

    A sender of mail who knows no token of ours may be anybody.
    """
    reply, found = arrival.reply, arrival.found
    if reply.channel == "email" and (found.staff or not (found.address or not reply.verified)):
        return False
    if understood.kind == "wrong-person":
        return not (found.author or found.staff)
    if understood.kind == "opt-in" and keywords.is_agreement(arrival.said.own):
        order = suppressions.in_force(arrival.session, reply.channel, reply.sender)
        return order is not None and order.reason in suppressions.THEIR_OWN
    return True


def obey(arrival: Arrival, understood: Understood) -> Reply:
    """At once, and recorded; never forwarded as if it were an answer."""
    if arrival.found.stranger:
        return _keep_strangers(arrival, understood)
    if understood.kind == "wrong-person":
        return _stop_for_wrong_person(arrival, understood)
    found, session, runtime = arrival.found, arrival.session, arrival.runtime
    # The reply first: whoever writes takes the conversation before the record's chain, so nobody waits in a circle.
    kept = arrival.keep(understood, state="" if found.customer else "settled")
    actor = f"customer {found.customer.key}" if found.customer else "system"
    channel, address = arrival.reply.channel, _address(arrival)
    if understood.kind == "opt-in":
        suppressions.lift(session, runtime, channel, address, actor, reasons=suppressions.THEIR_OWN)
    else:
        words = " ".join(arrival.said.own.split())[:60] or arrival.reply.subject[:60] or "STOP"
        suppressions.suppress(session, runtime, channel, address, "opt-out", f"{channel} {words}", actor)
    return kept


def _stop_for_wrong_person(arrival: Arrival, understood: Understood) -> Reply:
    """Somebody else has this address now: nothing more goes there, and the representative finds the right one."""
    kept = arrival.keep(understood, "says they are the wrong person: nothing more is sent to this address")
    channel, address = arrival.reply.channel, _address(arrival)
    source = f"{channel} {' '.join(arrival.said.own.split())[:60]}"
    suppressions.suppress(arrival.session, arrival.runtime, channel, address, "wrong-person", source)
    _find_out(
        arrival, f"wrong-person:{channel}:{address}", f"{address} says this is not theirs: find the right address"
    )
    return kept


def _keep_strangers(arrival: Arrival, understood: Understood) -> Reply:
    """An alert that was passed on carries its reply address along: who got it that way silences nobody else."""
    reply, address, what = arrival.reply, arrival.found.address, _ASKS[understood.kind]
    sender = clean(reply.sender.strip().lower(), 320)
    doubtful = Understood(doubt=understood.kind, by=understood.by, because=understood.because)
    kept = arrival.keep(doubtful, f"{what}, but is not {address}: nothing was changed")
    text = f"{sender} {what}, in answer to an alert to {address}: ask the customer and mend the address if it is wrong"
    _find_out(arrival, f"wrong-person:{reply.channel}:{address}:{sender}", text)
    return kept


def _address(arrival: Arrival) -> str:
    return clean(arrival.found.address or arrival.reply.sender, 320)


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
