"""Why deliveries wait, and until when: from what is written at them, and from what workers have told through Redis."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher import bells
from dispatcher.model import CHANNELS, Delivery, Message
from dispatcher.model.delivery import GOING, NOBODY, WAITING, in_states
from dispatcher.runtime import Runtime
from dispatcher.services import circuit, limits, pause
from dispatcher.services.fan_out import QUIET
from dispatcher.services.holding import HELD

SILENT = timedelta(seconds=60)  # since a channel's worker was last heard of
_CAP = "held: "  # before the words of a cap, see `caps`


@dataclass(frozen=True, slots=True)
class Reason:
    """Why so many wait. `until`, where it is known, is when the last of them may leave, or the next is tried."""

    number: int
    words: str
    until: datetime | None = None


def reasons(session: Session, runtime: Runtime, redis: Redis, message: Message) -> dict[str, list[Reason]]:
    """By channel, the largest number first. `redis` gives up at once, for people wait for the answer."""
    if message.state not in GOING:
        return {}
    found: dict[str, dict[str, Reason]] = defaultdict(dict)
    for channel, one in chain(_waiting(session, runtime, redis, message), _in_doubt(session, message)):
        known = found[channel].get(one.words)
        found[channel][one.words] = _joined(known, one) if known else one
    return {name: sorted(some.values(), key=lambda one: -one.number) for name, some in found.items()}


def _waiting(session: Session, runtime: Runtime, redis: Redis, message: Message) -> Iterator[tuple[str, Reason]]:
    end = message.valid_until
    later = (Delivery.due_at > runtime.now()).label("later")
    too_late = (Delivery.due_at > (end or datetime.max.replace(tzinfo=UTC))).label("too_late")
    rows = session.execute(
        select(
            Delivery.channel, later, too_late, Delivery.state, Delivery.error, func.count(),
            func.min(Delivery.due_at), func.max(Delivery.due_at),
        )
        .where(
            # All channels are named, so that the index of what waits can be used.
            Delivery.channel.in_(CHANNELS), Delivery.message_id == message.id, in_states(Delivery.state, *WAITING)
        )
        .group_by(Delivery.channel, "later", "too_late", Delivery.state, Delivery.error)
    )  # fmt: skip
    due: Counter[str] = Counter()
    for channel, is_later, is_late, state, error, number, first, last in rows:
        if not is_later:
            due[channel] += number
        elif is_late and error != HELD:
            quiet = "in quiet hours" if error == QUIET else "held"
            yield channel, Reason(number, f"{quiet} until it is too late for them, at", end)
        else:
            yield channel, _later(state, error or "", number, first, last)
    paused = pause.in_force(session) if due else None
    for channel, number in due.items():
        if paused:
            yield channel, Reason(number, f"sending is paused: “{paused.reason}”")
        else:
            yield channel, Reason(number, *_why(runtime, redis, message, channel))


def _later(state: str, error: str, number: int, first: datetime | None, last: datetime | None) -> Reason:
    """Of deliveries that are not due yet, by what is written at them."""
    if error == QUIET:
        return Reason(number, "in quiet hours, the last until", last)
    if error == HELD:
        return Reason(number, "they may want no more there: until somebody has said what they meant")
    if error.startswith(_CAP):
        return Reason(number, f"{error.removeprefix(_CAP)}, until", last)
    if error.startswith(tuple(one.replace("-", " ") for one in NOBODY)):
        return Reason(number, "busy or not answered, the next is tried again at", first)
    return Reason(number, "put off, the next is tried again at" if state == "deferred" else "not due before", first)


def _joined(one: Reason, other: Reason) -> Reason:
    choose = min if " next " in one.words else max
    moments = [until for until in (one.until, other.until) if until]
    return Reason(one.number + other.number, one.words, choose(moments, default=None))


def _why(runtime: Runtime, redis: Redis, message: Message, channel: str) -> tuple[str, datetime | None]:
    """Why what is due on a channel has not left yet."""
    providers = [one.name for one in runtime.adapters.providers.get(channel, ())]
    if not providers:
        return "no provider carries this channel", None
    try:
        out = [circuit.known(redis, channel, name) for name in providers]
        heard = bells.worker_heard(redis, channel, runtime.now())
    except (RedisError, OSError):
        return "Redis, through which workers are rung, cannot be asked", None
    standing = [one for one in out if one is not None]
    if len(standing) == len(out):
        first = min(one.until for one in standing)
        return f"{' and '.join(providers)} cannot be used, tried again at", datetime.fromtimestamp(first, UTC)
    if heard is None or runtime.now() - heard > SILENT:
        return "no worker of this channel has been heard of for a minute", None
    if rate := (message.pace or {}).get(channel):
        return f"due: {rate:g} a second leave, so that all channels end together", None
    if rate := limits.per_second(runtime, channel):
        return f"due: at most {rate:g} a second leave by this channel, over all alerts", None
    return "due: they leave as soon as there is room", None


def _in_doubt(session: Session, message: Message) -> Iterator[tuple[str, Reason]]:
    asked = Delivery.due_at.is_not(None).label("asked")
    rows = session.execute(
        select(Delivery.channel, asked, func.count(), func.min(Delivery.due_at))
        .where(Delivery.message_id == message.id, in_states(Delivery.state, "unknown"))
        .group_by(Delivery.channel, "asked")
    )
    for channel, is_asked, number, first in rows:
        whom = "the provider is asked, next at" if is_asked else "somebody is asked, see Tasks"
        yield channel, Reason(number, f"may have left: {whom}", first)
