"""What our own people answer by mail or text message: passed on to the customer, or refused and said so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Conversation, Reply, Staff
from dispatcher.model.conversation import MACHINES, WISHES
from dispatcher.model.errors import DispatcherError, Refused
from dispatcher.model.ports import File
from dispatcher.services import answer_notices, caps, conversations, reply_store, responses
from dispatcher.services.arrival import Arrival
from dispatcher.services.matching import UNPROVEN, Match
from dispatcher.services.once import clean
from dispatcher.services.order_words import is_verdict
from dispatcher.services.understanding import Understood

_SENDS = or_(func.lower(Reply.sender) == Staff.email, Reply.sender == Staff.phone)
_SMALL = 30_000  # bytes
# "Confirmed", sent on to the customer, would read like a deal that nobody has taken on.
_VERDICT = "confirms and declines nothing: an order is claimed, read back and decided on the page alone"


def take(arrival: Arrival, understood: Understood) -> Reply | None:
    """Make a response of it: then None. What may not be passed on is kept, and its writer is told."""
    found, reply = arrival.found, arrival.reply
    assert found.staff is not None
    assert found.conversation is not None
    if found.note:
        return _refuse(arrival, understood, f"it is {found.note}")
    via = "mail" if reply.channel == "email" else "sms"
    text = arrival.said.own if found.text is None else found.text
    if is_verdict(text) and conversations.has_open_order(arrival.session, found.conversation):
        return _refuse(arrival, understood, _VERDICT)
    key = clean(reply.dedupe, 200)
    try:
        responses.respond(
            arrival.session, arrival.runtime, found.staff, found.conversation.id, text, via=via, dedupe=key
        )
    except DispatcherError as error:
        why = error.fields["text"] if isinstance(error, Refused) and "text" in error.fields else str(error)
        return _refuse(arrival, understood, f"it {why}")
    _tell_of_files(arrival, found.staff, found.conversation)
    return None


def _tell_of_files(arrival: Arrival, staff: Staff, conversation: Conversation) -> None:
    """A response carries words alone: who sends a file with it must not believe that the customer has it."""
    names = [one.name for one in arrival.reply.attachments if not _is_of_signature(one, arrival.reply.html)]
    if names and caps.may_answer(arrival.session, arrival.runtime, staff):
        answer_notices.tell_files_dropped(
            arrival.session, arrival.runtime, staff, conversation, names, _digest(arrival)
        )


def _is_of_signature(file: File, page: str) -> bool:
    """A small picture within the page: the logo below every mail of theirs, and no file of anybody's."""
    within = "cid:" in page and file.name in page
    return file.media_type.startswith("image/") and within and len(file.content) < _SMALL


def _digest(arrival: Arrival) -> str:
    return hashlib.sha256(arrival.reply.dedupe.encode()).hexdigest()[:32]


def _refuse(arrival: Arrival, understood: Understood, why: str) -> Reply:
    """Kept, but not passed on; the representative is told at their own address."""
    staff, conversation = arrival.found.staff, arrival.found.conversation
    assert staff is not None
    assert conversation is not None
    if caps.may_answer(arrival.session, arrival.runtime, staff):
        unproven = arrival.found.note == UNPROVEN
        tell = answer_notices.tell_unproven if unproven else answer_notices.tell_not_sent
        tell(arrival.session, arrival.runtime, staff, conversation, why, _digest(arrival))
    note = f"an answer of {staff.email}, not passed on: {why}"
    return arrival.keep(understood, note, state="settled", found=Match())


def is_by_colleague() -> ColumnElement[bool]:
    """Whether a reply came from an address or a telephone of somebody who works here, or did, and is no customer's.

    A From line that nothing proves is nobody's: a forged one is no colleague's word.
    """
    here = select(Staff.id).where(_SENDS).correlate(Reply).exists()
    theirs = select(ContactPoint.id).where(ContactPoint.address == func.lower(Reply.sender)).correlate(Reply).exists()
    unproven = or_(Reply.note.contains(reply_store.UNVERIFIED), func.length(Reply.note) >= reply_store.MOST_NOTE)
    return and_(here, ~theirs, ~unproven)


def colleagues(session: Session, replies: Sequence[Reply]) -> dict[int, Staff]:
    """Of these replies those that came from colleagues, by id."""
    rows = session.execute(
        select(Reply.id, Staff)
        .join(Staff, _SENDS)
        .where(Reply.id.in_([one.id for one in replies]), is_by_colleague())
        .order_by(Staff.id.desc())
    )
    return {row.id: row.Staff for row in rows}


def tell_lost(arrival: Arrival, understood: Understood) -> None:
    """A text message of a colleague's that belongs to no conversation: they are told how it would. Nobody else is."""
    session, runtime, reply = arrival.session, arrival.runtime, arrival.reply
    if (
        reply.channel != "sms"
        or reply.keyword
        or reply.distrust
        or understood.doubt
        or understood.kind in (*WISHES, *MACHINES)
    ):
        return
    whose = select(Staff).where(Staff.phone == reply.sender.strip(), Staff.active.is_(True)).order_by(Staff.id).limit(1)
    person = session.scalars(whose).first()
    if person is not None and caps.may_answer(session, runtime, person):
        answer_notices.tell_how(session, runtime, person, _digest(arrival))
