"""Every crash point: a scenario is recorded once, and run again dying before and after each of its side effects."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulator.build import store
from tests.simulator.carrier import Temper
from tests.simulator.judge import Watch, judge
from tests.simulator.process import Process
from tests.simulator.scenarios import Scenario
from tests.simulator.simulation import rest
from tests.simulator.world import World

# One process of each kind is enough: whoever dies is started again.
PROCESSES = ("sms", "email", "voice", "notices", "events", "lookups")
# What changes nothing outside of the process: to die there is to die before the next thing that does.
LOOKS = ("begin", "redis get")


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at a side effect: whose, which, and whether before it or after it."""

    process: str
    kind: str
    when: str


@dataclass
class Crasher:
    """Numbers the points of a run, and kills whoever comes to number `fatal`."""

    fatal: int = -1
    points: list[Point] = field(default_factory=list)

    def trip(self, process: Process, kind: str, when: str) -> str:
        if kind in LOOKS:
            return ""
        self.points.append(Point(process.name, kind, when))
        return "kill" if len(self.points) - 1 == self.fatal else ""


@dataclass(frozen=True)
class Outcome:
    """How many points a scenario has, how many runs cover them all, and what went wrong in which."""

    points: int
    runs: int
    wrong: dict[str, list[str]]


def torment(scenario: Scenario, every: int = 1) -> Outcome:
    """Every crash point of a scenario, or every so manieth of them; which ones differs from scenario to scenario."""
    before = _prepared(scenario)
    recorded, complaints = _run(scenario, before, -1)
    wrong = {"undisturbed": complaints} if complaints else {}
    fatal = list(_different(recorded))[len(scenario.name) % every :: every]
    for number in fatal:
        _, complaints = _run(scenario, before, number)
        if complaints:
            point = recorded[number]
            wrong[f"{number}: {point.process} {point.when} {point.kind}"] = complaints
    return Outcome(len(recorded), len(fatal), wrong)


def _different(points: list[Point]) -> Iterator[int]:
    """The points that differ: dying after one effect is dying before the same process's next, if that comes next."""
    for number, point in enumerate(points):
        following = points[number + 1] if number + 1 < len(points) else None
        if point.when == "after" and following and (following.process, following.when) == (point.process, "before"):
            continue
        yield number


def replay(scenario: Scenario, number: int) -> tuple[list[str], list[str]]:
    """The history of a run that dies at this point, and what went wrong."""
    before = _prepared(scenario)
    with _world(scenario, before) as world:
        complaints = _act(world, scenario, Crasher(number))
        return world.history, complaints


def _run(scenario: Scenario, before: World, fatal: int) -> tuple[list[Point], list[str]]:
    crasher = Crasher(fatal)
    with _world(scenario, before) as world:
        complaints = _act(world, scenario, crasher)
    return crasher.points, complaints


def _act(world: World, scenario: Scenario, crasher: Crasher) -> list[str]:
    watch = Watch(world)
    world.boot(PROCESSES)
    world.carrier.script = {name: list(fates) for name, fates in scenario.script.items()}

    async def all_of_it() -> None:
        world.trip = crasher.trip
        await scenario.act(world)
        await rest(world)
        world.trip = lambda process, kind, when: ""

    world.run(all_of_it())
    complaints = judge(world, watch)
    with world.looking() as session:
        if not scenario.goal(session):
            complaints.append("it did not come to what it should have")
    return complaints


def _prepared(scenario: Scenario) -> World:
    """A world in which everything before has been done; its database is kept under the scenario's name."""
    with _world(scenario, None) as world:
        Watch(world)
        world.boot(PROCESSES)

        async def first() -> None:
            for act in scenario.before:
                await act(world)
            await rest(world)

        world.run(first())
    store().keep(scenario.name)
    return world


@contextmanager
def _world(scenario: Scenario, before: World | None) -> Iterator[World]:
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    name = f"{scenario.name}, tormented" if before else scenario.name
    world = World(name, scenario.name if before else "hamlet", before)
    # What the vendor tells has scenarios of its own.
    world.carrier.temper = Temper(lost=1.0)
    try:
        yield world
    finally:
        world.close()
        logging.disable(disabled)
