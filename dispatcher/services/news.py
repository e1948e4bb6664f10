"""Reads kept callbacks and does what they say: many in one transaction, in any order and any number of copies.

Good news, nearly all, is applied in a few statements for the lot (`good_news`); the rest piece by piece, each with a
savepoint of its own, so that a bad one takes nothing with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from dispatcher.bells import undoable
from dispatcher.model import Attempt, Callback, Delivery, Letter, ProviderEvent
from dispatcher.model.ports import Event, InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import directory_marks, good_news, recording_news, replies, status
from dispatcher.services.callbacks import LIVE, as_request, put_off
from dispatcher.services.once import clean, insert_missing

log = logging.getLogger(__name__)

# News may outrun our own commit of the provider's reference. It is tried again, each time after as long as it is old.
PARKED_FOR = timedelta(hours=1)
_FIRST_LOOK = timedelta(seconds=2)
_AWAY = (OperationalError, InterfaceError)  # the database is away or busy: no callback's fault


@dataclass(slots=True)
class _Reading:
    """One callback, what it says, and what came of it."""

    callback: Callback
    events: Sequence[Event] = ()
    replies: Sequence[InboundReply] = ()
    is_recording: bool = False
    waits: bool = False
    error: str = ""

    @property
    def understood(self) -> bool:
        return self.is_recording or bool(self.replies) or any(one.state != "unrecognised" for one in self.events)


@dataclass(slots=True)
class _News:
    """One event that was not applied before; `row` is its ProviderEvent, `first` false where it was parked."""

    reading: _Reading
    event: Event
    row: int
    first: bool
    matched: bool = False
    failed: bool = False


def apply_all(session: Session, runtime: Runtime, ids: Sequence[int]) -> None:
    """Read these callbacks, which were claimed, and do what they say; the caller commits. Applied ones are left alone.

    Raises OperationalError or InterfaceError where the database is away; all else is the callback's own matter.
    """
    _take(session, runtime, _locked(session, select(Callback).where(Callback.id.in_(ids), Callback.state == "new")))


def replay(session: Session, runtime: Runtime, ids: Iterable[int]) -> int:
    """Apply kept callbacks once more, whatever became of them; how many. What was done is not done again."""
    count = 0
    for callback_id in ids:
        found = _locked(session, select(Callback).where(Callback.id == callback_id, Callback.what.not_in(LIVE)))
        for callback in found:
            callback.tries = 0
        _take(session, runtime, found)
        count += len(found)
    return count


def _locked(session: Session, query: Select[Callback]) -> Sequence[Callback]:
    query = query.order_by(Callback.id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).all()


def _take(session: Session, runtime: Runtime, found: Sequence[Callback]) -> None:
    """Rows are locked in the same order by every worker, and the record's chain last: nobody waits in a circle."""
    readings = [_read(runtime, callback) for callback in found]
    news = _write_down(session, [one for one in readings if one.events])
    _apply(session, runtime, news)
    for one in news:
        if one.event.mark and not one.failed:
            _learn(session, runtime, one)
    for reading in readings:
        _take_rest(session, runtime, reading)
    _settle(session, runtime, readings, news)


@contextmanager
def _alone(session: Session, reading: _Reading) -> Iterator[None]:
    """What fails in here leaves nothing behind but the name of its error at its callback."""
    try:
        with undoable(session):
            yield
    except _AWAY:
        raise
    except Exception as error:
        # The name alone: a text of an error may repeat what a person wrote.
        reading.error = type(error).__name__
        callback = reading.callback
        log.warning("callback %d of %s/%s: %s", callback.id, callback.provider, callback.what, reading.error)


# --- reading ----------------------------------------------------------------------------------------------


def _read(runtime: Runtime, callback: Callback) -> _Reading:
    if callback.what == "recording-status" and callback.provider in runtime.adapters.lines:
        return _Reading(callback, is_recording=True)
    try:
        parsed = runtime.adapters.sources[callback.provider].parse(callback.what, as_request(callback))
    except Exception as error:  # whatever an adapter stumbles over
        log.warning("callback %d of %s/%s: %s", callback.id, callback.provider, callback.what, type(error).__name__)
        return _Reading(callback, error=type(error).__name__)
    return _Reading(callback, parsed.events, parsed.replies)


def _write_down(session: Session, readings: Sequence[_Reading]) -> list[_News]:
    """The events of these callbacks that are new or were parked. Unique, so that a repeat has no second effect."""
    whole = _Reading(readings[0].callback) if readings else None
    if whole is None:
        return []
    with _alone(session, whole):
        return _insert(session, readings)
    if len(readings) == 1:
        readings[0].error, readings[0].events = whole.error, ()
        return []
    return [one for reading in readings for one in _write_down(session, [reading])]


