"""The parts of the carrier that all of it shares."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

from channels.carrier.behaviour import Behaviours
from channels.carrier.book import Book
from channels.carrier.console import Console
from channels.carrier.faults import Faults
from channels.carrier.postman import Postman
from channels.carrier.store import Store

# A page in the background may speak up once a minute only.
WATCHED_SECONDS = 75.0


class Carrier:
    """Console, memory, behaviours, faults, webhooks and a clock that `speed` makes faster."""

    def __init__(self, console: Console, state: Path, speed: float) -> None:
        self.console, self.state, self.speed = console, state, speed
        self.store = Store(state / "carrier.db")
        self.book = Book(self.store)
        self.behaviours = Behaviours(self.store)
        self.faults = Faults()
        self.postman = Postman(console, self.book, lambda: self.faults)
        self.audio = state / "audio"
        self.audio.mkdir(exist_ok=True)
        self._watched: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._keep(asyncio.create_task(self.store.run()))
        for task in await self.postman.start():
            self._keep(task)

    def stop(self) -> None:
        """Write everything. Calls and callbacks under way stay as they are, for the next start to take up."""
        self.store.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run beside the request; an exception becomes an alert instead of silence."""
        task = asyncio.create_task(work)
        self._keep(task)
        return task

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (trouble := task.exception()):
            self.book.alert(20500, f"Carrier fault: {trouble!r}")

    def watch(self, number: str, watched: bool) -> None:
        """Somebody has this telephone before them, or no longer: it rings until they pick it up."""
        self._watched[number] = time() + WATCHED_SECONDS if watched else 0.0

    def is_watched(self, number: str) -> bool:
        return self._watched.get(number, 0.0) > time()

    async def sleep(self, seconds: float) -> None:
        """Simulated seconds."""
        await asyncio.sleep(seconds / self.speed)

    def after(self, seconds: float, call: Any, *args: Any) -> None:
        """Call in that many simulated seconds."""
        asyncio.get_running_loop().call_later(seconds / self.speed, call, *args)

    def reset_faults(self) -> None:
        self.faults = replace(Faults())
