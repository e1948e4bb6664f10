"""Whole tables for spreadsheets and other programs, read a piece at a time: only what a person may see, on record.

Between two pieces nothing is held: whoever reads slowly keeps no connection of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatcher.model import (
    Conversation,
    Customer,
    Firm,
    Letter,
    OrderRequest,
    Reply,
    Response,
    Staff,
)
from dispatcher.model.call import Recording
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, csv_cells, engagement, own_links, remembered, sight
from dispatcher.services.audit import record
from dispatcher.services.csv_cells import Cell
from dispatcher.services.ranks import share

AT_ONCE = 500  # rows
Rows = Select[*tuple[Any, ...]]
HISTORY = ("rep", "officer", "admin")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows: of one message, one customer (by key), from `since` on, before `until`; and how they are written."""

    message: int | None = None
    customer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    separator: str = ","
    bom: bool = False


@dataclass(frozen=True, slots=True)
class _Pieces:
    """One table: its columns, and the rows behind a number, each with its own number in front."""

    columns: tuple[str, ...]
    rows: Callable[[Session, Runtime, Staff, Asked, int], Sequence[tuple[int, Sequence[Cell]]]]
    roles: tuple[str, ...] = ()  # empty: for everybody, who gets what they may see


def export(session: Session, runtime: Runtime, staff: Staff, name: str, asked: Asked) -> Iterator[str]:
    """The table of this name as CSV, in pieces that are read after the caller has committed.

    Raises NotFound for another name or a customer whom this person may not see, NotAllowed, and Refused where a
    history is asked for without its customer.
    """
    wanted = TABLES.get(name)
    if wanted is None:
        raise NotFound(f"there is no export {name}; there are {', '.join(TABLES)}")
    if wanted.roles and not staff.has(*wanted.roles):
        raise NotAllowed(f"this export takes the role {' or '.join(wanted.roles)}")
    if name == "history" and not asked.customer:
        raise Refused({"customer": "is missing: whose history it shall be"})
    if asked.customer:
        sight.customer(session, staff, asked.customer, removed=True)
    told = {
        "message": asked.message, "customer": asked.customer, "since": asked.since, "until": asked.until
    }  # fmt: skip
    record(session, runtime, staff, "export", f"table {name}", **{key: value for key, value in told.items() if value})
    return csv_cells.table(
        wanted.columns, _rows(runtime, staff.id, wanted, asked), separator=asked.separator, bom=asked.bom
    )


def _rows(runtime: Runtime, staff_id: int, wanted: _Pieces, asked: Asked) -> Iterator[Sequence[Cell]]:
    after = 0
    while True:
        with runtime.reader() as session:
            staff = session.get(Staff, staff_id)
            if staff is None or not staff.active:  # shut out meanwhile
                return
            some = wanted.rows(session, runtime, staff, asked, after)
        for number, cells in some:
            after = number
            yield [own_links.cut(cell) if isinstance(cell, str) else cell for cell in cells]
        if len(some) < AT_ONCE:
            return


# --- the tables -------------------------------------------------------------------------------------------


def _conversations(
    session: Session, runtime: Runtime, staff: Staff, asked: Asked, after: int
) -> Sequence[tuple[int, Sequence[Cell]]]:
    query = conversations.visible(session, staff).order_by(None).where(Conversation.id > after)
    query = _narrowed(query, asked, Conversation.message_id, Conversation.customer_id, Conversation.created_at)
    some = session.scalars(query.order_by(Conversation.id).limit(AT_ONCE)).unique().all()
    ids = [one.id for one in some]
    begun: Rows = select(Reply.conversation_id, func.count(), func.min(Reply.received_at))
    given: Rows = select(Response.conversation_id, func.count(), func.min(Response.created_at))
    said, answered = _ends(session, begun, Reply, ids), _ends(session, given, Response, ids)
    names = _names(session, {one.rep_id for one in some} | {one.claimed_by for one in some})
    return [
        (
            one.id,
            (
                one.id, one.customer.key, one.customer.name, one.customer.firm.name if one.customer.firm else None,
                one.message_id, one.message.current.subject if one.message else None, names.get(one.rep_id),
                one.state, names.get(one.claimed_by), one.routed_by, one.channel, one.created_at, one.last_at,
                *said.get(one.id, (0, None)), *answered.get(one.id, (0, None)),
            ),
        )
        for one in some
    ]  # fmt: skip


def _ends(
    session: Session, query: Rows, table: type[Reply] | type[Response], ids: list[int]
) -> dict[int, tuple[int, datetime | None]]:
    rows = session.execute(query.where(table.conversation_id.in_(ids)).group_by(table.conversation_id))
    return {number: (count, first) for number, count, first in rows}


def _names(session: Session, ids: set[int | None]) -> dict[int | None, str]:
    some = session.execute(select(Staff.id, Staff.email).where(Staff.id.in_({one for one in ids if one})))
    return {row.id: row.email for row in some}


def _replies(
    session: Session, runtime: Runtime, staff: Staff, asked: Asked, after: int
) -> Sequence[tuple[int, Sequence[Cell]]]:
    spoken = select(func.max(Recording.transcript)).where(Recording.reply_id == Reply.id)
    written = spoken.correlate(Reply).scalar_subquery()
    query: Rows = select(
        Reply.id, Reply.conversation_id, Reply.message_id, Customer.key, Customer.name, Firm.name.label("firm"),
        Reply.channel, Reply.sender, Reply.subject, Reply.text, written, Reply.kind, Reply.kind_by,
        Reply.kind_because, Reply.state, Reply.note, Reply.received_at, OrderRequest.state.label("order"),
    )  # fmt: skip
    query = (
        query.outerjoin(Customer, Customer.id == Reply.customer_id)
        .outerjoin(Firm, Firm.id == Customer.firm_id)
        .outerjoin(OrderRequest, OrderRequest.reply_id == Reply.id)
        .where(Reply.id > after, Reply.kind != "alert")
    )
    if not staff.has("admin"):
        query = query.where(Reply.conversation_id.in_(conversations.visible_ids(session, staff)))
    query = _narrowed(query, asked, Reply.message_id, Reply.customer_id, Reply.received_at)
    return [(row.id, tuple(row)) for row in session.execute(query.order_by(Reply.id).limit(AT_ONCE))]


