"""What was ordered against a contact point since it was last free, read off the record: one row holds the gravest order
alone, and whoever takes that back for one reply must not take back what was said in another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, Reply, Staff, Suppression
from dispatcher.model.errors import Refused
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions

# A doubt is settled by what followed it; the provider's own list follows ours.
_NO_WORD = ("doubt", "provider")


def besides(session: Session, order: Suppression, reply: Reply) -> dict[str, Any] | None:
    """The gravest order that stands in the same place for another reason than what was read in this reply, as its
    entry tells it; None where there is no other.
    """
    others = [detail for _, detail in _others(session, order.channel, order.address, order.topic, reply)]
    return max(others, key=lambda one: suppressions.gravity(one["reason"]), default=None)


def is_since(session: Session, channel: str, address: str, reply: Reply) -> bool:
    """Whether an order that stands, for all topics or one, was given after this reply came and not read in it."""
    came = session.scalar(
        select(AuditEntry.seq).where(AuditEntry.subject == f"reply {reply.id}", AuditEntry.action == "receive reply")
    )
    return any(
        seq > (came or 0)
        for order in suppressions.all_in_force(session, channel, address)
        for seq, _ in _others(session, channel, address, order.topic, reply)
    )


def ended_by_them(session: Session, order: Suppression) -> bool:
    """Whether they have ended it themselves, be it that the order stands for something graver."""
    entries = _entries(session, order.channel, order.address, order.topic)
    return order.reason == "opt-out" or any(detail["reason"] == "opt-out" for _, detail in entries)


def lift_by_hand(
    session: Session, runtime: Runtime, channel: str, address: str, staff: Staff, said: str, topic: str = ""
) -> None:
    """As `suppressions.lift`, by somebody whom the customer has asked: what they `said` goes on record. Raises Refused
    without it, where they have ended it themselves.
    """
    standing = [one for one in suppressions.all_in_force(session, channel, address) if one.topic == topic]
    if not said and any(ended_by_them(session, one) for one in standing):
        raise Refused({"said": "they have ended it themselves: write what they said, and when"})
    suppressions.take_back(session, runtime, channel, address, staff, topic=topic, said=said)


def was_plain(session: Session, reply: Reply, plain: tuple[str, ...]) -> bool:
    """Whether it came as an opt-out that one of `plain` had decided, whatever persons have called it since."""
    first = session.scalar(
        select(AuditEntry.detail)
        .where(AuditEntry.subject == f"reply {reply.id}", AuditEntry.action == "correct reply")
        .order_by(AuditEntry.seq)
        .limit(1)
    )
    came = json.loads(first)["before"] if first else {"kind": reply.kind, "by": reply.kind_by}
    return came["kind"] == "opt-out" and came["by"] in plain


def _others(
    session: Session, channel: str, address: str, topic: str, reply: Reply
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each of `_entries` that was not read in this reply."""
    for seq, detail in _entries(session, channel, address, topic):
        if detail.get("reply") != reply.id and detail.get("reason") not in _NO_WORD:
            yield seq, detail


def _entries(session: Session, channel: str, address: str, topic: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each order for this topic since the last was lifted: its entry, newest first."""
    entries = session.execute(
        select(AuditEntry.seq, AuditEntry.action, AuditEntry.detail)
        .where(
            AuditEntry.subject == suppressions.subject_of(channel, address),
            AuditEntry.action.in_(("suppress", "lift suppression")),
        )
        .order_by(AuditEntry.seq.desc())
    )
    for seq, action, text in entries:
        detail = json.loads(text)
        if detail.get("topic", "") != topic:
            continue
        if action != "suppress":
            return
        yield seq, detail
