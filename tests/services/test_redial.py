"""Calls that reached nobody are made again by policy, then the next channel; in any order of the news."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Attempt, ContactPoint, Customer, Delivery, Message, Recipient
from dispatcher.model.ports import Event, Outcome
from dispatcher.services import fan_out, good_news, outcomes, status, suppressions, verify
from dispatcher.services.oracle import Accepted, Question
from dispatcher.settings import SettingsError, load_settings
from tests.webhooks.world import World

CLEO = "+12025550102"


def calling(world: World, *minutes: float, **settings: object) -> None:
    """Change the policy."""
    changed = world.runtime.settings.model_copy(update={"call_again_minutes": minutes, **settings})
    world.runtime = dataclasses.replace(world.runtime, settings=changed)


def with_mail(world: World) -> None:
    with world.runtime.sessions() as session:
        cleo = session.get_one(Customer, world.bank.ids["cleo"])
        cleo.contact_points.append(ContactPoint(channel="email", address="cleo@simon.example"))
        session.commit()


def say(world: World, delivery_id: int, word: str, number: int = 0, sid: str = "CA" + "1" * 32) -> None:
    """The vendor's word about the latest call."""
    world.twilio(
        f"call-status?attempt={attempts(world, delivery_id)[-1].id}",
        {"CallSid": sid, "CallStatus": word, "To": CLEO, "SequenceNumber": str(number)},
    )
    world.apply_due()


def attempts(world: World, delivery_id: int) -> list[Attempt]:
    with world.runtime.sessions() as session:
        query = select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.n)
        return list(session.scalars(query))


def delivery(world: World, delivery_id: int) -> Delivery:
    with world.runtime.sessions() as session:
        return session.get_one(Delivery, delivery_id)


def dial(world: World, delivery_id: int) -> bool:
    """What the worker does when it is due: claim it and hand it to the provider; whether it was called."""
    with world.runtime.sessions() as session:
        found = session.get_one(Delivery, delivery_id)
        claimed = fan_out.claim(session, world.runtime, found.message_id, "voice", "twilio", 50)
        commit(session, world.runtime.bells)
    if not claimed:
        return False
    with world.runtime.sessions() as session:
        outcomes.settle(
            session, world.runtime, "voice", Delivery, [Outcome(claimed[0].attempt_id, "accepted", provider_ref="c")]
        )
        commit(session, world.runtime.bells)
    return True


def first_alert(world: World) -> int:
    """A released alert whose first call to Cleo is out."""
    world.bank.runtime = world.runtime
    with world.runtime.sessions() as session:
        message = world.bank.released(session)
        query = select(Delivery.id).where(Delivery.message_id == message.id, Delivery.channel == "voice")
        cleo = session.scalars(query).one()
    assert dial(world, cleo)
    return cleo


def by_mail(world: World) -> list[str]:
    with world.runtime.sessions() as session:
        query = select(Delivery.state).where(Delivery.address == "cleo@simon.example")
        return list(session.scalars(query))


@pytest.mark.parametrize(
    ("word", "outcome", "said"), [("busy", "busy", "busy"), ("no-answer", "no-answer", "no answer")]
)
def test_it_waits_and_says_so_then_the_next_channel(world: World, word: str, outcome: str, said: str) -> None:
    with_mail(world)
    cleo = first_alert(world)
    say(world, cleo, word)
    one = delivery(world, cleo)
    assert (one.state, one.outcome) == ("deferred", outcome)
    assert one.error == f"{said} at 09:30 UTC, called again at 09:33"
    assert one.due_at == world.runtime.now() + timedelta(minutes=3)
    assert attempts(world, cleo)[0].error == one.error
    assert by_mail(world) == []
    assert not dial(world, cleo)

    world.bank.time.pass_by(180)
    assert dial(world, cleo)
    assert delivery(world, cleo).state == "accepted"
    say(world, cleo, word, sid="CA" + "2" * 32)
    one = delivery(world, cleo)
    assert (one.state, one.error) == ("failed", word)
    assert by_mail(world) == ["queued"]
    with world.runtime.sessions() as session:
        because = session.scalars(
            select(Recipient.because).where(Recipient.customer_id == world.bank.ids["cleo"])
        ).one()
        assert because == f"fallback: voice {word}"


def test_the_second_call_is_answered(world: World) -> None:
    with_mail(world)
    cleo = first_alert(world)
    say(world, cleo, "busy")
    world.bank.time.pass_by(180)
    assert dial(world, cleo)
    say(world, cleo, "completed", sid="CA" + "2" * 32)
    assert (delivery(world, cleo).state, delivery(world, cleo).outcome) == ("delivered", "answered")
    assert by_mail(world) == []


