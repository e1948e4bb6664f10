"""The code on every alert, by which our line knows its recipient from any telephone.

Digits alone: the delivery's number and six digits of an HMAC over it, so that nothing is stored that could leak. Six
are few: guesses are counted, a caller's in a day and everybody's in an hour, and no code is taken beyond the caps.
"""

from __future__ import annotations

import hmac

from sqlalchemy.orm import Session

from dispatcher.model import Delivery
from dispatcher.model.tokens import spoken_digits
from dispatcher.runtime import Runtime
from dispatcher.services import counting, tasks
from dispatcher.services.counting import Count
from dispatcher.services.matching import RECENT

MAC_DIGITS = 6
MOST_DIGITS = 18  # of a code that is looked at; keyed in one go, with the hash key at its end


def make(runtime: Runtime, delivery_id: int) -> str:
    """The code of a delivery: 7 digits or more."""
    return f"{delivery_id}{_mac(runtime, delivery_id)}"


def read(runtime: Runtime, digits: str) -> int | None:
    """The delivery that a code was made for; None for anything else. Takes as long for a code that is nearly right."""
    if not (digits.isascii() and digits.isdigit() and MAC_DIGITS < len(digits) <= MOST_DIGITS):
        return None
    front, mac = digits[:-MAC_DIGITS], digits[-MAC_DIGITS:]
    return int(front) if front[0] != "0" and hmac.compare_digest(mac, _mac(runtime, int(front))) else None


def _mac(runtime: Runtime, delivery_id: int) -> str:
    return spoken_digits(runtime.key("alert code"), delivery_id, MAC_DIGITS)


def may_try(session: Session, runtime: Runtime, number: str) -> bool:
    """Whether a code keyed by this caller ("" where the number is withheld) would be looked at at all."""
    reached = next((one for one in _counts(runtime, number) if counting.is_reached(session, one)), None)
    if reached is not None:
        _alarm(session, runtime, reached)
    return reached is None


def find(session: Session, runtime: Runtime, digits: str, number: str = "") -> Delivery | None:
    """The delivery whose recipient keyed its code, released within 30 days, of which somebody may hold the alert.

    None for any other digits, which count as a guess of this caller, and for all digits once the guesses are used up.
    The caller commits, whatever the answer is.
    """
    counted: list[Count] = []
    for one in _counts(runtime, number):
        if not counting.take(session, one):
            _alarm(session, runtime, one)
            for earlier in counted:
                counting.put_back(session, earlier)
            return None
        counted.append(one)
    delivery = _current(session, runtime, read(runtime, digits.strip("#* ")))
    if delivery is not None:
        for one in counted:
            counting.put_back(session, one)
    return delivery


def _current(session: Session, runtime: Runtime, delivery_id: int | None) -> Delivery | None:
    delivery = session.get(Delivery, delivery_id) if delivery_id is not None else None
    if delivery is None or not delivery.may_be_answered:
        return None
    released = delivery.message.released_at
    return delivery if released is not None and released > runtime.now() - RECENT else None


def _counts(runtime: Runtime, number: str) -> list[Count]:
    """Everybody's guesses in this hour and, where the number is known, this caller's today."""
    settings = runtime.settings
    counts = []
    if number and (most := settings.cap_wrong_codes_per_caller_day):
        words = f"a caller keyed {most} wrong codes today, the most of CAP_WRONG_CODES_PER_CALLER_DAY"
        counts.append(counting.a_day(runtime, f"codes {number}"[:32], most, words))
    if most := settings.cap_wrong_codes_per_hour:
        words = f"callers keyed {most} wrong codes within this hour, the most of CAP_WRONG_CODES_PER_HOUR"
        counts.append(counting.an_hour(runtime, "codes", most, words))
    return counts


def _alarm(session: Session, runtime: Runtime, count: Count) -> None:
    everybody = count.cap == "codes"
    rest = "no code is taken" if everybody else "none of theirs is taken"
    text = f"{count.words}: somebody may be guessing. Until {count.until:%H:%M} UTC {rest}"
    tasks.alarm(session, runtime, "telephone", text, about="codes" if everybody else "codes of one", tell=True)
