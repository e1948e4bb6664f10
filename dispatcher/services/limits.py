"""How many a second a channel may start, shared by all workers through Redis."""

from __future__ import annotations

import asyncio

from redis.exceptions import RedisError

from dispatcher.model.gate import Limits
from dispatcher.runtime import Runtime

# Each rate's next free moment is kept in Redis by its own clock, so hosts need not agree on theirs. Takes
# up to `wanted` slots of the next tenth of a second and answers how many, and how long to wait where none is.
_TAKE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1000000
local gap = 1 / tonumber(ARGV[1])
local wanted = tonumber(ARGV[2])
local free = tonumber(redis.call('GET', KEYS[1]) or t)
-- Nobody takes so far ahead: the clock was set back since.
if free < t or free > t + 0.2 + 2 * gap then free = t end
if free > t + 0.05 then return {0, tostring(free - t)} end
local taken = math.min(wanted, math.max(1, math.floor(0.1 / gap)))
redis.call('SET', KEYS[1], string.format('%.6f', free + taken * gap), 'EX', 3600)
return {taken, '0'}
"""

# Without Redis nobody knows who else is at work. So many workers on one channel at the most keep to a limit then.
WORKERS_UNSEEN = 4


def of_channel(runtime: Runtime, channel: str) -> Limits | None:
    """The limits of the provider that a channel tries first; None where it has none."""
    providers = runtime.adapters.providers.get(channel)
    return providers[0].limits if providers else None


def per_second(runtime: Runtime, channel: str) -> float | None:
    """The configured starts a second on a channel over all workers; None: as fast as the provider accepts."""
    limits = of_channel(runtime, channel)
    return limits.a_second if limits else None


class Rate:
    """Starts a second under one key, over all workers. Without Redis each keeps to its share by its own clock."""

    def __init__(self, runtime: Runtime, key: str, a_second: float | None) -> None:
        self._runtime, self._key = runtime, f"rate:{key}"
        self.a_second = a_second
        self._own_next = 0.0

    async def take(self, wanted: int) -> tuple[int, float]:
        """How many of `wanted` starts may be made now, and, where none, the seconds to wait before asking again."""
        if self.a_second is None or wanted == 0:
            return wanted, 0.0
        try:
            taken, wait = await self._runtime.aside(
                self._runtime.redis.eval, _TAKE, 1, self._key, self.a_second, wanted
            )
            return int(taken), float(wait)
        except (RedisError, OSError):
            return self._take_alone(wanted, self.a_second / WORKERS_UNSEEN)

    async def wait_for_one(self) -> None:
        """Return when one start may be made."""
        while True:
            taken, wait = await self.take(1)
            if taken:
                return
            await asyncio.sleep(min(wait, 1.0))

    def _take_alone(self, wanted: int, share: float) -> tuple[int, float]:
        now = self._runtime.monotonic()
        if self._own_next > now:
            return 0, self._own_next - now
        taken = min(wanted, max(1, int(share * 0.1)))
        self._own_next = now + taken / share
        return taken, 0.0


def channel_rate(runtime: Runtime, channel: str, limits: Limits) -> Rate:
    """The rate at which a provider may start on a channel."""
    return Rate(runtime, f"{limits.account}:{channel}", limits.a_second)
