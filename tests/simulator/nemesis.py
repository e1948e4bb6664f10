"""What goes wrong, by seed. Each seed has faults of its own choice, so that each kind also comes without the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from tests.simulator.build import LINES
from tests.simulator.carrier import FATES, Temper
from tests.simulator.process import Process
from tests.simulator.redis import Moods
from tests.simulator.world import World


class Nemesis:
    """Torments a world until told to stop. Chooses by its own randomness, and sees nothing of the product."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = random.Random(f"nemesis {world.seed}")
        deeds: dict[Callable[[], None], float] = {
            self.kill_now: 2,
            self.kill_at_an_effect: 4,
            self.stop: 1.5,
            self.flush: 1,
            self.redis_away: 0.7,
            self.lock: 2,
            self.lose_an_answer: 2,
            self.outage: 1,
            self.whole_channel_out: 0.4,
            self.account_refused: 0.4,
            self.jump: 0.7,
        }
        self._deeds = {deed: weight for deed, weight in deeds.items() if self.chance.random() < 0.6}
        self._armed: dict[str, int] = {}
        self._locks = self._losses = 0
        self.jumps = False

    def begin(self) -> None:
        """Set the tempers of this seed's carrier and Redis."""
        chance = self.chance

        def rate(most: float) -> float:
            return chance.uniform(0, most) if chance.random() < 0.5 else 0.0

        self.world.carrier.temper = Temper(
            fates={name: rate(0.12) for name in FATES if name != "401"},
            slow=chance.choice((0.05, 0.3, 2.0)),
            lost=rate(0.3),
            doubled=rate(0.4),
            early=rate(0.4),
            late=rate(0.3),
            bounces=rate(0.3),
            forged=rate(0.2),
            # More than the shortest time from a request to the second look-up at it, and nothing could be promised.
            lag=rate(100),
            cannot_say=rate(0.2),
            breaks=rate(0.2),
            by_time=chance.random() < 0.5,
        )
        self.world.redis.moods = Moods(
            drop=rate(0.4),
            double=rate(0.3),
            delay=rate(0.3),
            longest=chance.choice((5.0, 60.0, 600.0)),
            shuffle=rate(0.5),
        )
        self.world.trip = self.trip

    async def torment(self, seconds: float, pause: float) -> None:
        """One deed after the other, `pause` seconds apart on average."""
        until = self.world.loop.time() + seconds
        while self.world.loop.time() < until:
            await asyncio.sleep(self.chance.expovariate(1 / pause))
            if self._deeds:
                self.chance.choices(list(self._deeds), list(self._deeds.values()))[0]()

    def end(self) -> None:
        """No more faults; what stood still wakes, what was killed has been started again or soon will be."""
        world = self.world
        world.note("faults end")
        world.carrier.temper = Temper(by_time=world.carrier.temper.by_time)
        world.redis.moods = Moods()
        world.trip = lambda process, kind, when: ""
        for process in world.processes.values():
            if process.frozen:
                process.thaw()

    def trip(self, process: Process, kind: str, when: str) -> str:
        left = self._armed.get(process.name)
        if left is not None:
            self._armed[process.name] = left - 1
            if left <= 1:
                del self._armed[process.name]
                return "kill"
        if self._locks and (kind == "begin" or (kind, when) == ("commit", "before")):
            self._locks -= 1
            return "lock"
        if self._losses and (kind, when) == ("commit", "after"):
            self._losses -= 1
            return "lost"
        return ""

    # --- the deeds

    def _victim(self) -> Process:
        return self.world.processes[self.chance.choice(sorted(self.world.processes))]

    def kill_now(self) -> None:
        self.world.count("kill")
        self.world.kill(self._victim())

    def kill_at_an_effect(self) -> None:
        self._armed[self._victim().name] = self.chance.randint(1, 12)

    def stop(self) -> None:
        self.world.count("stop")
        self.world.stop(self._victim(), self.chance.choice((2, 30, 70, 300)))

    def flush(self) -> None:
        self.world.count("redis flushed")
        self.world.redis.flush()

    def redis_away(self) -> None:
        self.world.count("redis away")
        self.world.redis.moods.away = True
        self.world.loop.outside(self.chance.uniform(1, 60), self._redis_back)

    def _redis_back(self) -> None:
        self.world.redis.moods.away = False

    def lock(self) -> None:
        self._locks += self.chance.choice((1, 1, 2, 6))

    def lose_an_answer(self) -> None:
        self._losses += self.chance.choice((1, 1, 2))

    def outage(self) -> None:
        name = self.chance.choice(LINES)[0]
        self._out(name, self.chance.choice(("connection refused", "500", "half-open", "429")))

    def whole_channel_out(self) -> None:
        channel = self.chance.choice(LINES)[1]
        for name, carried in LINES:
            if carried == channel:
                self._out(name, "connection refused")

    def account_refused(self) -> None:
        self._out(self.chance.choice(LINES)[0], "401")

    def _out(self, provider: str, fate: str) -> None:
        self.world.count(f"{provider} out: {fate}")
        self.world.carrier.temper.out[provider] = fate
        self.world.loop.outside(self.chance.uniform(30, 900), self._back, provider)

    def _back(self, provider: str) -> None:
        self.world.carrier.temper.out.pop(provider, None)

    def jump(self) -> None:
        """Our clocks are set wrong by up to an hour, or right again."""
        self.jumps = True
        self.world.count("clock jump")
        self.world.jump = timedelta(seconds=self.chance.choice((0, 3600, -3600, 90, -90, 600)))
        self.world.note(f"our clocks are now {self.world.jump.total_seconds():+.0f} s wrong")
