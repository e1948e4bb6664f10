"""The doorbell: after a commit, tell a worker to look at a row. The row is the truth; a lost ring costs a second.

Jobs carry a dotted name and ids as JSON. Ringing never raises: when Redis is away the clock's sweep finds
what is due.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.utils import as_text, utcparse
from rq.worker_registration import get_keys
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

# One queue for each worker process. Channels have their own, so that slow calls never hold up mail; look-ups have one,
# because a provider that is in doubt is often slow to answer, and nothing urgent may wait behind that; so have the
# receivers of outgoing webhooks.
QUEUES = ("email", "sms", "voice", "fax", "notices", "events", "lookups", "hooks")

# A bell for these says only "look": more of them than workers who could come would be noise.
_LOOK = frozenset({"fan_out", "look_ups", "post_hooks"})
ENOUGH_RUNG = 16

Ring = tuple[str, str, tuple[int | str, ...]]  # queue, function in dispatcher.jobs, ids


class Bells(Protocol):
    """Rings for work. Implemented on Redis here; tests may collect the rings instead."""

    def ring(self, rings: Iterable[Ring]) -> None: ...

    def workers_on(self, queue: str) -> int:
        """How many worker processes listen to a queue, on all hosts; at least 1."""


class RedisBells:
    """Rings by enqueueing RQ jobs in one round trip a queue."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues = {name: Queue(name, connection=redis, serializer="json", default_timeout=900) for name in QUEUES}

    def ring(self, rings: Iterable[Ring]) -> None:
        by_queue: dict[str, list[Ring]] = {}
        for one in rings:
            by_queue.setdefault(one[0], []).append(one)
        for name, some in by_queue.items():
            queue = self._queues[name]
            try:
                if all(function in _LOOK for _, function, _ in some) and queue.count >= ENOUGH_RUNG:
                    continue
                queue.enqueue_many(
                    [
                        Queue.prepare_data(
                            f"dispatcher.jobs.{function}",
                            args=ids,
                            result_ttl=0,
                            failure_ttl=7 * 86400,
                            timeout=900,
                        )
                        for _, function, ids in some
                    ]
                )
            except (RedisError, OSError) as error:
                log.warning("redis is away, the sweep will find %d due rows: %s", len(some), type(error).__name__)

    def workers_on(self, queue: str) -> int:
        try:
            return max(1, int(Worker.count(connection=self._redis, queue=self._queues[queue])))
        except (RedisError, OSError):
            return 1


def worker_heard(redis: Redis, queue: str, now: datetime) -> datetime | None:
    """When a worker of this queue was last heard of: `now` while one works, None where none is known.

    Raises RedisError. An idle one is heard of every few seconds; one that works is told by its entry, which ends.
    """
    heard: list[datetime] = []
    for key in get_keys(queue=Queue(queue, connection=redis), connection=redis):
        state, beat = redis.hmget(key, "state", "last_heartbeat")
        if beat is not None:
            heard.append(now if as_text(state or "") == "busy" else utcparse(as_text(beat)))
    return max(heard, default=None)


def note(session: Session, queue: str, function: str, *ids: int | str) -> None:
    """Remember a ring for when this session has committed. Use cases note, doors commit."""
    session.info.setdefault("rings", []).append((queue, function, ids))


@contextmanager
def undoable(session: Session) -> Iterator[None]:
    """A savepoint: where what is done in it fails, nothing of it is left, and nothing that it noted is rung."""
    noted = len(session.info.get("rings", []))
    try:
        with session.begin_nested():
            yield
            session.flush()
    except BaseException:
        del session.info.get("rings", [])[noted:]
        raise


def commit(session: Session, bells: Bells) -> None:
    """Commit, then ring what the use cases noted. What a rolled-back session noted is never rung."""
    session.commit()
    rings: list[Ring] = session.info.pop("rings", [])
    if rings:
        bells.ring(dict.fromkeys(rings))
