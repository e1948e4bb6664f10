"""How the desk stands and who listens; tables of what is remembered as files."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.services import desk, engagement, exports
from dispatcher.services.exports import Asked
from dispatcher.web import paging

bp = Blueprint("desk", __name__)


@bp.get("/reports/desk")
@may("rep", "compliance", "admin")
def show() -> ResponseReturnValue:
    """What is open and how old it is; for administrators of everybody."""
    session, staff = door.db(), door.me()
    return render_template(
        "reports/desk.html",
        desks=desk.desks(session, door.runtime(), staff),
        waiting=desk.on_desk(session, staff),
        everybody=staff.has("admin"),
    )


@bp.get("/reports/engagement")
@may("analyst", "officer", "rep", "admin")
def listens() -> ResponseReturnValue:
    """Who listens, by list."""
    found = engagement.of_lists(door.db(), door.runtime(), door.me())
    return render_template("reports/engagement.html", page=paging.of(found, 100), definition=engagement.DEFINITION)


@bp.get("/exports/<key>.csv")
@may("analyst", "officer", "rep", "compliance", "admin")
def export(key: str) -> ResponseReturnValue:
    """One of the tables as a file for a spreadsheet. Its rows are read, a piece at a time, after it is on record."""
    asked = Asked(
        message=_number("message"),
        customer=request.args.get("customer") or None,
        since=_moment("since"),
        until=_moment("until"),
        separator={"semicolon": ";", "tab": "\t"}.get(request.args.get("separator", ""), ","),
        bom=request.args.get("bom") != "0",
    )
    with door.writer() as writing:
        pieces = exports.export(writing, door.runtime(), door.me(), key, asked)
    answer = Response((piece.encode() for piece in pieces), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={key}.csv"
    return answer


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _moment(name: str) -> datetime | None:
    """A time with its zone; what is none narrows nothing down."""
    try:
        found = datetime.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if found.tzinfo else None
