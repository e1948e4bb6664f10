"""Absence: until when somebody is away, and who stands in for them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Grant, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services.audit import record

LONGEST = timedelta(days=366)


def is_away(runtime: Runtime, person: Staff) -> bool:
    """Whether they have said to be away now."""
    return person.away_until is not None and runtime.now() < person.away_until


def standing_in(session: Session, runtime: Runtime, person: Staff) -> Staff:
    """Who answers in their place: themselves while they are here, else the first of their covers who is.

    Where nobody is (no cover, covers who are away or gone, covers in a circle), it is the person after all: ask
    `is_away` where that matters.
    """
    known, one = {person.id}, person
    while is_away(runtime, one) or not one.active:
        cover = session.get(Staff, one.cover_id) if one.cover_id else None
        if cover is None or cover.id in known:
            return person
        known.add(cover.id)
        one = cover
    return one


def candidates(session: Session, person: Staff) -> list[Staff]:
    """Colleagues who may stand in for somebody: who works here and holds one of their roles, by name."""
    query = (
        select(Staff)
        .where(
            Staff.active,
            Staff.id != person.id,
            Staff.id.in_(select(Grant.staff_id).where(Grant.role.in_(sorted(person.roles)))),
        )
        .order_by(Staff.name, Staff.id)
    )
    return list(session.scalars(query))


def set_away(
    session: Session, runtime: Runtime, actor: Staff, staff_id: int, until: datetime | None, cover_id: int | None
) -> Staff:
    """Somebody is away until then and covered by a colleague; without `until` they are here.

    Their own act, or an administrator's for others. The cover stays named for the next time. Raises Refused with
    every wrong field: `until`, `cover`.
    """
    if actor.id != staff_id and not actor.has("admin"):
        raise NotAllowed("only administrators say for others that they are away")
    person = session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound("there is no such member of staff")
    before = (person.away_until, person.cover_id)
    wrong = _wrong(session, runtime, person, until, cover_id)
    if wrong:
        raise Refused(wrong)
    person.away_until, person.cover_id = until, cover_id
    session.flush()
    session.expire(person, ["cover"])
    if until is not None and cover_id is not None and standing_in(session, runtime, person) is person:
        person.away_until, person.cover_id = before
        raise Refused({"cover": "is away too, and nobody else stands in for them"})
    if (until, cover_id) != before:
        cover = session.get(Staff, cover_id) if cover_id else None
        record(
            session, runtime, actor, "set absence", f"staff {person.email}",
            until=until, cover=cover.email if cover else None,
        )  # fmt: skip
    return person


def _wrong(
    session: Session, runtime: Runtime, person: Staff, until: datetime | None, cover_id: int | None
) -> dict[str, str]:
    wrong = {}
    now = runtime.now()
    if until is not None and until <= now:
        wrong["until"] = "is past: give a time to come"
    elif until is not None and until > now + LONGEST:
        wrong["until"] = "is more than a year ahead"
    if cover_id is not None:
        cover = session.get(Staff, cover_id)
        if cover is None or not cover.active:
            wrong["cover"] = "is nobody who works here"
        elif cover.id == person.id:
            wrong["cover"] = "must be somebody else"
        elif not cover.roles & person.roles:
            wrong["cover"] = "holds none of the same roles: choose a colleague who may do the same"
    return wrong
