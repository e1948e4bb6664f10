"""Tasks, which only a person can settle; and who asks."""

from __future__ import annotations

from sqlalchemy.orm import selectinload

from dispatcher.api.calls import Act, call
from dispatcher.api.paging import page
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.directory import Me
from dispatcher.api.shapes.inbox import TaskAnswer, TaskInfo, TaskQuery
from dispatcher.model import ROLES, Task
from dispatcher.services import resend, tasks


@call(
    "GET", "/tasks",
    title="What only a person can settle, oldest first",
    about="Customers out of reach, failed deliveries, outcomes nobody knows. Yours; for administrators all.",
    tag="Inbox", answers={200: Page[TaskInfo]},
)  # fmt: skip
def list_tasks(act: Act, query: TaskQuery) -> Page[TaskInfo]:
    chosen = tasks.visible(act.session, act.staff, query.state).options(
        selectinload(Task.customer), selectinload(Task.rep)
    )
    if query.message is not None:
        chosen = chosen.where(Task.message_id == query.message)
    some, following = page(act.session, chosen, Task.id, limit=query.limit, cursor=query.cursor)
    return Page(items=[_info(one) for one in some], next_cursor=following)


@call("POST", "/tasks/<row:task_id>/close", title="Say that it is done", tag="Inbox", answers={200: TaskInfo})
def close_task(act: Act, task_id: int) -> TaskInfo:
    return _info(tasks.close(act.session, act.runtime, act.staff, task_id))


@call(
    "POST", "/tasks/<row:task_id>/answer", "rep", "admin",
    title="Settle a doubt, or a delivery that was set aside",
    about="For administrators, and for the representative of all whom it is for. 409 where it has moved on meanwhile: "
    "a callback, or a colleague, was quicker. The same answer twice does nothing.",
    tag="Inbox", answers={200: TaskInfo}, problems=(409,),
)  # fmt: skip
def answer_task(act: Act, task_id: int, body: TaskAnswer) -> TaskInfo:
    done = resend.answer(act.session, act.runtime, act.staff, task_id, body.answer, call_again=body.call_again)
    return _info(done)


@call("GET", "/me", title="Whose token this is", tag="Directory", answers={200: Me})
def get_me(act: Act) -> Me:
    roles = [role for role in ROLES if role in act.staff.roles]
    return Me(email=act.staff.email, name=act.staff.name, roles=roles)


def _info(task: Task) -> TaskInfo:
    return TaskInfo.model_validate(
        {
            "id": task.id,
            "kind": task.kind,
            "customer": task.customer.key if task.customer else None,
            "message": task.message_id,
            "delivery": task.delivery_id,
            "rep": task.rep.email if task.rep else None,
            "text": task.text,
            "state": task.state,
            "answers": list(resend.answers_to(task)),
            "answer": task.answer,
            "created_at": task.created_at,
            "closed_at": task.closed_at,
        }
    )
