"""Whole worlds under faults, by seed. `python -m benchmarks.simulate --seed N` shows one that fails, step by step."""

from __future__ import annotations

import time

from tests.simulator.simulation import simulate

SECONDS = 20.0  # of this machine, for the seeds that come one after the other
FIRST = 1


def test_the_same_seed_gives_the_same_history() -> None:
    one, other = simulate(4), simulate(4)
    assert one.history == other.history
    assert one.digest == other.digest != simulate(6).digest


def test_no_seed_breaks_a_promise() -> None:
    """As many as the time allows, and a hundred and fifty at most."""
    until, seeds, sends = time.monotonic() + SECONDS, 0, 0
    broken: dict[int, list[str]] = {}
    while time.monotonic() < until and seeds < 150:
        verdict = simulate(FIRST + seeds)
        seeds, sends = seeds + 1, sends + verdict.sends
        if verdict.breaches:
            broken[verdict.seed] = verdict.breaches
    print(f"{seeds} seeds, {sends} sends")  # shown by pytest -s and with a failure
    assert not broken
