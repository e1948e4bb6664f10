"""Writers of one SQLite database: whoever waits gets in while another writes nearly all the time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from dispatcher.storage import engine as storage
from dispatcher.storage import make_engine


def test_a_writer_asks_again_at_once_and_has_the_first_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SQLite's own waiting, which grows to 0.1 s, one that waits among busy ones misses gap after gap."""
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    slept: list[float] = []
    with make_engine(url).connect() as busy:
        held = busy.begin()

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 20:
                held.rollback()

        monkeypatch.setattr(storage, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
        with make_engine(url).begin():
            pass
    assert slept == [0.001] * 20


def test_a_writer_gives_up_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 100)
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    with make_engine(url).begin(), pytest.raises(OperationalError, match="locked"), make_engine(url).begin():
        pass


def test_the_next_statement_of_a_connection_waits_as_usual(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    with engine.begin() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == storage.BUSY_MS
