"""What came of an alert: who answered, what, how soon; what became of orders; what still waits for an answer.

People's words count, machines' mail never does. An *answer* is what somebody wants of us (an order, a question, a call,
a complaint, anything else said); opt-outs and other wishes are counted by themselves. *Reached* is whose delivery was
accepted and did not fail afterwards, and who answered all the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from dispatcher.model import (
    Conversation,
    Customer,
    Delivery,
    Firm,
    Message,
    OrderRequest,
    Recipient,
    Reply,
    Response,
)
from dispatcher.model.conversation import MACHINES, WANTED
from dispatcher.services.ranks import share, times
from dispatcher.services.report_groups import Group
from dispatcher.services.report_spread import Deliveries

if TYPE_CHECKING:
    from dispatcher.services.report_columns import Flags

# States of a delivery that reached somebody, as far as its provider knows.
REACHED = ("accepted", "delivered")
ORDER_STATES = ("waiting", "claimed", "confirmed", "declined", "withdrawn")


@dataclass(frozen=True, slots=True)
class _Answerer:
    """A recipient who answered; `after` is in seconds from when they were reached."""

    customer: int
    firm: int
    firm_name: str
    after: float
    reached: bool  # as far as the provider knows


def responses(
    session: Session, message: Message, found: Deliveries, lists: Sequence[Group], firms: Mapping[int, str]
) -> dict[str, Any]:
    """The figures of one message, of which deliveries, lists and names of firms were read.

    Times are seconds, `oldest_at` is a moment in UTC, None stands for what there is not.

    `answers` counts what was said, `answered` recipients who said something, `share` those of the `reached`.
    `first_answer` has `count`, `median` and `p90` of the seconds from being reached to the first answer. `by_kind`
    counts every kind of people's words, `by_channel` what came how and from how many, `by_firm` and `by_list`, with
    those who answered most first, have `reached`, `answered`, `share`, `median` and `p90`. `orders` counts requests by
    state, with the times to the claim and to the decision. `unanswered` conversations are not closed, and nobody
    answered their last word.
    """
    who = _answerers(session, message)
    by_firm = _by_firm(found, firms, who)
    reached = sum(one["reached"] for one in by_firm)
    kinds = _kinds(session, message)
    return {
        "answers": sum(count for kind, count in kinds.items() if kind in WANTED),
        "answered": len(who),
        "reached": reached,
        "share": share(len(who), reached),
        "first_answer": asdict(times(one.after for one in who)),
        "by_kind": kinds,
        "by_channel": _by_channel(session, message),
        "by_firm": by_firm,
        "by_list": _by_list(found, lists, who),
        "orders": _orders(session, message),
        "unanswered": _unanswered(session, message),
        "opt_outs": kinds.get("opt-out", 0),
        "heard": int(found.heard.sum()),
    }


def is_said() -> ColumnElement[bool]:
    """Of a query over replies: what customers said; neither machines' mail nor alerts of our own people."""
    return Reply.kind.not_in((*MACHINES, "alert"))


def reached_at(
    accepted: datetime | None, settled: datetime | None, released: datetime | None, by: datetime
) -> datetime:
    """When somebody was reached who answered by then. Receipts come late, and some answers before them."""
    known = [one for one in (accepted, settled, released) if one is not None and one <= by]
    return max(known, default=by)


# --- who answered -----------------------------------------------------------------------------------------


def _answerers(session: Session, message: Message) -> list[_Answerer]:
    first = (
        select(Reply.customer_id, func.min(Reply.received_at).label("at"))
        .where(Reply.message_id == message.id, Reply.kind.in_(WANTED), Reply.customer_id.is_not(None))
        .group_by(Reply.customer_id)
        .subquery()
    )
    rows = session.execute(
        select(
            first.c.customer_id, first.c.at, func.coalesce(Customer.firm_id, 0).label("firm"),
            func.coalesce(Firm.name, "").label("firm_name"), Delivery.state, Delivery.accepted_at, Delivery.settled_at,
        )
        .join(Recipient, and_(Recipient.customer_id == first.c.customer_id, Recipient.message_id == message.id))
        .join(Customer, Customer.id == first.c.customer_id)
        .outerjoin(Firm, Firm.id == Customer.firm_id)
        .outerjoin(Delivery, Delivery.id == Recipient.delivery_id)
    )  # fmt: skip
    return [
        _Answerer(
            row.customer_id,
            row.firm,
            row.firm_name,
            (row.at - reached_at(row.accepted_at, row.settled_at, message.released_at, row.at)).total_seconds(),
            row.state in REACHED,
        )
        for row in rows
    ]


