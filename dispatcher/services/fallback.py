"""When a contact point failed for good: the recipient's next channel, once, or a task for their representative."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import CHANNELS, ContactPoint, Delivery, Message, Preference, Recipient
from dispatcher.model.delivery import FALLBACK, GOING
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions, tasks
from dispatcher.services.ownership import owner_of


@dataclass(frozen=True, slots=True)
class _Next:
    channel: str
    address: str


def start(session: Session, runtime: Runtime, delivery: Delivery, why: str) -> None:
    """For each recipient of a failed delivery: the next contact point of theirs that this message has not tried.

    A recipient who was already moved on is left alone, so that news arriving twice does nothing twice.
    """
    message = session.get_one(Message, delivery.message_id)
    if message.state not in GOING:
        return  # cancelled: nobody is to hear of it any more
    order = suppressions.in_force(session, delivery.channel, delivery.address)
    if order is not None and order.reason == "doubt":
        give_up(session, delivery, f"{why}; they may want no more there, so that nothing goes round")
        return
    for recipient in list(delivery.recipients):
        following = _next_contact_point(session, runtime, message, recipient)
        if following is None:
            _hand_over(session, recipient, delivery, why)
            continue
        # Held, so that nobody who takes another's recipient back from it deletes it meanwhile.
        other = session.scalar(
            select(Delivery)
            .where(
                Delivery.message_id == message.id,
                Delivery.channel == following.channel,
                Delivery.address == following.address,
            )
            .with_for_update(read=True, key_share=True)
        )
        if other is None:
            other = Delivery(
                message_id=message.id,
                channel=following.channel,
                address=following.address,
                language=recipient.customer.language,
                position=FALLBACK,
                due_at=runtime.now(),
            )
            session.add(other)
            session.flush()
        recipient.delivery_id = other.id
        recipient.channel = following.channel
        recipient.because = f"fallback: {delivery.channel} {why}"[:200]
        note(session, following.channel, "fan_out", following.channel)
    session.flush()
    session.expire(delivery, ["recipients"])


def fail(session: Session, runtime: Runtime, delivery: Delivery, why: str) -> None:
    """Call a delivery that has not left failed, and start the next contact points. The caller holds its row."""
    delivery.state, delivery.settled_at, delivery.due_at, delivery.error = "failed", runtime.now(), None, why
    start(session, runtime, delivery, why)


def _next_contact_point(session: Session, runtime: Runtime, message: Message, recipient: Recipient) -> _Next | None:
    points = {
        point.channel: point.address
        for point in session.scalars(
            select(ContactPoint).where(ContactPoint.customer_id == recipient.customer_id, ContactPoint.valid)
        )
    }
    tried = {
        (row.channel, row.address)
        for row in session.execute(
            select(Delivery.channel, Delivery.address).where(
                Delivery.message_id == message.id,
                Delivery.address.in_(points.values()),
                Delivery.state.in_(("bounced", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")),
            )
        )
    }
    for channel in _order(session, message, recipient.customer_id):
        address = points.get(channel)
        if address is None or channel not in runtime.usable_channels() or (channel, address) in tried:
            continue
        if suppressions.barring(session, channel, address, message.current.topic) is None:
            return _Next(channel, address)
    return None


def _order(session: Session, message: Message, customer_id: int) -> list[str]:
    """The customer's order of channels for this message's topic, then the channels it does not name."""
    steps = session.execute(
        select(Preference.topic, Preference.channel)
        .where(Preference.customer_id == customer_id, Preference.topic.in_(("", message.current.topic)))
        .order_by(Preference.rank)
    ).all()
    topic = message.current.topic if any(one.topic == message.current.topic for one in steps) else ""
    return list(dict.fromkeys([one.channel for one in steps if one.topic == topic] + list(CHANNELS)))


def give_up(session: Session, delivery: Delivery, why: str) -> None:
    """No channel is tried any more: each recipient's representative is to reach them."""
    for recipient in delivery.recipients:
        _hand_over(session, recipient, delivery, why)


def _hand_over(session: Session, recipient: Recipient, delivery: Delivery, why: str) -> None:
    rep = owner_of(session, recipient.customer)
    tasks.open_task(
        session,
        kind="failed",
        dedupe=f"failed:{delivery.message_id}:{recipient.customer_id}",
        text=f"Not reached by {delivery.channel} ({why}), and no other channel is left: reach them yourself",
        rep_id=rep.id if rep else None,
        customer_id=recipient.customer_id,
        message_id=delivery.message_id,
        delivery_id=delivery.id,
    )
