"""Calls that tell an officer of an alert: a letter each, called again by policy, never on doubt.

Nothing of the alert is in such a letter: the line for members of staff tells it, once the PIN was right. A ring that
came to nothing, because the line was busy, nobody answered, or who answered did not decide, is followed by another
one a little later. A few of them, then the alert is escalated.

One telephone rings once at a time, however many alerts wait: whoever is on the line hears of all of them. A ring about
another alert waits until the first has ended, and then as long again as a second one about the same alert.

Only on the provider's own word, though: where nobody knows whether or how a call was made, that officer is not called
again for this version. Mails, texts and the escalation to others do the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Attempt, Letter, Message, Staff
from dispatcher.model.delivery import ABSENT, FINAL, WAITING
from dispatcher.runtime import Runtime
from dispatcher.services import letters, pins
from dispatcher.services.audit import record

KIND, CHANNEL = "approval", "voice"
PASSED = "passed"
# So long after it was accepted the provider should have told how a ring ended: it is due then.
TOLD_WITHIN = timedelta(minutes=10)
UNTOLD = "its end was not told"
# How soon a ring that waits for the end of another is looked at again.
LOOK_AGAIN = timedelta(seconds=15)
ARE_RINGS = and_(Letter.kind == KIND, Letter.channel == CHANNEL)
_ENDED = ("delivered", "failed", "bounced")
# What the attempt of a call says that may have been made, for all anybody knows.
_DOUBTS = (ABSENT, "in-doubt", "no-outcome")


def is_ring(letter: Letter) -> bool:
    """Whether this letter is a call to an officer about an alert that waits."""
    return letter.kind == KIND and letter.channel == CHANNEL


def may_ring(runtime: Runtime, person: Staff) -> bool:
    """Whether it is any use to call them: without a PIN that may be tried they would hear nothing."""
    able = person.phone and person.pin_hash and person.pin_locked_at is None
    return bool(able) and CHANNEL in runtime.usable_channels()


def ring(
    session: Session, runtime: Runtime, person: Staff, message: Message, *, again_in: timedelta | None = None
) -> Letter | None:
    """Call an officer about this version, now or in a while; None where they cannot be called, are being called, or
    may have been, for all anybody knows.

    One ring at a time for a person and version, however often this is asked for: one that waits is made due. The
    caller holds the message's row.
    """
    if not may_ring(runtime, person) or pins.is_from_writer(session, person, message):
        return None
    made = _rings(session, person, message)
    for one in made:
        if one.state in WAITING and again_in is None:
            one.due_at = runtime.now()
            note(session, "notices", "send_letter", one.id)
        if one.state not in FINAL:
            return None
    if _any_in_doubt(session, made):
        return None
    return letters.write(
        session,
        runtime,
        kind=KIND,
        dedupe=f"{_front(message)}:{person.id}:{len(made) + 1}",
        channel=CHANNEL,
        address=person.phone or "",
        subject="",
        text="",
        staff=person,
        message_id=message.id,
        due_at=runtime.now() + again_in if again_in else None,
    )


def call_off(session: Session, runtime: Runtime, message: Message) -> None:
    """Let no ring start that waits: the alert was changed, and is told anew."""
    _cancel(session, runtime, Letter.message_id == message.id)


def pass_on(session: Session, runtime: Runtime, person: Staff, message: Message) -> None:
    """This officer has handed the alert to a colleague: they are not rung again for this version by policy."""
    _cancel(session, runtime, Letter.message_id == message.id, Letter.staff_id == person.id)
    for one in _rings(session, person, message):
        one.outcome = PASSED
    session.flush()


def still_true(session: Session, letter: Letter) -> bool:
    """False for a ring about an alert that waits no more."""
    if not is_ring(letter):
        return True
    return session.scalar(select(Message.state).where(Message.id == letter.message_id)) == "pending"


def must_wait(session: Session, runtime: Runtime, letter: Letter) -> bool:
    """Put off a ring to an officer who is being rung about another alert, or is on the line; False where it may start.

    Their row is held, so that of two rings that start at the same time one sees the other.
    """
    if not is_ring(letter):
        return False
    session.execute(select(Staff.id).where(Staff.id == letter.staff_id).with_for_update())
    under_way = or_(
        Letter.state.in_(("sending", "unknown")), and_(Letter.state == "accepted", Letter.due_at.is_not(None))
    )
    other = select(Letter.id).where(ARE_RINGS, Letter.staff_id == letter.staff_id, Letter.id != letter.id, under_way)
    if session.scalar(other.limit(1)) is None:
        return False
    letter.due_at = runtime.now() + LOOK_AGAIN
    return True


def note_start(session: Session, runtime: Runtime, letter: Letter) -> None:
    """Put on record that an officer is being called."""
    if is_ring(letter) and letter.staff is not None:
        record(
            session, runtime, "system", "ring officer", f"message {letter.message_id}",
            officer=letter.staff.email, letter=letter.id, n=_number(letter),
        )  # fmt: skip


def follow_up(session: Session, runtime: Runtime) -> int:
    """Put on record how calls ended, and call again where policy says so; how many ended. Found by the sweep.

    A ring that has ended is due until that was done; whoever else sweeps at the same time leaves it alone. One whose
    end was not told in time goes on record once, and stays as it is: the news may come yet.
    """
    due = select(Letter.message_id).where(*_ended_by(runtime))
    # Messages before letters, as whoever decides or edits does; all of them before the record, which comes last.
    messages = session.scalars(
        select(Message)
        .where(Message.id.in_(due))
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    ended = session.scalars(
        select(Letter)
        .where(Letter.message_id.in_([one.id for one in messages]), *_ended_by(runtime))
        .order_by(Letter.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    by_id = {one.id: one for one in messages}
    said = [_conclude(session, runtime, one, by_id[one.message_id or 0]) for one in ended]
    for letter, detail in zip(ended, said, strict=True):
        record(session, runtime, "system", "end ring", f"message {letter.message_id}", **detail)
    return len(ended)


def _ended_by(runtime: Runtime) -> tuple[ColumnElement[bool], ...]:
    return Letter.state.in_((*_ENDED, "accepted")), Letter.due_at <= runtime.now(), ARE_RINGS


def _conclude(session: Session, runtime: Runtime, letter: Letter, message: Message) -> dict[str, object]:
    """Ring again, if that is to be; what the record says of it."""
    letter.due_at = None
    wait = timedelta(minutes=runtime.settings.call_officer_again_minutes)
    _put_off(session, letter, runtime.now() + wait)
    waits = message.state == "pending" and letter.dedupe.startswith(f"{_front(message)}:")
    person, n = letter.staff, _number(letter)
    again = None
    left = waits and letter.outcome != PASSED and n < runtime.settings.rings_per_officer
    if left and person is not None and person.active:
        again = ring(session, runtime, person, message, again_in=wait)
    return {
        "officer": person.email if person else "",
        "letter": letter.id,
        "n": n,
        "how": UNTOLD if letter.state == "accepted" else letter.outcome or letter.error or letter.state,
        "waits": waits,
        "again": again is not None,
    }


def _put_off(session: Session, ended: Letter, until: datetime) -> None:
    """Rings about other alerts to who has just been rung do not follow at once, unless they are urgent."""
    others = select(Letter).where(
        ARE_RINGS,
        Letter.staff_id == ended.staff_id,
        Letter.id != ended.id,
        Letter.state.in_(WAITING),
        Letter.due_at < until,
    )
    # One that is being claimed is not waited for: it looks for itself whether it may start.
    for other in session.scalars(others.order_by(Letter.id).with_for_update(skip_locked=True)):
        about = session.get(Message, other.message_id)
        if about is None or about.current.urgency != "urgent":
            other.due_at = until


def _front(message: Message) -> str:
    """How the dedupe of all rings about this version begins, since it was last handed in."""
    return f"ring:{message.current.id}:{message.submitted_at:%Y%m%d%H%M%S%f}"


def _number(letter: Letter) -> int:
    return int(letter.dedupe.rpartition(":")[2])


def _rings(session: Session, person: Staff, message: Message) -> list[Letter]:
    query = select(Letter).where(
        Letter.message_id == message.id,
        Letter.staff_id == person.id,
        Letter.dedupe.startswith(f"{_front(message)}:{person.id}:"),
    )
    return list(session.scalars(query.order_by(Letter.id)))


def rung(session: Session, message: Message) -> dict[int, int]:
    """How often each officer was, or is to be, called about the current version, by the id of staff."""
    query = (
        select(Letter.staff_id, func.count())
        .where(Letter.message_id == message.id, Letter.dedupe.startswith(f"{_front(message)}:"), Letter.tries > 0)
        .group_by(Letter.staff_id)
    )
    return {staff_id: count for staff_id, count in session.execute(query) if staff_id is not None}


def unsure(session: Session, message: Message) -> set[int]:
    """Who may have been called about the current version, but nobody knows how that ended; ids of staff."""
    untold = or_(Letter.state == "unknown", and_(Letter.state == "accepted", Letter.due_at.is_(None)), _in_doubt())
    query = select(Letter.staff_id).where(
        Letter.message_id == message.id, Letter.dedupe.startswith(f"{_front(message)}:"), untold
    )
    return {staff_id for staff_id in session.scalars(query) if staff_id is not None}


def _any_in_doubt(session: Session, made: list[Letter]) -> bool:
    ids = [one.id for one in made]
    return session.scalar(select(Letter.id).where(Letter.id.in_(ids), _in_doubt()).limit(1)) is not None


def _in_doubt() -> ColumnElement[bool]:
    """The provider was asked whether it made this call, and has never said how it ended."""
    doubted = or_(Attempt.looked_up > 0, Attempt.code.in_(_DOUBTS))
    asked = select(Attempt.id).where(Attempt.letter_id == Letter.id, doubted).exists()
    return and_(Letter.state.in_(FINAL), Letter.outcome.is_(None), asked)


def _cancel(session: Session, runtime: Runtime, *which: ColumnElement[bool]) -> None:
    """Those that wait. One that is being claimed is not waited for: it rings, and tells how the alert stands then.

    Whoever claims holds the letter and waits for the record, which the caller may hold already.
    """
    waiting = select(Letter).where(*which, ARE_RINGS, Letter.state.in_(WAITING))
    for one in session.scalars(waiting.order_by(Letter.id).with_for_update(skip_locked=True)):
        one.state, one.due_at, one.settled_at = "cancelled", None, runtime.now()
    session.flush()
