"""One conversation across telephone, mail and text message: the customer and their representative, each by whatever
is at hand, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.bank import Bank, wait_for
from tests.journeys.telephone import person
from tests.product import Product

pytestmark = pytest.mark.journey

# An administrator who is an officer, too: each who uses the API costs the start of a process.
ADMIN, REP = "violetta.flantz@bank.example", "brandi.barnes@bank.example"
PHONE, MAIL = "+12025550141", "crossing@simon.example"
BY_MAIL, BY_TEXT = "Half of it by Friday, I would say.", "Then I sell nothing without you."
ASKED, ASKED_AGAIN = "And the memory names?", "Thank you. Is that also your view for next year?"


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    return Bank(product(env={"TWILIO_CALLS_PER_SECOND": "50"}))


def test_one_conversation_crosses_telephone_mail_and_text(bank: Bank) -> None:
    _customer_who_speaks(bank)
    message = bank.submit(["crossing"], "Downgrade", "We cut LTMY to hold.")
    assert bank.approve(message, ADMIN).status_code in (200, 201)

    notice = _told(bank, "email", REP, "Crossing")
    assert notice["reply_to"], notice
    _mail(bank, REP, notice, BY_MAIL)
    first = _told(bank, "email", MAIL, BY_MAIL)

    bank.carrier("POST", "/sms", json={"from": PHONE, "body": ASKED})
    text = _told(bank, "sms", person(REP)["phone"], ASKED)
    reference = text["text"].split()[0]
    bank.carrier("POST", "/sms", json={"from": person(REP)["phone"], "body": f"{reference} {BY_TEXT}"})
    second = _told(bank, "sms", PHONE, BY_TEXT)

    # They answer the mail, which is older than the text message, and quote it.
    _mail(bank, MAIL, first, ASKED_AGAIN)
    last = _told(bank, "email", REP, ASKED_AGAIN)

    _one_story(bank, message)
    for sent in (first, second):
        told = json.dumps(sent)
        assert REP not in told, "the representative's own address leaked"
        assert person(REP)["phone"] not in told
    assert MAIL not in json.dumps(last.get("headers") or {}), "an answer would go past the product"
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _customer_who_speaks(bank: Bank) -> None:
    fields = {
        "name": "Crossing", "rep_email": REP, "lists": ["crossing"], "channels": ["voice", "email", "sms"],
        "voice": PHONE, "sms": PHONE, "email": MAIL, "language": "en", "timezone": "UTC",
    }  # fmt: skip
    for path, body in (("/lists/crossing", {"name": "Crossing"}), ("/customers/crossing", fields)):
        answer = bank.api(ADMIN, "PUT", path, json=body)
        assert answer.status_code in (200, 201), answer.text
    script = [{"press": "2"}, {"speak_seconds": 3}]
    bank.carrier("POST", "/behaviour", json={"channel": "voice", "address": PHONE, "mode": "human", "script": script})


def _told(bank: Bank, channel: str, to: str, words: str) -> dict[str, Any]:
    """What came to this address with these words, once."""

    def look() -> Any:
        return [one for one in bank.ledger(channel, to) if words in (one["text"] or "")]

    (found,) = wait_for(look, 60, f"{to} is told {words!r} by {channel}")
    return dict(found)


def _mail(bank: Bank, sender: str, answered: dict[str, Any], words: str) -> None:
    quoted = "\n".join(f"> {line}" for line in answered["text"].splitlines())
    text = f"{words}\n\nOn Fri, 20 Nov 2026 at 10:00, Bank wrote:\n\n{quoted}\n"
    to, subject = answered["reply_to"], f"Re: {answered['subject']}"
    bank.carrier("POST", "/mail", json={"from": sender, "to": to, "subject": subject, "text": text})


def _one_story(bank: Bank, message: dict[str, Any]) -> None:
    found = bank.api(ADMIN, "GET", "/conversations", params={"limit": 200}).json()["items"]
    (line,) = [one for one in found if one["customer"] == "crossing"]
    assert (line["message"], line["state"], line["rep"], line["claimed_by"]) == (message["id"], "claimed", REP, REP)
    talk = bank.api(ADMIN, "GET", f"/conversations/{line['id']}").json()
    said = [(one["received_at"], one["channel"], one["text"]) for one in talk["replies"]]
    said += [(one["created_at"], f"answer by {one['via']}", one["text"]) for one in talk["responses"]]
    spoken, *written = [(how, words) for _, how, words in sorted(said)]
    assert spoken[0] == "voice"
    assert written == [
        ("answer by mail", BY_MAIL),
        ("sms", ASKED),
        ("answer by sms", BY_TEXT),
        ("email", ASKED_AGAIN),
    ]
    assert [one["channel"] for one in talk["responses"]] == ["email", "sms"]
    assert talk["replies"][0]["recording"], "what they said cannot be heard"
