"""The database of all simulated worlds, one after the other: the product's own engine over a file in memory."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.storage import make_engine, make_sessions, migrate
from tests.simulator.loop import PROCESS


def _memory() -> Path:
    """Where files cost no disk."""
    shm = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    made = Path(tempfile.mkdtemp(prefix="dispatcher-simulator-", dir=shm if shm.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


_DUE = """
SELECT EXISTS (SELECT 1 FROM deliveries WHERE state IN ('queued', 'deferred', 'unknown') AND due_at <= :now)
OR EXISTS (SELECT 1 FROM letters WHERE state IN ('queued', 'deferred', 'unknown') AND due_at <= :now)
OR EXISTS (SELECT 1 FROM deliveries WHERE state = 'sending' AND lease_until <= :now)
OR EXISTS (SELECT 1 FROM letters WHERE state = 'sending' AND lease_until <= :now)
OR EXISTS (SELECT 1 FROM callbacks WHERE state = 'new' AND due_at <= :now)
OR EXISTS (SELECT 1 FROM messages WHERE state = 'approved' AND coalesce(release_at, :now) <= :now)
OR EXISTS (SELECT 1 FROM recordings WHERE state = 'waiting')
OR EXISTS (SELECT 1 FROM conversations WHERE state = 'open' AND claim_by <= :now)
OR EXISTS (SELECT 1 FROM order_requests WHERE due_at <= :now)
"""
_MOVES = "state IN ('queued', 'deferred', 'sending') OR (state = 'unknown' AND due_at IS NOT NULL)"
_WAITING = f"""
SELECT (SELECT count(*) FROM deliveries WHERE {_MOVES}), (SELECT count(*) FROM letters WHERE {_MOVES}),
(SELECT count(*) FROM callbacks WHERE state = 'new'), (SELECT count(*) FROM messages WHERE state = 'approved'),
(SELECT count(*) FROM recordings WHERE state = 'waiting')
"""  # noqa: S608  # made of the line above


class Store:
    """One engine for as long as the interpreter lives, so that statements are compiled once; its file is replaced.

    Every BEGIN and COMMIT that writes is a side effect of the process that does it. `locked` and `lost` are
    drawn by the world: whether this transaction finds the database locked, or is committed without an answer.
    """

    def __init__(self) -> None:
        self.folder = _memory()
        self.var = self.folder / "var"
        self.path = self.folder / "dispatcher.sqlite"
        migrate(f"sqlite:///{self.path}")
        self._images: dict[str, bytes] = {"": self.path.read_bytes()}
        self.engine = make_engine(f"sqlite:///{self.path}")
        self.sessions: sessionmaker[Session] = make_sessions(self.engine)
        self.raw = sqlite3.connect(self.path)  # looks on, and is nobody's process
        self.commits = 0
        _watch(self, self.engine)
        _watch_files(self.var)

    def anything_due(self, now: datetime) -> bool:
        """Whether a sweep at this time would find something to ring for, or to set right."""
        return bool(self.raw.execute(_DUE, {"now": now.strftime("%Y-%m-%d %H:%M:%S.%f")}).fetchone()[0])

    def waiting(self) -> dict[str, int]:
        """How much is still to move by itself, by kind; empty when everything has come to rest."""
        kinds = ("deliveries", "letters", "callbacks", "releases", "recordings")
        return {kind: n for kind, n in zip(kinds, self.raw.execute(_WAITING).fetchone(), strict=True) if n}

    def begin(self, image: str = "") -> None:
        """A fresh database with what was kept under this name; without one, empty."""
        self.close()
        self.path.write_bytes(self._images[image])
        self.raw = sqlite3.connect(self.path, isolation_level=None)

    def lay_out(self, files: Mapping[str, bytes]) -> None:
        """Make VAR_DIR hold just these files."""
        shutil.rmtree(self.var, ignore_errors=True)
        self.var.mkdir()
        for name, content in files.items():
            (self.var / name).write_bytes(content)

    def files(self) -> dict[str, bytes]:
        """What VAR_DIR holds."""
        return {one.name: one.read_bytes() for one in sorted(self.var.iterdir())}

    def keep(self, image: str) -> None:
        """Remember what the database holds now under this name."""
        self.close()
        self._images[image] = self.path.read_bytes()

    def has(self, image: str) -> bool:
        return image in self._images

    def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log into the file as the last one goes."""
        self.engine.dispose()
        self.raw.close()
        for rest in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.path}{rest}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look from outside, by nobody's process."""
        with self.engine.connect().execution_options(read_only=True) as connection:
            yield connection


def _watch(store: Store, engine: Engine) -> None:
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        process = PROCESS.get()
        changes = connection.driver_connection.total_changes
        if process is None or changes == connection.info.get("changes"):
            if process is not None and process.dead:
                process.effect("commit", "before")
            commit(connection)
            return
        process.effect("commit", "before")
        commit(connection)
        store.commits += 1
        process.effect("commit", "after")

    # SQLAlchemy has no event after the driver's commit, and a process may die exactly there.
    engine.dialect.do_commit = do_commit  # type: ignore[method-assign,assignment]  # a bound one stands in

    @event.listens_for(engine, "connect")
    def _impatient(connection: Any, _record: object) -> None:
        # Nothing else runs while one waits: whoever holds the lock would hold it for ever.
        connection.execute("PRAGMA busy_timeout=0")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        process = PROCESS.get()
        raw: Any = connection.connection
        raw.info["changes"] = raw.driver_connection.total_changes
        if process is not None:
            process.effect("begin", "before")


def _watch_files(folder: Path) -> None:
    """Make every file that a process opens for writing in VAR_DIR, and every rename, a side effect of it."""
    inside = f"{folder}{os.sep}"

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename"):
            return
        process = PROCESS.get()
        if process is None or not str(details[0]).startswith(inside):
            return
        if event == "os.rename" or details[2] & (os.O_WRONLY | os.O_RDWR):
            process.effect("file write" if event == "open" else "file rename", "before")

    sys.addaudithook(hook)


def locked() -> OperationalError:
    """What SQLite says to a writer that waited too long for another."""
    return OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))


def no_answer() -> sqlite3.OperationalError:
    """What a driver says when the connection went away at COMMIT: done or not, nobody knows."""
    return sqlite3.OperationalError("the connection was lost")
