"""Faxes by Telnyx: what leaves, how a doubt is looked up, where a document is fetched, and what its webhooks say."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.fax_page import draw, printable
from channels.http import Pool
from channels.telnyx import state_for
from channels.telnyx_fax import TelnyxFax
from channels.telnyx_webhooks import TelnyxWebhooks
from dispatcher.model.base import now
from dispatcher.model.errors import NotConfigured, ProviderError
from dispatcher.model.ports import CODE_TAG, Event, Found, Outbound, Probe, Rendition, WebRequest
from dispatcher.settings import SettingsError
from tests.channels.stub import Answer, Stub, as_json, running
from tests.channels.vendors import FAX_KEY, PATIENT, collect, content, settings

ATTEMPT, FAX, NUMBER = "7f" * 16, "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0", "+12025550188"
OURS = "+13395550104"


@pytest.fixture
def vendor() -> Iterator[tuple[Stub, str]]:
    with running() as (stub, url, _):
        yield stub, url


def with_provider(url: str, work: Callable[[TelnyxFax], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        provider = TelnyxFax(settings(url), Pool(PATIENT, PATIENT))
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def words(page: bytes) -> str:
    """What is drawn on a page, in its encoding, as it stands in the file."""
    return page.decode("latin-1")


def test_a_fax_leaves_with_its_page_and_our_id(vendor: tuple[Stub, str]) -> None:
    stub, url = vendor
    stub.answer = lambda came: as_json({"data": {"id": FAX}}, 202)
    text = f"Example Bank\n\nÜber 5 €\n\nKey the code {CODE_TAG}"
    what = content(rendition=Rendition(subject="Über 5 €", text=text))
    outbound = Outbound(ATTEMPT, NUMBER, code="123456789")
    (outcome,) = with_provider(url, lambda one: collect(one, what, [outbound]))
    assert (outcome.state, outcome.provider_ref) == ("accepted", FAX)
    (came,) = stub.posts()
    parts = came.parts
    page = words(parts.pop("contents"))
    assert came.headers["authorization"] == "Bearer KEY0123"
    assert {name: value.decode() for name, value in parts.items()} == {
        "connection_id": "234423",
        "from": OURS,
        "from_display_name": "Example Bank",
        "to": NUMBER,
        "quality": "high",
        "webhook_url": "https://alerts.bank.example/webhooks/telnyx/fax",
        "client_state": base64.b64encode(f"{ATTEMPT} message-7".encode()).decode(),
    }
    assert page.startswith("%PDF-")
    assert "Key the code 123456789" in page
    assert r"(\334ber 5 \200)" in page, "umlauts and the euro, in the encoding of the page's font"
    assert "Page 1 of 1" in page
    assert f"Your answer, by fax to {OURS}, code 123456789:" in page, "who sends back the last page alone is known"


def test_a_page_holds_what_it_can_and_goes_on_on_the_next() -> None:
    text = "\n".join(f"Line {n}" for n in range(100)) + "\n" + "x" * 300
    page = words(draw(text, "Alert", sender="Bank", number=OURS, at=now()))
    assert [f"Page {n} of 3" in page for n in (1, 2, 3)] == [True] * 3
    assert page.count("Your answer, by fax to") == 1
    assert all(f"(Line {n})" in page for n in range(100))
    assert page.count("x" * 20) > 1, "a long address is broken"
    assert printable("Łódź → „5 €“ ñ 漢") == "Lódz -> „5 €“ ñ ?"


@pytest.mark.parametrize(
    ("status", "pointer", "decision", "mark"),
    [
        (422, "/to", ("rejected", "fall-back"), "invalid"),
        (403, "/to", ("failed", "fall-back"), ""),
        (422, "/from", ("failed", "stop-channel"), ""),
        (422, "/connection_id", ("failed", "stop-channel"), ""),
        (422, "/quality", ("rejected", "person"), ""),
        (400, "", ("rejected", "person"), ""),
        (402, "", ("failed", "stop-channel"), ""),
        (408, "", ("unknown", ""), ""),
        (503, "", ("unknown", ""), ""),
    ],
)
def test_a_refusal_is_a_decision(
    vendor: tuple[Stub, str], status: int, pointer: str, decision: tuple[str, str], mark: str
) -> None:
    stub, url = vendor
    stub.answer = lambda came: as_json({"errors": [{"code": "1", "source": {"pointer": pointer}}]}, status)
    (one,) = with_provider(url, lambda it: collect(it, content(), [Outbound(ATTEMPT, NUMBER)]))
    assert ((one.state, one.decision), one.mark) == (decision, mark)


def row(attempt: str, category: str = "message-7", **more: Any) -> dict[str, Any]:
    return {"id": FAX, "to": NUMBER, "client_state": state_for(attempt, category), **more}


@pytest.mark.parametrize(
    ("rows", "any_attempt", "verdict"),
    [
        ([row("a" * 32), row(ATTEMPT)], False, "accepted"),
        ([row("a" * 32), {"id": "x", "client_state": "bm90IG91cnM="}, {}], False, "absent"),
        ([row("a" * 32)], True, "accepted"),
        ([row("a" * 32, "message-8")], True, "absent"),
        ([row("a" * 32, created_at="2999-01-01T00:00:00Z")], True, "absent"),
        ([], False, "absent"),
    ],
)
def test_a_doubt_is_looked_up_by_our_own_id(
    vendor: tuple[Stub, str], rows: list[Any], any_attempt: bool, verdict: str
) -> None:
    stub, url = vendor
    stub.answer = lambda came: as_json({"data": rows})
    probe = Probe(ATTEMPT, NUMBER, "text", "message-7", now(), any_attempt=any_attempt, latest=now())
    found = with_provider(url, lambda one: one.find(probe))
    own = verdict == "accepted" and not any_attempt
    assert found == Found(verdict, FAX if verdict == "accepted" else "", own)  # type: ignore[arg-type]
    probe = replace(probe, others=frozenset({FAX}))
    found = with_provider(url, lambda one: one.find(probe))
    assert found.verdict == ("accepted" if own else "absent"), "what is another's is not this one's"
    known = replace(probe, others=frozenset(), known=frozenset({"a" * 32}))
    assert with_provider(url, lambda one: one.find(known)).verdict == ("accepted" if own else "absent")
    assert "filter%5Bto%5D%5Beq%5D=%2B12025550188" in stub.came[0].query


def test_what_no_webhook_brought_is_listed_under_its_webhooks_key(vendor: tuple[Stub, str]) -> None:
    stub, url = vendor
    at = "2026-11-20T10:00:00Z"
    rows = [{"id": FAX, "status": "received", "from": NUMBER, "to": OURS, "created_at": at}, {"status": "receiving"}]
    stub.answer = lambda came: as_json({"data": rows})
    (one,) = with_provider(url, lambda it: it.received_between(now() - timedelta(hours=3), now()))
    source = TelnyxWebhooks(settings())
    (reply,) = source.parse("fax", one).replies
    assert (reply.sender, reply.message_ref, reply.received_at.isoformat()) == (
        NUMBER,
        FAX,
        "2026-11-20T10:00:00+00:00",
    )
    brought = event("fax.received", direction="inbound", **{"from": NUMBER}, to=OURS)
    assert source.dedupe("fax", one) == source.dedupe("fax", signed(brought))
    assert "filter%5Bdirection%5D%5Beq%5D=inbound" in stub.came[0].query
    stub.answer = lambda came: Answer(500)
    with pytest.raises(ProviderError, match="500"):
        with_provider(url, lambda it: it.received_between(now(), now()))


@pytest.mark.parametrize(
    ("media", "answer", "outcome"),
    [
        ("{api}/v2/faxes/media/1.pdf", Answer(200, b"%PDF-1"), b"%PDF-1"),
        ("{api}/v2/faxes/media/1.pdf", Answer(404), None),
        ("{api}/v2/faxes/media/1.pdf", Answer(500), "answered 500"),
        ("{api}/v2/faxes/media/1.pdf", Answer(302, headers={"Location": "http://127.0.0.1/"}), "answered 302"),
        ("", Answer(500), None),
        ("http://169.254.169.254/latest", Answer(200), "not its own"),
        ("https://telnyx.com.evil.example/1.pdf", Answer(200), "not its own"),
        ("https://s3.amazonaws.com/others/1.pdf", Answer(200), "not its own"),
        ("http://files.telnyx.com/1.pdf", Answer(200), "not its own"),
    ],
)
def test_a_document_is_fetched_from_the_vendors_hosts_alone(
    vendor: tuple[Stub, str], media: str, answer: Answer, outcome: bytes | str | None
) -> None:
    stub, url = vendor
    stub.checked = False  # the description knows no address of media
    fax = as_json({"data": {"id": FAX, "media_url": media.format(api=url)}})
    stub.answer = lambda came: fax if came.path == f"/v2/faxes/{FAX}" else answer
    if isinstance(outcome, str):
        with pytest.raises(ProviderError, match=outcome):
            with_provider(url, lambda one: one.fetch_document(FAX))
        return
    found = with_provider(url, lambda one: one.fetch_document(FAX))
    assert (found.content if found else None) == outcome
    assert all(came.headers["authorization"] == "Bearer KEY0123" for came in stub.came)


@pytest.mark.parametrize(
    ("lacking", "error"),
    [
        ("telnyx_api_key", NotConfigured),
        ("telnyx_connection_id", NotConfigured),
        ("telnyx_public_key", NotConfigured),
        ("fax_line", NotConfigured),
    ],
)
def test_half_a_setting_is_refused_by_its_name(lacking: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{lacking.upper()} is missing"):
        TelnyxFax(settings(**{lacking: ""}))


def test_a_key_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(SettingsError, match="TELNYX_PUBLIC_KEY"):
        TelnyxWebhooks(settings(telnyx_public_key="c2hvcnQ="))


# --- webhooks


def event(kind: str = "fax.delivered", number: str = "1", **payload: Any) -> bytes:
    base = {"fax_id": FAX, "direction": "outbound", "to": NUMBER, "client_state": state_for(ATTEMPT, "message-7")}
    at = now().astimezone(UTC).isoformat().replace("+00:00", "Z")
    data = {"event_type": kind, "id": number, "occurred_at": at, "payload": {**base, **payload}}
    return json.dumps({"data": data, "meta": {"attempt": 1}}).encode()


def signed(body: bytes, age: timedelta = timedelta(), **headers: str) -> WebRequest:
    at = str(int((now() - age).timestamp()))
    signature = base64.b64encode(FAX_KEY.sign(f"{at}|".encode() + body)).decode()
    given = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature, **headers}
    return WebRequest("POST", "/webhooks/telnyx/fax", given, body)


def test_only_what_they_signed_just_now_is_theirs() -> None:
    source, body = TelnyxWebhooks(settings()), event()
    good = signed(body)
    assert source.verify(good)
    assert source.verify(signed(body, timedelta(minutes=4)))
    bad = [
        signed(body, timedelta(minutes=6)),
        signed(body, timedelta(minutes=-6)),
        WebRequest("POST", good.target, good.headers, body + b" "),
        WebRequest("GET", good.target, good.headers, body),
        WebRequest("POST", good.target, {}, body),
        signed(body, **{"telnyx-signature-ed25519": "?"}),
        signed(body, **{"telnyx-timestamp": "now"}),
        signed(body, **{"telnyx-timestamp": str(int(now().timestamp()) - 1)}),
    ]
    assert [source.verify(one) for one in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    ("kind", "payload", "news"),
    [
        ("fax.queued", {}, ("accepted", "", "", "")),
        ("fax.media.processed", {}, ("accepted", "", "", "")),
        ("fax.sending.started", {}, ("accepted", "", "", "")),
        ("fax.delivered", {"page_count": 2}, ("delivered", "", "", "")),
        ("fax.failed", {"failure_reason": "user_busy"}, ("failed", "busy", "", "fall-back")),
        ("fax.failed", {"failure_reason": "receiver_no_answer"}, ("failed", "no-answer", "", "fall-back")),
        ("fax.failed", {"failure_reason": "receiver_unallocated_number"}, ("failed", "", "invalid", "fall-back")),
        ("fax.failed", {"failure_reason": "receiver_call_dropped"}, ("failed", "", "", "fall-back")),
        ("fax.failed", {"failure_reason": "something_new"}, ("failed", "", "", "fall-back")),
        ("fax.failed", {}, ("failed", "", "", "fall-back")),
        ("fax.renamed", {}, ("unrecognised", "", "", "")),
        ("fax.failed", {"direction": "inbound", "failure_reason": "carrier_lost"}, ("", "", "", "")),
    ],
)
def test_news_in_our_words(kind: str, payload: dict[str, Any], news: tuple[str, ...]) -> None:
    (one,) = TelnyxWebhooks(settings()).parse("fax", signed(event(kind, **payload))).events
    assert (one.state, one.outcome, one.mark, one.decision) == news
    if payload.get("direction") != "inbound":
        assert (one.attempt, one.provider_ref, one.address) == (ATTEMPT, FAX, NUMBER)


def test_an_account_that_is_stopped_is_news_of_its_own() -> None:
    events = TelnyxWebhooks(settings()).parse("fax", signed(event("fax.failed", failure_reason="account_disabled")))
    assert [(one.state, one.decision) for one in events.events] == [("failed", "fall-back"), ("", "stop-channel")]


def test_a_fax_that_came_is_a_reply_without_its_pages() -> None:
    body = event("fax.received", direction="inbound", **{"from": NUMBER}, to=OURS, page_count=2, media_url="http://x/")
    parsed = TelnyxWebhooks(settings()).parse("fax", signed(body))
    (one,) = parsed.replies
    assert (one.channel, one.sender, one.recipients, one.text) == ("fax", NUMBER, (OURS,), "Came by fax, 2 pages.")
    assert (one.message_ref, one.document, parsed.events) == (FAX, "fax.pdf", ())
    assert one.received_at <= datetime.now(UTC)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": []}', b'{"data": {"payload": {}}}', b"\xff"])
def test_what_cannot_be_read_is_nothing(body: bytes) -> None:
    source = TelnyxWebhooks(settings())
    assert source.parse("fax", signed(body)).events == ()
    assert source.dedupe("fax", signed(body))


def test_copies_have_one_key_and_other_events_another() -> None:
    source = TelnyxWebhooks(settings())
    again = event().replace(b'"attempt": 1', b'"attempt": 2')
    keys = [source.dedupe("fax", signed(body)) for body in (event(), again, event("fax.failed"), event(number="2"))]
    assert len(set(keys)) == 3
    assert keys[0] == keys[1]
    assert isinstance(source.parse("fax", signed(event())).events[0], Event)
