"""One Dramatiq message a text, on Redis, with its usual middleware."""

from __future__ import annotations

import os

import dramatiq
import texting
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def send(to: str) -> None:
    """Send one text."""
    texting.send(to)
