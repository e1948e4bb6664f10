"""Side effects of the main scenarios: whoever dies before one or after it, all is as promised in the end.

`./test` tries a quarter of them, `./test -m long` every one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.crash import torment
from tests.simulator.scenarios import ALL, Scenario


@pytest.fixture(scope="module")
def covered() -> Iterator[list[int]]:
    """Runs that died at a crash point of each scenario and held; how many there were is told at the end."""
    counts: list[int] = []
    yield counts
    print(f"\n{sum(counts)} runs of {len(counts)} scenarios")  # shown by pytest -s


@pytest.mark.parametrize("every", [pytest.param(4, id="a quarter"), pytest.param(1, id="all", marks=pytest.mark.long)])
@pytest.mark.parametrize("scenario", ALL, ids=lambda one: one.name)
def test_no_crash_point_breaks_a_promise(scenario: Scenario, every: int, covered: list[int]) -> None:
    outcome = torment(scenario, every)
    assert outcome.runs > 0
    assert outcome.wrong == {}, f"{len(outcome.wrong)} of {outcome.runs} runs went wrong"
    covered.append(outcome.runs)
