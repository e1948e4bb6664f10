"""Letters: none starves, none leaves after an opt-out or the call that it announces, none fails unseen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Customer, Delivery, Letter, Task
from dispatcher.model.delivery import CALL_FOLLOWS
from dispatcher.model.ports import Outcome
from dispatcher.services import lag, letters, suppressions, sweep
from dispatcher.services.circuit import Circuit
from dispatcher.services.letter_sending import send_letter
from dispatcher.storage import make_engine, make_sessions
from tests.small_bank import SmallBank, small_bank

BOB, CLEOS_TEXTS = "+12025550101", "+12025550155"


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def letter(bank: SmallBank, name: str = "bob", kind: str = "response", message_id: int | None = None) -> int:
    with bank.sessions() as session:
        made = letters.write(
            session, bank.runtime, kind=kind, dedupe=f"{kind}:{name}", channel="sms",
            address=BOB if name == "bob" else CLEOS_TEXTS, subject="", text="We will ring you.",
            customer=session.get_one(Customer, bank.ids[name]), message_id=message_id,
        )  # fmt: skip
        commit(session, bank.runtime.bells)
        return made.id


def send(bank: SmallBank, letter_id: int) -> bool:
    return asyncio.run(send_letter(bank.runtime, letter_id))


def state(bank: SmallBank, letter_id: int) -> str:
    with bank.sessions() as session:
        return session.get_one(Letter, letter_id).state


def rung(bank: SmallBank) -> list[int | str]:
    found = [one[2][0] for one in bank.bells.rings if one[1] == "send_letter"]
    bank.bells.rings.clear()
    return found


@pytest.mark.parametrize("left", ["sending", "accepted", "failed", "cancelled"])
def test_that_a_call_follows_is_told_only_while_it_does(bank: SmallBank, left: str) -> None:
    with bank.sessions() as session:
        message_id = bank.released(session).id
    early = letter(bank, "cleo", CALL_FOLLOWS, message_id)
    assert send(bank, early)
    with bank.sessions() as session:
        session.execute(update(Letter).values(state="queued", due_at=bank.time()))
        session.execute(update(Delivery).where(Delivery.channel == "voice").values(state=left))
        session.commit()
    assert not send(bank, early)
    assert state(bank, early) == "cancelled"
    assert len(bank.providers["sms"].got) == 1


def test_thousands_of_such_texts_leave_room_for_notices_to_staff(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message_id = bank.released(session).id
        session.add_all(
            Letter(
                kind=CALL_FOLLOWS, dedupe=f"{CALL_FOLLOWS}:{n}",
                channel="sms", address=CLEOS_TEXTS, text="A call follows.",
                customer_id=bank.ids["cleo"], message_id=message_id, due_at=bank.time(),
            )
            for n in range(600)
        )  # fmt: skip
        session.flush()
        ids = session.scalars(select(Letter.id).where(Letter.kind == CALL_FOLLOWS).order_by(Letter.id)).all()
        session.commit()
    last = letter(bank)
    bank.time.pass_by(30)
    bank.bells.rings.clear()
    with bank.sessions() as session:
        sweep.sweep(session, bank.runtime)
        commit(session, bank.runtime.bells)
    found = rung(bank)
    assert last in found
    assert set(ids[: lag.CHAINS]) <= set(found)
    assert not set(ids[lag.CHAINS :]) & set(found)
    assert send(bank, ids[0])
    assert rung(bank) == [ids[lag.CHAINS]], "each rings for the next of its chain"
    assert not send(bank, ids[0])
    assert rung(bank) == []


def test_what_its_providers_cannot_send_now_does_not_hide_others(bank: SmallBank, valkey: str) -> None:
    bank.runtime = replace(bank.runtime, redis=Redis.from_url(valkey))
    stuck = letter(bank)
    circuit = Circuit(bank.runtime, "sms")
    circuit.learn("scripted", [Outcome("a", "deferred", "stop-channel", error="bad\x00 credentials")])
    assert not send(bank, stuck)
    with bank.sessions() as session:
        row = session.get_one(Letter, stuck)
        assert (row.state, row.error) == ("queued", "held: sms is out: bad credentials")
        assert row.due_at is not None
        assert 10 <= (row.due_at - bank.time()).total_seconds() <= 13
    bank.time.pass_by(13)
    assert not send(bank, stuck + 1), "there is none"
    with bank.sessions() as session:
        session.execute(update(Letter).values(due_at=bank.time()))
        session.commit()
    assert send(bank, stuck), "the trial was kept for a letter that is due"
    assert state(bank, stuck) == "accepted"


def test_a_response_without_a_provider_comes_back_to_its_rep(bank: SmallBank) -> None:
    rest = {name: (one,) for name, one in bank.providers.items() if name != "sms"}
    bank.runtime = replace(bank.runtime, adapters=replace(bank.runtime.adapters, providers=rest))
    number = letter(bank)
    assert not send(bank, number)
    assert state(bank, number) == "failed"
    with bank.sessions() as session:
        assert session.scalars(select(Task.letter_id).where(Task.kind == "failed")).all() == [number]


def test_no_letter_leaves_while_an_opt_out_is_written(postgres_url: str, tmp_path: Path) -> None:
    """On SQLite there is one writer at a time anyway."""
    engine = make_engine(postgres_url)
    bank = small_bank(make_sessions(engine), tmp_path)
    number = letter(bank)
    with bank.sessions() as session:
        suppressions.suppress(session, bank.runtime, "sms", BOB, "opt-out", "sms STOP")
        session.flush()
        assert not send(bank, number)
        session.commit()
    assert not send(bank, number)
    assert state(bank, number) == "suppressed"
    assert bank.providers["sms"].got == []
    engine.dispose()
