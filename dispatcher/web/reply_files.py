"""What came with an answer: its files, always as downloads, and its page, in a document that can do nothing."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from dispatcher import door
from dispatcher.door import may
from dispatcher.model.errors import NotFound
from dispatcher.services import downloads, reply_files
from dispatcher.services.clean_html import cleaned
from dispatcher.web import files

bp = Blueprint("reply_files", __name__, url_prefix="/inbox/replies")

# Sandboxed it has no origin: whatever should slip through could neither act as the reader nor load or send anything.
_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@bp.get("/<int:reply_id>/files/<int:position>")
@may("rep", "compliance", "analyst", "admin")
def file(reply_id: int, position: int) -> Response:
    """One file; every download is on record."""
    session, staff = door.db(), door.me()
    found = downloads.file_of(session, staff, reply_id, position)
    assert found.media is not None
    content = found.media.read()
    with door.writer() as writing:
        downloads.on_record(writing, door.runtime(), staff, found)
    return files.saved(content, reply_files.served_as(content), reply_files.disposition(found))


@bp.get("/<int:reply_id>/html")
@may("rep", "compliance", "analyst", "admin")
def html(reply_id: int) -> ResponseReturnValue:
    """The page that a mail brought along, cleaned."""
    reply = downloads.reply_of(door.db(), door.me(), reply_id)
    if not reply.html:
        raise NotFound("this reply brought no page along")
    back = (
        url_for("inbox.show", conversation_id=reply.conversation_id)
        if reply.conversation_id
        else url_for("unmatched.index")
    )
    page = Markup(cleaned(reply.html))  # noqa: S704 - cleaned is what makes it safe, and the sandbox beside it
    response = make_response(render_template("reply_files/page.html", reply=reply, page=page, back=back))
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
