"""Of a release report: how many people it was for and what they said, who approved it, and its entry of the record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, Decision, Message, Recipient, Reply, Staff
from dispatcher.model.conversation import MACHINES
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.services.response_report import is_said


def people(session: Session, message: Message) -> dict[str, int]:
    """Recipients: all, and after the release those out of reach, those who asked for nothing, and those who left."""
    nowhere = Recipient.channel.is_(None) & Recipient.left_at.is_(None)
    row = session.execute(
        select(
            func.count().label("all"),
            func.count(Recipient.left_at).label("left"),
            func.count(case((nowhere & (Recipient.because != BY_OWN_WORD), 1))).label("unreachable"),
            func.count(case((nowhere & (Recipient.because == BY_OWN_WORD), 1))).label("unwanted"),
        ).where(Recipient.message_id == message.id)
    ).one()
    out = message.released_at is not None  # until the release nobody has a channel yet
    return {
        "recipients": row.all - row.left,
        "unreachable": row.unreachable if out else 0,
        "asked_for_nothing": row.unwanted if out else 0,
        "left": row.left,
    }


def replies(session: Session, message: Message) -> dict[str, int]:
    """How much people said, and how much machines did."""
    row = session.execute(
        select(func.count(case((is_said(), 1))), func.count(case((Reply.kind.in_(MACHINES), 1)))).where(
            Reply.message_id == message.id
        )
    ).one()
    return {"replies": row[0], "automatic_replies": row[1]}


def officer(session: Session, message: Message) -> str | None:
    """Who approved what was released."""
    return session.scalar(
        select(Staff.name)
        .join(Decision, Decision.officer_id == Staff.id)
        .where(Decision.version_id == message.current.id, Decision.decision == "approve")
    )


def entry(session: Session, message: Message) -> dict[str, Any] | None:
    """The entry of the record that the release left, by which the report can be checked."""
    entry = session.scalar(
        select(AuditEntry)
        .where(AuditEntry.subject == f"message {message.id}", AuditEntry.action == "release message")
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    )
    return {"seq": entry.seq, "at": entry.at, "hash": entry.hash} if entry else None
