"""Sound: how long a file plays, what a person says, WAV and MP3. 8 kHz mono inside, as on a line."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 8000
QUIET = 100.0  # root mean square of 16-bit samples
MOST_BYTES = 10 * 1024 * 1024
Pcm = np.ndarray[Any, np.dtype[np.int16]]


class NotAudio(ValueError):
    """Bytes that no decoder takes for sound."""


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * RATE), dtype=np.int16)


def is_quiet(pcm: Pcm) -> bool:
    """Whether nobody speaks in it: what is left is the hiss of a room."""
    return not len(pcm) or float(np.sqrt(np.mean(np.square(pcm.astype(np.float64))))) < QUIET


def tone(seconds: float, hertz: float = 440.0) -> Pcm:
    """A hum that rises and falls, so that a listener hears where it begins and ends."""
    at = np.arange(int(seconds * RATE)) / RATE
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 2 * at)
    return np.asarray(8000 * swell * np.sin(2 * np.pi * hertz * at), dtype=np.int16)


def decode(content: bytes) -> Pcm:
    """Any WAV, MP3, OGG or FLAC as PCM; NotAudio otherwise."""
    try:
        frames, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as trouble:
        raise NotAudio(str(trouble)) from None
    mono = frames.mean(axis=1)
    if rate != RATE and len(mono):
        wanted = np.arange(0, len(mono), rate / RATE)
        mono = np.interp(wanted, np.arange(len(mono)), mono)
    return np.asarray(np.clip(mono, -1, 1) * 32767, dtype=np.int16)


def length(content: bytes) -> float:
    """Seconds a sound file plays; NotAudio otherwise."""
    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as trouble:
        raise NotAudio(str(trouble)) from None
    return float(info.frames) / float(info.samplerate)


def wav(pcm: Pcm) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, pcm, RATE, format="WAV", subtype="PCM_16")
    return out.getvalue()


def mp3(content: bytes) -> bytes:
    """A WAV file as MP3; the line's 8 kHz goes through."""
    frames, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    out = io.BytesIO()
    soundfile.write(out, frames, rate, format="MP3")
    return out.getvalue()


def kind_of(head: bytes) -> str:
    """The content type of a sound by its first four bytes."""
    return {b"RIFF": "audio/wav", b"OggS": "audio/ogg", b"fLaC": "audio/flac"}.get(head, "audio/mpeg")


def keep(folder: Path, content: bytes) -> str:
    """Store what was played under its SHA-256; returns the hex digest."""
    name = hashlib.sha256(content).hexdigest()
    path = folder / name
    if not path.exists():
        path.write_bytes(content)
    return name
