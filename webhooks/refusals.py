"""Counts what was not authentic. A flood of it must cost little: it is counted in lumps and told once a second."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from redis.exceptions import RedisError

from dispatcher.runtime import Runtime

log = logging.getLogger(__name__)

REFUSED = "webhooks:refused"  # a hash in Redis: how many requests of each address were not authentic
AT_ONCE = 20  # in a second are counted at once; what comes on top waits for the next second's first
MOST_NAMES = 50  # strangers choose the addresses: what they make up is counted together


class Refusals:
    """How many of each address, not yet in Redis. One for each web process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._names: set[str] = set()
        self._second = -1
        self._told = 0

    def add(self, provider: str, what: str) -> None:
        """One more. Raises nothing: the answer is no in any case."""
        with self._lock:
            name = f"{provider}/{what}"
            if len(self._names) < MOST_NAMES:
                self._names.add(name)
            self._counted[name if name in self._names else f"{provider}/…"] += 1
            second = int(self._runtime.monotonic())
            if second != self._second:
                self._second, self._told = second, 0
            self._told += 1
            if self._told > AT_ONCE:
                return
            lump, self._counted = self._counted, Counter()
        self._tell(lump)

    def _tell(self, lump: Counter[str]) -> None:
        for name, count in lump.items():
            log.warning("refused %d webhooks of %s: not authentic", count, name)
        try:
            pipeline = self._runtime.redis.pipeline(transaction=False)
            for name, count in lump.items():
                pipeline.hincrby(REFUSED, name, count)
            pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("refused webhooks were not counted: %s", type(error).__name__)
