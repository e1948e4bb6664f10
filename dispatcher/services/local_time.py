"""The time of day where a customer is, as pages, letters and calls say it: by the directory; UTC where it is silent."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Of the names that systems know these are no zones of anybody's: a link to the machine's own, rules, a placeholder.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
_PARTS_OF_THE_WORLD = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


@cache
def names() -> frozenset[str]:
    """All that a zone may be called."""
    return frozenset(available_timezones() - _NO_ZONES)


@cache
def places() -> tuple[str, ...]:
    """Those to choose from: UTC, and places. The others are old names of these, or clocks of no place."""
    return ("UTC", *sorted(name for name in names() if name.partition("/")[0] in _PARTS_OF_THE_WORLD))


@lru_cache(maxsize=1000)
def zone(name: str | None) -> ZoneInfo:
    """The zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, a name too long for a file
        return ZoneInfo("UTC")


def hour(at: datetime, where: ZoneInfo) -> str:
    """As "14:05 CET"; a zone that has a number for a name gets its place on the clock, as "14:05 UTC-03"."""
    local = at.astimezone(where)
    name = local.tzname() or "UTC"
    return f"{local:%H:%M} {'UTC' if name[:1] in '+-' else ''}{name}"
