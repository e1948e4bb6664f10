"""The pump: urgent before ordinary, releases by turns, quiet hours, validity, providers that are out."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    Attempt,
    ContactPoint,
    Customer,
    Delivery,
    DistributionList,
    ListMember,
    Message,
    Recipient,
    Task,
)
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Content, Outbound, Outcome
from dispatcher.services import quiet_hours
from dispatcher.services.circuit import ENOUGH, FIRST_REST
from dispatcher.services.fan_out import OpenRelease
from dispatcher.services.sending import OUTAGE, URGENT_OUTAGE, Pump, _Run
from dispatcher.services.turns import Turns
from tests.small_bank import Scripted, SmallBank, small_bank

Answer = Callable[[Outbound], Outcome]


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def add_texts(bank: SmallBank, count: int, key: str = "semis") -> None:
    """So many more customers who want texts."""
    with bank.sessions() as session:
        list_id = session.scalar(select(ListMember.list_id).where(ListMember.customer_id == bank.ids["bob"]))
        people = [
            Customer(
                key=f"more{n}",
                name=f"More {n}",
                contact_points=[ContactPoint(channel="sms", address=f"+1202556{n:04d}")],
            )
            for n in range(count)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(ListMember(list_id=list_id, customer_id=one.id) for one in people)
        session.commit()


def release(bank: SmallBank, **changes: object) -> int:
    with bank.sessions() as session:
        return bank.released(session, **changes).id


def messages_of(bank: SmallBank) -> list[int]:
    """To which message each text handed over belongs, in their order."""
    with bank.sessions() as session:
        rows = session.execute(
            select(Attempt.id, Delivery.message_id).join(Delivery, Attempt.delivery_id == Delivery.id)
        )
        owner: dict[str, int] = {attempt: message_id for attempt, message_id in rows}  # noqa: C416  # rows have no pairs' type
    return [owner[one.attempt] for one in bank.providers["sms"].got]


def states(bank: SmallBank, channel: str = "sms") -> Counter[str]:
    with bank.sessions() as session:
        return Counter(session.scalars(select(Delivery.state).where(Delivery.channel == channel)))


# --- whose turn it is


def test_an_urgent_message_passes_what_is_going_out(bank: SmallBank) -> None:
    add_texts(bank, 300)
    ordinary = release(bank)
    urgent: list[int] = []
    came: list[datetime] = []
    sms = bank.providers["sms"]
    sms.limits, sms.seconds = Limits("scripted", 5), 0.005

    def answer(one: Outbound) -> Outcome:
        if len(sms.got) == 40:
            urgent.append(release(bank, urgency="urgent"))
            came.append(bank.runtime.now())
        bank.time.pass_by(0.001)
        return Outcome(one.attempt, "accepted")

    sms.answer = answer
    asyncio.run(Pump(bank.runtime, "sms").run())
    order = messages_of(bank)
    assert Counter(order) == {ordinary: 301, urgent[0]: 301}
    with bank.sessions() as session:
        rows = session.execute(
            select(Delivery.message_id, Attempt.started_at).join(Delivery, Attempt.delivery_id == Delivery.id)
        )
        claims = {(message_id, at) for message_id, at in rows}  # rows are no tuples to mypy
    last = max(at for message_id, at in claims if message_id == urgent[0])
    meanwhile = [at for message_id, at in claims if message_id == ordinary and came[0] < at < last]
    # One claim may be under way.
    assert len(meanwhile) <= 1, "ordinary ones were claimed while urgent ones waited"


def test_urgent_ones_that_fit_are_claimed_at_once_where_ordinary_ones_have_no_room(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_texts(bank, 300)
    with bank.sessions() as session:
        top = session.scalar(select(DistributionList.id).where(DistributionList.key == "top"))
        session.merge(ListMember(list_id=top, customer_id=bank.ids["bob"]))
        session.commit()
    release(bank)
    urgent, sent, pauses = 6, 0, 0
    all_left = asyncio.Event()
    sms = bank.providers["sms"]
    send, pause = sms.send, _Run._pause

    async def held(content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        """Ordinary ones are answered when all the urgent ones have left."""
        nonlocal sent
        sent += content.urgent
        if sent == urgent:
            all_left.set()
        if not content.urgent:
            await asyncio.wait_for(all_left.wait(), 30)
        async for one in send(content, batch):
            yield one

    async def counted(run: _Run, seconds: float) -> None:
        nonlocal pauses
        if pauses == 0:  # nothing ordinary has room any more
            for _ in range(urgent):
                release(bank, urgency="urgent", lists=["top"])
        pauses += sent < urgent
        await pause(run, seconds)

    monkeypatch.setattr(sms, "send", held)
    monkeypatch.setattr(_Run, "_pause", counted)
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert sent == urgent
    assert pauses == 1, "it paused between urgent ones"


def test_releases_of_one_urgency_share_the_channel(bank: SmallBank) -> None:
    add_texts(bank, 300)
    bank.providers["sms"].limits, bank.providers["sms"].seconds = Limits("scripted", 10), 0.005
    first, second = release(bank), release(bank)
    asyncio.run(Pump(bank.runtime, "sms").run())
    order = messages_of(bank)
    half = Counter(order[:300])
    assert Counter(order) == {first: 301, second: 301}
    assert abs(half[first] - half[second]) <= 40


def test_turns_are_even_and_a_newcomer_starts_level() -> None:
    turns, had = Turns(), Counter[int]()
    first, second, third = (OpenRelease(number, False, None) for number in (1, 2, 3))
    for _ in range(100):
        chosen = turns.order([first, second])[0]
        turns.took(chosen, 10)
        had[chosen.message_id] += 10
    assert had == {1: 500, 2: 500}
    for _ in range(30):
        chosen = turns.order([first, second, third])[0]
        turns.took(chosen, 10)
        had[chosen.message_id] += 10
    assert had == {1: 600, 2: 600, 3: 100}
    assert turns.order([first, OpenRelease(9, True, None)])[0].message_id == 9


def test_a_pace_of_its_own_holds_a_release_back(bank: SmallBank) -> None:
    add_texts(bank, 19)
    message_id = release(bank)
    with bank.sessions() as session:
        session.execute(update(Message).values(pace={"sms": 40.0}))
        session.commit()
    started: list[float] = []
    bank.providers["sms"].before_send = lambda: started.append(bank.runtime.monotonic())
    asyncio.run(Pump(bank.runtime, "sms").run())
    # Without Redis a worker keeps to a quarter of it.
    assert 1.5 < started[-1] - started[0] < 4
    assert messages_of(bank) == [message_id] * 20


def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(bank: SmallBank) -> None:
    add_texts(bank, 300)
    release(bank)
    sms = bank.providers["sms"]
    sms.limits = Limits("scripted", 4)
    bank.bells.rings.clear()
    asyncio.run(Pump(bank.runtime, "sms").run(stopping=lambda: len(sms.got) > 20))
    found = states(bank)
    assert set(found) == {"accepted", "queued"}
    assert found["accepted"] < 100
    assert ("sms", "fan_out", ("sms",)) in bank.bells.rings


def test_what_may_not_leave_is_passed_over_in_few_looks(bank: SmallBank) -> None:
    add_texts(bank, 600)
    release(bank)
    with bank.sessions() as session:
        session.execute(update(Customer).values(quiet_from=time(9), quiet_until=time(10)))
        session.execute(update(Customer).where(Customer.key == "bob").values(quiet_from=None))
        session.commit()
    bank.providers["sms"].limits = Limits("scripted", 4)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == 1
    with bank.sessions() as session:
        held = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.held_until.is_not(None)))
    assert held >= 600


# --- quiet hours and validity


@pytest.mark.parametrize(
    ("zone", "begin", "end", "now", "until"),
    [
        ("UTC", "22:00", "07:00", "2026-11-20 23:00", "2026-11-21 07:00"),
        ("UTC", "22:00", "07:00", "2026-11-20 06:59", "2026-11-20 07:00"),
        ("UTC", "22:00", "07:00", "2026-11-20 07:00", None),
        ("UTC", "22:00", "07:00", "2026-11-20 21:59", None),
        ("UTC", "12:00", "14:00", "2026-11-20 12:00", "2026-11-20 14:00"),
        ("UTC", "12:00", "12:00", "2026-11-20 12:00", None),
        ("America/New_York", "20:00", "08:00", "2026-11-20 12:59", "2026-11-20 13:00"),
        ("America/New_York", "20:00", "08:00", "2026-11-20 13:00", None),
        ("Asia/Kolkata", "22:00", "07:00", "2026-11-20 17:00", "2026-11-21 01:30"),
        # The night the clocks go forward is an hour shorter; the night they go back an hour longer.
        ("Europe/Berlin", "22:00", "07:00", "2026-03-28 22:30", "2026-03-29 05:00"),
        ("Europe/Berlin", "22:00", "07:00", "2026-10-24 22:30", "2026-10-25 06:00"),
        # An end that the night has twice: the one that is still to come.
        ("Europe/Berlin", "22:00", "02:30", "2026-10-25 00:15", "2026-10-25 00:30"),
        ("Europe/Berlin", "22:00", "02:30", "2026-10-25 01:15", "2026-10-25 01:30"),
        # An end that the night leaves out.
        ("Europe/Berlin", "22:00", "02:30", "2026-03-28 23:00", "2026-03-29 01:30"),
        ("No/Such_Zone", "22:00", "07:00", "2026-11-20 23:00", "2026-11-21 07:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(zone: str, begin: str, end: str, now: str, until: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = quiet_hours.ends(moment, zone, time.fromisoformat(begin), time.fromisoformat(end))
    assert found == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


def quiet(bank: SmallBank, name: str = "bob", urgent_too: bool = False) -> None:
    """It is 9:30: the customer sleeps until 10."""
    with bank.sessions() as session:
        session.execute(
            update(Customer)
            .where(Customer.id == bank.ids[name])
            .values(quiet_from=time(9), quiet_until=time(10), urgent_when_quiet=urgent_too)
        )
        session.commit()


def test_quiet_hours_hold_a_delivery_until_they_end(bank: SmallBank) -> None:
    quiet(bank)
    release(bank)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == 0
    with bank.sessions() as session:
        held = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
        assert (held.state, held.tries) == ("queued", 0)
        assert held.due_at == datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
        assert session.scalars(select(Message.state)).one() == "releasing"
    bank.time.pass_by(30 * 60)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == 1


@pytest.mark.parametrize(
    ("urgency", "allowed", "sent"), [("urgent", True, 1), ("urgent", False, 0), ("normal", True, 0)]
)
def test_an_urgent_message_breaks_them_only_where_the_customer_allows_it(
    bank: SmallBank, urgency: str, allowed: bool, sent: int
) -> None:
    quiet(bank, urgent_too=allowed)
    release(bank, urgency=urgency)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == sent


def test_nobody_is_woken_for_the_sake_of_another_on_the_same_telephone(bank: SmallBank) -> None:
    with bank.sessions() as session:
        session.execute(
            update(ContactPoint)
            .where(ContactPoint.customer_id == bank.ids["cleo"])
            .values(channel="sms", address="+12025550101")
        )
        session.commit()
    quiet(bank, "cleo")
    release(bank)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == 0


def test_what_is_stale_expires_and_is_somebodys_task(bank: SmallBank) -> None:
    quiet(bank)
    release(bank, valid_for=600)
    asyncio.run(Pump(bank.runtime, "sms").run())
    with bank.sessions() as session:
        due = session.scalars(select(Delivery.due_at).where(Delivery.channel == "sms")).one()
        assert due is not None
        assert due <= datetime(2026, 11, 20, 9, 40, 1, tzinfo=UTC), "it is to be said when its time is up, not later"
    bank.time.pass_by(602)
    assert asyncio.run(Pump(bank.runtime, "sms").run()) == 0
    assert states(bank) == {"expired": 1}
    with bank.sessions() as session:
        assert session.scalars(select(Task.customer_id)).all() == [bank.ids["bob"]]


# --- providers that are out


def two_providers(bank: SmallBank) -> tuple[Scripted, Scripted, Pump]:
    first, second = Scripted("sms", name="first"), Scripted("sms", name="second")
    adapters = dataclasses.replace(
        bank.runtime.adapters, providers={**bank.runtime.adapters.providers, "sms": (first, second)}
    )
    return first, second, Pump(dataclasses.replace(bank.runtime, adapters=adapters), "sms")


def out(state: str = "deferred", decision: str = "retry", **more: object) -> Answer:
    return lambda one: Outcome(one.attempt, state, decision=decision, **{"retry_after": 5.0, **more})  # type: ignore[arg-type]  # a row


def test_a_refused_account_moves_everything_to_the_next_provider(bank: SmallBank) -> None:
    add_texts(bank, 200)
    release(bank)
    first, second, pump = two_providers(bank)
    first.answer = out("failed", "stop-channel", error="the account is suspended")
    asyncio.run(pump.run())
    assert len(first.got) <= 2, "no more is burnt than what was under way"
    bank.time.pass_by(2)
    asyncio.run(pump.run())
    assert states(bank) == {"accepted": 201}
    assert len(second.got) == 201
    with bank.sessions() as session:
        assert "first is out: the account is suspended" in session.scalars(select(Task.text)).one()


@pytest.mark.parametrize("state", ["deferred", "unknown"])
def test_failing_again_and_again_opens_the_circuit_and_one_trial_closes_it(bank: SmallBank, state: str) -> None:
    add_texts(bank, 400)
    release(bank)
    first, second, pump = two_providers(bank)
    first.limits = Limits("first", 5)
    first.answer = out(state, error="answers 500")
    asyncio.run(pump.run())
    burnt = len(first.got)
    assert ENOUGH <= burnt <= ENOUGH + 10
    first.answer = lambda one: Outcome(one.attempt, "accepted")
    bank.time.pass_by(2)
    asyncio.run(pump.run())
    assert len(first.got) == burnt, "it was asked again before its time"
    assert second.got
    bank.time.pass_by(2 * FIRST_REST)
    release(bank)
    asyncio.run(pump.run())
    assert len(first.got) == burnt + 1, "one message tries for all"
    asyncio.run(pump.run())
    assert len(first.got) > burnt + 100, "the circuit is closed again"
    assert states(bank)["unknown"] == (burnt if state == "unknown" else 0)


def test_a_provider_that_stays_out_is_tried_ever_more_seldom(bank: SmallBank) -> None:
    add_texts(bank, 400)
    release(bank)
    sms, tried = bank.providers["sms"], list[float]()
    sms.answer = out("deferred", error="no connection", retry_after=0.0)
    pump, begun = Pump(bank.runtime, "sms"), bank.time()
    for _ in range(800):
        before = len(sms.got)
        asyncio.run(pump.run())
        if len(sms.got) > before:
            tried.append((bank.time() - begun).total_seconds())
        bank.time.pass_by(1)
    steps = [after - before for before, after in pairwise(tried)]
    assert steps[0] >= FIRST_REST
    assert all(later > 1.4 * earlier for earlier, later in pairwise(steps))


@pytest.mark.parametrize(("urgency", "patience"), [("urgent", URGENT_OUTAGE), ("normal", OUTAGE)])
def test_a_channel_that_is_out_for_long_gives_its_customers_to_their_next(
    bank: SmallBank, urgency: str, patience: timedelta
) -> None:
    release(bank, urgency=urgency)
    bank.providers["sms"].answer = out("failed", "stop-channel", error="suspended")
    pump = Pump(bank.runtime, "sms")
    asyncio.run(pump.run())
    bank.time.at += patience * 0.5
    asyncio.run(pump.run())
    assert states(bank) == {"deferred": 1}
    bank.time.at += patience * 0.6
    for _ in range(20):
        asyncio.run(pump.run())
        bank.time.pass_by(1)
    assert states(bank) == {"failed": 1}
    with bank.sessions() as session:
        bob = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["bob"])).one()
        assert bob.channel == "email"
        assert session.scalar(select(func.count()).select_from(Delivery).where(Delivery.position < 0)) == 1
