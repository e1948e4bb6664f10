"""Fan-out: claim deliveries, commit their attempts, send, commit the outcomes in chunks as they arrive.

The functions here are the database's part; `sending.py` calls the provider between them, with no
transaction open.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.model import (
    Attempt,
    Customer,
    Delivery,
    ListMember,
    Message,
    Recipient,
    Suppression,
    Version,
    VersionList,
)
from dispatcher.model.delivery import WAITING
from dispatcher.runtime import Runtime
from dispatcher.services import fallback

LEASE = timedelta(seconds=60)
_EARLY = 5.0  # seconds before the lease ends in which nothing more is started
_GOING = ("releasing", "released")


class Lease:
    """How long this worker may go on sending what it claimed, by its own clock, which no standing still stops.

    A worker that was suspended and wakes must not send what others may have taken over meanwhile.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Called with each lease that was committed."""
        self._until = time.monotonic() + LEASE.total_seconds() - _EARLY

    def holds(self) -> bool:
        return time.monotonic() < self._until


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this worker is to send now, with the attempt that has been committed for it."""

    delivery_id: int
    attempt_id: str
    address: str
    language: str
    customer_id: int  # the first of those it is for


def waiting_in_batch(message_id: int, channel: str, batch: int) -> ColumnElement[bool]:
    """What a batch's job may send: what was never tried."""
    return and_(
        Delivery.message_id == message_id,
        Delivery.channel == channel,
        Delivery.batch == batch,
        Delivery.state == "queued",
    )


def waiting_and_due(message_id: int, channel: str, now: datetime) -> ColumnElement[bool]:
    """What is due for another try, or came in later by fallback."""
    return and_(
        Delivery.message_id == message_id,
        Delivery.channel == channel,
        Delivery.state.in_(WAITING),
        Delivery.due_at <= now,
    )


def claim(
    session: Session, runtime: Runtime, message_id: int, which: ColumnElement[bool], provider: str, limit: int
) -> list[Claimed]:
    """Take up to `limit` deliveries, lowest position first, and write their attempts; the caller commits.

    Nothing is taken when the message was cancelled. Stale ones expire, removals and opt-outs count, in this same
    transaction: an opt-out holds these rows while it is written, so it is committed before an attempt or after it.
    """
    now = runtime.now()
    message = session.execute(
        select(Message.state, Message.released_at, Message.valid_for)
        .where(Message.id == message_id)
        .with_for_update(read=True)
    ).one_or_none()
    if message is None or message.state not in _GOING:
        return []
    if message.valid_for and message.released_at + timedelta(seconds=message.valid_for) < now:
        for delivery_id in _leave_out(session, which, "expired", now):
            fallback.give_up(session, session.get_one(Delivery, delivery_id), "its time was up before it could leave")
        return []
    _leave_out(session, and_(which, ~_still_meant()), "cancelled", now)
    for delivery_id in _leave_out(session, and_(which, _opted_out()), "suppressed", now):
        # Opted out after the release: what they still take is used, as it would have been a moment earlier.
        fallback.start(session, runtime, session.get_one(Delivery, delivery_id), "was opted out of")
    chosen = select(Delivery.id).where(which, ~_opted_out()).order_by(Delivery.position, Delivery.id).limit(limit)
    if session.get_bind().dialect.name == "postgresql":
        chosen = chosen.with_for_update(skip_locked=True)
    rows = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(chosen))
        .values(state="sending", tries=Delivery.tries + 1, lease_until=now + LEASE, due_at=None)
        .returning(Delivery.id, Delivery.address, Delivery.language, Delivery.tries, Delivery.position)
        .execution_options(synchronize_session=False)
    ).all()
    first = _first_customers(session, [row.id for row in rows])
    claimed, attempts = [], []
    for row in sorted(rows, key=lambda one: (one.position, one.id)):
        attempt_id = uuid.uuid4().hex
        claimed.append(Claimed(row.id, attempt_id, row.address, row.language, first[row.id]))
        attempts.append(
            {"id": attempt_id, "delivery_id": row.id, "n": row.tries, "provider": provider, "started_at": now}
        )
    if attempts:
        session.execute(insert(Attempt), attempts)
    return claimed


def _first_customers(session: Session, delivery_ids: list[int]) -> dict[int, int]:
    query = (
        select(Recipient.delivery_id, func.min(Recipient.customer_id))
        .where(Recipient.delivery_id.in_(delivery_ids))
        .group_by(Recipient.delivery_id)
    )
    return {delivery_id: customer_id for delivery_id, customer_id in session.execute(query) if delivery_id is not None}


def _still_meant() -> ColumnElement[bool]:
    """At least one of those it is for is still a customer and on one of the message's lists."""
    return exists().where(
        Recipient.delivery_id == Delivery.id,
        Customer.id == Recipient.customer_id,
        Customer.active,
        Message.id == Delivery.message_id,
        Version.message_id == Message.id,
        Version.number == Message.version,
        VersionList.version_id == Version.id,
        ListMember.list_id == VersionList.list_id,
        ListMember.customer_id == Recipient.customer_id,
    )


def _opted_out() -> ColumnElement[bool]:
    return exists().where(
        Suppression.channel == Delivery.channel,
        Suppression.address == Delivery.address,
        Suppression.lifted_at.is_(None),
    )


def _leave_out(session: Session, which: ColumnElement[bool], state: str, now: datetime) -> Sequence[int]:
    return session.scalars(
        update(Delivery)
        .where(which)
        .values(state=state, settled_at=now, due_at=None)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    ).all()


def extend(session: Session, runtime: Runtime, claimed: Sequence[Claimed]) -> None:
    """Keep the lease of what is still on its way."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_([one.delivery_id for one in claimed]), Delivery.state == "sending")
        .values(lease_until=runtime.now() + LEASE)
        .execution_options(synchronize_session=False)
    )


def give_back(session: Session, runtime: Runtime, message_id: int, channel: str, why: str) -> None:
    """Nothing can carry this channel any more: what waits on it goes on to the recipients' next channels."""
    for delivery in session.scalars(
        select(Delivery)
        .where(Delivery.message_id == message_id, Delivery.channel == channel, Delivery.state.in_(WAITING))
        .with_for_update()
    ).all():
        delivery.state, delivery.settled_at, delivery.due_at = "failed", runtime.now(), None
        delivery.error = why
        fallback.start(session, runtime, delivery, why)


def finish(session: Session, message_id: int | None = None) -> None:
    """Call a message released when nothing of it waits or is on its way any more."""
    open_states = (*WAITING, "sending")
    query = update(Message).where(
        Message.state == "releasing",
        ~exists().where(Delivery.message_id == Message.id, Delivery.state.in_(open_states)),
    )
    if message_id is not None:
        query = query.where(Message.id == message_id)
    session.execute(query.values(state="released").execution_options(synchronize_session=False))


def due_messages(session: Session, now: datetime) -> list[tuple[int, str]]:
    """(message, channel) pairs with something that is due or was left lying."""
    late = now - timedelta(seconds=10)
    rows: list[Any] = list(
        session.execute(
            select(Delivery.message_id, Delivery.channel)
            .join(Message)
            .where(
                Message.state.in_(_GOING),
                or_(
                    and_(Delivery.state == "deferred", Delivery.due_at <= now),
                    and_(Delivery.state == "queued", Delivery.due_at <= late),
                    and_(Delivery.state == "queued", Delivery.batch < 0, Delivery.due_at <= now),
                ),
            )
            .distinct()
        )
    )
    return [(row.message_id, row.channel) for row in rows]
