"""Whose it is, what a look-up has found, where a provider shows no id of ours."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Attempt, Task
from dispatcher.model.ports import Event, Found, Outcome, Probe
from dispatcher.services import letter_sending, letters, reconcile, status, verify
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def two_in_doubt(bank: SmallBank, first: str, second: str) -> list[str]:
    """Two alerts to Bob, of which nobody knows whether they left; their attempts."""
    bank.providers["sms"].answer = lambda one: None
    for text in (first, second):
        with bank.sessions() as session:
            bank.released(session, text=text)
        asyncio.run(Pump(bank.runtime, "sms").run())
        bank.time.pass_by(1)
    return [one.attempt for one in bank.providers["sms"].got]


def look_up(bank: SmallBank, times: int) -> list[str]:
    said = []
    for _ in range(times):
        bank.time.pass_by(121)
        with bank.sessions() as session:
            due = reconcile.due(session, bank.runtime)
        said += [asyncio.run(reconcile.look_up(bank.runtime, one)) for one in due]
    return said


def states(bank: SmallBank, attempts: list[str]) -> list[str]:
    with bank.sessions() as session:
        return [session.get_one(Attempt, one).state for one in attempts]


@pytest.mark.parametrize("by", ["words", "time"])
def test_what_could_be_of_either_of_two_is_neithers(bank: SmallBank, by: Literal["words", "time"]) -> None:
    both = two_in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    bank.providers["sms"].found = Found("accepted", "SM1", by=by)
    look_up(bank, reconcile.GIVE_UP_AFTER)
    assert states(bank, both) == ["unknown", "unknown"]
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind)).all() == ["unknown", "unknown"]
        found = [str(one) for one in verify.check(session, bank.runtime)]
    assert [one for one in found if "audit-anchors" not in one] == []  # no clock runs here


def test_other_words_tell_two_texts_apart_and_no_calls(bank: SmallBank) -> None:
    both = two_in_doubt(bank, "We cut LTMY.", "We raise LTMY.")
    bank.providers["sms"].found = Found("accepted", "SM1", by="time")
    look_up(bank, 1)
    assert states(bank, both) == ["unknown", "unknown"]
    bank.providers["sms"].found = Found("accepted", "SM1", by="words")
    look_up(bank, 1)
    assert sorted(states(bank, both)) == ["accepted", "unknown"], "one reference is one attempt's"


def test_what_shows_our_id_is_ours_whatever_else_is_in_doubt(bank: SmallBank) -> None:
    both = two_in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    bank.providers["sms"].found = Found("accepted", "SM1")
    look_up(bank, 1)
    assert states(bank, both) == ["accepted", "accepted"]


def test_once_news_says_whose_it_is_the_other_can_be_looked_for(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_in_doubt(bank, "We cut LTMY.", "We cut LTMY.")
    asked: list[Probe] = []

    async def find(probe: Probe) -> Found:
        asked.append(probe)
        return Found("absent") if "SM1" in probe.others else Found("accepted", "SM1", by="words")

    monkeypatch.setattr(bank.providers["sms"], "find", find)
    look_up(bank, 1)
    with bank.sessions() as session:
        news = Event("e", "delivered", bank.runtime.now(), attempt=second, provider_ref="SM1")
        status.apply(session, bank.runtime, "scripted", news)
        commit(session, bank.runtime.bells)
    look_up(bank, 2)
    assert [(one.attempt, one.others) for one in asked[2:]] == [(first, frozenset({"SM1"}))] * 2
    assert states(bank, [first, second]) == ["deferred", "accepted"]


def test_a_letters_text_is_not_taken_for_an_alert(bank: SmallBank) -> None:
    """Nor one letter's for another's."""
    with bank.sessions() as session:
        for dedupe in ("one", "two", "three"):
            letters.write(
                session, bank.runtime, kind="confirmation", dedupe=dedupe, channel="sms", address="+12025550177",
                subject="", text="You get no more texts from us.",
            )  # fmt: skip
        commit(session, bank.runtime.bells)
    bank.providers["sms"].answer = lambda one: Outcome(one.attempt, "accepted", provider_ref="SM1")
    asyncio.run(letter_sending.send_letter(bank.runtime, 1))
    bank.providers["sms"].answer = lambda one: None
    asyncio.run(letter_sending.send_letter(bank.runtime, 2))
    bank.providers["sms"].found = Found("accepted", "SM1", by="words")
    look_up(bank, 1)
    attempts = [one.attempt for one in bank.providers["sms"].got]
    assert states(bank, attempts) == ["accepted", "unknown"]
