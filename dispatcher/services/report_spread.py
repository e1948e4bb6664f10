"""When each delivery of a release was accepted: read once, as columns of numbers, and summed up by group.

A hundred thousand deliveries are a few megabytes here; as rows of Python objects they would be a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from dispatcher.model import ContactPoint, Customer, Delivery, Message, Recipient
from dispatcher.model.delivery import FALLBACK

# numpy is imported where it is used: most processes never make a report.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_AT_ONCE = 10_000  # rows fetched at a time


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of a release as columns. `after` is in seconds since the release, nan where not accepted.

    `customer` is the first of those a delivery is for and `firm` that customer's, 0 where there is none.
    `first` are the deliveries that the release made, without those that took over from failed ones; `held` those that
    quiet hours held back.
    """

    channels: list[str]
    states: list[str]
    id: Ids
    channel: Ids  # place in `channels`
    state: Ids  # place in `states`
    first: Flags
    held: Flags
    after: Numbers
    customer: Ids
    firm: Ids

    def of_channel(self, name: str) -> Flags:
        """Which are of this channel."""
        return self.channel == self.channels.index(name) if name in self.channels else self.channel < 0

    def in_states(self, *names: str) -> Flags:
        """Which are in one of these states."""
        import numpy as np

        return np.isin(self.state, [place for place, name in enumerate(self.states) if name in names])

    @property
    def accepted(self) -> Flags:
        """Which a provider accepted."""
        import numpy as np

        found: Flags = ~np.isnan(self.after)
        return found

    @property
    def timed(self) -> Flags:
        """Those whose times are compared: all that were to leave at once."""
        return self.first & ~self.held


@dataclass(frozen=True, slots=True)
class Spread:
    """When a group of deliveries was accepted, in seconds since the release; None where none was."""

    deliveries: int
    accepted: int
    first: float | None = None
    median: float | None = None
    p95: float | None = None
    last: float | None = None

    @property
    def seconds(self) -> float | None:
        """From the first to the last."""
        return None if self.first is None or self.last is None else round(self.last - self.first, 3)


def spread(after: Numbers) -> Spread:
    """The spread of one group."""
    import numpy as np

    return spreads(np.zeros(len(after), dtype=np.int64), after).get(0, Spread(0, 0))


