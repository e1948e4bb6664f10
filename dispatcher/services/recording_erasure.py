"""Deletes recordings at the provider once they are kept here, as long after as RECORDINGS_AT_PROVIDER_DAYS says.

Until then a database restored from a backup finds them there again. Nothing is deleted that is not here with the
hash that it was stored with.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Recording
from dispatcher.runtime import Runtime
from dispatcher.services import tasks
from dispatcher.services.audit import record

log = logging.getLogger(__name__)

# Waits after each failure, in minutes.
WAITS = (1, 5, 15, 60, 240, 1440)
TOGETHER = 8
ERASE_FOR = 5.0  # seconds; look-ups wait in the same queue


def due(session: Session, runtime: Runtime, limit: int = 100) -> list[int]:
    """Ids of the recordings whose time at the provider is over."""
    days, now = runtime.settings.recordings_at_provider_days, runtime.now()
    if days < 0:
        return []
    return list(
        session.scalars(
            select(Recording.id)
            .where(
                Recording.erased_at.is_(None),
                Recording.kept_at <= now - timedelta(days=days),
                Recording.transcribe_at.is_(None),  # else it is still read there
                Recording.erase_tries <= len(WAITS),
                or_(Recording.erase_at.is_(None), Recording.erase_at <= now),
            )
            .order_by(Recording.id)
            .limit(limit)
        )
    )


async def erase_due(runtime: Runtime) -> int:
    """Erase what is due, TOGETHER at once, until nothing is due or time is up; how many are gone."""
    until, gone = runtime.monotonic() + ERASE_FOR, 0
    while runtime.monotonic() < until and (some := await runtime.aside(_due_now, runtime)):
        done = await asyncio.gather(*(erase(runtime, one) for one in some), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        gone += sum(one is True for one in done)
    return gone


def _due_now(runtime: Runtime) -> list[int]:
    with runtime.reader() as session:
        return due(session, runtime, TOGETHER)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A recording that this worker erases."""

    id: int
    provider: str
    ref: str
    transcripts: bool


async def erase(runtime: Runtime, recording_id: int) -> bool:
    """Have one recording deleted at its provider; False where there was nothing to do, or it failed this time."""
    claim = await runtime.aside(_begin, runtime, recording_id)
    if claim is None:
        return False
    try:
        line = runtime.adapters.lines.get(claim.provider)
        if line is None:
            raise LookupError("this telephone line is not configured")
        await line.erase_recording(claim.ref, transcripts=claim.transcripts)
    except SQLAlchemyError:
        raise
    except Exception as error:
        # The name alone: a text of an error may hold an address of the provider's with a key in it.
        log.warning("recording %d is not erased: %s", claim.id, type(error).__name__)
        await runtime.aside(_failed, runtime, claim.id, type(error).__name__)
        return False
    await runtime.aside(_done, runtime, claim.id)
    return True


def _begin(runtime: Runtime, recording_id: int) -> _Claim | None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        now = runtime.now()
        if recording is None or recording.erased_at is not None or recording.media is None:
            return None
        if recording.erase_at is not None and recording.erase_at > now:
            return None  # somebody is at it, or it is for later
        if recording.erase_tries > len(WAITS):
            return None
        if recording.erase_tries == len(WAITS):
            _give_up(session, runtime, recording, "the worker died")
        elif not recording.media.intact:
            _give_up(session, runtime, recording, "what is kept of it here is not what was stored")
        else:
            # Set forward first: a worker that dies of it leaves it for later, not for now.
            wait = timedelta(minutes=WAITS[recording.erase_tries])
            recording.erase_tries, recording.erase_at = recording.erase_tries + 1, now + wait
            asked = recording.transcript is not None or recording.transcribe_tries > 0
            claim = _Claim(recording.id, recording.provider, recording.ref, asked)
            commit(session, runtime.bells)
            return claim
        commit(session, runtime.bells)
        return None


def _done(runtime: Runtime, recording_id: int) -> None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        if recording is not None and recording.erased_at is None and recording.media is not None:
            recording.erased_at, recording.erase_at = runtime.now(), None
            record(
                session,
                runtime,
                "system",
                "erase recording at provider",
                f"recording {recording.id}",
                provider=recording.provider,
                ref=recording.ref,
                sha256=recording.media.sha256,
            )
        commit(session, runtime.bells)


def _failed(runtime: Runtime, recording_id: int, why: str) -> None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        if recording is not None and recording.erased_at is None and recording.erase_tries == len(WAITS):
            _give_up(session, runtime, recording, why)
        commit(session, runtime.bells)


def _give_up(session: Session, runtime: Runtime, recording: Recording, why: str) -> None:
    recording.erase_tries, recording.erase_at = len(WAITS) + 1, None
    text = f"recording {recording.id} ({recording.ref}) stays at {recording.provider}: {why}. Delete it there by hand"
    tasks.alarm(session, runtime, "voice", text, about="recordings at the provider", tell=True)
