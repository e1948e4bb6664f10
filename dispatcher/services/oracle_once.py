"""P2, at most once: one delivery a contact point, one acceptance a delivery, nothing sent while in doubt."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.delivery import ABSENT, NOBODY
from dispatcher.runtime import Runtime
from dispatcher.services.oracle import MOST, TAKEN, Breach, Promise, Question

IN_DOUBT = ("sending", "unknown")


def one_delivery(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """A message goes to a contact point by one delivery."""
    twice = (
        select(func.min(Delivery.id), func.max(Delivery.id), Delivery.message_id)
        .group_by(Delivery.message_id, Delivery.channel, func.lower(Delivery.address))
        .having(func.count() > 1)
    )
    for first, last, message_id in session.execute(twice.limit(MOST)):
        text = f"goes to the same contact point as delivery {first} of message {message_id}"
        yield Breach("P2", f"delivery {last}", text)


def one_acceptance(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """A delivery or letter is accepted once, and once more for each time that a person ordered it sent again.

    A call of which the provider said that it reached nobody does not count: it may be made again.
    """
    for column, name in ((Attempt.delivery_id, "delivery"), (Attempt.letter_id, "letter")):
        accepted = (
            select(column.label("id"), func.count().label("times"))
            .where(column.is_not(None), Attempt.state.in_(TAKEN), ~_in_vain(Attempt))
            .group_by(column)
            .having(func.count() > 1 + func.count(Attempt.resent_by))
        )
        for row in session.execute(accepted.limit(MOST)):
            yield Breach("P2", f"{name} {row.id}", f"was accepted {row.times} times")
    earlier = aliased(Attempt)
    again = _pairs(earlier).where(
        earlier.state.in_(TAKEN),
        earlier.resent_by.is_(None),
        ~_in_vain(earlier),
        earlier.settled_at < Attempt.started_at,
        or_(Attempt.state.not_in(TAKEN), _in_vain(Attempt)),
    )
    for row in session.execute(again.add_columns(earlier.settled_at, Attempt.started_at).limit(MOST)):
        if row.settled_at + asked.skew < row.started_at:
            yield Breach("P2", f"attempt {row.id}", f"started after {_whose(row)} had been accepted")


def nothing_in_doubt_repeated(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """While an outcome is unknown nothing more is sent; a call that was in doubt is never repeated at all."""
    earlier = aliased(Attempt)
    open_twice = _pairs(earlier).where(earlier.state.in_(IN_DOUBT), earlier.resent_by.is_(None))
    for row in session.execute(open_twice.limit(MOST)):
        yield Breach("P2", f"attempt {row.id}", f"started while another of {_whose(row)} was in doubt")
    redialled = (
        _pairs(earlier)
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(
            Delivery.channel == "voice",
            earlier.resent_by.is_(None),
            ~_in_vain(earlier),
            _was_in_doubt(earlier),
        )
    )
    for row in session.execute(redialled.limit(MOST)):
        yield Breach("P2", f"attempt {row.id}", f"repeats a call of {_whose(row)} that was in doubt")
    hasty = select(Attempt.id, Attempt.absences).where(Attempt.code == ABSENT, Attempt.absences < 2)
    for number, times in session.execute(hasty.limit(MOST)):
        yield Breach(
            "P2", f"attempt {number}", f"was called absent after {times or 'no'} look-up that said so: two are needed"
        )


def one_reference_one_attempt(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What a provider has made once stands for one attempt. Of mails many share a request, and so its reference."""
    twice = (
        select(func.min(Attempt.id).label("one"), func.max(Attempt.id).label("other"))
        .outerjoin(Delivery, Delivery.id == Attempt.delivery_id)
        .outerjoin(Letter, Letter.id == Attempt.letter_id)
        .where(Attempt.provider_ref.is_not(None), func.coalesce(Delivery.channel, Letter.channel) != "email")
        .group_by(Attempt.provider, Attempt.provider_ref)
        .having(func.count() > 1)
    )
    for row in session.execute(twice.limit(MOST)):
        yield Breach("P1", f"attempt {row.other}", f"has the reference of attempt {row.one}: one of them was not made")


def no_officer_rung_on_doubt(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Where nobody knows how a ring to an officer ended, they are not rung again for the same version."""
    first = aliased(Letter)
    # ring:VERSION:HANDED-IN:OFFICER:N, so without its number it is the same for all of a person and version.
    same = func.rtrim(first.dedupe, "0123456789") == func.rtrim(Letter.dedupe, "0123456789")
    again = (
        select(Letter.id, func.min(first.id).label("first"))
        .join(first, and_(first.message_id == Letter.message_id, first.channel == "voice", first.id < Letter.id, same))
        .join(Attempt, Attempt.letter_id == first.id)
        .where(Letter.kind == "approval", Letter.channel == "voice", Letter.tries > 0)
        .where(first.outcome.is_(None), Attempt.resent_by.is_(None), _was_in_doubt(Attempt))
        .group_by(Letter.id)
    )
    for row in session.execute(again.limit(MOST)):
        yield Breach("P2", f"letter {row.id}", f"rings an officer again, though letter {row.first} was in doubt")


def every_try_on_record(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Each try has its attempt, committed with it: a provider is never called without one."""
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        made = select(column.label("id"), func.count().label("count")).group_by(column).subquery()
        differ = (
            select(table.id, table.tries, func.coalesce(made.c.count, 0).label("count"))
            .outerjoin(made, made.c.id == table.id)
            .where(table.tries != func.coalesce(made.c.count, 0))
        )
        for row in session.execute(differ.order_by(table.id).limit(MOST)):
            text = f"was tried {row.tries} times, and has {row.count} attempts"
            yield Breach("P2", f"{table.__name__.lower()} {row.id}", text)
        closed = (
            select(Attempt.id, table.id, table.state)
            .join(table, table.id == column)
            .where(Attempt.state == "sending", table.state.not_in(IN_DOUBT), Attempt.n == table.tries)
        )
        for number, target, state in session.execute(closed.limit(MOST)):
            text = f"is still sending, though {table.__name__.lower()} {target} is {state}"
            yield Breach("P2", f"attempt {number}", text)


def _pairs(earlier: type[Attempt]) -> Select[str, int | None, int | None]:
    """Each attempt with each one before it of the same delivery or letter."""
    same = or_(earlier.delivery_id == Attempt.delivery_id, earlier.letter_id == Attempt.letter_id)
    # Few are a second one; said so, the database looks for the first ones of these alone.
    return (
        select(Attempt.id, Attempt.delivery_id, Attempt.letter_id)
        .join(earlier, and_(same, earlier.n < Attempt.n))
        .where(Attempt.n > 1)
    )


def _in_vain(attempt: type[Attempt]) -> ColumnElement[bool]:
    """The provider has said of this call that the line was busy, or that nobody answered."""
    return func.coalesce(attempt.code, "").in_(NOBODY)


def _was_in_doubt(attempt: type[Attempt]) -> ColumnElement[bool]:
    """Whether it had been made, or not, the provider had to be asked."""
    return or_(attempt.looked_up > 0, func.coalesce(attempt.code, "").in_((ABSENT, "in-doubt", "no-outcome")))


def _whose(row: object) -> str:
    delivery, letter = getattr(row, "delivery_id", None), getattr(row, "letter_id", None)
    return f"delivery {delivery}" if delivery is not None else f"letter {letter}"


ALL: tuple[Promise, ...] = (
    one_delivery,
    one_acceptance,
    nothing_in_doubt_repeated,
    one_reference_one_attempt,
    no_officer_rung_on_doubt,
    every_try_on_record,
)
