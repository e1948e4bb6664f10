"""How the desk stands, against rows made by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Conversation, Customer, OrderRequest, Reply, Response
from dispatcher.services.desk import WEEKS, desks, on_desk
from dispatcher.services.ranks import Times
from tests.small_bank import SmallBank, small_bank

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # a Friday


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def talk(
    bank: SmallBank, session: Session, rep: str | None, said: float, answered: float | None = None, *,
    by: str = "rep", state: str = "open", claimer: str | None = None, kind: str = "question",
) -> Conversation:  # fmt: skip
    """A conversation begun so many hours ago, and answered so many hours ago."""
    number = session.query(Conversation).count()
    one = Customer(key=f"c{number}", name=f"C{number}")
    session.add(one)
    session.flush()
    made = Conversation(
        customer_id=one.id, rep_id=bank.ids[rep] if rep else None, channel="sms", state=state,
        claimed_by=bank.ids[claimer] if claimer else None, created_at=ago(said), last_at=ago(said),
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add(
        Reply(
            dedupe=f"r{number}", channel="sms", sender="", kind=kind, conversation_id=made.id, customer_id=one.id,
            received_at=ago(said),
        )
    )  # fmt: skip
    if answered is not None:
        session.add(
            Response(
                dedupe=f"s{number}", conversation_id=made.id, staff_id=bank.ids[by], text="x", created_at=ago(answered)
            )
        )
    session.flush()
    return made


def test_what_is_open_and_how_old_it_is(bank: SmallBank) -> None:
    with bank.sessions() as session:
        talk(bank, session, "rep", 3)
        oldest = talk(bank, session, "rep", 5)
        talk(bank, session, "rep", 9, 8, state="claimed", claimer="rep")
        talk(bank, session, "rep", 50, state="closed")
        talk(bank, session, "rep", 2, state="claimed", claimer="colleague")
        talk(bank, session, None, 1)
        order = talk(bank, session, "rep", 4, kind="order")
        session.add_all(
            OrderRequest(
                reply_id=session.query(Reply).filter_by(conversation_id=made.id).one().id, conversation_id=made.id,
                state=state, created_at=ago(4),
            )
            for made, state in ((order, "waiting"), (oldest, "confirmed"))
        )  # fmt: skip
        session.add(Reply(dedupe="nobody", channel="sms", sender="", state="unmatched"))
        found = {
            one.staff.name if one.staff else "": one
            for one in desks(session, bank.runtime, bank.staff(session, "admin"))
        }
        own = desks(session, bank.runtime, bank.staff(session, "rep"))
        shown = on_desk(session, bank.staff(session, "rep"))
    assert list(found) == ["Rep", "Colleague", ""]  # who has kept somebody waiting longest in front
    rep = found["Rep"]
    assert (rep.open, rep.claimed, rep.waiting, rep.oldest_at) == (3, 1, 3, ago(5))
    assert (rep.orders, rep.oldest_order_at, rep.unmatched) == (1, ago(4), 0)
    assert (found["Colleague"].claimed, found["Colleague"].oldest_at) == (1, ago(2))
    assert (found[""].open, found[""].unmatched) == (1, 1)
    assert own == [rep]
    assert [one.since for one in shown] == [ago(5), ago(4), ago(3), None]


def test_how_soon_it_was_answered_by_week(bank: SmallBank) -> None:
    week = 24 * 7
    with bank.sessions() as session:
        talk(bank, session, "rep", 10, 9)
        talk(bank, session, "rep", 20, 17)
        talk(bank, session, "rep", 30)  # not yet
        talk(bank, session, "rep", week + 2, week)
        talk(bank, session, "rep", week * (WEEKS + 1), week * WEEKS)
        talk(bank, session, "rep", 8, 7, by="colleague")
        (found,) = desks(session, bank.runtime, bank.staff(session, "rep"))
        everybody = desks(session, bank.runtime, bank.staff(session, "admin"))
    assert found.first_answer == Times(3, 2 * 3600.0, 3 * 3600.0)
    assert len(found.weeks) == WEEKS
    assert [one.begins.isoformat() for one in found.weeks[:2]] == ["2026-11-16", "2026-11-09"]
    assert [one.answered for one in found.weeks[:3]] == [
        Times(2, 3600.0, 3 * 3600.0), Times(1, 2 * 3600.0, 2 * 3600.0), Times()
    ]  # fmt: skip
    assert sum(one.first_answer.count for one in everybody) == 3  # the colleague has no desk


def test_a_new_word_waits_again_and_machines_do_not(bank: SmallBank) -> None:
    with bank.sessions() as session:
        made = talk(bank, session, "rep", 5, 4, state="claimed", claimer="rep")
        for kind, hours in (("automatic", 3.5), ("question", 3), ("question", 2)):
            session.add(
                Reply(
                    dedupe=f"{kind}{hours}", channel="sms", sender="", kind=kind, conversation_id=made.id,
                    received_at=ago(hours),
                )
            )  # fmt: skip
        (found,) = desks(session, bank.runtime, bank.staff(session, "rep"))
    assert (found.waiting, found.oldest_at) == (1, ago(3))


def test_who_has_no_desk_sees_an_empty_one(bank: SmallBank) -> None:
    with bank.sessions() as session:
        talk(bank, session, "rep", 5)
        (found,) = desks(session, bank.runtime, bank.staff(session, "analyst"))
    assert (found.open, found.waiting, found.oldest_at) == (0, 0, None)
