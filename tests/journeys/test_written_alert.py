"""An analyst without a sign-in: an alert by mail with a recording, one by text, each submitted by its link."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.journeys.bank import ANALYST, OFFICER, SAMPLES, Bank, customers_of, number, wait_for
from tests.product import Product

SUBJECT, _, TEXT = (SAMPLES / "alert-1.txt").read_text().removeprefix("Subject: ").partition("\n\n")
PHONE = number(next(row.split(",")[3] for row in (SAMPLES / "staff.csv").read_text().splitlines() if ANALYST in row))

pytestmark = pytest.mark.journey


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    return Bank(product())


def told(bank: Bank, channel: str, to: str, words: str) -> str:
    """The text of the letter that says these words."""

    def look() -> Any:
        return [one["text"] for one in bank.ledger(channel, to) if words in (one["text"] or "")]

    found: str = wait_for(look, 60, f"{to} is told {words!r}")[0]
    return found


def link_in(bank: Bank, letter: str) -> str:
    found = re.search(r"https?://\S+/s/[a-z2-7]+", letter)
    assert found, letter
    return found[0]


def message(bank: Bank, message_id: int) -> dict[str, Any]:
    found: dict[str, Any] = bank.api(ANALYST, "GET", f"/messages/{message_id}").json()
    return found


def number_in(letter: str) -> int:
    found = re.search(r"(?:draft|Draft|alert) (\d+)", letter)
    assert found, letter
    return int(found[1])


DOMAIN = "in.bank.example"


def write(bank: Bank, text: str, **more: Any) -> None:
    bank.carrier("POST", "/mail", json={"from": ANALYST, "to": f"alerts@{DOMAIN}", "text": text, **more})


def test_alerts_without_a_sign_in(bank: Bank) -> None:
    by_mail_with_a_recording(bank)
    by_text_with_the_list_chosen_on_the_page(bank)
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def by_mail_with_a_recording(bank: Bank) -> None:
    sound = (SAMPLES / "alert-1.wav").read_bytes()
    attached = {"filename": "alert.wav", "type": "audio/wav", "content": base64.b64encode(sound).decode()}
    write(bank, TEXT, subject=f"[semis-memory] {SUBJECT}", attachments=[attached])
    letter = told(bank, "email", ANALYST, "Nothing is submitted yet")
    assert "Lattice" not in letter
    link, alert = link_in(bank, letter), number_in(letter)

    page = requests.get(link, timeout=60)
    assert SUBJECT in page.text
    assert requests.get(f"{link}/recording", timeout=60).content == sound
    assert message(bank, alert)["state"] == "draft", "a look submitted it"

    def press() -> None:
        requests.post(link, timeout=60)

    presses = [threading.Thread(target=press) for _ in range(5)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    submitted = message(bank, alert)
    assert (submitted["state"], submitted["version"]) == ("pending", 1)
    told(bank, "email", OFFICER, f"/approvals/{alert}")
    assert bank.approve(submitted).status_code in (200, 201)
    customers = len(customers_of("semis-memory"))
    report = wait_for(
        lambda: (found := bank.deliveries(alert)) and all(one["state"] != "queued" for one in found) and found,
        60,
        "sent",
    )
    assert sum(len(one["customers"]) for one in report) <= customers
    assert "It waits" not in requests.get(link, timeout=60).text


def by_text_with_the_list_chosen_on_the_page(bank: Bank) -> None:
    bank.carrier("POST", "/sms", json={"from": PHONE, "body": f"{SUBJECT}\nWe cut LTMY to hold."})
    letter = told(bank, "sms", PHONE, "not submitted")
    link, alert = link_in(bank, letter), number_in(letter)
    assert "semis-memory" in requests.get(link, timeout=60).text
    assert requests.post(link, timeout=60).status_code == 422
    assert requests.post(link, data={"lists": "semis-memory"}, timeout=60).status_code == 200
    submitted = message(bank, alert)
    assert (submitted["state"], submitted["version"], submitted["lists"]) == ("pending", 2, ["semis-memory"])
    assert (submitted["subject"], submitted["text"]) == (SUBJECT.strip(), "We cut LTMY to hold.")
