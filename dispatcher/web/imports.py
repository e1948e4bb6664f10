"""The directory from CSV files: first what would happen, then doing it."""

from __future__ import annotations

import hashlib

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Media, Staff
from dispatcher.model.errors import Refused
from dispatcher.services import imports, media
from dispatcher.services.imports import ImportResult

bp = Blueprint("imports", __name__, url_prefix="/directory/import")
KINDS = {"customers": imports.import_customers, "staff": imports.import_staff}
MAX_SHOWN = 200


@bp.get("")
@may("admin")
def form() -> ResponseReturnValue:
    return _page()


def _page(
    result: ImportResult | None = None,
    *,
    what: str = "customers",
    token: str = "",
    name: str = "",
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    html = render_template(
        "directory/import.html", result=result, what=what, token=token, name=name, wrong=wrong or {}, most=MAX_SHOWN
    )
    return make_response(html, status)


@bp.post("/try")
@may("admin")
def attempt() -> ResponseReturnValue:
    """The dry run: what the file would do, and a token by which the same bytes can then be applied."""
    what = request.form.get("what", "")
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    wrong = {} if what in KINDS else {"what": "must be staff or customers"}
    if not content:
        wrong["file"] = "is missing or empty: choose a CSV file"
    if wrong:
        return _page(what=what if what in KINDS else "customers", wrong=wrong, status=422)
    staff = door.me()
    try:
        result = KINDS[what](door.db(), door.runtime(), content, dry_run=True, actor=staff)
    except Refused as refused:
        door.only_look()
        return _page(what=what, wrong={"file": "; ".join(refused.fields.values())}, status=422)
    door.only_look()
    with door.writer() as session:
        row = media.store(session, content, "text/csv")
        token = _serializer().dumps([staff.id, what, row.id])
    return _page(result, what=what, token=str(token), name=sent.filename if sent and sent.filename else "")


@bp.post("/apply")
@may("admin")
def apply() -> ResponseReturnValue:
    staff = door.me()
    what, content = _kept(staff, request.form.get("token", ""))
    result = KINDS[what](door.db(), door.runtime(), content, dry_run=False, actor=staff)
    door.commit()
    flash(result.summary() + ".")
    return redirect(url_for("directory.customers" if what == "customers" else "staff.index"))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(door.runtime().key("kept import"))


def _kept(staff: Staff, token: str) -> tuple[str, bytes]:
    """What was tried before, and its very bytes."""
    gone = Refused({"file": "is no longer at hand: choose it again"})
    try:
        staff_id, what, media_id = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise gone from None
    row = door.db().get(Media, media_id)
    if row is None or staff_id != staff.id or hashlib.sha256(row.content).hexdigest() != row.sha256:
        raise gone
    return str(what), row.content
