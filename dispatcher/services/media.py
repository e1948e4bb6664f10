"""Recordings and attachments: checked by what they are, stored once by what they hold, transcoded once."""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import Media, Transcoding
from dispatcher.runtime import Runtime
from dispatcher.services import sound
from dispatcher.services.once import insert_once

MAX_RECORDING_BYTES = 20_000_000
MAX_RECORDING_SECONDS = 600.0
MIN_RECORDING_SECONDS = 0.5
_TYPES = {"WAV": "audio/wav", "WAVEX": "audio/wav", "MP3": "audio/mpeg", "MPEG": "audio/mpeg", "OGG": "audio/ogg"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: its name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """What a recording turned out to be: media type and length in seconds."""

    media_type: str
    seconds: float


def examine_recording(content: bytes) -> Sound:
    """What the bytes hold. Raises ValueError with a text for people unless it is WAV, MP3 or OGG of fit length."""
    if len(content) > MAX_RECORDING_BYTES:
        raise ValueError(f"is {len(content) / 1e6:.1f} MB; at most {MAX_RECORDING_BYTES / 1e6:.0f} MB are taken")
    import soundfile  # with what it needs 11 MB, which those who only send need not carry

    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        raise ValueError("is not a WAV, MP3 or OGG recording; record it again in one of these") from None
    if info.format not in _TYPES:
        raise ValueError(f"is {info.format}; send WAV, MP3 or OGG")
    seconds = float(info.frames) / info.samplerate if info.samplerate else 0.0
    if seconds < MIN_RECORDING_SECONDS:
        raise ValueError("is empty or shorter than half a second; record it again")
    if seconds > MAX_RECORDING_SECONDS:
        raise ValueError(f"lasts {seconds:.0f} s; at most {MAX_RECORDING_SECONDS:.0f} s are taken")
    return Sound(_TYPES[info.format], round(seconds, 2))


def store(session: Session, content: bytes, media_type: str, seconds: float | None = None) -> Media:
    """The row for these bytes, made if they are new."""
    digest = hashlib.sha256(content).hexdigest()
    known = select(Media).where(Media.sha256 == digest)
    found = session.scalar(known)
    if found is None:
        found = insert_once(
            session, Media, sha256=digest, media_type=media_type, size=len(content), seconds=seconds, content=content
        )
    # Else another worker has just stored the same.
    return found if found is not None else session.scalars(known).one()


# --- as telephones and browsers play it -------------------------------------------------------------------

PAUSE = 0.3  # seconds between the pieces of an alert


def telephone_wav(content: bytes) -> bytes:
    """The recording as telephones play it best: 8 kHz, mono, 16-bit WAV. Raises ValueError where it cannot be read."""
    return content if sound.is_for_telephones(content) else sound.telephone_wav(sound.telephone_samples(content))


def joined(contents: Sequence[bytes]) -> bytes:
    """The recordings one after the other, with a short pause between them, as one WAV for telephones.

    Raises ValueError where one of them cannot be read, or there is none.
    """
    if not contents:
        raise ValueError("there is nothing to join")
    return sound.telephone_wav(sound.with_pauses([sound.telephone_samples(one) for one in contents], PAUSE))


def made_before(session: Session, runtime: Runtime, media: Media, form: str) -> bytes | None:
    """The sound in this form (see `Transcoding`), where it was made before by us of just these bytes.

    Raises StateConflict where it is not what was stored.
    """
    row = session.scalar(select(Transcoding).where(Transcoding.media_id == media.id, Transcoding.form == form))
    if row is None or not hmac.compare_digest(row.proof, _proof(runtime, media, form, row.result)):
        return None
    return row.result.read()


def keep_form(session: Session, runtime: Runtime, media_id: int, form: str, content: bytes) -> None:
    """Keep what was made of a sound, so that nobody makes it again."""
    media = session.get_one(Media, media_id)
    result = store(session, content, "audio/wav", media.seconds)
    proof = _proof(runtime, media, form, result)
    if insert_once(session, Transcoding, media_id=media.id, form=form, result_id=result.id, proof=proof) is None:
        session.execute(
            update(Transcoding)
            .where(Transcoding.media_id == media.id, Transcoding.form == form)
            .values(result_id=result.id, proof=proof)
        )


def _proof(runtime: Runtime, media: Media, form: str, result: Media) -> str:
    """Says that this result was made here of the sound whose hash an officer approved."""
    said = f"{form} {media.sha256} {result.sha256}".encode()
    return hmac.new(runtime.key("transcoding"), said, hashlib.sha256).hexdigest()
