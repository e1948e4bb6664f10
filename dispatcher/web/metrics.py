"""Figures for Prometheus, computed from the database and Redis when asked: no process keeps counters of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Callback, Conversation, Delivery, Letter, Message, Reply, Task
from dispatcher.model.delivery import WAITING
from dispatcher.runtime import Runtime

MEDIA_TYPE = CONTENT_TYPE_LATEST


def render(session: Session, runtime: Runtime, redis: Redis, queues: Iterable[str]) -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Figures(session, runtime, redis, tuple(queues)))
    return generate_latest(registry)


class _Figures:
    """One look at everything."""

    def __init__(self, session: Session, runtime: Runtime, redis: Redis, queues: tuple[str, ...]) -> None:
        self.session, self.runtime, self.redis, self.queues = session, runtime, redis, queues

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._counted("messages", "Messages by state", Message.state)
        yield self._counted("deliveries", "Deliveries by channel and state", Delivery.channel, Delivery.state)
        yield self._counted("attempts", "Attempts by provider and state", Attempt.provider, Attempt.state)
        yield self._counted("letters", "Letters by kind and state", Letter.kind, Letter.state)
        yield self._counted("callbacks", "Callbacks by provider and state", Callback.provider, Callback.state)
        yield self._counted("conversations", "Conversations by state", Conversation.state)
        yield self._counted("replies", "Replies by channel and state", Reply.channel, Reply.state)
        yield self._counted("tasks", "Tasks by kind and state", Task.kind, Task.state)
        yield self._overdue()
        yield from self._redis_figures()

    def _counted(self, name: str, about: str, *columns: object) -> GaugeMetricFamily:
        labels = [column.key for column in columns]  # type: ignore[attr-defined] # mapped columns have keys
        family = GaugeMetricFamily(f"dispatcher_{name}", about, labels=labels)
        for *values, number in self.session.execute(select(*columns, func.count()).group_by(*columns)):  # type: ignore[call-overload]  # as many columns as are asked for
            family.add_metric([str(value) for value in values], number)
        return family

    def _overdue(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "dispatcher_overdue_seconds", "How long the oldest row has been due, by kind", labels=["kind"]
        )
        moment = self.runtime.now()
        for kind, row in (("delivery", Delivery), ("letter", Letter)):
            due = self.session.scalar(select(func.min(row.due_at)).where(row.state.in_(WAITING)))
            family.add_metric([kind], max(0.0, (moment - due).total_seconds()) if due else 0.0)
        # Of callbacks the age counts: each try moves the time at which the next is due.
        oldest = self.session.scalar(select(func.min(Callback.received_at)).where(Callback.state == "new"))
        family.add_metric(["callback"], max(0.0, (moment - oldest).total_seconds()) if oldest else 0.0)
        return family

    def _redis_figures(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("dispatcher_queue_jobs", "Jobs waiting in Redis by queue", labels=["queue"])
        up = GaugeMetricFamily("dispatcher_redis_up", "1 when Redis answers")
        try:
            for name in self.queues:
                waiting.add_metric([name], float(self.redis.llen(f"rq:queue:{name}")))
            up.add_metric([], 1)
        except (RedisError, OSError):
            up.add_metric([], 0)
        yield waiting
        yield up
