"""The page behind the link that submits a draft: it shows the alert, and has one button. For its author, without a
sign-in, for the link went to their own address; opening it changes nothing."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from approvals import one_press
from dispatcher import door
from dispatcher.door import by_token
from dispatcher.model.errors import NotFound, Refused, StateConflict
from dispatcher.services import references
from dispatcher.services.audit import record
from dispatcher.web import files, limits, lists, wording

bp = Blueprint("confirm", __name__, url_prefix="/s")

# A person presses once or twice, and hears it a few times; a robot does neither.
PRESSES, PLAYS = "30/hour", "30/hour"


@bp.get("/<token>")
@by_token
def show(token: str) -> ResponseReturnValue:
    return _page(token)


def _page(token: str, wrong: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    found = one_press.look(session, runtime, token)
    version, message = found.version, found.message
    wording.only("en")  # as all pages of members of staff
    open_ = found.standing == "open"
    html = render_template(
        "confirm.html",
        token=token,
        found=found,
        message=message,
        version=version,
        reference=references.of(runtime, message.id),
        customers=one_press.customers_of(session, version) if open_ else 0,
        choice=lists.with_counts(session, message.author) if open_ and not version.lists else [],
        chosen=request.form.getlist("lists") if request.method == "POST" else [],
        line=runtime.settings.analyst_line,
        wrong=wrong or {},
    )
    return make_response(html, status)


@bp.post("/<token>")
@by_token
def submit(token: str) -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    limits.require("presses of", str(one_press.look(session, runtime, token).version.id), PRESSES)
    try:
        one_press.submit(session, runtime, token, request.form.getlist("lists"))
    except Refused as refused:
        door.only_look()
        return _page(token, refused.fields, 422)
    except StateConflict:
        door.only_look()
        return _page(token, status=409)
    door.commit()
    return redirect(url_for(".show", token=token))


@bp.get("/<token>/recording")
@by_token
def recording(token: str) -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    found = one_press.look(session, runtime, token)
    if found.standing != "open" or found.version.recording is None:
        raise NotFound("there is no such page")
    if files.begins_play():
        limits.require("plays of", str(found.version.id), PLAYS)
        with door.writer() as writer:
            # Whoever holds the link has not signed in: it is on record as the link's play, not as a person's.
            record(
                writer, runtime, "system", "play recording", f"message {found.message.id}",
                version=found.version.number, by="the link that submits it",
            )  # fmt: skip
    return files.audio(found.version.recording)
