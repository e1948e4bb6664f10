"""The time of day where a customer is, as pages, letters and calls say it: by the directory; UTC where it is silent."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=1000)
def zone(name: str | None) -> ZoneInfo:
    """The zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def hour(at: datetime, where: ZoneInfo) -> str:
    """As "14:05 CET"; a zone that has a number for a name gets its place on the clock, as "14:05 UTC-03"."""
    local = at.astimezone(where)
    name = local.tzname() or "UTC"
    return f"{local:%H:%M} {'UTC' if name[:1] in '+-' else ''}{name}"
