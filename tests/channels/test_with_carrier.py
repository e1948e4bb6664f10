"""The adapters against the simulated carrier: what they claim is what its own ledger says."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from channels import registry
from channels.http import Pool
from channels.sendgrid import SendGrid
from channels.telnyx_fax import TelnyxFax
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from dispatcher.model.base import now
from dispatcher.model.ports import (
    REPLY_TAG,
    Adapters,
    DocumentStore,
    Event,
    InboundReply,
    Outbound,
    Outcome,
    Probe,
    Provider,
    Rendition,
    WebRequest,
)
from dispatcher.model.telephone import CallStep, Gather, Hangup, Record, RecordingNews, Say, Verb
from dispatcher.settings import Settings
from tests.channels.stub import Answer, Came, attempt, running
from tests.channels.vendors import BRIEF, PATIENT, collect, content
from tests.loopback import up

ROOT = Path(__file__).parents[2]
KINDS = {"sms": TwilioSms, "voice": TwilioVoice, "email": SendGrid, "fax": TelnyxFax}


@dataclass
class World:
    """The carrier's process, and a stand-in for the product that verifies and reads what it is sent."""

    url: str
    settings: Settings
    adapters: Adapters
    events: list[Event] = field(default_factory=list)
    replies: list[InboundReply] = field(default_factory=list)
    steps: list[CallStep] = field(default_factory=list)
    recordings: list[RecordingNews] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    started: datetime = field(default_factory=now)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000, 9999)))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/carrier/api{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None

    def behave(self, channel: str, whose: Outbound, mode: str, **more: Any) -> None:
        self.api("POST", "/behaviour", {"channel": channel, "address": whose.address, "mode": mode, **more})

    def ledger(self, channel: str, batch: Sequence[Outbound]) -> Counter[str]:
        ours = {outbound.address for outbound in batch}
        entries = self.api("GET", f"/ledger?channel={channel}&limit=2000")["entries"]
        return Counter(entry["to"] for entry in entries if entry["to"] in ours)

    def people(self, channel: str, count: int) -> list[Outbound]:
        def address() -> str:
            number = next(self.numbers)
            return f"ana.{number}@firm.example" if channel == "email" else f"+1415555{number}"

        return [Outbound(attempt(), address(), f"tok{n}", f"pref{n}") for n in range(count)]

    def send(self, channel: str, batch: Sequence[Outbound], in_vain: bool = False) -> list[Outcome]:
        """`in_vain`: nobody waits for long."""

        async def work(provider: Provider) -> list[Outcome]:
            outcomes = {outcome.attempt: outcome for outcome in await collect(provider, content(), batch)}
            return [outcomes[outbound.attempt] for outbound in batch]

        return self.using(channel, work, BRIEF if in_vain else PATIENT)

    def using(self, channel: str, work: Callable[[Provider], Any], total: float = PATIENT) -> Any:
        async def go() -> Any:
            provider = KINDS[channel](self.settings, Pool(PATIENT, total))
            try:
                return await work(provider)
            finally:
                await provider.aclose()

        return asyncio.run(go())

    def find(self, channel: str, outbound: Outbound) -> tuple[str, str]:
        rendition = content().rendition
        text = rendition.subject if channel == "email" else rendition.text

        async def work(provider: Provider) -> tuple[str, str]:
            found = await provider.find(Probe(outbound.attempt, outbound.address, text, "message-7", self.started))
            return found.verdict, found.provider_ref

        result: tuple[str, str] = self.using(channel, work)
        return result

    def take(self, came: Came) -> Answer:
        """The webhook door in small."""
        what = came.path.rpartition("/")[2]
        vendor = came.path.split("/")[2]
        request = WebRequest(came.method, came.path + (f"?{came.query}" if came.query else ""), came.headers, came.body)
        source = self.adapters.sources[vendor]
        if not source.verify(request):
            self.refused.append(came.path)
            return Answer(403)
        assert 0 < len(source.dedupe(what, request)) <= 150
        line = self.adapters.lines["twilio"]
        if what == "voice":
            step = line.read(request)
            self.steps.append(step)
            body, kind = line.render(self.menu(step))
            return Answer(200, body, {"Content-Type": kind})
        if what == "recording-status":
            self.recordings.append(line.read_recording(request))
            return Answer(204)
        parsed = source.parse(what, request)
        with self.lock:
            self.events += parsed.events
            self.replies += parsed.replies
        return Answer(200, "<Response/>", {"Content-Type": "text/xml"}) if what == "sms" else Answer(204)

    def menu(self, step: CallStep) -> list[Verb]:
        base = f"{self.settings.public_url}/webhooks/twilio"
        if step.recording_ref or step.hung_up:
            return [Say("Thank you"), Hangup()]
        if step.digits == "2":
            return [Record(f"{base}/voice?attempt=1", f"{base}/recording-status?attempt=1", 10)]
        return [Gather((Say("Flooding & more"),), f"{base}/voice?attempt=1")]

    def wait(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        until = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < until, f"waited in vain; refused: {self.refused}"
            time.sleep(0.03)
        return found


@pytest.fixture(scope="module")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    state = tmp_path_factory.mktemp("carrier")
    command = [sys.executable, "-m", "channels.carrier"]
    with running() as (product, product_url, close), running() as (_, spare, release):
        product.checked = False
        port = spare.rpartition(":")[2]
        release()
        made = subprocess.run(
            [*command, "init", "--state", str(state), "--port", port, "--product-url", product_url],
            capture_output=True,
            check=True,
            cwd=ROOT,
        )
        offered = {name.lower(): value for name, value in json.loads(made.stdout).items()}
        settings = Settings(_env_file=None, public_url=product_url, **offered)
        world = World(settings.twilio_api_url, settings, registry.build(settings))
        product.answer = world.take
        process = subprocess.Popen(
            [*command, "serve", "--state", str(state), "--speed", "20"],
            cwd=ROOT,
            env={**os.environ, "CARRIER_DIE_WITH_PARENT": "1"},
            stderr=subprocess.DEVNULL,
        )
        try:
            world.wait(lambda: up(f"{world.url}/healthz"))
            yield world
        finally:
            process.terminate()
            process.wait(60)
            close()


@pytest.fixture
def world(running_world: World) -> Iterator[World]:
    running_world.started = now()
    yield running_world
    running_world.api("DELETE", "/faults")
    assert running_world.refused == []


def news_of(world: World, batch: Sequence[Outbound], state: str) -> bool:
    told = {event.attempt for event in world.events if event.state == state}
    return told >= {outbound.attempt for outbound in batch}


@pytest.mark.parametrize("channel", list(KINDS))
def test_accepted_is_carried_once_and_told_back(world: World, channel: str) -> None:
    batch = world.people(channel, 5)
    outcomes = world.send(channel, batch)
    assert {outcome.state for outcome in outcomes} == {"accepted"}
    assert set(world.ledger(channel, batch).values()) == {1}
    world.wait(lambda: news_of(world, batch, "delivered"))
    references = {outcome.attempt: outcome.provider_ref for outcome in outcomes}
    for event in list(world.events):
        if event.attempt in references and event.provider_ref:
            assert event.provider_ref == references[event.attempt]
    assert world.using(channel, lambda provider: provider.check()) == ""


@pytest.mark.parametrize("channel", list(KINDS))
@pytest.mark.parametrize("fault", ["accept_then_500_share", "html_200_share", "accept_then_hang_share"])
def test_what_was_carried_in_doubt_is_found(world: World, channel: str, fault: str) -> None:
    batch = world.people(channel, 3)
    world.api("POST", "/faults", {fault: 1})
    outcomes = world.send(channel, batch, in_vain="hang" in fault)
    assert {outcome.state for outcome in outcomes} == {"unknown"}
    world.wait(lambda: world.ledger(channel, batch).total() == len(batch))
    world.api("DELETE", "/faults")
    for outbound in batch:
        verdict, reference = world.find(channel, outbound)
        assert verdict == "accepted"
        assert reference
    assert set(world.ledger(channel, batch).values()) == {1}


@pytest.mark.parametrize("channel", list(KINDS))
def test_what_was_not_carried_is_absent(world: World, channel: str) -> None:
    batch = world.people(channel, 3)
    world.api("POST", "/faults", {"error_500_share": 1})
    assert {outcome.state for outcome in world.send(channel, batch)} == {"unknown"}
    world.api("DELETE", "/faults")
    assert {world.find(channel, outbound)[0] for outbound in batch} == {"absent"}
    world.api("POST", "/faults", {"lookup_500_share": 1})
    assert {world.find(channel, outbound)[0] for outbound in batch} == {"cannot say"}
    assert not world.ledger(channel, batch)


@pytest.mark.parametrize("channel", list(KINDS))
def test_a_bad_day_is_told_apart(world: World, channel: str) -> None:
    batch = world.people(channel, 40)
    world.api("POST", "/faults", {"status_429_share": 0.4, "seed": 7})
    outcomes = world.send(channel, batch)
    carried = world.ledger(channel, batch)
    for outbound, outcome in zip(batch, outcomes, strict=True):
        assert outcome.state in ("accepted", "deferred")
        assert carried[outbound.address] == (outcome.state == "accepted")
        assert (outcome.retry_after is not None) == (outcome.state == "deferred")
    world.api("POST", "/faults", {"unauthorized": True})
    assert {o.decision for o in world.send(channel, world.people(channel, 5))} == {"stop-channel"}


def test_refusals_of_texts(world: World) -> None:
    modes = {"invalid": "invalid", "landline": "invalid", "stopped": "opt-out", "refuse": ""}
    batch = world.people("sms", len(modes) + 1)
    for outbound, mode in zip(batch, modes, strict=False):
        world.behave("sms", outbound, mode, code=21612)
    outcomes = world.send("sms", batch)
    assert [outcome.mark for outcome in outcomes] == [*modes.values(), ""]
    assert [outcome.state for outcome in outcomes] == ["rejected", "rejected", "rejected", "failed", "accepted"]


def test_failures_of_texts_and_mails_after_acceptance(world: World) -> None:
    lost, gone, full = world.people("sms", 1)[0], *world.people("email", 2)
    world.api(
        "POST", "/behaviour", {"channel": "sms", "address": lost.address, "mode": "undelivered", "error_code": 30005}
    )
    world.api("POST", "/behaviour", {"channel": "email", "address": gone.address, "mode": "bounce"})
    world.api(
        "POST",
        "/behaviour",
        {"channel": "email", "address": full.address, "mode": "bounce", "status": "5.2.2", "reason": "552 5.2.2 full"},
    )
    world.send("sms", [lost])
    world.send("email", [gone, full])
    world.wait(lambda: news_of(world, [lost], "failed") and news_of(world, [gone, full], "bounced"))
    marks = {event.attempt: event.mark for event in world.events if event.state in ("failed", "bounced")}
    assert [marks[one.attempt] for one in (lost, gone, full)] == ["invalid", "invalid", ""]


def test_a_text_and_a_mail_come_back_as_replies(world: World) -> None:
    (phone,), (mailbox,) = world.people("sms", 1), world.people("email", 1)
    world.send("sms", [phone])
    world.send("email", [mailbox])
    world.api("POST", "/sms", {"from": phone.address, "body": "I am on my way – 10 €"})
    domain = world.settings.inbound_email_domain
    world.api(
        "POST",
        "/mail",
        {"from": mailbox.address, "to": f"reply+tok0@{domain}", "subject": "Re: Flooding", "text": "Grüße – on my way"},
    )
    world.wait(lambda: {reply.sender for reply in world.replies} >= {phone.address, mailbox.address})
    said = {reply.sender: reply for reply in world.replies}
    assert said[phone.address].text == "I am on my way – 10 €"
    assert said[mailbox.address].text == "Grüße – on my way"
    assert said[mailbox.address].recipients == (f"reply+tok0@{domain}",)
    assert (said[mailbox.address].automatic, said[mailbox.address].verified) == ("", "")


def test_a_fax_arrives_fails_and_comes_back(world: World) -> None:
    person, busy, gone = world.people("fax", 3)
    world.behave("fax", busy, "busy")
    world.behave("fax", gone, "unallocated")
    world.send("fax", [person, busy, gone])
    world.wait(lambda: news_of(world, [person], "delivered") and news_of(world, [busy, gone], "failed"))
    failed = {event.attempt: (event.outcome, event.mark) for event in world.events if event.state == "failed"}
    assert [failed[one.attempt] for one in (busy, gone)] == [("busy", ""), ("", "invalid")]
    (entry,) = world.api("GET", f"/ledger?channel=fax&to=%2B{person.address[1:]}")["entries"]
    assert "Flooding – pump house 3. https://alerts.bank.example/r/tok0" in entry["text"].replace("\n", " ")
    assert "Page 1 of 1" in entry["text"]

    world.api("POST", "/fax", {"from": person.address, "text": "Sell 500 at 42 €"})
    (reply,) = world.wait(lambda: [one for one in world.replies if one.sender == person.address])
    assert (reply.text, reply.recipients) == ("Came by fax, 1 page.", (world.settings.fax_line,))

    async def fetch(provider: Provider) -> bytes:
        assert isinstance(provider, DocumentStore)
        found = await provider.fetch_document(reply.message_ref)
        assert found is not None
        assert await provider.fetch_document("none") is None
        return found.content

    assert b"(Sell 500 at 42 \\200)" in world.using("fax", fetch)


@pytest.mark.parametrize("charset", ["iso-8859-15", "utf-8", "koi8-r"])
@pytest.mark.parametrize("raw", [False, True])
def test_a_mail_in_another_charset(world: World, charset: str, raw: bool) -> None:
    (mailbox,) = world.people("email", 1)
    text = "Привет" if charset == "koi8-r" else "Grüße"
    to = f"reply+tok0@{world.settings.inbound_email_domain}"
    body = {"from": mailbox.address, "to": to, "subject": "x", "text": text, "charset": charset, "raw": raw}
    world.api("POST", "/mail", body)
    world.wait(lambda: any(reply.sender == mailbox.address for reply in world.replies))
    assert [reply.text for reply in world.replies if reply.sender == mailbox.address] == [text]


def test_a_call_is_answered_walked_and_recorded(world: World) -> None:
    person, machine, busy = world.people("voice", 3)
    script = [{"press": "2"}, {"speak_seconds": 2}, {"hangup": True}]
    world.behave("voice", person, "human", script=script)
    world.behave("voice", machine, "machine")
    world.behave("voice", busy, "busy")
    outcomes = world.send("voice", [person, machine, busy])
    assert {outcome.state for outcome in outcomes} == {"accepted"}
    world.wait(lambda: news_of(world, [person, machine], "delivered") and news_of(world, [busy], "failed"))
    final = {event.attempt: event.outcome for event in world.events if event.state in ("delivered", "failed")}
    assert [final[one.attempt] for one in (person, machine, busy)] == ["answered", "machine", "busy"]
    theirs = [step for step in world.steps if step.called == person.address]
    assert [step.digits for step in theirs][:2] == ["", "2"]
    assert all(step.outbound for step in theirs)
    assert any(step.answered_by == "machine" for step in world.steps if step.called == machine.address)
    news = world.wait(lambda: [one for one in world.recordings if one.call_ref == outcomes[0].provider_ref])[0]
    assert news.available

    async def fetch() -> bytes:
        line = registry.build(world.settings).lines["twilio"]
        found = await line.fetch_recording(news.recording_ref)
        await line.aclose()
        assert found is not None
        return found.content

    assert asyncio.run(fetch()).startswith(b"RIFF")


def test_a_mailbox_gets_what_was_meant_for_it(world: World) -> None:
    batch = world.people("email", 2)

    async def work(provider: Provider) -> list[Outcome]:
        letter = Rendition(subject="Flooding", text=f"/r/{REPLY_TAG}", html=f"<a href='/r/{REPLY_TAG}'>x</a>")
        return await collect(provider, content(rendition=letter), batch)

    world.using("email", work)
    for outbound in batch:
        entries = world.api("GET", f"/ledger?channel=email&to={outbound.address}")["entries"]
        (entry,) = entries
        assert entry["text"] == f"/r/{outbound.reply_token}"
        assert entry["html"] == f"<a href='/r/{outbound.reply_token}'>x</a>"
        assert entry["reply_to"] == f"reply+{outbound.reply_token}@in.bank.example"
        headers = dict(map(tuple, entry["headers"]))
        assert headers["List-Unsubscribe"] == f"<https://alerts.bank.example/p/{outbound.prefs_token}/one-click>"
