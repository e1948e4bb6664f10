"""Bounds how often a code may be guessed: a caller's in a day and everybody's in an hour; over a cap none is taken."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatcher.runtime import Runtime
from dispatcher.services import counting, tasks
from dispatcher.services.counting import Count

# What is guessed at: alerts' codes, keyed, and the digits of representatives' notices. One flood stops not the other.
CODES, ANSWERS = "codes", "answers"


def may_try(session: Session, runtime: Runtime, number: str) -> bool:
    """Whether a code of this caller ("" where the number is withheld) would be looked at at all."""
    reached = next((one for one in _counts(runtime, number) if counting.is_reached(session, one)), None)
    if reached is not None:
        _alarm(session, runtime, reached)
    return reached is None


def is_taken(session: Session, runtime: Runtime, number: str, right: bool, kind: str = CODES) -> bool:
    """Whether a code that this caller has given is accepted: not where it is wrong, which counts as a guess, nor
    where the guesses are used up. The caller commits, whatever the answer is.
    """
    counted: list[Count] = []
    for one in _counts(runtime, number, kind):
        if not counting.take(session, one):
            _alarm(session, runtime, one)
            for earlier in counted:
                counting.put_back(session, earlier)
            return False
        counted.append(one)
    if right:
        for one in counted:
            counting.put_back(session, one)
    return right


def _counts(runtime: Runtime, number: str, kind: str = CODES) -> list[Count]:
    """Everybody's guesses in this hour and, where the number is known, this caller's today."""
    settings = runtime.settings
    counts = []
    if number and (most := settings.cap_wrong_codes_per_caller_day):
        words = f"a caller gave {most} wrong codes today, the most of CAP_WRONG_CODES_PER_CALLER_DAY"
        counts.append(counting.a_day(runtime, f"{kind} {number}"[:32], most, words))
    if most := settings.cap_wrong_codes_per_hour:
        words = f"callers gave {most} wrong codes within this hour, the most of CAP_WRONG_CODES_PER_HOUR"
        counts.append(counting.an_hour(runtime, kind, most, words))
    return counts


def _alarm(session: Session, runtime: Runtime, count: Count) -> None:
    everybody = count.cap in (CODES, ANSWERS)
    rest = "no code is taken" if everybody else "none of theirs is taken"
    text = f"{count.words}: somebody may be guessing. Until {count.until:%H:%M} UTC {rest}"
    tasks.alarm(session, runtime, "telephone", text, about=count.cap if everybody else "codes of one", tell=True)
