"""Texts and calls by Twilio: what leaves, what its answers mean, what a look-up finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels.http import Pool
from channels.twilio import ERRORS, judge, later
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from dispatcher.model.base import now
from dispatcher.model.ports import REPLY_TAG, Outbound, Outcome, Probe, Rendition
from dispatcher.settings import Settings
from tests.channels.stub import Answer, Stub, as_json, running, sid
from tests.channels.vendors import ACCOUNT, collect, content, outbounds, settings

SERVICE = "MG0a1b2c3d4e5f60718293a4b5c6d7e8f9"


class Listening(HttpClient):
    """Keeps what the SDK would send."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("twilio"), False)
        self.pairs: list[tuple[str, str]] = []

    def request(self, method: str, uri: str, params: Any = None, data: Any = None, *_: Any, **__: Any) -> Response:
        for name, value in (data or {}).items():
            self.pairs += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
        return Response(201, '{"sid": "SM1"}')


@pytest.fixture
def stub() -> Iterator[tuple[Stub, str]]:
    with running() as (found, url, _):
        found.answer = lambda came: as_json({"sid": sid("SM"), "status": "queued"}, 201)
        yield found, url


def run(provider: TwilioSms | TwilioVoice, batch: list[Outbound], **more: Any) -> list[Outcome]:
    async def send() -> list[Outcome]:
        try:
            return await collect(provider, content(**more), batch)
        finally:
            await provider.aclose()

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("sender", "named"),
    [("+13395550100", {"from_": "+13395550100"}), (SERVICE, {"messaging_service_sid": SERVICE})],
)
def test_a_text_is_what_the_official_client_would_send(
    stub: tuple[Stub, str], sender: str, named: dict[str, str]
) -> None:
    server, url = stub
    outbound = Outbound("ab" * 16, "+12025550143", reply_token="tok2en")
    run(TwilioSms(settings(url, twilio_sms_from=sender)), [outbound])
    theirs = Listening()
    Client(ACCOUNT, "token", http_client=theirs).messages.create(
        to="+12025550143",
        body="Flooding – pump house 3. https://alerts.bank.example/r/tok2en",
        validity_period=3600,
        status_callback=f"https://alerts.bank.example/webhooks/twilio/sms-status?attempt={'ab' * 16}#rc=3&rp=all",
        **named,
    )
    assert sorted(parse_qsl(server.came[0].body.decode())) == sorted(theirs.pairs)
    assert server.came[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert server.came[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_call_is_what_the_official_client_would_make(stub: tuple[Stub, str]) -> None:
    server, url = stub
    run(TwilioVoice(settings(url)), [Outbound("ab" * 16, "+12025550143")])
    theirs = Listening()
    webhooks = "https://alerts.bank.example/webhooks/twilio"
    Client(ACCOUNT, "token", http_client=theirs).calls.create(
        to="+12025550143",
        from_="+13395550101",
        url=f"{webhooks}/voice?attempt={'ab' * 16}",
        status_callback=f"{webhooks}/call-status?attempt={'ab' * 16}#rc=3&rp=all",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        machine_detection="DetectMessageEnd",
        timeout=25,
    )
    assert sorted(parse_qsl(server.came[0].body.decode())) == sorted(theirs.pairs)


def test_an_address_keeps_its_sender_and_all_senders_take_part(stub: tuple[Stub, str]) -> None:
    server, url = stub
    addresses = [f"+1202555{n}" for n in range(1000, 1040)]
    for _ in range(2):
        run(TwilioSms(settings(url)), outbounds(addresses))
    pairs = {(came.form["To"][0], came.form["From"][0]) for came in server.came}
    assert len(pairs) == 40
    assert {sender for _, sender in pairs} == {"+13395550100", "+13395550110"}


def test_everybody_gets_their_own_link_and_no_control_characters(stub: tuple[Stub, str]) -> None:
    server, url = stub
    batch = outbounds(["+12025550143", "+12025550144"])
    run(TwilioSms(settings(url)), batch, rendition=Rendition(text=f"Al\x07ert & more\r\n/r/{REPLY_TAG} {REPLY_TAG}"))
    bodies = {came.form["To"][0]: came.form["Body"][0] for came in server.came}
    assert bodies == {o.address: f"Alert & more\n/r/{o.reply_token} {o.reply_token}" for o in batch}


@pytest.mark.parametrize("text", ["", " \x00 ", "x" * 1601])
def test_a_text_that_nobody_can_get_costs_no_request(stub: tuple[Stub, str], text: str) -> None:
    server, url = stub
    outcomes = run(TwilioSms(settings(url)), outbounds(["+12025550143"]), rendition=Rendition(text=text))
    assert [(o.state, o.decision) for o in outcomes] == [("rejected", "person")]
    assert server.came == []


@pytest.mark.parametrize(("valid_for", "sent"), [(None, None), (1, "5"), (600, "600"), (90_000, "36000")])
def test_how_long_a_text_may_wait(stub: tuple[Stub, str], valid_for: int | None, sent: str | None) -> None:
    server, url = stub
    run(TwilioSms(settings(url)), outbounds(["+12025550143"]), valid_for=valid_for)
    assert server.came[0].form.get("ValidityPeriod", [None]) == [sent]


REFUSALS = [
    # HTTP status, Twilio's code → state, decision, mark
    (401, 20003, "failed", "stop-channel", ""),
    (403, None, "failed", "stop-channel", ""),
    (404, 20404, "failed", "stop-channel", ""),
    (401, 30002, "failed", "stop-channel", ""),
    (429, 20429, "deferred", "retry", ""),
    (400, 10004, "deferred", "retry", ""),
    (500, 20500, "unknown", "", ""),
    (503, 20503, "unknown", "", ""),
    (503, None, "unknown", "", ""),
    (408, None, "unknown", "", ""),
    (400, 21211, "rejected", "fall-back", "invalid"),
    (400, 21217, "rejected", "fall-back", "invalid"),
    (400, 21614, "rejected", "fall-back", "invalid"),
    (400, 21610, "rejected", "fall-back", "opt-out"),
    (400, 21408, "failed", "fall-back", ""),
    (400, 21215, "failed", "fall-back", ""),
    (400, 21612, "failed", "fall-back", ""),
    (400, 21606, "failed", "fall-back", ""),
    (400, 21611, "deferred", "retry", ""),
    (400, 30001, "deferred", "retry", ""),
    (400, 21617, "rejected", "person", ""),
    (400, 21703, "failed", "stop-channel", ""),
    (400, 21704, "failed", "stop-channel", ""),
    (400, 21705, "failed", "stop-channel", ""),
    (400, 99999, "rejected", "fall-back", ""),
    (409, None, "rejected", "fall-back", ""),
]


@pytest.mark.parametrize(("status", "code", "state", "decision", "mark"), REFUSALS)
def test_what_a_refusal_means(
    stub: tuple[Stub, str], status: int, code: int | None, state: str, decision: str, mark: str
) -> None:
    server, url = stub
    body = {"code": code, "message": "as it says", "more_info": "…", "status": status}
    server.answer = lambda came: as_json(body if code else {"message": "as it says"}, status)
    (outcome,) = run(TwilioSms(settings(url)), outbounds(["+12025550143"]))
    assert (outcome.state, outcome.decision, outcome.mark) == (state, decision, mark)
    assert outcome.code == str(code or status)
    assert outcome.error == "as it says"
    assert (outcome.retry_after is None) == (state != "deferred")
    verdict = judge(code, status)
    assert (verdict.state, verdict.decision, verdict.mark) == (state, decision, mark)


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"sid": null}', '{"sid": "SM1"}', '{"sid": "SM1", "sta', "<html>"])
def test_half_an_acceptance_is_in_doubt(stub: tuple[Stub, str], body: str) -> None:
    server, url = stub
    server.answer = lambda came: Answer(201, body, {"Content-Type": "application/json"})
    (outcome,) = run(TwilioSms(settings(url)), outbounds(["+12025550143"]))
    assert (outcome.state, outcome.decision) == ("unknown", "")


@pytest.mark.parametrize(("code", "mark"), [(30005, "invalid"), (30007, ""), (None, "")])
def test_a_message_that_fails_at_once_goes_another_way(stub: tuple[Stub, str], code: int | None, mark: str) -> None:
    server, url = stub
    made = {"sid": sid("SM"), "status": "failed", "error_code": code, "error_message": None}
    server.answer = lambda came: as_json(made, 201)
    (outcome,) = run(TwilioSms(settings(url)), outbounds(["+12025550143"]))
    assert (outcome.state, outcome.decision, outcome.mark) == ("failed", "fall-back", mark)
    assert (outcome.provider_ref, outcome.error) == (made["sid"], "failed")


def test_what_was_accepted_is_never_sent_again_on_its_channel() -> None:
    for code in (*ERRORS, None, 12345):
        verdict = later(code)
        assert (verdict.state, verdict.decision) == ("failed", "fall-back")
    assert later(30005).mark == "invalid"
    assert later(21610).mark == "opt-out"


def test_no_more_requests_at_once_than_allowed(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: Answer(201, f'{{"sid": "{sid("SM")}"}}', seconds=0.02)
    server.together = 3
    run(TwilioSms(settings(url, twilio_concurrent_requests=3)), outbounds([f"+1202555{n}" for n in range(1000, 1030)]))
    assert server.most_at_once == 3


def row(**more: Any) -> dict[str, Any]:
    base = {
        "sid": sid("SM"),
        "to": "+12025550143",
        "from": "+13395550100",
        "body": "Flooding - pump house 3. https://alerts.bank.example/r/abc23",
        "direction": "outbound-api",
        "date_created": 0,
    }
    return {**base, **more}


def dated(rows: list[Any]) -> list[Any]:
    """A number of seconds from now becomes a time as Twilio writes it."""

    def text(at: Any) -> Any:
        return format_datetime(now() + timedelta(seconds=at)) if isinstance(at, int) else at

    return [{**one, "date_created": text(one["date_created"])} if isinstance(one, dict) else one for one in rows]


OLD = -300
MESSAGES = [
    ([], "absent"),
    ([row()], "accepted"),
    ([row(direction="inbound")], "absent"),
    ([row(to="+12025550199")], "absent"),
    ([row(date_created=OLD)], "cannot say"),  # ours, where our clock was wrong
    ([row(date_created=3600)], "cannot say"),
    ([row(date_created=3600), row()], "accepted"),
    ([row(date_created=3 * -3600)], "absent"),
    ([row(date_created=None)], "absent"),
    ([row(body="Something else")], "absent"),
    ([row(body="Something else"), row()], "accepted"),
    ([row(body=None), "nonsense"], "absent"),
]


@pytest.mark.parametrize(("rows", "verdict"), MESSAGES)
@pytest.mark.parametrize("tagged", [True, False])
def test_a_look_up_of_a_text(stub: tuple[Stub, str], rows: list[Any], verdict: str, tagged: bool) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"messages": dated(rows)})
    text = f"Flooding – pump house 3. https://alerts.bank.example/r/{REPLY_TAG if tagged else 'abc23'}"
    found = look(TwilioSms(settings(url)), text)
    assert found[0] == verdict
    assert bool(found[1]) == (verdict == "accepted")
    assert {came.query.split("&")[0] for came in server.came} == {"To=%2B12025550143"}
    assert any("DateSent%3E=" in came.query for came in server.came)
    assert any("DateSent" not in came.query for came in server.came)


def test_a_text_still_in_the_queue_is_found_without_its_date(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"messages": [] if "DateSent" in came.query else dated([row()])})
    assert look(TwilioSms(settings(url)), row()["body"])[0] == "accepted"


