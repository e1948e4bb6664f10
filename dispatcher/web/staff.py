"""Members of staff and what they may do, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import ROLES, Grant, Staff
from dispatcher.services import accounts
from dispatcher.web import paging

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
    return render_template("directory/staff.html", page=page, q=words, role=role, roles=ROLES)


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
    person = accounts.set_active(door.db(), door.runtime(), door.me(), staff_id, wanted)
    door.commit()
    flash(f"{person.name} {'may sign in again' if wanted else 'is out: their sessions and tokens have ended'}.")
    return redirect(url_for(".index", **_same_view()))


def _same_view() -> dict[str, Any]:
    """The filters of the list that the form was on."""
    return {name: value for name in ("q", "role", "page") if (value := request.form.get(name, ""))}
