"""What was decided, said and ordered is held against the record: every quiet change is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Customer, Decision, Media, Reply, Response, Suppression
from dispatcher.services import evidence, reply_store, responses, suppressions
from dispatcher.services.media import Upload
from dispatcher.services.oracle import Question
from dispatcher.services.understanding import Understood
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path, samples: Path) -> SmallBank:
    """An approved alert with a recording, an answer, a response and an opt-out."""
    bank = small_bank(sessions, tmp_path)
    with sessions() as session:
        wav = Upload("a.wav", (samples / "alert-2.wav").read_bytes())
        message = bank.released(session, recording=wav)
        ana = session.get_one(Customer, bank.ids["ana"])
        reply = reply_store.keep(
            session, bank.runtime, dedupe="r1", channel="email", sender="ana@simon.example",
            understood=Understood(), text="Sell half.", person=ana, message_id=message.id,
        )  # fmt: skip
        assert reply.conversation_id is not None
        responses.respond(
            session, bank.runtime, bank.staff(session, "rep"), reply.conversation_id, "Not yet accepted.", via="page"
        )
        suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "sms STOP")
        suppressions.suppress(session, bank.runtime, "email", "b@simon.example", "opt-out", "page", topic="rates")
        suppressions.suppress(session, bank.runtime, "email", "b@simon.example", "opt-out", "page", topic="fx")
        suppressions.lift(session, bank.runtime, "email", "b@simon.example", topic="fx")
        commit(session, bank.runtime.bells)
    return bank


def breaches(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        return [
            f"{one.promise} {one.subject}" for check in evidence.ALL for one in check(session, bank.runtime, Question())
        ]


def test_what_is_as_recorded_is_no_breach(bank: SmallBank) -> None:
    assert breaches(bank) == []


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (lambda ids: update(Decision).values(officer_id=ids["other"]), "P3 decision 1"),
        (lambda ids: update(Decision).values(comment="fine"), "P3 decision 1"),
        (lambda ids: update(Media).values(content=b"RIFF another"), "P3 media 1"),
        (lambda ids: update(Reply).values(original="Buy all."), "P6 reply 1"),
        (lambda ids: delete(Reply), "P6 reply 1"),
        (lambda ids: update(Response).values(text="Accepted."), "P6 response 1"),
        (lambda ids: delete(Suppression), "P4 suppression of sms +12025550101"),
        (lambda ids: delete(Suppression).where(Suppression.topic != ""), "P4 suppression of email b@simon.example"),
    ],
    ids=["officer", "comment", "recording", "words", "reply gone", "response", "opt-out gone", "topic gone"],
)
def test_a_quiet_change_is_named(bank: SmallBank, tamper: Callable[[dict[str, int]], object], named: str) -> None:
    with bank.sessions() as session:
        session.execute(tamper(bank.ids))  # type: ignore[call-overload]  # an update or a delete
        session.commit()
    assert named in breaches(bank)


def test_a_lifted_order_may_be_gone(bank: SmallBank) -> None:
    with bank.sessions() as session:
        suppressions.lift(session, bank.runtime, "sms", "+12025550101")
        commit(session, bank.runtime.bells)
    assert breaches(bank) == []