def spreads(group: Ids, after: Numbers) -> dict[int, Spread]:
    """The spread of each group of deliveries. Median and p95 are of the nearest rank, rounded up."""
    import numpy as np

    if not len(group):
        return {}
    # nan sorts behind all numbers, so that the accepted ones of a group come first.
    order = np.lexsort((after, group))
    times = after[order]
    groups, starts, sizes = np.unique(group[order], return_index=True, return_counts=True)
    accepted = np.add.reduceat((~np.isnan(times)).astype(np.int64), starts)
    found = {}
    for one, start, size, taken in zip(*(column.tolist() for column in (groups, starts, sizes, accepted)), strict=True):
        ranks = (1, (taken * 50 + 99) // 100, (taken * 95 + 99) // 100, taken) if taken else ()
        found[one] = Spread(size, taken, *(round(float(times[start + rank - 1]), 3) for rank in ranks))
    return found


def measure(session: Session, message: Message) -> Deliveries:
    """All deliveries of a message. Reads nothing into the session."""
    import numpy as np

    channels, states = _Codes(), _Codes()
    ids, channel, state, position, held, after = _columns(
        session,
        select(
            Delivery.id,
            Delivery.channel,
            Delivery.state,
            Delivery.position,
            case((Delivery.held_until.is_not(None), 1), else_=0),
            _moment(session),
        )
        .where(Delivery.message_id == message.id)
        .order_by(Delivery.id),
        (_whole, channels, states, _whole, _whole, _moments(message.released_at)),
    )
    whose, whose_firm = _first_of(ids, *packed(session, _recipients(message.id)))
    moved = (position > FALLBACK) & (whose == 0)
    if moved.any():
        their, their_firm = _first_of(ids, *packed(session, _moved_on(message.id)))
        whose, whose_firm = np.where(moved, their, whose), np.where(moved, their_firm, whose_firm)
    return Deliveries(
        channels=channels.names,
        states=states.names,
        id=ids,
        channel=channel,
        state=state,
        first=position > FALLBACK,
        held=held == 1,
        after=after,
        customer=whose,
        firm=whose_firm,
    )


def _recipients(message_id: int) -> Select[*tuple[Any, ...]]:
    """For whom deliveries are: delivery, firm, customer."""
    query: Select[*tuple[Any, ...]] = select(
        Recipient.delivery_id, func.coalesce(Customer.firm_id, 0).label("firm_id"), Recipient.customer_id
    )
    return query.join(Customer, Customer.id == Recipient.customer_id).where(
        Recipient.message_id == message_id, Recipient.delivery_id.is_not(None)
    )


def _first_of(ids: Ids, delivery: Ids, firm: Ids, customer: Ids) -> tuple[Ids, Ids]:
    """For each of `ids`, which are sorted, the lowest customer and that one's firm; 0 without."""
    import numpy as np

    order = np.lexsort((customer, delivery))
    known, at = np.unique(delivery[order], return_index=True)
    whose, whose_firm = np.zeros_like(ids), np.zeros_like(ids)
    place = np.searchsorted(ids, known)
    inside = place < len(ids)
    inside[inside] &= ids[place[inside]] == known[inside]
    whose[place[inside]] = customer[order][at][inside]
    whose_firm[place[inside]] = firm[order][at][inside]
    return whose, whose_firm


def _moved_on(message_id: int) -> Select[*tuple[Any, ...]]:
    """Of deliveries that failed, and whose recipients went on to their next channel: for whom they were."""
    still = aliased(Recipient)
    query: Select[*tuple[Any, ...]] = select(
        Delivery.id, func.coalesce(Customer.firm_id, 0).label("firm_id"), Recipient.customer_id
    )
    return (
        query.join(
            ContactPoint, and_(ContactPoint.channel == Delivery.channel, ContactPoint.address == Delivery.address)
        )
        .join(
            Recipient,
            and_(Recipient.customer_id == ContactPoint.customer_id, Recipient.message_id == Delivery.message_id),
        )
        .join(Customer, Customer.id == Recipient.customer_id)
        .where(
            Delivery.message_id == message_id,
            Delivery.position > FALLBACK,
            ~exists().where(still.delivery_id == Delivery.id),
        )
    )


class _Codes:
    """Gives each name a number, in the order of their coming."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._known: dict[str, int] = {}

    def __call__(self, values: Sequence[str]) -> Ids:
        import numpy as np

        for name in set(values) - self._known.keys():
            self._known[name] = len(self.names)
            self.names.append(name)
        return np.fromiter((self._known[value] for value in values), dtype=np.int64, count=len(values))


def _whole(values: Sequence[int]) -> Ids:
    import numpy as np

    return np.array(values, dtype=np.int64)


def _moment(session: Session) -> Any:
    """The time of acceptance in a writing that becomes a number at once: text from SQLite, seconds from PostgreSQL."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(extract("epoch", Delivery.accepted_at), Double)
    return type_coerce(Delivery.accepted_at, String)


def _moments(released: datetime | None) -> Callable[[Sequence[Any]], Numbers]:
    """A column of moments as seconds since the release."""
    import numpy as np

    start = released.timestamp() if released else 0.0

    def seconds(values: Sequence[Any]) -> Numbers:
        given = np.array([value is not None for value in values], dtype=bool)
        found = np.full(len(values), np.nan)
        some = [value for value in values if value is not None]
        if some and isinstance(some[0], str):
            exact = np.array(some, dtype="datetime64[us]") - np.datetime64(round(start * 1e6), "us")
            found[given] = exact.astype(np.int64) / 1e6
        elif some:
            found[given] = np.array(some, dtype=np.float64) - start
        return found

    return seconds


def _columns(session: Session, query: Select[*tuple[Any, ...]], kinds: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """The rows of a query as one array a column."""
    import numpy as np

    parts: list[list[Any]] = [[kind(())] for kind in kinds]
    for rows in _some_at_a_time(session, query):
        for kind, part, values in zip(kinds, parts, zip(*rows, strict=True), strict=True):
            part.append(kind(values))
    return [np.concatenate(part) for part in parts]


def _some_at_a_time(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    return session.connection().execute(query, execution_options={"yield_per": _AT_ONCE}).partitions()


def packed(session: Session, query: Select[*tuple[Any, ...]]) -> list[Ids]:
    """The rows of a query for whole numbers as one array a column.

    The database writes thousands of rows into one text each, which is read back at once: five times as fast as to fetch
    them one by one. The last column must be a customer's id or anything else that grows evenly.
    """
    import numpy as np

    rows = query.subquery()
    row: ColumnElement[str] = reduce(lambda left, right: left + " " + right, (cast(one, String) for one in rows.c))
    texts = session.connection().scalars(
        select(func.aggregate_strings(row, " ")).group_by(list(rows.c)[-1] // _AT_ONCE)
    )
    parts = [np.fromstring(text, dtype=np.int64, sep=" ") for text in texts]
    table = np.concatenate([np.empty(0, dtype=np.int64), *parts]).reshape(-1, len(rows.c))
    return list(table.T)
