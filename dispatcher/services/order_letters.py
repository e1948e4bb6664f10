"""The few letters that tell a customer by themselves how an order request stands; all else a representative writes."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import Letter, OrderRequest, Staff, Task
from dispatcher.runtime import Runtime
from dispatcher.services import letters, reply_letters, routing, suppressions, tasks
from dispatcher.services.order_words import hour, say, spoken_in, untold

KIND = "order-noted"


def note_it(session: Session, runtime: Runtime, order: OrderRequest, *, proven: bool) -> Letter | None:
    """Tell the customer, once for each order, that it is not accepted yet; None where nothing is written.

    Never to an address that is not proven to be theirs, and never to what may be a machine.
    """
    reply = order.reply
    if reply.channel not in reply_letters.WRITTEN or not proven or reply.doubt == "automatic":
        return None
    language, phone, rep = spoken_in(order), _phone(runtime), _taker(session, runtime, order)
    name = rep.name if rep else say(language, "your representative")
    text = [
        say(language, "noted", at=hour(order, reply.received_at), rep=name),
        say(language, "not passed"),
    ]
    if phone:
        text.append(say(language, "call", phone=phone))
    return _write(session, runtime, order, f"order-noted:{reply.id}", say(language, "subject"), text, rep)


def take_it_back(session: Session, runtime: Runtime, order: OrderRequest, staff: Staff) -> Letter | None:
    """Tell the customer that it is none, where they have read that it was noted. What has not left does not leave."""
    noted = letters.written(session, f"order-noted:{order.reply_id}")
    if noted is None:
        return None
    stopped = session.scalar(
        update(Letter)
        .where(Letter.id == noted.id, Letter.state == "queued", Letter.tries == 0)
        .values(state="cancelled", due_at=None, settled_at=runtime.now())
        .returning(Letter.id)
        .execution_options(synchronize_session="fetch")
    )
    if stopped is not None or noted.state in ("suppressed", "failed", "rejected", "bounced", "cancelled"):
        return None
    language = spoken_in(order)
    text = [say(language, "withdrawn", at=hour(order, order.reply.received_at), rep=staff.name)]
    dedupe = f"order-withdrawn:{order.id}:{runtime.now():%Y%m%d%H%M%S}"
    taker = _taker(session, runtime, order)
    return _write(session, runtime, order, dedupe, say(language, "withdrawn subject"), text, taker)


def _taker(session: Session, runtime: Runtime, order: OrderRequest) -> Staff | None:
    return routing.taker(session, runtime, order.conversation)


def _write(
    session: Session,
    runtime: Runtime,
    order: OrderRequest,
    dedupe: str,
    subject: str,
    text: list[str],
    rep: Staff | None,
) -> Letter | None:
    reply = order.reply
    barring = suppressions.barring(session, reply.channel, reply.sender.strip().lower())
    if barring is not None or reply.channel not in runtime.usable_channels():
        theirs = barring is not None and barring.reason in (*suppressions.THEIR_OWN, "complaint")
        why = "they want no more of these" if theirs else "none may go there"
        _have_them_told(session, order, rep, dedupe, why)
        return None
    name = rep.name if rep else ""
    return reply_letters.write(
        session, runtime, reply, order.conversation, kind=KIND, dedupe=dedupe, subject=subject, text=text,
        sender_name=name,
    )  # fmt: skip


def _have_them_told(session: Session, order: OrderRequest, rep: Staff | None, dedupe: str, why: str) -> None:
    """No letter may go there: a task, so that a person tells them."""
    withdrawn = dedupe.startswith("order-withdrawn")
    tasks.open_task(
        session,
        kind="order",
        dedupe=f"{dedupe}:untold" if withdrawn else _untold(order),
        text=untold(order.reply.channel, why, withdrawn=withdrawn),
        rep_id=rep.id if rep else None,
        customer_id=order.conversation.customer_id,
        message_id=order.conversation.message_id,
    )


def call_off(session: Session, runtime: Runtime, order: OrderRequest, staff: Staff) -> None:
    """It is decided, and they are told that: nobody is to tell them any more that it is not."""
    query = select(Task).where(Task.dedupe == _untold(order), Task.state == "open").with_for_update()
    for task in session.scalars(query):
        tasks.mark_closed(runtime, task, staff, tasks.SETTLED)


def _untold(order: OrderRequest) -> str:
    return f"untold:{order.id}"


def _phone(runtime: Runtime) -> str:
    """Where customers reach us by telephone: the line that knows them, else the desk. Never a person's own number."""
    return runtime.settings.customer_line or runtime.settings.desk_phone
