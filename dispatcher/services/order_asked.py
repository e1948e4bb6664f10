"""Which conversations somebody may see because an order in them was put to them, though they are a colleague's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from dispatcher.model import Conversation, Letter, OrderRequest, Staff

KIND = "order"  # of the letters by which people beyond the owner are asked to claim an order
TAKERS = ("rep", "admin")  # the roles of those who may claim one
UNDECIDED = ("waiting", "claimed")


def was_asked(staff: Staff) -> ColumnElement[bool]:
    """Of a query over conversations: with an undecided order that they have claimed, or were asked to claim."""
    asked = select(Letter.conversation_id).where(Letter.staff_id == staff.id, Letter.kind == KIND)
    theirs = select(OrderRequest.conversation_id).where(
        OrderRequest.state.in_(UNDECIDED),
        or_(OrderRequest.claimed_by == staff.id, OrderRequest.conversation_id.in_(asked)),
    )
    return Conversation.id.in_(theirs)
