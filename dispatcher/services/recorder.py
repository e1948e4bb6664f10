"""Writes outcomes while a send is still going on, so that a crash leaves few attempts in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model.ports import Outcome
from dispatcher.runtime import Runtime

log = logging.getLogger(__name__)

FLUSH_COUNT, FLUSH_SECONDS, EXTEND_SECONDS, LAST_TRIES = 200, 0.2, 15.0, 5


@dataclass(slots=True)
class Recorder:
    """Takes outcomes as they arrive and writes them in chunks, in a thread, each chunk in its own transaction.

    Every attempt is marked, also one that the provider gave no outcome for. `keep` extends the lease of what
    is still on its way.
    """

    runtime: Runtime
    attempts: list[str]
    write: Callable[[Session, list[Outcome]], None]
    keep: Callable[[Session, list[str]], None]
    _waiting: list[Outcome] = field(default_factory=list)
    _left: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, source: AsyncIterator[Outcome]) -> None:
        """Take all of `source`; returns when the last outcome has been committed."""
        self._left = set(self.attempts)
        unseen = set(self.attempts)
        wake = asyncio.Event()
        writer = asyncio.create_task(self._write_on(wake))
        doubt = "the provider gave no outcome"
        try:
            async for outcome in source:
                unseen.discard(outcome.attempt)
                self._waiting.append(outcome)
                if len(self._waiting) >= FLUSH_COUNT:
                    wake.set()
        except Exception as error:
            log.exception("sending broke off with %d attempts in doubt", len(unseen))
            doubt = f"sending broke off: {type(error).__name__}"
        finally:
            # Also when this worker is told to stop: what is known is written before it goes.
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            # What was on its way may have arrived: it is in doubt, and looked up before anything else.
            self._waiting += [Outcome(one, "unknown", code="no-outcome", error=doubt) for one in sorted(unseen)]
            await self._flush_at_last()

    async def _write_on(self, wake: asyncio.Event) -> None:
        extended = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), FLUSH_SECONDS)
            wake.clear()
            try:
                # Shielded: a chunk that is being written is written to its end.
                await asyncio.shield(self._flush())
                if time.monotonic() - extended > EXTEND_SECONDS and self._left:
                    extended = time.monotonic()
                    await asyncio.to_thread(self._extend, sorted(self._left))
            except SQLAlchemyError as error:
                log.warning("outcomes wait for the database: %s", type(error).__name__)

    async def _flush(self) -> None:
        async with self._lock:
            # Swapped before the first await: what arrives while we write goes to the next chunk.
            chunk, self._waiting = self._waiting, []
            if not chunk:
                return
            try:
                await asyncio.to_thread(self._write, chunk)
            except BaseException:
                self._waiting = chunk + self._waiting
                raise
            self._left.difference_update(one.attempt for one in chunk)

    async def _flush_at_last(self) -> None:
        for again in range(LAST_TRIES):
            try:
                await self._flush()
                break
            except SQLAlchemyError:
                if again == LAST_TRIES - 1:
                    raise
                await asyncio.sleep(2**again)

    def _write(self, chunk: list[Outcome]) -> None:
        with self.runtime.sessions() as session:
            self.write(session, chunk)
            commit(session, self.runtime.bells)

    def _extend(self, left: list[str]) -> None:
        with self.runtime.sessions() as session:
            self.keep(session, left)
            commit(session, self.runtime.bells)
