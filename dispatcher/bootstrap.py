"""Builds the runtime from the settings. The only module that knows the adapters in `channels`."""

from __future__ import annotations

import os

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from channels import registry
from dispatcher.bells import RedisBells
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings
from dispatcher.storage import make_engine, make_sessions


def connect_redis(settings: Settings) -> Redis:
    """A client that gives up quickly: a bell that cannot be rung is found by the sweep."""
    return Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=2,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1),
    )


def build(settings: Settings) -> Runtime:
    """The runtime of one process. Raises NotConfigured where a named provider lacks its settings."""
    # The official SDKs read these and would quietly send to another host than the settings say.
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        os.environ.pop(name, None)
    redis = connect_redis(settings)
    return Runtime(
        settings=settings,
        sessions=make_sessions(make_engine(settings.database_url)),
        redis=redis,
        bells=RedisBells(redis),
        adapters=registry.build(settings),
    )
