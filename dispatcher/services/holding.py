"""What waits for a contact point is held while an order against it, or the end of one, is written."""

from __future__ import annotations

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Letter, Message, Version
from dispatcher.model.delivery import CALL_FOLLOWS, WAITING
from dispatcher.runtime import Runtime

# Shown as the reason of a delivery that waits until a person has said what a doubtful reply meant, see `doubted`.
HELD = "held: they may want no more here, and nobody has said yet what they meant"


def hold_what_waits(
    session: Session, runtime: Runtime, channel: str, address: str, topic: str = "", *, ends: bool = False
) -> None:
    """A claim that has begun comes first, a later one passes these rows by. They are due then, so that the next claim
    does with them what the order wants: it leaves them out, or lets them wait. Where it `ends`, only what has waited
    for that is due; what waits for anything else, such as the next call, goes on to.

    Whoever puts something else on record before the order calls it first, after the conversation is locked: the
    record's lock comes after those of deliveries, for everybody, else a cancellation and an opt-out wait in a circle.
    """
    deliveries = [Delivery.channel == channel, Delivery.address == address, Delivery.state.in_(WAITING)]
    letters = [Letter.channel == channel, Letter.address == address, Letter.state.in_(WAITING)]
    letters.append(Letter.customer_id.is_not(None))
    if topic:
        of_topic = (
            select(Message.id)
            .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
            .where(Version.topic == topic)
        )
        deliveries.append(Delivery.message_id.in_(of_topic))
        letters += [Letter.message_id.in_(of_topic), Letter.kind == CALL_FOLLOWS]
    for table, these in ((Delivery, deliveries), (Letter, letters)):
        due = case((table.error == HELD, runtime.now()), else_=table.due_at) if ends else runtime.now()
        session.execute(update(table).where(*these).values(due_at=due).execution_options(synchronize_session=False))
