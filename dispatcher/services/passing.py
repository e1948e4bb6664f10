"""Whose inbox a conversation is in: given by the rules, and passed on while nobody claims it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Grant, Reply, Staff, Task
from dispatcher.model.conversation import READ
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, reply_notices, routing, tasks
from dispatcher.services.audit import record
from dispatcher.services.routing import PASSED_TO_DESK, Routed, Said

UNCLAIMED = "unclaimed"  # the kind of a task
_WORDS_THAT_COUNT = ("question", "call")
_OF_COMPLAINTS = ("compliance", "admin")


# --- by the rules -----------------------------------------------------------------------------------------


def route(session: Session, runtime: Runtime, conversation: Conversation) -> bool:
    """Give it to whom the rules say, by all that was said since it was last closed; whether it changed hands.

    Its row is held by the caller, and its replies are stored, the newest among them: the order in which they came
    does not count. Who has claimed it keeps it, unless they are away or somebody complains.
    """
    session.flush()
    if conversation.state == "closed" and conversation.rep_id is not None:
        return False
    said = _said(session, conversation)
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
    if staff.id == conversation.rep_id or staff.has(*_OF_COMPLAINTS):
        return True
    return not _complained(_said(session, conversation))


def _complained(said: list[Said]) -> bool:
    return any(one.kind == "complaint" for one in said)


def _said(session: Session, conversation: Conversation) -> list[Said]:
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
    if conversation.state == "claimed" and claimer is not None and claimer.active:
        there = not covers.is_away(runtime, covers.standing_in(session, runtime, claimer))
        is_theirs = not covers.is_away(runtime, claimer) or not there
        return is_theirs and (not is_complaint or claimer == routed.staff or claimer.has(*_OF_COMPLAINTS))
    if conversation.passes == 0 or conversation.routed_to != routed.target:
        return False
    # It has been passed on: a further word does not take it back to where nobody claimed it.
    owner = session.get(Staff, conversation.rep_id) if conversation.rep_id else None
    if owner is None or not owner.active:
        return False
    if conversation.claim_by is not None:
        conversation.claim_by = min(conversation.claim_by, _in(runtime, routed.minutes))
    return True


def _give(session: Session, runtime: Runtime, conversation: Conversation, routed: Routed, complained: bool) -> bool:
    former = conversation.claimed_by or conversation.rep_id
    new = routed.staff.id if routed.staff else None
    same = (conversation.rep_id, conversation.routed_by) == (new, routed.rule) and conversation.state == "open"
    due = _in(runtime, routed.minutes)
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


def _in(runtime: Runtime, minutes: int) -> datetime:
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


# --- on and on --------------------------------------------------------------------------------------------


def due(session: Session, runtime: Runtime) -> list[int]:
    """Conversations that nobody has claimed in time, and those whose owner works here no more."""
    # By the time alone, for which there is an index: whoever claims or closes one takes its time away.
    late = (
        select(Conversation.id).where(Conversation.claim_by <= runtime.now()).order_by(Conversation.claim_by).limit(200)
    )
    gone = select(Staff.id).where(Staff.active.is_(False))
    somebody = exists().where(Grant.staff_id == Staff.id, Grant.role.in_(("rep", "admin")), Staff.active)
    left = (
        select(Conversation.id)
        .where(
            Conversation.state.in_(("open", "claimed")),
            or_(
                Conversation.claimed_by.in_(gone),
                and_(
                    Conversation.claimed_by.is_(None),
                    or_(Conversation.rep_id.is_(None), Conversation.rep_id.in_(gone)),
                ),
            ),
            somebody,
        )
        .limit(200)
    )
    return list(dict.fromkeys([*session.scalars(late), *session.scalars(left)]))


def pass_on(session: Session, runtime: Runtime, conversation_id: int) -> bool:
    """The next step for one of those that are `due`: to the cover, then to the desk, where it stays with a task."""
    conversation = session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if conversation is None:
        return False
    if conversation.state != "open":
        conversation.claim_by = None
    if conversation.state == "closed":
        return False
    has_it = conversation.claimed_by or conversation.rep_id
    owner = session.get(Staff, has_it) if has_it else None
    if owner is None or not owner.active:
        return _inherit(session, runtime, conversation)
    if conversation.state != "open" or conversation.claim_by is None or conversation.claim_by > runtime.now():
        return False
    return _pass(session, runtime, conversation)


def _inherit(session: Session, runtime: Runtime, conversation: Conversation) -> bool:
    """Who had it has left: the rules say who comes next, and they are told."""
    conversation.state, conversation.claimed_by, conversation.passes = "open", None, 0
    route(session, runtime, conversation)
    _tell(session, runtime, conversation, "who had it has left")
    return True


def _pass(session: Session, runtime: Runtime, conversation: Conversation) -> bool:
    former = session.get(Staff, conversation.rep_id) if conversation.rep_id else None
    first = conversation.passes == 0 and conversation.routed_to != "desk" and former is not None
    to = _cover(session, runtime, conversation, former) if first and former else None
    if to is None:
        conversation.passes = PASSED_TO_DESK
        to = routing.desk(session, runtime, but=conversation.rep_id)
        conversation.claim_by = None
    else:
        conversation.passes = 1
        said = _said(session, conversation)
        again = routing.decide(session, runtime, conversation.customer, conversation.message, said)
        conversation.claim_by = _in(runtime, again.minutes)
    if to is None:
        return False
    conversation.rep_id = to.id
    how = f"not claimed by {former.name}" if former else "not claimed"
    where = "the desk" if conversation.passes >= PASSED_TO_DESK else to.name
    conversation.routed_by = f"{conversation.routed_by[:140]}; {how}: {where}"[:200]
    if conversation.passes >= PASSED_TO_DESK:
        _open_task(session, conversation)
    record(
        session, runtime, "system", "pass conversation on", f"conversation {conversation.id}",
        to=to.email, passes=conversation.passes, before=former.email if former else None,
    )  # fmt: skip
    _tell(session, runtime, conversation, how)
    return True


def _cover(session: Session, runtime: Runtime, conversation: Conversation, former: Staff) -> Staff | None:
    """Who stands in for them, else another who holds the role that the rule named; nobody who is away."""
    others = routing.holders(session, "compliance") if conversation.routed_to == "compliance" else []
    for one in (former.cover, *others):
        if one is None or not one.active:
            continue
        there = covers.standing_in(session, runtime, one)
        if there.id != former.id and not covers.is_away(runtime, there):
            return there
    return None


def _open_task(session: Session, conversation: Conversation) -> None:
    who = reply_notices.who(conversation.customer)
    tasks.open_task(
        session,
        kind=UNCLAIMED,
        dedupe=f"{UNCLAIMED}:{conversation.id}:{newest(session, conversation)}",
        text=f"Nobody has claimed the conversation {conversation.id} with {who}: answer it, or ask who will",
        customer_id=conversation.customer_id,
        message_id=conversation.message_id,
    )


def _tell(session: Session, runtime: Runtime, conversation: Conversation, why: str) -> None:
    """The newest words of the customer once more, to whom it is now."""
    number = newest(session, conversation)
    if number is None:
        return
    reply = session.get_one(Reply, number)
    head = f"This is with you now: {why}."
    for person in routing.people(session, runtime, conversation):
        letters.tell_staff(
            session,
            runtime,
            person,
            kind="reply",
            dedupe=f"passed:{conversation.id}:{reply.id}:{conversation.passes}",
            subject=f"With you now: {reply_notices.who(conversation.customer)} waits for an answer",
            text=f"{head}\n\n{reply_notices.long_text(runtime, conversation, reply)}",
            short_text=reply_notices.short_text(runtime, conversation, reply),
            message_id=conversation.message_id,
            conversation=conversation,
        )


def close_claimed(session: Session, runtime: Runtime) -> int:
    """Close the tasks about conversations that somebody has claimed or closed since; how many."""
    same = and_(
        Conversation.customer_id == Task.customer_id,
        or_(
            Conversation.message_id == Task.message_id,
            and_(Conversation.message_id.is_(None), Task.message_id.is_(None)),
        ),
    )
    settled = session.scalars(
        select(Task.id)
        .join(Conversation, same)
        .where(Task.state == "open", Task.kind == UNCLAIMED, Conversation.state != "open")
    ).all()
    if settled:
        session.execute(
            update(Task)
            .where(Task.id.in_(settled), Task.state == "open")
            .values(state="closed", answer=tasks.SETTLED, closed_at=runtime.now())
            .execution_options(synchronize_session=False)
        )
    return len(settled)
