"""The promises that can be read off the rows: each a query for what must not be there."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Exists, String, and_, cast, exists, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from dispatcher.model import (
    Attempt,
    AuditEntry,
    Conversation,
    Decision,
    Delivery,
    Message,
    Recipient,
    Reply,
    Suppression,
    Task,
    Version,
)
from dispatcher.model.delivery import WAITING
from dispatcher.model.message import untouched
from dispatcher.runtime import Runtime

ACCEPTED = ("accepted", "delivered", "bounced")  # states of an attempt that the provider took
# Rows are stamped before they are committed, by hosts whose clocks differ a little: only more than this is a breach.
SKEW = timedelta(seconds=1)
MOST = 1000  # rows named for one fault


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that a row breaks. `promise` is P1 to P8, `subject` names the row, e.g. "delivery 31"."""

    promise: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise} {self.subject}: {self.text}"


def nothing_lost(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P1: what is not at its end is due; what failed went on, or somebody has a task."""
    out = select(Message.id).where(Message.released_at.is_not(None))
    handed_over = exists().where(Task.delivery_id == Delivery.id)
    idle = select(Delivery.id, Delivery.state).where(
        Delivery.message_id.in_(out),
        or_(
            and_(Delivery.state.in_(WAITING), Delivery.due_at.is_(None)),
            and_(Delivery.state == "sending", Delivery.lease_until.is_(None)),
            and_(Delivery.state == "unknown", Delivery.due_at.is_(None), ~handed_over),
        ),
    )
    for row in session.execute(idle.order_by(Delivery.id).limit(MOST)):
        yield Breach("P1", f"delivery {row.id}", f"is {row.state} without a due time: nothing will move it on")
    someone = exists().where(Task.message_id == Recipient.message_id, Task.customer_id == Recipient.customer_id)
    left_alone = (
        select(Recipient.id, Recipient.delivery_id, Delivery.state)
        .join(Delivery, Recipient.delivery_id == Delivery.id)
        .where(Delivery.message_id.in_(out), Delivery.state.in_(("failed", "bounced", "rejected")), ~someone)
    )
    for number, delivery_id, state in session.execute(left_alone.order_by(Recipient.id).limit(MOST)):
        text = f"delivery {delivery_id} is {state}, and nobody has a task to reach them"
        yield Breach("P1", f"recipient {number}", text)
    unreached = select(Recipient.id).where(
        Recipient.message_id.in_(out), Recipient.delivery_id.is_(None), Recipient.left_at.is_(None), ~someone
    )
    for number in session.scalars(unreached.order_by(Recipient.id).limit(MOST)):
        yield Breach("P1", f"recipient {number}", "is out of reach, and nobody has a task to reach them")
    unexplained = select(Delivery.id).where(
        Delivery.state == "suppressed",
        ~exists().where(Suppression.channel == Delivery.channel, Suppression.address == Delivery.address),
    )
    for number in session.scalars(unexplained.order_by(Delivery.id).limit(MOST)):
        yield Breach("P1", f"delivery {number}", "is suppressed, and no suppression says why")


def at_most_once(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P2: one delivery a contact point, one acceptance a delivery."""
    address = func.lower(Delivery.address)
    twice = (
        select(func.min(Delivery.id), func.max(Delivery.id), Delivery.message_id)
        .group_by(Delivery.message_id, Delivery.channel, address)
        .having(func.count() > 1)
    )
    for first, last, message_id in session.execute(twice.limit(MOST)):
        text = f"goes to the same contact point as delivery {first} of message {message_id}"
        yield Breach("P2", f"delivery {last}", text)
    accepted = (
        select(Attempt.delivery_id, func.count().label("times"))
        .where(Attempt.delivery_id.is_not(None), Attempt.state.in_(ACCEPTED))
        .group_by(Attempt.delivery_id)
        .having(func.count() > 1)
    )
    for row in session.execute(accepted.limit(MOST)):
        yield Breach("P2", f"delivery {row.delivery_id}", f"was accepted {row.times} times")
    earlier = aliased(Attempt)
    again = (
        select(Attempt.id, Attempt.delivery_id, Attempt.started_at, earlier.settled_at)
        .join(earlier, and_(earlier.delivery_id == Attempt.delivery_id, earlier.state.in_(ACCEPTED)))
        .where(earlier.settled_at < Attempt.started_at, Attempt.state.not_in(ACCEPTED))
    )
    for number, delivery_id, started, accepted_at in session.execute(again.limit(MOST)):
        if accepted_at is not None and accepted_at + SKEW < started:
            yield Breach("P2", f"attempt {number}", f"started after delivery {delivery_id} had been accepted")


def four_eyes(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P3: before each attempt, an approval of exactly what the message says, by somebody who did not write it."""
    started = (
        select(Delivery.message_id, func.min(Attempt.started_at).label("first"))
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .group_by(Delivery.message_id)
        .subquery()
    )
    rows = session.execute(
        select(Message, started.c.first)
        .outerjoin(started, started.c.message_id == Message.id)
        .where(or_(started.c.first.is_not(None), Message.released_at.is_not(None)))
        .order_by(Message.id)
        .execution_options(yield_per=100)
    )
    for message, first in rows:
        for text in _approval_faults(session, message):
            yield Breach("P3", f"message {message.id}", text)
        approval = _approval(session, message)
        if approval is None or first is None or first + SKEW >= approval.decided_at:
            continue
        early = (
            select(Attempt.id)
            .join(Delivery, Attempt.delivery_id == Delivery.id)
            .where(Delivery.message_id == message.id, Attempt.started_at < approval.decided_at - SKEW)
            .limit(MOST)
        )
        for attempt_id in session.scalars(early):
            yield Breach("P3", f"attempt {attempt_id}", f"started before message {message.id} was approved")


def _approval(session: Session, message: Message) -> Decision | None:
    return session.scalar(
        select(Decision)
        .join(Version)
        .where(Decision.message_id == message.id, Decision.decision == "approve", Version.number == message.version)
    )


def _approval_faults(session: Session, message: Message) -> Iterator[str]:
    version = next((one for one in message.versions if one.number == message.version), None)
    if version is None:
        yield f"went out, and its version {message.version} is not there"
        return
    approval = _approval(session, message)
    if approval is None:
        yield f"went out, and version {message.version} was never approved"
        return
    wrote = {message.author_id} | {one.editor_id for one in message.versions if one.number <= message.version}
    if approval.officer_id in wrote:
        yield f"decision {approval.id} is by somebody who wrote or edited it"
    if approval.digest != version.digest:
        yield f"decision {approval.id} approves another digest than that of version {version.number}"
    if not untouched(version):
        yield f"version {version.number} no longer holds what was submitted"


def only_the_approved(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P4: nobody was added after the release, and no attempt started against a standing order."""
    against = (
        select(Attempt.id, Suppression.id)
        .join(Delivery, Attempt.delivery_id == Delivery.id)
        .join(Suppression, and_(Suppression.channel == Delivery.channel, Suppression.address == Delivery.address))
        .where(
            Suppression.created_at < Attempt.started_at,
            or_(Suppression.lifted_at.is_(None), Suppression.lifted_at > Attempt.started_at),
        )
        .add_columns(Suppression.created_at, Attempt.started_at)
        .order_by(Attempt.started_at)
        .limit(MOST)
    )
    for attempt_id, order_id, since, started in session.execute(against):
        if since + SKEW < started:
            yield Breach("P4", f"attempt {attempt_id}", f"started although suppression {order_id} was in force")
    recipients: dict[int, int] = {
        row[0]: row[1]
        for row in session.execute(
            select(Recipient.message_id, func.count()).where(Recipient.left_at.is_(None)).group_by(Recipient.message_id)
        )
    }
    deliveries: dict[int, Counter[str]] = defaultdict(Counter)
    for message_id, channel, count in session.execute(
        select(Delivery.message_id, Delivery.channel, func.count())
        .where(Delivery.position >= 0)  # the others are fallbacks of these
        .group_by(Delivery.message_id, Delivery.channel)
    ):
        deliveries[message_id][channel] = count
    for subject, detail in session.execute(
        select(AuditEntry.subject, AuditEntry.detail).where(AuditEntry.action == "release message")
    ):
        yield from _as_released(subject, detail, recipients, deliveries)
    beside = select(Delivery.id, Delivery.message_id).join(Message).where(Message.released_at.is_(None))
    for row in session.execute(beside.limit(MOST)):
        yield Breach("P4", f"delivery {row.id}", f"belongs to message {row.message_id}, which was never released")


def _as_released(
    subject: str, detail: str, recipients: dict[int, int], deliveries: dict[int, Counter[str]]
) -> Iterator[Breach]:
    """The numbers of today against those on record."""
    try:
        message_id, noted = int(subject.removeprefix("message ")), json.loads(detail)
    except ValueError:
        return  # a changed entry, which the chain has named
    if recipients.get(message_id, 0) != noted.get("recipients", recipients.get(message_id, 0)):
        text = f"has {recipients.get(message_id, 0)} recipients; {noted['recipients']} were released"
        yield Breach("P4", subject, text)
    for channel in sorted({*noted.get("deliveries", {}), *deliveries[message_id]}):
        now, then = deliveries[message_id][channel], noted.get("deliveries", {}).get(channel, 0)
        if now != then:
            yield Breach("P4", subject, f"has {now} first deliveries by {channel}; {then} were released")


def every_reply_owned(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P6: a matched reply is in the conversation of its customer; an unmatched one in none."""
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
                Reply.state.not_in(("matched", "unmatched", "settled")),
            )
        )
    )
    for row in session.execute(wrong.order_by(Reply.id).limit(MOST)):
        yield Breach("P6", f"reply {row.id}", f"is {row.state}, but not in exactly one inbox")


def every_act_on_record(session: Session, runtime: Runtime) -> Iterator[Breach]:
    """P8: decisions, releases, withdrawals and cancellations have their entry; else the end was cut off."""
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


ALL: tuple[Callable[[Session, Runtime], Iterator[Breach]], ...] = (
    nothing_lost,
    at_most_once,
    four_eyes,
    only_the_approved,
    every_reply_owned,
    every_act_on_record,
)
