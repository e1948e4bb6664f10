"""Sound as numbers: read in blocks, brought to what telephones carry, judged for whether anything is to be heard."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, np.dtype[np.float32]]

# numpy and soundfile are imported where they are used: 11 MB and more, which those who only send need not carry.

TELEPHONE = 8000  # samples a second
BLOCK = 1 << 16  # frames; ten minutes in stereo at once would be a quarter of a gigabyte
# A low-pass of windowed sinc: 24 zero crossings to each side and this beta make 70 dB from 4,100 Hz on and leave all
# below 3,400 Hz, which is where a telephone ends, as it is. What lies between folds into 3,900 to 4,000 Hz, unheard.
CROSSINGS, BETA, EDGE = 24, 7.0, 0.94

# What a person says comes in syllables: its frames of 20 ms differ by 15 dB and more. The line itself is even.
FRAME = TELEPHONE // 50
LOWEST = 250.0  # Hz; below it is hum of the mains, which no telephone carries and cheap ones add
# In dB below full scale. Nominal speech is at -26 (ITU-T P.56), a faint one at -45; the noise of a bad line at -50.
FAINT, EVEN, CERTAIN = -52.0, 6.0, -30.0
LEAST_FRAMES = 5  # a click of the handset is shorter than a tenth of a second


def blocks(content: bytes) -> tuple[int, Iterator[Samples]]:
    """The samples a second of a WAV, MP3 or OGG, and its samples in mono, block by block.

    Raises ValueError where it cannot be read.
    """
    import soundfile

    try:
        file = soundfile.SoundFile(io.BytesIO(content))
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        raise ValueError("is not a recording that can be read") from None
    return file.samplerate, _mono(file)


def _mono(file: Any) -> Iterator[Samples]:
    import numpy as np

    with file:
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
            yield np.nan_to_num(block).mean(axis=1)


def telephone_samples(content: bytes) -> Samples:
    """The recording at 8 kHz in mono. Raises ValueError where it cannot be read."""
    import numpy as np

    rate, parts = blocks(content)
    if rate != TELEPHONE:
        parts = _resampled(parts, rate)
    found = list(parts)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)


def telephone_wav(samples: Samples) -> bytes:
    """Samples at 8 kHz as a WAV of 16 bits."""
    import numpy as np
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, np.clip(samples, -1.0, 1.0), TELEPHONE, format="WAV", subtype="PCM_16")
    return out.getvalue()


def is_for_telephones(content: bytes) -> bool:
    """Whether it is a WAV of 8 kHz, 16 bits and mono already."""
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        return False
    return (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", TELEPHONE, 1)


def is_for_browsers(content: bytes) -> bool:
    """Whether browsers play it: MP3, OGG, and WAV of plain samples, by the tag in its head."""
    if content[:4] != b"RIFF":
        return True
    at = content.find(b"fmt ", 12, 4096)
    # PCM, floating point, A-law, µ-law, and the extensible form of these.
    return at > 0 and int.from_bytes(content[at + 8 : at + 10], "little") in (1, 3, 6, 7, 0xFFFE)


# --- resampling -------------------------------------------------------------------------------------------


def _resampled(parts: Iterator[Samples], rate: int) -> Iterator[Samples]:
    """To 8 kHz, block by block: every sample out is a weighted sum of those about its time."""
    import numpy as np

    common = gcd(TELEPHONE, rate)
    up, down = TELEPHONE // common, rate // common
    bank = _weights(rate, up)
    half = bank.shape[1] // 2
    held = np.zeros(half - 1, dtype=np.float32)  # begins with the silence before the first sample
    first, made, taken = 1 - half, 0, 0  # the number of held[0]; samples out; samples in
    for part in parts:
        held, taken = np.concatenate((held, part)), taken + len(part)
        out, held, first, made = _so_far(held, first, made, taken - half, bank, up, down)
        yield out
    held = np.concatenate((held, np.zeros(half, dtype=np.float32)))
    yield _so_far(held, first, made, taken, bank, up, down)[0]


def _so_far(
    held: Samples, first: int, made: int, until: int, bank: Samples, up: int, down: int
) -> tuple[Samples, Samples, int, int]:
    """The samples out whose time is before the sample `until`, and what is still needed for later ones."""
    import numpy as np

    end = max(made, -(-until * up // down))
    out = np.zeros(end - made, dtype=np.float32)
    width = bank.shape[1]
    if end > made:
        windows = np.lib.stride_tricks.sliding_window_view(held, width)
        for phase in range(min(up, end - made)):
            # Every `up`-th sample out has the same weights and lies `down` samples in after the one before.
            number = made + phase
            at = number * down // up - (width // 2 - 1) - first
            count = len(range(number, end, up))
            weights = bank[number * down % up]
            out[phase::up] = windows[at : at + (count - 1) * down + 1 : down] @ weights
    keep_from = end * down // up - (width // 2 - 1)
    return out, held[keep_from - first :], keep_from, end


def _weights(rate: int, up: int) -> Samples:
    """A row for each of `up` places between two samples in: the windowed sinc seen from there."""
    import numpy as np

    cutoff = EDGE * min(rate, TELEPHONE) / rate  # of half the samples a second
    half = int(np.ceil(CROSSINGS / cutoff))
    places = np.arange(1 - half, half + 1)[None, :] - np.arange(up)[:, None] / up
    window = np.i0(BETA * np.sqrt(np.clip(1 - (places / half) ** 2, 0, 1))) / np.i0(BETA)
    rows = cutoff * np.sinc(cutoff * places) * window
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)


# --- what is to be heard ----------------------------------------------------------------------------------


def is_silent(samples: Samples) -> bool:
    """Whether nobody can be heard in samples at 8 kHz: nothing, hum, the noise of a line, or a click.

    Heard is what is above a faint voice and uneven as voices are, or loud however even it is.
    """
    import numpy as np

    power = _power(samples)
    if len(power) < LEAST_FRAMES:
        return True
    loud = _decibels(np.sort(power)[-LEAST_FRAMES])  # as many frames as that are at least so loud
    if loud < FAINT or loud >= CERTAIN:
        return bool(loud < FAINT)
    # A tenth of a second holds whole periods of the mains, whose overtones beat within single frames.
    smooth = np.convolve(power, np.full(LEAST_FRAMES, 1 / LEAST_FRAMES), mode="valid")
    return bool(_decibels(smooth.max()) - _decibels(np.percentile(smooth, 10)) < EVEN)


def _decibels(power: float) -> float:
    import numpy as np

    return float(10 * np.log10(power + 1e-12))


def _power(samples: Samples) -> Samples:
    """Of each 20 ms what a telephone's band holds; 1 is full scale."""
    import numpy as np

    count = len(samples) // FRAME
    found = [np.zeros(0, dtype=np.float32)]
    window = np.hanning(FRAME)
    low = int(np.ceil(LOWEST * FRAME / TELEPHONE))
    for start in range(0, count, 4096):
        frames = samples[start * FRAME : min(start + 4096, count) * FRAME].reshape(-1, FRAME)
        spectrum = np.abs(np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window)) ** 2
        # By Parseval: twice the sum over the upper half, over the window's own energy.
        found.append((2 * spectrum[:, low:].sum(axis=1) / (FRAME * (window**2).sum())).astype(np.float32))
    return np.concatenate(found)


def with_pauses(pieces: Sequence[Samples], seconds: float) -> Samples:
    """The pieces one after the other, with a silence of so many seconds between them."""
    import numpy as np

    silence = np.zeros(int(seconds * TELEPHONE), dtype=np.float32)
    found = [part for piece in pieces for part in (silence, piece)][1:]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
