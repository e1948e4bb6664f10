"""Requests under way at once on a provider's account, shared exactly by all workers and hosts through Redis.

Each worker holds a part of the account's places for some seconds and renews it while it sends. Nobody is given a
place that another still holds; who has work gets an equal share, and what others leave unused.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from dispatcher.model.gate import Limits
from dispatcher.model.ports import Outcome
from dispatcher.runtime import Runtime
from dispatcher.services.lease import Lease
from dispatcher.services.limits import WORKERS_UNSEEN

RENEW_SECONDS = 0.2
# A worker that stops renewing is gone, and so are its connections.
HELD_SECONDS = 5

# Field: a worker. Value: places held, places wanted, until when (by Redis's clock). Answers this worker's places.
# Whoever wants less than an equal share has what it wants, the others share the rest equally. On its first call a
# worker leaves alone what the `expected` others will want.
_HOLD = """
local me, wanted, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local busy, expected, keep = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rows = redis.call('HGETALL', KEYS[1])
local all, held, known = {{wanted, me}}, 0, false
for i = 1, #rows, 2 do
  local h, w, till = string.match(rows[i + 1], '^(%d+) (%d+) ([%d.]+)$')
  -- The clock was set back since: whoever is alive renews it, and whoever is not has no longer than anybody.
  if tonumber(till) > now + keep + 0.01 and rows[i] ~= me then
    redis.call('HSET', KEYS[1], rows[i], h .. ' ' .. w .. ' ' .. string.format('%.3f', now + keep))
  end
  if tonumber(till) < now then redis.call('HDEL', KEYS[1], rows[i])
  elseif rows[i] == me then known = true
  else
    all[#all + 1] = {tonumber(w), rows[i]}
    held = held + tonumber(h)
  end
end
local workers = #all
if not known then
  for i = workers + 1, expected do all[i] = {limit, 'expected ' .. i} end
end
table.sort(all, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
local rest, mine = limit, 0
for i, one in ipairs(all) do
  local share = math.min(one[1], math.max(1, math.floor(rest / (#all - i + 1))))
  rest = rest - share
  if one[2] == me then mine = share end
end
mine = math.max(0, math.min(mine, limit - held))
redis.call('HSET', KEYS[1], me, math.max(mine, busy) .. ' ' .. wanted .. ' ' .. string.format('%.3f', now + keep))
redis.call('EXPIRE', KEYS[1], 60)
return {mine, workers}
"""


class Places:
    """This worker's places at one account while it sends. The one that is waited for longest is given first,
    but urgent requests pass ordinary ones."""

    def __init__(self, runtime: Runtime, limits: Limits, expected: int = 1) -> None:
        self._runtime, self._limits, self._expected = runtime, limits, expected
        self._me = f"{runtime.chance.getrandbits(64):016x}"
        self._key = f"places:{limits.account}"
        self._workers = 0  # at the last look
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._wanted = limits.requests
        self.granted = 0
        self.busy = 0

    @property
    def queued(self) -> int:
        """Requests that wait for a place."""
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def held(self, wanted: int | None = None) -> AsyncIterator[Places]:
        """Holds places while the block runs, up to `wanted` at once (else the whole account's)."""
        self._wanted = min(wanted or self._limits.requests, self._limits.requests)
        await self._renew()
        renewing = asyncio.create_task(self._go_on())
        try:
            yield self
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with contextlib.suppress(RedisError, OSError):
                await self._runtime.aside(self._runtime.redis.hdel, self._key, self._me)

    async def enter(self, urgent: bool) -> None:
        """Return when a request may leave; `leave` must follow."""
        if self.busy < self.granted and not self._waiting:
            self.busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (0 if urgent else 1, self._arrivals, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # it had just been given
            raise

    def leave(self) -> None:
        self.busy -= 1
        self._give()

    def _give(self) -> None:
        while self._waiting and self.busy < self.granted:
            place = heapq.heappop(self._waiting)[2]
            if not place.done():
                self.busy += 1
                place.set_result(None)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._renew()

    async def _renew(self) -> None:
        try:
            granted, workers = await self._runtime.aside(
                self._runtime.redis.eval, _HOLD, 1, self._key,
                self._me, self._wanted, self._limits.requests, self.busy, self._expected, HELD_SECONDS,
            )  # fmt: skip
            self.granted, self._workers = int(granted), int(workers)
        except (RedisError, OSError):
            # Fewer than may be ours rather than more than the account has.
            self.granted = max(1, self._limits.requests // max(self._workers, WORKERS_UNSEEN))
        self._give()


@dataclass(slots=True)
class Passage:
    """The gate of one claim's requests: a place each, while the sender's lease holds and the provider is not out."""

    places: Places
    lease: Lease
    urgent: bool = False
    is_out: Callable[[], bool] = lambda: False
    learn: Callable[[Sequence[Outcome]], None] = lambda outcomes: None

    async def enter(self) -> str:
        await self.places.enter(self.urgent)
        barred = "lease" if not self.lease.holds() else "circuit" if self.is_out() else ""
        if barred:
            self.places.leave()
        return barred

    def leave(self, outcomes: Sequence[Outcome] = ()) -> None:
        self.places.leave()
        if outcomes:
            self.learn(outcomes)
