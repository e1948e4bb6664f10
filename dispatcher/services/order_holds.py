"""Which orders somebody may see, which they may act on, and who holds them."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, OrderRequest, Staff
from dispatcher.model.conversation import UNDECIDED
from dispatcher.model.delivery import in_states
from dispatcher.model.errors import NotAllowed, NotFound, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, covers, order_rings
from dispatcher.services.order_asked import TAKERS


def visible(session: Session, staff: Staff, state: str | None = None) -> Select[OrderRequest]:
    """The orders in conversations this person may see, the one that has waited longest first."""
    query = select(OrderRequest)
    if not staff.has("admin"):
        seen = select(Conversation.id).where(
            Conversation.id == OrderRequest.conversation_id, conversations.theirs(staff)
        )
        query = query.where(seen.correlate(OrderRequest).exists())
    if state in UNDECIDED:
        query = query.where(in_states(OrderRequest.state, *UNDECIDED))  # by the index of those few
    if state:
        query = query.where(OrderRequest.state == state)
    return query.order_by(OrderRequest.created_at, OrderRequest.id)


def get(session: Session, staff: Staff, order_id: int) -> OrderRequest:
    """One of them. Raises NotFound."""
    found = session.scalar(visible(session, staff).where(OrderRequest.id == order_id))
    if found is None:
        raise NotFound(f"there is no order {order_id}")
    return found


def held(session: Session, staff: Staff, order_id: int) -> OrderRequest:
    """An order this person may act on, locked after its conversation. Raises NotFound, NotAllowed."""
    get(session, staff, order_id)
    if not staff.has(*TAKERS):
        raise NotAllowed("only representatives and administrators take orders on")
    order = order_rings.locked(session, order_id)
    get(session, staff, order_id)  # it may have been given away while we waited for it
    return order


def claimed(session: Session, staff: Staff, order_id: int, but: str = "") -> OrderRequest:
    """An order that this very person has claimed; or which they have decided so (`but`) before."""
    order = held(session, staff, order_id)
    if order.state == but and order.decided_by == staff.id:
        return order
    if order.state == "waiting":
        raise StateConflict("nobody has claimed the order: claim it first", state=order.state)
    if order.state != "claimed" or order.claimed_by != staff.id:
        raise conflict(order)
    return order


def conflict(order: OrderRequest) -> StateConflict:
    """Why somebody else can do nothing with it."""
    if order.state == "claimed":
        return StateConflict(f"{claimer(order)} has claimed the order", state=order.state)
    who = f" by {order.decider.name}" if order.decider else ""
    return StateConflict(f"the order is {order.state} already{who}", state=order.state)


def claimer(order: OrderRequest) -> str:
    """By name."""
    return order.claimer.name if order.claimer else "somebody"


def is_gone(runtime: Runtime, order: OrderRequest) -> bool:
    """Whether who has claimed it has left, or is away."""
    return order.claimer is None or not order.claimer.active or covers.is_away(runtime, order.claimer)
