"""Opt-outs here and at the provider that keeps a list of its own: ours are put there and taken off, its own are read.

The row is the truth: how an order stands at the provider, and when that is next due, is in the order itself, how far a
list was read in its reading. What is asked of a provider twice is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import commit, note
from dispatcher.model import ListReading, Suppression
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import Listed, SuppressionList
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions, tasks
from dispatcher.services.once import clean, insert_once

log = logging.getLogger(__name__)

# Minutes to wait after each failure; the first is longer than a request may take.
WAITS = (1, 5, 15, 60, 240, 1440)
TOGETHER = 50
WORK_FOR = 5.0  # seconds; look-ups wait in the same queue
READ_EVERY = timedelta(hours=1)
_OVERLAP = timedelta(minutes=10)  # the provider's clock is not ours, and its lists may lag
_READ_FOR = timedelta(minutes=15)  # then another worker may take the reading over
_DUE = ("put", "take")


# --- ours, to the provider --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    """An order that this worker tells the provider of."""

    id: int
    what: str
    channel: str
    address: str
    reason: str


def due(session: Session, runtime: Runtime, limit: int = TOGETHER) -> list[int]:
    """Ids of the orders that a provider is to be told of now."""
    return list(
        session.scalars(
            select(Suppression.id)
            .where(Suppression.mirror_at <= runtime.now(), Suppression.mirror.in_(_DUE))
            .order_by(Suppression.mirror_at, Suppression.id)
            .limit(limit)
        )
    )


async def mirror_due(runtime: Runtime) -> int:
    """Tell the providers what is due, until nothing is or time is up; how many they know now."""
    until, told = runtime.monotonic() + WORK_FOR, 0
    while runtime.monotonic() < until and (some := await runtime.aside(_due_now, runtime)):
        for one in some:
            told += await mirror(runtime, one)
    return told


def _due_now(runtime: Runtime) -> list[int]:
    with runtime.reader() as session:
        return due(session, runtime)


async def mirror(runtime: Runtime, order_id: int) -> bool:
    """Tell the channel's providers of one order; False where there was nothing to tell, or it failed this time."""
    claim = await runtime.aside(_begin, runtime, order_id)
    if claim is None:
        return False
    try:
        for one in _lists_of(runtime, claim.channel):
            if claim.what == "put":
                await one.put(claim.address)
            else:
                await one.take_off(claim.address, claim.reason)
    except ProviderError as error:
        log.warning("order %d is not mirrored: %s", claim.id, error)
        await runtime.aside(_failed, runtime, claim, str(error))
        return False
    await runtime.aside(_done, runtime, claim)
    return True


def _lists_of(runtime: Runtime, channel: str) -> list[SuppressionList]:
    return [one for one in runtime.adapters.lists.values() if one.channel == channel]


def _begin(runtime: Runtime, order_id: int) -> _Claim | None:
    with runtime.sessions() as session:
        order, now = session.get(Suppression, order_id, with_for_update=True), runtime.now()
        if order is None or order.mirror not in _DUE or order.mirror_at is None or order.mirror_at > now:
            return None
        claim = None
        stopped_again = order.mirror == "take" and suppressions.in_force(session, order.channel, order.address)
        if stopped_again or not _lists_of(runtime, order.channel):
            order.mirror, order.mirror_at = "gone" if stopped_again else "", None
        elif order.mirror_tries >= len(WAITS):
            _give_up(session, runtime, order, "the worker died")
        else:
            # Set forward first: a worker that dies of it leaves it for later, not for now.
            order.mirror_at = now + timedelta(minutes=WAITS[order.mirror_tries])
            order.mirror_tries += 1
            claim = _Claim(order.id, order.mirror, order.channel, order.address, order.reason)
        commit(session, runtime.bells)
        return claim


def _done(runtime: Runtime, claim: _Claim) -> None:
    with runtime.sessions() as session:
        order = session.get_one(Suppression, claim.id, with_for_update=True)
        if order.mirror == claim.what:
            order.mirror, order.mirror_at = "listed" if claim.what == "put" else "gone", None
        elif order.mirror == "take":  # taken back while it was being put there
            order.mirror_at = runtime.now()
            note(session, "lookups", "mirror_orders")
        commit(session, runtime.bells)


def _failed(runtime: Runtime, claim: _Claim, why: str) -> None:
    with runtime.sessions() as session:
        order = session.get_one(Suppression, claim.id, with_for_update=True)
        if order.mirror == claim.what and order.mirror_tries >= len(WAITS):
            _give_up(session, runtime, order, why)
        commit(session, runtime.bells)


