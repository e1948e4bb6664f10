"""What outcomes do to deliveries that others have moved meanwhile, and what vendors may say without harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery, Letter, Task
from dispatcher.model.ports import Event, Outbound, Outcome
from dispatcher.services import outcomes, status, tasks
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def sent(bank: SmallBank, answer: Callable[[Outbound], Outcome | None]) -> str:
    """The attempt of a text that was sent once, with this answer."""
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = answer
    asyncio.run(Pump(bank.runtime, "sms").run())
    return bank.providers["sms"].got[-1].attempt


def settle(bank: SmallBank, *some: Outcome) -> None:
    with bank.sessions() as session:
        outcomes.settle(session, bank.runtime, "sms", Delivery, some)
        commit(session, bank.runtime.bells)


def text(session: Session) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()


def deferred(one: Outbound) -> Outcome:
    return Outcome(one.attempt, "deferred", "retry", error="try later", retry_after=1.0)


def test_what_was_put_off_and_then_turns_out_accepted_is_not_sent_again(bank: SmallBank) -> None:
    attempt = sent(bank, deferred)
    settle(bank, Outcome(attempt, "accepted", provider_ref="ref"))
    with bank.sessions() as session:
        one = text(session)
        assert (one.state, one.due_at, one.error) == ("accepted", None, None)
    bank.time.pass_by(3600)
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert len(bank.providers["sms"].got) == 1


def test_what_a_person_ordered_again_is_sent_whatever_comes_late(bank: SmallBank) -> None:
    attempt = sent(bank, deferred)
    with bank.sessions() as session:
        session.get_one(Attempt, attempt).resent_by = "rep@bank.example"
        session.commit()
    settle(bank, Outcome(attempt, "accepted", provider_ref="ref"))
    with bank.sessions() as session:
        assert text(session).state == "deferred"


@pytest.mark.parametrize("state", ["unknown", "deferred", "rejected"])
def test_news_that_it_arrived_outlives_our_own_time_out(bank: SmallBank, state: str) -> None:
    def delivered_first(one: Outbound) -> Outcome:
        with bank.sessions() as session:
            event = Event("e1", "delivered", bank.time(), attempt=one.attempt, provider_ref="ref")
            assert status.apply(session, bank.runtime, "scripted", event)
            session.commit()
        return Outcome(one.attempt, state, error="no answer in time")

    attempt = sent(bank, delivered_first)
    with bank.sessions() as session:
        one = session.get_one(Attempt, attempt)
        assert (one.state, one.error, one.provider_ref) == ("accepted", None, "ref")
        assert (text(session).state, text(session).error) == ("delivered", None)


def test_old_news_leaves_the_words_that_count(bank: SmallBank) -> None:
    attempt = sent(bank, lambda one: Outcome(one.attempt, "rejected", error="no such number"))
    settle(bank, Outcome(attempt, "deferred", error="try later"))
    with bank.sessions() as session:
        assert (text(session).state, text(session).error) == ("rejected", "no such number")


@pytest.mark.parametrize("state", ["rejected", "deferred", "unknown"])
def test_words_that_a_database_refuses_block_nothing(bank: SmallBank, state: str) -> None:
    attempt = sent(bank, lambda one: None)
    bad = Outcome(attempt, state, code="2\x001", error="bad\x00 \ud800 number", provider_ref="r\x00ef")
    settle(bank, bad)
    with bank.sessions() as session:
        row = session.get_one(Attempt, attempt)
        assert (row.code, row.error, row.provider_ref) == ("21", "bad ? number", "ref")
    settle(bank, Outcome(attempt, "accepted", provider_ref="\x00other"))
    with bank.sessions() as session:
        assert session.get_one(Attempt, attempt).provider_ref == "other"
        tasks.alarm(session, bank.runtime, "sms", "the vendor says \x00")
        commit(session, bank.runtime.bells)
        assert "\x00" not in session.scalars(select(Task).where(Task.kind == "alarm")).one().text


def test_what_a_gate_of_ours_barred_costs_no_try(bank: SmallBank) -> None:
    attempt = sent(bank, deferred)
    with bank.sessions() as session:
        one = text(session)
        for n in range(2, 30):
            session.add(
                Attempt(id=f"{n:032x}", delivery_id=one.id, n=n, provider="scripted", state="deferred", code="circuit")
            )
        one.state, one.tries, one.due_at = "sending", 30, None
        session.add(Attempt(id=f"{30:032x}", delivery_id=one.id, n=30, provider="scripted"))
        session.commit()
    settle(bank, Outcome(f"{30:032x}", "deferred", code="429"))
    with bank.sessions() as session:
        one = text(session)
        assert one.state == "deferred"
        assert one.due_at is not None
        assert (one.due_at - bank.time()).total_seconds() < 13, "the second try that cost something"
    assert attempt


def test_of_several_attempts_that_were_accepted_the_first_counts(bank: SmallBank) -> None:
    attempt = sent(bank, deferred)
    bank.time.pass_by(3600)
    bank.providers["sms"].answer = lambda one: None
    asyncio.run(Pump(bank.runtime, "sms").run())
    again, at = bank.providers["sms"].got[-1].attempt, bank.time()
    assert again != attempt
    some = (Outcome(again, "accepted", at=at + timedelta(seconds=9)), Outcome(attempt, "accepted", at=at))
    settle(bank, *some)
    with bank.sessions() as session:
        assert (text(session).state, text(session).accepted_at) == ("accepted", at)


def test_outcomes_of_the_other_kind_are_refused_whole(bank: SmallBank) -> None:
    attempt = sent(bank, lambda one: None)
    with bank.sessions() as session, pytest.raises(LookupError, match="none of them is of letters"):
        outcomes.settle(session, bank.runtime, "sms", Letter, [Outcome(attempt, "accepted")])
    with bank.sessions() as session:
        assert session.get_one(Attempt, attempt).state == "unknown"
