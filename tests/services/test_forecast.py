"""The forecast: under the limits, behind what waits, around quiet hours, within the validity; the plan for a lag."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from approvals import submission
from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Customer,
    Delivery,
    Letter,
    ListMember,
    Message,
    Preference,
    Recipient,
    Suppression,
    Task,
)
from dispatcher.model.delivery import CALL_FOLLOWS, FALLBACK
from dispatcher.model.gate import Limits
from dispatcher.services import audience, forecast, lag
from dispatcher.services.forecast import Forecast
from dispatcher.services.letter_sending import send_letter
from dispatcher.settings import Settings, SettingsError, load_settings
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    bank = small_bank(sessions, tmp_path)
    for name, limits in (
        ("email", Limits("a", 10, recipients_a_request=1000)),
        ("sms", Limits("b", 30)),
        ("voice", Limits("b", 30, a_second=2)),
    ):
        bank.providers[name].limits = limits
    return bank


def with_policy(bank: SmallBank, **settings: object) -> SmallBank:
    chosen = bank.runtime.settings.model_copy(update=settings)
    bank.runtime = replace(bank.runtime, settings=chosen)
    return bank


def waiting(session: Session, message: Message, channel: str, number: int, **more: object) -> None:
    """So many deliveries of a message that are due."""
    session.execute(
        insert(Delivery),
        [
            {
                "message_id": message.id, "channel": channel, "address": f"{channel}{place}", "state": "queued",
                "position": place, "due_at": message.released_at, **more,
            }
            for place in range(number)
        ],
    )  # fmt: skip


def going(bank: SmallBank, session: Session, urgency: str, **waits: int) -> Message:
    """A release of another message with so many deliveries waiting by channel."""
    message = bank.submitted(session, urgency=urgency)
    message.state, message.released_at = "releasing", bank.time()
    for channel, number in waits.items():
        waiting(session, message, channel, number)
    session.flush()
    return message


def foretold(
    bank: SmallBank, session: Session, message: Message, resting: Iterable[forecast.Resting] = (), **numbers: int
) -> dict[str, Forecast]:
    return forecast.foretell(session, bank.runtime, message, numbers, resting)


@pytest.mark.parametrize(
    ("channel", "number", "seconds"),
    [
        ("voice", 94, 47.0),
        ("voice", 1, 0.5),
        ("voice", 0, 0.0),
        ("sms", 1000, 10.0),
        ("email", 5000, 0.3),
        ("fax", 9, 0),
    ],
)
def test_a_channel_alone_takes_what_its_limits_allow(
    bank: SmallBank, channel: str, number: int, seconds: float
) -> None:
    with bank.sessions() as session:
        found = foretold(bank, session, bank.submitted(session), (), **{channel: number})[channel]
    assert found.seconds == seconds
    assert found.limited is (channel == "voice")
    assert (found.deliveries, found.ahead, found.held, found.late) == (number, 0, 0, 0)


@pytest.mark.parametrize(
    ("urgency", "ahead"),
    [
        # All 30 urgent calls, and 10 of the 50 ordinary ones: by turns.
        ("normal", 40),
        # 10 of the 30 urgent ones: by turns. The ordinary ones are passed.
        ("urgent", 10),
    ],
)
def test_what_waits_ahead_of_it_counts(bank: SmallBank, urgency: str, ahead: int) -> None:
    with bank.sessions() as session:
        going(bank, session, "normal", voice=50)
        going(bank, session, "urgent", voice=30, sms=7)
        later = going(bank, session, "urgent")
        waiting(session, later, "voice", 5, due_at=bank.time() + timedelta(hours=1))
        cancelled = going(bank, session, "urgent", voice=9)
        cancelled.state = "cancelled"
        message = bank.submitted(session, urgency=urgency)
        found = foretold(bank, session, message, voice=10)["voice"]
    assert (found.ahead, found.seconds) == (ahead, (10 + ahead) / 2)


def test_a_later_release_finds_less_ahead(bank: SmallBank) -> None:
    with bank.sessions() as session:
        going(bank, session, "urgent", voice=30)
        message = bank.submitted(session, release_at=bank.time() + timedelta(seconds=10))
        found = foretold(bank, session, message, voice=10)["voice"]
        assert forecast.begin(bank.runtime, message) == bank.time() + timedelta(seconds=10)
    assert (found.ahead, found.seconds) == (10, 10.0)


def test_who_rests_is_held_until_morning(bank: SmallBank) -> None:
    # It is 09:30 UTC: 04:30 in New York.
    night = [
        ("voice", "America/New_York", time(22), time(7), False, 3),
        ("voice", "America/New_York", time(22), time(8), True, 2),
        ("voice", "Europe/Zurich", time(22), time(7), False, 5),
        ("sms", "Europe/Zurich", time(10), time(11), False, 1),
    ]
    with bank.sessions() as session:
        found = foretold(bank, session, bank.submitted(session), night, voice=20, sms=1)
        urgent = foretold(bank, session, bank.submitted(session, urgency="urgent"), night, voice=20)["voice"]
    voice, sms = found["voice"], found["sms"]
    assert (voice.held, voice.held_until, voice.seconds) == (5, datetime.fromisoformat("2026-11-20T13:00Z"), 7.5)
    assert (sms.held, sms.held_until, sms.seconds) == (1, datetime.fromisoformat("2026-11-20T10:00Z"), 0.0)
    assert (urgent.held, urgent.held_until) == (3, datetime.fromisoformat("2026-11-20T12:00Z"))


@pytest.mark.parametrize(
    ("valid_for", "late"), [(None, 0), (60, 0), (10, 23 - 20), (9, 23 - 18), (3600, 0), (8 * 3600, 0)]
)
def test_what_would_be_stale_is_told(bank: SmallBank, valid_for: int | None, late: int) -> None:
    with bank.sessions() as session:
        message = bank.submitted(session)
        message.valid_for = valid_for
        assert foretold(bank, session, message, voice=23)["voice"].late == late
        night = [("voice", "America/New_York", time(22), time(7), False, 4)]  # until 2.5 hours from now
        held = foretold(bank, session, message, night, voice=4)["voice"]
        assert held.late == (4 if valid_for and valid_for < 9000 else 0)


def test_the_preview_counts_those_who_rest(bank: SmallBank) -> None:
    with bank.sessions() as session:
        cleo = session.get_one(Customer, bank.ids["cleo"])
        cleo.timezone, cleo.quiet_from, cleo.quiet_until = "America/New_York", time(22), time(7)
        before = audience.preview(session, bank.runtime, bank.submitted(session).current)
        message = bank.released(session)
        after = audience.preview(session, bank.runtime, message.current)
    assert (before.foretold["voice"].held, before.forecast["voice"]) == (1, 0.0)
    assert before.foretold["sms"].held == 0
    assert (after.foretold["voice"].held, after.forecast) == (1, before.forecast)


# --- a channel that lags


def told(**seconds: float) -> dict[str, Forecast]:
    return {name: Forecast(name, 100, 1.0, False, 0, after) for name, after in seconds.items()}


def test_nothing_is_planned_within_the_limit(bank: SmallBank) -> None:
    for some in (told(email=1, voice=61), told(voice=900), {}, told(email=0.3, sms=0.3)):
        plan = lag.plan_of(bank.runtime, some)
        assert (plan.warning, plan.pace, plan.text_first) == ("", {}, False)
    assert lag.plan_of(bank.runtime, told(email=1, voice=61)).order == ("voice", "email")


def test_slow_channels_start_first(bank: SmallBank) -> None:
    plan = lag.plan_of(bank.runtime, told(email=2, sms=4, voice=94, fax=30))
    assert plan.order == ("voice", "fax", "sms", "email")
    assert plan.warning == (
        "voice is forecast to reach its last customer 94 s after the release, 92 s after email: more than the limit "
        "of 60 s. The slowest starts first."
    )


def test_fast_channels_are_held_to_the_same_window(bank: SmallBank) -> None:
    with_policy(bank, lag_policy="same-window")
    plan = lag.plan_of(bank.runtime, told(email=2, sms=4, voice=100))
    assert plan.pace == {"email": 1.0, "sms": 1.0}
    assert plan.warning.endswith("email and sms will be held to the same window.")
    some = told(email=2, voice=100)
    some["email"] = replace(some["email"], held=90)
    assert lag.plan_of(bank.runtime, some).pace == {"email": 0.1}


def test_who_wholly_rests_lags_behind_nobody(bank: SmallBank) -> None:
    some = told(email=2, voice=100)
    some["email"] = replace(some["email"], held=100)
    assert lag.plan_of(bank.runtime, some).warning == ""


def desk(bank: SmallBank, session: Session, number: int) -> list[int]:
    """So many customers who are called, with text numbers, on a list of Cleo's."""
    top = session.scalars(select(ListMember.list_id).where(ListMember.customer_id == bank.ids["cleo"])).one()
    made = []
    for place in range(number):
        who = Customer(
            key=f"d{place}", name=f"D{place}", language="de" if place % 2 else "en",
            contact_points=[
                ContactPoint(channel="voice", address=f"+120255503{place:02}"),
                ContactPoint(channel="sms", address=f"+120255502{place:02}"),
            ],
            preferences=[Preference(rank=0, channel="voice")],
        )  # fmt: skip
        session.add(who)
        session.flush()
        session.add(ListMember(list_id=top, customer_id=who.id))
        made.append(who.id)
    session.flush()
    return made