CALLS = [
    ([], "absent"),
    ([row(**{"from": "+13395550101"})], "accepted"),
    ([row(**{"from": "+13395550101"}), row(**{"from": "+13395550101"})], "cannot say"),
    ([row(**{"from": "+13395550199"})], "absent"),
    ([row(**{"from": "+13395550101"}, direction="outbound-dial")], "absent"),
    ([row(**{"from": "+13395550101"}, date_created=OLD)], "absent"),
]


@pytest.mark.parametrize(("rows", "verdict"), CALLS)
def test_a_look_up_of_a_call(stub: tuple[Stub, str], rows: list[Any], verdict: str) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"calls": dated(rows)})
    assert look(TwilioVoice(settings(url)), "")[0] == verdict


@pytest.mark.parametrize(("made", "verdict"), [(1, "accepted"), (7000, "accepted"), (8000, "cannot say")])
def test_what_a_lost_past_sent_is_found_until_it_was_lost(stub: tuple[Stub, str], made: int, verdict: str) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"messages": dated([row(date_created=made)])})
    assert look(TwilioSms(settings(url)), row()["body"], latest=now() + timedelta(seconds=7200))[0] == verdict
    calls = dated([row(**{"from": "+13395550101"}, date_created=made)])
    server.answer = lambda came: as_json({"calls": calls})
    found = look(TwilioVoice(settings(url)), "", latest=now() + timedelta(seconds=7200))[0]
    assert found == ("absent" if verdict == "cannot say" else verdict)


