"""The limit of starts a second holds over all workers through Redis, and by each worker's own clock without it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.runtime import Runtime
from dispatcher.services import limits
from dispatcher.services.limits import WORKERS_UNSEEN, Rate
from tests.small_bank import small_bank


class Clocked:
    """Workers that take as soon as they may, by a clock that moves when all of them wait."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = dataclasses.replace(runtime, monotonic=lambda: self.now)
        self.now = 0.0
        self.turn_to(1_000_000.0)

    def turn_to(self, now: float) -> None:
        self.now = now
        self.runtime.redis.set("now", f"{now:.6f}")

    def rate(self, a_second: float) -> Rate:
        return Rate(self.runtime, "voice", a_second)

    def take(self, rate: Rate, wanted: int) -> tuple[int, float]:
        return asyncio.run(rate.take(wanted))

    def seconds(self, *workers: tuple[Rate, int]) -> float:
        """Until each has made as many starts as it wants."""
        began = self.now
        waiting = [(self.now, number, count) for number, (_, count) in enumerate(workers)]
        while waiting:
            waiting.sort()
            now, number, count = waiting.pop(0)
            self.turn_to(now)
            taken, wait = self.take(workers[number][0], count)
            assert taken or wait > 0, "asked in vain, and to ask again at once"
            if count > taken:
                waiting.append((now + wait, number, count - taken))
        return self.now - began


@pytest.fixture
def clock(
    sqlite_sessions: sessionmaker[Session], valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Clocked:
    """A real Redis, whose clock is ours."""
    ours = limits._TAKE.replace("redis.call('TIME')", "{redis.call('GET', 'now'), 0}")
    assert ours != limits._TAKE
    monkeypatch.setattr(limits, "_TAKE", ours)
    runtime = small_bank(sqlite_sessions, tmp_path).runtime
    return Clocked(dataclasses.replace(runtime, redis=Redis.from_url(valkey)))


@pytest.mark.parametrize("rate", [5, 40, 400])
def test_two_workers_share_one_limit(clock: Clocked, rate: int) -> None:
    assert 1.7 < clock.seconds((clock.rate(rate), rate), (clock.rate(rate), rate)) < 2.05


def test_a_clock_of_redis_that_is_set_back_stops_nothing(clock: Clocked) -> None:
    clock.runtime.redis.set("rate:voice", f"{clock.now + 3600:.6f}")
    assert clock.seconds((clock.rate(10), 2)) < 0.2


def test_a_rest_does_not_save_up_a_burst(clock: Clocked) -> None:
    limiter = clock.rate(10)
    assert clock.take(limiter, 1)[0] == 1
    clock.turn_to(clock.now + 0.5)
    assert sum(clock.take(limiter, 10)[0] for _ in range(10)) <= 2


def test_without_redis_a_worker_keeps_to_a_safe_share_by_itself(clock: Clocked) -> None:
    away = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.1)
    alone = Rate(dataclasses.replace(clock.runtime, redis=away), "voice", 10 * WORKERS_UNSEEN)
    assert 0.6 < clock.seconds((alone, 8)) < 0.8


def test_redis_has_a_clock_of_its_own(sqlite_sessions: sessionmaker[Session], valkey: str, tmp_path: Path) -> None:
    runtime = dataclasses.replace(small_bank(sqlite_sessions, tmp_path).runtime, redis=Redis.from_url(valkey))

    async def twice() -> tuple[int, float]:
        await Rate(runtime, "voice", 0.001).take(1)
        return await Rate(runtime, "voice", 0.001).take(1)

    taken, wait = asyncio.run(twice())
    assert taken == 0
    assert 900 < wait < 1000


def test_no_limit_takes_all(clock: Clocked) -> None:
    assert clock.take(Rate(clock.runtime, "email", None), 1000) == (1000, 0.0)