def _kinds(session: Session, message: Message) -> dict[str, int]:
    rows = session.execute(
        select(Reply.kind, func.count().label("number"))
        .where(Reply.message_id == message.id, is_said())
        .group_by(Reply.kind)
        .order_by(func.count().desc(), Reply.kind)
    )
    return {row.kind: row.number for row in rows}


def _by_channel(session: Session, message: Message) -> dict[str, dict[str, int]]:
    rows = session.execute(
        select(Reply.channel, func.count(), func.count(Reply.customer_id.distinct()))
        .where(Reply.message_id == message.id, Reply.kind.in_(WANTED))
        .group_by(Reply.channel)
        .order_by(Reply.channel)
    )
    return {channel: {"answers": count, "customers": people} for channel, count, people in rows}


# --- groups -----------------------------------------------------------------------------------------------


def _group(reached: int, some: list[_Answerer]) -> dict[str, Any]:
    found = times(one.after for one in some)
    return {
        "reached": reached,
        "answered": len(some),
        "share": share(len(some), reached),
        "median": found.median,
        "p90": found.p90,
    }


def _most_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["answered"], row["reached"]), reverse=True)


def _by_firm(found: Deliveries, firms: Mapping[int, str], who: list[_Answerer]) -> list[dict[str, Any]]:
    import numpy as np

    numbers, counts = np.unique(found.recipients.firm[_reached(found)], return_counts=True)
    reached = Counter(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
    some: dict[int, list[_Answerer]] = defaultdict(list)
    for one in who:
        some[one.firm].append(one)
        reached[one.firm] += not one.reached
    names = {**firms, **{one.firm: one.firm_name for one in who}}  # of whom some have no delivery
    return _most_first(
        {"firm": names.get(number, ""), **_group(count, some[number])} for number, count in reached.items()
    )


def _by_list(found: Deliveries, lists: Sequence[Group], who: list[_Answerer]) -> list[dict[str, Any]]:
    import numpy as np

    reached = found.recipients.customer[_reached(found)]
    answered = np.array([one.customer for one in who], dtype=np.int64)
    rows = []
    for group in lists:
        some = [one for one, is_on in zip(who, group.has(answered).tolist(), strict=True) if is_on]
        count = int(group.has(reached).sum()) + sum(not one.reached for one in some)
        rows.append({"list": group.key, "name": group.name, **_group(count, some)})
    return _most_first(rows)


def _reached(found: Deliveries) -> Flags:
    """Which recipients were reached, as far as the providers know."""
    return found.in_states(*REACHED)[found.recipients.delivery]


# --- what came of it --------------------------------------------------------------------------------------


def _orders(session: Session, message: Message) -> dict[str, Any]:
    rows = session.execute(
        select(OrderRequest.state, OrderRequest.created_at, OrderRequest.claimed_at, OrderRequest.decided_at)
        .join(Reply, Reply.id == OrderRequest.reply_id)
        .where(Reply.message_id == message.id)
    ).all()
    return {"requested": len(rows), **order_figures([row._mapping for row in rows])}


def order_figures(rows: Iterable[Mapping[Any, Any]]) -> dict[str, Any]:
    """Requests for orders by state, and the times from the request to the claim and to the decision."""
    known = list(rows)
    states = Counter(row["state"] for row in known)
    return {
        **{state: states[state] for state in ORDER_STATES},
        "claimed_in": asdict(times(_lengths(known, "claimed_at"))),
        "decided_in": asdict(times(_lengths(known, "decided_at"))),
    }


def _lengths(rows: Iterable[Mapping[Any, Any]], until: str) -> list[float]:
    return [max(0.0, (row[until] - row["created_at"]).total_seconds()) for row in rows if row[until]]


def waits() -> Select[int, datetime]:
    """Conversations that wait for an answer: not closed, and nobody has answered the last word said in them.

    With `at`, when that was first said which nobody has answered.
    """
    later = aliased(Response)
    answered = exists().where(later.conversation_id == Conversation.id, later.created_at >= Reply.received_at)
    return (
        select(Conversation.id, func.min(Reply.received_at).label("at"))
        .join(Reply, Reply.conversation_id == Conversation.id)
        .where(Conversation.state != "closed", Reply.kind.in_(WANTED), ~answered)
        .group_by(Conversation.id)
    )


def _unanswered(session: Session, message: Message) -> dict[str, Any]:
    rows = waits().where(Conversation.message_id == message.id).subquery()
    number, oldest = session.execute(select(func.count(), func.min(rows.c.at))).one()
    return {"conversations": number, "oldest_at": oldest}
