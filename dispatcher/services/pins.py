"""PINs of members of staff on the telephone: five tries with a growing wait, then locked, and the owner is told."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from dispatcher.model import Staff, StaffCall
from dispatcher.runtime import Runtime
from dispatcher.services import letters
from dispatcher.services.audit import record

MOST = 5
FIRST_WAIT = 2  # seconds after the first wrong one, twice as long after each that follows

_hasher = PasswordHasher()
# Verified where there is no PIN, so that a number that is nobody's takes as long as a wrong PIN.
_NOBODY = _hasher.hash(secrets.token_urlsafe(24))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a PIN was right; if not, the seconds to wait before the next try, and whether there is none."""

    right: bool
    wait: int = 0
    locked: bool = False


def check(session: Session, runtime: Runtime, call: StaffCall, pin: str) -> Verdict:
    """Whether this is the PIN of whom the caller says to be; the caller commits, whatever the answer is.

    A try before the wait is over counts as wrong without being looked at: several calls at once gain nothing.
    """
    person = session.get(Staff, call.staff_id, with_for_update=True, populate_existing=True) if call.staff_id else None
    if person is None or not person.active or not person.pin_hash:
        _matches(None, pin)
        return Verdict(False, FIRST_WAIT)
    now = runtime.now()
    if person.pin_locked_at is not None:
        return Verdict(False, locked=True)
    if person.pin_wait_until is not None and now < person.pin_wait_until:
        return Verdict(False, max(1, round((person.pin_wait_until - now).total_seconds())))
    if _matches(person.pin_hash, pin):
        person.pin_failures, person.pin_wait_until = 0, None
        call.proven_at = now
        record(session, runtime, person, "prove by PIN", f"staff {person.email}", call=call.call_ref)
        return Verdict(True)
    return _failed(session, runtime, call, person)


def unlock(session: Session, runtime: Runtime, actor: Staff | str, person: Staff) -> None:
    """Let a locked PIN be tried again: an administrator's or, with a new PIN, the owner's own act."""
    person.pin_failures, person.pin_wait_until, person.pin_locked_at = 0, None, None
    record(session, runtime, actor, "unlock PIN", f"staff {person.email}")


def _failed(session: Session, runtime: Runtime, call: StaffCall, person: Staff) -> Verdict:
    now = runtime.now()
    person.pin_failures += 1
    record(session, runtime, "system", "refuse PIN", f"staff {person.email}", call=call.call_ref, n=person.pin_failures)
    if person.pin_failures < MOST:
        wait = FIRST_WAIT * 2 ** (person.pin_failures - 1)
        person.pin_wait_until = now + timedelta(seconds=wait)
        return Verdict(False, wait)
    person.pin_locked_at = now
    record(session, runtime, "system", "lock PIN", f"staff {person.email}")
    whence = call.number or "a telephone that withholds its number"
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="pin-locked",
        dedupe=f"pin-locked:{now:%Y%m%d%H%M%S}",
        subject="Your telephone PIN is locked",
        text=(
            f"After {MOST} wrong PINs from {whence} nobody can use the telephone line in your name.\n\n"
            f"If that was you, choose a new PIN here: {runtime.settings.public_url}/account\n\n"
            "If it was not, tell your administrator."
        ),
        short_text=f"Your telephone PIN is locked: {MOST} wrong tries from {whence}. Not you? Tell your administrator.",
    )
    return Verdict(False, locked=True)


def _matches(stored: str | None, pin: str) -> bool:
    try:
        return _hasher.verify(stored or _NOBODY, pin[:32]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
