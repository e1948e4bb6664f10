"""Each customer's situation as one number, gathered for a whole audience at once. See `channel_choice`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from dispatcher.model import CHANNELS, ContactPoint, Preference, Suppression
from dispatcher.model.base import BigId
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions
from dispatcher.services.channel_choice import INVALID, RANKS, SUPPRESSED, UNWANTED, USABLE, Choice, choose
from dispatcher.storage import temporary

# Orders that customers have given by their own word, or whoever has the address.
_OWN_WORD = ("opt-out", "complaint", "wrong-person")

AUDIENCE = temporary.table("audience", Column("customer_id", BigId, autoincrement=False))
SITUATIONS = temporary.table(
    "audience_situations",
    Column("customer_id", BigId, autoincrement=False),
    Column("situation", Integer, nullable=False),
)
CHOICES = temporary.table(
    "audience_choices",
    Column("situation", Integer, autoincrement=False),
    Column("channel", String(16)),
    Column("rank", Integer, nullable=False),
    Column("because", String(200), nullable=False),
)


@contextmanager
def gathered(
    session: Session, runtime: Runtime, customers: Select[int], topic: str
) -> Iterator[dict[int, tuple[Choice, int]]]:
    """Fills SITUATIONS for these customers and CHOICES with what is decided about them, for as long as it lasts.

    Yields each situation's choice and how many customers are in it.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        # Compiling these statements takes longer than running them.
        connection.exec_driver_sql("SET LOCAL jit = off")
    with temporary.made(connection, AUDIENCE, SITUATIONS, CHOICES):
        connection.execute(insert(AUDIENCE).from_select(["customer_id"], customers))
        temporary.count_rows(connection, AUDIENCE)
        connection.execute(insert(SITUATIONS).from_select(["customer_id", "situation"], _situations(topic)))
        carried = runtime.usable_channels()
        counted = connection.execute(select(SITUATIONS.c.situation, func.count()).group_by(SITUATIONS.c.situation))
        found = {situation: (choose(situation, carried), count) for situation, count in counted}
        rows = [
            {"situation": situation, "channel": choice.channel, "rank": _rank(choice), "because": choice.because}
            for situation, (choice, _) in found.items()
        ]
        if rows:
            connection.execute(insert(CHOICES), rows)
        temporary.count_rows(connection, SITUATIONS, CHOICES)
        yield found


def _rank(choice: Choice) -> int:
    return CHANNELS.index(choice.channel) if choice.channel else len(CHANNELS)


def _situations(topic: str) -> Select[int, int]:
    """Both halves of everybody's number, added up: one pass over each table. Of larger integers PostgreSQL keeps a sum
    of any size for each customer."""
    nothing = select(AUDIENCE.c.customer_id, literal(0, Integer).label("bits"))
    halves = union_all(nothing, _preferences(topic), _points(topic)).subquery("halves")
    return select(halves.c.customer_id, func.sum(halves.c.bits)).group_by(halves.c.customer_id)


def _place(channel: Any) -> ColumnElement[int]:
    """A channel's place in CHANNELS, from 0."""
    return case(*((channel == name, place) for place, name in enumerate(CHANNELS)), else_=len(CHANNELS))


def _preferences(topic: str) -> Select[int, int]:
    """The order for the topic where a customer has one, else their order for all topics."""
    bits = (_place(Preference.channel) + 1).bitwise_lshift(RANKS + 3 * Preference.rank)
    special = aliased(Preference)
    has_special = exists().where(special.customer_id == Preference.customer_id, special.topic == topic)
    fits = (Preference.topic == topic) | ((Preference.topic == "") & ~has_special) if topic else Preference.topic == ""
    return (
        select(AUDIENCE.c.customer_id, bits.label("bits"))
        .join(Preference, Preference.customer_id == AUDIENCE.c.customer_id)
        .where(fits, Preference.rank < len(CHANNELS))
    )


def _points(topic: str) -> Select[int, int]:
    orders = exists().where(
        Suppression.channel == ContactPoint.channel,
        Suppression.address == ContactPoint.address,
        suppressions.bars(topic),
    )
    others = orders.where(Suppression.reason.not_in(_OWN_WORD))
    suppressed = case((others, SUPPRESSED), else_=UNWANTED)
    state = case((~ContactPoint.valid, INVALID), (orders, suppressed), else_=USABLE)
    bits = state.bitwise_lshift(3 * _place(ContactPoint.channel))
    return select(AUDIENCE.c.customer_id, bits.label("bits")).join(
        ContactPoint, ContactPoint.customer_id == AUDIENCE.c.customer_id
    )
