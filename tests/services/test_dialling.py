"""Toll fraud: nothing is dialled that must not be, and nothing too often, whoever asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from channels.fax import Fax
from dispatcher.model import ContactPoint, Customer, Delivery, DistributionList, Letter, ListMember, Recipient, Task
from dispatcher.services import caps, codes, dialable, dialling, imports, letters
from dispatcher.services.customer_fields import COLUMNS
from dispatcher.services.letter_sending import send_letter
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank

CUBA, SATELLITE, PREMIUM, HOME = "+5371234567", "+881612345678", "+19002345678", "+12025550140"
REP, CALLER, LINE = "+12025550199", "+12025550177", "+12125550100"


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return with_fax(small_bank(sessions, tmp_path))


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite alone, for what takes its time."""
    return with_fax(small_bank(sqlite_sessions, tmp_path))


def with_fax(bank: SmallBank) -> SmallBank:
    adapters = replace(bank.runtime.adapters, channels={**bank.runtime.adapters.channels, "fax": Fax()})
    bank.runtime = replace(bank.runtime, adapters=adapters)
    return bank


def capped(bank: SmallBank, **settings: object) -> None:
    bank.runtime = replace(bank.runtime, settings=bank.runtime.settings.model_copy(update=settings))


def asked(bank: SmallBank, what: Callable[..., bool], *about: object) -> bool:
    with bank.sessions() as session:
        answer = what(session, bank.runtime, *about)
        session.commit()
        return answer


def alarms(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        return list(session.scalars(select(Task.text).where(Task.kind == "alarm").order_by(Task.id)))


def poison(bank: SmallBank, **points: str) -> None:
    """Somebody writes numbers into the directory behind our back, past all that is checked there."""
    with bank.sessions() as session:
        for name, address in points.items():
            channel = "sms" if name == "bob" else "voice"
            point = session.scalars(
                select(ContactPoint).where(ContactPoint.customer_id == bank.ids[name], ContactPoint.channel == channel)
            ).one()
            point.address = address
        session.commit()


# --- numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "may"),
    [(HOME, True), (REP, True), (CUBA, False), (SATELLITE, False), (PREMIUM, False), (LINE, False), ("", False),
     ("sip:fraud@example", False)],
)  # fmt: skip
def test_what_may_be_dialled(bank: SmallBank, number: str, may: bool) -> None:
    capped(bank, customer_line=LINE)
    assert dialable.dialable(bank.runtime, number) == may


def test_a_poisoned_row_in_a_file_costs_only_that_number(bank: SmallBank) -> None:
    capped(bank, customer_line=LINE)
    rows = [f"p{number},Person {number},,rep@bank.example,p{number}@simon.example,,{voice},,voice>email,,,,semis"
            for number, voice in enumerate((CUBA, SATELLITE, PREMIUM, LINE, "+1 876 555 0100", HOME))]  # fmt: skip
    rows.append(f"p9,Person 9,,rep@bank.example,,{CUBA},,{CUBA},sms>fax,,,,semis")
    with bank.sessions() as session:
        found = imports.import_customers(
            session, bank.runtime, "\n".join([",".join(COLUMNS), *rows]).encode(), dry_run=False, actor="system"
        )
        session.commit()
        points = session.execute(
            select(Customer.key, ContactPoint.channel, ContactPoint.address)
            .join(ContactPoint)
            .where(Customer.key.startswith("p"))
        ).all()
    assert (found.added, len(found.refused)) == (7, 0)
    assert {(key, channel) for key, channel, _ in points} == {
        *((f"p{one}", "email") for one in range(6)),
        ("p5", "voice"),
    }
    assert {str(one) for one in found.warnings if one.row in (2, 8)} == {
        f'row 2, voice: "{CUBA}" is in CU, a country that CALL_COUNTRIES does not hold; left out',
        f'row 8, sms: "{CUBA}" is in CU, a country that CALL_COUNTRIES does not hold; left out',
        f'row 8, fax: "{CUBA}" is in CU, a country that CALL_COUNTRIES does not hold; left out',
    }
    assert {one.row for one in found.warnings} == {2, 3, 4, 5, 6, 8}, [str(one) for one in found.warnings]


def test_a_number_that_was_poisoned_in_the_directory_is_never_dialled(bank: SmallBank) -> None:
    poison(bank, bob=CUBA, cleo=SATELLITE)
    with bank.sessions() as session:
        bank.released(session)
    for channel in ("sms", "voice", "email"):
        asyncio.run(Pump(bank.runtime, channel).run())
    assert [one.address for name in ("sms", "voice") for one in bank.providers[name].got] == []
    assert {one.address for one in bank.providers["email"].got} == {"ana@simon.example", "bob@simon.example"}
    with bank.sessions() as session:
        states = {one.address: (one.state, one.error) for one in session.scalars(select(Delivery))}
        [bob] = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["bob"]))
        [cleo] = session.scalars(select(Task).where(Task.kind == "failed"))
        assert bob.because.startswith("fallback: sms the number is in CU")
        assert cleo.customer_id == bank.ids["cleo"], "who has no other channel is their representative's task"
    assert states[CUBA] == ("failed", "the number is in CU, a country that CALL_COUNTRIES does not hold")
    assert states[SATELLITE] == ("failed", "the number is a satellite telephone, which is never called")
    assert [one.split(":")[0] for one in alarms(bank)] == ["sms", "voice"]
    assert all(CUBA not in one and SATELLITE not in one for one in alarms(bank))