def in_order(session: Session) -> list[int]:
    """The customers in the order in which they are called."""
    query = select(Customer.id).join(Recipient, Recipient.customer_id == Customer.id).join(Recipient.delivery)
    return list(session.scalars(query.where(Delivery.channel == "voice").order_by(Delivery.position)))


def letters(session: Session) -> list[Letter]:
    return list(session.scalars(select(Letter).where(Letter.kind == CALL_FOLLOWS).order_by(Letter.id)))


def test_who_waits_for_a_call_is_told_by_text(bank: SmallBank) -> None:
    with bank.sessions() as session:
        people = desk(bank, session, 19)  # and Cleo, who has no text number: 20 calls in 10 s
        message = bank.released(session)
        with_policy(bank, lag_policy="text-first", lag_limit_seconds=2)
        plan = lag.plan(session, bank.runtime, message, {"voice": 20, "email": 1, "sms": 1})
        assert (plan.text_first, plan.waiting, plan.longest) == (True, 16, 10.0)
        assert "told that it will follow" in plan.warning
        rested, stopped, wrong, shared, early = _faults(session, people, message)
        written = lag.announce(session, bank.runtime, message, plan)
        again = lag.announce(session, bank.runtime, message, plan)
        found = letters(session)
        rung = [one for one in session.info["rings"] if one[1] == "send_letter"]
        late = set(in_order(session)[4:]) & set(people)
    assert (written, again, len(found)) == (len(found), 0, written)
    of = {one.customer_id for one in found}
    assert of == late - {rested, stopped, wrong, shared}
    assert early is None or early not in of
    assert {one.channel for one in found} == {"sms"}
    assert {one.text for one in found} <= {
        "Example Bank calls you about an alert in about 1 minute.",
        "Example Bank ruft Sie in etwa 1 Minute wegen einer Meldung an.",
    }
    assert len({one.text for one in found}) == 2
    assert [one for one in rung if one[2][0] in {each.id for each in found}]


