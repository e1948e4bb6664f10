"""Who gets a message, by which channel, and because of what: foretold, fixed at the approval, resolved at the release.

Everything is set-based, so that a hundred thousand recipients cost no more memory than ten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Delivery, Message, Recipient, Version
from dispatcher.runtime import Runtime
from dispatcher.services.audience_lists import inactive, listed_customers, staying
from dispatcher.services.audience_preview import AudiencePreview, Person, people, preview
from dispatcher.services.shuffle import place_in_sql
from dispatcher.services.situations import CHOICES, SITUATIONS, gathered
from dispatcher.storage import joined_by_hash

__all__ = [
    "AudiencePreview", "Person", "Resolution", "people", "preview", "resolve", "snapshot",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a release made: deliveries by channel, counts of recipients."""

    recipients: int
    unreachable: int
    left: int
    by_channel: dict[str, int] = field(default_factory=dict)


def snapshot(session: Session, runtime: Runtime, message: Message) -> int:
    """Fix the audience at an approval for later; how many recipients. What an earlier approval fixed is forgotten."""
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


def resolve(session: Session, runtime: Runtime, message: Message, *, fixed: bool) -> Resolution:
    """Make the recipients and deliveries of a release: everybody gets a channel or is unreachable.

    Where the audience was `fixed` by a snapshot, it loses those who left since, and gains nobody. The order within a
    channel is shuffled by `message.seed`, which must be set.
    """
    session.flush()
    version = message.current
    left = _leave(session, runtime, message, version) if fixed else 0
    mine = (Recipient.message_id == message.id, Recipient.left_at.is_(None))
    audience = select(Recipient.customer_id.label("customer_id")).where(*mine) if fixed else listed_customers(version)
    with gathered(session, runtime, audience, version.topic) as situations:
        _insert_deliveries(session, runtime, message)
        if fixed:
            # Written anew, which is quicker than to change every one of them and its place in the indexes.
            session.execute(delete(Recipient).where(*mine), execution_options={"synchronize_session": False})
        _insert_recipients(session, message)
    _forget(session)
    by_channel = session.execute(
        select(Delivery.channel, func.count()).where(Delivery.message_id == message.id).group_by(Delivery.channel)
    ).all()
    return Resolution(
        recipients=sum(count for _, count in situations.values()),
        unreachable=sum(count for choice, count in situations.values() if choice.channel is None),
        left=left,
        by_channel=dict(by_channel),
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
    """One for each contact point: of several customers with one address, the key lets only the first drawn in."""
    place = place_in_sql(SITUATIONS.c.customer_id, message.seed or 0).label("position")
    chosen = (
        select(
            literal(message.id),
            CHOICES.c.channel,
            ContactPoint.address,
            Customer.language,
            literal("queued"),
            literal(0),
            place,
            literal(runtime.now(), Delivery.due_at.type),
            literal(0),
        )
        .select_from(SITUATIONS)
        .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
        .join(
            ContactPoint,
            (ContactPoint.customer_id == SITUATIONS.c.customer_id) & (ContactPoint.channel == CHOICES.c.channel),
        )
        .join(Customer, Customer.id == SITUATIONS.c.customer_id)
        # Rows that leave together lie together.
        .order_by(CHOICES.c.channel, place)
    )
    columns = ["message_id", "channel", "address", "language", "state", "tries", "position", "due_at", "mishaps"]
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(Delivery).from_select(columns, chosen).on_conflict_do_nothing())


def _insert_recipients(session: Session, message: Message) -> None:
    with joined_by_hash(session):
        session.execute(
            insert(Recipient).from_select(
                ["message_id", "customer_id", "delivery_id", "channel", "because"],
                select(literal(message.id), SITUATIONS.c.customer_id, Delivery.id, CHOICES.c.channel, CHOICES.c.because)
                .select_from(SITUATIONS)
                .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
                .outerjoin(
                    ContactPoint,
                    (ContactPoint.customer_id == SITUATIONS.c.customer_id)
                    & (ContactPoint.channel == CHOICES.c.channel),
                )
                .outerjoin(
                    Delivery,
                    (Delivery.channel == CHOICES.c.channel)
                    & (Delivery.address == ContactPoint.address)
                    & (Delivery.message_id == message.id),
                )
                .order_by(SITUATIONS.c.customer_id),
            )
        )


def _forget(session: Session) -> None:
    """Rows that statements changed behind the session's back are read again when they are looked at."""
    for loaded in session.identity_map.values():
        if isinstance(loaded, Recipient | Delivery):
            session.expire(loaded)
