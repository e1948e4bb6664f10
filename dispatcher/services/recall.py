"""What a failure began is called back where news says that the alert arrived after all, as long as it has not left.

A handset may confirm after the carrier gave up, and callbacks come in any order: then nobody gets the alert twice, and
every order of the same news ends alike.
"""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Delivery, Recipient, Task
from dispatcher.model.delivery import FALLBACK
from dispatcher.runtime import Runtime
from dispatcher.services import tasks


def fallback(session: Session, runtime: Runtime, delivery: Delivery) -> None:
    """Recipients of this delivery, which arrived after it had failed, come back to it from a fallback not yet begun.

    A task to reach them by other means is closed. What has been attempted by the next channel stays as it is.
    """
    for task in session.scalars(
        select(Task).where(Task.kind == "failed", Task.state == "open", Task.delivery_id == delivery.id)
    ):
        tasks.mark_closed(runtime, task, None, tasks.SETTLED)
    for recipient in session.scalars(_moved_on(delivery)).all():
        other = session.get(Delivery, recipient.delivery_id, with_for_update=True, populate_existing=True)
        if other is None or other.state != "queued" or other.tries:
            continue
        recipient.delivery_id, recipient.channel = delivery.id, delivery.channel
        recipient.because = f"{delivery.channel} arrived after all: {recipient.because}"[:200]
        session.flush()
        session.expire(other, ["recipients"])
        if other.position == FALLBACK and not other.recipients:
            session.delete(other)  # never attempted: as if it had not been begun, so that it may be begun again
    session.flush()
    session.expire(delivery, ["recipients"])


def _moved_on(delivery: Delivery) -> Select[Recipient]:
    """Those who were owed the message at this address and are now waiting for their next channel."""
    return (
        select(Recipient)
        .join(ContactPoint, ContactPoint.customer_id == Recipient.customer_id)
        .where(
            Recipient.message_id == delivery.message_id,
            Recipient.delivery_id != delivery.id,
            Recipient.because.startswith(f"fallback: {delivery.channel} ", autoescape=True),
            ContactPoint.channel == delivery.channel,
            ContactPoint.address == delivery.address,
        )
        .order_by(Recipient.customer_id)
    )
