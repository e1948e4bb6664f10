"""The door: what is authentic is kept raw before it is answered, what is not changes nothing, mail is never lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from redis import Redis
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from dispatcher.model import Callback, CapUse, ProviderEvent, Reply, Suppression
from dispatcher.model.telephone import Verb
from dispatcher.services import callbacks
from tests.webhooks.world import LINE, PUBLIC_URL, SID, World
from webhooks import lines
from webhooks.refusals import REFUSED

STATUS = {"MessageSid": "SM" + "a" * 32, "MessageStatus": "delivered", "To": "+12025550101"}


def test_a_text_message_is_kept_raw_and_answered_with_an_empty_document(world: World) -> None:
    answer = world.sms("+12025550101", "call me", "SM" + "1" * 32)
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    assert "<Response" in answer.text
    assert "Message" not in answer.text
    with world.runtime.sessions() as session:
        callback = session.scalars(select(Callback)).one()
        assert callback.state == "new"
        assert b"call+me" in callback.body
        assert callback.dedupe.startswith("twilio:sms:")
        assert world.bank.bells.rings == [callbacks.RING]


def test_copies_are_answered_alike_and_kept_once(world: World) -> None:
    answers = [world.sms("+12025550101", "call me", "SM" + "1" * 32) for _ in range(4)]
    assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
    assert world.count(Callback) == 1
    assert len(world.bank.bells.rings) == 1


def test_status_and_events_are_answered_with_nothing(light: World) -> None:
    assert light.twilio("sms-status?attempt=" + "0" * 32, STATUS).status_code == 204
    answer = light.events({"event": "delivered", "email": "a@b.example", "timestamp": 1795168705, "sg_event_id": "x"})
    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize("what", ["sms", "sms-status", "voice", "call-status", "recording-status"])
def test_a_forged_post_is_refused_and_changes_nothing(light: World, valkey: str, what: str) -> None:
    object.__setattr__(light.runtime, "redis", Redis.from_url(valkey))
    form = {"MessageSid": "SM1", "From": "+12025550101", "Body": "STOP", "CallSid": "CA1", "MessageStatus": "delivered"}
    for made in (
        light.twilio(what, form, token="x" * 32),
        light.client.post(f"/webhooks/twilio/{what}", data=urlencode(form)),
        light.client.post(f"/webhooks/twilio/{what}", data=b"\xff\xfe%"),
    ):
        assert made.status_code == 403
        assert "Set-Cookie" not in made.headers
    light.work()
    assert [light.count(table) for table in (Callback, ProviderEvent, Reply, Suppression)] == [0, 0, 0, 0]
    assert light.runtime.redis.hgetall(REFUSED) == {f"twilio/{what}".encode(): b"3"}


def test_every_signed_field_counts(light: World) -> None:
    """A captured post with one value changed, or brought to another address, is forged."""
    form = {"AccountSid": SID, **STATUS, "From": "+12025550101"}
    signature = light.validator.compute_signature(f"{PUBLIC_URL}/webhooks/twilio/sms-status?attempt=a", form)

    def post(target: str, fields: dict[str, str]) -> int:
        headers = {"X-Twilio-Signature": signature}
        return light.client.post(
            target, data=urlencode(fields), headers=headers, content_type="application/x-www-form-urlencoded"
        ).status_code

    right = "/webhooks/twilio/sms-status?attempt=a"
    for name in form:
        assert post(right, {**form, name: form[name] + "x"}) == 403, name
        assert post(right, {key: value for key, value in form.items() if key != name}) == 403, name
    assert post(right, {**form, "More": "1"}) == 403
    assert post("/webhooks/twilio/sms?attempt=a", form) == 403
    assert post("/webhooks/twilio/sms-status?attempt=b", form) == 403
    assert post(right, form) == 204


def test_a_forged_event_is_refused(light: World) -> None:
    event = {"event": "spamreport", "email": "ana@simon.example", "timestamp": 1795168705, "sg_event_id": "x"}
    assert light.events(event, forged=True).status_code == 403
    assert light.events().status_code == 204
    assert light.client.post("/webhooks/sendgrid/events", json=[event]).status_code == 403
    light.work()
    assert light.count(Suppression) == 0


@pytest.mark.parametrize(
    "target",
    ["sms?x=%C3%A9%20+y&empty=&b=%2B1", "sms?b=2&a=1", "sms?q=a%2Fb"],
)
def test_the_signature_is_judged_on_the_raw_address(light: World, target: str) -> None:
    url = f"{PUBLIC_URL}/webhooks/twilio/{target}"
    form = {"AccountSid": SID, "MessageSid": "SM9", "From": "+12025550101", "To": "+12025550100", "Body": "hi"}
    answer = light.client.post(
        f"/webhooks/twilio/{target}",
        data=urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": light.validator.compute_signature(url, form), "Host": "evil.example"},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "raw",
    ["/prefix/webhooks/twilio/sms?a=1", "http://10.0.0.1:8000/webhooks/twilio/sms?a=1", "/webhooks/twilio/sms?a=1"],
)
def test_what_a_proxy_puts_in_front_does_not_matter(light: World, raw: str) -> None:
    form = {"AccountSid": SID, "MessageSid": "SM9", "From": "+12025550101", "To": "+12025550100", "Body": "hi"}
    signature = light.validator.compute_signature(f"{PUBLIC_URL}/webhooks/twilio/sms?a=1", form)
    answer = light.client.post(
        "/webhooks/twilio/sms?a=1",
        data=urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature},
        environ_overrides={"RAW_URI": raw, "REQUEST_URI": raw},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhooks/twilio/sms", 405),
        ("PUT", "/webhooks/sendgrid/inbound", 405),
        ("OPTIONS", "/webhooks/twilio/sms", 405),
        ("POST", "/webhooks/nobody/sms", 404),
        ("POST", "/webhooks/twilio/", 404),
        ("POST", "/webhooks//twilio/sms", 404),
        ("POST", "/webhooks/sendgrid/voice", 404),
        ("POST", "/webhooks/nobody/inbound", 503),
        ("POST", "/webhooks/sendgrid/inbound", 503),
        ("POST", "/webhooks/sendgrid/inbound/wrong-secret", 503),
    ],
)
def test_addresses(light: World, method: str, path: str, status: int) -> None:
    answer = light.client.open(path, method=method, data=b"" if method == "POST" else None)
    assert answer.status_code == status
    assert "Location" not in answer.headers


def test_mail_that_is_refused_is_asked_for_again(light: World) -> None:
    light.alert()
    refused = light.mail("ana@simon.example", "x@in.bank.example", "hello", secret="wrong")
    assert refused.status_code == 503
    whole = light.mail("ana@simon.example", "x@in.bank.example", "hello")
    assert whole.status_code == 204
    cut_off = light.client.post(
        "/webhooks/sendgrid/inbound/mail-secret",
        data=b'--xYzZY\r\nContent-Disposition: form-data; name="headers"\r\n\r\nFrom: a@b.ex',
        content_type="multipart/form-data; boundary=xYzZY",
    )
    assert cut_off.status_code == 204, "it came whole as far as its length tells: asked again, the same would come"
    assert light.count(Callback) == 2


def test_large_mail_is_taken_and_what_is_too_large_is_asked_for_again(light: World) -> None:
    assert light.mail("ana@simon.example", "x@in.bank.example", "word " * 200_000).status_code == 204
    too_large = light.client.post(
        "/webhooks/sendgrid/inbound", data=b"x", environ_overrides={"CONTENT_LENGTH": str(50 * 1024 * 1024)}
    )
    assert too_large.status_code == 503
    too_large = light.client.post(
        "/webhooks/sendgrid/events", data=b"x", environ_overrides={"CONTENT_LENGTH": str(50 * 1024 * 1024)}
    )
    assert too_large.status_code == 413


def test_secrets_are_not_written_down(light: World) -> None:
    light.mail("ana@simon.example", "x@in.bank.example", "hello")
    with light.runtime.sessions() as session:
        callback = session.scalars(select(Callback)).one()
        assert "mail-secret" not in str(callback.headers) + callback.query
        assert "authorization" not in callback.headers
        assert callbacks.as_request(callback).headers["content-type"].startswith("multipart/form-data")


@pytest.mark.parametrize("post", ["sms", "mail", "voice"])
def test_without_a_database_everything_is_asked_for_again(light: World, post: str) -> None:
    with light.runtime.sessions() as session:
        session.execute(text("DROP TABLE provider_events"))
        session.execute(text("DROP TABLE callbacks"))
        session.commit()
    if post == "sms":
        assert light.sms("+12025550101", "hi").status_code == 503
    elif post == "mail":
        assert light.mail("ana@simon.example", "x@in.bank.example", "hello").status_code == 503
    else:
        assert light.voice().status_code == 503


class Aborted(Exception):
    """What a database says that ends one of two transactions which wait for each other."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "times", "status", "asked"),
    [("40P01", 1, 200, 2), ("40001", 2, 200, 3), ("40P01", 3, 503, 3), ("57P01", 1, 503, 1)],
)
def test_a_step_of_a_call_that_gave_way_to_another_is_taken_again(
    world: World, monkeypatch: pytest.MonkeyPatch, sqlstate: str, times: int, status: int, asked: int
) -> None:
    tried: list[int] = []

    def answer(*about: Any) -> Sequence[Verb]:
        verbs = answered(*about)
        tried.append(1)
        if len(tried) <= times:
            raise OperationalError("", {}, Aborted(sqlstate))
        return verbs

    answered = lines.answer
    monkeypatch.setattr(lines, "answer", answer)
    heard = world.voice(From="+12025550102", To=LINE, Direction="inbound")
    assert (heard.status_code, len(tried)) == (status, asked)
    assert world.count(Callback) == (status == 200)
    assert ("<Say" in heard.text) == (status == 200)
    with world.runtime.sessions() as session:
        assert sum(session.scalars(select(CapUse.used))) == (status == 200), "it is counted as one call"


def test_an_adapter_that_raises_is_a_no(light: World) -> None:
    class Broken:
        def verify(self, request: object) -> bool:
            raise ZeroDivisionError

    adapters = dataclasses.replace(light.runtime.adapters, sources={"twilio": Broken()})
    object.__setattr__(light.runtime, "adapters", adapters)
    assert light.sms("+12025550101", "hi").status_code == 403


def test_what_nobody_understands_is_kept_and_shown(world: World) -> None:
    assert world.twilio("something-new", {"A": "1"}).status_code == 204
    world.work()
    with world.runtime.sessions() as session:
        assert session.scalars(select(Callback)).one().state == "unrecognised"
