"""Release reports: when everybody was reached, and how far apart the first and the last."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from approvals import submission
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Message
from dispatcher.model.errors import NotFound
from dispatcher.services import report
from dispatcher.web import paging, progress

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("")
@may("analyst", "officer", "admin")
def index() -> ResponseReturnValue:
    session = door.db()
    query = submission.visible(session, door.me()).where(Message.released_at.is_not(None))
    page = paging.things(session, query.options(selectinload(Message.versions)))
    return render_template(
        "reports/index.html",
        page=page,
        sums=progress.sums(session, [message.id for message in page.rows]),
        spreads=progress.spreads(session, [message.id for message in page.rows]),
    )


@bp.get("/<int:message_id>")
@may("analyst", "officer", "admin")
def show(message_id: int) -> ResponseReturnValue:
    session = door.db()
    message = submission.get(session, door.me(), message_id)
    if message.released_at is None:
        raise NotFound(f"message {message_id} has not been released")
    return render_template(
        "reports/show.html", message=message, report=report.release_report(session, message_id),
        channels=progress.by_channel(session, message_id),
    )  # fmt: skip
