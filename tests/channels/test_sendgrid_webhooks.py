"""SendGrid's events: only signed ones pass, and one that makes no sense loses no other."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from channels.sendgrid_webhooks import SendGridWebhooks
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import WebRequest
from dispatcher.settings import SettingsError
from tests.channels.vendors import settings

KEY = ec.generate_private_key(ec.SECP256R1())
DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PUBLIC = base64.b64encode(DER).decode()
SECRET = "s3cret-pässword/with+signs"
CASES = json.loads((Path(__file__).parent / "payloads" / "sendgrid_events.json").read_text())
EVENTS = "/webhooks/sendgrid/events"
INBOUND = "/webhooks/sendgrid/inbound"
FORM = {"content-type": "multipart/form-data; boundary=xYzZY"}


def source(**more: Any) -> SendGridWebhooks:
    return SendGridWebhooks(
        settings(**{"sendgrid_event_public_key": PUBLIC, "sendgrid_inbound_secret": SECRET, **more})
    )


def signature(body: bytes, timestamp: str = "1795168705") -> dict[str, str]:
    made = KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(made).decode(),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }


def basic(password: str, user: str = "inbound") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


BODY = json.dumps([{"event": "delivered", "reason": "Grüße"}], ensure_ascii=False).encode() + b"\r\n"


@pytest.mark.parametrize("body", [BODY, b"", b"[]\r\n", b'[{"a": "\xff\xfe"}]'])
def test_a_signed_one_passes_whatever_its_bytes(body: bytes) -> None:
    assert source().verify(WebRequest("POST", EVENTS, signature(body), body))


def test_the_key_may_come_as_a_file_holds_it() -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    one = source(sendgrid_event_public_key=pem)
    assert one.verify(WebRequest("POST", EVENTS, signature(BODY), BODY))


RIGHT = signature(BODY)
SIGNATURE, TIME = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
FORGED: list[tuple[str, WebRequest]] = [
    ("nothing", WebRequest("POST", EVENTS, {}, BODY)),
    ("no timestamp", WebRequest("POST", EVENTS, {SIGNATURE: RIGHT[SIGNATURE]}, BODY)),
    ("another timestamp", WebRequest("POST", EVENTS, {**RIGHT, TIME: "1795168706"}, BODY)),
    ("another body", WebRequest("POST", EVENTS, RIGHT, BODY.replace(b"delivered", b"bounce"))),
    ("without its last line end", WebRequest("POST", EVENTS, RIGHT, BODY.strip())),
    ("no base64", WebRequest("POST", EVENTS, {**RIGHT, SIGNATURE: "not base64!"}, BODY)),
    ("no signature in it", WebRequest("POST", EVENTS, {**RIGHT, SIGNATURE: "AAAA"}, BODY)),
    ("letters beyond ASCII", WebRequest("POST", EVENTS, {**RIGHT, SIGNATURE: "подпись"}, BODY)),
    ("our password instead", WebRequest("POST", EVENTS, basic(SECRET), BODY)),
    ("our secret instead", WebRequest("POST", f"{EVENTS}?secret=x", basic(SECRET), BODY)),
    ("GET", WebRequest("GET", EVENTS, RIGHT, BODY)),
    ("events as mail", WebRequest("POST", INBOUND, {**RIGHT, "content-type": "application/json"}, BODY)),
    ("mail, wrong password", WebRequest("POST", INBOUND, {**FORM, **basic("wrong")}, b"x")),
    ("mail, password as user", WebRequest("POST", INBOUND, {**FORM, **basic("", SECRET)}, b"x")),
    ("mail, no password", WebRequest("POST", INBOUND, FORM, b"x")),
    ("mail, empty password", WebRequest("POST", INBOUND, {**FORM, **basic("")}, b"x")),
    ("mail, broken header", WebRequest("POST", INBOUND, {**FORM, "authorization": "Basic !!!"}, b"x")),
    ("mail, bearer", WebRequest("POST", INBOUND, {**FORM, "authorization": f"Bearer {SECRET}"}, b"x")),
    ("mail, empty secret in the address", WebRequest("POST", f"{INBOUND}?secret=", FORM, b"x")),
    ("mail, empty path", WebRequest("POST", f"{INBOUND}/", FORM, b"x")),
    ("mail, wrong path", WebRequest("POST", f"{INBOUND}/x", FORM, b"x")),
]


@pytest.mark.parametrize("forged", [one for _, one in FORGED], ids=[name for name, _ in FORGED])
def test_a_forged_one_does_not(forged: WebRequest) -> None:
    assert source().verify(forged) is False


SECRETS = [
    WebRequest("POST", INBOUND, {**FORM, **basic(SECRET)}, b"x"),
    WebRequest("POST", INBOUND, {**FORM, **basic(SECRET, "anybody")}, b"x"),
    WebRequest("POST", f"{INBOUND}?secret=s3cret-p%C3%A4ssword%2Fwith%2Bsigns", FORM, b"x"),
    WebRequest("POST", f"{INBOUND}/s3cret-p%C3%A4ssword%2Fwith%2Bsigns", FORM, b"x"),
    WebRequest("POST", INBOUND, {**FORM, **signature(b"x")}, b"x"),
]


@pytest.mark.parametrize("true", SECRETS)
def test_mail_passes_with_our_secret_or_their_signature(true: WebRequest) -> None:
    assert source().verify(true)


@pytest.mark.parametrize("true", SECRETS[:4])
def test_without_a_secret_set_none_passes(true: WebRequest) -> None:
    one = source(sendgrid_inbound_secret="")
    assert not one.verify(true)
    assert not one.verify(WebRequest("POST", f"{INBOUND}?secret=", {**FORM, **basic("")}, b"x"))


def test_without_a_key_no_event_passes() -> None:
    assert not source(sendgrid_event_public_key="").verify(WebRequest("POST", EVENTS, signature(BODY), BODY))


def test_without_key_and_secret_there_is_no_door() -> None:
    with pytest.raises(NotConfigured, match="SENDGRID_EVENT_PUBLIC_KEY"):
        source(sendgrid_event_public_key="", sendgrid_inbound_secret="")


@pytest.mark.parametrize("key", ["nonsense", "AAAA", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(SettingsError, match="SENDGRID_EVENT_PUBLIC_KEY"):
        source(sendgrid_event_public_key=key)


@given(body=st.binary(max_size=200), text=st.text(max_size=40), target=st.text(max_size=60))
def test_verifying_never_fails_in_another_way(body: bytes, text: str, target: str) -> None:
    headers = {SIGNATURE: text, TIME: text, "authorization": text, "content-type": text}
    for path in (target, EVENTS, f"{INBOUND}/{target}", f"{INBOUND}?secret={target}"):
        assert source().verify(WebRequest("POST", path, headers, body)) is False


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_sendgrid_says_in_our_words(case: dict[str, Any]) -> None:
    events = source().parse("events", WebRequest("POST", EVENTS, {}, json.dumps([case["event"]]).encode())).events
    assert len(events) == len(case["said"])
    for event, said in zip(events, case["said"], strict=True):
        for name, value in said.items():
            found = getattr(event, name)
            assert (found.isoformat() if isinstance(found, datetime) else found) == value, name
        assert event.at.tzinfo is UTC
        assert 0 < len(event.dedupe) <= 150


BROKEN: list[Any] = [
    None,
    7,
    "delivered",
    [],
    {},
    {"event": None},
    {"event": ["x"], "timestamp": "x"},
    {"event": "delivered", "timestamp": "soon"},
    {"event": "delivered", "timestamp": 1e300},
    {"event": "delivered", "timestamp": [1]},
    {"email": "a@b.example"},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_one_that_makes_no_sense_loses_no_other(broken: Any) -> None:
    good = [case["event"] for case in CASES[:2]]
    body = json.dumps([good[0], broken, good[1]]).encode()
    events = source().parse("events", WebRequest("POST", EVENTS, {}, body)).events
    assert [event.state for event in events] == ["delivered", "unrecognised", "accepted"]
    assert len({event.dedupe for event in events}) == 3


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{", b"\xff\xfe"])
def test_what_is_no_array_says_nothing(body: bytes) -> None:
    parsed = source().parse("events", WebRequest("POST", EVENTS, {}, body))
    assert (parsed.events, parsed.replies) == ((), ())


def test_a_single_event_is_read_too() -> None:
    body = json.dumps(CASES[0]["event"]).encode()
    assert source().parse("events", WebRequest("POST", EVENTS, {}, body)).events[0].state == "delivered"


def test_an_event_without_an_id_has_the_same_key_in_every_copy() -> None:
    event = {"event": "delivered", "email": "a@b.example", "timestamp": 1795168705}
    bodies = [json.dumps([event]), json.dumps([dict(reversed(event.items()))])]
    keys = {source().parse("events", WebRequest("POST", EVENTS, {}, one.encode())).events[0].dedupe for one in bodies}
    assert len(keys) == 1


def test_what_is_neither_event_nor_mail_says_nothing() -> None:
    parsed = source().parse("account", WebRequest("POST", "/webhooks/sendgrid/account", {}, BODY))
    assert (parsed.events, parsed.replies) == ((), ())


def test_copies_of_a_post_have_one_key() -> None:
    one = WebRequest("POST", EVENTS, signature(BODY, "1"), BODY)
    again = WebRequest("POST", EVENTS, signature(BODY, "2"), BODY)
    other = WebRequest("POST", EVENTS, signature(BODY + b" "), BODY + b" ")
    assert source().dedupe("events", one) == source().dedupe("events", again) != source().dedupe("events", other)
    assert len(source().dedupe("events", one)) <= 150
