"""How often somebody may try: counted in Redis for all processes, in memory for this one while Redis is away."""

from __future__ import annotations

import hashlib
import logging
import time

from flask import abort, current_app
from limits import parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dispatcher.settings import Settings

log = logging.getLogger(__name__)
REST_AFTER_FAILURE = 30.0


def quick_pool(settings: Settings) -> ConnectionPool:
    """Connections that give up at once: a page must not hang for seconds because Redis is away."""
    return ConnectionPool.from_url(
        settings.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=0.5, socket_connect_timeout=0.5
    )


class Limits:
    """Moving windows, one for each (what, who)."""

    def __init__(self, settings: Settings) -> None:
        shared = RedisStorage("redis://", connection_pool=quick_pool(settings), key_prefix="limits")
        self._shared = MovingWindowRateLimiter(shared)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def spend(self, what: str, who: str, rate: str) -> bool:
        """Count one try of `who` at `what`; False when the rate, e.g. "5/minute", is used up."""
        item = parse(rate)
        # Only a digest of the person or address goes to Redis.
        key = hashlib.sha256(who.encode()).hexdigest()[:32]
        if time.monotonic() >= self._away_until:
            try:
                return self._shared.hit(item, what, key)
            except (RedisError, OSError) as error:
                log.warning("redis is away, limits count in memory: %s", type(error).__name__)
                self._away_until = time.monotonic() + REST_AFTER_FAILURE
        return self._own.hit(item, what, key)

    def forget(self, what: str, who: str, rate: str) -> None:
        """Start counting anew: the tries so far turned out to be rightful."""
        item = parse(rate)
        key = hashlib.sha256(who.encode()).hexdigest()[:32]
        self._own.clear(item, what, key)
        if time.monotonic() >= self._away_until:
            try:
                self._shared.clear(item, what, key)
            except (RedisError, OSError) as error:
                log.warning("redis is away, limits count in memory: %s", type(error).__name__)
                self._away_until = time.monotonic() + REST_AFTER_FAILURE


def spend(what: str, who: str, rate: str) -> bool:
    """Count one try under the application's limits; False when the rate is used up."""
    limits: Limits = current_app.extensions["limits"]
    return limits.spend(what, who, rate)


def forget(what: str, who: str, rate: str) -> None:
    """Start counting anew under the application's limits."""
    limits: Limits = current_app.extensions["limits"]
    limits.forget(what, who, rate)


def require(what: str, who: str, rate: str) -> None:
    """Count one try, or answer 429."""
    if not spend(what, who, rate):
        abort(429)