def _faults(session: Session, people: list[int], message: Message) -> tuple[int, int, int, int, int | None]:
    """Of the late ones: one rests, one stopped texts, one has a wrong number, one shares one that gets the alert."""
    order = in_order(session)
    late = [whose for whose in order[4:] if whose in people]
    early = next((whose for whose in order[:4] if whose in people), None)
    rested, stopped, wrong, shared = late[:4]

    def point(whose: int) -> ContactPoint:
        return session.scalars(
            select(ContactPoint).where(ContactPoint.customer_id == whose, ContactPoint.channel == "sms")
        ).one()

    sleeper = session.get_one(Customer, rested)
    sleeper.timezone, sleeper.quiet_from, sleeper.quiet_until = "America/New_York", time(22), time(7)
    session.add(Suppression(channel="sms", address=point(stopped).address, reason="opt-out", source="text"))
    point(wrong).valid = False
    point(shared).address = "+12025550101"  # Bob's, who gets the alert itself as a text
    session.flush()
    return rested, stopped, wrong, shared, early


def test_a_fallback_call_is_announced_to_nobody(bank: SmallBank) -> None:
    with bank.sessions() as session:
        desk(bank, session, 9)
        message = bank.released(session)
        with_policy(bank, lag_policy="text-first", lag_limit_seconds=1)
        for one in session.scalars(select(Delivery).where(Delivery.channel == "voice")):
            one.position = FALLBACK
        session.flush()
        plan = lag.Plan(("voice",), {}, True, "", 9, 10.0)
        assert lag.announce(session, bank.runtime, message, plan) == 0


