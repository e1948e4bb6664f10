"""Telnyx's webhooks: whether they are Telnyx's, and what they say of faxes in our words."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from channels.telnyx import FAILURES, Failure, read_state
from dispatcher.model.base import now
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Event, InboundReply, Parsed, WebRequest
from dispatcher.settings import Settings, SettingsError

RECEIVED = "fax.received"
# How old a signature may be, and how far the clocks may differ: each try of theirs is signed anew.
TOLERANCE = timedelta(minutes=5)
# Event → delivery state, of faxes that we send.
STATES = {
    "fax.queued": "accepted",
    "fax.media.processed": "accepted",
    "fax.sending.started": "accepted",
    "fax.delivered": "delivered",
    "fax.failed": "failed",
}


def public_key(text: str) -> Ed25519PublicKey:
    """The key that a setting holds. Raises SettingsError where it is none."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise SettingsError("TELNYX_PUBLIC_KEY is no key: copy it from the portal, under API Keys") from None


class TelnyxWebhooks:
    """Reads `/webhooks/telnyx/fax`."""

    name = "telnyx"

    def __init__(self, settings: Settings) -> None:
        """Raises NotConfigured without the key, SettingsError for one that is none."""
        if not settings.telnyx_public_key:
            raise NotConfigured("TELNYX_PUBLIC_KEY is missing")
        self._key = public_key(settings.telnyx_public_key)

    def verify(self, request: WebRequest) -> bool:
        """Whether Telnyx signed it within the last minutes."""
        timestamp = request.headers.get("telnyx-timestamp", "")
        if request.method != "POST" or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
            return False
        if abs(now() - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
            return False
        try:
            signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
            self._key.verify(signature, f"{timestamp}|".encode() + request.body)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    def dedupe(self, what: str, request: WebRequest) -> str:
        """The same for every copy of one event; `meta`, which counts the tries, is not looked at. Of a fax that came it
        is the fax's own, by which the provider's list knows it too."""
        event = _event(request)
        payload = event.get("payload")
        came = payload.get("fax_id") if event.get("event_type") == RECEIVED and isinstance(payload, dict) else ""
        key = str(came or event.get("id") or "") or hashlib.sha256(request.body).hexdigest()
        return f"{event.get('event_type') or 'unknown'}:{key}"[:150]

    def parse(self, what: str, request: WebRequest) -> Parsed:
        """The news in a request, or the fax that came."""
        event = _event(request)
        payload = event.get("payload")
        if what != "fax" or not isinstance(payload, dict) or not payload.get("fax_id"):
            return Parsed()
        kind, dedupe = str(event.get("event_type")), self.dedupe(what, request)
        if payload.get("direction") != "inbound":
            return Parsed(events=_news(kind, event, payload, dedupe))
        if kind == RECEIVED:
            return Parsed(replies=(_received(event, payload, dedupe),))
        # Of a fax that is still coming, or never came whole: nobody's attempt, so nothing waits for one.
        return Parsed(events=(Event(dedupe, "", _at(event), detail=kind[:300]),))


def _event(request: WebRequest) -> Mapping[str, Any]:
    """The event of a verified request, an empty one where it cannot be read."""
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    event = document.get("data") if isinstance(document, dict) else None
    return event if isinstance(event, dict) else {}


def _at(event: Mapping[str, Any]) -> datetime:
    """When it happened, by their clock; never later than by ours."""
    try:
        at = datetime.fromisoformat(str(event.get("occurred_at")))
    except ValueError:
        return now()
    return min(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), now())


def _news(kind: str, event: Mapping[str, Any], payload: Mapping[str, Any], dedupe: str) -> tuple[Event, ...]:
    state, reason = STATES.get(kind, "unrecognised"), str(payload.get("failure_reason") or "")
    failure = FAILURES.get(reason, Failure(reason.replace("_", " ") or "the fax failed")) if state == "failed" else None
    pages = payload.get("page_count")
    known = Event(
        dedupe=dedupe,
        state=state,
        at=_at(event),
        attempt=read_state(payload.get("client_state"))[0],
        provider_ref=str(payload["fax_id"])[:100],
        address=str(payload.get("to") or ""),
        outcome=failure.outcome if failure else "",
        code=reason[:32],
        detail=failure.words[:300] if failure else _pages(pages) if state == "delivered" else kind[:300],
        mark=failure.mark if failure else "",
        decision="fall-back" if failure else "",
    )
    if failure is None or not failure.account:
        return (known,)
    # This fax goes on by another channel; the account is another piece of news.
    return known, Event(f"{dedupe}:account"[:150], "", _at(event), detail=failure.words, decision="stop-channel")


def _received(event: Mapping[str, Any], payload: Mapping[str, Any], dedupe: str) -> InboundReply:
    to = str(payload.get("to") or "")
    return InboundReply(
        dedupe=dedupe,
        channel="fax",
        sender=str(payload.get("from") or payload.get("caller_id") or "").strip()[:320],
        recipients=(to,) if to else (),
        text=f"Came by fax, {_pages(payload.get('page_count'))}.",
        received_at=_at(event),
        message_ref=str(payload["fax_id"])[:100],
        document="fax.pdf",
    )


def _pages(count: object) -> str:
    if not isinstance(count, int) or count < 1:
        return "pages not counted"
    return f"{count} pages" if count > 1 else "1 page"
