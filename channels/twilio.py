"""What Twilio's texts and calls share: the account, the way to its API, and its error codes as our decisions.

Requests to create something are encoded here and not by the SDK: on the hot path that is five times faster. A test
holds them against what the SDK would send.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from channels.http import Answer, InDoubt, NeverSent, Pool, prepared
from channels.verdicts import (
    DOUBT,
    LATER,
    NO_SUCH_NUMBER,
    OTHER_WAY,
    OURS,
    STOP,
    Verdict,
    of_status,
    refusal,
    senseless,
)
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Found, Outbound, Outcome, Probe
from dispatcher.settings import Settings

VERSION = "2010-04-01"
# Connection overrides: ask for three retries on anything. By default a 500 of ours would lose the news for good.
# Twilio takes the fragment off before it signs and calls.
RETRIES = "#rc=3&rp=all"


_REFUSED = Verdict("rejected", "fall-back")
_QUEUE_FULL = Verdict("deferred", "retry", retry_after=60.0)

# https://www.twilio.com/docs/api/errors; what is not here is judged by its HTTP status. The same codes come later as
# ErrorCode of a message that had been accepted: then a repetition would be a second acceptance, so there "retry"
# counts as "fall-back" (see `later`).
ERRORS: dict[int, Verdict] = {
    10001: STOP,  # account not active
    10002: STOP,  # trial account may not
    10004: LATER,  # too many calls at once
    20003: STOP,  # credentials or permission
    20005: STOP,  # account not active
    20006: STOP,  # access denied
    20008: STOP,  # test credentials
    20404: STOP,  # no such resource: the account or the address of the API is wrong
    20429: LATER,  # too many requests at once; not carried out
    20500: DOUBT,
    20503: DOUBT,
    21201: OURS,  # no To
    21203: OTHER_WAY,  # international calls not enabled
    21205: STOP,  # our webhook's address is not a URL
    21210: STOP,  # From not verified
    21211: NO_SUCH_NUMBER,
    21212: STOP,  # From is no number
    21213: STOP,  # no From
    21214: OTHER_WAY,  # To cannot be reached
    21215: OTHER_WAY,  # geographic permission for calls
    21216: OTHER_WAY,  # this number may not be called
    21217: NO_SUCH_NUMBER,
    21219: OTHER_WAY,  # To not verified (trial)
    21408: OTHER_WAY,  # region not enabled for texts
    21602: OURS,  # no body
    21603: STOP,  # no From
    21604: OURS,  # no To
    21605: OURS,  # body too long
    21606: OTHER_WAY,  # this From cannot reach this To
    21608: OTHER_WAY,  # To not verified (trial)
    21609: STOP,  # our webhook's address is not a URL
    21610: Verdict("rejected", "fall-back", "opt-out"),
    21611: _QUEUE_FULL,  # ten hours' worth waits behind this sender
    21612: OTHER_WAY,  # this From cannot reach this To
    21614: NO_SUCH_NUMBER,  # not a mobile number: the number may still be called
    21617: OURS,  # body too long
    21659: STOP,  # From is not ours
    21660: STOP,  # From belongs to another account
    21701: STOP,  # no such messaging service
    21703: STOP,  # the service has no sender
    21704: STOP,
    21705: STOP,
    30001: _QUEUE_FULL,
    30002: STOP,  # account suspended
    30003: OTHER_WAY,  # handset off
    30004: OTHER_WAY,  # blocked
    30005: Verdict("failed", "fall-back", "invalid"),  # unknown number
    30006: OTHER_WAY,  # landline or unreachable carrier
    30007: OTHER_WAY,  # filtered: the same text would be filtered again
    30008: OTHER_WAY,
    30010: OTHER_WAY,
    30017: OTHER_WAY,
    30022: OTHER_WAY,  # US daily cap
    30023: OTHER_WAY,  # US daily cap
    30024: OTHER_WAY,
    30032: OTHER_WAY,  # toll-free number not verified
    30034: OTHER_WAY,  # number not registered for US texts
    30036: OTHER_WAY,  # expired in the queue
    30410: OTHER_WAY,
    30450: OTHER_WAY,
    30610: OTHER_WAY,  # quiet hours
}


def judge(code: int | None, status: int) -> Verdict:
    """The verdict on a refused request, by code, else by HTTP status."""
    if code is not None and code in ERRORS:
        return ERRORS[code]
    return of_status(status, _REFUSED)


def later(code: int | None) -> Verdict:
    """The verdict on a message that was accepted and failed afterwards: it is never sent again on this channel."""
    verdict = ERRORS.get(code or 0, OTHER_WAY)
    return Verdict("failed", "fall-back", verdict.mark)


class Account:
    """One account: credentials, kept connections, and how the API says yes and no."""

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured naming the setting that is missing."""
        self.sid = settings.twilio_account_sid
        self.token = settings.twilio_auth_token.get_secret_value()
        if not self.sid:
            raise NotConfigured("TWILIO_ACCOUNT_SID is missing")
        if not self.token:
            raise NotConfigured("TWILIO_AUTH_TOKEN is missing")
        self.base = f"{settings.twilio_api_url}/{VERSION}/Accounts/{self.sid}"
        self.webhooks = f"{settings.public_url}/webhooks/twilio"
        self.pool = pool or Pool()
        pair = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        self._asking = {"Authorization": f"Basic {pair}", "Accept": "application/json"}
        self._creating = prepared({**self._asking, "Content-Type": "application/x-www-form-urlencoded"})

    async def create(self, resource: str, outbound: Outbound, form: bytes) -> Outcome:
        """POST one message or call. Raises NeverSent or InDoubt."""
        answer = await self.pool.request("POST", f"{self.base}/{resource}.json", self._creating, form)
        return _outcome(outbound.attempt, answer)

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Answer:
        """GET something of the account. Raises NeverSent or InDoubt."""
        tail = f"?{urlencode(query)}" if query else ""
        return await self.pool.request("GET", f"{self.base}{path}.json{tail}", self._asking)

    async def download(self, path: str, most: int, timeout: float) -> Answer:
        """GET a file of the account, at most `most` bytes and `timeout` seconds. Raises NeverSent or InDoubt."""
        headers = {"Authorization": self._asking["Authorization"]}
        return await self.pool.request("GET", f"{self.base}{path}", headers, most=most, timeout=timeout)

    async def delete(self, path: str) -> Answer:
        """DELETE something of the account. Raises NeverSent or InDoubt."""
        return await self.pool.request("DELETE", f"{self.base}{path}.json", self._asking)

    async def check(self) -> str:
        """Whether the credentials work and the account may send: "" or what is wrong and what to do."""
        try:
            answer = await self.pool.request("GET", f"{self.base}.json", self._asking)
        except (NeverSent, InDoubt) as error:
            return f"Twilio cannot be reached: {error}; look at TWILIO_API_URL and the network"
        if answer.status in (401, 403, 404):
            return "Twilio refuses the credentials: look at TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        account = answer.json()
        if answer.status != 200 or not isinstance(account, dict):
            return f"Twilio answered {answer.status} without an account: look at TWILIO_API_URL"
        status = str(account.get("status", ""))
        return "" if status in ("active", "") else f"the Twilio account is {status}: ask Twilio"

    async def known(self, resource: str, sid: str) -> Found:
        """Whether a message or call whose reference we have is there."""
        try:
            answer = await self.get(f"/{resource}/{sid}")
        except (NeverSent, InDoubt):
            return Found("cannot say")
        return Found("accepted", sid, own=True) if answer.status == 200 else Found("cannot say")

    async def created_since(self, resource: str, by: str, probe: Probe) -> list[Mapping[str, Any]] | None:
        """What was made for the probe's address about its start, however wrong our clock, and is not known as what
        another attempt made; None: cannot say.

        Asks twice: by day, and without a date, because the filter `by` looks at a date that something still in
        Twilio's queue does not have.
        """
        day = (probe.started_at.astimezone(UTC) - _WRONG).strftime("%Y-%m-%dT00:00:00Z")
        found: dict[str, Mapping[str, Any]] = {}
        for date in ([(f"{by}>", day)], []):
            try:
                answer = await self.get(f"/{resource}", [("To", probe.address), *date, ("PageSize", "200")])
            except (NeverSent, InDoubt):
                return None
            page = answer.json()
            rows = page.get(resource.lower()) if answer.status == 200 and isinstance(page, dict) else None
            if not isinstance(rows, list):
                return None
            found |= {str(row.get("sid")): row for row in rows if isinstance(row, dict)}
        return [row for sid, row in found.items() if sid not in probe.others and _made_for(row, probe)]


