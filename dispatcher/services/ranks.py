"""Of times that were measured: how many, the median, and what nine in ten keep within; nearest rank, rounded up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """So many times in seconds; None where there is none."""

    count: int = 0
    median: float | None = None
    p90: float | None = None


def times(seconds: Iterable[float]) -> Times:
    """What these times come to."""
    known = sorted(seconds)
    return Times(len(known), _rank(known, 50), _rank(known, 90)) if known else Times()


def _rank(known: list[float], percent: int) -> float:
    return round(known[(len(known) * percent + 99) // 100 - 1], 3)


def share(some: int, of: int) -> float | None:
    """Which part of a whole, from 0 to 1; None of nothing."""
    return round(some / of, 4) if of else None