def _give_up(session: Session, runtime: Runtime, order: Suppression, why: str) -> None:
    what = "put onto" if order.mirror == "put" else "taken off"
    order.mirror, order.mirror_at = "failed", None
    text = f"order {order.id} ({order.address}) could not be {what} the provider's own list: {why}. Do it there by hand"
    tasks.alarm(session, runtime, order.channel, text, about="suppression list", tell=True)


# --- the provider's, to us --------------------------------------------------------------------------------


def readings_due(session: Session, runtime: Runtime) -> list[str]:
    """Names of the providers' lists to be read now; those that were never read are."""
    names = {_name(one, reason) for one in runtime.adapters.lists.values() for reason in one.reasons}
    if not names:
        return []
    known = {one.name: one.due_at for one in session.scalars(select(ListReading).where(ListReading.name.in_(names)))}
    return sorted(name for name in names if name not in known or known[name] <= runtime.now())


def _name(one: SuppressionList, reason: str) -> str:
    return f"{one.name} {reason}"


async def read_due(runtime: Runtime) -> int:
    """Read the lists that are due; how many addresses stood on them that may not be used from now on."""
    found = 0
    for one in runtime.adapters.lists.values():
        for reason in one.reasons:
            began = await runtime.aside(_begin_reading, runtime, _name(one, reason))
            if began is not None:
                found += await _read(runtime, one, reason, began)
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    name: str
    since: datetime | None
    began: datetime


def _begin_reading(runtime: Runtime, name: str) -> _Reading | None:
    with runtime.sessions() as session:
        now = runtime.now()
        insert_once(session, ListReading, name=name, due_at=now, tries=0)
        reading = session.get_one(ListReading, name, with_for_update=True, populate_existing=True)
        if reading.due_at > now:
            return None
        reading.due_at = now + _READ_FOR
        since = reading.read_until - _OVERLAP if reading.read_until else None
        commit(session, runtime.bells)
        return _Reading(name, since, now)


async def _read(runtime: Runtime, one: SuppressionList, reason: str, reading: _Reading) -> int:
    found = skip = 0
    try:
        while page := await one.read(reason, reading.since, skip):
            found += await runtime.aside(take_in, runtime, one.channel, reason, f"{reading.name} list", page)
            skip += len(page)
    except ProviderError as error:
        log.warning("the list %s is not read: %s", reading.name, error)
        await runtime.aside(_not_read, runtime, one.channel, reading, str(error))
        return found
    await runtime.aside(_was_read, runtime, reading)
    return found


def take_in(runtime: Runtime, channel: str, reason: str, source: str, page: Sequence[Listed]) -> int:
    """Obey what stands on a provider's list; how many orders are new. Who came back after it was written is back."""
    new = 0
    for listed in page:
        with runtime.sessions() as session:
            address = clean(listed.address, 320)
            known = suppressions.in_force(session, channel, address)
            if known is None and _came_back(session, channel, address, listed.at):
                continue
            if known is not None and known.mirror == "listed" and suppressions.is_as_grave(known, reason):
                continue
            suppressions.suppress(session, runtime, channel, address, reason, source, at_provider=True)
            new += known is None
            commit(session, runtime.bells)
    return new


def _came_back(session: Session, channel: str, address: str, since: datetime) -> bool:
    lifted = select(Suppression.id).where(
        Suppression.channel == channel, Suppression.address == address, Suppression.lifted_at >= since
    )
    return session.scalar(lifted.limit(1)) is not None


def _was_read(runtime: Runtime, reading: _Reading) -> None:
    with runtime.sessions() as session:
        row = session.get_one(ListReading, reading.name, with_for_update=True)
        row.read_until, row.due_at, row.tries = reading.began, reading.began + READ_EVERY, 0
        commit(session, runtime.bells)


def _not_read(runtime: Runtime, channel: str, reading: _Reading, why: str) -> None:
    with runtime.sessions() as session:
        row = session.get_one(ListReading, reading.name, with_for_update=True)
        row.due_at = runtime.now() + timedelta(minutes=WAITS[min(row.tries, 3)])
        row.tries += 1
        if row.tries >= len(WAITS):
            text = f"the list {reading.name} could not be read {row.tries} times: {why}"
            tasks.alarm(session, runtime, channel, text, about="suppression list", tell=True)
        commit(session, runtime.bells)
