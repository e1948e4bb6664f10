"""The staff line on the carrier's worst days: copies, late copies, callbacks out of order, recordings that are slow or
lost, people who hang up anywhere."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.settings import carrier_settings_path
from tests.journeys.bank import ANALYST, SAMPLES, Bank, wait_for
from tests.product import Product

pytestmark = [pytest.mark.journey, pytest.mark.long]

SPEED = 4  # a busy machine has so much longer to fetch what was recorded
# By the call's own clock: in the greeting, among the lists, amid the alert, in the menu after it, not at all.
ANYWHERE = (0.3, 3, 20, 60, 0)


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    return Bank(product(arguments=("--demo", "--speed", str(SPEED))))


def dial(bank: Bank, **more: Any) -> str:
    """The analyst rings the staff line and dictates an alert to one list, as far as the line and `more` let them."""
    with open(SAMPLES / "staff.csv", encoding="utf-8", newline="") as file:
        person = next(row for row in csv.DictReader(file) if row["email"] == ANALYST)
    spoken = base64.b64encode((SAMPLES / "alert-1.wav").read_bytes()).decode()
    keys = [{"press": digits, "barge": True} for digits in (f"{person['pin']}#", "1", "9")]
    steps = [*keys, {"speak_wav_base64": spoken}, {"press": "#"}, {"wait": 30}, {"press": "1"}]
    line = json.loads(carrier_settings_path(bank.product.var_dir).read_text())["ANALYST_LINE"]
    made = bank.carrier("POST", "/calls", json={"from": person["phone"], "to": line, "script": steps, **more})
    return str(made["sid"])


def over(bank: Bank, sid: str) -> dict[str, Any]:
    call: dict[str, Any] = wait_for(
        lambda: not (call := bank.carrier("GET", f"/calls/{sid}"))["live"] and call, 90, "the call is over"
    )
    return call


def said(call: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in call["transcript"] if entry["what"] == "said"]


def messages(bank: Bank, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bank.api(ANALYST, "GET", "/messages", params={"state": state}).json()["items"]
    return found


def is_sound(bank: Bank) -> None:
    """The vendor had nothing to complain of, and the record holds."""
    assert bank.carrier("GET", "/alerts")["alerts"] == []
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_copies_and_disorder_submit_an_alert_once(bank: Bank) -> None:
    faults = {"voice_copies": 2, "voice_late_copies": True, "callback_duplicates": 2, "callback_reorder": True}
    slow = {"callback_delay_ms": 200, "recording_ready_s": 8, "recording_media_lag_s": 8}
    bank.carrier("POST", "/faults", json={**faults, **slow, "seed": 3})
    call = over(bank, dial(bank))
    assert any(text.startswith("Submitted.") for text in said(call)), said(call)
    [message] = messages(bank, "pending")
    assert messages(bank, "draft") == []
    assert bank.api(ANALYST, "GET", f"/messages/{message['id']}/recording").status_code == 200
    wait_for(lambda: bank.ledger("email", ANALYST), 60, "the analyst has it in writing")
    assert len(bank.ledger("email", ANALYST)) == 1
    is_sound(bank)


def test_who_hangs_up_anywhere_leaves_a_draft_or_nothing(bank: Bank) -> None:
    calls = [over(bank, sid) for sid in [dial(bank, hang_up_after=seconds) for seconds in ANYWHERE]]
    assert [call["error"] for call in calls if call["error"]] == []
    submitted = [call for call in calls if any(text.startswith("Submitted.") for text in said(call))]
    recorded = [
        call
        for call in calls
        if any(entry.get("seconds", 0) >= 5 and entry["what"] == "recorded" for entry in call["transcript"])
    ]
    wait_for(lambda: len(messages(bank, "pending")) == len(submitted), 60, "what was submitted is pending")
    wait_for(lambda: len(messages(bank, "draft")) == len(recorded) - len(submitted), 60, "the rest is a draft")
    assert (len(recorded), len(submitted)) == (3, 1)
    is_sound(bank)


@pytest.mark.parametrize("fault", ["recording_absent_share", "recording_failed_share"])
def test_a_recording_that_never_comes_is_told_and_not_submitted(bank: Bank, fault: str) -> None:
    bank.carrier("POST", "/faults", json={fault: 1})
    call = over(bank, dial(bank))
    assert call["error"] is None
    assert not any(text.startswith("Submitted.") for text in said(call)), said(call)
    assert messages(bank, "pending") == []
    is_sound(bank)
