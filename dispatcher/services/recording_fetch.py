"""Brings recordings over from the provider, with no session open meanwhile; what cannot be had, at last aside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit, undoable
from dispatcher.model import Recording
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services import recordings, tasks
from dispatcher.services.recordings import Weighed
from dispatcher.storage import taken_again

log = logging.getLogger(__name__)

# Waits after each failure, in minutes; after the last there is none, it only says when a worker died of it. A provider
# may be out for most of a day, but a broken recording is broken.
WAITS = (1, 2, 5, 15, 60, 240, 480, 480, 20)
# So long the provider may still be at it. That it has nothing then is no failure, and soon asked again.
EARLY, SOON = timedelta(seconds=60), timedelta(seconds=2)
LATE = timedelta(seconds=5)  # a ring may wait in its queue
KEEP_TRIES = 4
# A provider that hangs must not hold up what else waits in the queue, so several are fetched at once; but what has
# come to harm before, alone: what kills the worker is not to take others with it.
TOGETHER, ALONE_AFTER = 8, 2

_AWAY = (OperationalError, InterfaceError)  # the database is away or busy

# What is to be done in the transaction that keeps one, or learns that there is none.
Arrived = Callable[[Session, Runtime, Recording], None]


def due(session: Session, runtime: Runtime, limit: int = 100) -> list[int]:
    """Ids of the recordings that should have been fetched by now."""
    return list(
        session.scalars(
            select(Recording.id)
            .where(Recording.state == "waiting", Recording.fetch_at <= runtime.now() - LATE)
            .order_by(Recording.id)
            .limit(limit)
        )
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """A recording that this worker fetches; `until` is when it counts as having come to harm over it."""

    id: int
    provider: str
    ref: str
    until: datetime


async def fetch_with_others(runtime: Runtime, recording_id: int, arrived: Arrived | None = None) -> int:
    """Fetch this recording and others that are due, together; how many are here now."""
    some = await runtime.aside(_together, runtime, recording_id)
    done = await asyncio.gather(*(fetch(runtime, one, arrived) for one in some), return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return sum(one is True for one in done)


def _together(runtime: Runtime, recording_id: int) -> list[int]:
    with runtime.reader() as session:
        first = session.get(Recording, recording_id)
        if first is None or first.state != "waiting" or first.fetches >= ALONE_AFTER:
            return [recording_id]
        others = session.scalars(
            select(Recording.id)
            .where(Recording.state == "waiting", Recording.fetch_at <= runtime.now(), Recording.id != recording_id)
            .where(Recording.fetches < ALONE_AFTER)
            .order_by(Recording.id)
            .limit(TOGETHER - 1)
        )
        return [recording_id, *others]


async def fetch(runtime: Runtime, recording_id: int, arrived: Arrived | None = None) -> bool:
    """Fetch one recording and tell of it; False where there was nothing to do, or it could not be had this time."""
    claim = await runtime.aside(_begin, runtime, recording_id, arrived)
    if claim is None:
        return False
    try:
        line = runtime.adapters.lines.get(claim.provider)
        if line is None:
            raise LookupError("this telephone line is not configured")
        file = await line.fetch_recording(claim.ref)
        if file is None:
            await runtime.aside(_not_there, runtime, claim, arrived)
            return False
        found = await runtime.aside(recordings.weigh, file)
        await runtime.aside(_keep, runtime, claim.id, file, found, arrived)
    except SQLAlchemyError:
        raise  # the database is away: nothing of this is the recording's fault
    except Exception as error:
        # The name alone: a text of an error may hold an address of the provider's with a key in it.
        log.warning("recording %d: %s", claim.id, type(error).__name__)
        await runtime.aside(_failed, runtime, claim, type(error).__name__, arrived)
        return False
    return True


def _begin(runtime: Runtime, recording_id: int, arrived: Arrived | None) -> _Claim | None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        now = runtime.now()
        if recording is not None and recording.state == "empty":
            _tell(session, runtime, recording, arrived)
            commit(session, runtime.bells)
        if recording is None or recording.state != "waiting":
            return None
        if recording.fetch_at is not None and recording.fetch_at > now:
            return None  # somebody is at it, or it is for later
        if recording.fetches >= len(WAITS):  # the last worker died of it before it could say so
            _give_up(session, runtime, recording, "the worker died", arrived)
            commit(session, runtime.bells)
            return None
        # Set forward first: a worker that dies of it leaves it for later, not for now.
        until = now + timedelta(minutes=WAITS[recording.fetches])
        recording.fetches, recording.fetch_at = recording.fetches + 1, until
        claim = _Claim(recording.id, recording.provider, recording.ref, until)
        commit(session, runtime.bells)
        return claim


def _keep(runtime: Runtime, recording_id: int, file: File, found: Weighed, arrived: Arrived | None) -> None:
    def once() -> None:
        with runtime.sessions() as session:
            recording = recordings.keep(session, runtime, recording_id, file, found)
            _tell(session, runtime, recording, arrived)
            commit(session, runtime.bells)

    taken_again(once, KEEP_TRIES)


def _not_there(runtime: Runtime, claim: _Claim, arrived: Arrived | None) -> None:
    """The provider has none of that reference: not yet, or not any more."""
    with runtime.sessions() as session:
        recording = session.get(Recording, claim.id, with_for_update=True)
        if recording is not None and recording.state == "waiting" and recording.created_at > runtime.now() - EARLY:
            recording.fetches -= 1
            if recording.fetch_at == claim.until:  # else there was news meanwhile
                recording.fetch_at = runtime.now() + SOON
            commit(session, runtime.bells)
            return
    _failed(runtime, claim, "the provider has none", arrived)


def _failed(runtime: Runtime, claim: _Claim, why: str, arrived: Arrived | None) -> None:
    with runtime.sessions() as session:
        recording = session.get(Recording, claim.id, with_for_update=True)
        if recording is not None and recording.state == "waiting" and recording.fetches >= len(WAITS):
            _give_up(session, runtime, recording, why, arrived)
        commit(session, runtime.bells)


def _give_up(session: Session, runtime: Runtime, recording: Recording, why: str, arrived: Arrived | None) -> None:
    recordings.lost(session, runtime, recording, why)
    _tell(session, runtime, recording, arrived)


def _tell(session: Session, runtime: Runtime, recording: Recording | None, arrived: Arrived | None) -> None:
    """What follows from it may fail; the recording is kept all the same."""
    if recording is None or arrived is None:
        return
    try:
        with undoable(session):
            arrived(session, runtime, recording)
    except _AWAY:
        raise
    except Exception as error:
        why = f"recording {recording.id} is here, but nothing came of it: {type(error).__name__}"
        tasks.alarm(session, runtime, "voice", why, about=f"recording {recording.id}")
