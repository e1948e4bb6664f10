"""The ids that travel with calls: of one length, in the order of time, and not to be guessed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.mark.parametrize("count", [0, 1, 500])
def test_ids_are_as_many_as_asked_for_ascending_and_of_32_digits(bank: SmallBank, count: int) -> None:
    ids = bank.runtime.new_ids(count)
    assert ids == sorted(set(ids))
    assert len(ids) == count
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


def test_later_ids_come_after_earlier_ones_and_tell_their_time(bank: SmallBank) -> None:
    bank.time.at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    before = bank.runtime.new_ids(100)
    bank.time.at += timedelta(milliseconds=1)
    assert before[-1] < bank.runtime.new_ids(100)[0]
    assert int(before[0][:12], 16) == datetime(2026, 11, 20, 9, 30, tzinfo=UTC).timestamp() * 1000


def test_small_chance_keeps_its_zeroes(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    small = random.Random(1)
    monkeypatch.setattr(small, "getrandbits", lambda bits: 5)
    object.__setattr__(bank.runtime, "chance", small)
    first, second = bank.runtime.new_ids(2)
    assert (first[12:], second[12:]) == ("0" * 20, f"{5:020x}")
