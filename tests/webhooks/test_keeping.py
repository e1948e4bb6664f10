"""Requests that come at once are kept together; floods of what is not authentic cost little and fill nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from dispatcher.model import Callback
from dispatcher.model.base import now
from tests.webhooks.world import SID, World
from webhooks import door, refusals
from webhooks.keeping import Keeper
from webhooks.refusals import REFUSED, Refusals


def row(number: int, **changes: Any) -> dict[str, Any]:
    made = {
        "provider": "twilio", "what": "sms-status", "dedupe": f"d{number}", "query": "", "headers": {}, "body": b"x",
        "state": "new", "tries": 0, "due_at": now(), "received_at": now(), "applied_at": None,
    }  # fmt: skip
    return {**made, **changes}


def kept(world: World) -> int:
    with world.runtime.sessions() as session:
        return session.scalar(select(func.count()).select_from(Callback)) or 0


def at_once(keeper: Keeper, rows: list[dict[str, Any]]) -> dict[str, SQLAlchemyError | None]:
    """Keep all while another request is being written, so that they wait together; what each was told."""
    told: dict[str, SQLAlchemyError | None] = {}

    def keep(one: dict[str, Any]) -> None:
        try:
            keeper.keep(one)
            told[one["dedupe"]] = None
        except SQLAlchemyError as error:
            told[one["dedupe"]] = error

    threads = [threading.Thread(target=keep, args=(one,)) for one in rows]
    with keeper._writing:
        for one in threads:
            one.start()
        while len(keeper._waiting) < len(rows):
            pass
    for one in threads:
        one.join(60)
    return told


def commits_of(engine: Engine) -> list[int]:
    seen: list[int] = []
    event.listen(engine, "commit", lambda _: seen.append(1))
    return seen


def test_what_waits_together_is_kept_in_one_transaction(world: World, engine: Engine) -> None:
    keeper, commits = Keeper(world.runtime), commits_of(engine)
    told = at_once(keeper, [row(number % 15) for number in range(20)])
    assert set(told.values()) == {None}
    assert (kept(world), len(commits)) == (15, 1)
    assert len(world.bank.bells.rings) == 1


def test_one_that_the_database_refuses_loses_nothing_but_itself(world: World) -> None:
    rows = [row(number) for number in range(8)]
    rows[3]["provider"] = None
    told = at_once(Keeper(world.runtime), rows)
    assert isinstance(told.pop("d3"), IntegrityError)
    assert set(told.values()) == {None}
    assert kept(world) == 7


def test_a_database_that_is_away_is_asked_once_for_all(light: World) -> None:
    asked: list[int] = []

    class Away:
        def __call__(self) -> None:
            asked.append(1)
            raise OperationalError("", {}, Exception("gone"))

    object.__setattr__(light.runtime, "sessions", Away())
    told = at_once(Keeper(light.runtime), [row(number) for number in range(8)])
    assert {type(one) for one in told.values()} == {OperationalError}
    assert asked == [1]


def test_alone_it_is_kept_at_once(world: World) -> None:
    keeper = Keeper(world.runtime)
    for number in (1, 2, 2, 1):
        keeper.keep(row(number))
    assert kept(world) == 2


# --- floods -----------------------------------------------------------------------------------------------


def test_a_flood_is_counted_and_told_in_lumps(
    light: World, valkey: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    object.__setattr__(light.runtime, "redis", Redis.from_url(valkey))
    second = [7.0]
    object.__setattr__(light.runtime, "monotonic", lambda: second[0])
    flood = Refusals(light.runtime)
    for number in range(5000):
        second[0] = 7.0 + number / 1000
        flood.add("twilio", "sms-status")
    second[0] = 13.0
    flood.add("twilio", "sms-status")
    assert light.runtime.redis.hgetall(REFUSED) == {b"twilio/sms-status": b"5001"}
    assert len(caplog.records) <= 6 * refusals.AT_ONCE


def test_addresses_that_strangers_make_up_fill_nothing(light: World, valkey: str) -> None:
    object.__setattr__(light.runtime, "redis", Redis.from_url(valkey))
    for number in range(300):
        assert light.client.post(f"/webhooks/twilio/made-up-{number}").status_code == 403
    light.runtime.redis.ping()
    assert light.runtime.redis.hlen(REFUSED) <= refusals.MOST_NAMES + 1
    assert kept(light) == 0


def test_a_forged_post_opens_no_session(light: World) -> None:
    def none() -> None:
        raise AssertionError("the database was asked")

    object.__setattr__(light.runtime, "sessions", none)
    assert light.client.post("/webhooks/twilio/sms-status", data={"AccountSid": SID}).status_code == 403


def test_large_bodies_are_read_by_few_at_a_time(light: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While four are read, a fifth is asked for again; small ones go on."""
    monkeypatch.setattr(door, "LARGE_WAIT", 0.05)
    inside, let_go = threading.Barrier(door.LARGE_AT_ONCE + 1), threading.Event()
    answers: list[int] = []

    class Slow:
        def verify(self, request: object) -> bool:
            inside.wait(60)
            let_go.wait(60)
            return False

    class Quick:
        def verify(self, request: object) -> bool:
            return False

    sources = {"slow": Slow(), "quick": Quick()}
    object.__setattr__(light.runtime.adapters, "sources", sources)
    client = light.client.application.test_client
    large = b"x" * (door.LARGE + 1)

    def post() -> None:
        answers.append(client().post("/webhooks/slow/events", data=large).status_code)

    threads = [threading.Thread(target=post) for _ in range(door.LARGE_AT_ONCE)]
    for one in threads:
        one.start()
    inside.wait(60)
    assert client().post("/webhooks/quick/events", data=large).status_code == 503
    assert client().post("/webhooks/quick/events", data=b"x").status_code == 403
    let_go.set()
    for one in threads:
        one.join(60)
    assert answers == [403] * door.LARGE_AT_ONCE
    assert client().post("/webhooks/quick/events", data=large).status_code == 403
