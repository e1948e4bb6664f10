"""Who gets a message, by which channel, and because of what: foretold, fixed at the approval, resolved at the release.

Everything is set-based, so that a hundred thousand recipients cost no more memory than ten.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Integer, case, delete, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Delivery, Message, Recipient, Version
from dispatcher.runtime import Runtime
from dispatcher.services.audience_lists import inactive, listed_customers, staying
from dispatcher.services.audience_preview import AudiencePreview, Person, forecast, people, preview
from dispatcher.services.shuffle import place_in_sql
from dispatcher.services.situations import CHOICES, SITUATIONS, gathered

__all__ = [
    "AudiencePreview", "Person", "Resolution", "forecast", "people", "preview", "resolve", "snapshot",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a release made: deliveries and batches by channel, counts of recipients."""

    recipients: int
    unreachable: int
    left: int
    by_channel: dict[str, int] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)


def snapshot(session: Session, runtime: Runtime, message: Message) -> int:
    """Fix the audience at the approval; how many recipients. What an earlier approval fixed is forgotten."""
    session.flush()
    session.execute(
        delete(Recipient).where(Recipient.message_id == message.id), execution_options={"synchronize_session": False}
    )
    chosen = listed_customers(message.current).subquery()
    session.execute(
        insert(Recipient).from_select(
            ["message_id", "customer_id", "because"],
            select(literal(message.id), chosen.c.customer_id, literal("")).order_by(chosen.c.customer_id),
        )
    )
    _forget(session)
    return session.scalar(select(func.count()).where(Recipient.message_id == message.id)) or 0


def resolve(session: Session, runtime: Runtime, message: Message) -> Resolution:
    """Make the deliveries of a release: who left is left out, everybody else gets a channel or is unreachable.

    The order within a channel is shuffled by `message.seed`, which must be set.
    """
    session.flush()
    version = message.current
    left = _leave(session, runtime, message, version)
    audience = select(Recipient.customer_id.label("customer_id")).where(
        Recipient.message_id == message.id, Recipient.left_at.is_(None)
    )
    with gathered(session, runtime, audience, version.topic) as situations:
        _insert_deliveries(session, runtime, message)
        _link_recipients(session, message)
    _forget(session)
    counts = session.execute(
        select(Delivery.channel, func.count(), func.max(Delivery.batch) + 1)
        .where(Delivery.message_id == message.id)
        .group_by(Delivery.channel)
    ).all()
    return Resolution(
        recipients=sum(count for _, count in situations.values()),
        unreachable=sum(count for choice, count in situations.values() if choice.channel is None),
        left=left,
        by_channel={channel: count for channel, count, _ in counts},
        batches={channel: batches for channel, _, batches in counts},
    )


def _leave(session: Session, runtime: Runtime, message: Message, version: Version) -> int:
    done = session.execute(
        update(Recipient)
        .where(Recipient.message_id == message.id, Recipient.left_at.is_(None), ~staying(version))
        .values(
            left_at=runtime.now(),
            because=case(
                (Recipient.customer_id.in_(inactive()), "left: no longer a customer"),
                else_="left: no longer on any of the lists",
            ),
        ),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(done, "rowcount", 0))


def _insert_deliveries(session: Session, runtime: Runtime, message: Message) -> None:
    points = (
        select(
            CHOICES.c.channel,
            ContactPoint.address,
            func.min(SITUATIONS.c.customer_id).label("first"),
        )
        .select_from(SITUATIONS)
        .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
        .join(
            ContactPoint,
            (ContactPoint.customer_id == SITUATIONS.c.customer_id) & (ContactPoint.channel == CHOICES.c.channel),
        )
        .group_by(CHOICES.c.channel, ContactPoint.address)
        .subquery()
    )
    place = func.row_number(type_=Integer).over(
        partition_by=points.c.channel, order_by=[place_in_sql(points.c.first, message.seed or 0), points.c.first]
    )
    placed = select(points, (place - 1).label("position")).subquery()
    sizes = {name: some[0].batch_size for name, some in runtime.adapters.providers.items() if some}
    size = case(*((placed.c.channel == name, size) for name, size in sizes.items()), else_=1)
    session.execute(
        insert(Delivery).from_select(
            ["message_id", "channel", "address", "language", "state", "tries", "position", "batch", "due_at"],
            select(
                literal(message.id),
                placed.c.channel,
                placed.c.address,
                Customer.language,
                literal("queued"),
                literal(0),
                placed.c.position,
                placed.c.position // size,
                literal(runtime.now(), Delivery.due_at.type),
            )
            .join(Customer, Customer.id == placed.c.first)
            .order_by(placed.c.channel, placed.c.address),
        )
    )


def _link_recipients(session: Session, message: Message) -> None:
    mine = (
        Recipient.message_id == message.id,
        Recipient.customer_id == SITUATIONS.c.customer_id,
        CHOICES.c.situation == SITUATIONS.c.situation,
    )
    # Nothing is known yet of the rows just inserted: PostgreSQL would look each one up by the wrong index.
    postgresql = session.get_bind().dialect.name == "postgresql"
    if postgresql:
        session.execute(text("SET LOCAL enable_nestloop = off"))
    session.execute(
        update(Recipient)
        .where(
            *mine,
            ContactPoint.customer_id == SITUATIONS.c.customer_id,
            ContactPoint.channel == CHOICES.c.channel,
            Delivery.message_id == message.id,
            Delivery.channel == CHOICES.c.channel,
            Delivery.address == ContactPoint.address,
        )
        .values(channel=CHOICES.c.channel, because=CHOICES.c.because, delivery_id=Delivery.id),
        execution_options={"synchronize_session": False},
    )
    if postgresql:
        session.execute(text("SET LOCAL enable_nestloop = on"))
    session.execute(
        update(Recipient).where(*mine, CHOICES.c.channel.is_(None)).values(because=CHOICES.c.because),
        execution_options={"synchronize_session": False},
    )


def _forget(session: Session) -> None:
    """Rows that statements changed behind the session's back are read again when they are looked at."""
    for loaded in session.identity_map.values():
        if isinstance(loaded, Recipient | Delivery):
            session.expire(loaded)
