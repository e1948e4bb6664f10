"""PINs of members of staff on the telephone: five tries with a growing wait, then locked, and the owner is told.

What holds against a stranger. All calls together have five tries at a person's PIN; a try before its wait is over
counts as wrong without being looked at, so several calls at once gain nothing. From a telephone that is not the
registered one, a number that is nobody's, a PIN that is locked and a wrong PIN are answered with the same words, after
the same time. All such telephones together have so many wrong tries an hour; then only registered ones are served.
Who gave somebody their PIN in a file knows it: alerts of theirs are not decided by it.
What does not hold: who knows somebody's number can lock their PIN by five wrong ones. Its owner is told at once and
chooses a new one on a page, and everything that the line does can be done on the pages meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from dispatcher.model import Grant, Message, Staff, StaffCall, Version
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import hashing, letters, tasks
from dispatcher.services.audit import record

MOST = 5
FIRST_WAIT = 2  # seconds after the first wrong one, twice as long after each that follows
MOST_FROM_STRANGERS, WITHIN = 30, timedelta(hours=1)

_FORM = re.compile(r"[0-9]{4,12}", re.ASCII)
_RUNS = "01234567890 09876543210"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a PIN was right; if not, the seconds to wait before the next try, and whether there is another one.

    `locked` is said to registered telephones alone, `barred` to strange ones where too many tries were wrong.
    """

    right: bool
    wait: int = 0
    over: bool = False
    locked: bool = False
    barred: bool = False


def check(session: Session, runtime: Runtime, call: StaffCall, pin: str) -> Verdict:
    """Whether this is the PIN of whom the caller says to be; the caller commits, whatever the answer is."""
    person = _held(session, call.staff_id) if call.staff_id else None
    registered = person is not None and call.number == person.phone
    if not registered and _wrong_from_strangers(session, runtime) >= MOST_FROM_STRANGERS:
        call.wrong_pins += 1
        tasks.alarm(
            session, runtime, "telephone", f"{MOST_FROM_STRANGERS} wrong PINs within an hour from telephones that are "
            "not registered: only registered ones are served until it is less", about="PINs", tell=True,
        )  # fmt: skip
        return Verdict(False, over=True, barred=True)
    now = runtime.now()
    open_ = person is not None and person.active and person.pin_locked_at is None
    waiting = person is not None and person.pin_wait_until is not None and now < person.pin_wait_until
    # One hash in every case: how long it takes tells nothing.
    right = _matches(person.pin_hash if person and open_ and not waiting else None, pin)
    if right and person is not None:
        person.pin_failures, person.pin_wait_until = 0, None
        call.proven_at = now
        record(session, runtime, person, "prove by PIN", f"staff {person.email}", call=call.call_ref)
        return Verdict(True)
    call.wrong_pins += 1
    wait = FIRST_WAIT * 2 ** min(call.wrong_pins - 1, MOST)
    if person is not None and person.pin_hash and open_ and not waiting:
        person.pin_wait_until = now + timedelta(seconds=wait)
        _failed(session, runtime, call, person)
    locked = registered and person is not None and person.pin_locked_at is not None
    return Verdict(False, wait, over=locked or call.wrong_pins >= MOST, locked=locked)


def _held(session: Session, staff_id: int) -> Staff | None:
    """Held until the end of the transaction, but not against who only refers to them, as a letter to them does: who
    writes one holds the audit's chain already, and we wait for that."""
    return session.get(Staff, staff_id, with_for_update={"key_share": True}, populate_existing=True)


def _wrong_from_strangers(session: Session, runtime: Runtime) -> int:
    """Wrong PINs of the last hour in calls that did not come from the telephone of whom they said to be."""
    own = and_(Staff.id == StaffCall.staff_id, Staff.phone == StaffCall.number)
    query = (
        select(func.sum(StaffCall.wrong_pins))
        .outerjoin(Staff, own)
        .where(StaffCall.created_at > runtime.now() - WITHIN, Staff.id.is_(None))
    )
    return session.scalar(query) or 0


