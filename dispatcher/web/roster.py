"""The roster: which officers are on duty, week by week; administrators change it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from approvals import duty
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Duty, Staff
from dispatcher.model.errors import Refused
from dispatcher.services import covers
from dispatcher.web import filters, moments

bp = Blueprint("roster", __name__, url_prefix="/directory/duty")


@dataclass(frozen=True, slots=True)
class Shift:
    """A time on duty as one day shows it: from and until, "" where it begins or ends on another day."""

    one: Duty
    begins: str
    ends: str


@bp.get("")
@may("officer", "admin")
def index() -> ResponseReturnValue:
    return _page()


def _page(wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    days = moments.week_of(_asked_day())
    shifts = duty.roster(session, days[0][1], days[-1][2])
    people = duty.officers(session)
    now = runtime.now()
    html = render_template(
        "directory/duty.html",
        days=[day for day, _, _ in days],
        rows=[(person, [_of_day(shifts, person, begin, end) for _, begin, end in days]) for person in people],
        officers=people,
        on={one.staff_id for one in duty.roster(session, now, now + timedelta(microseconds=1))},
        away={person.id for person in people if covers.is_away(runtime, person)},
        before=days[0][0] - timedelta(days=7),
        after=days[0][0] + timedelta(days=7),
        today=now.astimezone(filters.zone()).date(),
        typed=request.form,
        wrong=wrong or {},
    )
    return make_response(html, status)


def _asked_day() -> date:
    try:
        asked = date.fromisoformat(request.values.get("week", ""))
    except ValueError:
        asked = date.min
    if request.form.get("begins", "")[:10]:
        with suppress(ValueError):  # one that was just added is to be seen
            asked = date.fromisoformat(request.form["begins"][:10])
    today = door.runtime().now().astimezone(filters.zone()).date()
    return asked if abs((asked - today).days) < 3660 else today


def _of_day(shifts: list[Duty], person: Staff, begin: datetime, end: datetime) -> list[Shift]:
    zone = filters.zone()
    found = [one for one in shifts if one.staff_id == person.id and one.begins_at < end and one.ends_at > begin]
    return [
        Shift(
            one,
            f"{one.begins_at.astimezone(zone):%H:%M}" if one.begins_at >= begin else "",
            f"{one.ends_at.astimezone(zone):%H:%M}" if one.ends_at < end else "",
        )
        for one in found
    ]


@bp.post("")
@may("admin")
def add() -> ResponseReturnValue:
    try:
        duty.add(door.db(), door.runtime(), door.me(), *_asked())
    except Refused as refused:
        door.only_look()
        return _page(refused.fields, 422)
    door.commit()
    flash("Added to the roster.")
    return redirect(url_for(".index", week=_asked_day().isoformat()))


def _asked() -> tuple[int, list[tuple[datetime, datetime]]]:
    """Whom, and which times, of one week or of several. Raises Refused with every field that cannot be read."""
    given, zone = request.form, filters.zone()
    wrong, found = {}, {}
    for name in ("begins", "ends"):
        try:
            found[name] = moments.typed(given.get(name, ""), zone)
        except ValueError as error:
            wrong[name] = str(error)
    staff, weeks = given.get("staff", ""), given.get("weeks", "1")
    if not (staff.isascii() and staff.isdigit() and len(staff) < 19):
        wrong["staff"] = "must be chosen from the list"
    if not (weeks.isascii() and weeks.isdigit() and 1 <= int(weeks[:4]) <= duty.MOST_WEEKS):
        wrong["weeks"] = f"must be 1 to {duty.MOST_WEEKS}"
    if wrong:
        raise Refused(wrong)
    return int(staff), moments.weekly(found["begins"], found["ends"], int(weeks), zone)


@bp.post("/<int:duty_id>/remove")
@may("admin")
def remove(duty_id: int) -> ResponseReturnValue:
    duty.remove(door.db(), door.runtime(), door.me(), duty_id)
    door.commit()
    flash("Taken off the roster.")
    return redirect(url_for(".index", week=_asked_day().isoformat()))
