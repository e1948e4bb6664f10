"""Caps: exact over many workers, and closed when they are reached."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from channels.fax import Fax
from dispatcher.bells import commit
from dispatcher.model import Attempt, CapUse, ContactPoint, Delivery, Message, Recipient, Task
from dispatcher.model.errors import StateConflict
from dispatcher.services import caps, fan_out, letters
from dispatcher.services.reply_notices import AUTOMATIC
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def capped(bank: SmallBank, **settings: float) -> SmallBank:
    bank.runtime = replace(bank.runtime, settings=bank.runtime.settings.model_copy(update=settings))
    return bank


def take(bank: SmallBank, channel: str, wanted: int) -> int:
    with bank.sessions() as session:
        granted = caps.room(session, bank.runtime, channel, wanted)
        session.commit()
        return granted


# --- sends and spend --------------------------------------------------------------------------------------


def test_sends_an_hour_by_channel(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=10)
    assert [take(bank, "sms", one) for one in (4, 5, 5, 1)] == [4, 5, 1, 0]
    assert take(bank, "email", 10) == 10
    bank.time.pass_by(1800)  # 10:00
    assert take(bank, "sms", 20) == 10


def test_spend_a_day_by_price(bank: SmallBank) -> None:
    capped(bank, cap_spend_per_day=1.0, price_sms=0.07, price_voice=0.5)
    assert take(bank, "email", 1000) == 1000, "mail costs nothing"
    assert take(bank, "voice", 3) == 2
    assert take(bank, "sms", 1) == 0
    bank.time.pass_by(86400)
    assert take(bank, "sms", 100) == 14


def test_the_narrower_of_two_caps_counts_in_both(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=10, cap_spend_per_day=1.0, price_sms=0.25)
    assert take(bank, "sms", 10) == 4
    with bank.sessions() as session:
        assert {one.cap: one.used for one in session.scalars(select(CapUse))} == {"sends sms": 4, "spend": 1000}


def test_what_was_rolled_back_is_not_counted(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=10)
    with bank.sessions() as session:
        assert caps.room(session, bank.runtime, "sms", 10) == 10
        session.rollback()
    assert take(bank, "sms", 10) == 10


def test_without_caps_nothing_is_asked(bank: SmallBank) -> None:
    asked: list[str] = []
    with bank.sessions() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *more: asked.append(more[2]))
        assert caps.room(session, bank.runtime, "sms", 500) == 500
        none = capped(bank, cap_calls_per_number_day=0, cap_messages_per_hour=0)
        assert caps.over_called(session, none.runtime, ["+12025550102"]) == set()
        caps.require_release(session, none.runtime)
    assert asked == []


def test_many_workers_share_a_cap_exactly(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=100)
    granted: list[int] = []
    start = threading.Barrier(6)

    def claim() -> None:
        start.wait()
        for _ in range(8):
            granted.append(take(bank, "sms", 7))

    workers = [threading.Thread(target=claim) for _ in range(6)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sum(granted) == 100


def test_what_has_no_room_waits_until_the_cap_allows_it(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=1)
    with bank.sessions() as session:
        bank.released(session)
        number = session.scalars(select(Delivery.id).where(Delivery.channel == "sms")).one()
    take(bank, "sms", 1)
    with bank.sessions() as session:
        assert caps.room(session, bank.runtime, "sms", 1) == 0
        caps.hold(session, bank.runtime, "sms", [number])
        commit(session, bank.runtime.bells)
    with bank.sessions() as session:
        row = session.get_one(Delivery, number)
        assert (row.state, row.due_at) == ("deferred", datetime(2026, 11, 20, 10, tzinfo=UTC))
        assert row.error == "held: CAP_DELIVERIES_PER_HOUR of 1 is used up"
        alarm = session.scalars(select(Task).where(Task.kind == "alarm")).one()
        assert "more waits until 10:00 UTC" in alarm.text


# --- calls to one number ----------------------------------------------------------------------------------


def called(bank: SmallBank, times: int, when: timedelta = timedelta()) -> int:
    """The delivery by voice of a new message whose number was called so often."""
    with bank.sessions() as session:
        message = bank.released(session, subject=f"Alert {times}")
        row = session.scalars(
            select(Delivery).where(Delivery.channel == "voice", Delivery.message_id == message.id)
        ).one()
        for n in range(times):
            session.add(
                Attempt(
                    id=f"{row.id:016x}{n:016x}", delivery_id=row.id, n=n + 1, provider="scripted", state="accepted",
                    started_at=bank.runtime.now() - when,
                )
            )  # fmt: skip
        session.commit()
        return row.id


@pytest.mark.parametrize(
    ("times", "when", "over"),
    [(5, timedelta(), False), (6, timedelta(), True), (6, timedelta(days=1), False)],
)
def test_a_number_is_called_so_often_a_day_over_all_messages(
    bank: SmallBank, times: int, when: timedelta, over: bool
) -> None:
    called(bank, times, when)
    with bank.sessions() as session:
        numbers = ["+12025550102", "+12025550199"]
        assert caps.over_called(session, bank.runtime, numbers) == ({"+12025550102"} if over else set())


@pytest.mark.parametrize("code", ["no-connection", "circuit", "lease", "stopped"])
def test_a_call_that_never_left_us_is_not_counted(bank: SmallBank, code: str) -> None:
    called(bank, 6)
    with bank.sessions() as session:
        session.scalars(select(Attempt).join(Attempt.delivery).where(Attempt.n == 6)).one().code = code
        session.flush()
        assert caps.over_called(session, bank.runtime, ["+12025550102"]) == set()


def test_a_call_too_many_goes_to_the_next_channel_or_the_rep(bank: SmallBank) -> None:
    number = called(bank, 6)
    with bank.sessions() as session:
        caps.turn_away(session, bank.runtime, [number])
        commit(session, bank.runtime.bells)
    with bank.sessions() as session:
        row = session.get_one(Delivery, number)
        assert (row.state, row.error) == ("failed", "called 6 times today, the most of CAP_CALLS_PER_NUMBER_DAY")
        cleo = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["cleo"])).one()
        task = session.scalars(select(Task).where(Task.kind == "failed")).one()
        assert (task.customer_id, task.rep_id) == (cleo.customer_id, bank.ids["rep"])
        assert session.scalars(select(Task).where(Task.kind == "alarm")).one()


@pytest.mark.parametrize(("was", "now"), [("fax", "voice"), ("voice", "fax")])
def test_a_fax_rings_a_telephone_too(bank: SmallBank, was: str, now: str) -> None:
    channels = {**bank.runtime.adapters.channels, "fax": Fax()}
    bank.runtime = replace(bank.runtime, adapters=replace(bank.runtime.adapters, channels=channels))
    first = called(bank, 6)
    with bank.sessions() as session:
        session.get_one(Delivery, first).channel = was
        message = bank.released(session, subject="Again")
        row = session.scalars(
            select(Delivery).where(Delivery.channel == "voice", Delivery.message_id == message.id)
        ).one()
        row.channel = now
        for one in session.scalars(select(ContactPoint).where(ContactPoint.channel == "voice")):
            one.channel = now
        session.flush()
        assert fan_out.claim(session, bank.runtime, message.id, now, "scripted", 10) == []
        session.refresh(row)
        assert (row.state, row.error) == ("failed", "called 6 times today, the most of CAP_CALLS_PER_NUMBER_DAY")


# --- messages and answers ---------------------------------------------------------------------------------


def test_messages_an_hour(bank: SmallBank) -> None:
    capped(bank, cap_messages_per_hour=2)
    with bank.sessions() as session:
        bank.released(session)
        bank.time.pass_by(600)
        bank.released(session)
    bank.time.pass_by(60)
    with bank.sessions() as session, pytest.raises(StateConflict, match=r"CAP_MESSAGES_PER_HOUR.* after 10:30:00 UTC"):
        caps.require_release(session, bank.runtime)
    bank.time.pass_by(3000)
    with bank.sessions() as session:
        caps.require_release(session, bank.runtime)


def test_of_two_releases_at_once_the_second_sees_the_first(bank: SmallBank) -> None:
    with bank.sessions() as session:
        numbers = [bank.submitted(session, subject=one).id for one in ("First", "Second")]
    capped(bank, cap_messages_per_hour=1)
    allowed: list[int] = []

    def release(number: int) -> None:
        with bank.sessions() as session, contextlib.suppress(StateConflict):
            caps.require_release(session, bank.runtime)
            if number == numbers[0]:
                other.start()
                other.join(0.5)  # it waits until we have committed
            session.get_one(Message, number).released_at = bank.runtime.now()
            session.flush()
            allowed.append(number)
            session.commit()

    other = threading.Thread(target=release, args=(numbers[1],))
    release(numbers[0])
    other.join()
    assert allowed == numbers[:1]


def test_automatic_answers_to_one_sender(bank: SmallBank) -> None:
    capped(bank, cap_answers_per_sender_day=3)
    with bank.sessions() as session:
        for number in range(3):
            rep = bank.staff(session, "rep")
            assert caps.may_answer(session, bank.runtime, rep)
            letters.write(
                session, bank.runtime, kind="reply", dedupe=f"{AUTOMATIC}{number}", channel="email",
                address=rep.email, subject="Not passed on", text="…", staff=rep,
            ).created_at = bank.runtime.now()  # fmt: skip
            session.flush()
        assert not caps.may_answer(session, bank.runtime, rep)
        assert caps.may_answer(session, bank.runtime, bank.staff(session, "other"))
        session.commit()
    bank.time.pass_by(86400)
    with bank.sessions() as session:
        assert caps.may_answer(session, bank.runtime, bank.staff(session, "rep"))


def test_administrators_see_every_cap_and_its_use(bank: SmallBank) -> None:
    capped(bank, cap_deliveries_per_hour=10, cap_spend_per_day=5.0, price_sms=0.1)
    take(bank, "sms", 3)
    called(bank, 2)
    with bank.sessions() as session:
        uses = caps.uses(session, bank.runtime)
        found = {(one.setting, one.what.split(" in ")[0]): (one.used, one.cap) for one in uses}
        caps.forget_old(session, bank.runtime.now() + timedelta(days=9))
        assert session.scalars(select(CapUse)).all() == []
    assert found["CAP_DELIVERIES_PER_HOUR", "sends started by sms"] == (3, 10)
    assert found["CAP_SPEND_PER_DAY", "spent today"] == (0.3, 5.0)
    assert found["CAP_CALLS_PER_NUMBER_DAY", "calls to the number called most often today"] == (2, 6)
    assert found["CAP_MESSAGES_PER_HOUR", "messages released within the last hour"] == (1, 60)
