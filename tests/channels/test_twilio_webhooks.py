"""Twilio's webhooks: only true ones pass, and each says in our words what it says in Twilio's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.twilio_webhooks import TwilioWebhooks
from dispatcher.model.ports import WebRequest
from tests.channels.vendors import ACCOUNT, settings

TOKEN = "secret-token-of-the-account"
CASES = json.loads((Path(__file__).parent / "payloads" / "twilio.json").read_text())


def source(public_url: str = "https://alerts.bank.example") -> TwilioWebhooks:
    return TwilioWebhooks(settings(public_url=public_url))


def request(what: str, body: str, query: str = "", **headers: str) -> WebRequest:
    target = f"/webhooks/twilio/{what}" + (f"?{query}" if query else "")
    return WebRequest("POST", target, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())


def signed(url: str, form: dict[str, str], target: str, **more: Any) -> WebRequest:
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    body = more.pop("body", urlencode(form).encode())
    headers = {"x-twilio-signature": signature, **more.pop("headers", {})}
    return WebRequest(more.pop("method", "POST"), target, headers, body)


FORM = {"AccountSid": ACCOUNT, "Body": "Grüße & <b>=+%2B 👀", "FromCity": "", "MessageSid": "SM1", "a": "1", "B": "2"}
PLAIN = "/webhooks/twilio/sms"
TRUE = [
    # PUBLIC_URL, the address Twilio signed, the target we saw
    ("https://alerts.bank.example", f"https://alerts.bank.example{PLAIN}", PLAIN),
    ("https://alerts.bank.example", f"https://alerts.bank.example:443{PLAIN}", PLAIN),
    ("https://alerts.bank.example/", f"https://alerts.bank.example{PLAIN}", PLAIN),
    ("https://alerts.bank.example:8443", f"https://alerts.bank.example:8443{PLAIN}", PLAIN),
    ("https://alerts.bank.example:8443", f"https://alerts.bank.example{PLAIN}", PLAIN),
    ("http://localhost:8000", f"http://localhost:8000{PLAIN}", PLAIN),
    ("http://[::1]:8000", f"http://[::1]:8000{PLAIN}", PLAIN),
    ("https://bank.example/alerts", f"https://bank.example/alerts{PLAIN}", PLAIN),
    ("https://bank.example", f"https://bank.example{PLAIN}?d=%C3%A9&x=a+b&y=", f"{PLAIN}?d=%C3%A9&x=a+b&y="),
    ("https://bank.example", f"https://bank.example{PLAIN}?attempt=1", f"{PLAIN}?attempt=1#rc=3&rp=all"),
]


@pytest.mark.parametrize(("public_url", "url", "target"), TRUE)
def test_a_true_one_passes(public_url: str, url: str, target: str) -> None:
    assert source(public_url).verify(signed(url, FORM, target))


def test_it_is_what_the_official_validator_says() -> None:
    url = "https://alerts.bank.example/webhooks/twilio/sms?attempt=1"
    true = signed(url, FORM, "/webhooks/twilio/sms?attempt=1")
    assert RequestValidator(TOKEN).validate(url, FORM, true.headers["x-twilio-signature"])
    assert source().verify(true)


URL = f"https://alerts.bank.example{PLAIN}"
OTHER = {**FORM, "AccountSid": "AC" + "0" * 32}
FORGED: list[tuple[str, WebRequest]] = [
    ("no signature", WebRequest("POST", PLAIN, {}, urlencode(FORM).encode())),
    ("an empty signature", WebRequest("POST", PLAIN, {"x-twilio-signature": ""}, urlencode(FORM).encode())),
    ("a signature of no Latin letters", signed(URL, FORM, PLAIN, headers={"x-twilio-signature": "подпись€"})),
    ("another address", signed(f"https://evil.example{PLAIN}", FORM, PLAIN)),
    ("another scheme", signed(f"http://alerts.bank.example{PLAIN}", FORM, PLAIN)),
    ("another path", signed(f"{URL}-status", FORM, PLAIN)),
    ("another attempt", signed(f"{URL}?attempt=1", FORM, f"{PLAIN}?attempt=2")),
    ("a Host of its own", signed("https://evil.example" + PLAIN, FORM, PLAIN, headers={"host": "evil.example"})),
    ("one field more", signed(URL, FORM, PLAIN, body=urlencode({**FORM, "OptOutType": "STOP"}).encode())),
    ("one field less", signed(URL, FORM, PLAIN, body=urlencode({"AccountSid": ACCOUNT}).encode())),
    ("a field twice", signed(URL, FORM, PLAIN, body=urlencode([*FORM.items(), ("Body", FORM["Body"])]).encode())),
    ("a field twice with two values", signed(URL, FORM, PLAIN, body=urlencode([*FORM.items(), ("a", "2")]).encode())),
    ("no form", signed(URL, {}, PLAIN, body=b'{"AccountSid": "x"}')),
    ("no UTF-8", signed(URL, FORM, PLAIN, body=b"Body=%ff%fe&AccountSid=" + ACCOUNT.encode())),
    ("bytes beyond ASCII", signed(URL, FORM, PLAIN, body="Body=é".encode())),
    ("another account, truly signed", signed(URL, OTHER, PLAIN)),
    ("no account", signed(URL, {"Body": "x"}, PLAIN)),
    ("GET", signed(URL, FORM, PLAIN, method="GET")),
    ("a flood of fields", signed(URL, FORM, PLAIN, body="&".join(f"a{n}=1" for n in range(2000)).encode())),
]


@pytest.mark.parametrize("forged", [one for _, one in FORGED], ids=[name for name, _ in FORGED])
def test_a_forged_one_does_not(forged: WebRequest) -> None:
    assert source().verify(forged) is False


@given(body=st.binary(max_size=200), header=st.text(max_size=40), target=st.text(max_size=60))
def test_verifying_never_fails_in_another_way(body: bytes, header: str, target: str) -> None:
    assert source().verify(WebRequest("POST", target, {"x-twilio-signature": header}, body)) is False


@given(field=st.sampled_from(sorted(FORM)), change=st.text(min_size=1, max_size=5))
def test_every_field_is_protected(field: str, change: str) -> None:
    true = signed(URL, FORM, PLAIN)
    spoilt = {**FORM, field: FORM[field] + change}
    assert not source().verify(WebRequest("POST", PLAIN, true.headers, urlencode(spoilt, errors="replace").encode()))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_twilio_says_in_our_words(case: dict[str, Any]) -> None:
    came = request(case["what"], case["body"].replace("{account}", ACCOUNT), case["query"])
    parsed = source().parse(case["what"], came)
    for wanted, found in (
        (case.get("events", []), parsed.events),
        (case.get("replies", []), parsed.replies),
    ):
        assert len(found) == len(wanted)
        for one, fields in zip(found, wanted, strict=True):
            for name, value in fields.items():
                said = getattr(one, name)
                said = said.isoformat() if isinstance(said, datetime) else list(said) if name == "recipients" else said
                assert said == value, name
    assert all(event.at.tzinfo is UTC for event in parsed.events)
    assert len({event.dedupe for event in parsed.events}) == len(parsed.events)
    assert all(len(event.dedupe) <= 150 for event in parsed.events)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_copies_have_one_key_and_others_another(case: dict[str, Any]) -> None:
    body = case["body"].replace("{account}", ACCOUNT)
    came = request(case["what"], body, case["query"], i_twilio_idempotency_token="1")
    copy = request(case["what"], body, case["query"], i_twilio_idempotency_token="2")
    key = source().dedupe(case["what"], came)
    assert key == source().dedupe(case["what"], copy)
    assert key.startswith(case["what"])
    assert 0 < len(key) <= 150
    if case["what"].endswith("-status"):
        other = request(case["what"], body.replace("Status=", "Status=un"), case["query"])
        assert key != source().dedupe(case["what"], other)


def test_each_news_of_a_call_counts() -> None:
    keys = set()
    for number, status in enumerate(("initiated", "ringing", "in-progress", "completed")):
        body = f"CallSid=CA1&CallStatus={status}&SequenceNumber={number}&AccountSid={ACCOUNT}"
        keys.add(source().dedupe("call-status", request("call-status", body)))
    assert len(keys) == 4
