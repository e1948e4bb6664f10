"""What passed between the bank and one customer, newest first: alerts and whether they arrived, what was answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from dispatcher.model import (
    ContactPoint,
    Conversation,
    Customer,
    Delivery,
    Letter,
    Message,
    OrderRequest,
    Recipient,
    Reply,
    Response,
    Staff,
    Suppression,
    Version,
)
from dispatcher.model.conversation import WANTED
from dispatcher.services import own_links
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.services.response_report import REACHED, reached_at

Entry = dict[str, Any]
# What a reply without words said.
_WORDLESS = {
    "call": "asked for a call", "order": "asked for an order", "complaint": "complained", "opt-out": "opted out",
    "opt-in": "opted in", "wrong-person": "is not who we think",
}  # fmt: skip
FAILED = ("bounced", "rejected", "failed")
_WAYS = {"email": "mail", "sms": "text messages", "voice": "calls", "fax": "faxes"}
_WHY = {
    "opt-out": "wants no more {}", "bounce": "no {} arrive", "complaint": "complained about {}",
    "wrong-person": "{} reach somebody else", "provider": "the provider refuses {}", "by-hand": "no more {}",
    "doubt": "perhaps wants no more {}",
}  # fmt: skip


def history(session: Session, customer: Customer, seen: Collection[int] | None = None) -> list[Entry]:
    """All of it, or with `seen` what was said in these conversations alone.

    Each entry has `at` (UTC), `kind`, `text` and particulars. Kinds:

    alert (its delivery's state, when it arrived, and `answered_after` in seconds from then to the first answer),
    failure (a delivery that did not arrive before another channel took over), heard (somebody listened to the end),
    reply (with the names of its `files`), response and notice, which was written by itself (when it arrived), order
    (a request that was confirmed, declined or taken back), stop and return (a standing order for a contact point they
    have, and its end). No link by which a customer acts is in it.
    """
    entries = [
        *_alerts(session, customer, seen),
        *_failures(session, customer),
        *_replies(session, customer, seen),
        *_responses(session, customer, seen),
        *_notices(session, customer, seen),
        *_orders(session, customer, seen),
        *_stops(session, customer),
    ]
    return sorted(map(_safe, entries), key=lambda entry: entry["at"], reverse=True)


def _safe(entry: Entry) -> Entry:
    return {name: own_links.cut(value) if isinstance(value, str) else value for name, value in entry.items()}


# --- alerts -----------------------------------------------------------------------------------------------


def _in(column: InstrumentedAttribute[Any], seen: Collection[int] | None) -> ColumnElement[bool]:
    return true() if seen is None else column.in_(seen)


def _alerts(session: Session, customer: Customer, seen: Collection[int] | None) -> Iterator[Entry]:
    first = (
        select(Reply.message_id, func.min(Reply.received_at).label("at"))
        .where(Reply.customer_id == customer.id, Reply.kind.in_(WANTED), _in(Reply.conversation_id, seen))
        .group_by(Reply.message_id)
        .subquery()
    )
    rows = session.execute(
        select(Message, Version.subject, Recipient, Delivery, first.c.at)
        .select_from(Recipient)
        .join(Message, Message.id == Recipient.message_id)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .outerjoin(Delivery, Delivery.id == Recipient.delivery_id)
        .outerjoin(first, first.c.message_id == Message.id)
        .where(Recipient.customer_id == customer.id, Message.released_at.is_not(None))
    )
    for message, subject, recipient, delivery, answered in rows:
        yield _alert(message, subject, recipient, delivery, answered)
        if delivery and delivery.heard_at:
            yield {
                "at": delivery.heard_at, "kind": "heard", "text": "listened to the end", "message": message.id,
                "channel": delivery.channel,
            }  # fmt: skip


def _alert(
    message: Message, subject: str, recipient: Recipient, delivery: Delivery | None, answered: datetime | None
) -> Entry:
    unwanted = recipient.because == BY_OWN_WORD
    nowhere = "left" if recipient.left_at else "asked for nothing" if unwanted else "unreachable"
    return {
        "at": message.released_at,
        "kind": "alert",
        "text": subject,
        "message": message.id,
        "channel": delivery.channel if delivery else None,
        "state": delivery.state if delivery else nowhere,
        "outcome": delivery.outcome if delivery else None,
        "because": recipient.because,
        "reached_at": _arrived(delivery),
        "heard_at": delivery.heard_at if delivery else None,
        "answered_after": _after(message, delivery, answered),
    }


def _arrived(one: Delivery | Letter | None) -> datetime | None:
    """When it arrived, as far as its provider knows: some tell of no receipt."""
    if one is None or one.state not in REACHED:
        return None
    return (one.settled_at if one.state == "delivered" else None) or one.accepted_at


def _after(message: Message, delivery: Delivery | None, answered: datetime | None) -> float | None:
    if answered is None:
        return None
    accepted, settled = (delivery.accepted_at, delivery.settled_at) if delivery else (None, None)
    return (answered - reached_at(accepted, settled, message.released_at, answered)).total_seconds()


def _failures(session: Session, customer: Customer) -> Iterator[Entry]:
    """What was sent to one of their contact points and failed, where their next channel took over."""
    rows = session.execute(
        select(Delivery, Version.subject)
        .join(ContactPoint, and_(ContactPoint.channel == Delivery.channel, ContactPoint.address == Delivery.address))
        .join(
            Recipient,
            and_(Recipient.customer_id == ContactPoint.customer_id, Recipient.message_id == Delivery.message_id),
        )
        .join(Message, Message.id == Delivery.message_id)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(
            ContactPoint.customer_id == customer.id,
            Delivery.state.in_(FAILED),
            Recipient.delivery_id.is_distinct_from(Delivery.id),
        )
    )
    for delivery, subject in rows:
        at = delivery.settled_at or delivery.accepted_at or delivery.message.released_at
        if at is not None:
            yield {
                "at": at, "kind": "failure", "text": subject, "message": delivery.message_id,
                "channel": delivery.channel, "state": delivery.state, "outcome": delivery.outcome,
            }  # fmt: skip


# --- answers ----------------------------------------------------------------------------------------------


def _replies(session: Session, customer: Customer, seen: Collection[int] | None) -> Iterator[Entry]:
    said = select(Reply).where(Reply.customer_id == customer.id, _in(Reply.conversation_id, seen))
    for reply in session.scalars(said.options(selectinload(Reply.files))):
        yield {
            "at": reply.received_at,
            "kind": "reply",
            "text": reply.text or reply.subject or _WORDLESS.get(reply.kind, reply.kind),
            "message": reply.message_id,
            "channel": reply.channel,
            "reply": reply.id,
            "reply_kind": reply.kind,
            "conversation": reply.conversation_id,
            "files": [f"{one.name} ({one.note})" if one.note else one.name for one in reply.files],
        }


def _responses(session: Session, customer: Customer, seen: Collection[int] | None) -> Iterator[Entry]:
    rows = session.execute(
        select(Response, Conversation.message_id, Staff.name, Letter)
        .select_from(Response)
        .join(Conversation, Conversation.id == Response.conversation_id)
        .join(Staff, Staff.id == Response.staff_id)
        .outerjoin(Letter, Letter.id == Response.letter_id)
        .where(Conversation.customer_id == customer.id, _in(Conversation.id, seen))
    )
    for response, message_id, name, letter in rows:
        yield {
            "at": response.created_at,
            "kind": "response",
            "text": response.text,
            "message": message_id,
            "channel": letter.channel if letter else None,
            "state": letter.state if letter else None,
            "by": name,
            "reached_at": _arrived(letter),
            "conversation": response.conversation_id,
        }


def _notices(session: Session, customer: Customer, seen: Collection[int] | None) -> Iterator[Entry]:
    """What they were told by itself: that an order is noted, that an opt-out counts, that a call follows."""
    for letter in session.scalars(
        select(Letter).where(
            Letter.customer_id == customer.id,
            Letter.kind != "response",
            or_(Letter.conversation_id.is_(None), _in(Letter.conversation_id, seen)),
        )
    ):
        yield {
            "at": letter.created_at,
            "kind": "notice",
            "text": letter.text,
            "message": letter.message_id,
            "channel": letter.channel,
            "state": letter.state,
            "because": "written by itself",
            "reached_at": _arrived(letter),
            "conversation": letter.conversation_id,
        }


def _orders(session: Session, customer: Customer, seen: Collection[int] | None) -> Iterator[Entry]:
    rows = session.execute(
        select(OrderRequest, Reply, Staff.name)
        .join(Reply, Reply.id == OrderRequest.reply_id)
        .outerjoin(Staff, Staff.id == OrderRequest.decided_by)
        .where(
            Reply.customer_id == customer.id,
            OrderRequest.decided_at.is_not(None),
            _in(OrderRequest.conversation_id, seen),
        )
    )
    for order, reply, name in rows:
        yield {
            "at": order.decided_at,
            "kind": "order",
            "text": order.read_back or reply.text or reply.subject,
            "message": reply.message_id,
            "reply": reply.id,
            "state": order.state,
            "by": name,
            "conversation": order.conversation_id,
        }


# --- contact points ---------------------------------------------------------------------------------------


def _stops(session: Session, customer: Customer) -> Iterator[Entry]:
    """Standing orders are kept by address: those for the contact points that they have now."""
    rows = session.scalars(
        select(Suppression)
        .join(
            ContactPoint,
            and_(ContactPoint.channel == Suppression.channel, ContactPoint.address == Suppression.address),
        )
        .where(ContactPoint.customer_id == customer.id)
    )
    for order in rows:
        what = _WAYS.get(order.channel, order.channel) + (f" on {order.topic}" if order.topic else "")
        why = _WHY.get(order.reason, "no more {}").format(what)
        yield {
            "at": order.created_at, "kind": "stop", "text": why, "channel": order.channel, "because": order.source,
        }  # fmt: skip
        if order.lifted_at:
            yield {
                "at": order.lifted_at, "kind": "return", "text": f"{what} again", "channel": order.channel,
                "because": order.lifted_by,
            }  # fmt: skip
