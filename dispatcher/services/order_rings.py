"""Tells people of orders that wait, more of them by the minute, until somebody has claimed each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Letter, OrderRequest, Staff, Task
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, reply_notices, routing, tasks
from dispatcher.services.audit import record
from dispatcher.services.order_asked import KIND, TAKERS
from dispatcher.services.short_texts import fitted, unquoted

EVERY = timedelta(minutes=1)
# Steps of an order that nobody claims: the cover's is the first, then so many of the administrators, then a task.
COVER, MOST_RINGS = 1, 5
# Who has claimed an order has that many times the minutes for a claim, until they are asked what became of it.
TO_DECIDE = 5
MOST_NAMED = 10  # of the orders that one letter tells of


def patience(runtime: Runtime, conversation: Conversation) -> timedelta:
    """How long an order may wait for somebody who claims it."""
    settings, message = runtime.settings, conversation.message
    urgent = message is not None and message.current.urgency == "urgent"
    return timedelta(minutes=settings.order_claim_urgent_minutes if urgent else settings.order_claim_minutes)


def tell_owner(session: Session, runtime: Runtime, order: OrderRequest) -> None:
    """Tell at once who answers for the conversation, by all their channels; and who takes it, where they may not."""
    conversation = order.conversation
    written = reply_notices.tell_owner(session, runtime, conversation, order.reply)
    if not any(one.has(*TAKERS) for one in routing.people(session, runtime, conversation)):
        taker = routing.taker(session, runtime, conversation)
        written += _ring(
            session, runtime, order, [taker] if taker else [], "is yours: who has the conversation may not"
        )
    _record(session, runtime, "tell of order", order, written)


def put_back(session: Session, runtime: Runtime, order: OrderRequest) -> None:
    """It waits again: its owner and the administrators are told now, then they every minute."""
    order.escalations, order.due_at = COVER, runtime.now() + EVERY
    people = [*routing.people(session, runtime, order.conversation), *reply_notices.admins(session)]
    _record(session, runtime, "tell of order", order, _ring(session, runtime, order, people, "waits again"))


def due(session: Session, runtime: Runtime) -> list[int]:
    """The orders that are due, the longest first."""
    query = select(OrderRequest.id).where(OrderRequest.due_at <= runtime.now()).order_by(OrderRequest.due_at)
    return list(session.scalars(query.limit(500)))


def escalate(session: Session, runtime: Runtime, order_id: int) -> None:
    """Put an order that is due to the next people: the cover, then the administrators, then as a task of theirs."""
    order = locked(session, order_id)
    if order.due_at is None or order.due_at > runtime.now():
        return
    if order.state == "claimed":
        _remind(session, runtime, order)
        return
    order.escalations += 1
    cover = _cover(session, runtime, order) if order.escalations == COVER else None
    if cover is None:
        order.escalations = max(order.escalations, COVER + 1)
    if order.escalations > COVER + MOST_RINGS:
        order.due_at = None
        _open_task(session, runtime, order, None, "and nobody has claimed it: claim it on its page, or ring them")
        record(session, runtime, "system", "escalate order", f"order {order.id}", to="a task", step=order.escalations)
        return
    order.due_at = runtime.now() + EVERY
    if cover is not None:
        written = _ring(session, runtime, order, [cover], "is yours: you stand in")
    else:
        written = _ring_admins(session, runtime, order)
    _record(session, runtime, "escalate order", order, written, step=order.escalations)


def locked(session: Session, order_id: int) -> OrderRequest:
    """One order, held after its conversation, as everybody does. Raises NotFound."""
    conversation_id = session.scalar(select(OrderRequest.conversation_id).where(OrderRequest.id == order_id))
    if conversation_id is None:
        raise NotFound(f"there is no order {order_id}")
    session.get_one(Conversation, conversation_id, with_for_update=True, populate_existing=True)
    return session.get_one(OrderRequest, order_id, with_for_update=True, populate_existing=True)


def close_task(session: Session, runtime: Runtime, order: OrderRequest, staff: Staff) -> None:
    """Nobody is to look for somebody who claims or decides it any more."""
    query = select(Task).where(Task.dedupe.startswith(f"{_task(order)}:"), Task.state == "open")
    for one in session.scalars(query.with_for_update()):
        tasks.mark_closed(runtime, one, staff, None)


def _cover(session: Session, runtime: Runtime, order: OrderRequest) -> Staff | None:
    """Who stands in for its owner, may claim it, and has not been told of it yet."""
    rep = routing.taker(session, runtime, order.conversation)
    if rep is None:
        return None
    first = covers.standing_in(session, runtime, rep)
    cover = rep.cover if first is rep else first
    if cover is None:
        return None
    cover = covers.standing_in(session, runtime, cover)
    if cover is rep or covers.is_away(runtime, cover) or not cover.has(*TAKERS):
        return None
    told = select(Letter.id).where(Letter.dedupe.startswith(f"reply:{order.reply_id}:"), Letter.staff_id == cover.id)
    return None if session.scalar(told.limit(1)) else cover


def _ring(session: Session, runtime: Runtime, order: OrderRequest, people: Iterable[Staff], what: str) -> list[Letter]:
    """Letters by all channels of these people; `what` completes "This order request …"."""
    conversation, reply = order.conversation, order.reply
    person = reply_notices.who(conversation.customer)
    text = (
        f"{reply_notices.ORDER}.\n\nThe order request of {person}, {reply.received_at:%d %b %Y %H:%M} UTC, {what}.\n\n"
        f"{reply.text[:2000]}\n\n{reply_notices.how_to_confirm(runtime, conversation)}"
    )
    written = []
    for one in {one.id: one for one in people}.values():
        written += letters.tell_staff(
            session,
            runtime,
            one,
            kind=KIND,
            dedupe=f"order:{order.id}:{order.escalations}:{runtime.now():%Y%m%d%H%M%S}",
            subject=f"{reply_notices.ORDER} {what}: {person}",
            text=text,
            short_text=reply_notices.short_order(runtime, conversation, one, f"{what}. {unquoted(reply.text)}"),
            message_id=conversation.message_id,
            conversation=conversation,
        )
    return written


def _ring_admins(session: Session, runtime: Runtime, order: OrderRequest) -> list[Letter]:
    """Each order is put to them once by itself; after that all that wait are put to them in one letter a minute, for
    who gets a letter a minute for each of many reads none.
    """
    people = reply_notices.admins(session)
    session.flush()
    waiting = session.scalars(
        select(OrderRequest)
        .where(OrderRequest.state == "waiting", OrderRequest.escalations > COVER)
        .order_by(OrderRequest.created_at, OrderRequest.id)
    ).all()
    if order.escalations <= COVER + 1 or len(waiting) < 2:
        return _ring(session, runtime, order, people, "is not claimed")
    return _ring_of_all(session, runtime, waiting, people)


def _ring_of_all(
    session: Session, runtime: Runtime, waiting: Sequence[OrderRequest], people: Iterable[Staff]
) -> list[Letter]:
    page = f"{runtime.settings.public_url}/inbox?state=orders"
    lines = [
        f"{one.created_at:%H:%M} UTC, {reply_notices.who(one.conversation.customer)}: "
        f"{reply_notices.page_of(runtime, one.conversation)}"
        for one in waiting[:MOST_NAMED]
    ]
    if len(waiting) > MOST_NAMED:
        lines.append(f"and {len(waiting) - MOST_NAMED} more: {page}")
    head = f"{len(waiting)} order requests (not accepted yet) are not claimed"
    names = ", ".join(f"#{one.conversation_id} {one.conversation.customer.name}" for one in waiting[:MOST_NAMED])
    written = []
    for one in people:
        written += letters.tell_staff(
            session,
            runtime,
            one,
            kind=KIND,
            dedupe=f"orders:{runtime.now():%Y%m%d%H%M}",
            subject=head,
            text="\n".join([f"{head}:", "", *lines]),
            short_text=fitted(f"{head}: ", names, f"\nClaim them at {page}"),
        )
    return written


def _remind(session: Session, runtime: Runtime, order: OrderRequest) -> None:
    """Claimed, and nothing decided: the claimer is told once, and has a task."""
    order.due_at = None
    claimer = order.claimer
    written = _ring(session, runtime, order, [claimer] if claimer else [], "is claimed by you, and not decided")
    _open_task(session, runtime, order, claimer, "and is claimed, but neither confirmed nor declined")
    _record(session, runtime, "remind of order", order, written)


def _open_task(session: Session, runtime: Runtime, order: OrderRequest, whose: Staff | None, what: str) -> None:
    conversation = order.conversation
    tasks.open_task(
        session,
        kind="order",
        dedupe=f"{_task(order)}:{runtime.now():%Y%m%d%H%M%S}",
        text=f"The order request of {reply_notices.who(conversation.customer)} has waited since "
        f"{order.created_at:%d %b %H:%M} UTC, {what} ({reply_notices.page_of(runtime, conversation)})",
        rep_id=whose.id if whose and whose.active else None,
        customer_id=conversation.customer_id,
        message_id=conversation.message_id,
    )


def _task(order: OrderRequest) -> str:
    return f"order:{order.id}"


def _record(
    session: Session, runtime: Runtime, act: str, order: OrderRequest, written: Iterable[Letter], **more: object
) -> None:
    """Put on record who was told, and by which ways."""
    to: dict[str, list[str]] = {}
    for one in written:
        if one.staff is not None:
            to.setdefault(one.staff.email, []).append(one.channel)
    record(session, runtime, "system", act, f"order {order.id}", to=to, **more)
