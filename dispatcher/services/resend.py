"""A person's word about what no machine can settle: it arrived, send it again, the next channel, leave it.

Nothing is ever sent twice on doubt by itself. Here somebody orders it, by name and on record.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Attempt, Conversation, Delivery, Letter, Staff, Task
from dispatcher.model.delivery import GOING, after
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import fallback, suppressions, tasks
from dispatcher.services.audit import record
from dispatcher.services.ownership import owner_of

ENDED_BADLY = frozenset({"failed", "bounced", "rejected"})
BY_PERSON = "person"  # the code of an attempt whose outcome a person has told
_ASKED = ("unknown", "poison", "failed")  # kinds of tasks that one answer about a delivery settles
_BY_KIND = {
    "unknown": ("arrived", "again", "next", "leave"),
    "poison": ("again", "next", "leave"),
    "failed": ("again",),
}
_NOT_RECEIVED = "a person says that it did not arrive"


def answers_to(task: Task) -> tuple[str, ...]:
    """What can be answered to a task with one press; nothing where it only can be called done."""
    answers = _BY_KIND.get(task.kind, ()) if task.state == "open" else ()
    if task.delivery_id is not None:
        return answers
    return tuple(one for one in answers if one != "next") if task.letter_id is not None else ()


def sole_owner(session: Session, target: Delivery | Letter) -> int | None:
    """The representative to whom everybody belongs it is for; None where there is none, or more than one."""
    if isinstance(target, Letter):
        whose = session.get(Conversation, target.conversation_id) if target.conversation_id else None
        return whose.rep_id if whose and target.customer_id else None
    owners = {owner.id if owner else None for owner in (owner_of(session, one.customer) for one in target.recipients)}
    return owners.pop() if len(owners) == 1 else None


def sole_customer(target: Delivery | Letter) -> int | None:
    """The only customer it is for."""
    if isinstance(target, Letter):
        return target.customer_id
    return target.recipients[0].customer_id if len(target.recipients) == 1 else None


def may_order(session: Session, staff: Staff, target: Delivery | Letter) -> bool:
    """True for administrators, and for the representative whose customers it is for, all of them."""
    return staff.has("admin") or (staff.has("rep") and sole_owner(session, target) == staff.id)


def answer(
    session: Session, runtime: Runtime, staff: Staff, task_id: int, word: str, *, call_again: bool = False
) -> Task:
    """Do what a person says of a doubtful or failed delivery or letter, and close what asked for it.

    `word` is arrived, again, next or leave; a call is only made again where `call_again` says so once more. The
    same answer twice does nothing. Raises NotFound, NotAllowed, Refused, and StateConflict where it has moved on.
    """
    seen = session.scalar(tasks.visible(session, staff, state=None).where(Task.id == task_id))
    if seen is None:
        raise NotFound(f"there is no task {task_id}")
    target = _held(session, Delivery, seen.delivery_id) or _held(session, Letter, seen.letter_id)
    task = tasks.locked(session, staff, task_id)
    if task.state != "open":
        if task.answer == word:
            return task
        raise StateConflict(f"the task is settled already{_said(task)}", state=task.state)
    if target is None or word not in answers_to(task):
        allowed = ", ".join(answers_to(task)) or "nothing: close it when it is done"
        raise Refused({"answer": f"must be one of {allowed}"})
    if not may_order(session, staff, target):
        raise NotAllowed("only an administrator or the representative of all whom it is for may answer this")
    _require_unmoved(target, "unknown" if task.kind == "unknown" else "")
    _do(session, runtime, staff, target, word, call_again)
    tasks.mark_closed(runtime, task, staff, word)
    record(
        session, runtime, staff, "answer task", f"{type(target).__name__.lower()} {target.id}",
        answer=word, task=task.id, kind=task.kind, message=target.message_id, attempt=_latest(session, target),
    )  # fmt: skip
    return task


def resend(session: Session, runtime: Runtime, staff: Staff, delivery_id: int, *, call_again: bool = False) -> Delivery:
    """Send a delivery that failed, or that nobody can say anything of, once more by order of a person.

    Raises NotFound, NotAllowed, Refused where a call is not confirmed, and StateConflict where it is on its way,
    has arrived, or may not be sent any more.
    """
    delivery = _held(session, Delivery, delivery_id)
    if not isinstance(delivery, Delivery) or not (staff.has("admin") or _concerns(session, staff, delivery)):
        raise NotFound(f"there is no delivery {delivery_id}")
    if not may_order(session, staff, delivery):
        raise NotAllowed("others share this address: only an administrator may order that it be sent again")
    _require_unmoved(delivery, "")
    _do(session, runtime, staff, delivery, "again", call_again)
    record(
        session, runtime, staff, "resend delivery", f"delivery {delivery.id}",
        message=delivery.message_id, channel=delivery.channel, attempt=_latest(session, delivery),
    )  # fmt: skip
    return delivery


def can_resend(delivery: Delivery) -> bool:
    """True where the state allows an order to send again: it ended badly, or waits for a person's answer."""
    return bool(delivery.recipients) and (
        delivery.state in ENDED_BADLY or (delivery.state == "unknown" and delivery.due_at is None)
    )


