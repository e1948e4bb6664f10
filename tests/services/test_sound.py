"""Sound: what a low-pass leaves and takes away, what counts as silence, and forms that are made once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Media, Transcoding
from dispatcher.services import media, sound
from tests.small_bank import small_bank

Wave = np.ndarray[Any, np.dtype[np.float64]]
RATE = sound.TELEPHONE


def file(samples: Any, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


def sine(hertz: float, seconds: float, rate: int, level: float = 0.5) -> Wave:
    return np.asarray(level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate))


def decibels(samples: Any) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples))) + 1e-9))


# --- resampling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 32000, 44100, 48000])
def test_what_telephones_carry_stays_and_the_rest_does_not_fold_back(rate: int) -> None:
    whole = decibels(sine(1000, 1, rate))
    for hertz in (300, 1000, 2000, 3000, 3400):
        out = sound.telephone_samples(file(sine(hertz, 2, rate), rate, subtype="FLOAT"))
        assert abs(decibels(out[400:-400]) - whole) < 0.1, hertz
    for hertz in (4100, 4500, 5000, 7000, 12000, 20000):
        if hertz < rate / 2:
            out = sound.telephone_samples(file(sine(hertz, 2, rate), rate, subtype="FLOAT"))
            assert decibels(out[400:-400]) - whole < -60, hertz


@pytest.mark.parametrize("rate", [6000, 8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.7])
def test_nothing_is_shifted_stretched_or_cut(rate: int, seconds: float) -> None:
    """More than one block long, and shorter than the filter."""
    out = sound.telephone_samples(file(sine(440, seconds, rate), rate, subtype="FLOAT"))
    assert abs(len(out) - seconds * RATE) <= 1
    inner = slice(200, -200)
    assert np.allclose(out[inner], sine(440, seconds + 0.01, RATE)[: len(out)][inner], atol=2e-3)


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [
        ("WAV", "PCM_16", 44100), ("WAV", "PCM_24", 48000), ("WAV", "FLOAT", 16000), ("WAV", "ULAW", 8000),
        ("WAV", "IMA_ADPCM", 8000), ("WAV", "PCM_U8", 8000), ("OGG", "VORBIS", 44100), ("OGG", "OPUS", 48000),
        ("MP3", "MPEG_LAYER_III", 44100), ("MP3", "MPEG_LAYER_III", 8000),
    ],
)  # fmt: skip
def test_formats_become_what_telephones_play(kind: str, subtype: str, rate: int) -> None:
    stereo = np.stack([sine(600, 1.5, rate), sine(600, 1.5, rate)], axis=1)
    made = media.telephone_wav(file(stereo, rate, kind, subtype))
    info = soundfile.info(io.BytesIO(made))
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 8000, 1)
    assert abs(info.duration - 1.5) < 0.15
    assert media.telephone_wav(made) == made
    samples = soundfile.read(io.BytesIO(made))[0][2000:-3000]
    assert abs(decibels(samples) - decibels(sine(600, 1, RATE))) < 1


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_what_is_no_sound_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError, match="can be read"):
        media.telephone_wav(content)


def test_pieces_become_one_with_a_pause_between() -> None:
    pieces = [
        file(sine(600, 1, 44100), 44100),
        file(sine(600, 2, RATE), RATE, subtype="ULAW"),
        file(sine(600, 1, RATE)),
    ]
    joined = sound.telephone_samples(media.joined(pieces))
    assert abs(len(joined) / RATE - (4 + 2 * media.PAUSE)) < 0.01
    assert decibels(joined[RATE + 100 : RATE + 2300]) < -60
    with pytest.raises(ValueError, match="nothing"):
        media.joined([])


@pytest.mark.parametrize(
    ("kind", "subtype", "plays"),
    [
        ("WAV", "PCM_16", True), ("WAV", "FLOAT", True), ("WAV", "ULAW", True), ("WAV", "ALAW", True),
        ("WAV", "IMA_ADPCM", False), ("WAV", "MS_ADPCM", False), ("WAV", "GSM610", False), ("WAVEX", "PCM_16", True),
        ("OGG", "VORBIS", True), ("MP3", "MPEG_LAYER_III", True),
    ],
)  # fmt: skip
def test_what_browsers_play(kind: str, subtype: str, plays: bool) -> None:
    assert sound.is_for_browsers(file(sine(600, 1, RATE), RATE, kind, subtype)) is plays


# --- silence ----------------------------------------------------------------------------------------------

AT = np.arange(5 * RATE) / RATE
CHANCE = np.random.default_rng(7)


def noise(level: float) -> Wave:
    return np.asarray(CHANCE.normal(size=len(AT)) * 10 ** (level / 20))


def tone(hertz: float, level: float) -> Wave:
    return np.asarray(np.sin(2 * np.pi * hertz * AT) * 10 ** ((level + 3) / 20))


def voice(level: float, background: float = -70.0, until: float = 5.0) -> Wave:
    """Harmonics of 120 Hz through two formants, four syllables a second; `level` is that of the syllables, in dBFS."""
    harmonics = np.sum(
        [
            np.sin(2 * np.pi * 120 * k * AT + k * k)
            * (np.exp(-(((120 * k - 600) / 400) ** 2)) + 0.5 * np.exp(-(((120 * k - 1500) / 300) ** 2)))
            for k in range(1, 28)
        ],
        axis=0,
    )
    syllables = np.clip(np.sin(2 * np.pi * 4 * AT), 0, 1) ** 0.5 * (until > AT)
    spoken = harmonics * syllables
    return np.asarray(spoken / np.std(spoken[syllables > 0.1]) * 10 ** (level / 20) + noise(background))


SILENT = {
    "nothing": np.zeros(len(AT)),
    "an idle line in µ-law": CHANCE.choice([-8, 0, 8], len(AT)) / 32768,
    "noise at -60": noise(-60),
    "noise of a bad line, at -50": noise(-50),
    "noise of a very bad line, at -40": noise(-40),
    "hum of 50 Hz, loud": tone(50, -20) + noise(-65),
    "hum of 50 Hz with overtones": np.sum([tone(50 * k, -20 - 4 * k) for k in range(1, 12)], axis=0),
    "hum of 60 Hz with overtones, unsteady": np.sum([tone(60 * k, -25 - 3 * k) for k in range(1, 12)], axis=0)
    * (1 + 0.1 * np.sin(2 * np.pi * AT)),
    "an offset": np.full(len(AT), 0.3) + noise(-65),
    "clicks": np.where(np.arange(len(AT)) % 16000 < 40, 0.8, 0.0) * noise(0) + noise(-65),
    "a handset put down": np.where((AT > 4.9) & (AT < 4.96), noise(-6), 0) + noise(-65),
    "breath": noise(-58) * np.clip(np.sin(np.pi * AT), 0, 1) + noise(-75),
    "too short to be a word": voice(-20)[: RATE // 12],
    "no samples": np.zeros(0),
}
HEARD = {
    "a voice as it should be": voice(-26),
    "a quiet voice": voice(-35),
    "a faint voice": voice(-45),
    "a faint voice on a bad line": voice(-45, -55),
    "a voice in a noisy room": voice(-30, -40),
    "one word": voice(-30, -65, until=0.3),
    "a loud voice": voice(-12),
    "a tone": tone(440, -20),
    "a busy tone": tone(425, -20) * (AT % 1 < 0.5),
    "a key": np.where((AT > 1) & (AT < 1.2), tone(697, -23) + tone(1209, -23), 0),
}


@pytest.mark.parametrize("name", SILENT)
def test_silence(name: str) -> None:
    assert sound.is_silent(np.clip(SILENT[name], -1, 1).astype(np.float32))


@pytest.mark.parametrize("name", HEARD)
def test_no_silence(name: str) -> None:
    assert not sound.is_silent(np.clip(HEARD[name], -1, 1).astype(np.float32))


@pytest.mark.parametrize("name", ["alert-1.wav", "alert-2.wav"])
def test_the_samples_are_heard(samples: Path, name: str) -> None:
    assert not sound.is_silent(sound.telephone_samples((samples / name).read_bytes()))


# --- made once --------------------------------------------------------------------------------------------


def test_a_form_is_made_once_and_believed_only_with_our_proof(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    bank = small_bank(sessions, tmp_path)
    original, other = file(sine(600, 1, 44100), 44100), file(sine(900, 1, RATE), RATE)
    with sessions() as session:
        row = media.store(session, original, "audio/wav", 1.0)
        assert media.store(session, original, "audio/wav", 1.0) is row
        assert media.made_before(session, bank.runtime, row, "telephone") is None
        made = media.telephone_wav(original)
        for _ in range(2):
            media.keep_form(session, bank.runtime, row.id, "telephone", made)
        session.commit()
    with sessions() as session:
        row = session.scalars(select(Media).where(Media.media_type == "audio/wav").order_by(Media.id)).first()
        assert row is not None
        assert media.made_before(session, bank.runtime, row, "telephone") == made
        assert session.scalar(select(func.count()).select_from(Transcoding)) == 1
        # Somebody with the tables alone puts other words into an approved alert.
        forged = session.scalars(select(Transcoding)).one()
        forged.result = media.store(session, other, "audio/wav", 1.0)
        session.flush()
        assert media.made_before(session, bank.runtime, row, "telephone") is None
        media.keep_form(session, bank.runtime, row.id, "telephone", made)
        session.expire_all()
        assert media.made_before(session, bank.runtime, row, "telephone") == made
