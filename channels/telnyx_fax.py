"""Faxes by Telnyx."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from channels import fax_page
from channels.http import InDoubt, NeverSent, Pool
from channels.sending import Unit, each
from channels.telnyx import Account, data_of, outcome_of, read_state, state_for
from channels.telnyx_webhooks import RECEIVED, public_key
from channels.words import clean, one_line
from dispatcher.model.base import now
from dispatcher.model.errors import NotConfigured, ProviderError
from dispatcher.model.gate import Limits
from dispatcher.model.ports import ANY_TAG, BROUGHT_BY, Content, File, Found, Outbound, Outcome, Probe, WebRequest
from dispatcher.settings import Settings

# Our clock may be an hour wrong without anybody noticing. What we sent meanwhile must not be taken for absent.
_WRONG = timedelta(hours=2)
_TIME = "%Y-%m-%dT%H:%M:%SZ"
PAGE_SIZE, MOST_PAGES = 100, 20
MOST_BYTES, FETCH_SECONDS = 10_000_000, 60.0
# Beside the API's own host, where documents are kept: the address of one is a secret by itself, and gets no key.
_STORES = (".telnyx.com", ".telnyxcloudstorage.com")
_BUCKETS = "https://s3.amazonaws.com/faxes-"


class TelnyxFax:
    """One fax a request. The page is uploaded with it, so nothing of it stands at an address on the way."""

    name = "telnyx"
    channel = "fax"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured naming what is missing, SettingsError for a key that is none."""
        self._account = Account(settings, pool)
        if not settings.telnyx_connection_id:
            raise NotConfigured("TELNYX_CONNECTION_ID is missing: the id of the fax application in the portal")
        if not settings.fax_line:
            raise NotConfigured("FAX_LINE is missing: the number that faxes leave from and come back to")
        if not settings.telnyx_public_key:
            raise NotConfigured("TELNYX_PUBLIC_KEY is missing: without it nobody learns what became of a fax")
        public_key(settings.telnyx_public_key)
        self._line, self._firm = settings.fax_line, settings.firm_name
        self._shared = {
            "connection_id": settings.telnyx_connection_id,
            "from": settings.fax_line,
            "from_display_name": one_line(settings.firm_name)[:128],
            "quality": "high",
            "webhook_url": f"{settings.public_url}/webhooks/telnyx/fax",
        }
        self.limits = Limits(self.name, settings.telnyx_concurrent_requests)

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        wrong = "" if clean(content.rendition.text) else "there is no text to send"
        known = [Outcome(o.attempt, "rejected", "person", "", "content", wrong) for o in batch if wrong]
        units = [] if wrong else [(outbound,) for outbound in batch]
        return each(units, partial(self._carry, content), self.limits.requests, content.gate, known)

    async def _carry(self, content: Content, unit: Unit) -> list[Outcome]:
        return [await self._create(content, outbound) for outbound in unit]

    async def _create(self, content: Content, outbound: Outbound) -> Outcome:
        words, values = content.rendition, outbound.values
        text = ANY_TAG.sub(lambda tag: values[tag[0]], clean(words.text))
        subject = one_line(words.subject)
        at = now().astimezone(UTC)
        page = fax_page.draw(text, subject, sender=self._firm, number=self._line, at=at, code=outbound.code)
        fields = {
            **self._shared,
            "to": outbound.address,
            "client_state": state_for(outbound.attempt, content.category),
        }
        body, media_type = _multipart(fields, page)
        headers = {**self._account.headers, "Content-Type": media_type}
        answer = await self._account.pool.request("POST", f"{self._account.base}/faxes", headers, body)
        return outcome_of(outbound.attempt, answer)

    async def find(self, probe: Probe) -> Found:
        """By our own id, which stands in the provider's list."""
        try:
            if probe.provider_ref:
                answer = await self._account.get(f"/faxes/{probe.provider_ref}")
                there = answer.status == 200
                return Found("accepted", probe.provider_ref, own=True) if there else Found("cannot say")
            return await self._listed(probe)
        except (NeverSent, InDoubt):
            return Found("cannot say")

    async def _listed(self, probe: Probe) -> Found:
        since = (probe.started_at.astimezone(UTC) - _WRONG).strftime(_TIME)
        asked = [
            ("filter[to][eq]", probe.address),
            ("filter[direction][eq]", "outbound"),
            ("filter[created_at][gte]", since),
            ("page[size]", str(PAGE_SIZE)),
        ]
        for number in range(1, MOST_PAGES + 1):
            answer = await self._account.get("/faxes", [*asked, ("page[number]", str(number))])
            rows = data_of(answer) if answer.status == 200 else None
            if not isinstance(rows, list):
                return Found("cannot say")
            for row in rows:
                if isinstance(row, dict) and row.get("id") and _is_it(row, probe):
                    own = read_state(row.get("client_state"))[0] == probe.attempt
                    return Found("accepted", str(row["id"]), own=own)
            if len(rows) < PAGE_SIZE:
                return Found("absent")
        return Found("cannot say")

    async def received_between(self, since: datetime, until: datetime) -> list[WebRequest]:
        """Each fax to us in this time, oldest first, as its webhook would have brought it. Raises ProviderError."""
        asked = [
            ("filter[direction][eq]", "inbound"),
            ("filter[created_at][gte]", since.astimezone(UTC).strftime(_TIME)),
            ("filter[created_at][lte]", until.astimezone(UTC).strftime(_TIME)),
            ("page[size]", str(PAGE_SIZE)),
        ]
        found: list[dict[str, Any]] = []
        for number in range(1, MOST_PAGES + 1):
            try:
                answer = await self._account.get("/faxes", [*asked, ("page[number]", str(number))])
            except (NeverSent, InDoubt) as error:
                raise ProviderError(f"the provider cannot be asked: {error}") from error
            rows = data_of(answer) if answer.status == 200 else None
            if not isinstance(rows, list):
                raise ProviderError(f"the provider answered {answer.status} to a question for its list")
            found += [
                row for row in rows if isinstance(row, dict) and row.get("status") == "received" and row.get("id")
            ]
            if len(rows) < PAGE_SIZE:
                return [_as_posted(row) for row in sorted(found, key=lambda row: str(row.get("created_at")))]
        raise ProviderError("the provider's list does not end")

    async def fetch_document(self, ref: str) -> File | None:
        """The pages of a fax that came. Where they are, the API is asked: nothing that a callback names is followed."""
        try:
            answer = await self._account.get(f"/faxes/{ref}")
            fax = data_of(answer) if answer.status == 200 else None
            if answer.status not in (200, 404):
                raise ProviderError(f"the provider answered {answer.status} to a question for a fax")
            url = (fax.get("stored_media_url") or fax.get("media_url")) if isinstance(fax, dict) else None
            if not url:
                return None
            headers = self._headers_for(str(url))
            found = await self._account.pool.request("GET", str(url), headers, most=MOST_BYTES, timeout=FETCH_SECONDS)
        except (NeverSent, InDoubt) as error:
            raise ProviderError(f"the fax cannot be had: {error}") from error
        if found.status == 404:
            return None
        if found.status != 200 or not found.body:
            raise ProviderError(f"the provider answered {found.status} to a fetch of a fax")
        return File("fax.pdf", found.headers.get("Content-Type", ""), found.body)

    def _headers_for(self, url: str) -> dict[str, str]:
        """With the key for the API itself, without for its stores. Raises ProviderError for any other host."""
        if self._account.is_api(url):
            return {"Authorization": self._account.headers["Authorization"]}
        parts = urlsplit(url)
        if parts.scheme == "https" and ((parts.hostname or "").endswith(_STORES) or url.startswith(_BUCKETS)):
            return {}
        raise ProviderError("the provider names a document on a host that is not its own")

    async def check(self) -> str:
        return await self._account.check()

    def open(self) -> None:
        self._account.pool.open()

    async def aclose(self) -> None:
        await self._account.pool.aclose()


