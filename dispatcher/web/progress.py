"""How far a message has come: its steps, and its deliveries counted by channel and state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, Customer, Delivery, Message, Recipient, Staff
from dispatcher.services import sight
from dispatcher.services.channel_choice import BY_OWN_WORD

_GOOD = ("accepted", "delivered")
_BAD = ("bounced", "rejected", "failed", "expired")
_MOVING = ("queued", "sending", "deferred", "unknown")


@dataclass(slots=True)
class Sum:
    """Deliveries counted by state."""

    states: dict[str, int] = field(default_factory=dict)

    def _of(self, states: Sequence[str]) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def good(self) -> int:
        """Accepted by a provider, or better."""
        return self._of(_GOOD)

    @property
    def delivered(self) -> int:
        return self.states.get("delivered", 0)

    @property
    def bad(self) -> int:
        return self._of(_BAD)

    @property
    def moving(self) -> int:
        return self._of(_MOVING)

    @property
    def stopped(self) -> int:
        """Cancelled or suppressed: not sent, and rightly so."""
        return self.total - self.good - self.bad - self.moving


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a message's life: done, now or to come."""

    words: str
    at: datetime | None
    who: str
    look: str  # done, now, next, stop


def by_channel(session: Session, message_id: int) -> dict[str, Sum]:
    """The deliveries of a message by channel, in the usual order of channels."""
    found: dict[str, Sum] = {}
    query = select(Delivery.channel, Delivery.state, func.count()).where(Delivery.message_id == message_id)
    for channel, state, number in session.execute(query.group_by(Delivery.channel, Delivery.state)):
        found.setdefault(channel, Sum()).states[state] = number
    order = {name: place for place, name in enumerate(CHANNELS)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], 9)))


def sums(session: Session, message_ids: Sequence[int]) -> dict[int, Sum]:
    """The deliveries of each of these messages."""
    found: dict[int, Sum] = {}
    if message_ids:
        query = select(Delivery.message_id, Delivery.state, func.count()).where(Delivery.message_id.in_(message_ids))
        for message_id, state, number in session.execute(query.group_by(Delivery.message_id, Delivery.state)):
            found.setdefault(message_id, Sum()).states[state] = number
    return found


def by_state(session: Session, visible: Select[Any]) -> dict[str, int]:
    """How many of the messages somebody may see are in each state."""
    seen = visible.order_by(None).with_only_columns(Message.state.label("state")).subquery()
    query = select(seen.c.state, func.count().label("number")).group_by(seen.c.state)
    return {row.state: row.number for row in session.execute(query)}


def people(session: Session, message: Message) -> dict[str, int]:
    """Recipients of a message: all, and after the release those without a usable contact point.

    Who asked for nothing is counted apart.
    """
    here = Recipient.message_id == message.id
    nowhere = select(func.count()).where(here, *_NOWHERE, Recipient.because != BY_OWN_WORD)
    unwanted = select(func.count()).where(here, *_NOWHERE, Recipient.because == BY_OWN_WORD)
    return {
        "recipients": session.scalar(select(func.count()).where(here, Recipient.left_at.is_(None))) or 0,
        "unreachable": (session.scalar(nowhere) or 0) if message.released_at else 0,
        "asked_for_nothing": (session.scalar(unwanted) or 0) if message.released_at else 0,
    }


# True after the release only: until then nobody has a delivery.
_NOWHERE = (Recipient.delivery_id.is_(None), Recipient.left_at.is_(None))


def unreachable(
    session: Session, staff: Staff, message: Message, *, by_own_word: bool = False, limit: int = 100
) -> list[tuple[Customer, str]]:
    """Recipients of a released message, of those this person may see, without a usable contact point, and why; or,
    `by_own_word`, those who have asked for nothing.
    """
    if message.released_at is None:
        return []
    query = (
        sight.recipients(staff, message)
        .with_only_columns(Customer, Recipient.because)
        .where(*_NOWHERE, (Recipient.because == BY_OWN_WORD) == by_own_word)
        .order_by(Customer.name)
        .limit(limit)
    )
    return [(customer, because) for customer, because in session.execute(query)]


_ENDS = {"returned": "Returned", "rejected": "Rejected", "withdrawn": "Withdrawn", "expired": "Expired"}


def steps(message: Message) -> list[Step]:
    """The message's life as steps, the present one marked."""
    last = message.decisions[-1] if message.decisions else None
    decided_by = last.officer.name if last and last.version_id == message.current.id else ""
    found = [Step("Written", message.created_at, message.author.name, "now" if message.state == "draft" else "done")]
    if message.submitted_at or message.state == "draft":
        waiting = message.state == "pending"
        look = "now" if waiting else "next" if message.state == "draft" else "done"
        found.append(Step("Waits for approval" if waiting else "Submitted", message.submitted_at, "", look))
    if message.state in _ENDS:
        at = last.decided_at if last and decided_by and message.state in ("returned", "rejected") else None
        return [*found, Step(_ENDS[message.state], at, decided_by if at else "", "stop")]
    approved = message.approved_at is not None
    waits = message.state == "approved"
    found.append(Step("Approved", message.approved_at, decided_by, "now" if waits else "done" if approved else "next"))
    if message.state == "cancelled":
        return [*found, Step("Cancelled", None, "", "stop")]
    look = {"releasing": "now", "released": "done"}.get(message.state, "next")
    words = "Being released" if look == "now" else "Released"
    at = message.released_at or (message.release_at if look == "next" else None)
    return [*found, Step(words, at, "", look)]


def spreads(session: Session, message_ids: Sequence[int]) -> dict[int, float]:
    """Seconds between the first and the last acceptance of each of these messages."""
    if not message_ids:
        return {}
    query = (
        select(Delivery.message_id, func.min(Delivery.accepted_at), func.max(Delivery.accepted_at))
        .where(Delivery.message_id.in_(message_ids), Delivery.accepted_at.is_not(None))
        .group_by(Delivery.message_id)
    )
    return {
        message_id: (last - first).total_seconds()
        for message_id, first, last in session.execute(query)
        if first is not None and last is not None
    }
