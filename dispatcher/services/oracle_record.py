"""P6, every reply in one inbox; P8, every act on record; P9, no more calls than the cap allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, Exists, String, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatcher.model import (
    Attempt,
    AuditEntry,
    Conversation,
    Decision,
    Delivery,
    Grant,
    Letter,
    Message,
    Reply,
    Staff,
)
from dispatcher.model.conversation import MACHINES
from dispatcher.runtime import Runtime
from dispatcher.services.oracle import MOST, Breach, Promise, Question

# --- P6 ---------------------------------------------------------------------------------------------------


def every_reply_owned(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """A matched reply is in the conversation of its customer; an unmatched one in none."""
    wrong = (
        select(Reply.id, Reply.state)
        .outerjoin(Conversation, Reply.conversation_id == Conversation.id)
        .where(
            or_(
                and_(
                    Reply.state == "matched",
                    or_(
                        Conversation.id.is_(None),
                        Reply.customer_id.is_(None),
                        Reply.customer_id != Conversation.customer_id,
                    ),
                ),
                and_(Reply.state == "unmatched", Conversation.id.is_not(None)),
                Reply.state.not_in(("matched", "unmatched", "settled", "new")),
            )
        )
    )
    for row in session.execute(wrong.order_by(Reply.id).limit(MOST)):
        yield Breach("P6", f"reply {row.id}", f"is {row.state}, but not in exactly one inbox")


def every_conversation_owned(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """While it is not closed, a conversation is in the inbox of somebody who works here, or claimed by one."""
    here = select(Staff.id).where(Staff.active)
    somebody = exists().where(Grant.staff_id == Staff.id, Grant.role.in_(("rep", "admin")), Staff.active)
    left = select(Conversation.id, Conversation.state).where(
        Conversation.state != "closed",
        or_(Conversation.rep_id.is_(None), Conversation.rep_id.not_in(here)),
        or_(Conversation.claimed_by.is_(None), Conversation.claimed_by.not_in(here)),
        somebody,
    )
    for row in session.execute(left.order_by(Conversation.id).limit(MOST)):
        yield Breach("P6", f"conversation {row.id}", f"is {row.state}, and in the inbox of nobody who works here")


def no_answer_to_machines(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Where only a machine has written, nothing but a representative's own words goes back."""
    answered = (
        select(Letter.id, Letter.conversation_id)
        .where(
            Letter.customer_id.is_not(None),
            Letter.kind != "response",
            exists().where(Reply.conversation_id == Letter.conversation_id, Reply.kind.in_(MACHINES)),
            ~exists().where(Reply.conversation_id == Letter.conversation_id, Reply.kind.not_in(MACHINES)),
        )
        .order_by(Letter.id)
    )
    for row in session.execute(answered.limit(MOST)):
        text = f"answers a machine by itself, in conversation {row.conversation_id}"
        yield Breach("P6", f"letter {row.id}", text)


# --- P8 ---------------------------------------------------------------------------------------------------


def every_act_on_record(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Decisions, releases, withdrawals and cancellations have their entry; else the end was cut off."""
    decided = select(Decision.id, Decision.message_id, Decision.decision).where(
        ~_recorded(Decision.decision + " message", Decision.message_id)
    )
    for row in session.execute(decided.order_by(Decision.id).limit(MOST)):
        yield _unrecorded(f"decision {row.id}", f"{row.decision} message", row.message_id)
    for act, happened in (
        ("release message", Message.released_at.is_not(None)),
        ("withdraw message", Message.state == "withdrawn"),
        ("cancel message", Message.state == "cancelled"),
    ):
        missing = select(Message.id).where(happened, ~_recorded(literal(act), Message.id))
        for number in session.scalars(missing.order_by(Message.id).limit(MOST)):
            yield _unrecorded(f"message {number}", act, number)


def _recorded(action: ColumnElement[str], message_id: InstrumentedAttribute[int]) -> Exists:
    subject = literal("message ") + cast(message_id, String)
    return exists().where(AuditEntry.action == action, AuditEntry.subject == subject)


def _unrecorded(subject: str, act: str, message_id: int) -> Breach:
    return Breach("P8", subject, f'the record has no entry "{act}" for message {message_id}')


def every_order_signed(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What was sent again in spite of an attempt was ordered by the person whom the record names."""
    ordered = select(Attempt.id, Attempt.resent_by).where(Attempt.resent_by.is_not(None))
    for number, who in session.execute(ordered.order_by(Attempt.id).limit(MOST)):
        signed = exists().where(
            AuditEntry.actor == who,
            AuditEntry.action.in_(("resend delivery", "answer task")),
            AuditEntry.detail.contains(f'"{number}"'),
        )
        if not session.scalar(select(literal(1)).where(signed)):
            yield Breach("P8", f"attempt {number}", "was repeated, and the record names nobody who ordered it")


# --- P9 ---------------------------------------------------------------------------------------------------


def calls_capped(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Today no number was dialled, for a call or a fax, more often than the cap of today allows."""
    cap = runtime.settings.cap_calls_per_number_day
    if not cap:
        return
    midnight = runtime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    calls = session.execute(
        select(Delivery.address, Delivery.id)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(
            Delivery.channel.in_(("voice", "fax")),
            Attempt.started_at >= midnight + asked.skew,
            Attempt.started_at < midnight + timedelta(days=1) - asked.skew,
            Attempt.state.in_(("accepted", "delivered", "bounced", "sending", "unknown")),
        )
        .order_by(Attempt.started_at)
    ).all()
    counts: Counter[str] = Counter()
    for address, delivery_id in calls:
        counts[address] += 1
        if counts[address] == cap + 1:
            text = f"calls a number more than {cap} times in a day: CAP_CALLS_PER_NUMBER_DAY"
            yield Breach("P9", f"delivery {delivery_id}", text)


ALL: tuple[Promise, ...] = (
    every_reply_owned,
    every_conversation_owned,
    no_answer_to_machines,
    every_act_on_record,
    every_order_signed,
    calls_capped,
)
