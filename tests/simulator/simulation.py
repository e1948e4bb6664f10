"""One seed from the first step to the verdict."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.simulator.build import store
from tests.simulator.judge import Watch, judge
from tests.simulator.nemesis import Nemesis
from tests.simulator.people import People
from tests.simulator.world import World

LONGEST_REST = 2 * 3600.0  # seconds of the world's time in which everything must come to rest
# Seconds of life, acts of people and deeds of the nemesis in it. Many small worlds find more than a few large ones.
SIZES = ((60, 14, 6), (180, 25, 12), (480, 60, 30))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one seed showed. `digest` is that of its history; `hours` are simulated."""

    seed: int
    breaches: list[str]
    digest: str
    hours: float
    sends: int
    messages: int
    settled_in: list[float]
    faults: Counter[str]
    history: list[str] = field(repr=False)


def simulate(seed: int) -> Verdict:
    """Run the world of this seed: some minutes of life under faults, then peace, then the verdict."""
    quiet = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    world = World(seed)
    watch = Watch(world)
    try:
        return _run(world, watch)
    finally:
        world.close()
        logging.disable(quiet)


def _run(world: World, watch: Watch) -> Verdict:
    chance = random.Random(f"simulation {world.seed}")
    nemesis, people = Nemesis(world), People(world)
    world.boot(clocks=chance.choice((1, 2)))
    nemesis.begin()
    seconds, acts, deeds = chance.choices(SIZES, (6, 3, 1))[0]

    async def life() -> None:
        await asyncio.gather(people.live(seconds, seconds / acts), nemesis.torment(seconds, seconds / deeds))
        nemesis.end()
        await rest(world)

    world.run(life())
    breaches = judge(world, watch, clock_was_wrong=nemesis.jumps)
    return Verdict(
        seed=int(world.seed),
        breaches=breaches,
        digest=world.digest(),
        hours=world.loop.time() / 3600,
        sends=len(world.carrier.ledger),
        messages=people.messages(),
        settled_in=watch.settled_in,
        faults=world.counts,
        history=world.history,
    )


async def rest(world: World, longest: float = LONGEST_REST) -> None:
    """Return when nothing will move by itself any more, or when it has had all the time in the world."""
    until = world.loop.time() + longest
    while world.loop.time() < until:
        await asyncio.sleep(20)
        if _at_rest(world):
            await asyncio.sleep(100)  # what is only in a worker's hands comes to its end
            if _at_rest(world):
                return


def _at_rest(world: World) -> bool:
    return world.redis.empty and not world.carrier.under_way and not store().waiting()
