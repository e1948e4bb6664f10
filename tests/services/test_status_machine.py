"""Any order and any number of copies of the same news end in the same state."""

from __future__ import annotations

from itertools import permutations

import pytest

from dispatcher.model.delivery import NEWS, after

CALLBACKS = ("accepted", "delivered", "bounced", "failed", "rejected")


@pytest.mark.parametrize("start", ["sending", "unknown", "accepted"])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_every_order_of_callbacks_ends_the_same(start: str, count: int) -> None:
    for news in permutations(CALLBACKS, count):
        ends = set()
        for order in permutations(news):
            state = start
            for one in (*order, *order):
                state = after(state, one)
            ends.add(state)
        assert len(ends) == 1, (start, news, ends)


def test_what_was_stopped_stays_stopped() -> None:
    for state in ("cancelled", "expired", "suppressed"):
        assert not NEWS[state]


@pytest.mark.parametrize("state", ["delivered", "bounced", "failed", "rejected", "accepted"])
def test_nothing_goes_back_to_waiting(state: str) -> None:
    assert after(state, "deferred") == state
    assert after(state, "unknown") == state
