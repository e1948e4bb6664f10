"""Recordings and attachments: checked by what they are, stored once by what they hold."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Media

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
    known = session.scalar(select(Media).where(Media.sha256 == digest))
    if known is not None:
        return known
    media = Media(sha256=digest, media_type=media_type, size=len(content), seconds=seconds, content=content)
    session.add(media)
    session.flush()
    return media


def telephone_wav(content: bytes) -> bytes:
    """The recording as telephones play it best: 8 kHz, mono, 16-bit WAV."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate != 8000:
        import numpy as np

        length = round(len(mono) * 8000 / rate)
        mono = np.interp(np.arange(length) * (rate / 8000), np.arange(len(mono)), mono)
    out = io.BytesIO()
    soundfile.write(out, mono, 8000, format="WAV", subtype="PCM_16")
    return out.getvalue()
