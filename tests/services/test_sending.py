"""Fan-out: claimed once, sent once, every attempt marked, whatever the provider does."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from approvals import submission
from dispatcher.bells import commit
from dispatcher.model import (
    Attempt,
    ContactPoint,
    Customer,
    Delivery,
    Letter,
    ListMember,
    Message,
    Recipient,
    Task,
    Version,
)
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Event, Found, Outbound, Outcome
from dispatcher.services import fan_out, outcomes, reconcile, status, suppressions, sweep, tasks, verify
from dispatcher.services.lease import Lease
from dispatcher.services.letter_sending import send_letter
from dispatcher.services.recorder import Recorder
from dispatcher.services.sending import Pump
from dispatcher.web import progress
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def send(bank: SmallBank, channel: str) -> int:
    return asyncio.run(Pump(bank.runtime, channel).run())


def release(bank: SmallBank) -> int:
    with bank.sessions() as session:
        return bank.released(session).id


def delivery(session: Session, channel: str) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.channel == channel)).one()


def answering(state: str, decision: str = "", **more: object) -> Callable[[Outbound], Outcome]:
    return lambda one: Outcome(one.attempt, state, decision=decision, **more)  # type: ignore[arg-type]  # a table's row


def test_each_is_sent_once_however_often_the_bell_rings(bank: SmallBank) -> None:
    message_id = release(bank)
    for _ in range(3):
        for channel in ("email", "sms", "voice"):
            send(bank, channel)
    assert [len(one.got) for one in bank.providers.values()] == [1, 1, 1]
    with bank.sessions() as session:
        assert {one.state for one in session.scalars(select(Delivery))} == {"accepted"}
        assert session.get_one(Message, message_id).state == "released"
        attempts = session.scalars(select(Attempt).where(Attempt.delivery_id.is_not(None))).all()
        assert {(one.state, one.provider_ref == f"ref {one.id}") for one in attempts} == {("accepted", True)}


def test_the_attempt_is_committed_before_the_call(bank: SmallBank) -> None:
    release(bank)
    seen: list[tuple[str, str]] = []

    def look() -> None:
        with bank.sessions() as session:
            rows = session.scalars(select(Attempt).join(Attempt.delivery).where(Delivery.channel == "sms"))
            seen.extend((one.state, one.delivery.state if one.delivery else "") for one in rows)

    bank.providers["sms"].before_send = look
    send(bank, "sms")
    assert seen == [("sending", "sending")]


def test_a_provider_that_gives_no_outcome_leaves_doubt_not_a_second_send(bank: SmallBank) -> None:
    release(bank)
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")
    send(bank, "sms")
    bank.time.pass_by(3600)
    send(bank, "sms")
    assert len(bank.providers["sms"].got) == 1
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "unknown"


def test_what_was_certainly_not_sent_is_tried_again_when_due(bank: SmallBank) -> None:
    release(bank)
    sms = bank.providers["sms"]
    sms.answer = answering("deferred", "retry", code="20429", retry_after=7.0)
    send(bank, "sms")
    send(bank, "sms")
    assert len(sms.got) == 1
    sms.answer = lambda one: Outcome(one.attempt, "accepted", provider_ref="ref")
    bank.time.pass_by(10)
    send(bank, "sms")
    assert len(sms.got) == 2
    assert sms.got[0].attempt != sms.got[1].attempt
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "accepted"


def test_a_rejected_address_starts_the_next_channel_once(bank: SmallBank) -> None:
    release(bank)
    bank.providers["sms"].answer = answering(
        "rejected", "fall-back", code="21211", error="no such number", mark="invalid"
    )
    send(bank, "sms")
    with bank.sessions() as session:
        bob = session.scalars(select(Recipient).join(Recipient.customer).where(Customer.key == "bob")).one()
        assert (bob.channel, bob.because) == ("email", "fallback: sms no such number")
        assert not bob.customer.contact_points[0].valid or not bob.customer.contact_points[1].valid
    assert ("email", "fan_out", ("email",)) in bank.bells.rings
    send(bank, "email")
    send(bank, "email")
    send(bank, "email")
    assert sorted(one.address for one in bank.providers["email"].got) == ["ana@simon.example", "bob@simon.example"]


def test_out_of_reach_is_one_open_task_and_none_for_who_asked_for_nothing(bank: SmallBank) -> None:
    with bank.sessions() as session:
        for channel, address, reason in (
            ("sms", "+12025550101", "opt-out"), ("email", "bob@simon.example", "complaint"),
            ("voice", "+12025550102", "bounce"),
        ):  # fmt: skip
            suppressions.suppress(session, bank.runtime, channel, address, reason, "a test")
        session.commit()
    for number in (1, 2, 3, 4):
        bank.time.pass_by(60 if number < 4 else -30)  # the last began before the third, and ends after it
        message_id = release(bank)
        with bank.sessions() as session:
            message, tasked = session.get_one(Message, message_id), session.scalars(select(Task)).all()
            assert {one.customer_id for one in tasked} == {bank.ids["cleo"]}
            assert len(tasked) == (1 if number < 3 else 2), "who is out of reach again has a new one"
            assert tasked[-1].message_id == (1 if number == 2 else message_id), "it is of the first that asks for it"
            mail = session.scalars(select(Letter).where(Letter.kind == "unreachable", Letter.message_id == message_id))
            text = mail.one().text
            assert ("Cleo" in text, "Bob" in text) == (True, False)
            seen = progress.people(session, message)
            assert (seen["recipients"], seen["unreachable"], seen["asked_for_nothing"]) == (3, 1, 1)
            assert [one for one in verify.check(session, bank.runtime) if one.promise == "P1"] == []
            if number == 2:
                tasks.close(session, bank.runtime, bank.staff(session, "rep"), tasked[0].id)
                session.commit()
                bank.time.pass_by(60)
                assert [one for one in verify.check(session, bank.runtime) if one.promise == "P1"] == []


def test_with_no_channel_left_the_rep_has_a_task(bank: SmallBank) -> None:
    release(bank)
    bank.providers["voice"].answer = answering("rejected", "fall-back", code="21211")
    send(bank, "voice")
    with bank.sessions() as session:
        task = session.scalars(select(Task)).one()
        assert (task.kind, task.rep_id, task.customer_id) == ("failed", bank.ids["rep"], bank.ids["cleo"])


def test_an_opt_out_after_the_release_stops_the_attempt(bank: SmallBank) -> None:
    release(bank)
    with bank.sessions() as session:
        suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "sms STOP")
        commit(session, bank.runtime.bells)
    send(bank, "sms")
    assert bank.providers["sms"].got == []
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "suppressed"


def test_cancel_stops_what_has_not_left(bank: SmallBank) -> None:
    message_id = release(bank)
    send(bank, "email")
    with bank.sessions() as session:
        submission.cancel(session, bank.runtime, bank.staff(session, "officer"), message_id)
        commit(session, bank.runtime.bells)
    for channel in ("sms", "voice"):
        send(bank, channel)
        send(bank, channel)
    assert len(bank.providers["email"].got) == 1
    assert bank.providers["sms"].got == bank.providers["voice"].got == []


def test_a_stale_alert_expires(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session, valid_for=60)
    bank.time.pass_by(61)
    send(bank, "sms")
    assert bank.providers["sms"].got == []
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "expired"
        assert session.scalars(select(Task)).one().rep_id == bank.ids["rep"]


def test_what_is_not_what_was_approved_is_never_sent(bank: SmallBank) -> None:
    release(bank)
    with bank.sessions() as session:
        session.scalars(select(Version)).one().text = "We raise it to buy."
        session.commit()
    for channel in ("email", "sms", "voice"):
        send(bank, channel)
    assert all(one.got == [] for one in bank.providers.values())
    with bank.sessions() as session:
        assert {one.kind for one in session.scalars(select(Task))} == {"alarm"}


def test_credentials_refused_stop_the_channel_and_burn_nothing(bank: SmallBank) -> None:
    release(bank)
    bank.providers["sms"].answer = answering("deferred", "stop-channel", code="20003", error="bad credentials")
    send(bank, "sms")
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "deferred"
        assert session.scalars(select(Task)).one().kind == "alarm"


def test_a_dead_worker_leaves_doubt_that_is_looked_up(bank: SmallBank) -> None:
    release(bank)

    def die() -> None:
        raise SystemExit

    bank.providers["sms"].before_send = die
    with pytest.raises(SystemExit):
        send(bank, "sms")
    bank.providers["sms"].before_send = lambda: None
    with bank.sessions() as session:
        attempt = session.scalars(select(Attempt).join(Attempt.delivery).where(Delivery.channel == "sms")).one()
        attempt.state = "sending"
        assert attempt.delivery is not None
        attempt.delivery.state, attempt.delivery.lease_until = "sending", bank.time()
        session.commit()
    bank.time.pass_by(61)
    with bank.sessions() as session:
        assert sweep.sweep(session, bank.runtime)["doubts"] == 1
        session.commit()
    bank.providers["sms"].found = Found("absent")
    assert asyncio.run(reconcile.look_up(bank.runtime, attempt.id)) == "absent"
    assert asyncio.run(reconcile.look_up(bank.runtime, attempt.id)) == "", "looked up twice in a row"
    bank.time.pass_by(131)
    assert asyncio.run(reconcile.look_up(bank.runtime, attempt.id)) == "absent"
    bank.time.pass_by(1)
    send(bank, "sms")
    assert len(bank.providers["sms"].got) == 1
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "accepted"


def test_a_call_in_doubt_is_never_made_again(bank: SmallBank) -> None:
    release(bank)
    bank.providers["voice"].answer = lambda one: None
    send(bank, "voice")
    bank.providers["voice"].found = Found("absent")
    with bank.sessions() as session:
        attempt = session.scalars(select(Attempt).join(Attempt.delivery).where(Delivery.channel == "voice")).one()
    for _ in range(4):
        bank.time.pass_by(200)
        asyncio.run(reconcile.look_up(bank.runtime, attempt.id))
        send(bank, "voice")
    assert len(bank.providers["voice"].got) == 1
    with bank.sessions() as session:
        assert delivery(session, "voice").state == "failed"
        assert session.scalars(select(Task)).one().kind == "failed"


def test_news_that_overtakes_the_outcome_is_kept(bank: SmallBank) -> None:
    release(bank)

    def call_back_first(one: Outbound) -> Outcome:
        with bank.sessions() as session:
            event = Event("e1", "delivered", bank.time(), attempt=one.attempt, provider_ref="ref")
            assert status.apply(session, bank.runtime, "scripted", event)
            session.commit()
        return Outcome(one.attempt, "accepted", provider_ref="ref")

    bank.providers["sms"].answer = call_back_first
    send(bank, "sms")
    with bank.sessions() as session:
        one = delivery(session, "sms")
        assert one.state == "delivered"
        assert one.accepted_at is not None


def test_the_sweep_finds_what_nobody_was_rung_for(bank: SmallBank) -> None:
    release(bank)
    bank.bells.rings.clear()
    bank.time.pass_by(30)
    with bank.sessions() as session:
        sweep.sweep(session, bank.runtime)
        commit(session, bank.runtime.bells)
    assert {one for one in bank.bells.rings if one[1] == "fan_out"} == {
        (channel, "fan_out", (channel,)) for channel in ("email", "sms", "voice")
    }


def test_a_letter_rung_for_twice_is_sent_once(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
    letters = [one[2][0] for one in bank.bells.rings if one[1] == "send_letter"]
    for letter_id in letters * 2:
        asyncio.run(send_letter(bank.runtime, int(letter_id)))
    assert len(bank.providers["email"].got) == len(letters) == 3


def test_what_was_claimed_leaves_soon_or_goes_back(bank: SmallBank) -> None:
    """Also in a worker that stood still and wakes: what others may have taken over is not started."""
    later = [0.0]
    lease = Lease(dataclasses.replace(bank.runtime, monotonic=lambda: later[0]))
    assert lease.holds()
    later[0] = bank.runtime.settings.lease_seconds / 4 + 0.1
    assert not lease.holds()


def test_what_waited_too_long_for_a_place_hears_of_the_cancel(bank: SmallBank) -> None:
    message_id, clock = release(bank), [0.0]
    runtime = dataclasses.replace(bank.runtime, monotonic=lambda: clock[0])

    def stand_still() -> None:
        clock[0] += 60
        with bank.sessions() as session:
            submission.cancel(session, bank.runtime, bank.staff(session, "officer"), message_id)
            commit(session, bank.runtime.bells)

    bank.providers["sms"].before_send = stand_still
    asyncio.run(Pump(runtime, "sms").run())
    assert bank.providers["sms"].got == []
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "cancelled"


def test_an_address_that_was_taken_out_is_not_used(bank: SmallBank) -> None:
    release(bank)
    with bank.sessions() as session:
        session.execute(
            delete(ContactPoint).where(ContactPoint.customer_id == bank.ids["bob"], ContactPoint.channel == "sms")
        )
        session.commit()
    send(bank, "sms")
    assert bank.providers["sms"].got == []
    with bank.sessions() as session:
        bob = session.scalars(select(Recipient).join(Recipient.customer).where(Customer.key == "bob")).one()
        assert (bob.channel, bob.because) == ("email", "fallback: sms is no longer in the directory")


def test_a_provider_that_breaks_at_once_leaves_doubt_and_no_more(bank: SmallBank) -> None:
    release(bank)

    def broken() -> None:
        raise RuntimeError("a fault of ours")

    bank.providers["sms"].before_send = broken
    send(bank, "sms")
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "unknown"


def test_a_database_that_is_away_between_claims_leaves_alone_what_is_on_its_way(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(bank)
    asked, look = [0], fan_out.open_releases

    def away(*given: object) -> object:
        asked[0] += 1
        if asked[0] == 2:
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        return look(*given)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(fan_out, "open_releases", away)
    bank.providers["sms"].limits = Limits("scripted", 1)
    with pytest.raises(OperationalError):
        send(bank, "sms")
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "accepted"


def test_an_outcome_that_cannot_be_written_keeps_no_other_waiting(bank: SmallBank) -> None:
    release(bank)
    written: list[str] = []

    def write(session: Session, some: list[Outcome]) -> None:
        if any(one.attempt == "bad" for one in some):
            raise ValueError("the database refuses it")
        written.extend(one.attempt for one in some)

    async def outcomes_of() -> AsyncIterator[Outcome]:
        for name in ("one", "bad", "two"):
            yield Outcome(name, "accepted")

    async def go() -> None:
        async with Recorder(bank.runtime, write, lambda session, left: None) as recorder:
            await recorder.follow(["one", "bad", "two"], outcomes_of)

    asyncio.run(go())
    assert written == ["one", "two"]


def test_what_an_earlier_attempt_says_moves_nothing(bank: SmallBank) -> None:
    release(bank)
    sms = bank.providers["sms"]
    sms.answer = answering("deferred", "retry", retry_after=1.0)
    send(bank, "sms")
    sms.answer = lambda one: Outcome(one.attempt, "accepted", provider_ref="ref")
    bank.time.pass_by(10)
    send(bank, "sms")
    with bank.sessions() as session:
        old = Outcome(sms.got[0].attempt, "deferred", "retry", retry_after=1.0)
        outcomes.settle(session, bank.runtime, "sms", Delivery, [old])
        late = Event("e9", "failed", bank.time(), attempt=sms.got[0].attempt, decision="fall-back")
        assert status.apply(session, bank.runtime, "scripted", late)
        session.commit()
    bank.time.pass_by(60)
    send(bank, "sms")
    assert len(sms.got) == 2
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "accepted"


def test_what_comes_back_after_a_cancel_is_cancelled(bank: SmallBank) -> None:
    message_id = release(bank)

    def cancel() -> None:
        with bank.sessions() as session:
            submission.cancel(session, bank.runtime, bank.staff(session, "officer"), message_id)
            commit(session, bank.runtime.bells)

    bank.providers["sms"].before_send = cancel
    bank.providers["sms"].answer = answering("deferred", "retry")
    send(bank, "sms")
    with bank.sessions() as session:
        one = delivery(session, "sms")
        assert (one.state, one.due_at) == ("cancelled", None)
        assert session.scalars(select(Task)).all() == []


def test_a_channel_without_a_provider_hands_its_recipients_on(bank: SmallBank) -> None:
    release(bank)
    rest = {name: (one,) for name, one in bank.providers.items() if name != "sms"}
    without = dataclasses.replace(bank.runtime, adapters=dataclasses.replace(bank.runtime.adapters, providers=rest))
    asyncio.run(Pump(without, "sms").run())
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "failed"
        bob = session.scalars(select(Recipient).join(Recipient.customer).where(Customer.key == "bob")).one()
        assert bob.channel == "email"
        assert session.scalars(select(Task)).one().kind == "alarm"


def test_who_left_the_lists_before_it_left_is_not_reached(bank: SmallBank) -> None:
    release(bank)
    with bank.sessions() as session:
        session.execute(delete(ListMember).where(ListMember.customer_id == bank.ids["bob"]))
        session.commit()
    send(bank, "sms")
    assert bank.providers["sms"].got == []
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "cancelled"


def test_an_opt_out_after_the_release_leaves_the_next_channel(bank: SmallBank) -> None:
    release(bank)
    send(bank, "email")
    with bank.sessions() as session:
        suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "sms STOP")
        commit(session, bank.runtime.bells)
    send(bank, "sms")
    send(bank, "email")
    assert [one.address for one in bank.providers["email"].got] == ["ana@simon.example", "bob@simon.example"]


def test_a_letter_that_fails_is_a_task(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
    bank.providers["email"].answer = answering("rejected", "person", code="550")
    letter_id = next(int(one[2][0]) for one in bank.bells.rings if one[1] == "send_letter")
    asyncio.run(send_letter(bank.runtime, letter_id))
    with bank.sessions() as session:
        assert "approval" in session.scalars(select(Task)).one().text


def test_a_look_up_that_can_never_be_made_ends_with_a_person(bank: SmallBank) -> None:
    release(bank)
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")
    bank.providers["sms"].name = "another"
    with bank.sessions() as session:
        attempt = session.scalars(select(Attempt).join(Attempt.delivery).where(Delivery.channel == "sms")).one()
    for _ in range(reconcile.GIVE_UP_AFTER + 1):
        bank.time.pass_by(200)
        asyncio.run(reconcile.look_up(bank.runtime, attempt.id))
    with bank.sessions() as session:
        assert session.scalars(select(Task)).one().kind == "unknown"
