"""Two hundred kills of the whole product, half of them on each database; thousands by `python -m benchmarks.soak`."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from benchmarks.soak.run import brisk, soak

KILLS = 100


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_hundred_kills_lose_and_double_nothing(database: str) -> None:
    figures = soak(brisk(KILLS, database, seed=7))
    told = json.dumps(asdict(figures), indent=2)
    print(told)
    assert figures.breaches == [], told
    assert figures.at_rest, told
    assert figures.kills == KILLS, told
    # The run was one worth surviving: much was sent, and some of it was in doubt.
    assert figures.acceptances > 100, told
    assert figures.unknowns > 3, told
