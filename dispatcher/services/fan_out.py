"""Fan-out, the database's part: which release is next, claim its deliveries, commit their attempts.

`sending.py` calls the provider between these, with no transaction open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Dialect, Insert, Select, Update, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery, Message, Suppression, Version
from dispatcher.model.delivery import GOING, WAITING, due_by, in_states, unfinished
from dispatcher.model.message import end_of_validity
from dispatcher.runtime import Runtime
from dispatcher.services import addressees, caps, dialable, dialling, doubted, fallback, holding, pause
from dispatcher.services.lease import lease_of
from dispatcher.storage import looked_up_by_key
from dispatcher.storage.many import among, given, rows_of

# Shown as the reason of a delivery that waits for the end of its customer's quiet hours.
QUIET = "held: quiet hours"


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A message with deliveries due on a channel.

    `pace` is how many a second may start, None: no limit of its own; `until` is the end of its validity.
    """

    message_id: int
    urgent: bool
    pace: float | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Going:
    id: int
    version_id: int
    urgent: bool
    topic: str
    until: datetime | None  # the end of its validity


class _Row(NamedTuple):
    id: int
    address: str
    language: str
    tries: int
    mishaps: int


class Claimed(NamedTuple):
    """One delivery that this worker is to send now, with the attempt that has been committed for it."""

    delivery_id: int
    attempt_id: str
    address: str
    language: str
    customer_id: int  # the first of those it is for


def open_releases(session: Session, channel: str, now: datetime) -> list[OpenRelease]:
    """The messages with something due on a channel; none while sending is paused."""
    if pause.in_force(session) is not None:
        return []
    rows = session.execute(_open_releases(), {"on": channel, "by": now})
    return [
        OpenRelease(
            row.id,
            row.urgency == "urgent",
            (row.pace or {}).get(channel),
            end_of_validity(row.released_at, row.valid_for),
        )
        for row in rows
    ]


@cache
def _open_releases() -> Select[int, str, dict[str, float], datetime | None, int | None]:
    """Built once: busy workers ask many times a second, and building it takes longer than running it."""
    waiting = (Delivery.channel == bindparam("on"), in_states(Delivery.state, *WAITING))
    # From one message to the next by the index, however many deliveries each has waiting.
    walk = select(func.min(Delivery.message_id).label("id")).where(*waiting).cte("walk", recursive=True)
    following = select(func.min(Delivery.message_id)).where(*waiting, Delivery.message_id > walk.c.id)
    walk = walk.union_all(select(following.scalar_subquery()).where(walk.c.id.is_not(None)))
    due = exists().where(*waiting, Delivery.message_id == walk.c.id, Delivery.due_at <= bindparam("by"))
    return (
        select(Message.id, Version.urgency, Message.pace, Message.released_at, Message.valid_for)
        .select_from(walk)
        .join(Message, Message.id == walk.c.id)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(Message.state.in_(GOING), due)
        .order_by(Message.id)
    )


def claim(
    session: Session, runtime: Runtime, message_id: int, channel: str, provider: str, limit: int, look: int = 0
) -> list[Claimed] | None:
    """Take up to `limit` due deliveries, in their order, and write their attempts; the caller commits.

    It looks at `look` of them if that is more than `limit`. None: nothing is due. An empty list: none of those it
    looked at may leave, which it has written down; there may be more.

    Nothing is taken when the message was cancelled. Stale ones expire, removals, opt-outs, quiet hours and caps count,
    in this same transaction: an opt-out holds these rows while it is written, so it is committed before an attempt or
    after it.
    """
    looked_up_by_key(session)
    going = _going_message(session, message_id)
    due = _due(session, runtime, message_id, channel, max(limit, look)) if going is not None else ()
    if going is None or not due:
        return None
    return _start(session, runtime, provider, _sorted_out(session, runtime, going, channel, due, limit))


def rehearse(session: Session, runtime: Runtime, channel: str) -> None:
    """Run the statements of a claim on nothing: they are built when they are first run, which takes longer than to run
    them. Those of the caps on calls and faxes are not among them; these leave one by one.

    Changes nothing.
    """
    open_releases(session, channel, runtime.now())
    looked_up_by_key(session)
    _going_message(session, 0)
    due = _due(session, runtime, 0, channel, 1)
    _start(session, runtime, "", _sorted_out(session, runtime, _Going(0, 0, False, "", None), channel, due, 1))


