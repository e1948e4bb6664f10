"""Whether SendGrid has a mail whose request ended in doubt: Email Logs first, else Email Activity (a paid extra)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from channels.http import Answer, InDoubt, NeverSent, Pool
from dispatcher.model.ports import ANY_TAG, Found, Probe

CLOCKS = timedelta(seconds=60)  # how far SendGrid's clock and ours may be apart
MOST = 20
_CANNOT_SAY = Found("cannot say")


async def look_up(pool: Pool, base: str, headers: Mapping[str, str], probe: Probe, argument: str) -> Found:
    """Search by address, category and time; then let the mail's own `argument`, our attempt's id, decide.

    Where any attempt's mail is meant, address and category decide, for its id was lost. "absent" only when a search
    worked and showed nothing of ours.
    """

    async def ask(method: str, path: str, body: bytes | None = None) -> Answer | None:
        try:
            answer = await pool.request(method, f"{base}{path}", headers, body)
        except (NeverSent, InDoubt):
            return None
        # Of a refusal there is nothing to be had, whenever it is asked; all else may be answered the next time.
        return None if answer.status == 429 or answer.status >= 500 else answer

    since = (probe.started_at.astimezone(UTC) - CLOCKS).strftime("%Y-%m-%dT%H:%M:%SZ")
    terms = [f'sg_message_id_created_at >= TIMESTAMP "{since}"']
    if not set(probe.address) & set("\"'\\"):
        terms.insert(0, f'to_email = "{probe.address}"')
    by_category = re.fullmatch(r"[\w.-]+", probe.category) is not None
    if by_category:
        terms.append(f"categories IN ('{probe.category}')")
    query = {"query": " AND ".join(terms), "limit": MOST}
    rows = _rows(await ask("POST", "/v3/logs", orjson.dumps(query)), "sg_message_id", probe)
    path = "/v3/logs"
    if rows is None:
        activity = urlencode({"query": f'to_email="{probe.address}"', "limit": MOST})
        rows, path = _rows(await ask("GET", f"/v3/messages?{activity}"), "msg_id", probe), "/v3/messages"
        rows = {ref: row for ref, row in rows.items() if _recent(row, since)} if rows is not None else None
    if rows is None:
        return _CANNOT_SAY
    free = {ref: row for ref, row in rows.items() if _request(ref) not in probe.others}
    of_category = by_category and path == "/v3/logs"
    if probe.any_attempt and of_category and not probe.known:
        for ref in free:
            return Found("accepted", _request(ref))
    unsure: list[str] = []
    unread = False
    for ref, row in free.items():
        answer = await ask("GET", f"{path}/{quote(ref, safe='')}")
        if answer is None:
            unread = True
            continue
        details = _details(answer)
        attempt, categories = _argument(details, argument), _categories(details)
        if attempt in probe.known:
            continue
        is_any = probe.any_attempt and (of_category or probe.category in categories)
        if attempt == probe.attempt or (is_any and (attempt or not probe.rivals)):
            return Found("accepted", _request(ref), own=attempt == probe.attempt)
        is_anothers = not is_any and (categories if probe.any_attempt else attempt)
        if not is_anothers and (is_any or _same(str(row.get("subject") or ""), probe.text)):
            unsure.append(ref)
    rivals = (_same(str(free[ref].get("subject") or ""), text) for ref in unsure for text in probe.rivals)
    if len(unsure) == 1 and not unread and not any(rivals):
        return Found("accepted", _request(unsure[0]))
    return _CANNOT_SAY if unsure or unread or len(rows) >= MOST else Found("absent")


def _request(ref: str) -> str:
    """The reference that the answer to our request bore: it begins that of each mail."""
    return ref.partition(".")[0]


def _rows(answer: Answer | None, key: str, probe: Probe) -> dict[str, Mapping[str, Any]] | None:
    """The mails of a search to the probe's address, by id; None when the search did not work."""
    page = answer.json() if answer is not None and answer.status == 200 else None
    rows = page.get("messages") if isinstance(page, dict) else None
    if not isinstance(rows, list):
        return None
    return {
        str(row[key]): row
        for row in rows
        if isinstance(row, dict) and row.get(key) and str(row.get("to_email", "")).lower() == probe.address.lower()
    }


def _recent(row: Mapping[str, Any], since: str) -> bool:
    # Both are ISO 8601 in UTC, so they compare as text.
    return str(row.get("last_event_time", "")) >= since


def _details(answer: Answer) -> Mapping[str, Any]:
    details = answer.json() if answer.status == 200 else None
    return details if isinstance(details, dict) else {}


def _categories(details: Mapping[str, Any]) -> list[Any]:
    categories = details.get("categories")
    return categories if isinstance(categories, list) else []


def _argument(details: Mapping[str, Any], name: str) -> str:
    """Our argument in a mail's details, or ""."""
    arguments = details.get("custom_args") or details.get("unique_args")
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            return ""
    return str(arguments.get(name) or "") if isinstance(arguments, dict) else ""


def _same(subject: str, expected: str) -> bool:
    """Whether a subject is the one sent, whatever token stands for a tag that is still in `expected`."""
    return (
        re.fullmatch(".*".join(re.escape(piece) for piece in ANY_TAG.split(expected)), subject, re.DOTALL) is not None
    )
