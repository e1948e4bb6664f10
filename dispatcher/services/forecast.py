"""When the last customer of each channel will be reached: under the configured limits, behind what already waits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Delivery, Message, Recipient
from dispatcher.model.delivery import FALLBACK, due_by
from dispatcher.runtime import Runtime
from dispatcher.services import fan_out, limits, quiet_hours
from dispatcher.storage import joined_by_hash

REQUEST_SECONDS = 0.3  # a provider's usual answer

# Customers who share their quiet hours: channel, zone, begin, end, whether urgent ones may break them, how many.
Resting = tuple[str, str, time | None, time | None, bool, int]


@dataclass(frozen=True, slots=True)
class Held:
    """How many deliveries quiet hours hold back at the release, and until when the last of them."""

    deliveries: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Forecast:
    """One channel of a release. Seconds count from the release.

    `a_second` deliveries leave, by a configured rate where `limited`, else by the requests that may be under way at
    once. `ahead` of other releases leave before the last one here. `seconds` is of those that leave at once,
    without the `held`; `late` of all would be stale before they could leave.
    """

    channel: str
    deliveries: int
    a_second: float
    limited: bool
    ahead: int
    seconds: float
    held: int = 0
    held_until: datetime | None = None
    late: int = 0


def begin(runtime: Runtime, message: Message) -> datetime:
    """When the release is, was, or would be."""
    return message.released_at or max(runtime.now(), message.release_at or runtime.now())


def a_second(runtime: Runtime, channel: str) -> float:
    """How many deliveries leave in a second; 0 without a provider."""
    found = limits.of_channel(runtime, channel)
    if found is None:
        return 0.0
    by_places = found.requests * found.recipients_a_request / REQUEST_SECONDS
    return by_places if found.a_second is None else min(found.a_second, by_places)


def seconds_for(runtime: Runtime, channel: str, deliveries: int) -> float:
    """Seconds until the last of so many deliveries is handed over, under the configured limits."""
    rate = a_second(runtime, channel)
    return round(max(deliveries / rate, REQUEST_SECONDS), 1) if deliveries and rate else 0.0


def foretell(
    session: Session,
    runtime: Runtime,
    message: Message,
    by_channel: Mapping[str, int],
    resting: Iterable[Resting],
    *,
    alone: bool = False,
) -> dict[str, Forecast]:
    """The forecast of each channel with so many deliveries, of which those of `resting` may be held.

    `alone`: as if nothing else waited.
    """
    start = begin(runtime, message)
    held = _held(resting, start, message.current.urgency == "urgent")
    return {
        channel: _channel(session, runtime, message, channel, number, held.get(channel), start, alone)
        for channel, number in by_channel.items()
    }


def _channel(
    session: Session,
    runtime: Runtime,
    message: Message,
    channel: str,
    number: int,
    held: Held | None,
    start: datetime,
    alone: bool,
) -> Forecast:
    holding = min(held.deliveries, number) if held else 0
    rate, going = a_second(runtime, channel), number - holding
    before = 0 if alone else _ahead(session, runtime, message, channel, going, rate, start)
    seconds = seconds_for(runtime, channel, going + before) if going else 0.0
    stale = 0
    if message.valid_for and rate:
        stale = max(0, going + before - math.floor(rate * message.valid_for))
        if held and held.until > start + timedelta(seconds=message.valid_for):
            stale += holding
    return Forecast(
        channel=channel,
        deliveries=number,
        a_second=rate,
        limited=limits.per_second(runtime, channel) is not None,
        ahead=before,
        seconds=seconds,
        held=holding,
        held_until=held.until if held else None,
        late=min(stale, number),
    )


# --- what waits -------------------------------------------------------------------------------------------


def _ahead(
    session: Session, runtime: Runtime, message: Message, channel: str, number: int, rate: float, start: datetime
) -> int:
    """How many deliveries of other releases leave before the last of these.

    Urgent ones all pass an ordinary release; releases of one urgency take turns, so that of each as many leave as of
    this one, at most. What will have left by the time of a later release does not count.
    """
    if not number:
        return 0
    urgent, before = message.current.urgency == "urgent", 0
    for one in fan_out.open_releases(session, channel, start):
        if one.message_id != message.id and (one.urgent or not urgent):
            before += _due(session, one.message_id, channel, start, number if one.urgent == urgent else None)
    left_by_then = math.floor(rate * max(0.0, (start - runtime.now()).total_seconds()))
    return max(0, before - left_by_then)


def _due(session: Session, message_id: int, channel: str, start: datetime, most: int | None) -> int:
    """How many deliveries of a message wait on a channel; counts no further than `most`."""
    some = select(Delivery.id).where(*due_by(message_id, channel, start))
    return session.scalar(select(func.count()).select_from(some.limit(most).subquery())) or 0


# --- quiet hours ------------------------------------------------------------------------------------------


def _held(resting: Iterable[Resting], start: datetime, urgent: bool) -> dict[str, Held]:
    found: dict[str, Held] = {}
    for channel, zone, first, last, urgent_may, number in resting:
        until = quiet_hours.holds_until(start, zone, first, last, urgent=urgent, urgent_may=urgent_may)
        if until is None:
            continue
        known = found.get(channel)
        found[channel] = Held(known.deliveries + number, max(known.until, until)) if known else Held(number, until)
    return found


def resting_of(session: Session, message: Message) -> list[Resting]:
    """The recipients of a released message who have quiet hours, summed up."""
    query = (
        select(
            Recipient.channel, Customer.timezone, Customer.quiet_from, Customer.quiet_until, Customer.urgent_when_quiet,
            func.count(Delivery.id.distinct()),
        )
        .join(Customer, Customer.id == Recipient.customer_id)
        .join(Delivery, Delivery.id == Recipient.delivery_id)
        .where(Recipient.message_id == message.id, Delivery.position > FALLBACK, Customer.quiet_from.is_not(None))
        .group_by(
            Recipient.channel, Customer.timezone, Customer.quiet_from, Customer.quiet_until, Customer.urgent_when_quiet
        )
    )  # fmt: skip
    with joined_by_hash(session):
        return [tuple(row) for row in session.execute(query)]  # type: ignore[misc]  # who has a delivery has a channel