def test_a_directory_of_two_thousand_poisoned_numbers(light: SmallBank) -> None:
    """As a file: nothing of it enters. Behind our back: nothing of it is dialled. Everybody is reached all the same."""
    numbers = [*_poisoned(2000)]
    rows = [f"p{at},Person {at},,rep@bank.example,p{at}@simon.example,{one},{one},,voice>sms>email,,,,poisoned"
            for at, one in enumerate(numbers)]  # fmt: skip
    with light.sessions() as session:
        found = imports.import_customers(
            session, light.runtime, "\n".join([",".join(COLUMNS), *rows]).encode(), dry_run=False, actor="system"
        )
        session.commit()
        taken = session.scalars(select(ContactPoint.channel).where(ContactPoint.address.in_(numbers))).all()
        assert (found.added, len(found.refused), len(taken)) == (2000, 0, 0)
        assert len(found.warnings) == 4000
        semis = session.scalars(select(DistributionList).where(DistributionList.key == "semis")).one()
        people = session.execute(select(Customer.id, Customer.key).where(Customer.key.startswith("p")).limit(120)).all()
        session.execute(insert(ListMember), [{"list_id": semis.id, "customer_id": one.id} for one in people])
        session.execute(
            insert(ContactPoint),
            [{"customer_id": one.id, "channel": channel, "address": numbers[int(one.key[1:])]}
             for one in people for channel in ("voice", "sms")],
        )  # fmt: skip
        light.released(session, lists=["semis"])
    for channel in ("voice", "sms", "email", "email"):
        asyncio.run(Pump(light.runtime, channel).run())
    assert [one.address for one in light.providers["sms"].got] == ["+12025550101"], "Bob's own"
    assert [len(light.providers[name].got) for name in ("voice", "sms", "email")] == [0, 1, 121], "Bob and Ana too"
    with light.sessions() as session:
        told = session.scalars(select(Task).where(Task.kind == "alarm")).all()
        letters_ = session.scalars(select(Letter).where(Letter.kind == "alarm")).all()
        assert session.scalars(select(Task).where(Task.kind == "failed")).all() == []
    # Once an hour a channel and reason, not once a number.
    assert 4 <= len(told) == len(letters_) <= 20


