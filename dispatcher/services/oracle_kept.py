"""P1, nothing lost: what is not at its end is due, and what ended badly is in a person's hands."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Exists, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from dispatcher.model import (
    Attempt,
    Callback,
    Customer,
    Delivery,
    Letter,
    Message,
    Recipient,
    Reply,
    Suppression,
    Task,
    Version,
)  # fmt: skip
from dispatcher.model.delivery import UNREACHABLE, WAITING
from dispatcher.runtime import Runtime
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.services.oracle import MOST, TAKEN, Breach, Promise, Question, recipient

_FAILED = ("failed", "bounced", "rejected", "expired")
_UNDER_WAY = (*WAITING, "sending")
_WHO = (Recipient.message_id, Recipient.customer_id)


def always_due(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What waits has a due time, what is being sent a lease, what is in doubt a due time or a task."""
    for table, of_it in ((Delivery, Task.delivery_id == Delivery.id), (Letter, Task.letter_id == Letter.id)):
        idle = select(table.id, table.state).where(
            or_(
                and_(table.state.in_(WAITING), table.due_at.is_(None)),
                and_(table.state == "sending", table.lease_until.is_(None)),
                and_(table.state == "unknown", table.due_at.is_(None), ~exists().where(of_it)),
            )
        )
        if table is Delivery:
            idle = idle.where(Delivery.message_id.in_(select(Message.id).where(Message.released_at.is_not(None))))
        name = table.__name__.lower()
        for row in session.execute(idle.order_by(table.id).limit(MOST)):
            yield Breach("P1", f"{name} {row.id}", f"is {row.state} without a due time: nothing will move it on")
    lost = select(Reply.id).where(Reply.state == "new", Reply.due_at.is_(None))
    for number in session.scalars(lost.order_by(Reply.id).limit(MOST)):
        yield Breach("P1", f"reply {number}", "is an alert that was sent in, and is never due to be taken in")
    unread = select(Callback.id).where(Callback.state == "new", Callback.due_at.is_(None))
    for number in session.scalars(unread.order_by(Callback.id).limit(MOST)):
        yield Breach("P1", f"callback {number}", "is new without a due time: nobody will read it")


