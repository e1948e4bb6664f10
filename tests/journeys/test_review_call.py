"""An officer is called about an alert and decides on it over the simulated carrier, without touching a computer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from approvals import review
from tests.journeys.bank import ANALYST, OFFICER, SAMPLES, Bank, wait_for
from tests.journeys.telephone import LETTERS_PER_SECOND, behave, person, said, taken, wants_calls
from tests.product import Product

pytestmark = pytest.mark.journey

LISTS = ["semis-all", "semis-memory"]
SUBJECT, _, TEXT = (SAMPLES / "alert-1.txt").read_text().removeprefix("Subject: ").partition("\n\n")
# A person's own time, in seconds: to take the call, and to find a key.
TO_ANSWER, TO_PRESS = 3.0, 1.0


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    env = {"TWILIO_CALLS_PER_SECOND": "50", "CALL_OFFICER_AGAIN_MINUTES": "0.05", "RINGS_PER_OFFICER": "10"}
    made = Bank(product(env=env, arguments=("--demo", "--speed", "12")))
    wants_calls(made, OFFICER)
    behave(made, person(OFFICER)["phone"], "busy")  # until it is known what to key
    return made


def seconds_until(call: dict[str, Any], words: str) -> float:
    """From the first ring until these words, for a person who keys the PIN and the code at once when asked."""
    total = TO_ANSWER
    for entry in call["transcript"]:
        if entry["what"] == "said" and entry["text"].startswith(words):
            return total
        if entry["what"] == "said" and entry.get("complete"):
            total += max(0.5, len(entry["text"]) / LETTERS_PER_SECOND)
        total += {"keys": TO_PRESS + 0.3 * len(entry.get("digits", "")), "played": entry.get("seconds", 0.0)}.get(
            entry["what"], 0.0
        )
    raise AssertionError(f"nobody said {words!r}: {call['transcript']}")


def test_called_heard_and_approved_within_a_minute_of_the_recording(bank: Bank) -> None:
    message = bank.submit(LISTS, SUBJECT, TEXT, "alert-1.wav")
    pin = {"press": f"{person(OFFICER)['pin']}#", "barge": True}
    code = {"press": review.code_of(message["digest"]), "barge": True}
    call = taken(bank, person(OFFICER)["phone"], pin, {"press": "1"}, code)

    heard = said(call)
    audience = bank.api(OFFICER, "GET", f"/messages/{message['id']}/audience").json()
    customers = audience["recipients"] - sum(one["count"] for one in audience["excluded"])
    assert any(text.startswith(f"Alert {message['id']}, by Anthony Nicholson, just now.") for text in heard), heard
    assert any(text.startswith("To ") and f": {customers} customers, " in text for text in heard), heard
    assert SUBJECT.strip() in heard
    assert any("DRAM contract prices" in text for text in heard), "the text beside the recording"
    [played] = [one for one in call["transcript"] if one["what"] == "played"]
    assert played["complete"]
    assert played["seconds"] == pytest.approx(33.3, abs=0.2)
    assert heard[-2:] == [f"Approved. It is going out to {customers} customers now.", "Goodbye."]
    beyond = seconds_until(call, "Approved.") - played["seconds"]
    print(f"from the ring to approved: {beyond:.0f} s beyond the recording")
    assert beyond < 60

    after = bank.api(OFFICER, "GET", f"/messages/{message['id']}").json()
    assert after["state"] in ("releasing", "released")
    [decision] = after["decisions"]
    assert (decision["decision"], decision["via"], decision["officer"]) == ("approve", "phone", OFFICER)
    wait_for(lambda: any(SUBJECT.strip() in (one["subject"] or "") for one in bank.ledger("email")), 60, "it goes out")
    found = f"/messages/{message['id']}"
    wait_for(lambda: bank.api(OFFICER, "GET", found).json()["state"] == "released", 60, "all of it has gone out")
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_returned_with_spoken_words_which_the_author_can_play(bank: Bank) -> None:
    message = bank.submit(LISTS, SUBJECT, TEXT)
    keys = f"{person(OFFICER)['pin']}#", "2"
    words = {"speak_seconds": 6}, {"press": "#"}, {"press": "1"}
    call = taken(bank, person(OFFICER)["phone"], *({"press": one} for one in keys), *words)
    assert "Returned to Anthony Nicholson, with your words." in said(call)

    def returned() -> Any:
        found = bank.api(ANALYST, "GET", f"/messages/{message['id']}").json()
        return found["state"] == "returned" and found["decisions"][-1]

    decision = wait_for(returned, 60, "it is returned")
    assert decision["comment"].startswith("Said on the telephone, 0:")
    letter = wait_for(lambda: bank.ledger("email", ANALYST), 60, "the author is told")[-1]
    assert "Said on the telephone" in letter["text"]
