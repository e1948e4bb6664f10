"""A bank at work on a running product: its people by the API, its customers by the simulated carrier."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from typing import Any

import phonenumbers
import requests
from sqlalchemy import create_engine, update

from dispatcher.model import Customer
from tests.product import ROOT, Product

SAMPLES = ROOT / "dispatcher" / "samples"
ANALYST = "anthony.nicholson@bank.example"
OFFICER = "sara.green@bank.example"
OTHER_OFFICER = "becky.walker@bank.example"


def wait_for(what: Callable[[], Any], seconds: float, name: str) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = what()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s: {name}")


def customers_of(*lists: str) -> list[dict[str, str]]:
    """The rows of the sample directory that are on one of the lists, the last of a repeated id."""
    with open(SAMPLES / "customers.csv", encoding="utf-8-sig", newline="") as file:
        rows = {row["customer_id"]: row for row in csv.DictReader(file) if row["customer_id"] and row["name"]}
    return [row for row in rows.values() if set(row["lists"].split(";")) & set(lists)]


def number(text: str) -> str:
    text = text.strip().removeprefix("tel:")
    if text.startswith("00"):
        text = "+" + text[2:]
    return phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164)


def alone_on_the_telephone(*lists: str) -> dict[str, str]:
    """A customer with a rep who asked to be called first, on a telephone that nobody else shares."""
    rows = customers_of(*lists)
    numbers = [number(row["voice"]) for row in rows if row["voice"]]
    return next(
        row
        for row in rows
        if row["channels"].startswith("voice") and row["rep_email"] and numbers.count(number(row["voice"])) == 1
    )


class Bank:
    """The API as its people use it, and the carrier's control API.

    Its customers have no quiet hours: else what leaves would depend on the hour at which the tests run.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self._tokens: dict[str, str] = {}
        engine = create_engine(product.database_url)
        with engine.begin() as connection:
            connection.execute(update(Customer).values(quiet_from=None, quiet_until=None))
        engine.dispose()

    def api(self, who: str, method: str, path: str, **kwargs: Any) -> requests.Response:
        if who not in self._tokens:
            self._tokens[who] = self.product.token(who)
        headers = {"Authorization": f"Bearer {self._tokens[who]}", **kwargs.pop("headers", {})}
        return requests.request(method, f"{self.product.url}/api/v1{path}", headers=headers, timeout=60, **kwargs)

    def carrier(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = requests.request(method, f"{self.product.carrier_url}/carrier/api{path}", timeout=60, **kwargs)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def ledger(self, channel: str = "", to: str = "") -> list[dict[str, Any]]:
        query = {name: value for name, value in (("channel", channel), ("to", to)) if value}
        entries: list[dict[str, Any]] = self.carrier("GET", "/ledger", params=query)["entries"]
        return entries

    def submit(self, lists: list[str], subject: str, text: str, recording: str = "") -> dict[str, Any]:
        fields = [("subject", subject), ("text", text), *(("lists", one) for one in lists)]
        if recording:
            with open(SAMPLES / recording, "rb") as audio:
                files = {"recording": (recording, audio.read(), "audio/wav")}
            answer = self.api(ANALYST, "POST", "/messages", data=fields, files=files)
        else:
            body = {"subject": subject, "text": text, "lists": lists}
            answer = self.api(ANALYST, "POST", "/messages", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def approve(self, message: dict[str, Any], who: str = OFFICER) -> requests.Response:
        body = {"decision": "approve", "digest": message["digest"]}
        return self.api(who, "POST", f"/messages/{message['id']}/decisions", json=body)

    def deliveries(self, message_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": 500, **({"cursor": cursor} if cursor else {})}
            page = self.api(OFFICER, "GET", f"/messages/{message_id}/deliveries", params=query).json()
            found += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return found
