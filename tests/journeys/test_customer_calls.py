"""Customers on the telephone, over real HTTP: joined, declined, covered, at the desk, known by a code, called again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, select, update

from dispatcher.model import Reply, Staff
from tests.journeys.bank import OFFICER, Bank, wait_for
from tests.product import Product

pytestmark = pytest.mark.journey

ADMIN = "violetta.flantz@bank.example"
TAKES, DECLINES, DEAF, COVER = (
    "brandi.barnes@bank.example",
    "jennifer.cherry@bank.example",
    "margarete.biggenbriemer@bank.example",
    "hansdieter.suberlich@bank.example",
)
DESK, STRANGE = "+12025550190", "+12025550177"
TEXT = "We cut LTMY to hold."


def telephone(place: int) -> str:
    return f"+120255501{place:02}"


@pytest.fixture
def bank(product: Callable[..., Product]) -> Bank:
    # The third customer's line is busy: called again after three seconds, then by text message.
    return Bank(product(env={"TWILIO_CALLS_PER_SECOND": "50", "CALL_AGAIN_MINUTES": "0.05", "DESK_PHONE": DESK}))


def put(bank: Bank, path: str, body: dict[str, Any]) -> None:
    answer = bank.api(ADMIN, "PUT", path, json=body)
    assert answer.status_code in (200, 201), answer.text


def behave(bank: Bank, address: str, mode: str, *script: dict[str, Any]) -> None:
    body = {"channel": "voice", "address": address, "mode": mode, **({"script": list(script)} if script else {})}
    bank.carrier("POST", "/behaviour", json=body)


def phones_of_staff(bank: Bank) -> dict[str, str]:
    """The telephones of the bank's people; DECLINES is covered by COVER from now on."""
    engine = create_engine(bank.product.database_url)
    with engine.begin() as connection:
        found = {
            row.email: (row.id, row.phone) for row in connection.execute(select(Staff.email, Staff.id, Staff.phone))
        }
        connection.execute(update(Staff).where(Staff.email == DECLINES).values(cover_id=found[COVER][0]))
    engine.dispose()
    return {email: phone for email, (_, phone) in found.items()}


def calls(bank: Bank, to: str) -> list[dict[str, Any]]:
    found = bank.carrier("GET", "/calls", params={"number": to, "limit": 50})["calls"]
    return [one for one in found if one["to"] == to]


def heard(bank: Bank, sid: str) -> str:
    transcript = bank.carrier("GET", f"/calls/{sid}")["transcript"]
    return " ".join(one["text"] for one in transcript if one["what"] == "said")


def over(bank: Bank, to: str, count: int = 1) -> list[dict[str, Any]]:
    """The calls to a number, as soon as there are so many and none is live."""

    def look() -> Any:
        found = calls(bank, to)
        return len(found) >= count and not any(one["live"] for one in found) and found

    ended: list[dict[str, Any]] = wait_for(look, 60, f"{count} calls to {to} are over")
    return ended


