"""Writing and editing a message. Every wrong field is shown at its field, and nothing typed is lost."""

from __future__ import annotations

import logging

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from approvals import submission, twins
from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Message, Staff, Version
from dispatcher.model.errors import Refused, StateConflict
from dispatcher.model.message import EDITABLE
from dispatcher.services import idempotency, local_time
from dispatcher.web import compose_form, filters, lists
from dispatcher.web.compose_form import Form

log = logging.getLogger(__name__)

bp = Blueprint("compose", __name__, url_prefix="/messages")

VALIDITY = ((900, "15 minutes"), (1800, "30 minutes"), (3600, "1 hour"), (7200, "2 hours"), (14400, "4 hours"),
            (28800, "8 hours"), (86400, "1 day"))  # fmt: skip


@bp.get("/new")
@may("analyst")
def new() -> ResponseReturnValue:
    return _page(Form(zone=filters.zone().key), None)


@bp.post("/new")
@may("analyst")
def create() -> ResponseReturnValue:
    staff = door.me()
    form = compose_form.read(staff)
    draft = request.form.get("act") == "draft"
    try:
        form.require()
        # Pressed twice, sent once: the same form with the same words is the same message.
        key, print_ = f"form:{form.once}:{form.fingerprint()}", form.fingerprint()
        known = idempotency.claim(door.db(), door.runtime(), staff, key, print_)
        if known is not None:
            return _here_already(int(known.body))
        message = submission.create(door.db(), door.runtime(), staff, form.submission(), draft=draft, via="page")
        if (twin := twins.again(door.db(), message)) is not None:
            door.only_look()
            return _here_already(twin)
        idempotency.keep(door.db(), staff, key, 201, str(message.id))
        door.commit()
    except Refused as refused:
        return _again(form, None, refused.fields)
    return _done(message, draft)


def _here_already(message_id: int) -> ResponseReturnValue:
    flash("You have written exactly this within the hour: here it is, once.")
    return redirect(url_for("messages.show", message_id=message_id))


@bp.get("/<int:message_id>/edit")
@may("analyst")
def edit(message_id: int) -> ResponseReturnValue:
    message = submission.get(door.db(), door.me(), message_id)
    if message.state not in EDITABLE:
        raise StateConflict(f"a message that is {message.state} cannot be edited any more", state=message.state)
    return _page(Form.of(message, filters.zone().key), message)


@bp.post("/<int:message_id>/edit")
@may("analyst")
def save(message_id: int) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    message = submission.get(session, staff, message_id)
    form = compose_form.read(staff, message)
    if str(message.version) != request.form.get("version", ""):
        return _overtaken(form, message_id)
    try:
        form.require()
        changes = form.changes(message)
        if changes:
            message = submission.edit(session, door.runtime(), staff, message_id, changes, via="page")
        if request.form.get("act") != "draft" and message.state in ("draft", "returned", "withdrawn"):
            message = submission.submit(session, door.runtime(), staff, message_id)
        door.commit()
    except Refused as refused:
        return _again(form, message_id, refused.fields)
    return _done(message, message.state in ("draft", "returned", "withdrawn"))


def _done(message: Message, draft: bool) -> ResponseReturnValue:
    flash("Saved. Nobody has been told yet." if draft else "Submitted. The officers have been told.")
    if not draft:
        _say_if_like(message.id)
    return redirect(url_for("messages.show", message_id=message.id))


def _say_if_like(message_id: int) -> None:
    """It is submitted, and the officers told, whatever becomes of this."""
    door.only_look()
    try:
        session, staff = door.db(), door.me()
        like = submission.like(session, staff, submission.get(session, staff, message_id))
    except SQLAlchemyError:
        log.exception("message %d is submitted; what is like it could not be looked up", message_id)
        return
    if like:
        flash(f"It is very like alert {like[0].message_id}, which stands as {like[0].state}: the officers see both.")


def _again(form: Form, message_id: int | None, wrong: dict[str, str]) -> ResponseReturnValue:
    """The form once more with what was typed, and what is wrong at its field. Good files need no second upload."""
    door.only_look()
    form.wrong = wrong
    staff = door.me()
    form.keep_files(staff)
    message = submission.get(door.db(), staff, message_id) if message_id else None
    return _page(form, message, 422)


def _overtaken(form: Form, message_id: int) -> ResponseReturnValue:
    """Somebody saved another version while this one was being written: theirs is not overwritten unseen."""
    door.only_look()
    form.overtaken = True
    staff = door.me()
    form.keep_files(staff)
    return _page(form, submission.get(door.db(), staff, message_id), 409)


def _page(form: Form, message: Message | None, status: int = 200) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    html = render_template(
        "messages/form.html",
        form=form,
        message=message,
        lists=lists.with_counts(session, staff),
        topics=_topics(staff),
        validity=_validity(form),
        zones=_zones(form),
    )
    return make_response(html, status)


def _zones(form: Form) -> list[str]:
    """To choose from; and the one that a browser, or somebody before, has named otherwise."""
    more = [form.zone] if form.zone in local_time.names() else []
    return list(dict.fromkeys([*local_time.places(), *more]))


def _topics(staff: Staff) -> list[str]:
    query = select(Version.topic).where(Version.topic != "").distinct().order_by(Version.topic).limit(200)
    return list(door.db().scalars(query))


def _validity(form: Form) -> list[tuple[str, str]]:
    choices = [(str(seconds), words) for seconds, words in VALIDITY]
    if form.valid_for not in dict(choices) and form.valid_for.isascii() and form.valid_for.isdigit():
        choices.append((form.valid_for, filters.duration(int(form.valid_for))))
    return choices
