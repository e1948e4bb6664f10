"""The release: the point of no return. Content frozen, audience resolved, deliveries made, bells noted."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Customer, Decision, Message, Recipient, Staff, Task
from dispatcher.model.delivery import UNREACHABLE
from dispatcher.model.errors import StateConflict
from dispatcher.model.message import untouched
from dispatcher.runtime import Runtime
from dispatcher.services import audience, caps, lag, letters, tasks
from dispatcher.services.audit import record
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.services.ownership import owner_of
from dispatcher.storage import roomy

_REACH_THEM = "No usable contact point: reach them yourself and mend the directory"


def approval_of(session: Session, message: Message) -> Decision:
    """The approval of exactly what the current version holds now, and keeps for its channels. Raises StateConflict
    where there is none.

    The gate that every release and every send passes: by page, API, telephone, script or shell alike.
    """
    version = message.current
    decision = session.scalar(select(Decision).where(Decision.version_id == version.id, Decision.decision == "approve"))
    if decision is None:
        raise StateConflict(f"message {message.id} has not been approved", state=message.state)
    editors = {message.author_id, *(one.editor_id for one in message.versions)}
    timed = (message.release_at, message.valid_for) == (version.release_at, version.valid_for)
    same = decision.digest == version.digest and untouched(version)
    if decision.officer_id in editors or not same or not timed:
        raise StateConflict(f"message {message.id} is not what was approved", state=message.state)
    return decision


def release(session: Session, runtime: Runtime, message: Message, *, fixed: bool) -> None:
    """Release an approved message; its audience was `fixed` at the approval, or is what its lists hold now.

    The caller holds its row and commits; workers are rung after that.
    """
    decision = approval_of(session, message)
    caps.require_release(session, runtime)
    message.advance("release")
    message.released_at = runtime.now()
    message.seed = runtime.chance.randrange(1, 2**31 - 1)
    with roomy(session):
        resolution = audience.resolve(session, runtime, message, fixed=fixed)
        plan = lag.plan(session, runtime, message, resolution.by_channel)
    message.pace = plan.pace
    record(
        session, runtime, "system", "release message", f"message {message.id}",
        digest=decision.digest, seed=message.seed, deliveries=resolution.by_channel,
        recipients=resolution.recipients, unreachable=resolution.unreachable, lag=plan.warning,
    )  # fmt: skip
    lag.announce(session, runtime, message, plan)
    for channel in plan.order:
        note(session, channel, "fan_out", channel)
    if not resolution.by_channel:
        message.advance("finish")
    if resolution.unreachable:
        _hand_over_unreachable(session, runtime, message)


def release_due(session: Session, runtime: Runtime, message_id: int) -> bool:
    """Release a message whose time has come; False when it was withdrawn, edited or released meanwhile."""
    message = session.scalar(
        select(Message).where(Message.id == message_id).with_for_update().execution_options(populate_existing=True)
    )
    if message is None or message.state != "approved":
        return False
    if message.release_at is not None and message.release_at > runtime.now():
        return False
    try:
        release(session, runtime, message, fixed=True)
    except StateConflict as error:
        about = f"message {message_id}"
        tasks.alarm(session, runtime, "release", f"{about} was not released: {error}", about=about)
        return False
    return True


def _hand_over_unreachable(session: Session, runtime: Runtime, message: Message) -> None:
    """A task for each customer without a usable contact point, and one letter to each rep concerned.

    Who has an open one gets no other: releases at the same moment come here one after the other, for each has written
    into the record before. Who has asked for nothing is left in peace.
    """
    in_hand = _in_hand(session, message)
    of_rep: dict[int | None, list[Customer]] = defaultdict(list)
    reps: dict[int, Staff] = {}
    for recipient in session.scalars(
        select(Recipient).where(
            Recipient.message_id == message.id,
            Recipient.delivery_id.is_(None),
            Recipient.left_at.is_(None),
            Recipient.because != BY_OWN_WORD,
        )
    ):
        rep = owner_of(session, recipient.customer)
        of_rep[rep.id if rep else None].append(recipient.customer)
        if rep:
            reps[rep.id] = rep
        if recipient.customer_id in in_hand:
            continue
        session.add(
            Task(
                kind=UNREACHABLE,
                dedupe=f"unreachable:{message.id}:{recipient.customer_id}",
                rep_id=rep.id if rep else None,
                customer_id=recipient.customer_id,
                message_id=message.id,
                text=_REACH_THEM,
            )
        )
    for rep_id, customers in of_rep.items():
        if rep_id is not None:
            _tell_unreachable(session, runtime, message, reps[rep_id], customers)


def _in_hand(session: Session, message: Message) -> set[int | None]:
    """The customers whom somebody is to reach already. A task is of the first release that asks for it: one that
    began later may have come to its end before.
    """
    open_ones = (
        select(Task.id, Task.customer_id, Message.released_at, Message.state)
        .join(Message, Message.id == Task.message_id)
        .where(Task.kind == UNREACHABLE, Task.state == "open")
    )
    found = session.execute(open_ones).all()
    # Of a cancelled one nothing is to be passed on, and of this one there is.
    later = [
        one.id
        for one in found
        if one.state == "cancelled"
        or (one.released_at and message.released_at and one.released_at > message.released_at)
    ]
    mine = select(Recipient.customer_id).where(Recipient.message_id == message.id, Recipient.delivery_id.is_(None))
    if later:
        session.execute(
            update(Task)
            .where(Task.id.in_(later), Task.customer_id.in_(mine))
            .values(message_id=message.id, text=_REACH_THEM)
        )
    return {one.customer_id for one in found}


def _tell_unreachable(session: Session, runtime: Runtime, message: Message, rep: Staff, some: list[Customer]) -> None:
    names = "\n".join(f"- {one.name} ({one.firm.name if one.firm else 'no firm'})" for one in some)
    letters.tell_staff(
        session,
        runtime,
        rep,
        kind=UNREACHABLE,
        dedupe=f"unreachable:{message.id}",
        subject=f"{len(some)} of your customers could not be reached: {message.current.subject}",
        text=(
            f'The alert "{message.current.subject}" has been released, but these customers of yours have no usable '
            f"contact point:\n\n{names}\n\nPlease reach them yourself and mend the directory:\n"
            f"{runtime.settings.public_url}/tasks"
        ),
        only=("email",),
        message_id=message.id,
    )
