"""What bootstrap built, as one frozen object that doors hand to use cases."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import Bells
from dispatcher.model.base import now
from dispatcher.model.ports import Adapters
from dispatcher.model.tokens import derived_key, make_token, read_token
from dispatcher.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, database sessions, Redis, bells, adapters; time, chance and threads.

    Use cases take these from here alone, so that a simulator can replay them. `now` is the time of day, which may
    jump; `monotonic`, in seconds, never does. `aside` runs work on the database off the event loop.
    """

    settings: Settings
    sessions: sessionmaker[Session]
    redis: Redis
    bells: Bells
    adapters: Adapters
    now: Callable[[], datetime] = now
    monotonic: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.SystemRandom)
    aside: Callable[..., Awaitable[Any]] = asyncio.to_thread

    def new_id(self) -> str:
        """32 hex digits that nobody can guess, of an attempt among others."""
        return self.new_ids(1)[0]

    def new_ids(self, count: int) -> list[str]:
        """So many of them at once, in their order: each look at the system's chance takes as long as writing a row.

        Twelve digits are of the time, as in a UUID of version 7: what is written together lies together in an index,
        and few of its pages change, however many rows there are. Twenty are chance.
        """
        if not count:
            return []
        time_of_all = f"{int(self.now().timestamp() * 1000):012x}"
        digits = f"{self.chance.getrandbits(80 * count):0{20 * count}x}"
        return sorted(time_of_all + digits[start : start + 20] for start in range(0, 20 * count, 20))

    def reader(self) -> Session:
        """A session that only looks, and does not keep SQLite's writers waiting."""
        return self.sessions(bind=self.sessions.kw["bind"].execution_options(read_only=True))

    def token(self, purpose: str, number: int) -> str:
        """A token for a row; purposes: delivery, letter, customer, media."""
        return make_token(self.key("token"), purpose, number)

    def read_token(self, purpose: str, token: str) -> int | None:
        """The row a token was made for, or None."""
        return read_token(self.key("token"), purpose, token)

    def key(self, purpose: str) -> bytes:
        """A key derived from SECRET_KEY for one purpose."""
        return derived_key(self.settings.secret_key.get_secret_value(), purpose)

    def usable_channels(self) -> tuple[str, ...]:
        """The channels that have a configured provider."""
        return tuple(name for name, providers in self.adapters.providers.items() if providers)
