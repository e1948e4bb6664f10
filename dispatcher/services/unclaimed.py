"""Conversations that nobody claims go on: to the cover, then to the desk; and to whom the rules name, where whoever had
them has left.
"""

from __future__ import annotations

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Grant, Reply, Staff, Task
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, passing, reply_notices, routing, tasks
from dispatcher.services.audit import record
from dispatcher.services.routing import PASSED_TO_DESK

UNCLAIMED = "unclaimed"  # the kind of a task


def due(session: Session, runtime: Runtime) -> list[int]:
    """Conversations that nobody has claimed in time, and those whose owner works here no more, or answers nobody."""
    # By the time alone, for which there is an index: whoever claims or closes one takes its time away.
    late = (
        select(Conversation.id).where(Conversation.claim_by <= runtime.now()).order_by(Conversation.claim_by).limit(200)
    )
    answering = select(Grant.staff_id).where(Grant.role.in_(routing.ANSWERING))
    gone = select(Staff.id).where(or_(Staff.active.is_(False), Staff.id.not_in(answering)))
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
    if owner is None or not routing.answers(owner):
        return _inherit(session, runtime, conversation)
    if conversation.state != "open" or conversation.claim_by is None or conversation.claim_by > runtime.now():
        return False
    return _pass(session, runtime, conversation)


def _inherit(session: Session, runtime: Runtime, conversation: Conversation) -> bool:
    """Who had it has left: the rules say who comes next, and they are told."""
    conversation.state, conversation.claimed_by, conversation.passes = "open", None, 0
    passing.route(session, runtime, conversation)
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
        said = passing.said_in(session, conversation)
        again = routing.decide(session, runtime, conversation.customer, conversation.message, said)
        conversation.claim_by = passing.within(runtime, again.minutes)
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
        dedupe=f"{UNCLAIMED}:{conversation.id}:{passing.newest(session, conversation)}",
        text=f"Nobody has claimed the conversation {conversation.id} with {who}: answer it, or ask who will",
        customer_id=conversation.customer_id,
        message_id=conversation.message_id,
    )


def _tell(session: Session, runtime: Runtime, conversation: Conversation, why: str) -> None:
    """The newest words of the customer once more, to whom it is now."""
    number = passing.newest(session, conversation)
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
            short_text=reply_notices.short_text(runtime, conversation, reply, person),
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