# How far Twilio's clock and ours may be apart, and how long after its start an attempt can have reached Twilio.
_CLOCKS, _LATEST = timedelta(seconds=30), timedelta(minutes=5)
# Ours may be an hour wrong without anybody noticing. What we sent meanwhile must not be taken for absent.
_WRONG = timedelta(hours=2)


def in_time(row: Mapping[str, Any], probe: Probe) -> bool:
    """Made when the attempt can have reached Twilio, if our clock was right."""
    return _between(row, probe, _CLOCKS, _LATEST if probe.latest is None else _CLOCKS)


def _made_for(row: Mapping[str, Any], probe: Probe) -> bool:
    return (
        _between(row, probe, _WRONG, _WRONG)
        and str(row.get("direction", "")).startswith("outbound")
        and row.get("to") == probe.address
    )


def _between(row: Mapping[str, Any], probe: Probe, before: timedelta, after: timedelta) -> bool:
    at, started = when(row.get("date_created")), probe.started_at.astimezone(UTC)
    latest = started if probe.latest is None else max(started, probe.latest.astimezone(UTC))
    return at is not None and started - before <= at <= latest + after


def when(text: object) -> datetime | None:
    """An RFC 2822 time in UTC, or None."""
    try:
        at = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """Form encoding, as the SDK's HTTP client does it."""
    return "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)


_DEAD = ("failed", "undelivered", "canceled")


def _stillborn(attempt: str, sid: str, made: Mapping[str, Any]) -> Outcome:
    number = made.get("error_code")
    verdict = later(number if isinstance(number, int) else None)
    text = str(made.get("error_message") or made["status"])[:300]
    return Outcome(attempt, verdict.state, verdict.decision, sid, str(number or ""), text, mark=verdict.mark)


def _outcome(attempt: str, answer: Answer) -> Outcome:
    made = answer.json()
    if answer.status in (200, 201):
        sid = made.get("sid") if isinstance(made, dict) else None
        if isinstance(sid, str) and len(sid) == 34:
            # The first status comes by no callback: one that is already the last must be taken from here.
            return (
                _stillborn(attempt, sid, made) if made.get("status") in _DEAD else Outcome(attempt, "accepted", "", sid)
            )
        return senseless(attempt, answer)
    made = made if isinstance(made, dict) else {}
    number = made.get("code")
    code = number if isinstance(number, int) else None
    error = str(made.get("message") or f"HTTP {answer.status}")
    return refusal(attempt, answer, judge(code, answer.status), str(code or answer.status), error)
