"""When each delivery of a release was accepted, and for whom it was: read once, and summed up by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from dispatcher.model import CHANNELS, ContactPoint, Customer, Delivery, Message, Recipient
from dispatcher.model.delivery import FALLBACK, NEWS
from dispatcher.services.report_columns import flag, moment, packed, place_in, seconds_from

# numpy is imported where it is used: most processes never make a report.
if TYPE_CHECKING:
    from dispatcher.services.report_columns import Flags, Ids, Numbers

# All states, the usual ones first.
_STATES = tuple(dict.fromkeys(("delivered", "accepted", *NEWS)))


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients who have a delivery, as columns; `firm` is 0 where there is none."""

    delivery: Ids  # its place among the deliveries
    customer: Ids
    firm: Ids


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of a release as columns, in the order of their acceptance, then those not accepted.

    `after` is in seconds since the release, nan where not accepted.
    `customer` is the first of those a delivery is for and `firm` that customer's, 0 where there is none.
    `first` are the deliveries that the release made, without those that took over from failed ones; `held` those that
    quiet hours held back; of the `heard` somebody has listened to the end.
    """

    channels: list[str]  # of these deliveries
    id: Ids
    channel: Ids  # place in CHANNELS
    state: Ids
    first: Flags
    held: Flags
    heard: Flags
    after: Numbers
    customer: Ids
    firm: Ids
    recipients: Recipients

    def of_channel(self, name: str) -> Flags:
        """Which are of this channel."""
        found: Flags = self.channel == CHANNELS.index(name)
        return found

    def in_states(self, *names: str) -> Flags:
        """Which are in one of these states."""
        import numpy as np

        return np.isin(self.state, [_STATES.index(name) for name in names])

    def by_state(self, channel: str) -> dict[str, int]:
        """How many of a channel are in each state."""
        import numpy as np

        numbers = np.bincount(self.state[self.of_channel(channel)], minlength=len(_STATES)).tolist()
        return {name: number for name, number in zip(_STATES, numbers, strict=True) if number}

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
    """The spread of one group of deliveries, which are in order."""
    import numpy as np

    taken = int(np.count_nonzero(~np.isnan(after)))
    return _spread(after, len(after), taken)


def spreads(group: Ids, after: Numbers) -> dict[int, Spread]:
    """The spread of each group of deliveries, which are in order."""
    import numpy as np

    order = np.argsort(group, kind="stable")
    times = after[order]
    groups, starts, sizes = np.unique(group[order], return_index=True, return_counts=True)
    accepted = np.concatenate([[0], np.cumsum(~np.isnan(times))])
    taken = accepted[starts + sizes] - accepted[starts]
    columns = (column.tolist() for column in (groups, starts, sizes, taken))
    return {one: _spread(times[start:], size, some) for one, start, size, some in zip(*columns, strict=True)}


def _spread(after: Numbers, deliveries: int, accepted: int) -> Spread:
    """Median and p95 are of the nearest rank, rounded up."""
    if not accepted:
        return Spread(deliveries, 0)
    ranks = (1, (accepted * 50 + 99) // 100, (accepted * 95 + 99) // 100, accepted)
    return Spread(deliveries, accepted, *(round(float(after[rank - 1]), 3) for rank in ranks))


def measure(session: Session, message: Message) -> Deliveries:
    """All deliveries of a message. Reads nothing into the session."""
    import numpy as np

    query: Select[*tuple[Any, ...]] = select(
        Delivery.id,
        place_in(CHANNELS, Delivery.channel),
        place_in(_STATES, Delivery.state),
        flag(Delivery.position > FALLBACK),
        flag(Delivery.held_until.is_not(None)),
        flag(Delivery.heard_at.is_not(None)),
        moment(session, Delivery.accepted_at),
    ).where(Delivery.message_id == message.id)
    table = np.stack(packed(session, query))
    ids, *columns, accepted = table[:, np.argsort(table[0])]
    after = seconds_from(message.released_at, accepted)
    recipients = _among(ids, *packed(session, _recipients(message.id)))
    whose, whose_firm = _first_of(len(ids), recipients)
    moved = (columns[2] == 1) & (whose == 0)
    if moved.any():
        their, their_firm = _first_of(len(ids), _among(ids, *packed(session, _moved_on(message.id))))
        whose, whose_firm = np.where(moved, their, whose), np.where(moved, their_firm, whose_firm)
    order = np.argsort(after, kind="stable")  # nan comes last
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    channel, state, first, held, heard = (column[order] for column in columns)
    return Deliveries(
        channels=[
            name for name, some in zip(CHANNELS, np.bincount(channel, minlength=len(CHANNELS)), strict=True) if some
        ],
        id=ids[order],
        channel=channel,
        state=state,
        first=first == 1,
        held=held == 1,
        heard=heard == 1,
        after=after[order],
        customer=whose[order],
        firm=whose_firm[order],
        recipients=Recipients(place[recipients.delivery], recipients.customer, recipients.firm),
    )


def _recipients(message_id: int) -> Select[*tuple[Any, ...]]:
    """For whom deliveries are: delivery, customer, firm."""
    query: Select[*tuple[Any, ...]] = select(
        Recipient.delivery_id, Recipient.customer_id, func.coalesce(Customer.firm_id, 0).label("firm_id")
    )
    return query.join(Customer, Customer.id == Recipient.customer_id).where(
        Recipient.message_id == message_id, Recipient.delivery_id.is_not(None)
    )


def _among(ids: Ids, delivery: Ids, customer: Ids, firm: Ids) -> Recipients:
    """Those whose delivery is one of `ids`, which are sorted; others may have come since these were read."""
    import numpy as np

    place = np.searchsorted(ids, delivery)
    known = place < len(ids)
    known[known] &= ids[place[known]] == delivery[known]
    return Recipients(place[known], customer[known], firm[known])


def _first_of(deliveries: int, some: Recipients) -> tuple[Ids, Ids]:
    """For each delivery the lowest customer of these and that one's firm; 0 without."""
    import numpy as np

    # Of several written to one place the last stays.
    order = np.argsort(-some.customer, kind="stable")
    whose, whose_firm = np.zeros(deliveries, dtype=np.int64), np.zeros(deliveries, dtype=np.int64)
    whose[some.delivery[order]] = some.customer[order]
    whose_firm[some.delivery[order]] = some.firm[order]
    return whose, whose_firm


def _moved_on(message_id: int) -> Select[*tuple[Any, ...]]:
    """Of deliveries that failed, and whose recipients went on: for whom they were, as `_recipients` tells it."""
    still = aliased(Recipient)
    query: Select[*tuple[Any, ...]] = select(
        Delivery.id, Recipient.customer_id, func.coalesce(Customer.firm_id, 0).label("firm_id")
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
            ~exists().where(still.message_id == message_id, still.delivery_id == Delivery.id),
        )
    )
