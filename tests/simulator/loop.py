"""An event loop whose time jumps to the next timer, and which holds the steps of processes that are down.

Hours pass in milliseconds, and nothing depends on the machine: the same work in the same order gives the same times.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulator.process import Process

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Standstill(RuntimeError):
    """Nothing is left that could ever happen, and somebody still waits."""


class _Timers(selectors.BaseSelector):
    """A selector without files: waiting moves the time on."""

    def __init__(self) -> None:
        self._keys: dict[Any, selectors.SelectorKey] = {}
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self._keys[number] = key = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Standstill("no timer is set and nothing is ready")
        self.now += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """Every callback belongs to the process whose context it carries, and runs only while that process does."""

    def __init__(self) -> None:
        self._timers = _Timers()
        super().__init__(self._timers)

    def begin_at(self, now: float) -> None:
        """Set the time before anything has happened."""
        self._timers.now = now

    def time(self) -> float:
        return self._timers.now

    def call_soon(  # type: ignore[override]  # the base's own signature is a TypeVarTuple
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        process = context.get(PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(process.step, callback, args, context, context=context)

    def call_at(  # type: ignore[override]  # as above
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        process = context.get(PROCESS)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, process.step, callback, args, context, context=context)

    def outside(self, delay: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Like call_later, but nobody's process has to live for it to happen: the world's own doing."""
        return self.call_at(self.time() + delay, callback, *args, context=Context())

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # as above
        """What would run in a thread runs at once: nothing else may happen meanwhile."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future
