"""Counts up to a cap, exact over all workers and hosts: one row a cap and period, which everybody updates.

Counted in the caller's transaction, so what is rolled back was not counted. Hours and days are those of the clock, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from dispatcher.model import CapUse
from dispatcher.runtime import Runtime
from dispatcher.services.once import insert_missing


@dataclass(frozen=True, slots=True)
class Count:
    """A cap that is counted in: its row, what one of them takes of it, when it begins anew, how it is called."""

    cap: str
    period: str
    most: int
    each: int
    until: datetime
    words: str


def an_hour(runtime: Runtime, cap: str, most: int, words: str = "") -> Count:
    """So many in this hour."""
    return Count(cap, f"{runtime.now():%Y%m%d%H}", most, 1, next_hour(runtime), words)


def a_day(runtime: Runtime, cap: str, most: int, words: str = "", each: int = 1) -> Count:
    """So many in this day."""
    return Count(cap, f"{runtime.now():%Y%m%d}", most, each, next_day(runtime), words)


def take(session: Session, count: Count, wanted: int = 1) -> int:
    """How many of `wanted` the cap has room for; these are counted."""
    if not wanted:
        return 0
    added = _row(count).values(used=CapUse.used + wanted * count.each).returning(CapUse.used)
    used = session.scalar(added)
    if used is None:
        insert_missing(session, CapUse, [{"cap": count.cap, "period": count.period, "used": 0}], CapUse.cap)
        used = session.scalar(added) or 0
    before = used - wanted * count.each
    granted = max(0, min(wanted, (count.most - before) // count.each))
    put_back(session, count, wanted - granted)
    return granted


def put_back(session: Session, count: Count, some: int = 1) -> None:
    """These were counted and did not happen."""
    if some:
        session.execute(_row(count).values(used=CapUse.used - some * count.each))


def used(session: Session, count: Count) -> int:
    """What has been counted in its period."""
    query = select(CapUse.used).where(CapUse.cap == count.cap, CapUse.period == count.period)
    return session.scalar(query) or 0


def is_reached(session: Session, count: Count) -> bool:
    """Whether there is no room for another."""
    return used(session, count) + count.each > count.most


def next_hour(runtime: Runtime) -> datetime:
    return runtime.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def today(runtime: Runtime) -> datetime:
    return runtime.now().replace(hour=0, minute=0, second=0, microsecond=0)


def next_day(runtime: Runtime) -> datetime:
    return today(runtime) + timedelta(days=1)


def _row(count: Count) -> Update:
    mine = update(CapUse).where(CapUse.cap == count.cap, CapUse.period == count.period)
    return mine.execution_options(synchronize_session=False)
