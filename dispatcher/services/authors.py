"""Tells when a mail or a text message is an alert by one of our analysts, or the written form of a dictated one.

It only tells. A From line and a caller's number prove nothing: what comes of it is a draft, and the person in whose
name it is hears of that at the address we know.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList, Letter, Message, Recording, Staff, StaffCall
from dispatcher.model.call import ALERT
from dispatcher.model.ports import InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import references, staff_calls
from dispatcher.services.references import Quoted

MAILBOX = "alerts"
# The kinds of letters that tell authors of their alerts; who answers one by mail gives the alert its text.
ABOUT_DRAFT, ABOUT_DICTATED = "draft", "dictation"
WITHIN = timedelta(hours=1)  # after a dictated alert, its written form may follow
_ANSWERED_WITHIN = timedelta(hours=24)
_MOST_QUOTED = 20
_LIST_IN_FRONT = re.compile(r"\s*#([^\s#:,]{1,100})")


# --- who --------------------------------------------------------------------------------------------------


def by_mail(session: Session, runtime: Runtime, reply: InboundReply) -> Staff | None:
    """The analyst in whose name a mail to `alerts@…` or to a list's address came."""
    names = mailboxes(runtime, reply.recipients)
    if not names:
        return None
    return of(session, "email", reply.sender) if MAILBOX in names or lists_at(session, names) else None


def by_answer(session: Session, runtime: Runtime, letter: Letter, sender: str) -> Staff | None:
    """The analyst who answers the letter about their own draft; the token in its address is the proof."""
    person = letter.staff
    if letter.kind not in (ABOUT_DRAFT, ABOUT_DICTATED) or letter.message_id is None:
        return None
    if person is None or not person.has("analyst"):
        return None
    return person if sender == person.email and letter.created_at > runtime.now() - _ANSWERED_WITHIN else None


def by_number(session: Session, number: str) -> Staff | None:
    """The analyst whose registered telephone this is; None where several people have it."""
    person = staff_calls.by_number(session, number)
    return person if person is not None and person.has("analyst") else None


def of(session: Session, channel: str, sender: str) -> Staff | None:
    """The active analyst who has this address or number."""
    if channel == "sms":
        return by_number(session, sender.strip())
    person = session.scalar(select(Staff).where(Staff.email == sender.strip().lower()))
    return person if person and person.has("analyst") else None


# --- what -------------------------------------------------------------------------------------------------


def mailboxes(runtime: Runtime, recipients: tuple[str, ...]) -> tuple[str, ...]:
    """The names before the @ of our own domain that a mail went to, in lower case."""
    domain = runtime.settings.inbound_email_domain.lower()
    pairs = [one.strip().lower().rpartition("@")[::2] for one in recipients]
    return tuple(dict.fromkeys(local for local, host in pairs if local and (not domain or host == domain)))


def lists_at(session: Session, names: tuple[str, ...]) -> list[DistributionList]:
    """The lists whose keys are these mailboxes."""
    wanted = [one for one in names if one != MAILBOX]
    if not wanted:
        return []
    query = select(DistributionList).where(func.lower(DistributionList.key).in_(wanted))
    return list(session.scalars(query.order_by(DistributionList.key)))


def is_marked(session: Session, runtime: Runtime, author: Staff, text: str, at: datetime) -> bool:
    """Whether a text says by itself that it is an alert: it quotes one of theirs, or a list stands in front.

    A list's key that is a number is no mark: "#12" is how a representative answers a customer.
    """
    if quoted(session, runtime, author, text, at):
        return True
    named = _LIST_IN_FRONT.match(text)
    return bool(
        named
        and not named[1].isdigit()
        and session.scalar(
            select(DistributionList.id).where(func.lower(DistributionList.key) == named[1].lower()).limit(1)
        )
    )


def quotes(session: Session, runtime: Runtime, author: Staff, text: str, at: datetime) -> bool:
    """Whether a text has the right reference of one of this author's alerts."""
    found = quoted(session, runtime, author, text, at)
    return found is not None and references.is_right(runtime, found)


def quoted(session: Session, runtime: Runtime, author: Staff, text: str, at: datetime) -> Quoted | None:
    """The reference in a text to an alert of this author. One with wrong digits only in front, and of one just
    dictated: `references.is_right` tells them apart."""
    wrong = None
    for one in islice(references.quoted_in(text), _MOST_QUOTED):
        if references.is_right(runtime, one):
            if _is_theirs(session, author, one.message_id):
                return one
        elif one.in_front and wrong is None:
            call = dictated(session, author, at, one.message_id)
            wrong = one if call else None
    return wrong


def _is_theirs(session: Session, author: Staff, message_id: int) -> bool:
    query = select(Message.id).where(Message.id == message_id, Message.author_id == author.id)
    return session.scalar(query) is not None


def dictated(session: Session, author: Staff, at: datetime, message_id: int | None = None) -> StaffCall | None:
    """Their last call, after the right PIN, in which an alert was recorded within the hour before `at`."""
    query = (
        select(StaffCall)
        .join(Recording, Recording.staff_call_id == StaffCall.id)
        .where(
            StaffCall.staff_id == author.id,
            StaffCall.proven_at.is_not(None),
            func.coalesce(StaffCall.ended_at, StaffCall.proven_at) > at - WITHIN,
            StaffCall.proven_at <= at,
            Recording.purpose == ALERT,
            Recording.state.in_(("waiting", "kept")),
        )
        .order_by(StaffCall.id.desc())
        .limit(1)
    )
    return session.scalar(query.where(StaffCall.message_id == message_id) if message_id else query)
