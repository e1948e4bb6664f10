"""Pages for officers: what waits, one alert exactly as it will go out and to whom, and the decision."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import decisions, escalation, review, submission, written
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Customer, ListMember, Message, Version, VersionList
from dispatcher.model.errors import DigestConflict, NotFound, Refused
from dispatcher.model.ports import CODE_TAG, PREFS_TAG, REPLY_TAG, Rendition
from dispatcher.runtime import Runtime
from dispatcher.services import audience, forecast, lag, renditions

bp = Blueprint("approvals", __name__, url_prefix="/approvals", template_folder="templates")

DONE = {
    "approve": "Approved. It goes out now, or at its release time.",
    "return": "Returned to the author, with your reason.",
    "reject": "Rejected. It will not be sent.",
}
# A mail is full of styles of its own and may hold nothing else; the frame around it forbids scripts and forms too.
MAIL_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
PEOPLE_PER_PAGE = 50
# What a channel carries, in words for its rate.
UNITS = {"email": ("mail", "mails"), "sms": ("text", "texts"), "voice": ("call", "calls"), "fax": ("fax", "faxes")}


def register(app: Flask, runtime: Runtime) -> None:
    """Register the pages."""
    app.register_blueprint(bp)


@bp.get("")
@may("officer")
def queue() -> ResponseReturnValue:
    session, officer = door.db(), door.me()
    waiting = review.queue(session, officer)
    return render_template(
        # Our script fetches the list alone, to keep an open page up to date.
        "approvals/_waiting.html" if "part" in request.args else "approvals/queue.html",
        waiting=[(one, decisions.why_barred(session, officer, one), _people_listed(session, one)) for one in waiting],
        standing={one.id: escalation.standing(session, one) for one in waiting},
        like={one.id: submission.like(session, officer, one) for one in waiting},
    )


def _people_listed(session: Session, message: Message) -> int:
    """How many active customers the message's lists name, each once."""
    query = (
        select(func.count(ListMember.customer_id.distinct()))
        .join(VersionList, VersionList.list_id == ListMember.list_id)
        .join(Customer, Customer.id == ListMember.customer_id)
        .where(VersionList.version_id == message.current.id, Customer.active)
    )
    return session.scalar(query) or 0


@bp.get("/<int:message_id>")
@may("officer")
def show(message_id: int) -> ResponseReturnValue:
    return _page(_get(message_id))


def _get(message_id: int) -> Message:
    message = submission.get(door.db(), door.me(), message_id)
    if message.state == "draft":
        raise NotFound(f"message {message_id} has not been submitted")
    return message


def _page(
    message: Message,
    *,
    wrong: dict[str, str] | None = None,
    comment: str = "",
    conflict: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    session, runtime, officer = door.db(), door.runtime(), door.me()
    version = message.current
    # Before what is shown of it: somebody who is added between the two makes the approval ask again, and is not missed.
    seen = audience.fingerprint(session, version)
    foretold = audience.preview(session, runtime, version)
    start, plan = forecast.begin(runtime, message), lag.plan_of(runtime, foretold.foretold)
    html = render_template(
        "approvals/show.html",
        message=message,
        version=version,
        standing=escalation.standing(session, message),
        audience=foretold,
        audience_seen=seen,
        last_at={name: start + timedelta(seconds=one.seconds) for name, one in foretold.foretold.items()},
        units=UNITS,
        plan=plan,
        texts=[lag.words(runtime, language, plan.longest) for language in ("en", "de")] if plan.text_first else [],
        renditions=_renditions(runtime, version),
        unreadable=renditions.unreadable(runtime, version),
        barred=decisions.why_barred(session, officer, message),
        like=submission.like(session, officer, message) if message.state in ("pending", "approved") else [],
        earlier=[one for one in message.decisions if one.version_id != version.id],
        decided=next((one for one in message.decisions if one.version_id == version.id), None),
        reasons=review.reasons_of(session, message),
        unproven=written.is_unproven(version),
        code=review.code_of(version.digest),
        wrong=wrong or {},
        comment=comment,
        conflict=conflict,
    )
    return make_response(html, status)


def _renditions(runtime: Runtime, version: Version) -> dict[str, Rendition]:
    """What each channel carries, for those that have a provider; all where none has."""
    found = renditions.for_channels(runtime, version)
    usable = runtime.usable_channels()
    return {name: one for name, one in found.items() if name in usable} or found


@bp.post("/<int:message_id>")
@may("officer")
def decide(message_id: int) -> ResponseReturnValue:
    decision, comment = request.form.get("decision", ""), request.form.get("comment", "").replace("\r\n", "\n")
    digest = request.form.get("digest", "")
    try:
        decisions.decide(
            door.db(), door.runtime(), door.me(), message_id, decision, digest, comment,
            via="page", audience_seen=request.form.get("audience", ""),
        )  # fmt: skip
        door.commit()
    except Refused as refused:
        door.only_look()
        return _page(_get(message_id), wrong=refused.fields, comment=comment, status=422)
    except DigestConflict as conflict:
        door.only_look()
        message = _get(message_id)
        if not _is_mine(message, decision, digest):
            return _page(message, comment=comment, conflict=str(conflict), status=409)
    flash(DONE[decision])
    return redirect(url_for(".queue"))


def _is_mine(message: Message, decision: str, digest: str) -> bool:
    """True when this very decision was taken just before: the button was pressed twice."""
    officer = door.me()
    return any(
        (one.officer_id, one.decision, one.digest) == (officer.id, decision, digest) for one in message.decisions
    )


@bp.get("/<int:message_id>/mail/<int:number>")
@may("officer")
def mail(message_id: int, number: int) -> ResponseReturnValue:
    """The mail's HTML as customers get it, for the frame."""
    version = next((one for one in _get(message_id).versions if one.number == number), None)
    if version is None:
        raise NotFound("there is no such mail")
    response = Response(_without_tags(renditions.for_channel(door.runtime(), version, "email").html))
    response.headers["Content-Security-Policy"] = MAIL_CSP
    return response


def _without_tags(text: str) -> str:
    """Each customer has links and a code of their own in the tags' place."""
    for tag, example in ((REPLY_TAG, "their-own-link"), (PREFS_TAG, "their-own-link"), (CODE_TAG, "THEIR-OWN-CODE")):
        text = text.replace(tag, example)
    return text


@bp.app_template_filter("plain_links")
def plain_links(text: str) -> str:
    """A rendition's words with an example in place of each customer's own link."""
    return _without_tags(text)


@bp.get("/<int:message_id>/people")
@may("officer")
def people(message_id: int) -> ResponseReturnValue:
    """Who gets it, by which channel and because of what; with `out`, who is left out and why. Page by page."""
    message = _get(message_id)
    session, runtime, version = door.db(), door.runtime(), message.current
    out = "out" in request.args
    foretold = audience.preview(session, runtime, version)
    total = foretold.unreachable if out else foretold.recipients
    pages = max(1, -(-total // PEOPLE_PER_PAGE))
    number = request.args.get("page", "1")
    page = min(max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 8 else 1, pages)
    found = audience.people(session, runtime, version, PEOPLE_PER_PAGE, (page - 1) * PEOPLE_PER_PAGE, unreachable=out)
    return render_template(
        "approvals/people.html",
        message=message, version=version, people=found, total=total, page=page, pages=pages, out=out,
        unreachable=foretold.unreachable,
    )  # fmt: skip
