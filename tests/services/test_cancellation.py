"""A cancel stops what has not left, also what a released message still tries again or doubts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from approvals import submission
from dispatcher.bells import commit
from dispatcher.model import Attempt, ContactPoint, Delivery, Letter, Message, Task
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import Found
from dispatcher.services import cancellation, reconcile, sweep
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def sent(bank: SmallBank) -> int:
    with bank.sessions() as session:
        number = bank.released(session).id
    for channel in bank.providers:
        asyncio.run(Pump(bank.runtime, channel).run())
    return number


def cancel(bank: SmallBank, message_id: int) -> None:
    with bank.sessions() as session:
        submission.cancel(session, bank.runtime, bank.staff(session, "officer"), message_id)
        commit(session, bank.runtime.bells)


def text(session: Session) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()


def test_a_released_message_with_a_doubt_is_cancelled_and_what_never_left_stays_so(bank: SmallBank) -> None:
    bank.providers["sms"].answer = lambda one: None
    message_id = sent(bank)
    with bank.sessions() as session:
        session.execute(update(Message).values(state="released"))
        attempt = session.scalars(select(Attempt.id).join(Attempt.delivery).where(Delivery.channel == "sms")).one()
        session.commit()
    cancel(bank, message_id)
    bank.providers["sms"].found = Found("absent")
    for _ in range(2):
        bank.time.pass_by(200)
        asyncio.run(reconcile.look_up(bank.runtime, attempt))
    bank.time.pass_by(3600)
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert len(bank.providers["sms"].got) == 1
    with bank.sessions() as session:
        assert text(session).state == "cancelled"


@pytest.mark.parametrize("state", ["queued", "deferred", "sending", "unknown"])
def test_a_released_message_may_be_cancelled_while_something_may_still_leave(bank: SmallBank, state: str) -> None:
    message_id = sent(bank)
    with bank.sessions() as session:
        assert not cancellation.possible(session, session.get_one(Message, message_id))
    with pytest.raises(StateConflict, match="cannot cancel: the message is released"):
        cancel(bank, message_id)
    with bank.sessions() as session:
        text(session).state = state
        session.commit()
        assert cancellation.possible(session, session.get_one(Message, message_id))
    cancel(bank, message_id)
    with bank.sessions() as session:
        assert session.get_one(Message, message_id).state == "cancelled"
        assert text(session).state == (state if state in ("sending", "unknown") else "cancelled")
        assert not cancellation.possible(session, session.get_one(Message, message_id))


@pytest.mark.parametrize("state", ["queued", "deferred"])
def test_what_was_put_back_while_its_message_was_cancelled_does_not_wait_for_ever(bank: SmallBank, state: str) -> None:
    message_id = sent(bank)
    with bank.sessions() as session:
        session.get_one(Message, message_id).state = "cancelled"
        text(session).state = state
        session.commit()
    with bank.sessions() as session:
        sweep.sweep(session, bank.runtime)
        commit(session, bank.runtime.bells)
    with bank.sessions() as session:
        assert (text(session).state, text(session).due_at) == ("cancelled", None)
        assert session.scalars(select(Delivery.state).where(Delivery.channel == "email")).one() == "accepted"


def test_who_was_asked_to_reach_customers_passes_on_nothing_cancelled(bank: SmallBank) -> None:
    with bank.sessions() as session:
        session.execute(delete(ContactPoint).where(ContactPoint.customer_id == bank.ids["bob"]))
        number = bank.released(session).id
        commit(session, bank.runtime.bells)
        asked = session.scalars(select(Letter).where(Letter.kind == "unreachable")).one()
        asked.state = "accepted"
        session.commit()
    cancel(bank, number)
    with bank.sessions() as session:
        task = session.scalars(select(Task).where(Task.kind == "unreachable")).one()
        assert (task.state, "do not pass it on" in task.text) == ("open", True)
        told = session.scalars(select(Letter).where(Letter.kind == "cancelled")).one()
        assert (told.staff_id, told.subject) == (asked.staff_id, f"Cancelled: {task.message.current.subject}")


@pytest.mark.parametrize("first", ["cancelled", "other"])
def test_the_alert_that_stands_is_passed_on(bank: SmallBank, first: str) -> None:
    """Its correction, released before or after the cancel: the customer out of reach is to have that one."""
    with bank.sessions() as session:
        session.execute(delete(ContactPoint).where(ContactPoint.customer_id == bank.ids["bob"]))
        wrong = bank.released(session).id
        right = bank.released(session, text="Corrected.").id if first == "other" else 0
        commit(session, bank.runtime.bells)
    cancel(bank, wrong)
    with bank.sessions() as session:
        right = right or bank.released(session, text="Corrected.").id
        commit(session, bank.runtime.bells)
        task = session.scalars(select(Task).where(Task.kind == "unreachable", Task.state == "open")).one()
        assert (task.message_id, "reach them yourself" in task.text) == (right, True)


def test_who_was_not_told_yet_is_told_nothing(bank: SmallBank) -> None:
    with bank.sessions() as session:
        session.execute(delete(ContactPoint).where(ContactPoint.customer_id == bank.ids["bob"]))
        number = bank.released(session).id
        commit(session, bank.runtime.bells)
        assert session.scalars(select(Letter.state).where(Letter.kind == "unreachable")).all() == ["queued"]
    cancel(bank, number)
    with bank.sessions() as session:
        assert session.scalars(select(Letter.state).where(Letter.kind == "unreachable")).all() == ["cancelled"]
        assert session.scalars(select(Letter).where(Letter.kind == "cancelled")).all() == []