def _is_it(row: dict[str, Any], probe: Probe) -> bool:
    attempt, category = read_state(row.get("client_state"))
    if attempt == probe.attempt:
        return True
    known = str(row["id"]) in probe.others or attempt in probe.known
    if known or not (probe.any_attempt and attempt and category == probe.category):
        return False
    try:
        at = datetime.fromisoformat(str(row.get("created_at")))
    except ValueError:
        return True
    return probe.latest is None or at.tzinfo is None or at <= probe.latest.astimezone(UTC) + _WRONG


def _as_posted(row: dict[str, Any]) -> WebRequest:
    payload = {name: row.get(name) for name in ("connection_id", "from", "to", "page_count")}
    event = {
        "event_type": RECEIVED,
        "occurred_at": row.get("created_at"),
        "payload": {**payload, "fax_id": str(row["id"]), "direction": "inbound"},
    }
    headers = {"content-type": "application/json", BROUGHT_BY: "list"}
    return WebRequest("POST", "/webhooks/telnyx/fax", headers, orjson.dumps({"data": event}))


def _multipart(fields: dict[str, str], page: bytes) -> tuple[bytes, str]:
    """The body of an upload and its media type."""
    line = secrets.token_hex(16)
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{line}\r\nContent-Disposition: form-data; name="contents"; filename="alert.pdf"\r\n'
    document = f"{head}Content-Type: application/pdf\r\n\r\n".encode() + page
    return b"".join([*parts, document, f"\r\n--{line}--\r\n".encode()]), f"multipart/form-data; boundary={line}"
