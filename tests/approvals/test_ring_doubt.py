"""Rings on doubt: an officer of whom nobody knows whether or how they were called is not called again."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from approvals import escalation
from dispatcher.bells import commit
from dispatcher.model import Message
from dispatcher.model.ports import Event, Found, Outcome
from dispatcher.services import dialling, oracle_once, reconcile, rings, status
from dispatcher.services.letter_sending import send_letter
from dispatcher.services.oracle import Breach, Question
from dispatcher.storage import lock_chain, make_engine, make_sessions
from tests.approvals.test_escalation import PHONES, audit, prepared, rings_of, submit, tick
from tests.small_bank import SmallBank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite and on PostgreSQL."""
    return prepared(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return prepared(sqlite_sessions, tmp_path)


def told(bank: SmallBank, attempt: str, state: str, outcome: str) -> None:
    """News of a call."""
    with bank.sessions() as session:
        event = Event(f"{attempt}:{state}", state, bank.time(), attempt=attempt, outcome=outcome)
        assert status.apply(session, bank.runtime, "scripted", event)
        commit(session, bank.runtime.bells)


def unsure(bank: SmallBank, message_id: int) -> set[str]:
    """Those of whom the approval's page says that nobody knows how a call to them ended."""
    with bank.sessions() as session:
        standing = escalation.standing(session, session.get_one(Message, message_id))
        assert standing is not None
        return {one.name for one in standing.unsure}


def breaches(bank: SmallBank) -> list[Breach]:
    with bank.sessions() as session:
        return [one for ask in oracle_once.ALL for one in ask(session, bank.runtime, Question())]


@pytest.mark.parametrize(("verdict", "state"), [("cannot say", "unknown"), ("absent", "failed")])
def test_never_on_doubt(bank: SmallBank, verdict: Literal["cannot say", "absent"], state: str) -> None:
    voice = bank.providers["voice"]
    voice.answer = lambda one: Outcome(one.attempt, "unknown", error="timed out") if one == voice.got[0] else None
    voice.found = Found(verdict)
    number = submit(bank, urgency="urgent")
    [first] = rings_of(bank)
    assert asyncio.run(send_letter(bank.runtime, first.id))
    for _ in range(20):
        tick(bank, 60)
        asyncio.run(reconcile.look_ups(bank.runtime))
    assert [one.state for one in rings_of(bank)] == [state]
    assert [one.address for one in voice.got].count(PHONES["officer"]) == 1, "not even escalation rings them again"
    assert {one.address for one in voice.got} == set(PHONES.values()), "it rings the others"
    assert unsure(bank, number) >= {"Officer"}
    assert {one.text for one in breaches(bank)} == set()


def test_who_was_in_doubt_and_then_not_reached_is_rung_again(light: SmallBank) -> None:
    """The provider's own word ends the doubt, however late it comes."""
    voice = light.providers["voice"]
    voice.answer = lambda one: Outcome(one.attempt, "unknown", error="timed out")
    voice.found = Found("absent")
    number = submit(light)
    assert asyncio.run(send_letter(light.runtime, rings_of(light)[0].id))
    for _ in range(8):
        tick(light, 60)
        asyncio.run(reconcile.look_ups(light.runtime))
    assert unsure(light, number) == {"Officer"}
    told(light, voice.got[0].attempt, "failed", "busy")
    assert unsure(light, number) == set()
    tick(light, 1800)
    assert len(rings_of(light)) == 2


@pytest.mark.parametrize("by", ["the answer", "news"])
def test_a_ring_whose_end_is_never_told_goes_on_record_and_is_followed_up_once_it_is(bank: SmallBank, by: str) -> None:
    voice = bank.providers["voice"]
    if by == "news":
        voice.answer = lambda one: Outcome(one.attempt, "unknown", error="timed out")
    number = submit(bank)
    assert asyncio.run(send_letter(bank.runtime, rings_of(bank)[0].id))
    attempt = voice.got[0].attempt
    if by == "news":
        told(bank, attempt, "accepted", "")
    tick(bank, 599)
    assert (audit(bank, "end ring"), unsure(bank, number)) == ([], set())
    for _ in range(5):
        tick(bank, 1)
    [entry] = audit(bank, "end ring")
    assert '"how": "its end was not told"' in entry
    assert unsure(bank, number) == {"Officer"}
    tick(bank, 1800)
    assert len(rings_of(bank)) == 1, "on doubt nobody is rung again"
    assert breaches(bank) == []
    told(bank, attempt, "failed", "no-answer")
    tick(bank)
    assert len(rings_of(bank)) == 2, "and late news is news"
    assert '"how": "no-answer"' in audit(bank, "end ring")[1]
    assert unsure(bank, number) == set()


def test_the_oracle_sees_an_officer_rung_again_on_doubt(light: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings, "_any_in_doubt", lambda *_: False)
    voice = light.providers["voice"]
    voice.answer = lambda one: Outcome(one.attempt, "unknown", error="timed out")
    voice.found = Found("absent")
    submit(light)
    first = rings_of(light)[0]
    assert asyncio.run(send_letter(light.runtime, first.id))
    for _ in range(12):
        tick(light, 60)
        asyncio.run(reconcile.look_ups(light.runtime))
    again = rings_of(light)[1]
    assert f"rings an officer again, though letter {first.id} was in doubt" in {one.text for one in breaches(light)}
    assert f"letter {again.id}" in {one.subject for one in breaches(light)}


def test_a_ring_and_a_customer_who_is_joined_take_the_record_and_the_counts_in_one_order(
    postgres_url: str, tmp_path: Path
) -> None:
    """Whoever presses 1 goes on record first, and is then counted among the calls."""
    engine = make_engine(postgres_url)
    bank = prepared(make_sessions(engine), tmp_path)
    submit(bank)
    ring = rings_of(bank)[0]
    sent: list[bool] = []
    worker = threading.Thread(target=lambda: sent.append(asyncio.run(send_letter(bank.runtime, ring.id))))
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 74656 AND NOT granted")
    with bank.sessions() as customer, bank.sessions() as watch:
        lock_chain(customer)
        worker.start()
        until = time.monotonic() + 60
        while not watch.scalar(waiting) and time.monotonic() < until:
            watch.rollback()
            time.sleep(0.01)
        assert dialling.may_join(customer, bank.runtime, "+12025550199", "+12025550102")
        customer.commit()
    worker.join(60)
    engine.dispose()
    assert sent == [True]
