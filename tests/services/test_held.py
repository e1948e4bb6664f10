"""What holds sending back, where sending asks for it: the claim, the sweep, the release, the clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions
from dispatcher.bells import commit
from dispatcher.clock import Clock
from dispatcher.model import Attempt, Delivery, Mark, Message, Task
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import Found
from dispatcher.services import pause, reconcile, renditions, resend, sweep
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def capped(bank: SmallBank, **settings: float) -> SmallBank:
    bank.runtime = replace(bank.runtime, settings=bank.runtime.settings.model_copy(update=settings))
    return bank


def send(bank: SmallBank, channel: str) -> int:
    return asyncio.run(Pump(bank.runtime, channel).run())


def delivery(session: Session, channel: str) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.channel == channel)).one()


def test_nothing_starts_while_sending_is_paused(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
        pause.begin(session, bank.runtime, "system", "A rehearsal.")
        commit(session, bank.runtime.bells)
    assert [send(bank, channel) for channel in ("email", "sms", "voice")] == [0, 0, 0]
    with bank.sessions() as session:
        pause.resume(session, bank.runtime, "system")
        commit(session, bank.runtime.bells)
    assert [send(bank, channel) for channel in ("email", "sms", "voice")] == [1, 1, 1]


def test_nothing_is_released_by_its_time_while_sending_is_paused(bank: SmallBank) -> None:
    with bank.sessions() as session:
        number = bank.released(session, release_at=datetime(2026, 11, 20, 10, tzinfo=UTC)).id
        pause.begin(session, bank.runtime, "system", "A rehearsal.")
        commit(session, bank.runtime.bells)
    bank.time.pass_by(2000)
    ring = ("notices", "release", (number,))
    Clock(bank.runtime).tick()
    assert ring not in bank.bells.rings
    with bank.sessions() as session:
        assert [(one.message_id, one.channel) for one in pause.waiting(session, bank.runtime)] == [(number, "")]
        pause.resume(session, bank.runtime, "system")
        commit(session, bank.runtime.bells)
    Clock(bank.runtime).tick()
    assert ring in bank.bells.rings
    bank.time.pass_by(3600)
    with bank.sessions() as session:
        sweep.sweep(session, bank.runtime)
        session.commit()
        assert session.get_one(Message, number).state == "expired"


def test_a_restored_database_sends_nothing_before_a_person_looked(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    Clock(bank.runtime).tick()
    with bank.sessions() as session:
        session.delete(session.scalars(select(Mark)).one())
        session.commit()
    bank.bells.rings.clear()
    bank.time.pass_by(30)
    Clock(bank.runtime).tick()  # the first thing that a clock does
    assert not [one for one in bank.bells.rings if one[1] == "fan_out"]
    assert send(bank, "sms") == 0
    with bank.sessions() as session:
        pause.resume(session, bank.runtime, bank.staff(session, "admin"))
        commit(session, bank.runtime.bells)
    for channel, provider in bank.providers.items():
        provider.found = Found("accepted", provider_ref=f"it had left by {channel}")
    for one in _due(bank):
        assert asyncio.run(reconcile.look_up(bank.runtime, one)) == "accepted"
    assert [send(bank, channel) for channel in ("email", "sms", "voice")] == [0, 0, 0]
    with bank.sessions() as session:
        assert {one.state for one in session.scalars(select(Delivery))} == {"accepted"}


def _due(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        return reconcile.due(session, bank.runtime)


def test_what_has_no_room_under_a_cap_goes_out_in_the_next_hour(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=1)
    with bank.sessions() as session:
        bank.released(session)
        bank.released(session, subject="Another")
    assert send(bank, "sms") == 1
    assert send(bank, "sms") == 0
    with bank.sessions() as session:
        held = session.scalars(select(Delivery).where(Delivery.channel == "sms", Delivery.state == "deferred")).one()
        assert (held.due_at, held.error) == (
            datetime(2026, 11, 20, 10, tzinfo=UTC),
            "held: CAP_DELIVERIES_PER_HOUR of 1 is used up",
        )
    bank.time.pass_by(1800)
    assert send(bank, "sms") == 1


def test_a_number_called_too_often_is_not_called_again(bank: SmallBank) -> None:
    capped(bank, cap_calls_per_number_day=1)
    with bank.sessions() as session:
        bank.released(session)
    assert send(bank, "voice") == 1
    with bank.sessions() as session:
        bank.released(session, subject="Another")
    assert send(bank, "voice") == 0
    with bank.sessions() as session:
        states = session.scalars(select(Delivery.state).where(Delivery.channel == "voice").order_by(Delivery.id)).all()
        assert states == ["accepted", "failed"]
        assert session.scalars(select(Task.kind).order_by(Task.id)).all() == ["failed", "alarm"]


def test_approving_over_the_cap_of_messages_is_refused(bank: SmallBank) -> None:
    capped(bank, cap_messages_per_hour=1)
    with bank.sessions() as session:
        bank.released(session)
        second = bank.submitted(session, subject="Another")
        officer = bank.staff(session, "officer")
        with pytest.raises(StateConflict, match="CAP_MESSAGES_PER_HOUR"):
            decisions.decide(session, bank.runtime, officer, second.id, "approve", second.current.digest)
        session.rollback()
        assert session.get_one(Message, second.id).state == "pending"
    bank.time.pass_by(3601)
    with bank.sessions() as session:
        second = session.get_one(Message, second.id)
        officer = bank.staff(session, "officer")
        decisions.decide(session, bank.runtime, officer, second.id, "approve", second.current.digest)
        commit(session, bank.runtime.bells)
        assert second.state == "releasing"


def test_a_release_that_cannot_be_composed_holds_up_no_other(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    with bank.sessions() as session:
        broken = bank.released(session).id
        bank.released(session, subject="Another")
    compose = renditions.content_for

    def content_for(session: Session, runtime: object, message: Message, channel: str) -> object:
        if message.id == broken:
            raise ZeroDivisionError
        return compose(session, bank.runtime, message, channel)

    monkeypatch.setattr(renditions, "content_for", content_for)
    for _ in range(3):
        send(bank, "sms")
        bank.time.pass_by(3)
    assert len(bank.providers["sms"].got) == 1
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind)).all() == ["alarm"]
    monkeypatch.undo()
    bank.time.pass_by(300)
    assert send(bank, "sms") == 1


def test_the_wait_before_a_look_up_is_a_setting(bank: SmallBank) -> None:
    capped(bank, look_up_after_seconds=2)
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")
    assert _due(bank) == []
    bank.time.pass_by(2)
    assert len(_due(bank)) == 1


def test_what_was_ordered_again_leaves_though_its_tries_are_used_up(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
        row = delivery(session, "sms")
        row.state, row.due_at, row.tries = "failed", None, 8
        session.add(
            Attempt(
                id="a" * 32, delivery_id=row.id, n=8, provider="scripted", state="failed",
                started_at=bank.runtime.now(),
            )
        )  # fmt: skip
        session.commit()
        resend.resend(session, bank.runtime, bank.staff(session, "admin"), row.id)
        commit(session, bank.runtime.bells)
    assert send(bank, "sms") == 1
