"""The simulated carrier: it alone knows what truly reached a telephone or a mailbox, and it does not always say so."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dispatcher.model.ports import ANY_TAG, Content, Found, Outbound, Probe, Rendition
from tests.simulator.loop import VirtualLoop


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was accepted: `at` in seconds of the world's time, `when` by the carrier's clock."""

    at: float
    provider: str
    channel: str
    address: str
    attempt: str
    category: str
    rendition: Rendition
    ref: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request: whether it is carried out, and what the caller is told."""

    name: str
    accepts: bool
    answer: str  # ok, error, html, silence, refused, busy, account, invalid, opted-out, content, nothing, raise


OK = Fate("accepted", True, "ok")
# Everything else that may happen to a request, by its name in figures and histories.
FATES = {
    one.name: one
    for one in (
        Fate("429", False, "busy"),
        Fate("500 after accepting", True, "error"),
        Fate("500", False, "error"),
        Fate("half-open after accepting", True, "silence"),
        Fate("half-open", False, "silence"),
        Fate("html with 200 after accepting", True, "html"),
        Fate("html with 200", False, "html"),
        Fate("connection refused", False, "refused"),
        Fate("401", False, "account"),
        Fate("no outcome after accepting", True, "nothing"),
        Fate("adapter fault after accepting", True, "raise"),
    )
}
NEVER = {  # what certain addresses always meet, by the mark in them
    "bad": Fate("invalid address", False, "invalid"),
    "left": Fate("opted out at the provider", False, "opted-out"),
}


@dataclass
class Temper:
    """How the carrier behaves at present. Rates are for one request, callback or look-up."""

    fates: dict[str, float] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)  # provider → name of the fate of all its requests
    slow: float = 0.3  # seconds of a request, at most
    lost: float = 0.0  # callbacks
    doubled: float = 0.0
    early: float = 0.0  # told before the request is answered
    late: float = 0.0
    latest: float = 3600.0
    bounces: float = 0.0
    forged: float = 0.0
    lag: float = 0.0  # seconds in which a look-up does not see what was accepted
    cannot_say: float = 0.0
    breaks: float = 0.0  # a look-up ends in an error
    by_time: bool = True  # texts and calls are found by address and time, not by our id


Post = Callable[[str, str, dict[str, object], bool], None]


class Carrier:
    """The ledger, and the callbacks that follow from it through `post(provider, what, body, authentic)`."""

    def __init__(
        self,
        loop: VirtualLoop,
        chance: random.Random,
        now: Callable[[], datetime],
        note: Callable[[str], None],
        post: Post,
    ) -> None:
        self.temper = Temper()
        self.script: dict[str, list[str]] = {}  # by provider: the fates of its next requests, by name
        self.ledger: list[Entry] = []
        self._loop, self._chance, self._now, self._note, self._post = loop, chance, now, note, post
        self._numbers = 0
        self.told: dict[str, str] = {}  # by reference: whether we heard that it arrived, or that it did not
        self.under_way = 0  # callbacks

    def fate(self, provider: str) -> Fate:
        """What is to become of one request."""
        if self.script.get(provider):
            return FATES.get(self.script[provider].pop(0), OK)
        if provider in self.temper.out:
            return FATES[self.temper.out[provider]]
        draw = self._chance.random()
        for name, rate in self.temper.fates.items():
            draw -= rate
            if draw < 0:
                self._note(f"request met {name}")
                return FATES[name]
        return OK

    def refuses(self, address: str) -> Fate | None:
        """What this address always meets, however often it is tried."""
        return next((fate for mark, fate in NEVER.items() if mark in address or address.endswith(_LAST[mark])), None)

    def accept(self, provider: str, channel: str, content: Content, outbound: Outbound) -> Entry:
        """It has reached them. From here on it cannot be taken back."""
        self._numbers += 1
        entry = Entry(
            at=round(self._loop.time(), 3),
            provider=provider,
            channel=channel,
            address=outbound.address,
            attempt=outbound.attempt,
            category=content.category,
            rendition=_personal(content.rendition, outbound),
            ref=f"{provider}-{self._numbers}",
            when=self._now(),
        )
        self.ledger.append(entry)
        self._note(f"carrier: {channel} {entry.category} to {entry.address} accepted as {entry.ref}")
        self._live(entry)
        return entry

    def look_up(self, provider: str, channel: str, probe: Probe) -> Found:
        """The truth, perhaps late, perhaps not at all. Texts and calls are found by address and time alone.

        Raises ConnectionError where the look-up breaks off.
        """
        draw, temper = self._chance.random(), self.temper
        if draw < temper.breaks:
            raise ConnectionError("reset")
        if draw < temper.breaks + temper.cannot_say or provider in temper.out:
            return Found("cannot say")
        old = self._loop.time() - temper.lag
        seen = [one for one in self.ledger if (one.provider, one.channel) == (provider, channel) and one.at <= old]
        if channel == "email" or not temper.by_time:
            mine = (Found("accepted", one.ref, own=True) for one in seen if one.attempt == probe.attempt)
            return next(mine, Found("absent"))
        # Its category stands for the words of a text; a call shows none.
        same = [one for one in seen if one.address == probe.address and one.ref not in probe.others]
        same = [one for one in same if channel == "voice" or one.category == probe.category]
        near = [one for one in same if -timedelta(seconds=30) <= one.when - probe.started_at <= timedelta(minutes=5)]
        if channel == "voice" and (len(near) > 1 or (near and probe.rivals)):
            return Found("cannot say")
        if near:
            return Found("accepted", near[0].ref)
        # The same words to the same number at another time: ours, if our clock was wrong.
        return Found("cannot say" if same and channel == "sms" else "absent")

    # --- callbacks

    def _live(self, entry: Entry) -> None:
        """What becomes of it, told by callbacks: sooner or later, once or twice, or never."""
        chance, temper = self._chance, self.temper
        first = 0.0 if chance.random() < temper.early else chance.uniform(0.5, 20)
        news = [("accepted", first)]
        if chance.random() < temper.bounces:
            if entry.channel == "email" and chance.random() < 0.3:
                news.append(("delivered", first + chance.uniform(0, 30)))
            news.append(("bounced" if entry.channel == "email" else "failed", first + chance.uniform(1, 300)))
        else:
            news.append(("delivered", first + chance.uniform(0, 60)))
        for state, after in news:
            # Most calls that come to nothing are said to have met a busy line, or nobody: they may be made again.
            outcome = chance.choice(("busy", "no-answer", "")) if (entry.channel, state) == ("voice", "failed") else ""
            self._tell(entry, state, after, outcome)

    def _tell(self, entry: Entry, state: str, after: float, outcome: str = "") -> None:
        chance, temper = self._chance, self.temper
        if chance.random() < temper.lost:
            self._note("callback lost")
            return
        if chance.random() < temper.late:
            self._note("callback late")
            after += chance.uniform(60, temper.latest)
        body: dict[str, object] = {
            "event": f"{entry.ref}:{state}",
            "state": state,
            "outcome": outcome,
            "attempt": entry.attempt,
            "ref": entry.ref,
            "address": entry.address,
            "at": self._now().isoformat(),
        }
        self._later(after, entry.provider, body, True)
        if chance.random() < temper.doubled:
            self._note("callback doubled")
            self._later(after + chance.uniform(0, 120), entry.provider, body, True)
        if chance.random() < temper.forged:
            self._note("callback forged")
            false = body | {"event": f"forged:{entry.ref}:{state}", "state": chance.choice(("bounced", "delivered"))}
            self._later(chance.uniform(0, 60), entry.provider, false, False)

    def go_on(self, other: Carrier) -> None:
        """Know what the carrier of an earlier world knew."""
        self.ledger, self.told, self._numbers = list(other.ledger), dict(other.told), other._numbers

    def heard(self, body: dict[str, object]) -> None:
        """An authentic callback has been taken in."""
        ref, state = str(body["ref"]), body["state"]
        if state in ("bounced", "failed"):
            self.told[ref] = "failed"
        elif state == "delivered":
            self.told.setdefault(ref, "delivered")

    def _later(self, after: float, provider: str, body: dict[str, object], authentic: bool) -> None:
        self.under_way += 1
        self._loop.outside(after, self._tell_now, provider, body, authentic)

    def _tell_now(self, provider: str, body: dict[str, object], authentic: bool) -> None:
        self.under_way -= 1
        self._post(provider, "status", body, authentic)


_LAST = {"bad": "0166", "left": "0177"}  # the last digits of telephone numbers that are always refused


def _personal(rendition: Rendition, outbound: Outbound) -> Rendition:
    """As this one receiver gets it."""

    def filled(text: str) -> str:
        return ANY_TAG.sub(lambda found: outbound.values[found[0]], text)

    return replace(rendition, text=filled(rendition.text), html=filled(rendition.html))
