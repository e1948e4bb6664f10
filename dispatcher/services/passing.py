"""Whose inbox a conversation is in: given by the rules, and kept by whoever claims it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Reply, Staff
from dispatcher.model.conversation import READ
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, reply_notices, routing
from dispatcher.services.audit import record
from dispatcher.services.routing import Routed, Said

_WORDS_THAT_COUNT = ("question", "call")


def route(session: Session, runtime: Runtime, conversation: Conversation) -> bool:
    """Give it to whom the rules say, by all that was said since it was last closed; whether it changed hands.

    Its row is held by the caller, and its replies are stored, the newest among them: the order in which they came
    does not count. Who has claimed it keeps it, unless they are away or somebody complains.
    """
    session.flush()
    if conversation.state == "closed" and conversation.rep_id is not None:
        return False
    said = said_in(session, conversation)
    routed = routing.decide(session, runtime, conversation.customer, conversation.message, said)
    if conversation.state == "closed":
        conversation.rep_id = routed.staff.id if routed.staff else None
        conversation.routed_by, conversation.routed_to = routed.rule, routed.target
        return False
    complained = _complained(said)
    if _stays(session, runtime, conversation, routed, complained):
        return False
    return _give(session, runtime, conversation, routed, complained)


def may_take_on(session: Session, conversation: Conversation, staff: Staff) -> bool:
    """Whether this person may claim or close it, its row being held.

    Not where somebody has complained since it was last closed: it may be about them. Those may who hold the roles for
    it, and whoever the rules have given it to.
    """
    if staff.id == conversation.rep_id or staff.has(*routing.OF_COMPLAINTS):
        return True
    return not _complained(said_in(session, conversation))


def _complained(said: list[Said]) -> bool:
    return any(one.kind == "complaint" for one in said)


def said_in(session: Session, conversation: Conversation) -> list[Said]:
    """What the rules go by: all that somebody is to read, since it was last closed."""
    rows = session.execute(
        select(Reply.kind, Reply.doubt, Reply.text)
        .where(
            Reply.conversation_id == conversation.id, Reply.kind.in_(READ), Reply.id > (conversation.done_up_to or 0)
        )
        .order_by(Reply.id)
    )
    # What may be an order, as a spoken answer that nobody has heard yet, waits no longer than one.
    kinds = [("order" if row.kind == "other" and row.doubt == "order" else row.kind, row.text) for row in rows]
    return [Said(kind, text if kind in _WORDS_THAT_COUNT else "") for kind, text in kinds]


def newest(session: Session, conversation: Conversation) -> int | None:
    """The id of the last reply in it that somebody is to read; None without one."""
    read = select(func.max(Reply.id)).where(Reply.conversation_id == conversation.id, Reply.kind.in_(READ))
    return session.scalar(read)


def _stays(session: Session, runtime: Runtime, conversation: Conversation, routed: Routed, is_complaint: bool) -> bool:
    claimer = session.get(Staff, conversation.claimed_by) if conversation.claimed_by else None
    if conversation.state == "claimed" and claimer is not None and routing.answers(claimer):
        there = not covers.is_away(runtime, covers.standing_in(session, runtime, claimer))
        is_theirs = not covers.is_away(runtime, claimer) or not there
        return is_theirs and (not is_complaint or claimer == routed.staff or claimer.has(*routing.OF_COMPLAINTS))
    if conversation.passes == 0 or conversation.routed_to != routed.target:
        return False
    # It has been passed on: a further word does not take it back to where nobody claimed it.
    owner = session.get(Staff, conversation.rep_id) if conversation.rep_id else None
    if owner is None or not routing.answers(owner):
        return False
    if conversation.claim_by is not None:
        conversation.claim_by = min(conversation.claim_by, within(runtime, routed.minutes))
    return True


def _give(session: Session, runtime: Runtime, conversation: Conversation, routed: Routed, complained: bool) -> bool:
    former = conversation.claimed_by or conversation.rep_id
    new = routed.staff.id if routed.staff else None
    same = (conversation.rep_id, conversation.routed_by) == (new, routed.rule) and conversation.state == "open"
    due = within(runtime, routed.minutes)
    if same and conversation.claim_by is not None:  # further words do not put it off
        due = min(conversation.claim_by, due)
    conversation.state, conversation.claimed_by, conversation.claim_by = "open", None, due
    if same:
        return False
    conversation.passes, conversation.rep_id = 0, new
    conversation.routed_by, conversation.routed_to = routed.rule, routed.target
    record(
        session, runtime, "system", "route conversation", f"conversation {conversation.id}",
        to=routed.staff.email if routed.staff else None, rule=routed.rule, minutes=routed.minutes,
    )  # fmt: skip
    if (complained or routed.target == "compliance") and former not in (None, new):
        _tell_former(session, runtime, conversation, session.get(Staff, former))
    return former != new


def within(runtime: Runtime, minutes: int) -> datetime:
    """By when it is to be claimed."""
    return runtime.now() + timedelta(minutes=minutes)


def _tell_former(session: Session, runtime: Runtime, conversation: Conversation, person: Staff | None) -> None:
    """Without what was said: a complaint may be about whoever had the conversation."""
    if person is None or not person.active:
        return
    who = reply_notices.who(conversation.customer)
    to = _whose(conversation)
    text = f"Your conversation with {who} has been given to {to}. You need do nothing; please answer no more."
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="moved",
        dedupe=f"moved:{conversation.id}:{newest(session, conversation)}",
        subject=f"With {to} now: your conversation with {who}",
        text=text,
        short_text=f"#{conversation.id} is with {to} now: please answer no more.",
    )


def _whose(conversation: Conversation) -> str:
    if conversation.routed_to == "compliance":
        return "compliance"
    if conversation.routed_to == "desk" or conversation.rep is None:
        return "the administrators"
    return conversation.rep.name
