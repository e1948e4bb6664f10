"""What a machine has understood of recordings: taken as it is told, or asked for; off unless TRANSCRIPTION says whose.

It is a help to those who read, never what was said: wherever it is shown it says that a machine wrote it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Recording
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services.audit import fingerprint, record
from dispatcher.services.once import clean

log = logging.getLogger(__name__)

# Waits, in minutes, until a transcription is asked for again. Then there is none: nothing is lost by that.
WAITS = (1, 2, 5, 15, 60)
MOST = 20_000  # characters; ten minutes of talk are half of that


def due(session: Session, runtime: Runtime, limit: int = 100) -> list[int]:
    """Ids of the recordings whose words should be asked for now."""
    if runtime.adapters.transcriber is None:
        return []
    return list(
        session.scalars(
            select(Recording.id)
            .where(Recording.transcribe_at <= runtime.now())
            .order_by(Recording.transcribe_at)
            .limit(limit)
        )
    )


def arrived(session: Session, runtime: Runtime, recording: Recording, words: str) -> None:
    """Its words have been written down; the first who says so is believed."""
    if recording.transcript is not None:
        return
    recording.transcript, recording.transcribe_at = clean(words, MOST).strip(), None
    session.flush()
    record(
        session,
        runtime,
        "system",
        "write down recording",
        f"recording {recording.id}",
        provider=recording.provider,
        words=fingerprint(recording.transcript),
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """A recording whose words this worker asks for."""

    id: int
    ref: str
    sound: File
    language: str


async def ask(runtime: Runtime, recording_id: int) -> bool:
    """Ask for the words of one recording; False where there was nothing to do, or there are none yet."""
    claim = await runtime.aside(_begin, runtime, recording_id)
    transcriber = runtime.adapters.transcriber
    if claim is None or transcriber is None:
        return False
    try:
        words = await transcriber.transcribe(claim.ref, claim.sound, claim.language)
    except SQLAlchemyError:
        raise
    except Exception as error:
        # The name alone: a text of an error may hold an address of the provider's with a key in it.
        log.warning("recording %d is not written down: %s", claim.id, type(error).__name__)
        return False
    if words is None:
        return False
    await runtime.aside(_keep, runtime, claim.id, words)
    return True


def _begin(runtime: Runtime, recording_id: int) -> _Claim | None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        now = runtime.now()
        if recording is None or recording.transcribe_at is None or recording.transcribe_at > now:
            return None
        if recording.media is None or recording.transcribe_tries >= len(WAITS):
            recording.transcribe_at = None
            commit(session, runtime.bells)
            return None
        # Set forward first: a worker that dies of it leaves it for later, not for now.
        recording.transcribe_at = now + timedelta(minutes=WAITS[recording.transcribe_tries])
        recording.transcribe_tries += 1
        sound = File(f"recording-{recording.id}", recording.media.media_type, recording.media.read())
        claim = _Claim(recording.id, recording.ref, sound, _language(recording))
        commit(session, runtime.bells)
        return claim


def _language(recording: Recording) -> str:
    """Of whoever speaks."""
    if recording.staff_call and recording.staff_call.staff:
        return recording.staff_call.staff.language
    customer = recording.reply.customer if recording.reply else None
    return customer.language if customer else "en"


def _keep(runtime: Runtime, recording_id: int, words: str) -> None:
    with runtime.sessions() as session:
        recording = session.get(Recording, recording_id, with_for_update=True)
        if recording is not None:
            arrived(session, runtime, recording, words)
        commit(session, runtime.bells)
