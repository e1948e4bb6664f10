"""Texts by Twilio."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import quote_plus
from zlib import crc32

from channels.http import Pool
from channels.sending import Unit, each
from channels.twilio import RETRIES, Account, encoded, in_time
from channels.twilio_received import news, received
from channels.words import clean
from dispatcher.model.errors import NotConfigured
from dispatcher.model.gate import Limits
from dispatcher.model.ports import ANY_TAG, TAGS, Content, Found, Outbound, Outcome, Probe, WebRequest
from dispatcher.settings import Settings

LONGEST, SHORTEST_VALID, LONGEST_VALID = 1600, 5, 36_000


class _Letter:
    """What all texts of one send share, encoded once. A tag survives the encoding as it is, so it is replaced after."""

    def __init__(self, senders: Sequence[str], text: str, valid_for: int | None, webhooks: str) -> None:
        shared = [("Body", text)]
        if valid_for is not None:
            shared.append(("ValidityPeriod", str(min(LONGEST_VALID, max(SHORTEST_VALID, int(valid_for))))))
        front = encoded(shared)
        self._fronts = [
            f"{front}&{encoded([('MessagingServiceSid' if sender.startswith('MG') else 'From', sender)])}&To="
            for sender in senders
        ]
        self._callback = f"&StatusCallback={quote_plus(f'{webhooks}/sms-status?attempt=')}"
        self._end = quote_plus(RETRIES)
        self._tags = [tag for tag in TAGS if tag in text]

    def form(self, outbound: Outbound) -> bytes:
        front = self._fronts[crc32(outbound.address.encode()) % len(self._fronts)]
        if self._tags:
            values = outbound.values
            for tag in self._tags:
                front = front.replace(tag, _quoted(values[tag]))
        return f"{front}{_quoted(outbound.address)}{self._callback}{outbound.attempt}{self._end}".encode()


class TwilioSms:
    """One text a request, many requests at once. Several senders take turns, but an address keeps its own."""

    name = "twilio"
    channel = "sms"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        self._account = Account(settings, pool)
        self._senders = settings.twilio_sms_from
        if not self._senders:
            raise NotConfigured("TWILIO_SMS_FROM is missing: name the numbers or the messaging service texts come from")
        self._others = sorted(settings.own_numbers.difference(self._senders, [settings.fax_line]))
        # Without a rate of ours Twilio queues by itself.
        a_second = settings.twilio_sms_per_second * len(self._senders) or None
        self.limits = Limits(self.name, settings.twilio_concurrent_requests, a_second)

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        text = clean(content.rendition.text)
        letter = _Letter(self._senders, text, content.valid_for, self._account.webhooks)
        carry, wrong = partial(self._carry, letter), _wrong(text, batch)
        known = [Outcome(o.attempt, "rejected", "person", "", "content", wrong) for o in batch if wrong]
        units = [] if wrong else [(outbound,) for outbound in batch]
        return each(units, carry, self.limits.requests, content.gate, known)

    async def _carry(self, letter: _Letter, unit: Unit) -> list[Outcome]:
        return [await self._account.create("Messages", outbound, letter.form(outbound)) for outbound in unit]

    async def find(self, probe: Probe) -> Found:
        """By address, time and text: Twilio keeps no reference of ours. The same at another time, or what another
        attempt would have sent too: cannot say."""
        if probe.provider_ref:
            return await self._account.known("Messages", probe.provider_ref)
        rows = await self._account.created_since("Messages", "DateSent", probe)
        if rows is None:
            return Found("cannot say")
        pattern, rivals = _pattern(probe.text), [_pattern(text) for text in probe.rivals]
        same = [(row, body) for row in rows if pattern.fullmatch(body := _plain(str(row.get("body") or "")))]
        for row, body in same:
            if in_time(row, probe) and not any(one.fullmatch(body) for one in rivals):
                return Found("accepted", str(row["sid"]))
        return Found("cannot say" if same else "absent")

    async def received_between(self, since: datetime, until: datetime) -> list[WebRequest]:
        """What people texted to any number of ours, also to those that only speak or receive."""
        return await received(self._account, [*self._senders, *self._others], since, until)

    async def news_of(self, provider_ref: str, attempt: str) -> WebRequest | None:
        return await news(self._account, provider_ref, attempt)

    async def check(self) -> str:
        return await self._account.check()

    def open(self) -> None:
        self._account.pool.open()

    async def aclose(self) -> None:
        await self._account.pool.aclose()


def _quoted(text: str) -> str:
    """Form encoding; numbers and tokens, which are nearly all, without the library's detour."""
    bare = text.removeprefix("+")
    if not (bare.isalnum() and bare.isascii()):
        return quote_plus(text)
    return bare if bare is text else f"%2B{bare}"


def _wrong(text: str, batch: Sequence[Outbound]) -> str:
    """What Twilio would refuse for every recipient alike, or ""."""
    if not text:
        return "there is no text to send"
    longest = len(text)
    for tag in TAGS:
        if times := text.count(tag):
            longest += times * (max((len(outbound.values[tag]) for outbound in batch), default=0) - len(tag))
    if longest > LONGEST:
        return f"the text is longer than the {LONGEST} characters that fit"
    return ""


def _plain(text: str) -> str:
    """Letters and digits alone: Twilio may replace typographic signs to save a segment."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if letter.isalnum())


def _pattern(text: str) -> re.Pattern[str]:
    """Matches the plain form of what was sent, whatever token stands for a tag that is still in `text`."""
    return re.compile("[a-z0-9]*".join(re.escape(_plain(piece)) for piece in ANY_TAG.split(clean(text))))
