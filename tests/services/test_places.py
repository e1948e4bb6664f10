"""Places at an account: never more than it has, equal shares for who has work, and the rest for who can use it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model.gate import Limits
from dispatcher.runtime import Runtime
from dispatcher.services import places as places_module
from dispatcher.services.lease import Lease
from dispatcher.services.limits import WORKERS_UNSEEN
from dispatcher.services.places import Passage, Places
from tests.small_bank import small_bank

TEN = Limits("vendor", 10)
HELD = 60  # a worker that this machine forgets for a while has not died


@pytest.fixture
def runtime(
    sqlite_sessions: sessionmaker[Session], valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Runtime:
    monkeypatch.setattr(places_module, "HELD_SECONDS", HELD)
    return dataclasses.replace(small_bank(sqlite_sessions, tmp_path).runtime, redis=Redis.from_url(valkey))


class Account:
    """Counts the requests that are under way at once, of all workers."""

    def __init__(self) -> None:
        self.busy = self.most = 0

    @asynccontextmanager
    async def request(self, places: Places, urgent: bool = False) -> AsyncIterator[None]:
        await places.enter(urgent)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            yield
        finally:
            self.busy -= 1
            places.leave()


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # the shares change by themselves, and tell nobody
            await asyncio.sleep(0.01)


def test_one_worker_alone_has_them_all(runtime: Runtime) -> None:
    async def go() -> int:
        async with Places(runtime, TEN).held() as places:
            return places.granted

    assert asyncio.run(go()) == 10


def test_workers_that_come_and_go_never_have_more_than_there_are(runtime: Runtime) -> None:
    account = Account()

    async def worker(delay: float, requests: int) -> None:
        await asyncio.sleep(delay)

        async def one(places: Places) -> None:
            async with account.request(places):
                await asyncio.sleep(runtime.chance.uniform(0.005, 0.05))

        async with Places(runtime, TEN).held() as places:
            await asyncio.gather(*(one(places) for _ in range(requests)))

    async def go() -> None:
        await asyncio.gather(*(worker(0.1 * n, 60) for n in range(6)))

    asyncio.run(go())
    assert account.most <= 10
    assert account.most >= 8, "the account was hardly used"


def test_equal_shares_and_what_nobody_wants_for_who_can_use_it(runtime: Runtime) -> None:
    async def go() -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(Places(runtime, TEN).held())
            assert first.granted == 10
            second = await stack.enter_async_context(Places(runtime, TEN).held())
            await until(lambda: (first.granted, second.granted) == (5, 5))
            async with Places(runtime, TEN).held(2) as modest:
                await until(lambda: modest.granted == 2 and first.granted + second.granted == 8)
            await until(lambda: first.granted + second.granted == 10)

    asyncio.run(go())


def test_those_who_are_expected_find_their_share_untouched(runtime: Runtime) -> None:
    async def go() -> tuple[int, int]:
        async with Places(runtime, TEN, expected=2).held() as first, Places(runtime, TEN, expected=2).held() as second:
            return first.granted, second.granted

    assert asyncio.run(go()) == (5, 5)


def test_a_worker_that_died_gives_its_places_back(runtime: Runtime) -> None:
    async def go() -> None:
        runtime.redis.hset("places:vendor", "dead", "10 10 1.000")  # its time is long over
        async with Places(runtime, TEN).held() as places:
            assert places.granted == 10

    asyncio.run(go())


def test_urgent_requests_pass_those_that_wait(runtime: Runtime) -> None:
    order: list[str] = []

    async def go() -> None:
        async with Places(runtime, Limits("vendor", 1)).held() as places:
            account = Account()

            async def one(name: str, urgent: bool) -> None:
                async with account.request(places, urgent):
                    order.append(name)
                    await asyncio.sleep(0.01)

            ordinary = [asyncio.create_task(one(f"ordinary {n}", False)) for n in range(3)]
            await asyncio.sleep(0)
            await asyncio.gather(*ordinary, *(one(f"urgent {n}", True) for n in range(2)))

    asyncio.run(go())
    assert order == ["ordinary 0", "urgent 0", "urgent 1", "ordinary 1", "ordinary 2"]


def test_without_redis_each_has_a_safe_share(runtime: Runtime) -> None:
    away = dataclasses.replace(runtime, redis=Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.1))

    async def go() -> int:
        async with Places(away, Limits("vendor", 100)).held() as places:
            return places.granted

    assert asyncio.run(go()) == 100 // WORKERS_UNSEEN


def test_one_who_stops_waiting_leaves_no_place_taken(runtime: Runtime) -> None:
    async def go() -> None:
        async with Places(runtime, Limits("vendor", 1)).held() as places:
            await places.enter(False)
            waiting = asyncio.create_task(places.enter(False))
            await asyncio.sleep(0)
            waiting.cancel()
            places.leave()
            async with asyncio.timeout(60):
                await places.enter(False)
            assert (places.busy, places.queued) == (1, 0)

    asyncio.run(go())


def test_the_gate_closes_with_the_lease_and_with_the_provider(runtime: Runtime) -> None:
    clock, out = [0.0], [False]
    lease = Lease(dataclasses.replace(runtime, monotonic=lambda: clock[0]))

    async def go() -> None:
        async with Places(runtime, TEN).held() as places:
            gate = Passage(places, lease, is_out=lambda: out[0])
            assert await gate.enter() == ""
            gate.leave()
            out[0] = True
            assert await gate.enter() == "circuit"
            clock[0] = 3600
            assert await gate.enter() == "lease"
            assert places.busy == 0

    asyncio.run(go())


def test_a_clock_of_redis_that_is_set_back_keeps_no_dead_workers_places(runtime: Runtime) -> None:
    key = f"places:{TEN.account}"
    runtime.redis.hset(key, "dead", f"10 10 {time.time() + 3600:.3f}")

    async def go() -> int:
        async with Places(runtime, TEN).held() as places:
            return places.granted

    assert asyncio.run(go()) == 0, "it may only have fallen silent"
    kept = runtime.redis.hget(key, "dead")
    assert isinstance(kept, bytes)
    assert float(kept.split()[2]) <= time.time() + HELD + 0.1
