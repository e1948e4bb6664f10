"""The whole loop on the sample directory: real processes, real Valkey, real HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.bank import ANALYST, OFFICER, SAMPLES, Bank, alone_on_the_telephone, customers_of, number, wait_for
from tests.product import ROOT, Product

LISTS = ["semis-all", "semis-memory", "semis-equipment"]
EXPECTED = next(
    one
    for one in json.loads((ROOT / "tests" / "samples" / "expected.json").read_text())["audiences"]
    if one["lists"] == LISTS
)
SUBJECT, _, TEXT = (SAMPLES / "alert-1.txt").read_text().removeprefix("Subject: ").partition("\n\n")

pytestmark = pytest.mark.journey


def alerts(bank: Bank) -> list[dict[str, Any]]:
    """What the carrier took for customers, letters to staff left out."""
    staff = {row.split(",")[0] for row in (SAMPLES / "staff.csv").read_text().splitlines()}
    return [
        one
        for one in bank.ledger()
        if one["to"] not in staff
        and (one["channel"] == "voice" or SUBJECT in (one.get("subject") or " ".join(one["text"].split())))
    ]


def rep_of(row: dict[str, str]) -> str:
    return row["rep_email"]


def someone(bank: Bank, message_id: int, channel: str) -> tuple[dict[str, str], str]:
    """A customer (row of the directory) who alone got the alert by this channel, and the address."""
    rows = {row["customer_id"]: row for row in customers_of(*LISTS)}
    for delivery in bank.deliveries(message_id):
        keys = [one if isinstance(one, str) else one["customer_id"] for one in delivery["customers"]]
        if delivery["channel"] == channel and len(keys) == 1 and rows[keys[0]]["rep_email"]:
            return rows[keys[0]], delivery["address"]
    raise AssertionError(f"nobody got it by {channel}")


@pytest.fixture(params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, product: Callable[..., Product]) -> Bank:
    env = {"TWILIO_CALLS_PER_SECOND": "50"}
    if request.param == "postgresql":
        env["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    return Bank(product(env=env))


def test_the_whole_loop(bank: Bank) -> None:
    caller = alone_on_the_telephone(*LISTS)
    phone = number(caller["voice"])
    script = [{"press": "2"}, {"speak_seconds": 4}]
    bank.carrier("POST", "/behaviour", json={"channel": "voice", "address": phone, "mode": "human", "script": script})

    message = bank.submit(LISTS, SUBJECT, TEXT, "alert-1.wav")
    assert message["state"] == "pending"

    notice = wait_for(lambda: bank.ledger("email", OFFICER), 60, "the officer is told")[0]
    assert f"/approvals/{message['id']}" in notice["text"]
    assert "Lattice" not in json.dumps(notice), "an unreleased alert was in a mail"

    audience = bank.api(OFFICER, "GET", f"/messages/{message['id']}/audience").json()
    for name in ("recipients", "listed", "duplicates_removed", "deliveries", "by_channel"):
        assert audience[name] == EXPECTED[name], name

    assert bank.approve(message, ANALYST).status_code == 403
    assert bank.approve(message).status_code in (200, 201)

    entries = wait_for(
        lambda: (found := alerts(bank)) and len(found) >= EXPECTED["deliveries"] and found, 60, "everybody is served"
    )
    assert len(entries) == EXPECTED["deliveries"]
    assert Counter(one["channel"] for one in entries) == EXPECTED["by_channel"]
    assert max(Counter((one["channel"], one["to"]) for one in entries).values()) == 1
    delivered = {(one["channel"], one["address"]) for one in bank.deliveries(message["id"])}
    assert delivered == {(one["channel"], one["to"]) for one in entries}

    def state() -> Any:
        return bank.api(OFFICER, "GET", f"/messages/{message['id']}").json()["state"] == "released"

    wait_for(state, 60, "the message is released")
    _reply_by_mail_and_back(bank, message["id"], entries)
    _reply_by_sms_and_back(bank, message["id"], entries)
    _reply_by_telephone(bank, caller)
    _reply_by_fax_and_back(bank, message["id"])

    report = wait_for(lambda: _report(bank, message["id"]), 60, "the report counts the replies")
    assert sum(one["deliveries"] for one in report["by_channel"].values()) == EXPECTED["deliveries"]
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _report(bank: Bank, message_id: int) -> dict[str, Any] | None:
    report: dict[str, Any] = bank.api(OFFICER, "GET", f"/messages/{message_id}/report").json()
    return report if report["replies"] >= 3 else None


def _told(bank: Bank, rep: str, words: str, channel: str = "email") -> dict[str, Any]:
    """The letter in which the rep is told these words."""

    def look() -> Any:
        return [one for one in bank.ledger(channel, rep) if words in (one["text"] or "")]

    found: dict[str, Any] = wait_for(look, 60, f"{rep} is told {words!r} by {channel}")[0]
    return found


def _staff_phone(rep: str) -> str:
    rows = (line.split(",") for line in (SAMPLES / "staff.csv").read_text().splitlines())
    return next(row[3] for row in rows if row[0] == rep)


def _reply_by_mail_and_back(bank: Bank, message_id: int, entries: list[dict[str, Any]]) -> None:
    customer, address = someone(bank, message_id, "email")
    alert = next(one for one in entries if one["to"] == address)
    assert SUBJECT in alert["subject"]
    assert "Taipei" in alert["text"]
    words = "Please call me about my LTMY position."
    quoted = "\n".join(f"> {line}" for line in alert["text"].splitlines())
    bank.carrier(
        "POST",
        "/mail",
        json={
            "from": address,
            "to": alert["reply_to"],
            "subject": f"Re: {SUBJECT}",
            "text": f"{words}\n\nOn Sun, Nov 22, 2026 the bank wrote:\n{quoted}\n",
        },
    )
    rep = rep_of(customer)
    letter = _told(bank, rep, words)
    assert customer["name"] in letter["text"]
    assert customer["firm"] in letter["text"]
    assert SUBJECT in letter["text"] + letter["subject"]
    assert "Taipei" not in letter["text"], "the quoted alert was not cut"

    answer = "Of course: I ring you in ten minutes."
    bank.carrier(
        "POST",
        "/mail",
        json={"from": rep, "to": letter["reply_to"], "subject": f"Re: {letter['subject']}", "text": answer},
    )

    def back() -> Any:
        return [one for one in bank.ledger("email", address) if answer in one["text"]]

    found = wait_for(back, 60, "the rep's answer reaches the customer")
    assert len(found) == 1
    assert rep not in json.dumps(found[0].get("headers") or {}), "the rep's own address leaked"


def _reply_by_sms_and_back(bank: Bank, message_id: int, entries: list[dict[str, Any]]) -> None:
    customer, address = someone(bank, message_id, "sms")
    alert = next(one for one in entries if one["to"] == address)
    words = "What does that mean for the equipment names?"
    bank.carrier("POST", "/sms", json={"from": address, "to": alert["from"], "body": words})
    rep = rep_of(customer)
    _told(bank, rep, words)
    found = bank.api(rep, "GET", "/conversations", params={"state": "open"}).json()["items"]
    conversation = next(one for one in found if _customer_key(one) == customer["customer_id"])
    answer = "We cut those next, see tonight's note."
    made = bank.api(rep, "POST", f"/conversations/{conversation['id']}/responses", json={"text": answer})
    assert made.status_code == 201, made.text

    def back() -> Any:
        return [one for one in bank.ledger("sms", address) if answer in one["text"]]

    assert len(wait_for(back, 60, "the rep's answer reaches the customer's telephone")) == 1
    stranger = next(one for one in ("brandi.barnes@bank.example", "uli.patberg@bank.example") if one != rep)
    assert bank.api(stranger, "GET", f"/conversations/{conversation['id']}").status_code == 404

    bank.carrier("POST", "/sms", json={"from": address, "to": alert["from"], "body": "STOP"})

    def stopped() -> Any:
        return [
            one
            for one in bank.api(OFFICER, "GET", f"/customers/{customer['customer_id']}").json()["contact_points"]
            if one["channel"] == "sms" and one["suppressed"]
        ]

    wait_for(stopped, 60, "STOP suppresses the contact point")
    assert not [one for one in bank.ledger("email", rep) if "STOP" in one["text"]], "STOP was forwarded as an answer"


def _reply_by_fax_and_back(bank: Bank, message_id: int) -> None:
    customer, number_of_fax = someone(bank, message_id, "fax")
    bank.carrier("POST", "/fax", json={"from": number_of_fax, "text": "Please send the model."})
    rep = rep_of(customer)
    _told(bank, rep, "Came by fax, 1 page.")

    def kept() -> Any:
        found = bank.api(rep, "GET", "/replies", params={"customer": customer["customer_id"]}).json()["items"]
        return [one for one in found if one["channel"] == "fax" and one["files"] and one["files"][0]["size"]]

    reply = wait_for(kept, 60, "the pages are fetched")[0]
    answer = "It is on its way."
    made = bank.api(rep, "POST", f"/conversations/{reply['conversation']}/responses", json={"text": answer})
    assert made.json()["channel"] == "fax", made.text

    def back() -> Any:
        return [one for one in bank.ledger("fax", number_of_fax) if answer in one["text"]]

    assert len(wait_for(back, 60, "the rep's answer comes out of the customer's machine")) == 1


def _customer_key(conversation: dict[str, Any]) -> str:
    customer = conversation["customer"]
    return str(customer if isinstance(customer, str) else customer["customer_id"])


def _reply_by_telephone(bank: Bank, caller: dict[str, str]) -> None:
    rep = rep_of(caller)

    def heard() -> Any:
        found = bank.api(rep, "GET", "/replies", params={"customer": caller["customer_id"]}).json()["items"]
        return [one for one in found if one["channel"] == "voice" and one.get("recording")]

    reply = wait_for(heard, 60, "the spoken answer is stored")[0]
    assert reply["channel"] == "voice"
    _told(bank, rep, caller["name"])