def _going_message(session: Session, message_id: int) -> _Going | None:
    """The message, held so that a cancel is committed before this claim or after it. None while sending is paused."""
    if pause.in_force(session) is not None:
        return None
    row = session.execute(_going(), {"message": message_id}).one_or_none()
    if row is None:
        return None
    until = end_of_validity(row.released_at, row.valid_for)
    return _Going(row.id, row.version_id, row.urgency == "urgent", row.topic, until)


@cache
def _going() -> Select[int, datetime | None, int | None, int, str, str]:
    return (
        select(
            Message.id,
            Message.released_at,
            Message.valid_for,
            Version.id.label("version_id"),
            Version.urgency,
            Version.topic,
        )
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(Message.id == bindparam("message"), Message.state.in_(GOING))
        .with_for_update(read=True, of=Message)
    )


def _due(session: Session, runtime: Runtime, message_id: int, channel: str, limit: int) -> Sequence[_Row]:
    asked = {"message": message_id, "on": channel, "by": runtime.now(), "most": limit}
    rows = [_Row(*row) for row in rows_of(session.connection(), _due_ones(), asked)]
    # What a worker died over goes alone: if it is what they die of, it takes no neighbours along the next time.
    return rows[:1] if rows and rows[0].mishaps else [row for row in rows if not row.mishaps]


@cache
def _due_ones() -> Select[int, str, str, int, int]:
    return (
        select(Delivery.id, Delivery.address, Delivery.language, Delivery.tries, Delivery.mishaps)
        .where(*due_by(bindparam("message"), bindparam("on"), bindparam("by")))
        .order_by(Delivery.due_at, Delivery.position)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


def _sorted_out(
    session: Session, runtime: Runtime, message: _Going, channel: str, due: Sequence[_Row], most: int
) -> list[tuple[_Row, int]]:
    """Up to `most` that may leave now, each with its first customer; those that may not get the state they ought to."""
    now = runtime.now()
    ids = [one.id for one in due]
    if message.until is not None and message.until < now:
        _leave_out(session, ids, "expired", now)
        for delivery_id in ids:
            fallback.give_up(session, session.get_one(Delivery, delivery_id), "its time was up before it could leave")
        return []
    orders = doubted.orders(session, channel, [one.address for one in due], message.topic)
    found = addressees.of(session, message.version_id, ids)
    barred = dialable.barred_of(runtime, channel, [one.address for one in due])
    dialled = [one.address for one in due] if channel in caps.DIALLED else []
    over_called = caps.over_called(session, runtime, dialled)
    leaving: list[tuple[_Row, int]] = []
    suppressed: list[int] = []
    turned_away: list[int] = []
    never: dict[int, str] = {}
    unmeant: list[int] = []
    removed: list[int] = []
    held: dict[int, datetime] = {}
    unclear: dict[int, tuple[Suppression, list[int]]] = {}
    for one in due:
        people = found.get(one.id, [])
        order = orders.get(one.address)
        until = None if not people else addressees.quiet_until(people, now, message.urgent)
        if not people:
            unmeant.append(one.id)
        elif not any(person.reachable_here for person in people):
            removed.append(one.id)
        elif order is not None and order.reason != "doubt":
            suppressed.append(one.id)
        elif order is not None:
            unclear[one.id] = (order, [person.customer_id for person in people])
        elif one.address in barred:
            never[one.id] = barred[one.address]
        elif until is not None:
            # What would be stale by then is due when its time is up, and expires.
            held[one.id] = until if message.until is None else min(until, message.until + timedelta(seconds=1))
        elif one.address in over_called:
            turned_away.append(one.id)
        else:
            leaving.append((one, min(people).customer_id))
    _leave_out(session, unmeant, "cancelled", now)
    _leave_out(session, suppressed, "suppressed", now)
    for delivery_id in suppressed:
        # Opted out after the release: what they still take is used, as it would have been a moment earlier.
        fallback.start(session, runtime, session.get_one(Delivery, delivery_id), "was opted out of")
    _leave_out(session, removed, "cancelled", now)
    for delivery_id in removed:
        # The people are meant, but this is no longer theirs: what they have now is used.
        fallback.start(session, runtime, session.get_one(Delivery, delivery_id), "is no longer in the directory")
    dialling.turn_away(session, runtime, channel, never)
    caps.turn_away(session, runtime, turned_away)
    _hold(session, held, QUIET)
    _hold(session, dict.fromkeys(unclear, doubted.until(runtime, message.until)), holding.HELD)
    if message.urgent or message.until is not None:
        doubted.tell(session, message.id, unclear)
    leaving = leaving[:most]
    room = caps.room(session, runtime, channel, len(leaving))
    caps.hold(session, runtime, channel, [one.id for one, _ in leaving[room:]])
    return leaving[:room]


def _start(session: Session, runtime: Runtime, provider: str, leaving: list[tuple[_Row, int]]) -> list[Claimed]:
    now, connection = runtime.now(), session.connection()
    claimed = [
        Claimed(one.id, attempt_id, one.address, one.language, customer_id)
        for attempt_id, (one, customer_id) in zip(runtime.new_ids(len(leaving)), leaving, strict=True)
    ]
    connection.execute(_sending(), {"leaving": [one.id for one, _ in leaving], "leased": now + lease_of(runtime)})
    started = [
        {"id": made.attempt_id, "delivery": one.id, "n": one.tries + 1}
        for made, (one, _) in zip(claimed, leaving, strict=True)
    ]
    connection.execute(_attempts(connection.dialect), {"started": started, "by": provider, "at": now})
    return claimed


@cache
def _sending() -> Update:
    leased = bindparam("leased", type_=Delivery.lease_until.type)
    return (
        update(Delivery)
        .where(among(Delivery.id, "leaving"))
        .values(state="sending", tries=Delivery.tries + 1, lease_until=leased, due_at=None)
    )


@cache
def _attempts(dialect: Dialect) -> Insert:
    started = given(dialect, "started", id=Attempt.id.type, delivery=Delivery.id.type, n=Attempt.n.type)
    by, at = bindparam("by", type_=Attempt.provider.type), bindparam("at", type_=Attempt.started_at.type)
    return insert(Attempt).from_select(
        ["id", "delivery_id", "n", "provider", "started_at"],
        select(started.c.id, started.c.delivery, started.c.n, by, at),
    )


def _leave_out(session: Session, ids: Sequence[int], state: str, now: datetime) -> None:
    if ids:
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(state=state, settled_at=now, due_at=None)
            .execution_options(synchronize_session=False)
        )


