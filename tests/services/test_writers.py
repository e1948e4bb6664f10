"""Writers of one SQLite database: whoever waits gets in while another writes nearly all the time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from dispatcher.storage import engine as storage
from dispatcher.storage import make_engine

HELD, GAP = 0.02, 0.004  # seconds


def test_a_writer_gets_in_between_the_transactions_of_a_busy_one(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            with engine.begin():
                time.sleep(HELD)
            time.sleep(GAP)

    other = threading.Thread(target=busy)
    other.start()
    waits = []
    try:
        for _ in range(10):
            began = time.monotonic()
            with engine.begin():
                waits.append(time.monotonic() - began)
    finally:
        over.set()
        other.join()
    # With SQLite's own waiting, which grows to 0.1 s, one of ten waits took a second and more.
    assert sum(waits) < 10 * 10 * (HELD + GAP)


def test_a_writer_gives_up_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BUSY_MS", 100)
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    with make_engine(url).begin(), pytest.raises(OperationalError, match="locked"), make_engine(url).begin():
        pass


def test_the_next_statement_of_a_connection_waits_as_usual(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    with engine.begin() as connection:
        assert connection.scalar(text("PRAGMA busy_timeout")) == storage.BUSY_MS
