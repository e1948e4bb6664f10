"""Release reports: when everybody was reached, how far apart the first and the last, and whether evenly."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from approvals import submission
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Message
from dispatcher.model.errors import NotFound
from dispatcher.services import report
from dispatcher.web import paging, progress, report_files, report_plot

bp = Blueprint("reports", __name__, url_prefix="/reports")

# The certificate brings its own style and nothing else.
CERTIFICATE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


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


def _released(message_id: int) -> Message:
    message = submission.get(door.db(), door.me(), message_id)
    if message.released_at is None:
        raise NotFound(f"message {message_id} has not been released")
    return message


@bp.get("/<int:message_id>")
@may("analyst", "officer", "admin")
def show(message_id: int) -> ResponseReturnValue:
    session, message = door.db(), _released(message_id)
    found = report.measured(session, message_id)
    return render_template(
        "reports/show.html",
        message=message,
        report=found.figures,
        plot=report_plot.plot(found.deliveries),
        tests=report_files.by_channel(found.figures["evenness"]["tests"]),
        channels={name: progress.Sum(found.deliveries.by_state(name)) for name in found.deliveries.channels},
        most_firms=report_files.MOST_FIRMS,
    )


@bp.get("/<int:message_id>/report.json")
@may("analyst", "officer", "admin")
def as_json(message_id: int) -> ResponseReturnValue:
    """The figures as a file, with every firm and list."""
    message = _released(message_id)
    figures = report.release_report(door.db(), message.id)
    return _file(report_files.as_json(figures), "application/json", f"report-{message.id}.json")


@bp.get("/<int:message_id>/certificate.html")
@may("analyst", "officer", "admin")
def certificate(message_id: int) -> ResponseReturnValue:
    """The certificate of even release: one page that needs nothing else."""
    message, runtime = _released(message_id), door.runtime()
    text = report_files.certificate(report.measured(door.db(), message.id), runtime.settings.firm_name, runtime.now())
    answer = _file(text, "text/html; charset=utf-8", f"certificate-{message.id}.html")
    answer.headers["Content-Security-Policy"] = CERTIFICATE_CSP
    return answer


def _file(text: str, kind: str, name: str) -> Response:
    answer = Response(text, content_type=kind)
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer
