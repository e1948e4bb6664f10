"""Times that people type into forms, in a zone of theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatcher.web import filters


def typed(text: str, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, of what a field for date and time holds. Raises ValueError with a text for people."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date and time such as 2030-01-31T09:30") from None
    moment = local.replace(tzinfo=zone) if local.tzinfo is None else local
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise ValueError("does not exist: clocks are put forward over it that day")
    return moment.astimezone(UTC)


def field(moment: datetime | None, zone: ZoneInfo) -> str:
    """The moment as such a field takes it."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if moment else ""


def plain(moment: datetime) -> str:
    """A moment in the person's zone, as text."""
    return moment.astimezone(filters.zone()).strftime("%-d %b %Y, %H:%M %Z")


def weekly(begin: datetime, end: datetime, weeks: int, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The same hours of so many weeks, by the clocks of that zone, also where they are put forward or back."""

    def later(moment: datetime, week: int) -> datetime:
        local = moment.astimezone(zone).replace(tzinfo=None) + timedelta(weeks=week)
        return local.replace(tzinfo=zone).astimezone(UTC)

    return [(later(begin, week), later(end, week)) for week in range(weeks)]


def week_of(day: date) -> list[tuple[date, datetime, datetime]]:
    """The days of the week of a day, each with its beginning and end in the zone of who looks."""
    zone = filters.zone()
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=number) for number in range(8)]
    starts = [datetime.combine(one, time(), zone).astimezone(UTC) for one in days]
    return [(days[number], starts[number], starts[number + 1]) for number in range(7)]
