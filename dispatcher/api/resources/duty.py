"""The roster of officers on duty, and absences."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from approvals import duty
from dispatcher.api.calls import Act, Answer, call
from dispatcher.api.paging import page
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.duty import Absence, AbsenceInfo, DutyInfo, DutyQuery, NewDuty
from dispatcher.model import Duty, Staff
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import accounts, covers

TAG = "Duty"


@call(
    "GET", "/duty", "officer", "admin",
    title="Times on duty that have not ended",
    about="Officers on duty are told of alerts that wait. While nobody is on duty, all officers are.",
    tag=TAG, answers={200: Page[DutyInfo]},
)  # fmt: skip
def list_duty(act: Act, query: DutyQuery) -> Page[DutyInfo]:
    chosen = select(Duty).options(joinedload(Duty.staff)).where(Duty.ends_at > act.runtime.now())
    if query.officer is not None:
        chosen = chosen.where(Duty.staff_id.in_(select(Staff.id).where(Staff.email == query.officer.lower())))
    some, following = page(act.session, chosen, Duty.id, limit=query.limit, cursor=query.cursor)
    return Page(items=[_info(one) for one in some], next_cursor=following)


@call(
    "POST", "/duty", "admin",
    title="Put an officer on duty",
    about="What touches a time that they have already is put together with it: the answer is the whole of it.",
    tag=TAG, answers={201: DutyInfo},
)  # fmt: skip
def add_duty(act: Act, body: NewDuty) -> DutyInfo:
    officer = _find(act, "officer", body.officer)
    try:
        [made] = duty.add(act.session, act.runtime, act.staff, officer.id, [(body.begins_at, body.ends_at)])
    except Refused as refused:
        names = {"staff": "officer", "begins": "begins_at", "ends": "ends_at"}
        raise Refused({names.get(name, name): text for name, text in refused.fields.items()}) from None
    return _info(made)


@call("DELETE", "/duty/<row:duty_id>", "admin", title="Take a time off the roster", tag=TAG, answers={204: None})
def remove_duty(act: Act, duty_id: int) -> Answer:
    duty.remove(act.session, act.runtime, act.staff, duty_id)
    return Answer(204)


@call(
    "PUT", "/staff/<email>/absence",
    title="Say until when somebody is away, and who stands in",
    about="Your own; administrators also say it for others. Who stands in is told of alerts that wait, and answers "
    "customers' calls.",
    tag=TAG, answers={200: AbsenceInfo},
)  # fmt: skip
def put_absence(act: Act, email: str, body: Absence) -> AbsenceInfo:
    person = accounts.find(act.session, email) if act.staff.has("admin") else act.staff
    if person.email.lower() != email.strip().lower():
        raise NotFound(f"{email} is not yours to speak for")
    cover = _find(act, "cover", body.cover) if body.cover else None
    covers.set_away(act.session, act.runtime, act.staff, person.id, body.until, cover.id if cover else None)
    return AbsenceInfo(email=person.email, until=person.away_until, cover=cover.email if cover else None)


def _find(act: Act, field: str, email: str) -> Staff:
    """Raises Refused for that field, because the address stands in the body."""
    try:
        return accounts.find(act.session, email)
    except NotFound as error:
        raise Refused({field: str(error)}) from None


def _info(one: Duty) -> DutyInfo:
    return DutyInfo(id=one.id, officer=one.staff.email, begins_at=one.begins_at, ends_at=one.ends_at)
