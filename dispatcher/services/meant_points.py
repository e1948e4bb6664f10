"""The contact points that a wish to hear no more is about: words may name another way than the one they came by."""

from __future__ import annotations

from dispatcher.model import Customer
from dispatcher.services.understanding import ways

Point = tuple[str, str]  # channel and address


def of(customer: Customer | None, point: Point, words: str) -> list[Point]:
    """Those of the ways that the words want ended, one at least: the point itself where they name none of theirs."""
    named = ways.ended(words)
    if customer is None or not named:
        return [point]
    theirs = {one.channel: one.address for one in customer.contact_points} | dict([point])
    return [(channel, theirs[channel]) for channel in sorted(named) if channel in theirs] or [point]