def _responses(
    session: Session, runtime: Runtime, staff: Staff, asked: Asked, after: int
) -> Sequence[tuple[int, Sequence[Cell]]]:
    query: Rows = select(
        Response.id, Response.conversation_id, Conversation.message_id, Customer.key, Customer.name,
        Staff.email, Response.via, Letter.channel, Letter.state, Response.text, Response.created_at,
        Letter.accepted_at,
    )  # fmt: skip
    query = (
        query.join(Conversation, Conversation.id == Response.conversation_id)
        .join(Customer, Customer.id == Conversation.customer_id)
        .join(Staff, Staff.id == Response.staff_id)
        .outerjoin(Letter, Letter.id == Response.letter_id)
        .where(Response.id > after)
    )
    if not staff.has("admin"):
        query = query.where(Response.conversation_id.in_(conversations.visible_ids(session, staff)))
    query = _narrowed(query, asked, Conversation.message_id, Conversation.customer_id, Response.created_at)
    return [(row[0], tuple(row)) for row in session.execute(query.order_by(Response.id).limit(AT_ONCE))]


def _history(
    session: Session, runtime: Runtime, staff: Staff, asked: Asked, after: int
) -> Sequence[tuple[int, Sequence[Cell]]]:
    if after:  # all of it came at once: it is one person's, and grows at its front
        return []
    customer = sight.customer(session, staff, asked.customer or "", removed=True)
    some = [
        one
        for one in remembered.of_customer(session, staff, customer)
        if (asked.message is None or one.get("message") == asked.message) and _within(one["at"], asked)
    ]
    return [
        (number, (customer.key, customer.name, *(_cell(one.get(name)) for name in _OF_HISTORY)))
        for number, one in enumerate(some, 1)
    ]


_OF_HISTORY = (
    "at", "kind", "text", "message", "channel", "state", "outcome", "because", "reached_at", "heard_at",
    "answered_after", "reply", "reply_kind", "conversation", "by", "files",
)  # fmt: skip


def _cell(value: Any) -> Cell:
    return "; ".join(value) if isinstance(value, list) else value


def _engagement(
    session: Session, runtime: Runtime, staff: Staff, asked: Asked, after: int
) -> Sequence[tuple[int, Sequence[Cell]]]:
    rows = engagement.by_customer(runtime).subquery()
    query = (
        sight.customers(staff)
        .with_only_columns(
            Customer.id, Customer.key, Customer.name, Firm.name.label("firm"), rows.c.reached, rows.c.answered,
            rows.c.heard, rows.c.engaged,
        )
        .outerjoin(rows, rows.c.customer_id == Customer.id)
        .where(Customer.active, Customer.id > after)
    )  # fmt: skip
    if asked.customer:
        query = query.where(Customer.key == asked.customer)
    some = session.execute(query.order_by(Customer.id).limit(AT_ONCE)).all()
    last = engagement.last_signs(session, [row.id for row in some])
    return [
        (
            row.id,
            (
                row.key, row.name, row.firm, row.reached or 0, row.answered or 0, row.heard or 0, row.engaged or 0,
                share(row.engaged, row.reached), last.get(row.id),
            ),
        )
        for row in some
    ]  # fmt: skip


# --- which of them ----------------------------------------------------------------------------------------


def _narrowed(
    query: Rows,
    asked: Asked,
    message: InstrumentedAttribute[int | None],
    customer: InstrumentedAttribute[int] | InstrumentedAttribute[int | None],
    at: InstrumentedAttribute[datetime],
) -> Rows:
    if asked.message is not None:
        query = query.where(message == asked.message)
    if asked.customer:
        query = query.where(customer.in_(select(Customer.id).where(Customer.key == asked.customer)))
    if asked.since:
        query = query.where(at >= asked.since)
    return query.where(at < asked.until) if asked.until else query


def _within(at: datetime, asked: Asked) -> bool:
    return (asked.since is None or at >= asked.since) and (asked.until is None or at < asked.until)


TABLES = {
    "conversations": _Pieces(
        (
            "conversation", "customer_id", "customer", "firm", "message", "subject", "rep", "state", "claimed_by",
            "routed_by", "channel", "created_at", "last_at", "replies", "first_reply_at", "responses",
            "first_response_at",
        ),
        _conversations,
    ),
    "replies": _Pieces(
        (
            "reply", "conversation", "message", "customer_id", "customer", "firm", "channel", "sender", "subject",
            "text", "transcript", "kind", "kind_by", "kind_because", "state", "note", "received_at", "order",
        ),
        _replies,
    ),
    "responses": _Pieces(
        (
            "response", "conversation", "message", "customer_id", "customer", "by", "via", "channel", "state", "text",
            "created_at", "accepted_at",
        ),
        _responses,
    ),
    "history": _Pieces(("customer_id", "customer", *_OF_HISTORY), _history, HISTORY),
    "engagement": _Pieces(
        (
            "customer_id", "customer", "firm", "reached", "answered", "heard", "engaged", "share", "last_sign_of_life",
        ),
        _engagement,
    ),
}  # fmt: skip
