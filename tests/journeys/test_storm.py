"""A redial storm and a poisoned directory over real HTTP: what is dialled, who is reached, who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select, update

from dispatcher.model import ContactPoint, Customer, Staff
from tests.journeys.bank import OFFICER, Bank, wait_for
from tests.product import Product

pytestmark = pytest.mark.journey

ADMIN, REP = "violetta.flantz@bank.example", "brandi.barnes@bank.example"
STORMY, STRANGE = "+12025550151", "+13395550188"
CUBA, SATELLITE, PREMIUM = "+5371234567", "+881612345678", "+19002345678"


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    caps = {"CAP_CALLS_PER_CALLER_HOUR": "5", "CAP_JOINS_PER_CALLER_DAY": "2", "CAP_WRONG_CODES_PER_CALLER_DAY": "2"}
    return Bank(product(env={"TWILIO_CALLS_PER_SECOND": "50", **caps}))


def put(bank: Bank, path: str, body: dict[str, Any]) -> None:
    answer = bank.api(ADMIN, "PUT", path, json=body)
    assert answer.status_code in (200, 201), answer.text


def rings(bank: Bank, sender: str, *script: dict[str, Any]) -> str:
    """What a caller hears who does as scripted."""
    sid = bank.carrier("POST", "/calls", json={"from": sender, "script": [*script, {"hangup": True}]})["sid"]
    wait_for(lambda: not bank.carrier("GET", f"/calls/{sid}")["live"], 60, "the call is over")
    return " ".join(one["text"] for one in bank.carrier("GET", f"/calls/{sid}")["transcript"] if one["what"] == "said")


def calls_to(bank: Bank, number: str) -> int:
    found = bank.carrier("GET", "/calls", params={"number": number})["calls"]
    return sum(one["to"] == number for one in found)


def poison(bank: Bank, numbers: dict[str, str]) -> None:
    """Numbers written into the database past everything that checks them."""
    engine = create_engine(bank.product.database_url)
    with engine.begin() as connection:
        for key, number in numbers.items():
            customer = connection.scalar(select(Customer.id).where(Customer.key == key))
            points = [{"customer_id": customer, "channel": channel, "address": number} for channel in ("voice", "sms")]
            connection.execute(insert(ContactPoint), points)
    engine.dispose()


def phone_of_rep(bank: Bank, number: str = "") -> str:
    engine = create_engine(bank.product.database_url)
    with engine.begin() as connection:
        found = connection.scalar(select(Staff.phone).where(Staff.email == REP)) or ""
        if number:
            connection.execute(update(Staff).where(Staff.email == REP).values(phone=number))
    engine.dispose()
    return found


def alarms(bank: Bank) -> str:
    tasks = bank.api(ADMIN, "GET", "/tasks", params={"limit": 500}).json()["items"]
    return "\n".join(one["text"] for one in tasks if one["kind"] == "alarm")


def test_storms_and_poison(bank: Bank) -> None:
    put(bank, "/lists/poisoned", {"name": "Poisoned"})
    poisoned = {"cuban": CUBA, "lunar": SATELLITE, "dear": PREMIUM}
    for name in ("stormy", *poisoned):
        points = {"email": f"{name}@simon.example", **({"voice": STORMY} if name == "stormy" else {})}
        fields = {"name": name.title(), "rep_email": REP, "lists": ["poisoned"], "channels": ["voice", "sms", "email"]}
        put(bank, f"/customers/{name}", {**fields, **points, "language": "en", "timezone": "UTC"})
    refused = bank.api(ADMIN, "PUT", "/customers/x", json={"name": "X", "rep_email": REP, "voice": CUBA})
    assert "a country that CALL_COUNTRIES does not hold" in refused.text
    poison(bank, poisoned)
    _nothing_poisoned_is_dialled(bank, list(poisoned.values()))
    _the_storm(bank)
    _guesses(bank)
    told = alarms(bank)
    for words in ("is in CU", "satellite telephone", "CAP_CALLS_PER_CALLER_HOUR", "CAP_JOINS_PER_CALLER_DAY",
                  "CAP_WRONG_CODES_PER_CALLER_DAY"):  # fmt: skip
        assert words in told
    assert not any(number in told for number in (*poisoned.values(), STORMY, STRANGE))
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _nothing_poisoned_is_dialled(bank: Bank, numbers: list[str]) -> None:
    message = bank.submit(["poisoned"], "Downgrade", "We cut LTMY to hold.")
    assert bank.approve(message, OFFICER).status_code in (200, 201)
    for name in ("cuban", "lunar", "dear"):
        wait_for(lambda one=name: bank.ledger("email", f"{one}@simon.example"), 60, f"the mail to {name}")
    wait_for(lambda: bank.ledger("voice", STORMY), 60, "the call to a number that may be called")
    assert [bank.ledger(to=number) for number in numbers] == [[], [], []]


def _the_storm(bank: Bank) -> None:
    rep = phone_of_rep(bank)
    body = {"channel": "voice", "address": rep, "mode": "human", "script": [{"press": "1"}, {"hangup": True}]}
    bank.carrier("POST", "/behaviour", json=body)
    before = calls_to(bank, rep)
    heard = [rings(bank, STORMY, {"press": "1"}) for _ in range(4)]
    assert all("connecting you to Brandi Barnes" in one for one in heard)
    assert calls_to(bank, rep) == before + 2
    assert all("cannot be reached at the moment and has been asked to call you" in one for one in heard[2:])
    phone_of_rep(bank, CUBA)
    assert "has been asked to call you" in rings(bank, STORMY, {"press": "1"})
    assert calls_to(bank, CUBA) == 0
    assert "many times within the hour" in rings(bank, STORMY, {"press": "1"})


def _guesses(bank: Bank) -> None:
    (mail,) = bank.ledger("email", "cuban@simon.example")
    code = mail["text"].partition("by the code ")[2].split()[0]
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert "We cut LTMY" in rings(bank, STRANGE, {"press": f"{code}#"})
    rings(bank, STRANGE, {"press": f"{wrong}#"}, {"press": f"{wrong}#"})
    assert "We cut LTMY" not in rings(bank, STRANGE, {"press": f"{code}#"}), "after so many guesses a hit may be one"