def _poisoned(many: int) -> Iterator[str]:
    """Premium, satellite and foreign numbers, and some of the bank's own."""
    kinds = ("+5371{:06d}", "+1900234{:04d}", "+8816{:08d}", "+25261{:06d}", "+882161{:06d}", "+3712{:07d}",
             "+1876555{:04d}", "+96077{:05d}", "+44909879{:04d}", "+979{:09d}")  # fmt: skip
    for at in range(many):
        yield kinds[at % len(kinds)].format(1000 + at // len(kinds))


def test_what_entered_the_directory_before_the_list_was_shortened(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    capped(bank, call_countries=("GB",))
    assert asyncio.run(Pump(bank.runtime, "voice").run()) == 0
    assert alarms(bank) == [
        "voice: the directory holds a number that is in US, a country that CALL_COUNTRIES does not hold: "
        "nothing goes there. Look at who put it in"
    ]


@pytest.mark.parametrize(("channel", "address"), [("voice", PREMIUM), ("sms", CUBA)])
def test_a_letter_goes_to_no_such_number_either(bank: SmallBank, channel: str, address: str) -> None:
    with bank.sessions() as session:
        number = _letter(session, bank, channel, address, "one")
        session.commit()
    assert not asyncio.run(send_letter(bank.runtime, number))
    with bank.sessions() as session:
        letter = session.get_one(Letter, number)
        assert letter.state == "failed"
        assert letter.error is not None
        assert letter.error.startswith("the number is ")
        kinds = [one.kind for one in session.scalars(select(Task).order_by(Task.id))]
        assert sorted(kinds) == ["alarm", "failed"]
    assert bank.providers[channel].got == []


def _letter(session: Session, bank: SmallBank, channel: str, address: str, dedupe: str) -> int:
    return letters.write(
        session, bank.runtime, kind="decision", dedupe=dedupe, channel=channel, address=address, subject="Waits",
        text="An alert waits.", staff=bank.staff(session, "officer"),
    ).id  # fmt: skip


# --- how often --------------------------------------------------------------------------------------------


def test_a_member_of_staff_is_called_so_often_a_day(bank: SmallBank) -> None:
    capped(bank, cap_calls_per_staff_day=3)
    with bank.sessions() as session:
        numbers = [_letter(session, bank, "voice", REP, f"ring {one}") for one in range(5)]
        numbers.append(_letter(session, bank, "sms", REP, "text"))
        session.commit()
    assert [asyncio.run(send_letter(bank.runtime, one)) for one in numbers] == [True] * 3 + [False] * 2 + [True]
    assert len(bank.providers["voice"].got) == 3
    [alarm] = alarms(bank)
    assert "called 3 times today, the most of CAP_CALLS_PER_STAFF_DAY" in alarm


def test_one_who_is_joined_again_and_again(bank: SmallBank) -> None:
    capped(bank, cap_joins_per_caller_day=4, cap_calls_per_staff_day=7)
    assert [asked(bank, dialling.may_join, REP, CALLER) for _ in range(6)] == [True] * 4 + [False] * 2
    # Another caller is joined still, as long as the representative's telephone is not called too often for anybody.
    assert [asked(bank, dialling.may_join, REP, HOME) for _ in range(4)] == [True] * 3 + [False]
    assert len(alarms(bank)) == 2
    bank.time.pass_by(86_400)
    assert asked(bank, dialling.may_join, REP, CALLER)


@pytest.mark.parametrize("number", [CUBA, PREMIUM, SATELLITE, LINE])
def test_nobody_is_joined_to_such_a_number(bank: SmallBank, number: str) -> None:
    capped(bank, customer_line=LINE)
    assert not asked(bank, dialling.may_join, number, CALLER)
    [alarm] = alarms(bank)
    assert "was to be joined to a number that is " in alarm


def test_a_number_that_rings_us_all_the_time(bank: SmallBank) -> None:
    capped(bank, cap_calls_per_caller_hour=5, customer_line=LINE)
    assert [asked(bank, dialling.may_ring, CALLER) for _ in range(7)] == [True] * 5 + [False] * 2
    assert all(asked(bank, dialling.may_ring, caller) for caller in ("", HOME) for _ in range(5))
    together = [asked(bank, dialling.may_ring, "") for _ in range(47)]
    assert together == [True] * 45 + [False] * 2, "all that withhold their numbers"
    assert not asked(bank, dialling.may_ring, LINE), "a call of ours that came back to us"
    assert len(alarms(bank)) == 3
    bank.time.pass_by(3600)
    assert asked(bank, dialling.may_ring, CALLER)


def test_all_calls_out_share_one_cap_an_hour(bank: SmallBank) -> None:
    capped(bank, cap_calls_per_hour=3)
    with bank.sessions() as session:
        ring = _letter(session, bank, "voice", REP, "ring")
        session.commit()
    assert asyncio.run(send_letter(bank.runtime, ring))
    assert [asked(bank, dialling.may_join, REP, CALLER) for _ in range(2)] == [True] * 2
    with bank.sessions() as session:
        bank.released(session)
    assert asyncio.run(Pump(bank.runtime, "voice").run()) == 0
    with bank.sessions() as session:
        [held] = session.scalars(select(Delivery).where(Delivery.channel == "voice"))
        assert (held.state, held.error) == ("deferred", "held: CAP_CALLS_PER_HOUR of 3 is used up")
    assert not asked(bank, dialling.may_join, REP, CALLER)
    bank.time.pass_by(1800)  # 10:00
    assert asyncio.run(Pump(bank.runtime, "voice").run()) == 1


def test_joins_cost_money_too(bank: SmallBank) -> None:
    capped(bank, cap_spend_per_day=1.0, price_voice=0.4)
    assert [asked(bank, dialling.may_join, REP, CALLER) for _ in range(3)] == [True, True, False]


def test_without_caps_nothing_is_counted(bank: SmallBank) -> None:
    names = ("cap_calls_per_staff_day", "cap_joins_per_caller_day", "cap_calls_per_caller_hour", "cap_calls_per_hour")
    capped(bank, **dict.fromkeys(names, 0))
    assert all(
        asked(bank, dialling.may_join, REP, CALLER) and asked(bank, dialling.may_ring, CALLER) for _ in range(70)
    )
    assert alarms(bank) == []


def test_administrators_see_how_often_we_call_and_are_called(bank: SmallBank) -> None:
    asked(bank, dialling.may_join, REP, CALLER)
    asked(bank, dialling.may_join, REP, HOME)
    for _ in range(3):
        asked(bank, dialling.may_ring, CALLER)
    with bank.sessions() as session:
        codes.find(session, bank.runtime, "1234567", CALLER)
        found = {one.setting: (one.used, one.cap) for one in caps.uses(session, bank.runtime)}
    assert found["CAP_CALLS_PER_HOUR"] == (2, 10_000)
    assert found["CAP_CALLS_PER_STAFF_DAY"] == (2, 300)
    assert found["CAP_JOINS_PER_CALLER_DAY"] == (1, 20)
    assert found["CAP_CALLS_PER_CALLER_HOUR"] == (3, 60)
    assert found["CAP_WRONG_CODES_PER_CALLER_DAY"] == (1, 6)
    assert found["CAP_WRONG_CODES_PER_HOUR"] == (1, 60)
