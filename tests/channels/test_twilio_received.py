"""The list of texts that people sent us, as Twilio gives it: all of it or none, and nothing that is not theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from channels.twilio_sms import TwilioSms
from channels.twilio_webhooks import TwilioWebhooks
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import NewsLog, TextLog, WebRequest
from tests.channels.stub import Answer, Came, Stub, as_json, running
from tests.channels.vendors import ACCOUNT, settings

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3)
BASE = f"/2010-04-01/Accounts/{ACCOUNT}"
OURS = "+13395550100"


def row(n: int, minutes: float = 10, **more: Any) -> dict[str, Any]:
    at = format_datetime(NOW - timedelta(minutes=minutes))
    return {
        "sid": f"SM{n:032x}", "from": "+12025550143", "to": OURS, "body": f"text {n}", "direction": "inbound",
        "status": "received", "num_media": "0", "date_sent": at, "date_created": at, **more,
    }  # fmt: skip


@dataclass
class Vendor:
    """The stub, and what each of our numbers was sent; pages of two."""

    stub: Stub
    url: str
    rows: dict[str, list[dict[str, Any]]]

    def answer(self, came: Came) -> Answer:
        query = {name: values[0] for name, values in parse_qs(came.query).items()}
        if came.path == f"{BASE}/IncomingPhoneNumbers.json":
            return as_json(
                {"incoming_phone_numbers": [{"phone_number": one} for one in self.rows], "next_page_uri": None}
            )
        page, found = int(query.get("Page", "0")), self.rows.get(query["To"], [])
        more = f"{BASE}/Messages.json?To={query['To'].replace('+', '%2B')}&PageSize=2&Page={page + 1}"
        some = found[page * 2 : page * 2 + 2]
        return as_json({"messages": some, "next_page_uri": more if len(found) > page * 2 + 2 else None})

    def received(self, **more: Any) -> Sequence[WebRequest]:
        async def ask() -> Sequence[WebRequest]:
            provider = TwilioSms(settings(self.url, **more))
            assert isinstance(provider, TextLog)
            try:
                return await provider.received_between(SINCE, NOW)
            finally:
                await provider.aclose()

        return asyncio.run(ask())


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running() as (stub, url, _):
        made = Vendor(stub, url, {})
        stub.answer = made.answer
        yield made


def sids(found: Sequence[WebRequest]) -> list[int]:
    return [int(parse_qs(one.body.decode())["MessageSid"][0][2:], 16) for one in found]


def test_it_is_read_as_its_webhook_would_have_been(vendor: Vendor) -> None:
    vendor.rows[OURS] = [row(1, body="Verkaufe 500 & mehr 👀", num_media="0")]
    (found,) = vendor.received()
    source = TwilioWebhooks(settings())
    (reply,) = source.parse("sms", found).replies
    assert (reply.text, reply.sender, reply.recipients) == ("Verkaufe 500 & mehr 👀", "+12025550143", (OURS,))
    assert reply.received_at == NOW - timedelta(minutes=10)
    webhook = WebRequest(
        "POST", "/webhooks/twilio/sms", {}, f"MessageSid=SM{1:032x}&From=%2B12025550143&Body=x".encode()
    )
    assert source.dedupe("sms", found) == source.dedupe("sms", webhook)


@pytest.mark.parametrize(("body", "keyword"), [(" Stop\n", "stop"), ("Stop.", ""), ('"STOP"', "")])
def test_a_bare_stop_is_one_without_the_vendor_s_word_for_it(vendor: Vendor, body: str, keyword: str) -> None:
    vendor.rows[OURS] = [row(1, body=body)]
    (found,) = vendor.received()
    assert TwilioWebhooks(settings()).parse("sms", found).replies[0].keyword == keyword


def test_every_page_of_every_number_oldest_first_and_nothing_else(vendor: Vendor) -> None:
    vendor.rows[OURS] = [row(n, minutes=n) for n in range(1, 6)]
    vendor.rows["+13395550110"] = [
        row(7, minutes=0.5), row(8, direction="outbound-api"), row(9, minutes=200), row(10, minutes=-5),
        row(11, date_sent=None, date_created=None), row(1, minutes=1),
    ]  # fmt: skip
    assert sids(vendor.received()) == [5, 4, 3, 2, 1, 7]
    asked = {parse_qs(one.query)["To"][0] for one in vendor.stub.came}
    assert asked == {OURS, "+13395550110", "+13395550101"}, "the numbers that call are texted as well"


def test_behind_a_messaging_service_are_the_account_s_numbers(vendor: Vendor) -> None:
    vendor.rows["+14155550177"] = [row(1, to="+14155550177")]
    assert sids(vendor.received(twilio_sms_from="MG" + "0a" * 16)) == [1]


BAD: list[tuple[str, Callable[[Came], Answer]]] = [
    ("answered 500", lambda came: Answer(500, "oops")),
    ("answered 401", lambda came: as_json({"code": 20003}, 401)),
    ("answered 200", lambda came: Answer(200, "<html>")),
    ("makes no sense", lambda came: as_json({"messages": None})),
    ("goes on elsewhere", lambda came: as_json({"messages": [], "next_page_uri": "https://evil.example/x"})),
    ("goes on elsewhere", lambda came: as_json({"messages": [], "next_page_uri": f"{BASE}x/Messages.json"})),
    ("cannot be asked", lambda came: Answer(how="reset")),
]  # fmt: skip


@pytest.mark.parametrize(("why", "answer"), BAD)
def test_half_a_list_is_none(vendor: Vendor, why: str, answer: Callable[[Came], Answer]) -> None:
    vendor.stub.answer = answer
    with pytest.raises(ProviderError, match=why):
        vendor.received()


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"status": "delivered", "error_code": None}, "delivered"),
        ({"status": "undelivered", "error_code": 30003}, "failed"),
        ({"status": "sent"}, "accepted"),
        ({"status": ""}, None),
        ({"sid": "SM0", "status": "delivered"}, None),
        (None, None),
    ],
)
def test_what_became_of_a_text_of_ours_is_told_as_its_webhook_would(
    vendor: Vendor, said: dict[str, Any] | None, state: str | None
) -> None:
    sid, attempt = f"SM{7:032x}", "a" * 32
    known = {"sid": sid, "from": OURS, "to": "+12025550143", **said} if said is not None else []
    vendor.stub.answer = lambda came: as_json(known if came.path == f"{BASE}/Messages/{sid}.json" else {})

    async def ask() -> WebRequest | None:
        provider = TwilioSms(settings(vendor.url))
        assert isinstance(provider, NewsLog)
        try:
            return await provider.news_of(sid, attempt)
        finally:
            await provider.aclose()

    found, source = asyncio.run(ask()), TwilioWebhooks(settings())
    if state is None or found is None:
        assert found is state is None
        return
    (event,) = source.parse("sms-status", found).events
    assert (event.state, event.attempt, event.provider_ref) == (state, attempt, sid)
    assert source.dedupe("sms-status", found) == source.dedupe(
        "sms-status", WebRequest("POST", "/", {}, f"MessageSid={sid}&MessageStatus={(said or {})['status']}".encode())
    )