@pytest.mark.parametrize(
    ("policy", "pace", "texts"),
    [("slow-first", {}, 0), ("same-window", {"email": 0.1, "sms": 0.1}, 0), ("text-first", {}, 16)],
)
def test_a_release_goes_by_the_plan_and_puts_the_warning_on_record(
    bank: SmallBank, policy: str, pace: dict[str, float], texts: int
) -> None:
    with_policy(bank, lag_policy=policy, lag_limit_seconds=2)
    with bank.sessions() as session:
        desk(bank, session, 19)
        session.add(ContactPoint(customer_id=bank.ids["cleo"], channel="sms", address="+12025550999"))
        message = bank.released(session)
        told = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "release message")).one()
        assert message.pace == pace
        assert len(letters(session)) == texts
    assert "voice is forecast to reach its last customer 10 s after the release" in told
    rung = [one[0] for one in bank.bells.rings if one[1] == "fan_out"]
    assert rung[0] == "voice"


def test_who_opts_out_gets_no_such_text_and_nobody_a_task(bank: SmallBank) -> None:
    with_policy(bank, lag_policy="text-first", lag_limit_seconds=2)
    with bank.sessions() as session:
        desk(bank, session, 19)
        message = bank.released(session)
        first, second, *_ = letters(session)
        session.add(Suppression(channel="sms", address=first.address, reason="opt-out", source="text"))
        session.commit()
    for one in (first, second):
        asyncio.run(send_letter(bank.runtime, one.id))
    with bank.sessions() as session:
        assert session.get_one(Letter, first.id).state == "suppressed"
        assert session.get_one(Letter, second.id).state == "accepted"
        assert session.query(Task).count() == 0
        submission.cancel(session, bank.runtime, bank.staff(session, "officer"), message.id)
        session.commit()
        assert {one.state for one in letters(session)} == {"suppressed", "accepted", "cancelled"}
    assert [one.address for one in bank.providers["sms"].got] == [second.address]


def test_no_texts_without_the_policy_or_the_channel(bank: SmallBank) -> None:
    some = told(email=2, voice=300)
    assert not lag.plan_of(bank.runtime, some).text_first
    with_policy(bank, lag_policy="text-first")
    assert lag.plan_of(bank.runtime, some).text_first
    adapters = bank.runtime.adapters
    alone = {name: some for name, some in adapters.providers.items() if name != "sms"}
    bank.runtime = replace(bank.runtime, adapters=replace(adapters, providers=alone))
    assert lag.plan_of(bank.runtime, some).warning.endswith("The slowest starts first.")


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 700, "Example Bank calls you about an alert in about 12 minutes. If you miss the call, ring"),
        ("de-CH", 61, "Example Bank ruft Sie in etwa 2 Minuten wegen einer Meldung an. Falls Sie den Anruf verpassen:"),
        ("fr", 5, "Example Bank calls you about an alert in about 1 minute. If you miss the call, ring"),
    ],
)  # fmt: skip
def test_the_words_of_the_text(bank: SmallBank, language: str, seconds: float, words: str) -> None:
    with_policy(bank, customer_line="+12125550100")
    found = lag.words(bank.runtime, language, seconds)
    assert found == f"{words} +12125550100."
    assert len(found) <= 160


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lag_policy", "fast-first", "LAG_POLICY is wrong"),
        ("lag_limit_seconds", 0, "LAG_LIMIT_SECONDS is wrong"),
        ("lag_limit_seconds", "soon", "LAG_LIMIT_SECONDS is wrong"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, name: str, value: object, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load_settings(var_dir=tmp_path, **{name: value})
    assert (Settings.model_fields["lag_policy"].default, Settings.model_fields["lag_limit_seconds"].default) == (
        "slow-first", 60,
    )  # fmt: skip