def test_a_known_reference_is_asked_for_by_itself(stub: tuple[Stub, str]) -> None:
    server, url = stub
    known = sid("SM")
    server.answer = lambda came: as_json(row(sid=known))
    assert look(TwilioSms(settings(url)), "", known) == ("accepted", known, True)
    server.answer = lambda came: as_json({"code": 20404}, 404)
    assert look(TwilioSms(settings(url)), "", known)[0] == "cannot say"


def test_what_another_attempt_made_is_not_this_ones(stub: tuple[Stub, str]) -> None:
    server, url = stub
    texts = dated([row(sid=sid("SM")), row(sid=sid("SN"))])
    server.answer = lambda came: as_json({"messages": texts})
    both, one = frozenset({texts[0]["sid"], texts[1]["sid"]}), frozenset({texts[0]["sid"]})
    assert look(TwilioSms(settings(url)), row()["body"], others=one) == ("accepted", texts[1]["sid"], False)
    assert look(TwilioSms(settings(url)), row()["body"], others=both)[0] == "absent"
    calls = dated([row(**{"from": "+13395550101"}, sid=sid("CA")), row(**{"from": "+13395550101"}, sid=sid("CB"))])
    server.answer = lambda came: as_json({"calls": calls})
    both, one = frozenset({calls[0]["sid"], calls[1]["sid"]}), frozenset({calls[0]["sid"]})
    assert look(TwilioVoice(settings(url)), "", others=one) == ("accepted", calls[1]["sid"], False)
    assert look(TwilioVoice(settings(url)), "", others=both)[0] == "absent"


