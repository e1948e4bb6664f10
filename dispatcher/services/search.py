"""Search over conversations: what customers and representatives said, on which alert, by name of customer or firm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, String, column, select, table, text, true
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Firm, Message, Reply, Response, Staff, Version
from dispatcher.model.call import Recording
from dispatcher.model.errors import Refused
from dispatcher.services import conversations
from dispatcher.services.search_words import Mark, Term, excerpt, for_postgresql, for_sqlite, marks, terms

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
    """One reply or response that holds all that was asked for; `id` is its place among all that can be found.

    Without `conversation_id` it belongs to nobody yet; `by` is who answered.
    """

    id: int
    kind: str  # reply, response
    number: int  # of the reply or response
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
    """A page of hits, newest first; `following` is the id behind which the next page begins, None at the end."""

    hits: list[Hit]
    following: int | None = None


def find(session: Session, staff: Staff, words: str, *, limit: int = 25, before: int | None = None) -> Found:
    """What this person may see of all that holds these words, newest first, from behind the hit `before` on.

    Words, "phrases", -without, beginnings*; see `search_words`. Raises Refused where only what is to be left out is
    named; no words find nothing.
    """
    asked = terms(words)
    if not asked:
        return Found([])
    if all(one.without for one in asked):
        raise Refused({"q": "names only what to leave out; say what to look for, too"})
    query = _of(session, staff, asked)
    place = query.selected_columns[0]
    query = query.order_by(place.desc()).limit(min(limit, MOST) + 1)
    if before is not None:
        query = query.where(place < before)
    ids = session.scalars(query).all()
    shown = ids[: min(limit, MOST)]
    return Found(_hits(session, shown, asked), shown[-1] if len(ids) > len(shown) else None)


def _of(session: Session, staff: Staff, asked: Sequence[Term]) -> Select[int]:
    """The ids of what holds these words. SQLite's index gives its rows from the newest on, if it leads."""
    query: Select[int] = select(_PASSAGES.c.id)
    if session.get_bind().dialect.name == "postgresql":
        holds = text("search_passages.words @@ CAST(:asked AS tsquery)").bindparams(asked=for_postgresql(asked))
    else:
        query = select(_WORDS.c.rowid).join_from(_WORDS, _PASSAGES, _PASSAGES.c.id == _WORDS.c.rowid)
        holds = text("search_words MATCH :asked").bindparams(asked=for_sqlite(asked))
    return query.where(holds, _may_see(session, staff))


def _may_see(session: Session, staff: Staff) -> ColumnElement[bool]:
    """As in the inbox: their own conversations; for administrators all, and what belongs to nobody yet."""
    theirs = conversations.visible_ids(session, staff)
    # "Is true" keeps PostgreSQL from joining the two, which takes ten times as long as to look each up in a table.
    seen = _PASSAGES.c.conversation_id.in_(theirs).is_(true())
    return seen | _PASSAGES.c.conversation_id.is_(None) if staff.has("admin") else seen


def _hits(session: Session, ids: Sequence[int], asked: Sequence[Term]) -> list[Hit]:
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
        .where(passages.id.in_(ids))
        .order_by(passages.id.desc(), Recording.id)
    )  # fmt: skip
    found: dict[int, Hit] = {}
    for row in rows:
        if row.id not in found:
            found[row.id] = _hit(row, asked)
    return list(found.values())


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


def _marked(words: str | None, asked: Sequence[Term]) -> Marked:
    return Marked(words or "", tuple(marks(words or "", asked)))
