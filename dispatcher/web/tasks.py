"""What only a person can settle."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Task
from dispatcher.services import tasks
from dispatcher.web import paging

bp = Blueprint("tasks", __name__, url_prefix="/tasks")


@bp.get("")
@may("rep", "admin")
def index() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = "closed" if request.args.get("state") == "closed" else "open"
    query = tasks.visible(session, staff, state)
    if state == "closed":
        query = query.order_by(None).order_by(Task.closed_at.desc())
    return render_template(
        "tasks.html",
        page=paging.things(session, query),
        state=state,
        open_ones=paging.number(session, tasks.visible(session, staff)),
    )


@bp.post("/<int:task_id>/done")
@may("rep", "admin")
def done(task_id: int) -> ResponseReturnValue:
    tasks.close(door.db(), door.runtime(), door.me(), task_id)
    door.commit()
    flash("Done.")
    return redirect(url_for(".index"))
