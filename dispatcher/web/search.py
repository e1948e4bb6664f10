"""Search over conversations, for those who have any."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model.errors import Refused
from dispatcher.services import search

bp = Blueprint("search", __name__, url_prefix="/inbox/search")
PER_PAGE = 25


@bp.get("")
@may("rep", "compliance", "analyst", "admin")
def index() -> ResponseReturnValue:
    words = request.args.get("q", "").strip()[:300]
    wrong: dict[str, str] = {}
    found = search.Found([])
    try:
        found = search.find(door.db(), door.me(), words, limit=PER_PAGE, before=_before())
    except Refused as refused:
        wrong = refused.fields
    following = url_for(".index", q=words, before=found.following) if found.following else ""
    return render_template(
        "inbox/search.html", q=words, found=found, wrong=wrong, following=following, first="before" not in request.args
    )


def _before() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