@pytest.mark.parametrize(
    ("rival", "verdict"),
    [
        ("Flooding - pump house 3! https://alerts.bank.example/r/abc23", "cannot say"),
        (f"Flooding, pump house 3. https://alerts.bank.example/r/{REPLY_TAG}", "cannot say"),
        ("Flooding - pump house 4. https://alerts.bank.example/r/abc23", "accepted"),
    ],
)
def test_what_another_in_doubt_would_have_sent_too_is_nobodys(stub: tuple[Stub, str], rival: str, verdict: str) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"messages": dated([row()])})
    assert look(TwilioSms(settings(url)), row()["body"], rivals=(rival,))[0] == verdict
    server.answer = lambda came: as_json({"messages": []})
    assert look(TwilioSms(settings(url)), row()["body"], rivals=(rival,))[0] == "absent"
    server.answer = lambda came: as_json({"calls": dated([row(**{"from": "+13395550101"})])})
    assert look(TwilioVoice(settings(url)), "", rivals=(rival,))[0] == "cannot say", "a call shows no words"
    server.answer = lambda came: as_json({"calls": []})
    assert look(TwilioVoice(settings(url)), "", rivals=(rival,))[0] == "absent"


def look(
    provider: TwilioSms | TwilioVoice,
    text: str,
    reference: str = "",
    latest: datetime | None = None,
    others: frozenset[str] = frozenset(),
    rivals: tuple[str, ...] = (),
) -> tuple[str, str, bool]:
    async def find() -> tuple[str, str, bool]:
        probe = Probe(
            "a" * 32, "+12025550143", text, "message-7", now(), reference, latest is not None, latest, others, rivals
        )
        try:
            found = await provider.find(probe)
            return found.verdict, found.provider_ref, found.own
        finally:
            await provider.aclose()

    return asyncio.run(find())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (as_json({"status": "active"}), ""),
        (as_json({"status": "suspended"}), "the Twilio account is suspended: ask Twilio"),
        (as_json({"code": 20003}, 401), "TWILIO_AUTH_TOKEN"),
        (Answer(200, "<html>"), "TWILIO_API_URL"),
    ],
)
def test_the_check_of_the_account(stub: tuple[Stub, str], answer: Answer, says: str) -> None:
    server, url = stub
    server.answer = lambda came: answer

    async def check() -> str:
        provider = TwilioVoice(settings(url), Pool())
        try:
            return await provider.check()
        finally:
            await provider.aclose()

    found = asyncio.run(check())
    assert says in found
    assert bool(says) == bool(found)


def test_secrets_show_nowhere(stub: tuple[Stub, str], caplog: pytest.LogCaptureFixture) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"code": 20003, "message": "Authenticate"}, 401)
    made: Settings = settings(url)
    outcomes = run(TwilioSms(made), outbounds(["+12025550143"]))
    shown = f"{outcomes} {made!r} {caplog.text}"
    assert "secret-token-of-the-account" not in shown
