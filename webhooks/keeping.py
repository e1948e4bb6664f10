"""Keeps the requests that arrive at the same moment in one transaction: a burst costs a commit for many."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from dispatcher.runtime import Runtime
from dispatcher.services import callbacks
from dispatcher.storage import taken_again


@dataclass(slots=True)
class _Entry:
    """One request that waits to be kept. `error` is why it was not."""

    row: dict[str, Any]
    done: bool = False
    error: SQLAlchemyError | None = None


class Keeper:
    """Whoever comes while one is writing waits, and the first of those writes for all of them.

    No thread of its own, no delay: alone, a request is kept at once.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waiting: list[_Entry] = []
        self._arriving, self._writing = threading.Lock(), threading.Lock()

    def keep(self, row: dict[str, Any]) -> None:
        """Returns when the row has been committed. Raises SQLAlchemyError when it could not be."""
        entry = _Entry(row)
        with self._arriving:
            self._waiting.append(entry)
        with self._writing:
            if not entry.done:
                with self._arriving:
                    together, self._waiting = self._waiting, []
                self._write(together)
        if entry.error is not None:
            raise entry.error

    def _write(self, together: Sequence[_Entry]) -> None:
        try:
            self._commit(together)
        except SQLAlchemyError as error:
            # One that the database refuses must not lose the others; a database that is away is asked once, not often.
            alone = len(together) > 1 and not isinstance(error, (OperationalError, InterfaceError))
            for entry in together:
                entry.error = self._error_alone(entry) if alone else error
        finally:
            for entry in together:
                entry.done = True

    def _error_alone(self, entry: _Entry) -> SQLAlchemyError | None:
        try:
            self._commit([entry])
        except SQLAlchemyError as error:
            return error
        return None

    def _commit(self, together: Sequence[_Entry]) -> None:
        def once() -> int:
            with self._runtime.sessions() as session:
                new = callbacks.keep_all(session, [entry.row for entry in together])
                session.commit()
                return new

        # One ring for all that is kept until it is heard; a bell each would cost more than the rest.
        if taken_again(once, 2) and callbacks.must_ring(self._runtime):
            self._runtime.bells.ring([callbacks.RING])
