"""How the desk stands: what of each representative is open and how old it is, how soon they answer, orders that wait.

A conversation is on the desk of who has claimed it, else in whose inbox it is, else nobody's. The time to the first
answer is from a conversation's first answer of the customer to the first response, and is theirs who gave it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Result, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Grant, OrderRequest, Reply, Response, Staff
from dispatcher.model.conversation import UNDECIDED, WANTED
from dispatcher.model.delivery import in_states
from dispatcher.runtime import Runtime
from dispatcher.services import inbox_numbers
from dispatcher.services.ranks import Times, times
from dispatcher.services.response_report import waits

WEEKS = 12
SHOWN = 200  # conversations of one desk, the longest waiting first


@dataclass(frozen=True, slots=True)
class Week:
    """First answers of customers in the week that began on this Monday, and how soon they were answered."""

    begins: date
    answered: Times


@dataclass(frozen=True, slots=True)
class Desk:
    """What is on one desk; without `staff` on nobody's. `waiting` are conversations whose last word is unanswered.

    `first_answer` and `weeks` are of the last twelve weeks.
    """

    staff: Staff | None
    open: int = 0
    claimed: int = 0
    waiting: int = 0
    oldest_at: datetime | None = None
    orders: int = 0
    oldest_order_at: datetime | None = None
    unmatched: int = 0
    first_answer: Times = field(default_factory=Times)
    weeks: tuple[Week, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation that is not closed; `since` is when that was said which nobody has answered."""

    conversation: Conversation
    since: datetime | None


def desks(session: Session, runtime: Runtime, staff: Staff) -> list[Desk]:
    """For administrators every representative's and nobody's, who is slowest in front; for others their own."""
    session.flush()
    everybody = staff.has("admin")
    people = _people(session, staff, everybody)
    states, orders = _states(session), _orders(session)
    waiting = _waiting(session)
    took = _first_answers(session, runtime.now() - timedelta(weeks=WEEKS))
    found = []
    for one in [*people, *([None] if everybody else [])]:
        number = one.id if one else None
        oldest = min(waiting[number], default=None)
        some = took.get(number, []) if number is not None else []
        found.append(
            Desk(
                staff=one,
                open=states[number, "open"],
                claimed=states[number, "claimed"],
                waiting=len(waiting[number]),
                oldest_at=oldest,
                orders=len(orders[number]),
                oldest_order_at=min(orders[number], default=None),
                unmatched=0 if one else inbox_numbers.unmatched(session, staff),
                first_answer=times(seconds for _, seconds in some),
                weeks=_weeks(runtime, some),
            )
        )
    never = runtime.now() + timedelta(days=1)
    return sorted(found, key=lambda desk: (desk.oldest_at or never, -desk.open))


def on_desk(session: Session, staff: Staff) -> list[Waiting]:
    """What is open on this person's desk, the longest unanswered first."""
    since = waits().subquery()
    rows = session.execute(
        select(Conversation, since.c.at)
        .outerjoin(since, since.c.id == Conversation.id)
        .where(Conversation.state != "closed", _whose() == staff.id)
        .order_by(since.c.at.is_(None), since.c.at, Conversation.last_at, Conversation.id)
        .limit(SHOWN)
    )
    return [Waiting(one, at) for one, at in rows]


def _whose() -> ColumnElement[int | None]:
    return func.coalesce(Conversation.claimed_by, Conversation.rep_id)


def _people(session: Session, staff: Staff, everybody: bool) -> list[Staff]:
    """Who has a desk: representatives, and whoever has something on one."""
    if not everybody:
        return [staff]
    reps = select(Grant.staff_id).where(Grant.role == "rep")
    busy = select(_whose()).where(Conversation.state != "closed", _whose().is_not(None))
    return list(
        session.scalars(
            select(Staff)
            .where(or_(Staff.id.in_(busy), Staff.id.in_(reps) & Staff.active))
            .order_by(Staff.name, Staff.id)
        )
    )


def _states(session: Session) -> defaultdict[tuple[int | None, str], int]:
    rows = session.execute(
        select(_whose().label("whose"), Conversation.state, func.count().label("number"))
        .where(Conversation.state != "closed")
        .group_by(_whose(), Conversation.state)
    )
    found: defaultdict[tuple[int | None, str], int] = defaultdict(int)
    for row in rows:
        found[row.whose, row.state] = row.number
    return found


def _waiting(session: Session) -> defaultdict[int | None, list[datetime]]:
    rows = waits().subquery()
    return _by_desk(
        session.execute(select(_whose().label("whose"), rows.c.at).join(rows, rows.c.id == Conversation.id))
    )


def _orders(session: Session) -> defaultdict[int | None, list[datetime]]:
    """Requests for orders that nobody has decided."""
    whose = func.coalesce(OrderRequest.claimed_by, _whose())
    return _by_desk(
        session.execute(
            select(whose.label("whose"), Reply.received_at)
            .join(Reply, Reply.id == OrderRequest.reply_id)
            .join(Conversation, Conversation.id == OrderRequest.conversation_id)
            .where(in_states(OrderRequest.state, *UNDECIDED))
        )
    )


def _by_desk(rows: Result[int | None, datetime]) -> defaultdict[int | None, list[datetime]]:
    found: defaultdict[int | None, list[datetime]] = defaultdict(list)
    for whose, at in rows:
        found[whose].append(at)
    return found


# --- how soon ---------------------------------------------------------------------------------------------


def _first_answers(session: Session, since: datetime) -> dict[int, list[tuple[datetime, float]]]:
    """Of the conversations that customers have begun since then, by who answered first: when, after so many seconds."""
    begun = (
        select(Reply.conversation_id, func.min(Reply.received_at).label("at"))
        .where(Reply.kind.in_(WANTED), Reply.conversation_id.is_not(None))
        .group_by(Reply.conversation_id)
        .having(func.min(Reply.received_at) >= since)
        .subquery()
    )
    place = func.row_number().over(partition_by=Response.conversation_id, order_by=(Response.created_at, Response.id))
    given = (
        select(Response.conversation_id, Response.staff_id, begun.c.at, Response.created_at, place.label("place"))
        .join(begun, begun.c.conversation_id == Response.conversation_id)
        .where(Response.created_at >= begun.c.at)
        .subquery()
    )
    firsts = select(given.c.staff_id, given.c.at, given.c.created_at).where(given.c.place == 1)
    found: defaultdict[int, list[tuple[datetime, float]]] = defaultdict(list)
    for whose, began, answered in session.execute(firsts):
        found[whose].append((began, (answered - began).total_seconds()))
    return found


def _weeks(runtime: Runtime, some: Iterable[tuple[datetime, float]]) -> tuple[Week, ...]:
    """The last twelve weeks, the newest first; weeks begin on Monday, UTC."""
    by_week: defaultdict[date, list[float]] = defaultdict(list)
    for at, seconds in some:
        by_week[_monday(at)].append(seconds)
    this = _monday(runtime.now())
    return tuple(
        Week(monday, times(by_week[monday])) for monday in (this - timedelta(weeks=back) for back in range(WEEKS))
    )


def _monday(at: datetime) -> date:
    return at.date() - timedelta(days=at.weekday())
