"""Tells people what somebody else has changed of what they sign in, are called and decide by."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Grant, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import letters


def tell_changed(session: Session, runtime: Runtime, actor: Staff, person: Staff, what: Collection[str]) -> None:
    """By mail alone, for the telephone may be another's now. `what`: phone, pin."""
    if person.id == actor.id:
        return
    words = {"phone": "registered telephone", "pin": "PIN of the telephone line"}
    changed = " and your ".join(words[one] for one in ("phone", "pin") if one in what)
    letters.tell_staff(
        session,
        runtime,
        person,
        kind="staff",
        dedupe=f"staff-changed:{runtime.now():%Y%m%d%H%M%S%f}",
        subject=f"Your {changed} was changed" if len(what) == 1 else f"Your {changed} were changed",
        text=f"{actor.name} has changed your {changed}, by a file of staff.\n\n"
        f"If you did not expect that, choose a PIN of your own here and tell an administrator: "
        f"{runtime.settings.public_url}/account",
        only=("email",),
    )


def tell_of_officers(session: Session, runtime: Runtime, actor: Staff, made: Sequence[Staff]) -> None:
    """Officers and administrators learn who else may approve from now on, and by whom."""
    if not made:
        return
    new = {one.id for one in made}
    held = select(Grant.staff_id).where(or_(Grant.role == "officer", Grant.role == "admin"))
    everybody = session.scalars(select(Staff).where(Staff.active, Staff.id.in_(held)).order_by(Staff.id))
    names = ", ".join(f"{one.name} ({one.email})" for one in made)
    for person in everybody:
        if person.id in new or person.id == actor.id:
            continue
        letters.tell_staff(
            session,
            runtime,
            person,
            kind="staff",
            dedupe=f"staff-officers:{runtime.now():%Y%m%d%H%M%S%f}",
            subject="Somebody else may approve alerts from now on",
            text=f"{actor.name} has made {names} approval officer{'s' if len(made) > 1 else ''}.\n\n"
            f"If that is wrong, tell an administrator: {runtime.settings.public_url}/directory/staff",
            only=("email",),
        )
