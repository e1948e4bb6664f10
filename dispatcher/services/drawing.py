"""A release's rows, from what has been chosen for everybody: drawn once into their order, then written from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Sequence,
    String,
    case,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Delivery, Message, Recipient
from dispatcher.model.base import Address, BigId
from dispatcher.services.shuffle import place_in_sql
from dispatcher.services.situations import CHOICES, SITUATIONS
from dispatcher.storage import temporary

# Everybody once, in the order of the channels and of the places drawn: what leaves together lies together, here and in
# the tables. `id` is of the delivery that would be theirs, `shared` of the one they share with who was drawn before.
DRAWN = temporary.table(
    "audience_drawn",
    Column("id", BigId, autoincrement=False),
    Column("customer_id", BigId, nullable=False),
    Column("channel", String(16)),
    Column("because", String(200), nullable=False),
    Column("address", Address),
    Column("language", String(16), nullable=False),
    Column("position", Integer, nullable=False),
    Column("shared", BigId),
)


@contextmanager
def drawn(session: Session, message: Message) -> Iterator[ColumnElement[int]]:
    """Fills DRAWN from SITUATIONS and CHOICES for as long as it lasts; yields the id of each one's own delivery."""
    place = place_in_sql(SITUATIONS.c.customer_id, message.seed or 0).label("position")
    columns = ["customer_id", "channel", "because", "address", "language", "position"]
    everybody = (
        select(
            SITUATIONS.c.customer_id, CHOICES.c.channel, CHOICES.c.because, ContactPoint.address, Customer.language,
            place,
        )
        .select_from(SITUATIONS)
        .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
        .join(Customer, Customer.id == SITUATIONS.c.customer_id)
        .outerjoin(
            ContactPoint,
            (ContactPoint.customer_id == SITUATIONS.c.customer_id) & (ContactPoint.channel == CHOICES.c.channel),
        )
        # By numbers: to sort by the names of channels takes twice as long.
        .order_by(CHOICES.c.rank, place)
    )  # fmt: skip
    connection = session.connection()
    with temporary.made(connection, DRAWN):
        if connection.dialect.name == "postgresql":
            # Others take of these numbers meanwhile.
            number = Sequence("deliveries_id_seq").next_value()
            session.execute(insert(DRAWN).from_select(["id", *columns], select(number, everybody.subquery())))
            own: ColumnElement[int] = DRAWN.c.id
        else:
            # Numbered from 1 as they are written. Nobody else writes meanwhile.
            session.execute(insert(DRAWN).from_select(columns, everybody))
            own = DRAWN.c.id + (session.scalar(select(func.max(Delivery.id))) or 0)
        temporary.count_rows(connection, DRAWN)
        yield own


def _share(session: Session, own: ColumnElement[int]) -> None:
    """Of several customers with one address, all get the delivery of the first drawn."""
    first = (
        select(DRAWN.c.address, DRAWN.c.channel, func.min(own).label("id"))
        .where(DRAWN.c.address.is_not(None))
        .group_by(DRAWN.c.address, DRAWN.c.channel)
        .having(func.count() > 1)
        .subquery()
    )
    session.execute(
        update(DRAWN)
        .where(DRAWN.c.address == first.c.address, DRAWN.c.channel == first.c.channel, own != first.c.id)
        .values(shared=first.c.id)
    )


def insert_deliveries(session: Session, message: Message, due_at: datetime, own: ColumnElement[int]) -> None:
    """One for each contact point."""
    values: dict[str, ColumnElement[Any]] = {
        "id": own,
        "message_id": literal(message.id, BigInteger),
        "channel": DRAWN.c.channel,
        "address": DRAWN.c.address,
        "language": DRAWN.c.language,
        "state": literal("queued"),
        "position": DRAWN.c.position,
        "tries": literal(0),
        "mishaps": literal(0),
        "due_at": literal(due_at, Delivery.due_at.type),
    }
    addressed = DRAWN.c.address.is_not(None)
    rows = select(*values.values()).where(addressed, DRAWN.c.shared.is_(None))
    if session.get_bind().dialect.name == "postgresql":
        # To try each row against the key before it is written costs as much as the key itself.
        _share(session, own)
        session.execute(insert(Delivery).from_select(list(values), rows))
        return
    # SQLite tries each row anyway, and sorts slowly: who shares is looked for only where the key has refused one.
    statement = sqlite.insert(Delivery).from_select(list(values), rows).on_conflict_do_nothing()
    done = session.connection().execute(statement, execution_options={"preserve_rowcount": True})
    if done.rowcount < (session.scalar(select(func.count()).where(addressed)) or 0):
        _share(session, own)


def insert_recipients(session: Session, message: Message, own: ColumnElement[int]) -> None:
    """Everybody, with their delivery or without: in the order of the deliveries, so that they lie together as well."""
    delivery = case((DRAWN.c.address.is_(None), null()), else_=func.coalesce(DRAWN.c.shared, own))
    session.execute(
        insert(Recipient).from_select(
            ["customer_id", "message_id", "delivery_id", "channel", "because"],
            select(DRAWN.c.customer_id, literal(message.id, BigInteger), delivery, DRAWN.c.channel, DRAWN.c.because),
        )
    )
