"""What only a person can settle."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import Task
from dispatcher.services import correcting, resend, tasks
from dispatcher.web import paging

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

# What stands on the button of each answer, and what is said once it was pressed.
WORDS = {
    "arrived": ("It arrived", "Noted: it arrived."),
    "again": ("Send it again", "It is sent again."),
    "next": ("Next channel", "It goes on to the next channel."),
    "leave": ("Leave it", "It is left as it is."),
    "opt-out": ("It is an opt-out", "Noted: nothing more goes there."),
    "not": ("It is not", "Noted: alerts go there again."),
}


def _answers_to(task: Task) -> tuple[str, ...]:
    return correcting.answers_to(task) or resend.answers_to(task)


@bp.get("")
@may("rep", "admin")
def index() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    state = "closed" if request.args.get("state") == "closed" else "open"
    query, order = tasks.visible(session, staff, state), paging.asked_order()
    if state == "closed":
        query = query.order_by(None).order_by(Task.closed_at if order else Task.closed_at.desc())
    elif order:
        query = query.order_by(None).order_by(Task.id.desc())
    return render_template(
        "tasks.html",
        page=paging.things(session, query),
        state=state,
        order=order,
        answers_to=_answers_to,
        words=WORDS,
        open_ones=paging.number(session, tasks.visible(session, staff)),
    )


@bp.post("/<int:task_id>/done")
@may("rep", "admin")
def done(task_id: int) -> ResponseReturnValue:
    tasks.close(door.db(), door.runtime(), door.me(), task_id)
    door.commit()
    flash("Done.")
    return redirect(url_for(".index"))


@bp.post("/<int:task_id>/answer")
@may("rep", "admin")
def answer(task_id: int) -> ResponseReturnValue:
    word = request.form.get("answer", "")
    sure = request.form.get("call_again") == "yes"
    if word in correcting.ANSWERS:
        correcting.answer(door.db(), door.runtime(), door.me(), task_id, word)
    else:
        resend.answer(door.db(), door.runtime(), door.me(), task_id, word, call_again=sure)
    door.commit()
    flash(WORDS[word][1])
    return redirect(url_for(".index"))
