"""Sending itself, for administrators: paused or not, what waits, how much of the caps is used."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Pause
from dispatcher.services import caps, pause

bp = Blueprint("sending", __name__, url_prefix="/sending")


def standing() -> Pause | None:
    """The pause that every page for staff shows while it lasts."""
    return pause.in_force(door.db()) if door.someone() else None


@bp.get("")
@may("admin")
def index() -> ResponseReturnValue:
    session, runtime = door.db(), door.runtime()
    return render_template(
        "sending.html",
        pause=pause.in_force(session),
        waiting=pause.waiting(session, runtime),
        letters_waiting=pause.letters_waiting(session),
        caps=caps.uses(session, runtime),
        history=pause.history(session),
    )


@bp.post("/pause")
@may("admin")
def stop() -> ResponseReturnValue:
    pause.begin(door.db(), door.runtime(), door.me(), request.form.get("reason", ""))
    door.commit()
    flash("Sending is paused. What is on its way stays so; nothing more starts.")
    return redirect(url_for(".index"))


@bp.post("/resume")
@may("admin")
def resume() -> ResponseReturnValue:
    look_up = request.form.get("look_up") != "no"
    pause.resume(door.db(), door.runtime(), door.me(), look_up=look_up)
    door.commit()
    flash("Sending goes on.")
    return redirect(url_for(".index"))
