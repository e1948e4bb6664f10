"""Telephones on the simulated carrier: people who dial us, and people whom we ring."""

from __future__ import annotations

import base64
import csv
import json
import time
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


class Telephone:
    """One that rings, and on which somebody presses keys when they have heard what they wait for."""

    def __init__(self, bank: Bank, number: str, after: str = "") -> None:
        """Waits until a call to `number` is answered, other than the call `after`."""
        self.bank = bank

        def rings() -> Any:
            calls = bank.carrier("GET", "/calls", params={"number": number, "live": 1})["calls"]
            taken = [one["sid"] for one in calls if one["status"] == "in-progress"]
            return next((sid for sid in taken if sid != after), None)

        self.sid = wait_for(rings, 90, "the telephone rings")

    @property
    def call(self) -> dict[str, Any]:
        found: dict[str, Any] = self.bank.carrier("GET", f"/calls/{self.sid}")
        return found

    @property
    def heard(self) -> list[str]:
        return said(self.call)

    def press(self, digits: str, after: str) -> None:
        """Press these keys as soon as these words have begun."""
        until = time.monotonic() + 60
        while not any(after in one for one in self.heard):
            assert time.monotonic() < until, f"never heard {after!r}: {self.heard}"
            time.sleep(0.1)
        self.bank.carrier("POST", f"/calls/{self.sid}/keys", json={"digits": digits})

    def over(self) -> dict[str, Any]:
        """The call, once it is over."""
        found: dict[str, Any] = wait_for(lambda: None if (call := self.call)["live"] else call, 120, "the call is over")
        return found
