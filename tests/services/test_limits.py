"""The limit of starts a second holds over all workers through Redis, and by each worker's own clock without it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.runtime import Runtime
from dispatcher.services.limits import WORKERS_UNSEEN, Rate
from tests.small_bank import small_bank


@pytest.fixture
def runtime(sqlite_sessions: sessionmaker[Session], valkey: str, tmp_path: Path) -> Runtime:
    built = small_bank(sqlite_sessions, tmp_path).runtime
    return dataclasses.replace(built, redis=Redis.from_url(valkey))


def at_rate(runtime: Runtime, rate: float) -> Rate:
    return Rate(runtime, "voice", rate)


async def take(limiter: Rate, count: int) -> float:
    started = time.monotonic()
    while count:
        taken, wait = await limiter.take(count)
        count -= taken
        if not taken:
            await asyncio.sleep(wait)
    return time.monotonic() - started


@pytest.mark.parametrize("rate", [5, 40, 400])
def test_two_workers_share_one_limit(runtime: Runtime, rate: int) -> None:
    async def both() -> float:
        started = time.monotonic()
        await asyncio.gather(take(at_rate(runtime, rate), rate), take(at_rate(runtime, rate), rate))
        return time.monotonic() - started

    seconds = asyncio.run(both())
    assert 1.7 < seconds < 3.0, f"{2 * rate} starts at {rate} a second took {seconds:.2f} s"


def test_a_clock_of_redis_that_is_set_back_stops_nothing(runtime: Runtime) -> None:
    runtime.redis.set("rate:voice", f"{time.time() + 3600:.6f}")
    assert asyncio.run(take(at_rate(runtime, 10), 2)) < 1


def test_a_rest_does_not_save_up_a_burst(runtime: Runtime) -> None:
    async def burst() -> int:
        limiter = at_rate(runtime, 10)
        assert (await limiter.take(1))[0] == 1
        await asyncio.sleep(0.5)
        return sum([(await limiter.take(10))[0] for _ in range(10)])

    assert asyncio.run(burst()) <= 2


def test_without_redis_a_worker_keeps_to_a_safe_share_by_itself(runtime: Runtime) -> None:
    away = dataclasses.replace(runtime, redis=Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.1))
    assert 0.6 < asyncio.run(take(at_rate(away, 10 * WORKERS_UNSEEN), 8)) < 1.5


def test_no_limit_takes_all(runtime: Runtime) -> None:
    assert asyncio.run(Rate(runtime, "email", None).take(1000)) == (1000, 0.0)
