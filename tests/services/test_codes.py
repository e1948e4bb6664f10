"""The code on every alert: by whom it is taken, what is none, and how many guesses anybody has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Delivery, Letter, Message, Task
from dispatcher.services import codes, guesses
from tests.small_bank import SmallBank, small_bank

CALLER, ANOTHER = "+12025550177", "+12025550178"


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    made = small_bank(sessions, tmp_path)
    with sessions() as session:
        made.released(session)
        session.commit()
    return made


def capped(bank: SmallBank, **settings: object) -> None:
    bank.runtime = replace(bank.runtime, settings=bank.runtime.settings.model_copy(update=settings))


def found(bank: SmallBank, digits: str, number: str = CALLER) -> int | None:
    with bank.sessions() as session:
        delivery = codes.find(session, bank.runtime, digits, number)
        session.commit()
        return delivery.id if delivery else None


def may_try(bank: SmallBank, number: str = CALLER) -> bool:
    with bank.sessions() as session:
        may = guesses.may_try(session, bank.runtime, number)
        session.commit()
        return may


def first(bank: SmallBank) -> int:
    with bank.sessions() as session:
        return session.scalars(select(Delivery.id).order_by(Delivery.id)).all()[0]


def wrong(right: str) -> str:
    return right[:-1] + str((int(right[-1]) + 1) % 10)


def test_a_code_is_short_digits_alone_and_everybodys_own(bank: SmallBank) -> None:
    made = {number: codes.make(bank.runtime, number) for number in (1, 2, 12, 999_999, 12_345_678_901)}
    assert all(code.isdigit() and code.startswith(str(number)) for number, code in made.items())
    assert [len(code) for code in made.values()] == [7, 7, 8, 12, 17]
    assert {number: codes.read(bank.runtime, code) for number, code in made.items()} == {one: one for one in made}
    capped(bank, secret_key=SecretStr("z" * 40))
    assert codes.read(bank.runtime, made[999_999]) is None


def test_the_recipient_is_found_however_it_is_keyed(bank: SmallBank) -> None:
    number = first(bank)
    code = codes.make(bank.runtime, number)
    assert [found(bank, one) for one in (code, f"{code}#", f" {code}")] == [number] * 3


def test_whatever_else_is_keyed_is_nobody(bank: SmallBank) -> None:
    capped(bank, cap_wrong_codes_per_caller_day=0, cap_wrong_codes_per_hour=0)
    number = first(bank)
    code = codes.make(bank.runtime, number)
    unborn = codes.make(bank.runtime, number + 1000)
    for one in ("", "1", "123456", wrong(code), f"0{code}", f"{code}0", code[1:], unborn, "٣" * 8, "1" * 19, "12a4567"):
        assert found(bank, one) is None, one


@pytest.mark.parametrize(
    ("days", "state", "known"),
    [(0, "released", True), (29, "released", True), (31, "released", False), (0, "approved", False),
     (0, "cancelled", False)],
)  # fmt: skip
def test_a_code_is_good_as_long_as_the_alert_may_be_answered(
    bank: SmallBank, days: int, state: str, known: bool
) -> None:
    number = first(bank)
    with bank.sessions() as session:
        message = session.scalars(select(Message)).one()
        message.state, message.released_at = state, bank.runtime.now() - timedelta(days=days)
        session.commit()
    assert found(bank, codes.make(bank.runtime, number)) == (number if known else None)


def test_a_caller_has_so_many_guesses_a_day_and_right_ones_cost_none(bank: SmallBank) -> None:
    capped(bank, cap_wrong_codes_per_caller_day=3)
    right = codes.make(bank.runtime, first(bank))
    assert [found(bank, right) for _ in range(5)] == [first(bank)] * 5
    assert [found(bank, wrong(right)) for _ in range(3)] == [None] * 3
    assert not may_try(bank)
    assert found(bank, right) is None, "after so many guesses a hit may be one"
    assert found(bank, right, ANOTHER) == first(bank)
    assert may_try(bank, ANOTHER)
    bank.time.pass_by(86_400)
    assert may_try(bank)
    assert found(bank, right) == first(bank)


def test_all_callers_together_have_so_many_guesses_an_hour(bank: SmallBank) -> None:
    capped(bank, cap_wrong_codes_per_hour=10)
    right = codes.make(bank.runtime, first(bank))
    for number in range(10):
        assert found(bank, wrong(right), f"+1202555{number:04d}") is None
    assert not may_try(bank, ANOTHER)
    assert not may_try(bank, ""), "who withholds their number is one of all"
    assert found(bank, right, ANOTHER) is None
    with bank.sessions() as session:
        [alarm] = session.scalars(select(Task).where(Task.kind == "alarm"))
        [letter] = session.scalars(select(Letter).where(Letter.kind == "alarm"))
    assert "10 wrong codes within this hour" in alarm.text
    assert "+1" not in alarm.text + letter.text, "whose number it was is not for everybody"
    bank.time.pass_by(3600)
    assert found(bank, right, ANOTHER) == first(bank)


def test_who_withholds_their_number_has_no_guesses_of_their_own(bank: SmallBank) -> None:
    capped(bank, cap_wrong_codes_per_caller_day=1, cap_wrong_codes_per_hour=4)
    right = codes.make(bank.runtime, first(bank))
    assert [found(bank, wrong(right), "") for _ in range(3)] == [None] * 3
    assert found(bank, right, "") == first(bank)