def _failed(session: Session, runtime: Runtime, call: StaffCall, person: Staff) -> None:
    person.pin_failures += 1
    record(session, runtime, "system", "refuse PIN", f"staff {person.email}", call=call.call_ref, n=person.pin_failures)
    if person.pin_failures < MOST:
        return
    now = runtime.now()
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
            f"After {MOST} wrong PINs, the last from {whence}, nobody can use the telephone line in your name.\n\n"
            f"If that was you, choose a new PIN here: {runtime.settings.public_url}/account\n\n"
            "If it was not, tell your administrator."
        ),
        short_text=f"Your telephone PIN is locked: {MOST} wrong tries, the last from {whence}. Not you? Tell your "
        "administrator.",
    )
    tasks.alarm(
        session, runtime, "telephone", f"the PIN of {person.name} is locked after {MOST} wrong tries", about="lock"
    )


def _matches(stored: str | None, pin: str) -> bool:
    return hashing.matches(stored, pin[:32])


# --- choosing and unlocking -------------------------------------------------------------------------------


def weakness(pin: str) -> str:
    """What is wrong with a PIN, as the end of a sentence; "" where nothing is."""
    if not _FORM.fullmatch(pin):
        return "is not 4 to 12 digits"
    return "is too easy to guess" if pin in _RUNS or len(set(pin)) == 1 else ""


def is_theirs(person: Staff, pin: str) -> bool:
    """Whether they have this PIN; "" for none. For files alone: it counts no tries."""
    return _matches(person.pin_hash, pin) if pin and person.pin_hash else not pin and not person.pin_hash


def give(person: Staff, pin: str, by: int | None) -> None:
    """Their PIN from a file of this member of staff, None for the host's command, or no PIN; a new one may be tried
    anew."""
    person.pin_hash, person.pin_given_by = (hashing.hashed(pin), by) if pin else (None, None)
    person.pin_failures, person.pin_wait_until, person.pin_locked_at = 0, None, None


def writers(session: Session, message: Message) -> set[int]:
    """Whose words it may be: author, editors and, of what came by telephone or text message, who gave its author their
    PIN and may have dictated it."""
    rows = session.execute(select(Version.editor_id, Version.via).where(Version.message_id == message.id)).all()
    found = {message.author_id, *(row.editor_id for row in rows)}
    if message.author.pin_given_by is not None and any(row.via not in ("page", "api", "mail") for row in rows):
        found.add(message.author.pin_given_by)
    return found


def is_from_writer(session: Session, person: Staff, message: Message) -> bool:
    """Whether a writer of this alert may know their PIN: two pairs of eyes would be one.

    Whoever brought the file does, and an administrator may have it in another.
    """
    if person.pin_chosen_at is not None:
        return False
    wrote = writers(session, message)
    admins = select(Grant.staff_id).where(Grant.staff_id.in_(wrote), Grant.role == "admin").limit(1)
    return person.pin_given_by in wrote or session.scalar(admins) is not None


def choose(session: Session, runtime: Runtime, person: Staff, pin: str) -> None:
    """The owner's own new PIN, which also unlocks. Raises Refused: `pin`."""
    wrong = weakness(pin)
    if wrong:
        raise Refused({"pin": wrong})
    was_locked = person.pin_locked_at is not None
    give(person, pin, None)
    person.pin_chosen_at = runtime.now()
    record(session, runtime, person, "choose PIN", f"staff {person.email}", unlocked=was_locked)


def unlock(session: Session, runtime: Runtime, admin: Staff, staff_id: int) -> Staff:
    """Let a locked PIN be tried again: an administrator's act. Raises NotAllowed, NotFound."""
    if not admin.has("admin"):
        raise NotAllowed("only administrators unlock PINs")
    person = _held(session, staff_id)
    if person is None:
        raise NotFound("there is no such member of staff")
    if person.pin_locked_at is not None or person.pin_failures:
        person.pin_failures, person.pin_wait_until, person.pin_locked_at = 0, None, None
        record(session, runtime, admin, "unlock PIN", f"staff {person.email}")
    return person
