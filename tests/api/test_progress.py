"""What becomes of a message: audience, recipients, deliveries with their attempts, the report."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatcher.model import ContactPoint, Customer, Grant, ListMember, Staff
from dispatcher.model.ports import Outbound, Outcome
from dispatcher.services import accounts
from dispatcher.services.sending import Pump
from tests.api.conftest import Api, problem, wrong


def send(api: Api, *channels: str) -> None:
    for channel in channels:
        asyncio.run(Pump(api.bank.runtime, channel).run())


def deliveries(api: Api, who: str, message_id: int, query: str = "") -> dict[str, Any]:
    """By channel."""
    answer = api.ask(who, "GET", f"/messages/{message_id}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    return {one["channel"]: one for one in answer.get_json()["items"]}


def stranger(api: Api, name: str, role: str) -> None:
    with api.session() as session:
        email = f"{name}@bank.example"
        session.add(Staff(email=email, name=name, channels=["email"], grants=[Grant(role=role)]))
        session.flush()
        api.tokens[name] = accounts.make_token(session, api.bank.runtime, email)
        session.commit()


def test_the_audience_before_anything_is_sent(both_api: Api) -> None:
    with both_api.session() as session:
        lost = Customer(key="lost", name="Lost")
        session.add(lost)
        session.flush()
        semis = session.query(ListMember).filter_by(customer_id=both_api.bank.ids["bob"]).one().list_id
        session.add(ListMember(list_id=semis, customer_id=lost.id))
        session.commit()
    made = both_api.made()
    told = both_api.ask("officer", "GET", f"/messages/{made['id']}/audience").get_json()
    assert set(told) == {
        "recipients", "listed", "duplicates_removed", "deliveries", "by_channel", "excluded", "forecast",
        "forecast_detail", "warning", "audience",
    }  # fmt: skip
    assert (told["recipients"], told["listed"], told["duplicates_removed"], told["deliveries"]) == (4, 5, 1, 3)
    assert told["by_channel"] == {"email": 1, "sms": 1, "voice": 1}
    assert sum(one["count"] for one in told["excluded"]) == 1
    assert all(one["reason"] for one in told["excluded"])
    assert set(told["forecast"]) == {"email", "sms", "voice"}
    voice = told["forecast_detail"]["voice"]
    assert voice["seconds"] == told["forecast"]["voice"]
    assert (voice["deliveries"], voice["ahead"], voice["held"], voice["held_until"], voice["late"]) == (
        1,
        0,
        0,
        None,
        0,
    )
    assert voice["last_at"].startswith("2026-11-20T09:30:00")
    assert told["warning"] == ""
    assert told["audience"] == both_api.ask("officer", "GET", f"/messages/{made['id']}").get_json()["audience"] != ""
    assert both_api.ask("analyst", "GET", f"/messages/{made['id']}/audience").get_json()["audience"] == ""
    problem(both_api.ask("rep", "GET", f"/messages/{made['id']}/audience"), 403)


def test_deliveries_show_every_attempt(both_api: Api) -> None:
    made = both_api.released()
    assert {one["state"] for one in deliveries(both_api, "officer", made["id"]).values()} == {"queued"}
    send(both_api, "email", "sms", "voice")
    mail = deliveries(both_api, "officer", made["id"])["email"]
    assert {"id", "customers", "channel", "address", "state", "outcome", "because", "attempts"} <= mail.keys()
    assert (mail["customers"], mail["address"], mail["state"]) == (["ana"], "ana@simon.example", "accepted")
    assert mail["because"]
    (attempt,) = mail["attempts"]
    assert attempt.pop("provider_ref").startswith("ref ")
    assert attempt == {
        "n": 1, "provider": "scripted", "state": "accepted", "error": None,
        "started_at": "2026-11-20T09:30:00Z", "settled_at": "2026-11-20T09:30:00Z",
    }  # fmt: skip


def test_deliveries_by_state_and_channel(bank_api: Api) -> None:
    made = bank_api.released()
    send(bank_api, "email")
    assert set(deliveries(bank_api, "officer", made["id"], "?state=accepted")) == {"email"}
    assert set(deliveries(bank_api, "officer", made["id"], "?state=queued&channel=sms")) == {"sms"}
    path = f"/messages/{made['id']}/deliveries?state=sent&channel=pigeon"
    assert set(wrong(bank_api.ask("officer", "GET", path))) == {"state", "channel"}


def test_a_failed_delivery_still_says_whom_it_was_for(both_api: Api) -> None:
    def refuse(one: Outbound) -> Outcome:
        return Outcome(one.attempt, "rejected", decision="fall-back", code="21614", error="not a mobile number")

    both_api.bank.providers["sms"].answer = refuse
    made = both_api.released(lists=["semis"])
    send(both_api, "sms")
    found = both_api.ask("officer", "GET", f"/messages/{made['id']}/deliveries").get_json()["items"]
    sms = next(one for one in found if one["channel"] == "sms")
    assert (sms["state"], sms["customers"]) == ("rejected", ["bob"])
    assert sms["attempts"][0]["error"] == "not a mobile number"
    fallback = next(one for one in found if one["address"] == "bob@simon.example")
    assert (fallback["customers"], fallback["state"]) == (["bob"], "queued")
    assert "fallback" in fallback["because"]


def test_two_who_share_a_contact_point_share_its_delivery(both_api: Api) -> None:
    stranger(both_api, "other-rep", "rep")
    with both_api.session() as session:
        owner = session.query(Staff).filter_by(email="other-rep@bank.example").one()
        desk = Customer(
            key="desk", name="Desk", rep_id=owner.id,
            contact_points=[ContactPoint(channel="voice", address="+12025550102")],
        )  # fmt: skip
        session.add(desk)
        session.flush()
        top = session.query(ListMember).filter_by(customer_id=both_api.bank.ids["cleo"]).one().list_id
        session.add(ListMember(list_id=top, customer_id=desk.id))
        session.commit()
    made = both_api.released()
    assert deliveries(both_api, "officer", made["id"])["voice"]["customers"] == ["cleo", "desk"]
    # Each representative sees their own customers and nobody else's.
    assert deliveries(both_api, "rep", made["id"])["voice"]["customers"] == ["cleo"]
    assert {name: one["customers"] for name, one in deliveries(both_api, "other-rep", made["id"]).items()} == {
        "voice": ["desk"]
    }
    path = f"/messages/{made['id']}/recipients"
    assert [one["customer"] for one in both_api.ask("other-rep", "GET", path).get_json()["items"]] == ["desk"]


@pytest.mark.parametrize("who", ["analyst", "officer", "admin", "rep"])
def test_an_address_is_whole_for_who_wrote_decides_or_looks_after_it(bank_api: Api, who: str) -> None:
    made = bank_api.released()
    assert deliveries(bank_api, who, made["id"])["sms"]["address"] == "+12025550101"


def test_an_address_is_masked_for_other_analysts(bank_api: Api) -> None:
    stranger(bank_api, "passer-by", "analyst")
    made = bank_api.released()
    found = deliveries(bank_api, "passer-by", made["id"])
    assert (found["sms"]["address"], found["email"]["address"]) == ("+12…01", "a…@simon.example")


def test_recipients_and_who_is_out_of_reach(both_api: Api) -> None:
    with both_api.session() as session:
        session.query(ContactPoint).filter_by(customer_id=both_api.bank.ids["cleo"]).delete()
        session.commit()
    made = both_api.released()
    path = f"/messages/{made['id']}/recipients"
    found = {one["customer"]: one for one in both_api.ask("analyst", "GET", path).get_json()["items"]}
    assert set(found) == {"ana", "bob", "cleo"}
    assert (found["bob"]["channel"], found["bob"]["state"], found["cleo"]["delivery"]) == ("sms", "queued", None)
    lost = both_api.ask("analyst", "GET", f"{path}?reachable=false").get_json()["items"]
    assert [one["customer"] for one in lost] == ["cleo"]
    assert len(both_api.ask("analyst", "GET", f"{path}?reachable=true").get_json()["items"]) == 2
    report = both_api.ask("rep", "GET", f"/messages/{made['id']}/report").get_json()
    assert (report["recipients"], report["unreachable"]) == (3, 1)


def test_the_report_has_the_public_shape(both_api: Api) -> None:
    made = both_api.released()
    both_api.bank.time.pass_by(3)
    send(both_api, "email")
    told = both_api.ask("rep", "GET", f"/messages/{made['id']}/report").get_json()
    assert {
        "approved_at", "released_at", "first_accepted_at", "last_accepted_at", "spread_seconds", "by_channel", "replies"
    } <= told.keys()  # fmt: skip
    assert told["released_at"] == "2026-11-20T09:30:00Z"
    assert told["first_accepted_at"] == told["last_accepted_at"] == "2026-11-20T09:30:03Z"
    assert told["by_channel"]["email"] == {
        "deliveries": 1, "accepted": 1, "delivered": 0, "failed": 0, "held": 0, "first": 3.0, "p50": 3.0, "p95": 3.0,
        "last": 3.0, "spread_seconds": 0.0,
    }  # fmt: skip
    assert told["by_channel"]["sms"]["p50"] is None
    assert {"seed", "evenness", "by_firm", "by_list", "held", "expired"} <= told.keys()
    assert told["seed"] > 0
    assert told["evenness"]["verdict"] == "cannot say"
    assert [one["firm"] for one in told["by_firm"]] == ["Simon LLC"]
    assert {one["list"] for one in told["by_list"]} == {"semis", "top"}
    assert (told["held"], told["expired"], told["fallbacks"]) == (0, 0, 0)
