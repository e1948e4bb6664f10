"""The lists by which SendGrid itself drops mail: global unsubscribes, which we may fill, and spam reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from channels.http import Answer, InDoubt, NeverSent, Pool
from dispatcher.model.errors import NotConfigured, ProviderError
from dispatcher.model.ports import Listed
from dispatcher.settings import Settings

# By our reason. Bounces are not among them: a mailbox that was full once is not one that nobody may write to.
LISTS: Mapping[str, str] = {"opt-out": "unsubscribes", "complaint": "spam_reports"}
PAGE = 500


class SendGridSuppressions:
    """Puts, takes off, reads. An address that is on a list, or is not, already is no fault."""

    name = "sendgrid"
    channel = "email"
    reasons = tuple(LISTS)

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured where mail is not sent by SendGrid."""
        key = settings.sendgrid_api_key.get_secret_value()
        if not key or self.name not in settings.providers_for(self.channel):
            raise NotConfigured("SENDGRID_API_KEY is missing, or EMAIL_PROVIDER does not name sendgrid")
        self._base = settings.sendgrid_api_url
        self._pool = pool or Pool()
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    async def put(self, address: str) -> None:
        body = orjson.dumps({"recipient_emails": [address]})
        answer = await self._ask("POST", "/v3/asm/suppressions/global", body)
        if answer.status != 201:
            raise _refused(answer)

    async def take_off(self, address: str, reason: str) -> None:
        # A spam report is forgotten only where the complaint was lifted, which is a person's to do.
        reports = ("/v3/suppression/spam_reports",) if reason == "complaint" else ()
        for path in ("/v3/asm/suppressions/global", *reports):
            answer = await self._ask("DELETE", f"{path}/{quote(address, safe='')}")
            if answer.status not in (200, 204, 404):
                raise _refused(answer)

    async def read(self, reason: str, since: datetime | None, skip: int) -> Sequence[Listed]:
        query = {"limit": PAGE, "offset": skip, **({"start_time": int(since.timestamp())} if since else {})}
        answer = await self._ask("GET", f"/v3/suppression/{LISTS[reason]}?{urlencode(query)}")
        page = answer.json()
        if answer.status != 200 or not isinstance(page, list):
            raise _refused(answer)
        return [_listed(row) for row in page if isinstance(row, dict) and row.get("email")]

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        try:
            return await self._pool.request(method, f"{self._base}{path}", self._headers, body)
        except (NeverSent, InDoubt) as error:
            # Each of these may be asked again: what is done twice is done once.
            raise ProviderError(f"SendGrid cannot be asked: {error}") from error

    async def aclose(self) -> None:
        await self._pool.aclose()


def _listed(row: Mapping[str, Any]) -> Listed:
    created = row.get("created")
    at = float(created) if isinstance(created, int | float) else 0.0
    return Listed(str(row["email"]).strip().lower()[:320], datetime.fromtimestamp(at, UTC))


def _refused(answer: Answer) -> ProviderError:
    if answer.status in (401, 403):
        return ProviderError("the key of SENDGRID_API_KEY may not change suppressions: give it Suppressions")
    return ProviderError(f"SendGrid answered {answer.status}")
