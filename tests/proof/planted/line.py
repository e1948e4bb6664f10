"""The carrier under water: providers with one ledger, who do as they are told, and their signed callbacks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model.gate import Limits
from dispatcher.model.ports import (
    ANY_TAG,
    Content,
    Event,
    Found,
    InboundReply,
    Outbound,
    Outcome,
    Parsed,
    Probe,
    WebRequest,
)
from dispatcher.services.oracle import Accepted
from tests.simulator import providers


class Killed(BaseException):
    """The process is gone: nothing it would still have done happens."""


class Mortal(sessionmaker[Session]):
    """Sessions of one worker; a dead one writes nothing any more, whatever its last words would be."""

    dead = False

    def __call__(self, **local: Any) -> Session:
        if self.dead:
            raise Killed
        return super().__call__(**local)


async def nothing(one: Outbound) -> None:
    """What happens before a request leaves, mostly."""


@dataclass
class Line:
    """A provider. `fates` are those of the next requests to an address: accept, doubt (accepted, then 500), lost (500,
    not accepted), busy, refuse, die before, die after; then accept."""

    channel: str
    ledger: list[Accepted]
    now: Callable[[], datetime]
    name: str = "carrier"
    limits: Limits = field(default_factory=lambda: Limits("carrier", 50))
    fates: dict[str, list[str]] = field(default_factory=dict)
    hidden: int = 0  # so many look-ups do not see what is there
    by_id: bool = True  # whether a look-up shows our id, or address and time alone
    mortal: Mortal | None = None
    before: Callable[[Outbound], Awaitable[None]] = nothing

    async def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        for one in batch:
            await self.before(one)
            if barred := await content.gate.enter():
                yield Outcome(one.attempt, "deferred", code=barred)
                continue
            try:
                outcome = self.carry(content, one)
            finally:
                content.gate.leave()
            yield outcome

    def carry(self, content: Content, one: Outbound) -> Outcome:
        """One request that has left."""
        waiting = self.fates.get(one.address)
        fate = waiting.pop(0) if waiting else "accept"
        if fate == "die before":
            self._die()
        if fate in ("accept", "doubt", "die after"):
            self._accept(content, one)
        if fate == "die after":
            self._die()
        match fate:
            case "busy":
                return Outcome(one.attempt, "deferred", "retry", code="429", retry_after=60)
            case "refuse":
                return Outcome(one.attempt, "rejected", "fall-back", code="21211", error="no such number")
            case "doubt" | "lost":
                return Outcome(one.attempt, "unknown", code="500", error="server error")
        return Outcome(one.attempt, "accepted", provider_ref=f"ref-{one.attempt}")

    def _die(self) -> None:
        assert self.mortal is not None
        self.mortal.dead = True
        raise Killed

    def _accept(self, content: Content, one: Outbound) -> None:
        said = content.rendition

        def filled(text: str) -> str:
            return ANY_TAG.sub(lambda found: one.values[found[0]], text)

        spoken = self.channel == "voice"
        self.ledger.append(
            Accepted(
                self.channel, one.address, self.now(), one.attempt, f"ref-{one.attempt}",
                subject=None if spoken else filled(said.subject),
                text=None if spoken else filled(said.text),
                html=filled(said.html) if said.html else None,
            )
        )  # fmt: skip

    async def find(self, probe: Probe) -> Found:
        if self.hidden:
            self.hidden -= 1
            return Found("absent")
        if self.by_id:
            entry = next((one for one in self.ledger if one.attempt == probe.attempt), None)
            return Found("accepted", entry.ref, own=True) if entry else Found("absent")
        alike = [one for one in self.ledger if one.address == probe.address and one.ref not in probe.others]
        if len(alike) > 1 or (alike and probe.rivals):
            return Found("cannot say")
        return Found("accepted", alike[0].ref) if alike else Found("absent")

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None:
        return None


class Source(providers.Source):
    """The carrier's callbacks, signed, each with its event as it is."""

    def parse(self, what: str, request: WebRequest) -> Parsed:
        body = json.loads(request.body)
        at = datetime.fromisoformat(body.pop("at"))
        if what == "status":
            return Parsed(events=(Event(at=at, **body),))
        return Parsed(replies=(InboundReply(received_at=at, recipients=("+12025550100",), **body),))
