"""How a conversation stands, as lists of them show it: what was asked last, since when it waits, what is doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from dispatcher.model import Conversation, OrderRequest, Reply
from dispatcher.model.conversation import READ
from dispatcher.services.order_asked import UNDECIDED


@dataclass(frozen=True, slots=True)
class Stands:
    """`kind` of the last answer that somebody is to read, "" without one; `doubt` of the last doubtful one, "" without.

    `since` is when the first answer came that no person has answered; None where nothing is to be answered. `orders`
    are those neither confirmed nor declined.
    """

    last: Reply | None
    kind: str
    doubt: str
    since: datetime | None
    orders: tuple[OrderRequest, ...]


def stands(conversation: Conversation) -> Stands:
    """Of one conversation, from its replies and responses."""
    replies = conversation.replies
    read = [one for one in replies if one.kind in READ]
    answered = max((one.created_at for one in conversation.responses), default=None)
    unanswered = [one.received_at for one in read if answered is None or one.received_at > answered]
    open_ones = tuple(one.order for one in replies if one.order is not None and one.order.state in UNDECIDED)
    waits = conversation.state != "closed"
    return Stands(
        last=read[-1] if read else replies[-1] if replies else None,
        kind=read[-1].kind if read else "",
        doubt=next((one.doubt for one in reversed(replies) if one.doubt), ""),
        since=min(unanswered, default=None) if waits else None,
        orders=open_ones,
    )


def narrowed(query: Select[Conversation], *, kind: str | None = None, order: str | None = None) -> Select[Conversation]:
    """The conversations of a query in which an answer is of this kind, or an order request in this state."""
    if kind:
        query = query.where(Conversation.id.in_(select(Reply.conversation_id).where(Reply.kind == kind)))
    if order:
        query = query.where(
            Conversation.id.in_(select(OrderRequest.conversation_id).where(OrderRequest.state == order))
        )
    return query


def with_open_orders(query: Select[Conversation]) -> Select[Conversation]:
    """Those with an order that is neither confirmed nor declined, the one that has waited longest first."""
    first = (
        select(OrderRequest.conversation_id, func.min(OrderRequest.created_at).label("at"))
        .where(OrderRequest.state.in_(UNDECIDED))
        .group_by(OrderRequest.conversation_id)
        .subquery()
    )
    return query.join(first, first.c.conversation_id == Conversation.id).order_by(None).order_by(first.c.at)
