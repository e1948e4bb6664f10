"""Texts that people sent us, asked of Twilio's own list: a webhook that fails for 15 s is never repeated.

What is listed is written as the webhook would have posted it, so that everything after takes both for one. Not in the
list are OptOutType (the words of a whole message say the same) and the media of a picture message, only their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from channels.http import Answer, InDoubt, NeverSent
from channels.twilio import VERSION, Account, when
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import BROUGHT_BY, WebRequest

PAGE_SIZE = 1000
MOST_PAGES = 500  # half a million texts to one number: then it is no list that comes to an end
_HEADERS = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", BROUGHT_BY: "list"}


async def received(account: Account, senders: Sequence[str], since: datetime, until: datetime) -> list[WebRequest]:
    """Each text to one of our numbers in this time, oldest first. Raises ProviderError.

    Where a messaging service sends, the account's numbers are asked for: it stands for some of them, and people answer
    those.
    """
    numbers = {one for one in senders if not one.startswith("MG")}
    if any(one.startswith("MG") for one in senders):
        rows = await _rows(account, "/IncomingPhoneNumbers", [], "incoming_phone_numbers")
        numbers |= {str(row["phone_number"]) for row in rows if row.get("phone_number")}
    day = since.astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")  # the filter is documented by day only
    found: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    for number in sorted(numbers):
        for row in await _rows(account, "/Messages", [("To", number), ("DateSent>", day)], "messages"):
            at = when(row.get("date_sent") or row.get("date_created"))
            if row.get("direction") == "inbound" and at is not None and since <= at <= until and row.get("sid"):
                found[str(row["sid"])] = at, row
    return [_as_posted(account, row, at) for at, row in sorted(found.values(), key=lambda one: one[0])]


async def news(account: Account, sid: str, attempt: str) -> WebRequest | None:
    """What the status callback of a text of ours would say now. Raises ProviderError."""
    row = (await _asked(account, f"/Messages/{quote(sid, safe='')}", [])).json()
    if not isinstance(row, dict) or row.get("sid") != sid or not row.get("status"):
        return None
    form = {
        "MessageSid": sid,
        "AccountSid": account.sid,
        "From": str(row.get("from") or ""),
        "To": str(row.get("to") or ""),
        "MessageStatus": str(row["status"]),
        "ErrorCode": str(row.get("error_code") or ""),
        "ApiVersion": VERSION,
    }
    query = urlencode({"attempt": attempt})
    return WebRequest("POST", f"/webhooks/twilio/sms-status?{query}", _HEADERS, urlencode(form).encode())


async def _rows(account: Account, path: str, query: list[tuple[str, str]], what: str) -> list[Mapping[str, Any]]:
    """All pages of a list. Raises ProviderError where one of them cannot be had: half a list looks like a whole one."""
    rows: list[Mapping[str, Any]] = []
    pairs = [*query, ("PageSize", str(PAGE_SIZE))]
    for _ in range(MOST_PAGES):
        page = _page(await _asked(account, path, pairs))
        listed = page.get(what)
        if not isinstance(listed, list):
            raise ProviderError("the provider's list makes no sense")
        rows += [row for row in listed if isinstance(row, dict)]
        following = page.get("next_page_uri")
        if not following:
            return rows
        parts = urlsplit(str(following))
        if parts.path != f"/{VERSION}/Accounts/{account.sid}{path}.json":
            raise ProviderError("the provider's list goes on elsewhere")
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    raise ProviderError("the provider's list does not end")


async def _asked(account: Account, path: str, pairs: list[tuple[str, str]]) -> Answer:
    try:
        return await account.get(path, pairs)
    except (NeverSent, InDoubt) as error:
        raise ProviderError(f"the provider cannot be asked: {error}") from error


def _page(answer: Answer) -> Mapping[str, Any]:
    page = answer.json()
    if answer.status != 200 or not isinstance(page, dict):
        raise ProviderError(f"the provider answered {answer.status} to a question for its list")
    return page


def _as_posted(account: Account, row: Mapping[str, Any], at: datetime) -> WebRequest:
    """`DateSent` is in no webhook: it says when this was written, which is not now."""
    sid = str(row["sid"])
    form = {
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "AccountSid": account.sid,
        "From": str(row.get("from") or ""),
        "To": str(row.get("to") or ""),
        "Body": str(row.get("body") or ""),
        "NumMedia": str(row.get("num_media") or "0"),
        "SmsStatus": "received",
        "ApiVersion": VERSION,
        "DateSent": at.isoformat(),
    }
    return WebRequest("POST", "/webhooks/twilio/sms", _HEADERS, urlencode(form).encode())
