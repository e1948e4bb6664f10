"""What passed between the bank and one customer, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import (
    Conversation,
    Customer,
    Delivery,
    Letter,
    Message,
    Recipient,
    Reply,
    Response,
    Staff,
    Version,
)

Entry = dict[str, Any]
# What a reply without words said.
_WORDLESS = {"call": "asked for a call", "voice": "left a spoken answer", "opt-out": "opted out", "opt-in": "opted in"}


def history(session: Session, customer: Customer) -> list[Entry]:
    """Alerts, replies and responses, each with `at` (UTC), `kind` (alert, reply, response), `text` and particulars."""
    entries = [*_alerts(session, customer), *_replies(session, customer), *_responses(session, customer)]
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)


def _alerts(session: Session, customer: Customer) -> list[Entry]:
    rows = session.execute(
        select(Message, Version.subject, Recipient, Delivery)
        .select_from(Recipient)
        .join(Message, Message.id == Recipient.message_id)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .outerjoin(Delivery, Delivery.id == Recipient.delivery_id)
        .where(Recipient.customer_id == customer.id, Message.released_at.is_not(None))
    )
    return [_alert(message, subject, recipient, delivery) for message, subject, recipient, delivery in rows]


def _alert(message: Message, subject: str, recipient: Recipient, delivery: Delivery | None) -> Entry:
    nowhere = "left" if recipient.left_at else "unreachable"
    return {
        "at": message.released_at,
        "kind": "alert",
        "text": subject,
        "message": message.id,
        "channel": delivery.channel if delivery else None,
        "state": delivery.state if delivery else nowhere,
        "outcome": delivery.outcome if delivery else None,
        "because": recipient.because,
        "reached_at": delivery.settled_at if delivery and delivery.state == "delivered" else None,
    }


def _replies(session: Session, customer: Customer) -> list[Entry]:
    return [
        {
            "at": reply.received_at,
            "kind": "reply",
            "text": reply.text or reply.subject or _WORDLESS.get(reply.kind, reply.kind),
            "message": reply.message_id,
            "channel": reply.channel,
            "reply": reply.id,
            "reply_kind": reply.kind,
        }
        for reply in session.scalars(select(Reply).where(Reply.customer_id == customer.id))
    ]


def _responses(session: Session, customer: Customer) -> list[Entry]:
    rows = session.execute(
        select(Response, Conversation.message_id, Staff.name, Letter.channel, Letter.state)
        .select_from(Response)
        .join(Conversation, Conversation.id == Response.conversation_id)
        .join(Staff, Staff.id == Response.staff_id)
        .outerjoin(Letter, Letter.id == Response.letter_id)
        .where(Conversation.customer_id == customer.id)
    )
    return [
        {
            "at": response.created_at,
            "kind": "response",
            "text": response.text,
            "message": message_id,
            "channel": channel,
            "state": state,
            "by": name,
        }
        for response, message_id, name, channel, state in rows
    ]
