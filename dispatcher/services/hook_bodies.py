"""What outgoing webhooks say: the events by name, and what each tells, in the words of the API.

Events of people's acts are read off the record, where each act stands with its time in the order in which they were
committed. Of an alert that has not been released nothing is told but that it is there and how it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import (
    AuditEntry,
    Conversation,
    Delivery,
    Message,
    OrderRequest,
    Reply,
    Response,
    Staff,
    Suppression,
)
from dispatcher.services.matching import people_with

Body = dict[str, Any]

PING = "ping"
# By the act on record. The thing it is about is named by the entry's subject, e.g. "message 7".
ACTS = {
    "submit message": "message.submitted",
    "withdraw message": "message.withdrawn",
    "approve message": "message.approved",
    "return message": "message.returned",
    "reject message": "message.rejected",
    "release message": "message.released",
    "cancel message": "message.cancelled",
    "expire message": "message.expired",
    "receive reply": "reply.received",
    "assign reply": "reply.assigned",
    "correct reply": "reply.corrected",
    "claim conversation": "conversation.claimed",
    "respond": "conversation.responded",
    "route conversation": "conversation.routed",
    "pass conversation on": "conversation.passed",
    "close conversation": "conversation.closed",
    "request order": "order.requested",
    "claim order": "order.claimed",
    "read back order": "order.read-back",
    "confirm order": "order.confirmed",
    "decline order": "order.declined",
    "withdraw order": "order.withdrawn",
    "suppress": "contact.suppressed",
    "lift suppression": "contact.lifted",
    "mark contact point invalid": "contact.invalid",
    "mark contact point valid": "contact.valid",
}
FINAL_DELIVERIES = ("delivered", "bounced", "rejected", "failed", "expired", "cancelled", "suppressed")
NAMES = (*sorted(ACTS.values()), *(f"delivery.{state}" for state in ("accepted", *FINAL_DELIVERIES)), PING)


def of_entry(session: Session, entry: AuditEntry) -> Body | None:
    """What is told of an act on record; None where what it was about is gone."""
    kind = ACTS[entry.action].partition(".")[0]
    detail: Body = json.loads(entry.detail)
    if kind == "contact":
        told = _contact(session, entry, detail)
    else:
        number = int(entry.subject.rpartition(" ")[2])
        told = _OF[kind](session, number, detail)
    if told is None:
        return None
    return envelope(ACTS[entry.action], entry.at, told | {"by": entry.actor})


def envelope(name: str, at: str | datetime, data: Body) -> Body:
    """An event as it is posted: its type, its time and what it is about."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return {"type": name, "timestamp": _time(moment), "data": data}


def of_delivery(delivery: Delivery, state: str) -> Body:
    """How a delivery stands, or that it was accepted."""
    at = delivery.accepted_at if state == "accepted" else delivery.settled_at
    return envelope(
        f"delivery.{state}",
        at or delivery.message.created_at,
        {
            "id": delivery.id,
            "message": delivery.message_id,
            "customers": [one.customer.key for one in delivery.recipients],
            "channel": delivery.channel,
            "address": delivery.address,
            "state": state,
            "outcome": delivery.outcome,
            "error": delivery.error if state != "accepted" else None,
            "accepted_at": _time(delivery.accepted_at),
            "settled_at": _time(delivery.settled_at) if state != "accepted" else None,
        },
    )


def _message(session: Session, number: int, _detail: Body) -> Body | None:
    message = session.get(Message, number)
    if message is None:
        return None
    out = message.released_at is not None
    version = message.current
    return {
        "id": message.id,
        "state": message.state,
        "version": message.version,
        "author": message.author.email,
        "urgency": version.urgency,
        "subject": version.subject if out else None,
        "topic": version.topic if out else None,
        "lists": [one.key for one in version.lists] if out else None,
        "submitted_at": _time(message.submitted_at),
        "approved_at": _time(message.approved_at),
        "released_at": _time(message.released_at),
    }


def _reply(session: Session, number: int, _detail: Body) -> Body | None:
    reply = session.get(Reply, number)
    if reply is None or reply.kind == "alert":  # a draft of an alert is nobody else's business
        return None
    conversation = reply.conversation
    return {
        "id": reply.id,
        "customer": reply.customer.key if reply.customer else None,
        "message": reply.message_id,
        "conversation": reply.conversation_id,
        "channel": reply.channel,
        "sender": reply.sender,
        "kind": reply.kind,
        "kind_by": reply.kind_by,
        "kind_because": reply.kind_because,
        "state": reply.state,
        "subject": reply.subject,
        "text": reply.text,
        "rep": conversation.rep.email if conversation and conversation.rep else None,
        "received_at": _time(reply.received_at),
    }


def _conversation(session: Session, number: int, detail: Body) -> Body | None:
    one = session.get(Conversation, number)
    if one is None:
        return None
    told: Body = {
        "id": one.id,
        "customer": one.customer.key,
        "message": one.message_id,
        "state": one.state,
        "rep": one.rep.email if one.rep else None,
        "claimed_by": _staff(session, one.claimed_by),
        "routed_by": one.routed_by,
        "channel": one.channel,
        "last_at": _time(one.last_at),
    }
    response = session.get(Response, detail["response"]) if "response" in detail else None
    if response is not None:
        told["response"] = {
            "id": response.id,
            "text": response.text,
            "staff": response.staff.email,
            "via": response.via,
            "channel": response.letter.channel if response.letter else None,
            "created_at": _time(response.created_at),
        }
    return told


def _order(session: Session, number: int, _detail: Body) -> Body | None:
    order = session.get(OrderRequest, number)
    if order is None:
        return None
    return {
        "id": order.id,
        "reply": order.reply_id,
        "conversation": order.conversation_id,
        "customer": order.conversation.customer.key,
        "message": order.conversation.message_id,
        "state": order.state,
        "text": order.reply.text,
        "read_back": order.read_back,
        "claimed_by": _staff(session, order.claimed_by),
        "claimed_at": _time(order.claimed_at),
        "decided_by": _staff(session, order.decided_by),
        "decided_at": _time(order.decided_at),
        "created_at": _time(order.created_at),
    }


def _contact(session: Session, entry: AuditEntry, detail: Body) -> Body | None:
    """Of a contact point: its channel and address are in the subject, or beside the customer in the detail."""
    if "address" in detail:
        channel, address = str(detail["channel"]), str(detail["address"])
    else:
        channel, _, address = entry.subject.partition(" ")
    order = session.scalars(
        select(Suppression)
        .where(Suppression.channel == channel, Suppression.address == address)
        .order_by(Suppression.id.desc())
        .limit(1)
    ).first()
    return {
        "channel": channel,
        "address": address,
        "customers": [one.key for one in people_with(session, (channel,), address)],
        "reason": detail.get("reason") or detail.get("because"),
        "source": detail.get("source"),
        "topic": (order.topic or None) if order else None,
    }


_OF: dict[str, Callable[[Session, int, Body], Body | None]] = {
    "message": _message,
    "reply": _reply,
    "conversation": _conversation,
    "order": _order,
}


def _staff(session: Session, number: int | None) -> str | None:
    person = session.get(Staff, number) if number else None
    return person.email if person else None


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
