"""Our time of day is put forward or back while something is in doubt."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatcher.model import Delivery
from tests.simulator.carrier import Temper
from tests.simulator.crash import PROCESSES
from tests.simulator.judge import Watch, judge
from tests.simulator.scenarios import approves, writes
from tests.simulator.simulation import rest
from tests.simulator.world import World

FIRST_LOOK_UP = 36.0  # seconds after the approval; the second follows two minutes later


@pytest.mark.parametrize("jump", [3600, 90, -90, -3600])
def test_two_look_ups_are_minutes_apart_whatever_the_time_of_day_says(jump: float) -> None:
    """The provider took it, said 500, and shows it only after a hundred seconds."""
    world = World("clock jump", "hamlet")
    watch = Watch(world)
    world.carrier.temper = Temper(lost=1.0, lag=100.0, by_time=False)
    world.carrier.script = {"text-one": ["500 after accepting"]}
    world.boot(PROCESSES)

    async def doubt() -> None:
        await writes("text")(world)
        world.loop.outside(FIRST_LOOK_UP, _set_wrong, world, jump)
        await approves(world)
        await rest(world)

    try:
        world.run(doubt())
        assert judge(world, watch, clock_was_wrong=True) == []
        assert sum(entry.category == "message-1" for entry in world.carrier.ledger) == 1
    finally:
        world.close()


def test_a_dead_workers_rows_are_found_though_the_clock_went_back() -> None:
    world = World("clock back", "hamlet")
    world.carrier.temper = Temper(lost=1.0)
    world.carrier.script = {"text-one": ["half-open after accepting"]}
    world.boot(PROCESSES)

    async def die() -> None:
        await writes("text")(world)
        await approves(world)
        await asyncio.sleep(1)
        world.kill(world.processes["sms-1"], back_after=2.0)
        _set_wrong(world, -3600)
        await asyncio.sleep(300)

    try:
        world.run(die())
        with world.looking() as session:
            assert session.scalars(select(Delivery.state)).one() == "accepted"
    finally:
        world.close()


@pytest.mark.parametrize("jump", [3600, 90, -600, -3600])
def test_what_was_sent_by_a_wrong_clock_is_not_taken_for_absent(jump: float) -> None:
    """Where a provider keeps no id of ours, a text is found by its time: the provider's, not ours."""
    world = World("wrong clock", "hamlet")
    world.jump = timedelta(seconds=jump)
    world.carrier.temper = Temper(lost=1.0, by_time=True)
    world.carrier.script = {"text-one": ["500 after accepting"]}
    world.boot(PROCESSES)

    async def send() -> None:
        await writes("text")(world)
        await approves(world)
        await rest(world)

    try:
        world.run(send())
        assert sum(entry.category == "message-1" for entry in world.carrier.ledger) == 1
    finally:
        world.close()


def _set_wrong(world: World, seconds: float) -> None:
    world.jump = timedelta(seconds=seconds)
