"""Circuit breakers: which of a channel's providers is asked next, and when one that is out is tried again.

A provider that refuses the account is out at once; one that fails again and again is out after `ENOUGH` in a row.
It is tried again with a single message after a time that doubles with each failure; the first that goes through
closes the circuit. All workers share what they learn through Redis; without it each learns by itself.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from redis import Redis
from redis.exceptions import RedisError

from dispatcher.model.gate import BARRED
from dispatcher.model.ports import Outcome, Provider
from dispatcher.runtime import Runtime

ENOUGH = 10
FIRST_REST, LONGEST_REST = 10.0, 300.0  # seconds
TRIAL_SECONDS = 30  # one worker tries for all; should it die, another one does after this time
REMEMBER_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Out:
    """A provider that is out: since when and until when nobody asks it (seconds since 1970), how often it failed."""

    since: float
    until: float
    failures: int
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The provider to ask, with one message only where it is a trial. None: all are out, `out` the one back first."""

    provider: Provider | None
    trial: bool = False
    out: Out | None = None


def _is_the_vendors(outcome: Outcome) -> bool:
    """With a time to come back it is the vendor who cannot now; without, it is about that recipient alone."""
    return outcome.state == "unknown" or (outcome.state == "deferred" and outcome.retry_after is not None)


def known(redis: Redis, channel: str, provider: str) -> Out | None:
    """What workers have told of a provider that is out; None where they use it. Raises RedisError."""
    kept = redis.get(_key(channel, provider, "out"))
    return Out(**json.loads(kept)) if isinstance(kept, bytes | str) else None


def _key(channel: str, provider: str, what: str) -> str:
    return f"circuit:{channel}:{provider}:{what}"


class Circuit:
    """The breakers of one channel as one worker sees them."""

    def __init__(self, runtime: Runtime, channel: str) -> None:
        self._runtime, self._channel = runtime, channel
        self._bad: dict[str, int] = {}
        self._out: dict[str, Out] = {}

    def is_out(self, provider: str) -> bool:
        """Whether this worker knows the provider to be out; asks nobody."""
        return provider in self._out

    async def choose(self) -> Choice:
        """The first provider that is not out, else the first that may be tried again."""
        found: list[Out] = []
        now = self._runtime.now().timestamp()
        for provider in self._runtime.adapters.providers.get(self._channel, ()):
            out = await self._runtime.aside(self._look, provider.name)
            if out is None:
                return Choice(provider)
            if now >= out.until and await self._runtime.aside(self._may_try, provider.name):
                return Choice(provider, trial=True)
            found.append(out)
        return Choice(None, out=min(found, key=lambda one: one.until, default=None))

    def learn(self, provider: str, outcomes: Sequence[Outcome]) -> str:
        """Take in what became of one request; a text for an alarm where the provider is out from now on, else "".

        It went badly where it did for all whom it carried.
        """
        # Nearly always, and asked of every request: what follows would say the same in three passes.
        if outcomes and all(one.state == "accepted" for one in outcomes):
            return self._well(provider)
        known = [one for one in outcomes if one.code not in BARRED]
        if not known:
            return ""
        refused = next((one for one in known if one.decision == "stop-channel"), None)
        if refused is not None:
            return self._open(provider, refused)
        if not all(_is_the_vendors(one) for one in known):
            return self._well(provider)
        self._bad[provider] = self._bad.get(provider, 0) + 1
        if self._bad[provider] >= ENOUGH or provider in self._out:
            return self._open(provider, known[-1])
        return ""

    def _well(self, provider: str) -> str:
        self._bad[provider] = 0
        self._close(provider)
        return ""

    def _open(self, provider: str, last: Outcome) -> str:
        before, now = self._out.get(provider), self._runtime.now().timestamp()
        if before is not None and now < before.until:
            return ""  # the answers of what was under way when it opened
        failures = before.failures + 1 if before else 1
        rest = max(last.retry_after or 0.0, min(LONGEST_REST, FIRST_REST * 2 ** (failures - 1)))
        # Spread, so that not everybody comes back at the same moment.
        until, why = now + rest * self._runtime.chance.uniform(1.0, 1.25), (last.error or last.code)[:200]
        self._out[provider] = out = Out(before.since if before else now, until, failures, why)
        with contextlib.suppress(RedisError, OSError):
            self._runtime.redis.set(self._key(provider, "out"), json.dumps(asdict(out)), ex=REMEMBER_SECONDS)
        return "" if before else why

    def _close(self, provider: str) -> None:
        if self._out.pop(provider, None) is not None:
            with contextlib.suppress(RedisError, OSError):
                self._runtime.redis.delete(self._key(provider, "out"), self._key(provider, "trial"))

    def _look(self, provider: str) -> Out | None:
        """What all workers know, or, where Redis is away, what this one does."""
        with contextlib.suppress(RedisError, OSError):
            out = known(self._runtime.redis, self._channel, provider)
            if out is not None:
                self._out[provider] = out
            else:
                self._out.pop(provider, None)
        return self._out.get(provider)

    def _may_try(self, provider: str) -> bool:
        with contextlib.suppress(RedisError, OSError):
            return bool(self._runtime.redis.set(self._key(provider, "trial"), "1", nx=True, ex=TRIAL_SECONDS))
        return True

    def _key(self, provider: str, what: str) -> str:
        return _key(self._channel, provider, what)
