"""Search over conversations: what customers and representatives said, on which alert, by name of customer or firm.

What holds the words itself comes first. Of what only belongs to an alert, a customer or a firm of that name comes one
hit an alert, or a conversation, for each of its answers would say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, String, case, column, func, select, table, text, true
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Firm, Message, Reply, Response, Staff, Version
from dispatcher.model.call import Recording
from dispatcher.model.errors import Refused
from dispatcher.services import conversations
from dispatcher.services.search_words import (
    NAMED,
    SAID,
    Mark,
    Part,
    Term,
    excerpt,
    for_postgresql,
    for_sqlite,
    marks,
    terms,
)  # fmt: skip

MOST = 100  # hits of one page

_PASSAGES = table(
    "search_passages",
    column("id", BigInteger),
    column("kind", String),
    column("reply_id", BigInteger),
    column("response_id", BigInteger),
    column("conversation_id", BigInteger),
    column("customer_id", BigInteger),
    column("message_id", BigInteger),
)
_WORDS = table("search_words", column("rowid", BigInteger))  # SQLite's


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and where in it the words stand that were asked for."""

    text: str
    marks: tuple[Mark, ...] = ()

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it was asked for."""
        found, at = [], 0
        for start, end in self.marks:
            found += [(self.text[at:start], False), (self.text[start:end], True)]
            at = end
        return [one for one in (*found, (self.text[at:], False)) if one[0]]


@dataclass(frozen=True, slots=True)
class Hit:
    """One reply or response that holds all that was asked for, or the alert of that name; `id` is its place among all
    that can be found.

    Without `conversation_id` it belongs to nobody yet; an alert's is the newest conversation on it. `by` is who
    answered.
    """

    id: int
    kind: str  # reply, response, alert
    number: int  # of the reply, response or message
    conversation_id: int | None
    message_id: int | None
    customer_key: str | None
    channel: str | None
    by: str | None
    at: datetime
    said: Marked
    customer: Marked
    firm: Marked
    subject: Marked


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits, in their order; `following` is the mark behind which the next page begins, None at the end."""

    hits: list[Hit]
    following: int | None = None


def find(session: Session, staff: Staff, words: str, *, limit: int = 25, before: int | None = None) -> Found:
    """What this person may see of all that holds these words, newest first, from behind the mark `before` on: first
    what was said, then what it was said of.

    Words, "phrases", -without, beginnings*; see `search_words`. Raises Refused where only what is to be left out is
    named; no words find nothing.
    """
    asked = terms(words)
    if not asked:
        return Found([])
    if all(one.without for one in asked):
        raise Refused({"q": "names only what to leave out; say what to look for, too"})
    most = min(limit, MOST)
    place, is_named = (None, 0) if before is None else divmod(before, 2)
    said = [] if is_named else _said(session, staff, asked, place, most + 1)
    titled = _titled(session, staff, asked) if len(said) <= most else frozenset()
    named = _named(session, staff, asked, titled, place if is_named else None, most + 1 - len(said))
    found = [*((one, 0) for one in said), *((one, 1) for one in named)]
    shown = found[:most]
    hits = _hits(session, shown, asked, titled)
    return Found(hits, shown[-1][0] * 2 + shown[-1][1] if len(found) > most else None)


def _said(session: Session, staff: Staff, asked: Sequence[Term], before: int | None, most: int) -> Sequence[int]:
    """The ids of what holds one of these words itself. SQLite's index gives rows from the newest on, if it leads."""
    query = _of(session, staff, asked, SAID)
    place = query.selected_columns[0]
    query = query if before is None else query.where(place < before)
    return session.scalars(query.order_by(place.desc()).limit(most)).all()


def _titled(session: Session, staff: Staff, asked: Sequence[Term]) -> frozenset[int]:
    """The alerts whose title holds all of these words."""
    of_them = _of(session, staff, asked, NAMED).with_only_columns(_PASSAGES.c.message_id)
    titles = session.execute(
        select(Message.id, Version.subject)
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(Message.id.in_(of_them))
    )
    wanted = [one for one in asked if not one.without]
    return frozenset(number for number, title in titles if all(marks(title, [one]) for one in wanted))


