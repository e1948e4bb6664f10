"""Every side effect of the main scenarios: whoever dies before it or after it, all is as promised in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.crash import torment
from tests.simulator.scenarios import ALL, Scenario


@pytest.fixture(scope="module")
def covered() -> Iterator[list[int]]:
    """Crash points of each scenario that held; how many there were is told at the end."""
    counts: list[int] = []
    yield counts
    print(f"\n{sum(counts)} of {sum(counts)} crash points in {len(counts)} scenarios")  # shown by pytest -s


@pytest.mark.parametrize("scenario", ALL, ids=lambda one: one.name)
def test_no_crash_point_breaks_a_promise(scenario: Scenario, covered: list[int]) -> None:
    outcome = torment(scenario)
    assert outcome.points > 0
    assert outcome.wrong == {}, f"{len(outcome.wrong)} of {outcome.runs} runs went wrong"
    covered.append(outcome.points)
