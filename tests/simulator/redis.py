"""In place of Redis: queues that lose, double, delay and reorder rings, and the commands that services use."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from redis.exceptions import ConnectionError as Away

from dispatcher.bells import Ring
from tests.simulator.loop import VirtualLoop
from tests.simulator.process import Process


@dataclass
class Moods:
    """How likely each fault is, for one ring; `away` while Redis cannot be reached."""

    drop: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    longest: float = 60.0  # seconds of a delay
    shuffle: float = 0.0
    away: bool = False


class Server:
    """The one Redis of a world. `note` hears of every fault by its name."""

    def __init__(self, loop: VirtualLoop, chance: random.Random, note: Callable[[str], None]) -> None:
        self.moods = Moods()
        self._loop, self._chance, self._note = loop, chance, note
        self._queues: dict[str, list[Ring]] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._kept: dict[str, tuple[bytes, float | None]] = {}

    def ring(self, ring: Ring) -> None:
        moods, draw = self.moods, self._chance.random
        if moods.away:
            self._note("redis away")
            return
        if draw() < moods.drop:
            self._note("ring dropped")
            return
        if draw() < moods.double:
            self._note("ring doubled")
            self._later(ring)
        if draw() < moods.delay:
            self._note("ring delayed")
            self._later(ring)
        else:
            self.put(ring)

    def put(self, ring: Ring) -> None:
        """Into the queue, usually at its end, and wake who waits."""
        queue = self._queues.setdefault(ring[0], [])
        at = len(queue)
        if queue and self._chance.random() < self.moods.shuffle:
            self._note("ring reordered")
            at = self._chance.randrange(len(queue))
        queue.insert(at, ring)
        for one in self._waiting.pop(ring[0], []):
            if not one.done():
                one.set_result(None)

    def _later(self, ring: Ring) -> None:
        self._loop.outside(self._chance.uniform(0, self.moods.longest), self.put, ring)

    async def take(self, queue: str) -> Ring:
        """The next ring of a queue, waited for as a worker does."""
        while not self._queues.get(queue):
            heard = self._loop.create_future()
            self._waiting.setdefault(queue, []).append(heard)
            await heard
        return self._queues[queue].pop(0)

    def flush(self) -> None:
        """FLUSHALL."""
        self._queues.clear()
        self._kept.clear()

    @property
    def empty(self) -> bool:
        return not any(self._queues.values())

    # --- the commands, by the server's own clock

    def get(self, key: str) -> bytes | None:
        value, until = self._kept.get(key, (None, None))
        if until is not None and until <= self._loop.time():
            del self._kept[key]
            return None
        return value

    def set(self, key: str, value: str, ex: int | None, nx: bool) -> bool | None:
        if nx and self.get(key) is not None:
            return None
        self._kept[key] = (value.encode(), self._loop.time() + ex if ex else None)
        return True

    def delete(self, *keys: str) -> int:
        return sum(self._kept.pop(key, None) is not None for key in keys)


class Client:
    """One process's connection: what services ask of Redis. Scripts are refused, as by a server without them, so that
    limits are kept by each worker alone."""

    def __init__(self, server: Server, process: Process) -> None:
        self._server, self._process = server, process

    def get(self, key: str) -> bytes | None:
        self._reach("get")
        return self._server.get(key)

    def set(self, key: str, value: str, *, ex: int | None = None, nx: bool = False) -> bool | None:
        self._reach("set")
        return self._server.set(key, value, ex, nx)

    def delete(self, *keys: str) -> int:
        self._reach("delete")
        return self._server.delete(*keys)

    def eval(self, *_: object) -> object:
        raise Away("scripts are not simulated")

    hdel = hincrby = eval

    def _reach(self, command: str) -> None:
        self._process.effect(f"redis {command}", "before")
        if self._server.moods.away:
            raise Away("redis is away")


class Bells:
    """Rings of one process. Never raises, as the product's own: a lost ring is found by the sweep."""

    def __init__(self, server: Server, process: Process) -> None:
        self._server, self._process = server, process

    def ring(self, rings: Iterable[Ring]) -> None:
        by_queue: dict[str, list[Ring]] = {}
        for one in rings:
            by_queue.setdefault(one[0], []).append(one)
        for queue, some in by_queue.items():
            self._process.effect(f"ring {queue}", "before")
            for one in some:
                self._server.ring(one)
            self._process.effect(f"ring {queue}", "after")

    def workers_on(self, queue: str) -> int:
        return 2
