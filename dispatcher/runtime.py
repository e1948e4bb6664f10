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
        """So many of them at once: each look at the system's chance takes as long as writing a row."""
        digits = f"{self.chance.getrandbits(128 * count):0{32 * count}x}" if count else ""
        return [digits[start : start + 32] for start in range(0, 32 * count, 32)]

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
