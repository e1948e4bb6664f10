"""Whether all that was said in a call can have been heard: voices and recordings take their time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dispatcher.model.telephone import Pause, Play, Say
from dispatcher.runtime import Runtime

LETTERS_A_SECOND, MOST_LETTERS = 15.0, 25.0  # as voices read: usually, and at the quickest
NEARLY = 0.9  # of a recording: so much must have passed where nothing else tells that all of it was played


def begins_at(runtime: Runtime, front: Sequence[Say | Play | Pause]) -> int:
    """When all before the alert will have been said, in thousandths of a second since 1970."""
    wait = letters(front) / LETTERS_A_SECOND / runtime.settings.telephone_speed
    return math.ceil((runtime.now().timestamp() + wait) * 1000)


def was_whole(runtime: Runtime, said: int, sound: float, began: int, *, by_key: bool) -> bool:
    """Whether so many letters and seconds of sound can have been played since `began`.

    A key says nothing of that: the usual time must be over. An end without one says that it was played, unless the
    vendor could not fetch the recording: then it comes early.
    """
    least = sound + said / LETTERS_A_SECOND if by_key else sound * NEARLY + said / MOST_LETTERS
    passed = runtime.now().timestamp() - began / 1000
    return passed * runtime.settings.telephone_speed >= least


def letters(said: Sequence[Say | Play | Pause]) -> int:
    """How many of them a voice has to read."""
    return sum(len(one.text) for one in said if isinstance(one, Say))
