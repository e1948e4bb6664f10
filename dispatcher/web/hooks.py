"""Outgoing webhooks: who is told of what, what became of each post, and telling it again."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import selectinload

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import HookPost
from dispatcher.model.errors import Refused
from dispatcher.services import hook_bodies, hooks
from dispatcher.web import paging

bp = Blueprint("hooks", __name__, url_prefix="/directory/hooks")
STATES = ("queued", "sending", "sent", "failed")
LABELS = {"url": "Address", "events": "Events", "about": "What it is for"}


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    return _index()


def _index(wrong: dict[str, str] | None = None, secret: str = "", status: int = 200) -> ResponseReturnValue:
    html = render_template(
        "hooks/index.html",
        hooks=door.db().scalars(hooks.visible(door.db(), door.me())).all(),
        names=hook_bodies.NAMES,
        typed=request.form,
        wrong=wrong or {},
        labels=LABELS,
        secret=secret,
    )
    answer = make_response(html, status)
    answer.headers["Cache-Control"] = "no-store"  # a secret may be on it
    return answer


@bp.post("")
@may("admin")
def make() -> ResponseReturnValue:
    """The page that answers shows the secret, once; so it is no redirect."""
    given = request.form
    try:
        _, secret = hooks.make(
            door.db(), door.runtime(), door.me(), given.get("url", ""), _events(), given.get("about", "")
        )
        door.commit()
    except Refused as refused:
        door.only_look()
        return _index(refused.fields, status=422)
    return _index(secret=secret)


def _events() -> list[str]:
    return request.form.get("events", "").replace(",", " ").split()


@bp.get("/<int:hook_id>")
@may("admin")
def show(hook_id: int) -> ResponseReturnValue:
    return _show(hook_id)


def _show(
    hook_id: int, wrong: dict[str, str] | None = None, secret: str = "", status: int = 200
) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    posts = hooks.posts(session, staff, hook_id, state or None).options(selectinload(HookPost.event))
    html = render_template(
        "hooks/show.html",
        hook=hooks.get(session, staff, hook_id),
        page=paging.things(session, posts),
        state=state,
        states=STATES,
        numbers={one: paging.number(session, hooks.posts(session, staff, hook_id, one)) for one in STATES},
        typed=request.form,
        wrong=wrong or {},
        labels=LABELS,
        names=hook_bodies.NAMES,
        secret=secret,
    )
    answer = make_response(html, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/<int:hook_id>")
@may("admin")
def change(hook_id: int) -> ResponseReturnValue:
    given = request.form
    try:
        hooks.change(
            door.db(), door.runtime(), door.me(), hook_id,
            url=given.get("url", ""), events=_events(), about=given.get("about", ""),
        )  # fmt: skip
        door.commit()
    except Refused as refused:
        door.only_look()
        return _show(hook_id, refused.fields, status=422)
    return _back(hook_id, "Changed.")


@bp.post("/<int:hook_id>/state")
@may("admin")
def set_state(hook_id: int) -> ResponseReturnValue:
    state = request.form.get("state", "")
    hooks.change(door.db(), door.runtime(), door.me(), hook_id, state=state)
    door.commit()
    return _back(hook_id, f"It is {state} now.")


@bp.post("/<int:hook_id>/rotate")
@may("admin")
def rotate(hook_id: int) -> ResponseReturnValue:
    secret = hooks.rotate(door.db(), door.runtime(), door.me(), hook_id)
    door.commit()
    return _show(hook_id, secret=secret)


@bp.post("/<int:hook_id>/test")
@may("admin")
def ping(hook_id: int) -> ResponseReturnValue:
    hooks.ping(door.db(), door.runtime(), door.me(), hook_id)
    door.commit()
    return _back(hook_id, "A test event is on its way.")


@bp.post("/<int:hook_id>/replay")
@may("admin")
def replay(hook_id: int) -> ResponseReturnValue:
    event = request.form.get("event", "")[:64]
    count = hooks.replay(door.db(), door.runtime(), door.me(), hook_id, event=event or None, failed=not event)
    door.commit()
    return _back(hook_id, f"{count} {'event is' if count == 1 else 'events are'} told again.")


def _back(hook_id: int, done: str) -> ResponseReturnValue:
    flash(done)
    return redirect(url_for(".show", hook_id=hook_id))
