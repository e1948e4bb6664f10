"""How much waits in the inbox: one count for the navigation, for the inbox's own tabs, and for the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Staff
from dispatcher.services import conversations, talks


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of some conversations: how many are in each state, have an open order, or an open complaint.

    `closed` grows for years: None where it was not counted.
    """

    open: int
    claimed: int
    closed: int | None
    orders: int
    complaints: int


def of(session: Session, some: Select[Conversation], *, closed: bool = True) -> Numbers:
    """Of these conversations, e.g. all that somebody may see; without `closed`, what a list that is fetched again and
    again can afford.
    """
    by_state = some.with_only_columns(Conversation.state, func.count().label("number")).order_by(None)
    if not closed:
        by_state = by_state.where(Conversation.state.in_(("open", "claimed")))
    states = {one.state: one.number for one in session.execute(by_state.group_by(Conversation.state))}
    return Numbers(
        open=states.get("open", 0),
        claimed=states.get("claimed", 0),
        closed=states.get("closed", 0) if closed else None,
        orders=_number(session, talks.with_open_orders(some)),
        complaints=_number(session, talks.with_open_complaints(some)),
    )


def open_ones(session: Session, staff: Staff) -> int:
    """Conversations this person may see that wait for somebody who claims or answers them."""
    return _number(session, conversations.visible(session, staff, state="open"))


def unmatched(session: Session, staff: Staff) -> int:
    """Replies that belong to nobody yet: administrators see them, for others there are none."""
    return _number(session, conversations.unmatched(session, staff))


def _number(session: Session, query: Select[Any]) -> int:
    """How many rows it has."""
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
