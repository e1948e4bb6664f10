"""The whole of it by telephone: dictated, followed by its text, heard and approved, and answered, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from approvals import review
from tests.journeys.bank import ANALYST, OFFICER, SAMPLES, Bank, alone_on_the_telephone, customers_of, number, wait_for
from tests.journeys.telephone import behave, dial, line, person, said, spoken, taken, wants_calls
from tests.product import Product

ADMIN = "violetta.flantz@bank.example"
STRANGE = "+12025550177"
TEXT = (SAMPLES / "alert-1.txt").read_text().partition("\n\n")[2].strip()

pytestmark = pytest.mark.journey


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def bank(request: pytest.FixtureRequest) -> Bank:
    env = {"TWILIO_CALLS_PER_SECOND": "50", "CALL_OFFICER_AGAIN_MINUTES": "0.05", "CALL_AGAIN_MINUTES": ""}
    env["RINGS_PER_OFFICER"] = "10"
    if request.param == "postgresql":
        env["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    product: Callable[..., Product] = request.getfixturevalue("product")  # stopped before its database is dropped
    made = Bank(product(env=env, arguments=("--demo", "--speed", "8")))
    wants_calls(made, OFFICER)
    return made


def test_nobody_touches_a_computer(bank: Bank) -> None:
    behave(bank, person(OFFICER)["phone"], "busy")  # until the text is there
    message = _dictated(bank)
    customer = _who_wants_to_be_joined(bank, message)
    _heard_and_approved(bank, message)
    _left_by_all_channels(bank, message)
    _joined(bank, customer)
    _called_back_from_a_strange_telephone(bank, message)
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert bank.carrier("GET", "/alerts")["alerts"] == [], "the vendor's debugger has complaints"


def _dictated(bank: Bank) -> dict[str, Any]:
    """By telephone to two lists, then its text by a text message: one alert."""
    analyst = person(ANALYST)
    keys = [{"press": f"{analyst['pin']}#"}, {"press": "1"}, {"press": "2"}, {"press": "9"}]
    script = [*keys, spoken(), {"press": "#"}, {"wait": 80}, {"press": "1"}]
    call = dial(bank, analyst["phone"], line(bank, "ANALYST_LINE"), script)
    words = next((one for one in said(call) if one.startswith("Submitted.")), "")
    assert words, said(call)
    reference = re.sub(r"\D", "", words)
    message_id = int(reference[:-4])
    ours = bank.ledger("sms", analyst["phone"])
    to = ours[0]["from"] if ours else "+13395550100"
    text = f"{message_id} {reference[-4:]} {TEXT}"
    bank.carrier("POST", "/sms", json={"from": analyst["phone"], "to": to, "body": text})

    def written() -> Any:
        found = bank.api(ANALYST, "GET", f"/messages/{message_id}").json()
        return found if TEXT[:40] in found["text"] else None

    message: dict[str, Any] = wait_for(written, 60, "the text has joined the recording")
    assert (message["state"], message["version"], len(message["lists"])) == ("pending", 2, 2)
    assert message["recording"]
    assert len(bank.api(ANALYST, "GET", "/messages").json()["items"]) == 1, "voice and text are one alert"
    return message


def _who_wants_to_be_joined(bank: Bank, message: dict[str, Any]) -> dict[str, str]:
    customer = alone_on_the_telephone(*message["lists"])
    behave(bank, number(customer["voice"]), "human", {"press": "1"})
    behave(bank, person(customer["rep_email"])["phone"], "human", {"press": "1"}, {"hangup": True})
    return customer


def _heard_and_approved(bank: Bank, message: dict[str, Any]) -> None:
    officer = person(OFFICER)
    keys = f"{officer['pin']}#", "1", review.code_of(message["digest"])
    call = taken(bank, officer["phone"], *({"press": one} for one in keys))
    assert any(one.startswith("Approved.") for one in said(call)), said(call)
    played = [one for one in call["transcript"] if one["what"] == "played"]
    assert [one["complete"] for one in played] == [True]


def _left_by_all_channels(bank: Bank, message: dict[str, Any]) -> None:
    owed = len({row["customer_id"] for row in customers_of(*message["lists"])})

    def out() -> Any:
        report = bank.api(OFFICER, "GET", f"/messages/{message['id']}/report").json()
        channels = report["by_channel"]
        done = {name for name, one in channels.items() if one["accepted"] == one["deliveries"] > 0}
        return report if {"email", "sms", "voice"} <= done else None

    report = wait_for(out, 90, "everybody has it by their own channel")
    assert sum(one["deliveries"] for one in report["by_channel"].values()) <= owed


def _joined(bank: Bank, customer: dict[str, str]) -> None:
    rep = customer["rep_email"]

    def told() -> Any:
        found = bank.api(rep, "GET", "/replies", params={"customer": customer["customer_id"]}).json()["items"]
        return [one for one in found if "put through to your telephone" in one["text"]]

    wait_for(told, 60, f"{customer['name']} was joined to {rep}")


def _called_back_from_a_strange_telephone(bank: Bank, message: dict[str, Any]) -> None:
    """With the code on somebody's mail, from a telephone that nobody knows."""
    readers = {row["email"].lower() for row in customers_of(*message["lists"]) if row["language"] == "en"}
    texts = [one["text"] or "" for one in bank.ledger("email") if one["to"] in readers]
    code = next(found[1] for text in texts if (found := re.search(r"\bcode (\d{7,})", text)))
    script = [{"press": f"{code}#"}, {"press": "2"}, {"speak_seconds": 4}, {"press": "#"}]
    call = dial(bank, STRANGE, line(bank, "CUSTOMER_LINE"), script)
    assert any("not accepted until your representative has confirmed it" in one for one in said(call)), said(call)

    def kept() -> Any:
        found = bank.api(ADMIN, "GET", "/replies", params={"limit": 200}).json()["items"]
        return [one for one in found if one["channel"] == "voice" and one.get("recording")]

    (reply,) = wait_for(kept, 60, "the spoken answer is kept")
    assert reply["message"] == message["id"]
    assert reply["customer"]
