"""Work that must not take long, measured so that nothing but the work can be at fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TRIES = 4
YARDSTICK = 0.03  # what it takes the machine for which the bounds were written


def quickly(work: Callable[[], T], seconds: float) -> T:
    """What the work gives, which takes less than so many seconds of a processor.

    Only this thread's own time counts, as the best of a few tries, against a yardstick that a slow machine lengthens.
    """
    slowness = 1.0
    for _ in range(TRIES):
        took, result = _timed(work)
        if took < seconds * slowness:
            return result
        slowness = max(slowness, _timed(_yardstick)[0] / YARDSTICK)
    raise AssertionError(f"it took {took:.2f} s of a processor, of {seconds * slowness:.2f} that it may take")


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.thread_time()
    result = work()
    return time.thread_time() - started, result


def _yardstick() -> int:
    words = [f"{number * 7919 % 10007} words" for number in range(40_000)]
    return sum(len(one.split()) for one in sorted(words))
