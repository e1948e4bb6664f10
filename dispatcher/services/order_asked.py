"""Which conversations somebody may see because an order in them was put to them, though they are a colleague's."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import aliased

from dispatcher.model import Conversation, Letter, OrderRequest, Staff
from dispatcher.model.conversation import UNDECIDED
from dispatcher.model.delivery import in_states

KIND = "order"  # of the letters by which people beyond the owner are asked to claim an order
TAKERS = ("rep", "admin")  # the roles of those who may claim one


def was_asked(staff: Staff) -> ColumnElement[bool]:
    """Of a query over conversations: with an undecided order that they have claimed, or were asked to claim."""
    order = aliased(OrderRequest)
    # From the few undecided orders to the few letters of their conversations: both grow with the day, not the years.
    asked = select(Letter.id).where(
        Letter.conversation_id == order.conversation_id, Letter.staff_id == staff.id, Letter.kind == KIND
    )
    theirs = select(order.conversation_id).where(
        in_states(order.state, *UNDECIDED), or_(order.claimed_by == staff.id, asked.correlate(order).exists())
    )
    return Conversation.id.in_(theirs)
