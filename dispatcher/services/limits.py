"""How many a second a channel may start, shared by all workers through Redis."""

from __future__ import annotations

import asyncio
import time

from redis.exceptions import RedisError

from dispatcher.runtime import Runtime

# Each channel's next free moment is kept in Redis by its own clock, so hosts need not agree on theirs. Takes
# up to `wanted` slots of the next tenth of a second and answers how many, and how long to wait where none is.
_TAKE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1000000
local gap = 1 / tonumber(ARGV[1])
local wanted = tonumber(ARGV[2])
local free = tonumber(redis.call('GET', KEYS[1]) or t)
if free < t then free = t end
if free > t + 0.05 then return {0, tostring(free - t)} end
local taken = math.min(wanted, math.max(1, math.floor(0.1 / gap)))
redis.call('SET', KEYS[1], string.format('%.6f', free + taken * gap), 'EX', 3600)
return {taken, '0'}
"""


def per_second(runtime: Runtime, channel: str) -> float | None:
    """The configured starts a second on a channel over all workers; None: as fast as the provider accepts."""
    settings = runtime.settings
    if channel == "voice":
        return settings.twilio_calls_per_second
    if channel == "sms" and settings.twilio_sms_per_second > 0:
        return settings.twilio_sms_per_second * max(1, len(settings.twilio_sms_from))
    return None


class Limiter:
    """Slots of one channel for one worker. Without Redis the worker keeps to the limit by its own clock."""

    def __init__(self, runtime: Runtime, channel: str) -> None:
        self._runtime, self._channel = runtime, channel
        self.rate = per_second(runtime, channel)
        self._own_next = 0.0

    def take(self, wanted: int) -> tuple[int, float]:
        """How many of `wanted` starts may be made now, and, where none, the seconds to wait before asking again."""
        if self.rate is None or wanted == 0:
            return wanted, 0.0
        try:
            taken, wait = self._runtime.redis.eval(_TAKE, 1, f"limit:{self._channel}", self.rate, wanted)
            return int(taken), float(wait)
        except (RedisError, OSError):
            return self._take_alone(wanted)

    async def wait_for_one(self) -> None:
        """Return when one start may be made."""
        while True:
            taken, wait = self.take(1)
            if taken:
                return
            await asyncio.sleep(min(wait, 1.0))

    def _take_alone(self, wanted: int) -> tuple[int, float]:
        assert self.rate is not None
        now = time.monotonic()
        if self._own_next > now:
            return 0, self._own_next - now
        taken = min(wanted, max(1, int(self.rate * 0.1)))
        self._own_next = now + taken / self.rate
        return taken, 0.0
