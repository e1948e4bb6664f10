"""Two records that look like one person: proposed, never merged by themselves."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from dispatcher.model import CHANNELS, ContactPoint, Customer

_TITLE_WORDS = "mr mrs ms miss dr prof univ herr frau ing dipl mag bsc msc ba ma mba phd jr sr ii iii eng sc"
_TITLES = frozenset(_TITLE_WORDS.split())
_ALIKE = 0.88


@dataclass(frozen=True, slots=True)
class Proposal:
    """Two customers with the same address or number and like names."""

    one: Customer
    other: Customer
    addresses: tuple[str, ...]


def likely_duplicates(session: Session, limit: int = 200) -> list[Proposal]:
    """Pairs of active customers who share an address, on whatever channel, and whose names are alike."""
    mine, theirs = aliased(ContactPoint), aliased(ContactPoint)
    one, other = aliased(Customer), aliased(Customer)
    rows = session.execute(
        select(one.id, one.name, other.id, other.name, mine.address)
        .select_from(mine)
        .join(
            theirs,
            # Naming the channels lets the index on channel and address serve.
            theirs.channel.in_(CHANNELS) & (theirs.address == mine.address) & (theirs.customer_id > mine.customer_id),
        )
        .join(one, one.id == mine.customer_id)
        .join(other, other.id == theirs.customer_id)
        .where(one.active, other.active)
        .distinct()
    )
    shared: dict[tuple[int, int], set[str]] = {}
    for first, first_name, second, second_name, address in rows:
        if (first, second) in shared or alike(first_name, second_name):
            shared.setdefault((first, second), set()).add(address)
    found = sorted(shared.items())[:limit]
    people = {
        customer.id: customer
        for customer in session.scalars(
            select(Customer).where(Customer.id.in_({id_ for pair, _ in found for id_ in pair}))
        )
    }
    return [Proposal(people[pair[0]], people[pair[1]], tuple(sorted(addresses))) for pair, addresses in found]


def alike(one: str, other: str) -> bool:
    """Whether two names may be one person's: titles, accents and order aside, the same, shortened or mistyped."""
    first, second = _words(one), _words(other)
    if not first or not second:
        return False
    if _covers(first, second) or _covers(second, first):
        return True
    matcher = SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second)))
    # The two estimates are never too low and cost little: behind one desk's telephone everybody meets everybody.
    return all(ratio() >= _ALIKE for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


def _covers(short: list[str], long: list[str]) -> bool:
    """Every word of the one, at least two, is in the other or stands there as an initial."""
    return len(short) >= 2 and all(
        word in long or (len(word) == 1 and any(full.startswith(word) for full in long)) for word in short
    )


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [word for word in re.findall(r"\w+", letters) if word not in _TITLES]
