"""Writes outcomes while a send is still going on, so that a crash leaves few attempts in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model.ports import Outcome
from dispatcher.runtime import Runtime

log = logging.getLogger(__name__)

FLUSH_COUNT, FLUSH_SECONDS, LAST_TRIES = 200, 0.2, 15
EXTEND_AFTER = 1 / 4  # of a lease


@dataclass(slots=True)
class Recorder:
    """Takes the outcomes of one or several sends and writes them in chunks, each chunk in its own transaction.

    Used as `async with`: at its end everything has been committed. Every attempt is marked, also one that the
    provider gave no outcome for. `keep` extends the lease of what is still on its way.
    """

    runtime: Runtime
    write: Callable[[Session, list[Outcome]], None]
    keep: Callable[[Session, list[str]], None]
    _waiting: list[Outcome] = field(default_factory=list)
    _left: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.Task[None] | None = None
    _ending: bool = False

    async def __aenter__(self) -> Recorder:
        self._writer = asyncio.create_task(self._write_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Also when this worker is told to stop: what is known is written before it goes.
        assert self._writer is not None
        self._ending = True
        self._wake.set()
        try:
            await self._writer
        finally:
            await self._flush_at_last()

    async def follow(
        self,
        attempts: Iterable[str],
        send: Callable[[], AsyncIterator[Outcome]],
        seen: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        """Take all that `send` gives, the outcomes of these attempts; each is shown to `seen`, which must not raise."""
        unseen = set(attempts)
        self._left |= unseen
        doubt = "the provider gave no outcome"
        try:
            async for outcome in send():
                unseen.discard(outcome.attempt)
                self._waiting.append(outcome._replace(at=self.runtime.now()))
                if len(self._waiting) >= FLUSH_COUNT:
                    self._wake.set()
                seen(outcome)
        except Exception as error:
            log.exception("sending broke off with %d attempts in doubt", len(unseen))
            doubt = f"sending broke off: {type(error).__name__}"
        finally:
            # What was on its way may have arrived: it is in doubt, and looked up before anything else.
            self._waiting += [Outcome(one, "unknown", code="no-outcome", error=doubt) for one in sorted(unseen)]

    async def _write_on(self) -> None:
        extended, often = self.runtime.monotonic(), EXTEND_AFTER * self.runtime.settings.lease_seconds
        while not self._ending:
            with contextlib.suppress(TimeoutError):
                # Not asyncio.wait_for, which in Python 3.11 may lose the wish to stop.
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            try:
                # Shielded: a chunk that is being written is written to its end.
                await asyncio.shield(self._flush())
                if self.runtime.monotonic() - extended > often and self._left:
                    extended = self.runtime.monotonic()
                    await self.runtime.aside(self._extend, sorted(self._left))
            except Exception as error:
                # Whatever it is, outcomes go on being taken, and are tried again.
                log.warning("outcomes wait for the database: %s", type(error).__name__)

    async def _flush(self) -> None:
        async with self._lock:
            # Swapped before the first await: what arrives while we write goes to the next chunk.
            chunk, self._waiting = self._waiting, []
            if not chunk:
                return
            try:
                await self.runtime.aside(self._write, chunk)
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
                await asyncio.sleep(min(2**again, 15))

    def _write(self, chunk: list[Outcome]) -> None:
        try:
            with self.runtime.sessions() as session:
                self.write(session, chunk)
                commit(session, self.runtime.bells)
        except (OperationalError, InterfaceError):
            raise  # the database is away or busy
        except Exception:
            if len(chunk) == 1:
                # Its lease runs out, and then it is looked up. The others must not wait for it.
                log.exception("the outcome of attempt %s cannot be written", chunk[0].attempt)
                return
            for one in chunk:
                self._write([one])

    def _extend(self, left: list[str]) -> None:
        with self.runtime.sessions() as session:
            self.keep(session, left)
            commit(session, self.runtime.bells)
