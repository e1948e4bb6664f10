"""The simulated carrier's ledger as the oracle reads it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from dispatcher.services.oracle import Accepted

_ATTEMPT = re.compile(r"attempt=([0-9a-f]{32})")


def as_accepted(entry: dict[str, Any]) -> Accepted:
    """One entry of `/carrier/api/ledger`: our id is in the status address of a text or call, in a mail's arguments."""
    mail = entry["channel"] == "email"
    raw = entry.get("raw_request") or ""
    found = None if mail else _ATTEMPT.search(unquote_plus(str(raw)))
    attempt = str(entry["custom_args"].get("attempt_id", "")) if mail else found[1] if found else ""
    return Accepted(
        channel=entry["channel"],
        address=entry["to"],
        at=datetime.fromisoformat(entry["accepted_at"]),
        attempt=attempt,
        ref=entry["provider_ref"],
        subject=entry.get("subject"),
        text=entry.get("text"),
        html=entry.get("html"),
    )


def of(entries: list[dict[str, Any]]) -> list[Accepted]:
    """All of them."""
    return [as_accepted(entry) for entry in entries]
