"""A shuffled order in plain arithmetic: the same on every database, from a recorded seed, told by nothing else."""

from __future__ import annotations

import hashlib

from sqlalchemy import BigInteger, ColumnElement, literal

_PRIME = 2**31 - 1  # two factors below it stay within a database's 64-bit integers


def _constants(seed: int) -> list[int]:
    digest = hashlib.sha256(f"shuffle:{seed}".encode()).digest()
    return [int.from_bytes(digest[place : place + 4]) >> 2 for place in range(0, 28, 4)]


def place_of(number: int, seed: int) -> int:
    """Where an id stands in the order of a seed; the same as `place_in_sql` computes."""
    a, b, c, d, e, f, g = _constants(seed)
    mixed = (number % _PRIME * a + b) % _PRIME
    mixed = mixed * (mixed + c) % _PRIME
    mixed = (mixed * d + e) % _PRIME
    return (mixed * (mixed + f) + g) % _PRIME


def place_in_sql(number: ColumnElement[int], seed: int) -> ColumnElement[int]:
    """An expression to order by. Squares break up the even steps that multiplication alone would leave."""
    a, b, c, d, e, f, g = (literal(one, BigInteger) for one in _constants(seed))
    prime = literal(_PRIME, BigInteger)
    mixed = (number % prime * a + b) % prime
    mixed = mixed * (mixed + c) % prime
    mixed = (mixed * d + e) % prime
    return (mixed * (mixed + f) + g) % prime