def replies(bank: Bank, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bank.api(ADMIN, "GET", "/replies", params=query).json()["items"]
    return found


def test_customers_on_the_telephone(bank: Bank) -> None:
    staff = phones_of_staff(bank)
    customers = {"taken": TAKES, "covered": DECLINES, "recorded": DEAF, "busy": TAKES, "mailed": TAKES}
    put(bank, "/lists/telephone", {"name": "Telephone"})
    for place, (name, rep) in enumerate(customers.items(), 41):
        ways = {"voice": telephone(place), "sms": telephone(place), "email": f"{name}@simon.example"}
        order = ["email"] if name == "mailed" else ["voice", "sms"]
        fields = {"name": name.title(), "rep_email": rep, "lists": ["telephone"], "channels": order}
        put(bank, f"/customers/{name}", {**fields, **ways, "language": "en", "timezone": "UTC"})
        behave(bank, telephone(place), "human", {"press": "1"}, {"speak_seconds": 3})
    taken, covered, recorded, busy = (telephone(place) for place in (41, 42, 43, 44))
    behave(bank, busy, "busy")
    behave(bank, staff[TAKES], "human", {"press": "1"}, {"hangup": True})
    behave(bank, staff[DECLINES], "human", {"press": "2"})
    behave(bank, staff[COVER], "human", {"press": "1"}, {"hangup": True})
    behave(bank, staff[DEAF], "no-answer")

    message = bank.submit(["telephone"], "Downgrade", TEXT)
    assert bank.approve(message, OFFICER).status_code in (200, 201)

    _joined(bank, staff, taken)
    _declined_and_covered(bank, staff, covered)
    _recorded(bank, recorded)
    _called_again(bank, message["id"], busy)
    code = _code(bank)
    _by_code(bank, code, message["id"])
    _at_the_desk(bank)
    _left_by_a_stranger(bank)
    verified = bank.product.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def result(bank: Bank, customer: str, words: str) -> None:
    wait_for(
        lambda: [one for one in replies(bank, customer=customer) if words in one["text"]], 60, f"{customer}: {words}"
    )


def _joined(bank: Bank, staff: dict[str, str], customer: str) -> None:
    (call,) = over(bank, customer)
    said = heard(bank, call["sid"])
    assert "To speak to Brandi Barnes now, press 1." in said
    assert "We are connecting you to Brandi Barnes." in said
    leg = next(one for one in over(bank, staff[TAKES]) if "Taken" in heard(bank, one["sid"]))
    assert "It is about the alert: Downgrade. To take the call, press 1." in heard(bank, leg["sid"])
    result(bank, "taken", "put through to your telephone")


def _declined_and_covered(bank: Bank, staff: dict[str, str], customer: str) -> None:
    (call,) = over(bank, customer)
    assert "Jennifer Cherry cannot take your call. We are connecting you to Hans-Dieter" in heard(bank, call["sid"])
    (declined,) = over(bank, staff[DECLINES])
    assert "Declined." in heard(bank, declined["sid"])
    (cover,) = over(bank, staff[COVER])
    assert "You are connected." in heard(bank, cover["sid"])
    result(bank, "covered", "your cover took the call")


def _recorded(bank: Bank, customer: str) -> None:
    (call,) = over(bank, customer)
    said = heard(bank, call["sid"])
    assert said.count("Your order is not accepted until your representative has confirmed it.") == 2
    wait_for(
        lambda: [one for one in replies(bank, customer="recorded") if one.get("recording")],
        60,
        "what they said is stored",
    )
    result(bank, "recorded", "you did not answer")


def _called_again(bank: Bank, message_id: int, customer: str) -> None:
    assert [one["status"] for one in over(bank, customer, 2)] == ["busy", "busy"]
    wait_for(lambda: bank.ledger("sms", customer), 60, "the next channel")
    assert len(calls(bank, customer)) == 2
    delivery = next(
        one for one in bank.deliveries(message_id) if one["channel"] == "voice" and one["address"] == customer
    )
    assert (delivery["state"], delivery["outcome"]) == ("failed", "busy")
    first, second = (attempt["error"] for attempt in delivery["attempts"])
    assert re.fullmatch(r"busy at \d\d:\d\d UTC, called again at \d\d:\d\d", first)
    assert re.fullmatch(r"busy at \d\d:\d\d UTC", second)


def _code(bank: Bank) -> str:
    (mail,) = wait_for(lambda: bank.ledger("email", "mailed@simon.example"), 60, "the mail")
    found = re.search(r"code\D{0,20}(\d{7,18})", mail["text"])
    assert found, mail["text"]
    return found[1]


def ring_us(bank: Bank, *script: dict[str, Any]) -> dict[str, Any]:
    sid = bank.carrier("POST", "/calls", json={"from": STRANGE, "script": list(script)})["sid"]
    ended: dict[str, Any] = wait_for(
        lambda: (call := bank.carrier("GET", f"/calls/{sid}")) and not call["live"] and call, 60, "the call is over"
    )
    return ended


def _by_code(bank: Bank, code: str, message_id: int) -> None:
    call = ring_us(bank, {"press": f"{code}#"}, {"press": "2"}, {"speak_seconds": 3})
    assert TEXT in heard(bank, call["sid"])
    (reply,) = wait_for(lambda: replies(bank, customer="mailed"), 60, "the answer from a strange telephone")
    assert reply["message"] == message_id
    engine = create_engine(bank.product.database_url)
    with engine.connect() as connection:
        noted = connection.scalar(select(Reply.note).where(Reply.id == reply["id"])) or ""
    engine.dispose()
    assert noted.startswith("called from another telephone with the code")


def _at_the_desk(bank: Bank) -> None:
    behave(bank, DESK, "human", {"press": "1"}, {"hangup": True})
    call = ring_us(bank, {"press": "0"})
    assert "We are connecting you to our desk." in heard(bank, call["sid"])
    (leg,) = over(bank, DESK)
    assert "Somebody we do not know is on the line." in heard(bank, leg["sid"])


def _left_by_a_stranger(bank: Bank) -> None:
    behave(bank, DESK, "no-answer")
    call = ring_us(bank, {"press": "0"}, {"speak_seconds": 3})
    assert "Nobody can take your call at the moment." in heard(bank, call["sid"])
    (reply,) = wait_for(lambda: replies(bank, state="unmatched"), 60, "the unmatched queue")
    assert (reply["kind"], reply["channel"]) == ("other", "voice")
