"""The adapters of one process to the simulated carrier: what `channels/` is to the real ones."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import cache, partial
from math import sin

import soundfile

from channels.http import InDoubt, NeverSent
from channels.sending import Unit, each
from dispatcher.model.gate import Limits
from dispatcher.model.ports import (
    Content,
    Event,
    File,
    Found,
    InboundReply,
    Outbound,
    Outcome,
    Parsed,
    Probe,
    WebRequest,
)
from dispatcher.model.telephone import CallStep, RecordingNews, Verb
from tests.simulator.carrier import Carrier, Entry, Fate
from tests.simulator.loop import VirtualLoop
from tests.simulator.process import Process

TIMEOUT = 20.0
KEY = b"the carrier's own"


class Provider:
    """Implements ports.Provider. A request that has left arrives whether its process lives on or not."""

    def __init__(
        self, name: str, channel: str, carrier: Carrier, process: Process, loop: VirtualLoop, limits: Limits
    ) -> None:
        self.name, self.channel, self.limits = name, channel, limits
        self._carrier, self._process, self._loop = carrier, process, loop

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        size = self.limits.recipients_a_request
        units = [batch[at : at + size] for at in range(0, len(batch), size)]
        return each(units, partial(self._carry, content), self.limits.requests, content.gate)

    async def _carry(self, content: Content, unit: Unit) -> list[Outcome]:
        self._process.effect(f"request {self.name}", "before")
        answer = self._loop.create_future()
        chance = self._process.threads
        self._loop.outside(
            chance.uniform(0.001, self._carrier.temper.slow), self._arrive, content, unit, answer, chance
        )
        self._process.effect(f"request {self.name}", "after")
        try:
            async with asyncio.timeout(TIMEOUT):
                told: list[tuple[Fate, Entry | None]] = await answer
        except TimeoutError:
            raise InDoubt("no answer within the time limit") from None
        self._process.effect(f"answer {self.name}", "after")
        return [
            outcome
            for outbound, (fate, entry) in zip(unit, told, strict=True)
            for outcome in _outcome(outbound, fate, entry, chance)
        ]

    def _arrive(
        self,
        content: Content,
        unit: Unit,
        answer: asyncio.Future[list[tuple[Fate, Entry | None]]],
        chance: random.Random,
    ) -> None:
        """The carrier's side. One request has one fate, but some of its addresses may be refused."""
        carrier = self._carrier
        fate = carrier.fate(self.name)
        told: list[tuple[Fate, Entry | None]] = []
        for outbound in unit:
            refused = carrier.refuses(outbound.address) if fate.accepts else None
            taken = fate.accepts and refused is None
            entry = carrier.accept(self.name, self.channel, content, outbound) if taken else None
            told.append((refused if refused and fate.answer == "ok" else fate, entry))
        if told[0][0].answer != "silence":
            self._loop.outside(chance.uniform(0.001, carrier.temper.slow), _tell, answer, told)

    async def find(self, probe: Probe) -> Found:
        """Truthful, but perhaps late, and not always able to say. Texts and calls are found by address and time."""
        self._process.effect(f"look-up {self.name}", "before")
        await asyncio.sleep(self._process.threads.uniform(0.01, 0.5))
        return self._carrier.look_up(self.name, self.channel, probe)

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None:
        return None


def _tell(answer: asyncio.Future[list[tuple[Fate, Entry | None]]], told: list[tuple[Fate, Entry | None]]) -> None:
    if not answer.done():
        answer.set_result(told)


