"""Calls by Twilio. What is said in them is asked for at our webhook while they last; see `twilio_line`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote_plus

from channels.http import Pool
from channels.sending import Unit, each
from channels.twilio import RETRIES, Account, encoded, in_time
from dispatcher.model.errors import NotConfigured
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Content, Found, Outbound, Outcome, Probe
from dispatcher.settings import Settings

# Most voicemail picks up after 20 to 30 s; Twilio may add 5.
RING_SECONDS = 25


class TwilioVoice:
    """One call a request. A call is never repeated on doubt: nobody is rung twice for one message."""

    name = "twilio"
    channel = "voice"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        self._account = Account(settings, pool)
        self._from = settings.twilio_voice_from
        if not self._from:
            raise NotConfigured("TWILIO_VOICE_FROM is missing: name the number calls come from")
        self.limits = Limits(self.name, settings.twilio_concurrent_requests, settings.twilio_calls_per_second)
        webhooks = self._account.webhooks
        self._front = encoded(
            [
                ("From", self._from),
                ("Timeout", str(RING_SECONDS)),
                ("MachineDetection", "DetectMessageEnd"),
                *(("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")),
            ]
        )
        self._answered = f"&Url={quote_plus(f'{webhooks}/voice?attempt=')}"
        self._status = f"&StatusCallback={quote_plus(f'{webhooks}/call-status?attempt=')}"
        self._end = quote_plus(RETRIES)

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        units = [(outbound,) for outbound in batch]
        return each(units, self._carry, self.limits.requests, content.gate)

    async def _carry(self, unit: Unit) -> list[Outcome]:
        return [await self._account.create("Calls", outbound, self._form(outbound)) for outbound in unit]

    def _form(self, outbound: Outbound) -> bytes:
        attempt = outbound.attempt
        return (
            f"{self._front}&To={quote_plus(outbound.address)}"
            f"{self._answered}{attempt}{self._status}{attempt}{self._end}"
        ).encode()

    async def find(self, probe: Probe) -> Found:
        """By number and time. Where it could be one of two calls, or of two attempts: cannot say."""
        if probe.provider_ref:
            return await self._account.known("Calls", probe.provider_ref)
        rows = await self._account.created_since("Calls", "StartTime", probe)
        if rows is None:
            return Found("cannot say")
        rows = [row for row in rows if in_time(row, probe)]
        ours = [row for row in rows if row.get("from") == self._from and row.get("direction") == "outbound-api"]
        if len(ours) > 1 or (ours and probe.rivals):
            return Found("cannot say")
        return Found("accepted", str(ours[0]["sid"])) if ours else Found("absent")

    async def check(self) -> str:
        return await self._account.check()

    def open(self) -> None:
        self._account.pool.open()

    async def aclose(self) -> None:
        await self._account.pool.aclose()
