"""How a conversation stands, as lists of them show it: what was asked last, since when it waits, what is doubtful."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Subquery, func, select

from dispatcher.model import Conversation, OrderRequest, Reply
from dispatcher.model.conversation import READ, UNDECIDED
from dispatcher.model.delivery import in_states
from dispatcher.services import routing
from dispatcher.services.short_texts import unquoted


@dataclass(frozen=True, slots=True)
class Stands:
    """`kind` of the last answer that somebody is to read, "" without one; `doubt` of the last doubtful one, "" without.

    `since` is when the first answer came that no person has answered; None where nothing is to be answered. `orders`
    are those neither confirmed nor declined, `marks` say of them in words who has claimed how many. `words` are the
    last answer's in one line, without what it quotes.
    """

    last: Reply | None
    words: str
    kind: str
    doubt: str
    since: datetime | None
    orders: tuple[OrderRequest, ...]
    marks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a conversation now, and why. `is_mine`: they are who asks."""

    who: str
    why: str
    is_mine: bool = False


def holder(conversation: Conversation, staff_id: int) -> Holder:
    """The one who has it: who claimed it, else whom the rules gave it, for `staff_id` who asks."""
    one = conversation.claimer if conversation.state != "open" else None
    if one is not None:
        return Holder(one.name, "claimed it", one.id == staff_id)
    if conversation.state == "open" and routing.is_at_desk(conversation):
        return Holder("all administrators", conversation.routed_by)
    rep = conversation.rep
    return Holder(rep.name if rep else "nobody", conversation.routed_by, rep is not None and rep.id == staff_id)


def stands(conversation: Conversation) -> Stands:
    """Of one conversation, from its replies and responses."""
    replies = conversation.replies
    read = [one for one in replies if one.kind in READ]
    answered = max((one.created_at for one in conversation.responses), default=None)
    unanswered = [one.received_at for one in read if answered is None or one.received_at > answered]
    open_ones = tuple(one.order for one in replies if one.order is not None and one.order.state in UNDECIDED)
    waits = conversation.state != "closed"
    last = read[-1] if read else replies[-1] if replies else None
    return Stands(
        last=last,
        words=unquoted(last.text) if last else "",
        kind=read[-1].kind if read else "",
        doubt=next((one.doubt for one in reversed(replies) if one.doubt), ""),
        since=min(unanswered, default=None) if waits else None,
        orders=open_ones,
        marks=_marks(open_ones),
    )


def _marks(some: tuple[OrderRequest, ...]) -> tuple[tuple[str, str], ...]:
    """For each who has claimed some of these orders, and for nobody: the state, and what is said of it."""
    counted = Counter((one.state, one.claimer.name if one.claimer else "") for one in some)
    return tuple(
        (state, (f"{number} orders " if number > 1 else "") + (f"claimed by {who}" if who else "not claimed"))
        for (state, who), number in counted.items()
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


def with_open_orders(query: Select[Conversation], *, latest_first: bool = False) -> Select[Conversation]:
    """Those with an order that is neither confirmed nor declined, the one that has waited longest first."""
    first = (
        select(OrderRequest.conversation_id, func.min(Reply.received_at).label("at"))
        .join(Reply, Reply.id == OrderRequest.reply_id)
        .where(in_states(OrderRequest.state, *UNDECIDED))
        .group_by(OrderRequest.conversation_id)
        .subquery()
    )
    return _by_first(query, first, latest_first)


def with_open_complaints(query: Select[Conversation], *, latest_first: bool = False) -> Select[Conversation]:
    """Those in which somebody has complained since they were last closed, the one that has waited longest first."""
    first = (
        select(Reply.conversation_id, func.min(Reply.received_at).label("at"))
        .join(Conversation, Conversation.id == Reply.conversation_id)
        .where(
            Reply.kind == "complaint",
            Conversation.state != "closed",
            Reply.id > func.coalesce(Conversation.done_up_to, 0),
        )
        .group_by(Reply.conversation_id)
        .subquery()
    )
    return _by_first(query, first, latest_first)


def _by_first(query: Select[Conversation], first: Subquery, latest_first: bool) -> Select[Conversation]:
    """Those that `first` names, by the moment `at` of each."""
    at = first.c.at.desc() if latest_first else first.c.at
    return query.join(first, first.c.conversation_id == Conversation.id).order_by(None).order_by(at)