def _held(session: Session, table: type[Delivery] | type[Letter], number: int | None) -> Delivery | Letter | None:
    """The row, and before it its attempts, in the order in which everybody locks them."""
    if number is None:
        return None
    column = Attempt.delivery_id if table is Delivery else Attempt.letter_id
    session.scalars(
        select(Attempt)
        .where(column == number)
        .order_by(Attempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if table is Delivery:
        return session.get(Delivery, number, with_for_update=True, populate_existing=True)
    return session.get(Letter, number, with_for_update=True, populate_existing=True)


def _concerns(session: Session, staff: Staff, delivery: Delivery) -> bool:
    owners = (owner_of(session, one.customer) for one in delivery.recipients)
    return any(owner is not None and owner.id == staff.id for owner in owners)


def _said(task: Task) -> str:
    return f", by the answer “{task.answer}”" if task.answer else ""


def _latest(session: Session, target: Delivery | Letter) -> str:
    found = _last_attempt(session, target)
    return found.id if found else ""


def _last_attempt(session: Session, target: Delivery | Letter) -> Attempt | None:
    column = Attempt.delivery_id if isinstance(target, Delivery) else Attempt.letter_id
    return session.scalar(select(Attempt).where(column == target.id).order_by(Attempt.n.desc()).limit(1))


def _require_unmoved(target: Delivery | Letter, state: str) -> None:
    """What the person saw must still be so: a callback, or a colleague, may have been quicker."""
    if state:
        fits = target.state == state and target.due_at is None
    else:
        fits = target.state in ENDED_BADLY or (target.state == "unknown" and target.due_at is None)
    if not fits:
        raise StateConflict(f"it has moved on and is {target.state} now: nothing was changed", state=target.state)


def _do(
    session: Session, runtime: Runtime, staff: Staff, target: Delivery | Letter, word: str, call_again: bool
) -> None:
    if word == "again":
        _require_may_go(session, runtime, target, call_again)
    if word in ("again", "next"):
        _require_going(target)
    if isinstance(target, Delivery):
        _close_others(session, runtime, staff, target, word)
    last, now = _last_attempt(session, target), runtime.now()
    if word == "arrived":
        target.state = after(target.state, "accepted")
        target.accepted_at = target.accepted_at or (last.started_at if last else now)
        target.error = f"{staff.name} says that it arrived"[:300]
        if last:
            last.state, last.code, last.settled_at = "accepted", BY_PERSON, now
    elif word == "again":
        _again(session, runtime, staff, target, last)
    elif word == "next":
        assert isinstance(target, Delivery)
        _tell_failed(runtime, last)
        if target.state == "unknown":
            target.state, target.settled_at, target.error = "failed", now, _NOT_RECEIVED
        fallback.start(session, runtime, target, _NOT_RECEIVED)


def _again(session: Session, runtime: Runtime, staff: Staff, target: Delivery | Letter, last: Attempt | None) -> None:
    _tell_failed(runtime, last)
    if last:
        last.resent_by = staff.email
    target.state, target.due_at, target.settled_at, target.lease_until = "deferred", runtime.now(), None, None
    target.error, target.mishaps = f"to be sent again, by order of {staff.name}"[:300], 0
    if isinstance(target, Delivery):
        note(session, target.channel, "fan_out", target.channel)
    else:
        note(session, "notices", "send_letter", target.id)


def _tell_failed(runtime: Runtime, last: Attempt | None) -> None:
    if last and last.state == "unknown":
        last.state, last.code, last.error, last.settled_at = "failed", BY_PERSON, _NOT_RECEIVED, runtime.now()


def _require_going(target: Delivery | Letter) -> None:
    if isinstance(target, Delivery) and target.message.state not in GOING:
        raise StateConflict(f"the message is {target.message.state}: nothing more of it is sent", state=target.state)


def _stopped(session: Session, target: Delivery | Letter) -> bool:
    if isinstance(target, Letter):
        return suppressions.against(session, target) is not None
    return suppressions.in_force(session, target.channel, target.address, target.message.current.topic) is not None


def _require_may_go(session: Session, runtime: Runtime, target: Delivery | Letter, call_again: bool) -> None:
    if _stopped(session, target):
        raise StateConflict("this address may not be used any more: reach them another way", state=target.state)
    if isinstance(target, Letter):
        return
    message = target.message
    if not target.recipients:
        raise StateConflict("all whom it was for went on to their next channel", state=target.state)
    if message.valid_until is not None and message.valid_until < runtime.now():
        raise StateConflict("its time is up: nobody should get it any more", state=target.state)
    if target.channel == "voice" and not call_again:
        raise Refused({"call_again": "must be true: they may have had this call already; say that they be rung again"})


def _close_others(session: Session, runtime: Runtime, staff: Staff, delivery: Delivery, word: str) -> None:
    """Before anything is opened anew: whoever else was asked about this delivery need not answer any more."""
    query = select(Task).where(Task.delivery_id == delivery.id, Task.state == "open", Task.kind.in_(_ASKED))
    for task in session.scalars(query.order_by(Task.id).with_for_update()):
        tasks.mark_closed(runtime, task, staff, word)
    session.flush()
