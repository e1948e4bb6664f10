"""An analyst dictates an alert over the simulated carrier, from dialling to "submitted"; what a broken call leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.bank import ANALYST, OFFICER, Bank, customers_of, wait_for
from tests.journeys.telephone import LETTERS_PER_SECOND, dial, line, person, said, spoken
from tests.product import Product

pytestmark = pytest.mark.journey

# A person's own time, in seconds: to dial and be answered, and to find a key.
TO_DIAL, TO_PRESS = 2.0, 1.0


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    bank = Bank(product(arguments=("--demo", "--speed", "4")))
    # Recordings are waited for by the carrier's fast clock, so who fetches them must be there.
    wait_for(lambda: "working on queue events" in bank.product.log(), 60, "the worker listens")
    return bank


def call_in(bank: Bank, script: list[dict[str, Any]]) -> dict[str, Any]:
    """The analyst calls from the registered telephone."""
    return dial(bank, person(ANALYST)["phone"], line(bank, "ANALYST_LINE"), script)


def seconds_until(call: dict[str, Any], words: str) -> float:
    """How long it takes a person until these words are said, who lets every sentence end and then finds the key."""
    total = TO_DIAL
    for entry in call["transcript"]:
        if entry["what"] == "said" and entry["text"].startswith(words):
            return total
        if entry["what"] == "said":
            total += max(0.5, len(entry["text"]) / LETTERS_PER_SECOND)
        total += {"keys": TO_PRESS, "recorded": TO_PRESS + entry.get("seconds", 0)}.get(entry["what"], 0)
    raise AssertionError(f"nobody said {words!r}: {said(call)}")


@pytest.mark.long
def test_dictated_and_submitted_in_less_than_90_seconds(bank: Bank) -> None:
    pin = {"press": f"{person(ANALYST)['pin']}#"}
    keys = [{"press": "1"}, {"press": "2"}, {"press": "9"}]
    # The real second that a busy machine takes to fetch the recording is many simulated ones, and none of a person's.
    call = call_in(bank, [pin, *keys, spoken(), {"press": "#"}, {"wait": 24}, {"press": "1"}])
    recorded = next(entry["seconds"] for entry in call["transcript"] if entry["what"] == "recorded")
    assert seconds_until(call, "Submitted.") - recorded < 50
    reference = re.sub(r"[^\d]", "", next(text for text in said(call) if text.startswith("Submitted.")))

    [message] = bank.api(ANALYST, "GET", "/messages", params={"state": "pending"}).json()["items"]
    assert reference.startswith(str(message["id"]))
    message = bank.api(ANALYST, "GET", f"/messages/{message['id']}").json()
    assert len(message["lists"]) == 2
    count = len(customers_of(*message["lists"]))
    assert any(f"It is for {count} customers" in text for text in said(call)), said(call)
    sound = bank.api(ANALYST, "GET", f"/messages/{message['id']}/recording")
    assert sound.status_code == 200
    assert len(sound.content) > 100_000
    wait_for(lambda: bank.ledger("email", OFFICER), 60, "the officer is told")
    letter = wait_for(lambda: bank.ledger("email", ANALYST), 60, "the analyst has it in writing")[0]
    assert f"{message['id']} {reference[-4:]}" in letter["text"]
    assert bank.approve(message).status_code in (200, 201)
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_called_recorded_hung_up_and_called_again(bank: Bank) -> None:
    pin = {"press": f"{person(ANALYST)['pin']}#"}
    call_in(bank, [pin, {"press": "9"}, spoken(), {"hangup": True}])

    def draft() -> Any:
        found = bank.api(ANALYST, "GET", "/messages", params={"state": "draft"}).json()["items"]
        return found and bank.api(ANALYST, "GET", f"/messages/{found[0]['id']}").json()

    kept = wait_for(draft, 60, "what was recorded is a draft")
    assert kept["lists"] == []
    letter = wait_for(lambda: bank.ledger("email", ANALYST), 60, "the analyst is told what it lacks")[0]
    assert "No list is chosen yet." in letter["text"]
    assert f"/messages/{kept['id']}" in letter["text"]

    call = call_in(bank, [pin, {"press": "1"}, {"press": "5"}, {"press": "1"}, {"press": "9"}, {"press": "1"}])
    assert any(text.startswith("You have a draft") for text in said(call))
    assert any(text.startswith("Submitted.") for text in said(call)), said(call)
    again = bank.api(ANALYST, "GET", f"/messages/{kept['id']}").json()
    assert (again["state"], len(again["lists"])) == ("pending", 1)
