"""Members of staff and what they may do, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import ROLES, Grant, Staff
from dispatcher.model.errors import NotFound, Refused, StateConflict
from dispatcher.services import accounts, covers, handover, own_line, pins
from dispatcher.web import absence, paging

bp = Blueprint("staff", __name__, url_prefix="/directory/staff")


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    words, role = request.args.get("q", "").strip()[:200], request.args.get("role", "")
    query = select(Staff).order_by(Staff.active.desc(), Staff.name, Staff.id)
    if words:
        like = paging.contains(words)
        query = query.where(or_(Staff.name.ilike(like, escape="/"), Staff.email.ilike(like, escape="/")))
    if role in ROLES:
        query = query.where(Staff.id.in_(select(Grant.staff_id).where(Grant.role == role)))
    page = paging.things(door.db(), query)
    away = {one.id for one in page.rows if covers.is_away(door.runtime(), one)}
    return render_template("directory/staff.html", page=page, q=words, role=role, roles=ROLES, away=away)


@bp.get("/<int:staff_id>")
@may("admin")
def show(staff_id: int) -> ResponseReturnValue:
    return _person(staff_id)


def _person(staff_id: int, wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    session = door.db()
    person = session.get(Staff, staff_id)
    if person is None:
        raise NotFound("there is no such member of staff")
    html = render_template(
        "directory/person.html",
        person=person,
        languages=own_line.LANGUAGES,
        absence=absence.Form.of(session, door.runtime(), person),
        held=handover.held(session, person.id),
        successors=handover.successors(session, door.runtime(), person),
        wrong=wrong or {},
    )
    return make_response(html, status)


@bp.post("/<int:staff_id>/unlock")
@may("admin")
def unlock(staff_id: int) -> ResponseReturnValue:
    person = pins.unlock(door.db(), door.runtime(), door.me(), staff_id)
    door.commit()
    flash(f"The PIN of {person.name} may be tried again.")
    return redirect(url_for(".show", staff_id=staff_id))


@bp.post("/<int:staff_id>/language")
@may("admin")
def language(staff_id: int) -> ResponseReturnValue:
    wanted = request.form.get("language", "")
    person = own_line.set_language(door.db(), door.runtime(), door.me(), staff_id, wanted)
    door.commit()
    flash(f"The telephone speaks to {person.name} in that language.")
    return redirect(url_for(".show", staff_id=staff_id))


@bp.post("/<int:staff_id>/away")
@may("admin")
def away(staff_id: int) -> ResponseReturnValue:
    try:
        until, cover_id = absence.asked()
        person = covers.set_away(door.db(), door.runtime(), door.me(), staff_id, until, cover_id)
    except Refused as refused:
        door.only_look()
        return _person(staff_id, refused.fields, 422)
    door.commit()
    flash(absence.done(person))
    return redirect(url_for(".show", staff_id=staff_id))


@bp.post("/<int:staff_id>/roles")
@may("admin")
def roles(staff_id: int) -> ResponseReturnValue:
    person = accounts.set_roles(door.db(), door.runtime(), door.me(), staff_id, request.form.getlist("roles"))
    door.commit()
    flash(f"The roles of {person.name} are saved.")
    return redirect(url_for(".index", **_same_view()))


@bp.post("/<int:staff_id>/active")
@may("admin")
def active(staff_id: int) -> ResponseReturnValue:
    wanted = request.form.get("active") == "yes"
    try:
        person = accounts.set_active(door.db(), door.runtime(), door.me(), staff_id, wanted)
    except StateConflict as error:
        door.only_look()
        return _person(staff_id, {"to": f"is not chosen yet: {error}"}, 409)
    door.commit()
    flash(f"{person.name} {'may sign in again' if wanted else 'is out: their sessions and tokens have ended'}.")
    return redirect(url_for(".index", **_same_view()))


@bp.post("/<int:staff_id>/handover")
@may("admin")
def hand_over(staff_id: int) -> ResponseReturnValue:
    session, runtime, admin, to = door.db(), door.runtime(), door.me(), request.form.get("to", "")
    leaves = request.form.get("leaves") == "yes"
    try:
        if not (to.isascii() and to.isdigit() and len(to) < 19):
            raise Refused({"to": "must be chosen from the list"})
        theirs = handover.hand_over(session, runtime, admin, staff_id, int(to))
        if leaves:
            accounts.set_active(session, runtime, admin, staff_id, False)
    except Refused as refused:
        door.only_look()
        return _person(staff_id, refused.fields, 422)
    door.commit()
    flash(
        f"Handed over: {theirs.in_words()}.{' They are out: their sessions and tokens have ended.' if leaves else ''}"
    )
    return redirect(url_for(".show", staff_id=staff_id))


def _same_view() -> dict[str, Any]:
    """The filters of the list that the form was on."""
    return {name: value for name in ("q", "role", "page") if (value := request.form.get(name, ""))}