def _named(
    session: Session, staff: Staff, asked: Sequence[Term], titled: frozenset[int], before: int | None, most: int
) -> Sequence[int]:
    """The ids of the newest of each alert of that title, and of each conversation of that name."""
    if most <= 0:
        return []
    query = _of(session, staff, asked, NAMED)
    place = func.max(query.selected_columns[0])
    is_titled = _PASSAGES.c.message_id.in_(titled)
    one_each = (case((is_titled, _PASSAGES.c.message_id)), case((~is_titled, _PASSAGES.c.conversation_id)))
    grouped = query.with_only_columns(place).group_by(*one_each)
    grouped = grouped if before is None else grouped.having(place < before)
    return session.scalars(grouped.order_by(place.desc()).limit(most)).all()


def _of(session: Session, staff: Staff, asked: Sequence[Term], part: Part) -> Select[int]:
    """The ids of what holds these words."""
    query: Select[int] = select(_PASSAGES.c.id)
    if session.get_bind().dialect.name == "postgresql":
        holds = text("search_passages.words @@ CAST(:asked AS tsquery)").bindparams(asked=for_postgresql(asked, part))
    else:
        query = select(_WORDS.c.rowid).join_from(_WORDS, _PASSAGES, _PASSAGES.c.id == _WORDS.c.rowid)
        holds = text("search_words MATCH :asked").bindparams(asked=for_sqlite(asked, part))
    return query.where(holds, _may_see(session, staff))


def _may_see(session: Session, staff: Staff) -> ColumnElement[bool]:
    """As in the inbox: their own conversations; for administrators all, and what belongs to nobody yet."""
    theirs = conversations.visible_ids(session, staff)
    # "Is true" keeps PostgreSQL from joining the two, which takes ten times as long as to look each up in a table.
    seen = _PASSAGES.c.conversation_id.in_(theirs).is_(true())
    return seen | _PASSAGES.c.conversation_id.is_(None) if staff.has("admin") else seen


def _hits(
    session: Session, shown: Sequence[tuple[int, int]], asked: Sequence[Term], titled: frozenset[int]
) -> list[Hit]:
    passages = _PASSAGES.c
    rows = session.execute(
        select(
            passages.id, passages.kind, passages.reply_id, passages.response_id, passages.conversation_id,
            passages.message_id, Reply.text, Reply.subject, Reply.channel, Reply.received_at, Recording.transcript,
            Response.text.label("answer"), Response.created_at, Staff.name.label("by"), Customer.key,
            Customer.name.label("customer"), Firm.name.label("firm"), Version.subject.label("about"),
        )
        .select_from(_PASSAGES)
        .outerjoin(Reply, Reply.id == passages.reply_id)
        .outerjoin(Recording, Recording.reply_id == Reply.id)
        .outerjoin(Response, Response.id == passages.response_id)
        .outerjoin(Staff, Staff.id == Response.staff_id)
        .outerjoin(Customer, Customer.id == passages.customer_id)
        .outerjoin(Firm, Firm.id == Customer.firm_id)
        .outerjoin(Message, Message.id == passages.message_id)
        .outerjoin(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(passages.id.in_([place for place, _ in shown]))
        .order_by(Recording.id)
    )  # fmt: skip
    found: dict[int, Hit] = {}
    for row in rows:
        if row.id not in found:
            is_title = (row.id, 1) in shown and row.message_id in titled
            found[row.id] = _alert(row, asked) if is_title else _hit(row, asked)
    return [found[place] for place, _ in shown]


def _hit(row: Row[Any], asked: Sequence[Term]) -> Hit:
    is_reply = row.kind == "reply"
    # A spoken answer's text only says how long it is.
    said = " ".join(one for one in (row.subject, row.text, row.transcript) if one) if is_reply else row.answer
    shown, where = excerpt(said, marks(said, asked))
    return Hit(
        id=row.id,
        kind=row.kind,
        number=row.reply_id if is_reply else row.response_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        customer_key=row.key,
        channel=row.channel if is_reply else None,
        by=row.by,
        at=row.received_at if is_reply else row.created_at,
        said=Marked(shown, tuple(where)),
        customer=_marked(row.customer, asked),
        firm=_marked(row.firm, asked),
        subject=_marked(row.about, asked),
    )


def _alert(row: Row[Any], asked: Sequence[Term]) -> Hit:
    nothing = Marked("")
    return Hit(
        id=row.id, kind="alert", number=row.message_id, conversation_id=row.conversation_id, message_id=row.message_id,
        customer_key=None, channel=None, by=None, at=row.received_at or row.created_at, said=nothing, customer=nothing,
        firm=nothing, subject=_marked(row.about, asked),
    )  # fmt: skip


def _marked(words: str | None, asked: Sequence[Term]) -> Marked:
    return Marked(words or "", tuple(marks(words or "", asked)))
