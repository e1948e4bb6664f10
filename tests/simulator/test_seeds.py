"""Whole worlds under faults, by seed. `python -m benchmarks.simulate --seed N` shows one that fails, step by step."""

from __future__ import annotations

import pytest

from tests.simulator.simulation import simulate


def test_the_same_seed_gives_the_same_history() -> None:
    one, other = simulate(3), simulate(3)
    assert one.history == other.history
    assert one.digest == other.digest
    assert len(set(one.history)) > 100, "next to nothing happened"
    assert one.breaches == []


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_no_seed_breaks_a_promise(seed: int) -> None:
    verdict = simulate(seed)
    assert verdict.sends > 0
    assert verdict.breaches == []