def _hold(session: Session, until: dict[int, datetime], why: str) -> None:
    moments: dict[datetime, list[int]] = {}
    for delivery_id, moment in until.items():
        moments.setdefault(moment, []).append(delivery_id)
    for moment, ids in moments.items():
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(due_at=moment, held_until=moment, error=why)
            .execution_options(synchronize_session=False)
        )


def extend(session: Session, runtime: Runtime, delivery_ids: Sequence[int]) -> None:
    """Keep the lease of what is still on its way."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.state == "sending")
        .values(lease_until=runtime.now() + lease_of(runtime))
        .execution_options(synchronize_session=False)
    )


def give_back(session: Session, runtime: Runtime, message_id: int, channel: str, why: str, most: int) -> int:
    """Nothing can carry this channel: up to `most` of what is due goes on to the recipients' next; how many did."""
    waiting = session.scalars(
        select(Delivery)
        .where(*due_by(message_id, channel, runtime.now()))
        .order_by(Delivery.id)
        .limit(most)
        .with_for_update()
    ).all()
    for delivery in waiting:
        fallback.fail(session, runtime, delivery, why)
    return len(waiting)


def finish(session: Session, message_id: int | None = None) -> None:
    """Call a message released when nothing of it waits or is on its way any more."""
    waits, leaves = unfinished(Message.id)
    query = update(Message).where(Message.state == "releasing", ~waits, ~leaves)
    if message_id is not None:
        query = query.where(Message.id == message_id)
    session.execute(query.values(state="released").execution_options(synchronize_session=False))