@pytest.mark.parametrize(("waits", "calls"), [((), 1), ((3,), 2), ((3, 15), 3), ((1, 1, 1, 1, 1), 6)])
def test_as_often_as_the_policy_says(light: World, waits: Sequence[float], calls: int) -> None:
    with_mail(light)
    calling(light, *waits, cap_calls_per_number_day=0)
    cleo = first_alert(light)
    for number in range(10):
        say(light, cleo, "busy", sid=f"CA{number:032x}")
        light.bank.time.pass_by(3600)
        if not dial(light, cleo):
            break
    assert len(attempts(light, cleo)) == calls
    assert by_mail(light) == ["queued"]


@pytest.mark.parametrize("word", ["failed", "canceled"])
def test_other_failures_are_not_called_again(light: World, word: str) -> None:
    with_mail(light)
    cleo = first_alert(light)
    say(light, cleo, word)
    assert delivery(light, cleo).state == "failed"
    assert by_mail(light) == ["queued"]


def test_a_machine_that_took_it_is_not_called_again(light: World) -> None:
    cleo = first_alert(light)
    light.twilio(
        f"call-status?attempt={attempts(light, cleo)[0].id}",
        {"CallSid": "CA1", "CallStatus": "completed", "AnsweredBy": "machine_end_beep", "To": CLEO},
    )
    light.apply_due()
    assert (delivery(light, cleo).state, delivery(light, cleo).outcome) == ("delivered", "machine")


# --- never beyond what holds for every call ---------------------------------------------------------------


def test_not_when_its_time_is_up_by_then(light: World) -> None:
    with_mail(light)
    cleo = first_alert(light)
    with light.runtime.sessions() as session:
        message = session.scalars(select(Message)).one()
        message.valid_for = 170
        session.commit()
    say(light, cleo, "busy")
    assert delivery(light, cleo).state == "failed"
    assert by_mail(light) == ["queued"]


def test_not_of_a_message_that_was_cancelled(light: World) -> None:
    with_mail(light)
    cleo = first_alert(light)
    with light.runtime.sessions() as session:
        session.scalars(select(Message)).one().state = "cancelled"
        session.commit()
    say(light, cleo, "busy")
    assert delivery(light, cleo).state == "failed"
    assert by_mail(light) == []


def test_not_after_an_opt_out(light: World) -> None:
    with_mail(light)
    cleo = first_alert(light)
    say(light, cleo, "busy")
    with light.runtime.sessions() as session:
        suppressions.suppress(session, light.runtime, "voice", CLEO, "opt-out", "test")
        session.commit()
    light.bank.time.pass_by(180)
    assert not dial(light, cleo)
    assert delivery(light, cleo).state == "suppressed"


def test_not_in_quiet_hours(light: World) -> None:
    cleo = first_alert(light)
    with light.runtime.sessions() as session:
        customer = session.get_one(Customer, light.bank.ids["cleo"])
        customer.timezone, customer.quiet_from, customer.quiet_until = "UTC", time(9, 32), time(10)
        session.commit()
    say(light, cleo, "busy")
    light.bank.time.pass_by(180)
    assert not dial(light, cleo)
    assert delivery(light, cleo).due_at == light.runtime.now().replace(hour=10, minute=0)
    light.bank.time.pass_by(1800)
    assert dial(light, cleo)


def test_not_over_the_cap_of_calls_to_a_number(light: World) -> None:
    with_mail(light)
    calling(light, 3, cap_calls_per_number_day=1)
    cleo = first_alert(light)
    say(light, cleo, "busy")
    light.bank.time.pass_by(180)
    assert not dial(light, cleo)
    assert delivery(light, cleo).state == "failed"
    assert by_mail(light) == ["queued"]


def test_not_where_the_word_does_not_name_our_attempt(light: World) -> None:
    """A reference may have been found by number and time alone: then it is not certain whose call was busy."""
    with_mail(light)
    cleo = first_alert(light)
    light.twilio("call-status", {"CallSid": "c", "CallStatus": "busy", "To": CLEO})
    light.apply_due()
    assert delivery(light, cleo).state == "failed"


# --- any order --------------------------------------------------------------------------------------------

# What a vendor may say of one call, contradictions too: the state and what became of it.
NEWS = {
    "ringing": ("accepted", ""),
    "answering": ("accepted", ""),
    "busy": ("failed", "busy"),
    "no-answer": ("failed", "no-answer"),
    "completed": ("delivered", "answered"),
    "failed": ("failed", ""),
}


