"""Takes in what people send us: kept, understood, matched to a conversation, told to its owner; wishes obeyed."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Reply, Response
from dispatcher.model.conversation import MACHINES, WISHES
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import alert_intake, fax_documents, machines, matching, staff_answers, understanding, wishes
from dispatcher.services.arrival import Arrival, read
from dispatcher.services.matching import Match
from dispatcher.services.once import clean
from dispatcher.services.page_replies import from_page
from dispatcher.services.reply_store import visible
from dispatcher.services.understanding import Understood

__all__ = ["from_page", "receive", "visible"]

_CARRIERS_HELP = "the carrier has answered this word"


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
    said = read(reply)
    found = matching.match(session, runtime, reply, said.own or said.shown)
    arrival = Arrival(session, runtime, reply, said, found, callback_id)
    if reply.channel == fax_documents.CHANNEL:
        return fax_documents.take(arrival)
    verdict = machines.judge(runtime, reply, said.own)
    if verdict.machine:
        return machines.take(arrival, verdict)
    name = found.customer.name if found.customer else ""
    understood = understanding.of_words(
        reply.channel, said.own, subject=reply.subject, keyword=reply.keyword, name=name
    )
    if understood.kind in MACHINES and machines.is_personal(said.own):
        # "I'm out today, call me": of a note of absence nobody is told.
        understood = Understood("other", understood.by, understood.because, machines.DOUBT)
    if verdict.doubtful:
        understood = _as_doubtful(understood)
        if found.staff or found.author:  # their words go to customers: nothing may be doubtful
            arrival = replace(arrival, found=replace(found, note="perhaps written by a machine"))
            found = arrival.found
    if reply.distrust and understood.kind in (*WISHES, "order"):
        understood = understood.doubted()
    if wishes.is_overtaken(arrival, understood):
        said_since = "not obeyed: they have said the contrary since"
        return arrival.keep(understood, said_since, state=wishes.state_of(arrival))
    if understood.kind in WISHES and wishes.may_be_obeyed(arrival, understood):
        return wishes.obey(arrival, understood)
    if found.author:
        return _take_in(arrival, understood)
    if found.staff and found.conversation:
        return staff_answers.take(arrival, understood)
    if understood.kind in WISHES:
        understood = Understood(doubt=understood.kind, because=understood.because)
    if found == Match(note=found.note):
        staff_answers.tell_lost(arrival, understood)
    return wishes.weigh(arrival, understood, _CARRIERS_HELP if reply.keyword == "help" else "")


def _as_doubtful(understood: Understood) -> Understood:
    """What may be a machine's: no wish is obeyed on its word, and nothing is written to it by itself."""
    if understood.kind in WISHES:
        return understood.doubted()
    return understood if understood.doubt in WISHES else replace(understood, doubt=machines.DOUBT)


def _take_in(arrival: Arrival, understood: Understood) -> Reply:
    reply, found = arrival.reply, arrival.found
    if reply.keyword == "help":
        return arrival.keep(understood, _CARRIERS_HELP, state="settled", found=Match())
    assert found.author is not None
    return alert_intake.keep(
        arrival.session,
        arrival.runtime,
        reply,
        found.author,
        text=arrival.said.shown,
        original=arrival.said.original,
        message_id=found.message_id,
        doubt=found.note,
        callback_id=arrival.callback_id,
    )
