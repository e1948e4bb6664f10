"""Who is to decide now: the officers on duty, their stand-ins while they are away; and the roster itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Duty, Message, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.model.staff import Grant
from dispatcher.runtime import Runtime
from dispatcher.services import covers, pins
from dispatcher.services.audit import record

LONGEST, AHEAD, MOST_WEEKS = timedelta(days=7), timedelta(days=366), 53


def may_decide(session: Session, message: Message) -> list[Staff]:
    """The active officers who may decide: none of its `writers`."""
    barred = pins.writers(session, message)
    return [one for one in officers(session) if one.id not in barred]


def officers(session: Session) -> list[Staff]:
    """All active officers."""
    query = select(Staff).join(Grant).where(Grant.role == "officer", Staff.active).order_by(Staff.id)
    return list(session.scalars(query).unique())


def on_duty(session: Session, runtime: Runtime, message: Message) -> list[Staff]:
    """Of those who may decide the ones on duty now; all of them where none is.

    In place of who is away comes their cover, if that is an officer who may decide. Nobody at all is told only where
    nobody may decide: if all are away, all are told.
    """
    able = may_decide(session, message)
    now = runtime.now()
    on = set(session.scalars(select(Duty.staff_id).where(Duty.begins_at <= now, Duty.ends_at > now)))
    rostered = _present(session, runtime, [one for one in able if one.id in on], able)
    return rostered or _present(session, runtime, able, able) or able


def _present(session: Session, runtime: Runtime, some: Iterable[Staff], able: Sequence[Staff]) -> list[Staff]:
    """These, or their covers, without those who are away; each once."""
    found = {}
    for person in some:
        one = covers.standing_in(session, runtime, person)
        if not covers.is_away(runtime, one) and one in able:
            found[one.id] = one
    return list(found.values())


# --- the roster -------------------------------------------------------------------------------------------


def roster(session: Session, begin: datetime, end: datetime) -> list[Duty]:
    """The times on duty that touch this time, in their order."""
    query = select(Duty).where(Duty.begins_at < end, Duty.ends_at > begin).order_by(Duty.begins_at, Duty.id)
    return list(session.scalars(query))


def add(
    session: Session,
    runtime: Runtime,
    admin: Staff,
    staff_id: int,
    times: Sequence[tuple[datetime, datetime]],
) -> list[Duty]:
    """Put an officer on duty in these times, e.g. the same hours of several weeks.

    What touches a time that they have already is put together with it. Raises Refused with every wrong field: `staff`,
    `begins`, `ends`, `weeks`.
    """
    _require_admin(admin)
    person = session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    wrong = _wrong(runtime, times)
    if person is None or not person.has("officer"):
        wrong["staff"] = "must be an active officer"
    if wrong or person is None:
        raise Refused(wrong)
    made = [_put(session, person, begin, end) for begin, end in times]
    session.flush()
    record(
        session, runtime, admin, "add duty", f"staff {person.email}",
        begins_at=times[0][0], ends_at=times[0][1], times=len(times),
    )  # fmt: skip
    return made


def _wrong(runtime: Runtime, times: Sequence[tuple[datetime, datetime]]) -> dict[str, str]:
    if not times:
        return {"begins": "is missing"}
    if len(times) > MOST_WEEKS:
        return {"weeks": f"are more than {MOST_WEEKS}"}
    wrong = {}
    (begin, end), (_, last) = times[0], times[-1]
    if end <= begin:
        wrong["ends"] = "must be after the beginning"
    elif end - begin > LONGEST:
        wrong["ends"] = "is more than a week after the beginning"
    elif end <= runtime.now():
        wrong["ends"] = "is past"
    if last > runtime.now() + AHEAD + LONGEST:
        wrong["begins"] = "is more than a year ahead"
    return wrong


def _put(session: Session, person: Staff, begin: datetime, end: datetime) -> Duty:
    """One row for what is one time: so that taking it away leaves nothing of it behind."""
    touching = session.scalars(
        select(Duty)
        .where(Duty.staff_id == person.id, Duty.begins_at <= end, Duty.ends_at >= begin)
        .order_by(Duty.begins_at)
    ).all()
    begin, end = min([begin, *(one.begins_at for one in touching)]), max([end, *(one.ends_at for one in touching)])
    for one in touching[1:]:
        session.delete(one)
    session.flush()
    if touching:
        touching[0].begins_at, touching[0].ends_at = begin, end
        return touching[0]
    made = Duty(staff=person, begins_at=begin, ends_at=end)
    session.add(made)
    session.flush()
    return made


def remove(session: Session, runtime: Runtime, admin: Staff, duty_id: int) -> None:
    """Take a time off the roster."""
    _require_admin(admin)
    duty = session.get(Duty, duty_id, with_for_update=True, populate_existing=True)
    if duty is None:
        raise NotFound("there is no such time on duty")
    record(
        session, runtime, admin, "remove duty", f"staff {duty.staff.email}",
        begins_at=duty.begins_at, ends_at=duty.ends_at,
    )  # fmt: skip
    session.delete(duty)
    session.flush()


def _require_admin(admin: Staff) -> None:
    if not admin.has("admin"):
        raise NotAllowed("only administrators change the roster")