def _outcome(outbound: Outbound, fate: Fate, entry: Entry | None, chance: random.Random) -> list[Outcome]:
    """What a careful adapter makes of the carrier's answer. A list, for one may be missing."""
    attempt = outbound.attempt
    match fate.answer:
        case "ok":
            assert entry is not None
            return [Outcome(attempt, "accepted", provider_ref=entry.ref)]
        case "busy":
            after = round(chance.uniform(1, 30), 1)
            return [Outcome(attempt, "deferred", "retry", code="429", error="too many requests", retry_after=after)]
        case "error":
            return [Outcome(attempt, "unknown", code="500", error="server error")]
        case "html":
            return [Outcome(attempt, "unknown", code="200", error="an answer that cannot be read")]
        case "account":
            return [Outcome(attempt, "deferred", "stop-channel", code="401", error="bad credentials")]
        case "invalid":
            return [Outcome(attempt, "rejected", "fall-back", code="21211", error="no such address", mark="invalid")]
        case "opted-out":
            return [Outcome(attempt, "rejected", "fall-back", code="21610", error="they opted out", mark="opt-out")]
        case "refused":
            raise NeverSent("connection refused")
        case "raise":
            raise ValueError("a fault in the adapter")
    return []


class Line:
    """What of telephone.PhoneLine is asked for outside of a live call: recordings, and news of them."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def aclose(self) -> None:
        return None

    async def fetch_recording(self, recording_ref: str) -> File:
        self._process.effect("fetch recording", "before")
        await asyncio.sleep(self._process.threads.uniform(0.05, 0.5))
        return File("answer.wav", "audio/wav", _spoken())

    async def erase_recording(self, recording_ref: str, *, transcripts: bool) -> None:
        self._process.effect("erase recording", "before")
        await asyncio.sleep(self._process.threads.uniform(0.05, 0.5))

    def read_recording(self, request: WebRequest) -> RecordingNews:
        body = json.loads(request.body)
        return RecordingNews(body["call"], body["recording"], available=True, seconds=1.0)

    def read(self, request: WebRequest) -> CallStep:
        raise NotImplementedError("there are no live calls here")

    def render(self, verbs: Sequence[Verb]) -> tuple[str, str]:
        raise NotImplementedError("there are no live calls here")


@cache
def _spoken() -> bytes:
    out = io.BytesIO()
    soundfile.write(
        out, [0.3 * sin(at / 4) * sin(at / 900) for at in range(8000)], 8000, format="WAV", subtype="PCM_16"
    )
    return out.getvalue()


# --- callbacks --------------------------------------------------------------------------------------------


def signature(body: bytes) -> str:
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def signed(provider: str, what: str, body: dict[str, object], authentic: bool = True) -> WebRequest:
    """A request as the carrier posts it; one that is not authentic bears a signature by somebody else's key."""
    raw = json.dumps(body, sort_keys=True).encode()
    proof = signature(raw) if authentic else hashlib.sha256(raw).hexdigest()
    query = f"?attempt={body['attempt']}" if what == "recording-status" else ""
    return WebRequest("POST", f"/webhooks/{provider}/{what}{query}", {"x-signature": proof}, raw)


class Source:
    """Implements ports.WebhookSource."""

    def verify(self, request: WebRequest) -> bool:
        return hmac.compare_digest(request.headers.get("x-signature", ""), signature(request.body))

    def dedupe(self, what: str, request: WebRequest) -> str:
        return hashlib.sha256(request.body).hexdigest()

    def parse(self, what: str, request: WebRequest) -> Parsed:
        body = json.loads(request.body)
        at = datetime.fromisoformat(body["at"])
        if what == "status":
            bad = body["state"] in ("bounced", "failed")
            return Parsed(
                events=(
                    Event(
                        dedupe=body["event"],
                        state=body["state"],
                        at=at,
                        attempt=body["attempt"],
                        provider_ref=body["ref"],
                        address=body["address"],
                        outcome=body["outcome"],
                        detail="not delivered" if bad else "",
                        decision="fall-back" if bad else "",
                    ),
                )
            )
        return Parsed(
            replies=(
                InboundReply(
                    dedupe=body["event"],
                    channel=body["channel"],
                    sender=body["sender"],
                    recipients=tuple(body["recipients"]),
                    text=body["text"],
                    received_at=at,
                    subject=body.get("subject", ""),
                ),
            )
        )
