"""The ledger in memory, written to SQLite behind the requests.

A request is answered once its record is in memory; a flush follows within 50 ms, so only a killed machine
or process can lose the last moments. Every record is one JSON document, whatever its kind.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

FLUSH_EVERY = 0.05
_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, doc BLOB NOT NULL, UNIQUE (kind, key)
);
"""
# An upsert keeps the row's id, so records come back in the order in which they were made.
_UPSERT = "INSERT INTO record (kind, key, doc) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc"
_DELETE = "DELETE FROM record WHERE kind = ? AND key = ?"


Batch = tuple[set[str], list[tuple[str, str, bytes]], list[tuple[str, str]]]
"""Kinds to clear, records to keep, records to drop; writing it twice does no harm."""


class Store:
    """`put` and `drop` mark records; `run` or `flush` writes what is marked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dirty: dict[tuple[str, str], Any] = {}
        self._cleared: set[str] = set()
        self._writing = threading.Lock()
        self._under_way: Batch | None = None
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.executescript(_SCHEMA)

    def put(self, kind: str, key: str, record: Any) -> None:
        """Remember; `record` is a dataclass or a JSON value and is read at the next flush."""
        self._dirty[kind, key] = record

    def drop(self, kind: str, key: str) -> None:
        self._dirty[kind, key] = None

    def load(self, kind: str) -> Iterator[tuple[str, Any]]:
        with closing(self._db.execute("SELECT key, doc FROM record WHERE kind = ? ORDER BY id", (kind,))) as rows:
            for key, doc in rows:
                yield key, orjson.loads(doc)

    def clear(self, *kinds: str) -> None:
        """Forget all records of these kinds; the next flush makes it so on disk."""
        self._dirty = {key: value for key, value in self._dirty.items() if key[0] not in kinds}
        self._cleared.update(kinds)

    async def run(self) -> None:
        """Flush for ever; the writing itself leaves the loop free."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            if self._dirty or self._cleared:
                self._under_way = self._take()
                await loop.run_in_executor(None, self._write, *self._under_way)
                self._under_way = None

    def flush(self) -> None:
        """Write now, in the caller's thread; what the other thread may not have begun is written first."""
        if self._under_way:
            self._write(*self._under_way)
        if self._dirty or self._cleared:
            self._write(*self._take())

    def close(self) -> None:
        self.flush()
        self._db.close()

    def _take(self) -> Batch:
        dirty, self._dirty = self._dirty, {}
        cleared, self._cleared = self._cleared, set()
        kept = [(kind, key, orjson.dumps(doc)) for (kind, key), doc in dirty.items() if doc is not None]
        return cleared, kept, [key for key, doc in dirty.items() if doc is None]

    def _write(self, cleared: set[str], kept: list[tuple[str, str, bytes]], gone: list[tuple[str, str]]) -> None:
        with self._writing:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM record WHERE kind = ?", [(kind,) for kind in cleared])
            self._db.executemany(_UPSERT, kept)
            self._db.executemany(_DELETE, gone)
            self._db.execute("COMMIT")