def everybody_accounted_for(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Every recipient has a delivery of this message that did not end badly, or somebody has a task.

    One task for somebody out of reach stands for each message of its time. Who asked for nothing is owed none.
    """
    out = select(Message.id).where(Message.released_at.is_not(None))
    someone = exists().where(Task.message_id == Recipient.message_id, Task.customer_id == Recipient.customer_id)
    left_alone = (
        select(*_WHO, Recipient.delivery_id, Delivery.state)
        .join(Delivery, Recipient.delivery_id == Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.message_id.in_(out),
            Message.state != "cancelled",  # then nobody is to be reached any more
            Delivery.state.in_(_FAILED),
            ~someone,
            ~_task_of(Delivery.id),
        )
    )
    for *who, delivery_id, state in session.execute(left_alone.order_by(*_WHO).limit(MOST)):
        yield Breach("P1", recipient(*who), f"delivery {delivery_id} is {state}, and nobody has a task to reach them")
    unreached = select(*_WHO).where(
        Recipient.message_id.in_(out.where(Message.state != "cancelled")),
        Recipient.delivery_id.is_(None),
        Recipient.left_at.is_(None),
        Recipient.because != BY_OWN_WORD,
        ~someone,
        ~_in_hand_then(),
    )
    for message_id, customer_id in session.execute(unreached.order_by(*_WHO).limit(MOST)):
        yield Breach("P1", recipient(message_id, customer_id), "is out of reach, and nobody has a task to reach them")
    astray = (
        select(*_WHO, Delivery.message_id)
        .join(Delivery, Recipient.delivery_id == Delivery.id)
        .where(Recipient.message_id != Delivery.message_id)
    )
    for *who, got in session.execute(astray.order_by(*_WHO).limit(MOST)):
        yield Breach("P1", recipient(*who), f"has a delivery of message {got}")
    unexplained = (
        select(Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
    ).where(
        Delivery.state == "suppressed",
        ~exists().where(
            Suppression.channel == Delivery.channel,
            Suppression.address == Delivery.address,
            Suppression.topic.in_(("", Version.topic)),
        ),
    )
    for number in session.scalars(unexplained.order_by(Delivery.id).limit(MOST)):
        yield Breach("P1", f"delivery {number}", "is suppressed, and no suppression says why")
    stopped = (
        select(Delivery.id, Delivery.message_id)
        .join(Message, Message.id == Delivery.message_id)
        .join(Delivery.recipients)
        .where(Delivery.state == "cancelled", Message.state != "cancelled", Recipient.left_at.is_(None), _accepted())
    )
    for number, message_id in session.execute(stopped.order_by(Delivery.id).limit(MOST)):
        yield Breach("P1", f"delivery {number}", f"is cancelled, but had left, and message {message_id} goes on")


def _in_hand_then() -> Exists:
    """A task of an earlier message, to reach the same customer, was still open when this one was released."""
    earlier, this = aliased(Message), aliased(Message)
    return exists(
        select(Task.id)
        .join(earlier, earlier.id == Task.message_id)
        .join(this, this.id == Recipient.message_id)
        .where(
            Task.kind == UNREACHABLE,
            Task.customer_id == Recipient.customer_id,
            earlier.released_at <= this.released_at,
            or_(Task.closed_at.is_(None), Task.closed_at >= this.released_at),
        )
        .correlate(Recipient)
    )


def _task_of(delivery_id: InstrumentedAttribute[int]) -> Exists:
    # A delivery that is set aside has one task for all whom it is for.
    return exists().where(Task.delivery_id == delivery_id, Task.kind.in_(("poison", "unknown")))


def _accepted() -> Exists:
    return exists().where(Attempt.delivery_id == Delivery.id, Attempt.state.in_(TAKEN))


def ids_stand_for_something(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What the rows of a release name is there: the database does not check them (see `Recipient`)."""
    for column, named, key in (
        (Recipient.message_id, Message.id, _WHO),
        (Recipient.customer_id, Customer.id, _WHO),
        (Recipient.delivery_id, Delivery.id, _WHO),
        (Delivery.message_id, Message.id, (Delivery.id,)),
        (Attempt.delivery_id, Delivery.id, (Attempt.id,)),
    ):
        of, to = column.class_, named.class_
        lost = select(*key, column).where(column.is_not(None), ~exists().where(named == column).correlate(of))
        for *which, missing in session.execute(lost.order_by(*key).limit(MOST)):
            whose = recipient(*which) if of is Recipient else f"{of.__name__.lower()} {which[0]}"
            yield Breach("P1", whose, f"is of {to.__name__.lower()} {missing}, which is not there")


def tasks_closed_by_somebody(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """A task is open until a person has closed it, or the provider's news or the customer's own word has."""
    closed = select(Task.id, Task.kind).where(
        Task.state == "closed", Task.closed_by.is_(None), or_(Task.answer.is_(None), Task.answer != "settled")
    )
    for row in session.execute(closed.order_by(Task.id).limit(MOST)):
        yield Breach("P1", f"task {row.id}", f"({row.kind}) was closed by nobody")
    lost = select(Letter.id, Letter.state).where(
        Letter.state.in_(_FAILED), Letter.kind == "response", ~exists().where(_is_about(Letter))
    )
    for row in session.execute(lost.order_by(Letter.id).limit(MOST)):
        yield Breach("P1", f"letter {row.id}", f"is {row.state}, and nobody has a task to reach the customer")


def _is_about(table: type[Letter]) -> ColumnElement[bool]:
    return or_(Task.letter_id == table.id, and_(Task.customer_id == table.customer_id, Task.kind == "failed"))


def at_rest(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Where all should be settled: nothing waits, nothing is on its way, nothing is in doubt without a person."""
    if not asked.at_rest:
        return
    for table, of_it in ((Delivery, Task.delivery_id == Delivery.id), (Letter, Task.letter_id == Letter.id)):
        in_hand = exists().where(of_it, Task.kind.in_(("unknown", "poison")))
        lying = select(table.id, table.state, table.error).where(
            or_(table.state.in_(_UNDER_WAY), and_(table.state == "unknown", ~in_hand))
        )
        for row in session.execute(lying.order_by(table.id).limit(MOST)):
            why = f" ({row.error})" if row.error else ""
            yield Breach("P1", f"{table.__name__.lower()} {row.id}", f"is still {row.state}{why}")
    going = select(Message.id).where(Message.state == "releasing")
    for number in session.scalars(going.order_by(Message.id).limit(MOST)):
        yield Breach("P1", f"message {number}", "is still releasing, and nothing of it waits any more")
    untaken = select(Reply.id).where(Reply.state == "new")
    for number in session.scalars(untaken.order_by(Reply.id).limit(MOST)):
        yield Breach("P1", f"reply {number}", "is an alert that was sent in, and nobody has taken it in")
    unread = select(Callback.id).where(Callback.state == "new")
    for number in session.scalars(unread.order_by(Callback.id).limit(MOST)):
        yield Breach("P1", f"callback {number}", "has not been read yet")


ALL: tuple[Promise, ...] = (
    always_due, everybody_accounted_for, ids_stand_for_something, tasks_closed_by_somebody, at_rest,
)  # fmt: skip