def _insert(session: Session, readings: Sequence[_Reading]) -> list[_News]:
    firsts: dict[tuple[str, str], tuple[_Reading, Event]] = {}
    for reading in readings:
        for event in reading.events:
            firsts.setdefault((reading.callback.provider, clean(event.dedupe, 150)), (reading, event))
    rows = [
        good_news.row_of(reading.callback, event)
        for _, (reading, event) in sorted(firsts.items(), key=lambda pair: pair[0])
    ]
    new = insert_missing(session, ProviderEvent, rows, ProviderEvent.id, ProviderEvent.provider, ProviderEvent.dedupe)
    news = [_News(*firsts.pop((row.provider, row.dedupe)), row.id, True) for row in new]
    # What is left was there before; of that only what was parked is still news.
    for provider in {provider for provider, _ in firsts}:
        keys = [dedupe for of, dedupe in firsts if of == provider]
        for some in good_news.slices(keys):
            parked = select(ProviderEvent.id, ProviderEvent.dedupe).where(
                ProviderEvent.provider == provider, ProviderEvent.dedupe.in_(some), ProviderEvent.parked
            )
            news += [_News(*firsts[provider, row.dedupe], row.id, False) for row in session.execute(parked)]
    return sorted(news, key=lambda one: (one.event.attempt, one.event.provider_ref, one.event.at))


# --- applying ---------------------------------------------------------------------------------------------


def _apply(session: Session, runtime: Runtime, news: Sequence[_News]) -> None:
    """Good news of all first: a delivery that arrived starts no fallback, whatever else is said of it."""
    if not news:
        return
    good = [one.event for one in news if good_news.is_good(one.event)]
    settled: frozenset[str] = frozenset()
    whole = _Reading(news[0].reading.callback)
    with _alone(session, whole):
        settled = good_news.apply(session, runtime, good, {one.event.attempt for one in news if one.event.attempt})
    for one in news:
        if good_news.is_good(one.event) and one.event.attempt in settled:
            one.matched = True
            continue
        before, one.reading.error = one.reading.error, ""
        with _alone(session, one.reading):
            one.matched = status.apply(session, runtime, one.reading.callback.provider, one.event)
        one.failed = bool(one.reading.error)
        one.reading.error = one.reading.error or before


def _take_rest(session: Session, runtime: Runtime, reading: _Reading) -> None:
    """Answers of people, and news of recordings."""
    callback = reading.callback
    for reply in reading.replies:
        with _alone(session, reading):
            replies.receive(session, runtime, reply, callback.id)
    if reading.is_recording:
        with _alone(session, reading):
            request = as_request(callback)
            said = runtime.adapters.lines[callback.provider].read_recording(request)
            reading.waits = not recording_news.take(session, runtime, callback.provider, said, request.query)


def _settle(session: Session, runtime: Runtime, readings: Sequence[_Reading], news: Sequence[_News]) -> None:
    """Write down what came of it."""
    waiting, found, undone = [], [], []
    for one in news:
        if one.failed:
            undone.append(one.row)
        elif not one.matched and one.event.state not in ("", "unrecognised"):
            waiting.append(one.row)  # only what was meant for one of ours is waited for
            one.reading.waits = True
        elif not one.first:
            found.append(one.row)
    if undone:  # it is news again when its callback is tried again
        session.execute(delete(ProviderEvent).where(ProviderEvent.id.in_(undone)))
    for rows, parked in ((waiting, True), (found, False)):
        if rows:
            session.execute(update(ProviderEvent).where(ProviderEvent.id.in_(rows)).values(parked=parked))
    now = runtime.now()
    applied = []
    for reading in readings:
        callback, age = reading.callback, now - reading.callback.received_at
        if reading.error:
            put_off(session, runtime, callback, reading.error)
        elif reading.waits and age < PARKED_FOR:
            callback.state, callback.tries, callback.due_at = "new", 0, now + max(_FIRST_LOOK, age)
            callback.error = "waiting for what it is about"
        elif reading.waits or not reading.understood:
            callback.state, callback.due_at, callback.applied_at, callback.error = "unrecognised", None, now, None
        else:
            applied.append(callback.id)
    if applied:
        session.execute(
            update(Callback)
            .where(Callback.id.in_(applied))
            .values(state="applied", due_at=None, applied_at=now, error=None)
            .execution_options(synchronize_session=False)
        )


# --- what an event teaches about an address ---------------------------------------------------------------


def _learn(session: Session, runtime: Runtime, one: _News) -> None:
    """Opt-outs count whoever they are about. An address is called invalid only on news of a send of ours to it."""
    provider, event = one.reading.callback.provider, one.event
    target = _target(session, event.attempt)
    address = event.address or (target.address if target else "")
    if event.mark == "invalid":
        if not one.matched or (target is not None and target.address != address):
            return
    elif not one.first:
        return
    channel = target.channel if target else _channel_of(runtime, provider, address)
    if not channel or not address:
        return
    before, one.reading.error = one.reading.error, ""
    with _alone(session, one.reading):
        source = f"{provider} {event.code or event.detail}".strip()
        directory_marks.learn(session, runtime, channel, address, event.mark, source, of_send=bool(event.state))
    one.failed = bool(one.reading.error)
    one.reading.error = one.reading.error or before


def _target(session: Session, attempt_id: str) -> Delivery | Letter | None:
    attempt = session.get(Attempt, attempt_id) if attempt_id else None
    return (attempt.delivery or attempt.letter) if attempt else None


def _channel_of(runtime: Runtime, provider: str, address: str) -> str:
    """The channel that a provider's news about an address concerns when it names no attempt of ours."""
    carried: Sequence[str] = [
        channel for channel, some in runtime.adapters.providers.items() if any(one.name == provider for one in some)
    ]
    if "@" in address:
        return "email" if "email" in carried else ""
    return next((one for one in ("sms", "fax", "voice") if one in carried), "")
