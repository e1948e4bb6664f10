"""A simulated process: it can be killed at any step or side effect, or stopped and woken, as an operating system does.

Killed means: none of its tasks takes another step, no `finally` of theirs runs on, and what still unwinds at the
moment of death can commit, ring and call nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Protocol

from tests.simulator.loop import PROCESS, VirtualLoop


class Killed(BaseException):
    """This process no longer exists. No `except Exception` holds it up."""


class Watcher(Protocol):
    """Sees every side effect, and may kill the process that is about to have it or has had it."""

    def effect(self, process: Process, kind: str, when: str) -> None: ...


class Process:
    """One incarnation of a process. `chance` is its own randomness, from the world's seed."""

    def __init__(self, name: str, loop: VirtualLoop, watcher: Watcher, seed: str) -> None:
        self.name = name
        self.chance = random.Random(seed)
        self.threads = random.Random(f"{seed} threads")
        self.dead = self.frozen = self.buried = False
        self._loop, self._watcher = loop, watcher
        self._held: list[tuple[Callable[..., object], tuple[Any, ...], Context]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of this process; what it starts itself belongs to the process too."""
        context = copy_context()
        context.run(PROCESS.set, self)
        task = self._loop.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def call(self, work: Callable[[], Any]) -> Any:
        """Do something at once in this process, as one of its threads."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return context.run(work)

    def step(self, callback: Callable[..., object], args: tuple[Any, ...], context: Context) -> None:
        """Called by the loop for everything that this process would do now."""
        if self.dead and not self.buried:
            self._held.append((callback, args, context))  # kept alive: collecting a coroutine would run its `finally`
        elif self.frozen:
            self._held.append((callback, args, context))
        else:
            callback(*args)

    def effect(self, kind: str, when: str) -> None:
        """A side effect is about to happen ("before") or has happened ("after"). Raises Killed in a dead process."""
        if not self.dead:
            self._watcher.effect(self, kind, when)
        if self.dead:
            raise Killed

    def kill(self) -> None:
        self.dead = True

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        """Everything that came due while it stood still happens now, in order."""
        self.frozen = False
        if not self.dead:
            self._let_go()

    def bury(self) -> list[asyncio.Task[Any]]:
        """After everything: let the dead tasks end, so that nothing of them outlives the world; those to wait for."""
        self.dead = self.buried = True
        self._let_go()
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for callback, args, context in held:
            self._loop.call_soon(callback, *args, context=context)

    async def aside(self, work: Callable[..., Any], *args: Any) -> Any:
        """Runs `work` as a thread would: after a moment, in one go, and to its end even if nobody waits any more."""
        return await asyncio.shield(asyncio.ensure_future(self._thread(work, args)))

    async def _thread(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        await asyncio.sleep(self.threads.uniform(0, 0.002))
        result = work(*args)
        await asyncio.sleep(self.threads.uniform(0, 0.002))
        return result
