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
from dispatcher.services import guesses
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


def find(session: Session, runtime: Runtime, digits: str, number: str = "") -> Delivery | None:
    """The delivery whose recipient keyed its code, released within 30 days, of which somebody may hold the alert.

    None for any other digits, which count as a guess of this caller, and for all digits once the guesses are used up.
    The caller commits, whatever the answer is.
    """
    delivery = _current(session, runtime, read(runtime, digits.strip("#* ")))
    return delivery if guesses.is_taken(session, runtime, number, delivery is not None) else None


def _current(session: Session, runtime: Runtime, delivery_id: int | None) -> Delivery | None:
    delivery = session.get(Delivery, delivery_id) if delivery_id is not None else None
    if delivery is None or not delivery.may_be_answered:
        return None
    released = delivery.message.released_at
    return delivery if released is not None and released > runtime.now() - RECENT else None
