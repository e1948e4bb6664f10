"""Telephones on the simulated carrier: people who dial us, and people whom we ring."""

from __future__ import annotations

import base64
import csv
import json
from typing import Any

from sqlalchemy import create_engine, update

from dispatcher.model import Staff
from dispatcher.settings import carrier_settings_path
from tests.journeys.bank import SAMPLES, Bank, wait_for

LETTERS_PER_SECOND = 14.0  # as the simulated carrier speaks


def person(email: str) -> dict[str, str]:
    """A member of the sample bank's staff, as the file has them."""
    with open(SAMPLES / "staff.csv", encoding="utf-8", newline="") as file:
        return next(row for row in csv.DictReader(file) if row["email"] == email)


def wants_calls(bank: Bank, email: str) -> None:
    """This member of staff is told by telephone and by nothing else."""
    engine = create_engine(bank.product.database_url)
    with engine.begin() as connection:
        connection.execute(update(Staff).where(Staff.email == email).values(channels=["voice"]))
    engine.dispose()


def line(bank: Bank, name: str) -> str:
    """ANALYST_LINE or CUSTOMER_LINE."""
    found: str = json.loads(carrier_settings_path(bank.product.var_dir).read_text())[name]
    return found


def spoken(recording: str = "alert-1.wav") -> dict[str, str]:
    """A step of a script: this sample is spoken."""
    return {"speak_wav_base64": base64.b64encode((SAMPLES / recording).read_bytes()).decode()}


def dial(bank: Bank, caller: str, to: str, script: list[dict[str, Any]]) -> dict[str, Any]:
    """Somebody calls a line of ours and does what the script says; the call once it is over."""
    made = bank.carrier("POST", "/calls", json={"from": caller, "to": to, "script": script})

    def over() -> Any:
        call = bank.carrier("GET", f"/calls/{made['sid']}")
        return None if call["live"] else call

    call: dict[str, Any] = wait_for(over, 120, "the call is over")
    return call


def said(call: dict[str, Any]) -> list[str]:
    """All that the caller heard us say."""
    return [entry["text"] for entry in call["transcript"] if entry["what"] == "said"]


def behave(bank: Bank, number: str, mode: str, *script: dict[str, Any]) -> None:
    """What becomes of calls to this number from now on."""
    body = {"channel": "voice", "address": number, "mode": mode, **({"script": list(script)} if script else {})}
    bank.carrier("POST", "/behaviour", json=body)


def taken(bank: Bank, number: str, *script: dict[str, Any]) -> dict[str, Any]:
    """The next call to this number, whose owner was not there and now takes it and does what the script says."""
    behave(bank, number, "human", *script)

    def over() -> Any:
        calls = bank.carrier("GET", "/calls", params={"number": number})["calls"]
        sid = next((one["sid"] for one in calls if one["status"] == "completed"), None)
        return sid and bank.carrier("GET", f"/calls/{sid}")

    call: dict[str, Any] = wait_for(over, 120, "a call is taken, and over")
    return call