def hear(session: Session, world: World, attempt: str, word: str, number: int) -> None:
    """One piece of news, as `news` has it applied."""
    state, outcome = NEWS[word]
    event = Event(
        f"e{number}", state, world.runtime.now(), attempt, "CA1", CLEO, outcome,
        detail=word, decision="fall-back" if state == "failed" else "",
    )  # fmt: skip
    if not (good_news.is_good(event) and good_news.apply(session, world.runtime, [event], {attempt})):
        session.expire_all()
        assert status.apply(session, world.runtime, "twilio", event)
    session.flush()
    session.expire_all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_order_and_any_number_of_copies_end_alike(light: World, count: int) -> None:
    cleo = light.alert()["cleo"]
    attempt = light.attempt_of(cleo)
    with light.runtime.sessions() as session:
        session.get_one(Delivery, cleo).tries = 1
        for some in itertools.combinations(NEWS, count):
            ends = set()
            for order in itertools.permutations(some):
                with session.begin_nested() as savepoint:
                    for number, word in enumerate((*order, *order[:1])):
                        hear(session, light, attempt, word, number)
                    one, only = session.get_one(Delivery, cleo), session.get_one(Attempt, attempt)
                    code = only.code if one.state == "deferred" else ""
                    ends.add((one.state, one.outcome, one.due_at is None, only.state, code))
                    savepoint.rollback()
                session.expire_all()
            assert len(ends) == 1, some


@pytest.mark.parametrize("late", ["ringing", "busy", "failed"])
def test_late_news_of_the_first_call_moves_nothing_while_the_second_rings(light: World, late: str) -> None:
    cleo = first_alert(light)
    first = attempts(light, cleo)[0].id
    say(light, cleo, "busy", 5)
    light.bank.time.pass_by(180)
    with light.runtime.sessions() as session:
        found = session.get_one(Delivery, cleo)
        assert fan_out.claim(session, light.runtime, found.message_id, "voice", "twilio", 50)
        session.commit()
    light.twilio(
        f"call-status?attempt={first}", {"CallSid": "CA" + "1" * 32, "CallStatus": late, "SequenceNumber": "9"}
    )
    light.apply_due()
    assert delivery(light, cleo).state == "sending"


def test_our_own_outcome_that_comes_after_the_word_of_the_provider(light: World) -> None:
    cleo = first_alert(light)
    (attempt,) = attempts(light, cleo)
    with light.runtime.sessions() as session:
        session.get_one(Delivery, cleo).state = "sending"
        session.get_one(Attempt, attempt.id).state = "sending"
        session.commit()
    say(light, cleo, "busy")
    with light.runtime.sessions() as session:
        outcomes.settle(session, light.runtime, "voice", Delivery, [Outcome(attempt.id, "accepted", provider_ref="c")])
        session.commit()
    one = delivery(light, cleo)
    assert (one.state, one.due_at) == ("deferred", light.runtime.now() + timedelta(minutes=3))
    assert one.accepted_at is not None


# --- the oracle -------------------------------------------------------------------------------------------


def breaches(world: World, **asked: object) -> list[str]:
    with world.runtime.sessions() as session:
        found = verify.check(session, world.runtime, Question(**asked))  # type: ignore[arg-type]  # a table of changes
        return [str(one) for one in found if one.promise in ("P2", "P5", "P7")]


def test_the_oracle_takes_a_second_call_for_what_it_is(light: World) -> None:
    cleo = first_alert(light)
    say(light, cleo, "busy")
    assert breaches(light) == []
    light.bank.time.pass_by(180)
    assert dial(light, cleo)
    assert breaches(light) == []
    say(light, cleo, "completed", sid="CA" + "2" * 32)
    assert breaches(light) == []
    with light.runtime.sessions() as session:  # an answered call that was made again is a breach, whatever came of it
        first, second = session.scalars(select(Attempt).where(Attempt.delivery_id == cleo).order_by(Attempt.n))
        first.code, second.code = None, "busy"
        session.commit()
    assert any("started after" in one for one in breaches(light))


def test_the_oracle_believes_the_carrier_and_not_the_code(light: World) -> None:
    cleo = first_alert(light)
    say(light, cleo, "busy")
    light.bank.time.pass_by(180)
    assert dial(light, cleo)
    some = [
        Accepted("voice", CLEO, light.runtime.now(), attempt=one.id, told=told)
        for one, told in zip(attempts(light, cleo), ("failed", "delivered"), strict=True)
    ]
    assert not [one for one in breaches(light, ledger=some) if "reached the carrier 2 times" in one]
    lied = [dataclasses.replace(some[0], told="delivered"), some[1]]
    assert any("reached the carrier 2 times" in one for one in breaches(light, ledger=lied))


# --- the policy as a setting ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "waits"),
    [("3", (3.0,)), ("3, 15", (3.0, 15.0)), ("", ()), ("0.5", (0.5,)), ("1,2,3,4,5", (1, 2, 3, 4, 5))],
)
def test_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, waits: Sequence[float]) -> None:
    monkeypatch.setenv("CALL_AGAIN_MINUTES", text)
    assert load_settings(_env_file=None, var_dir=tmp_path).call_again_minutes == waits


@pytest.mark.parametrize("text", ["0", "-1", "1,2,3,4,5,6", "soon", "1441", "nan"])
def test_waits_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CALL_AGAIN_MINUTES", text)
    with pytest.raises(SettingsError, match="CALL_AGAIN_MINUTES"):
        load_settings(_env_file=None, var_dir=tmp_path)
