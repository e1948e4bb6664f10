"""One worker process: exactly one queue, jobs in this very process, everything loaded before the first job.

A worker on two queues can lose a job for ever when it is killed (it cannot use BLMOVE); the forking worker
leaves its child running when it is killed, and costs 50 ms a job.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import sys

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from sqlalchemy.exc import SQLAlchemyError

from dispatcher import jobs
from dispatcher.bells import QUEUES
from dispatcher.model import CHANNELS
from dispatcher.runtime import Runtime
from dispatcher.services import fan_out, outcomes
from dispatcher.watch import observe

log = logging.getLogger(__name__)

_ARENA_MAX = -8  # glibc's M_ARENA_MAX


class AlertWorker(SimpleWorker):  # type: ignore[misc]  # RQ has no types
    """RQ's simple worker, quick to come back when Redis does."""

    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def procline(self, message: str) -> None:
        """Its title tells whose process it is; RQ's would change with every job."""

    @property
    def asked_to_stop(self) -> bool:
        """True when it ended because of a signal, not because Redis went away."""
        return self._shutdown_requested_date is not None


class _ShortRedisErrors(logging.Filter):
    """Redis away is ordinary: a line tells it, forty lines of traceback hide what is not."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], RedisError):
            record.msg = f"{record.getMessage()} {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            record.args, record.exc_info, record.exc_text = (), None, None
        return True


def _look_first(runtime: Runtime) -> None:
    """A database that was restored is found before this worker sends anything of it."""
    try:
        observe(runtime)
    except (SQLAlchemyError, OSError) as error:
        log.warning("the database or disk is away, the clock will look: %s", type(error).__name__)


def _share_memory() -> None:
    """The threads of this process cut their memory from one piece. Of glibc each would get its own, and what one gives
    back no other may have: 4 MB in a worker that sends. They seldom want any at the same moment.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _make_ready(runtime: Runtime, queue: str) -> None:
    """The first customers of the first release need not wait for it."""
    if queue in CHANNELS:
        try:
            with runtime.sessions() as session:
                fan_out.rehearse(session, runtime, queue)
                outcomes.rehearse(session, runtime)
                fan_out.finish(session, 0)
                session.rollback()
        except (SQLAlchemyError, OSError) as error:
            log.warning("the database cannot be asked, the first release will wait for it: %s", type(error).__name__)
    for provider in runtime.adapters.providers.get(queue, ()):
        try:
            provider.open()
        except Exception as error:
            log.warning(
                "%s cannot be made ready, the first request will say why: %s", provider.name, type(error).__name__
            )


def main(runtime: Runtime, queue: str) -> int:
    """Works on one queue until told to stop (0) or until Redis is lost for long (1: the supervisor starts anew)."""
    if queue not in QUEUES:
        raise ValueError(f"no queue {queue!r}: choose from {', '.join(QUEUES)}")
    _share_memory()
    logging.getLogger("rq").setLevel(logging.WARNING)
    logging.getLogger("rq.worker").addFilter(_ShortRedisErrors())
    try:
        # Its own connection: RQ changes the time-outs of the one it is given.
        worker = AlertWorker(
            [queue],
            connection=Redis.from_url(runtime.settings.redis_url),
            serializer="json",
            default_result_ttl=0,
            # The blocking pop lasts worker_ttl - 15 s, and nothing abandoned is found while it lasts.
            worker_ttl=30,
            job_monitoring_interval=5,
            maintenance_interval=10,
            log_job_description=False,
        )
        _look_first(runtime)
        _make_ready(runtime, queue)
        jobs.configure(runtime, stopping=lambda: worker.asked_to_stop)
        log.info("working on queue %s", queue)
        # All that was loaded stays: without this, every few hundred requests the collector walks through it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 100)
        worker.work(logging_level="WARNING")
    except RedisError as error:
        log.error("lost Redis: %s: %s", type(error).__name__, error)
        return 1
    finally:
        jobs.close()
    return 0 if worker.asked_to_stop else 1
