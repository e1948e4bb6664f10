"""Quiet hours: until when a customer is not to be disturbed, by the clock on their own wall."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dispatcher.services import local_time


def ends(moment: datetime, zone: str, begin: time | None, end: time | None) -> datetime | None:
    """When the quiet hours that hold at `moment` (UTC) end, in UTC; None where none hold.

    `begin` and `end` are local to `zone`; they may span midnight, and the same twice means none. A time that the
    spring leaves out counts as an hour later.
    """
    if begin is None or end is None or begin == end:
        return None
    local = moment.astimezone(local_time.zone(zone))
    clock = local.time()
    quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    # In the hour that comes twice in autumn, the end may have passed for the first time only.
    twice = (datetime.combine(day, end, tzinfo=local.tzinfo).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((one for one in twice if one > moment), None)


def holds_until(
    moment: datetime, zone: str, begin: time | None, end: time | None, *, urgent: bool, urgent_may: bool
) -> datetime | None:
    """Until when a message waits for the end of the quiet hours; None where none hold, or where it may break them."""
    return None if urgent and urgent_may else ends(moment, zone, begin, end)
