"""Calls between members of staff and our line: one row a call, made at its first request."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Staff, StaffCall
from dispatcher.model.telephone import CallStep
from dispatcher.runtime import Runtime
from dispatcher.services.once import insert_once

# No call lasts longer; what comes later is no live call.
LIFE = timedelta(hours=2)
# What was said last may come after the news that they have gone.
LAST_WORDS = timedelta(seconds=5)


def of(session: Session, runtime: Runtime, provider: str, step: CallStep, attempt_id: str) -> StaffCall | None:
    """The call's row; None for a call of ours of which nothing is known."""
    known = select(StaffCall).where(StaffCall.provider == provider, StaffCall.call_ref == step.call_ref)
    call = session.scalar(known)
    if call is not None:
        return call
    letter = None
    if step.outbound:
        attempt = session.get(Attempt, attempt_id) if attempt_id else None
        letter = attempt.letter if attempt else None
        if letter is None or letter.staff_id is None:
            return None
    number = step.called if step.outbound else step.caller
    person = letter.staff if letter else by_number(session, number)
    made = insert_once(
        session,
        StaffCall,
        provider=provider,
        call_ref=step.call_ref,
        outbound=step.outbound,
        number=number,
        staff_id=person.id if person else None,
        letter_id=letter.id if letter else None,
        message_id=letter.message_id if letter else None,
        lists=[],
        created_at=runtime.now(),
    )
    return made or session.scalar(known)


def hung_up(session: Session, runtime: Runtime, provider: str, call_ref: str) -> None:
    """The provider tells that the caller has gone: in a moment the call counts as ended, unless it has ended before."""
    soon = runtime.now() + LAST_WORDS
    session.execute(
        update(StaffCall)
        .where(StaffCall.provider == provider, StaffCall.call_ref == call_ref)
        .where(StaffCall.ended_at.is_(None), StaffCall.idle_at > soon)
        .values(idle_at=soon)
        .execution_options(synchronize_session=False)
    )


def is_proven(call: StaffCall, runtime: Runtime) -> bool:
    """Whether the PIN was right in this call, not long ago, and the person still works here.

    Who chooses a new PIN because somebody else knows theirs ends what was begun with it.
    """
    person, at = call.staff, call.proven_at
    if at is None or at <= runtime.now() - LIFE or person is None or not person.active:
        return False
    return person.pin_chosen_at is None or at >= person.pin_chosen_at


def by_number(session: Session, number: str) -> Staff | None:
    """Whose registered telephone this is; None where it is nobody's, or several people's."""
    if not number:
        return None
    found = session.scalars(select(Staff).where(Staff.phone == number, Staff.active)).all()
    return found[0] if len(found) == 1 else None


def says_to_be(session: Session, runtime: Runtime, call: StaffCall, digits: str) -> None:
    """The caller keys the number of their registered telephone, with or without a country's code in front."""
    region = runtime.settings.default_region
    voice = runtime.adapters.channels["voice"]
    call.staff_id = call.proven_at = None  # what was proven was proven of somebody else
    for written in (f"+{digits.lstrip('0')}", digits) if region else (f"+{digits.lstrip('0')}",):
        try:
            number = voice.normalise(written, region)
        except ValueError:
            continue
        person = by_number(session, number)
        if person is not None:
            call.staff_id = person.id
            break
    session.flush()
    session.expire(call, ["staff"])
