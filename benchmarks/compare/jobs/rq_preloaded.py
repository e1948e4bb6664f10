"""RQ's own forking worker with everything imported before the first fork, as its documentation advises."""

from __future__ import annotations

import os

import texting
from redis import Redis
from rq import Queue, Worker

if __name__ == "__main__":
    assert texting.CARRIER
    redis = Redis.from_url(os.environ["REDIS_URL"])
    Worker([Queue("texts", connection=redis)], connection=redis).work(logging_level="WARNING")
