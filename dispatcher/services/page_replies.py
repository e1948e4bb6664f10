"""Takes in what customers write on the page of an alert."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Reply
from dispatcher.model.conversation import WISHES
from dispatcher.model.errors import NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import mail_text, matching, reply_store, understanding, wishes
from dispatcher.services.once import clean
from dispatcher.services.understanding import Understood

MOST_FROM_PAGE = mail_text.MOST
# What is written beside a wish to be called, and must not be taken for a mere wish to be called.
URGENT = ("order", "complaint")
_SAME_PAGE_REPLY = timedelta(minutes=10)


def from_page(session: Session, runtime: Runtime, delivery_id: int, text: str, wants_call: bool) -> Reply:
    """What a customer wrote on the page of an alert; the same words within ten minutes count once.

    Raises NotFound for a delivery that nobody can hold, Refused without words or a wish to be called.
    """
    delivery = session.get(Delivery, delivery_id)
    if delivery is None or not delivery.may_be_answered:
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
    meant = understanding.of_words("page", words)
    if wants_call and meant.kind in URGENT:
        note = "; ".join(one for one in (note, "asks to be called as well") if one)
    elif wants_call:
        meant = Understood("call", "button")
    if meant.kind in WISHES:  # the page has buttons for these: what is written is read by a person
        meant = Understood(doubt=meant.kind, because=meant.because)
    kept = reply_store.keep(
        session,
        runtime,
        dedupe=keys[0],
        channel="page",
        sender=delivery.address,
        understood=meant,
        text=words,
        person=person,
        message_id=delivery.message_id,
        delivery_id=delivery.id,
        note=note,
    )
    # Whoever an alert was passed on to has its link, too: they silence nobody.
    wishes.ask(session, kept, delivery.channel, delivery.address)
    return kept
