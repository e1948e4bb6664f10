"""SendGrid's webhooks: whether they are SendGrid's, and what its events say in our words.

`events` is signed. `inbound`, mail from people, is signed where a security policy is set up for it; else a secret of
ours comes along, as Basic password or in the address. A post refused is a mail lost, and a post of somebody else's a
reply that nobody wrote.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels import sendgrid_inbound
from channels.sendgrid import ATTEMPT
from channels.words import one_line
from dispatcher.model.base import now
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Decision, Event, Parsed, WebRequest
from dispatcher.settings import Settings, SettingsError

_ATTEMPT = re.compile(r"[0-9a-f]{32}")
_NO_SUCH_ADDRESS = re.compile(r"\b5\.1\.(1|2|3|10)\b")

# Event → delivery state and decision. "" is no news about the delivery.
STATES: dict[str, tuple[str, Decision]] = {
    "processed": ("accepted", ""),
    "deferred": ("", ""),  # SendGrid tries again by itself for 72 hours
    "delivered": ("delivered", ""),  # taken by the other server, not read
    "bounce": ("bounced", "fall-back"),
    "blocked": ("failed", "fall-back"),  # a bounce of type "blocked"
    "dropped": ("failed", "fall-back"),
    "open": ("", ""),  # scanners and mail privacy open and click: never proof that a person read it
    "click": ("", ""),
    "spamreport": ("", ""),
    "unsubscribe": ("", ""),
    "group_unsubscribe": ("", ""),
    "group_resubscribe": ("", ""),
    "account_status_change": ("", "stop-channel"),
}
# What an event teaches about its address.
MARKS = {"spamreport": "complaint", "unsubscribe": "opt-out", "group_unsubscribe": "opt-out"}
# The reason of a drop, by its beginning. "Bounced Address" may be one whose mailbox was full once: it teaches nothing.
DROPS = {"unsubscribed": "opt-out", "spam reporting": "complaint", "invalid": "invalid"}


class SendGridWebhooks:
    """Reads `/webhooks/sendgrid/{events,inbound}`."""

    name = "sendgrid"

    def __init__(self, settings: Settings) -> None:
        """Raises NotConfigured without any means to tell who posts, SettingsError for a key that is none."""
        self._secret = settings.sendgrid_inbound_secret.get_secret_value().encode()
        self._key = _public_key(settings.sendgrid_event_public_key) if settings.sendgrid_event_public_key else None
        if self._key is None and not self._secret:
            raise NotConfigured("SENDGRID_EVENT_PUBLIC_KEY and SENDGRID_INBOUND_SECRET are missing")

    def verify(self, request: WebRequest) -> bool:
        """Whether it is SendGrid's, or for inbound mail whether our secret came along."""
        what, *rest = request.target.partition("?")[0].rpartition("/sendgrid/")[2].split("/")
        if request.method != "POST":
            return False
        if what != "inbound":
            return self._signed(request)
        # A signed array of events must not pass as a mail.
        is_form = request.headers.get("content-type", "").lower().startswith("multipart/")
        return self._told(request, rest) or (is_form and self._signed(request))

    def _signed(self, request: WebRequest) -> bool:
        """The signature covers timestamp and raw body. No limit on its age: retries go on for days, repeats are told
        apart by their contents."""
        if self._key is None:
            return False
        timestamp = request.headers.get("x-twilio-email-event-webhook-timestamp", "")
        try:
            signature = base64.b64decode(
                request.headers.get("x-twilio-email-event-webhook-signature", ""), validate=True
            )
            self._key.verify(signature, timestamp.encode() + request.body, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return bool(timestamp)

    def _told(self, request: WebRequest, rest: list[str]) -> bool:
        """Whether one of the places where our secret may stand holds it."""
        if not self._secret:
            return False
        places = [_password(request.headers.get("authorization", "")), *parse_qs(request.query).get("secret", [])[:1]]
        if rest:
            places.append(unquote(rest[-1]))
        right = [hmac.compare_digest(place.encode("utf-8", "replace"), self._secret) for place in places]
        return any(right)

    def dedupe(self, what: str, request: WebRequest) -> str:
        """The same for every copy of one request. Raises ProviderError for a mail that arrived cut off."""
        if what == "inbound":
            return f"inbound:{sendgrid_inbound.key(request)}"
        return f"{what}:{hashlib.sha256(request.body).hexdigest()}"[:150]

    def parse(self, what: str, request: WebRequest) -> Parsed:
        """The news in a request. Raises ProviderError for a mail that arrived cut off."""
        if what == "inbound":
            return Parsed(replies=(sendgrid_inbound.reply(request),))
        return Parsed(events=tuple(_events(request.body))) if what == "events" else Parsed()


def _public_key(text: str) -> ec.EllipticCurvePublicKey:
    """The key as the settings page shows it, or as a PEM file holds it."""
    bare = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    try:
        key = load_der_public_key(base64.b64decode(bare, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingsError("SENDGRID_EVENT_PUBLIC_KEY is no public key: copy it from the event webhook's settings")
    return key


def _password(authorization: str) -> str:
    kind, _, rest = authorization.partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _events(body: bytes) -> Iterator[Event]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    for element in found if isinstance(found, list) else [found]:
        try:
            yield from _read(element)
        except (AttributeError, TypeError, ValueError, OverflowError, OSError):
            # One that makes no sense must not lose the others.
            raw = orjson.dumps(element, option=orjson.OPT_SORT_KEYS)
            text = raw[:200].decode("utf-8", "replace")
            yield Event(hashlib.sha256(raw).hexdigest(), "unrecognised", now(), detail=text)


def _read(element: Any) -> list[Event]:
    """One element in our words. Raises one of several errors for what is no event."""
    name = str(element.get("event") or "")
    if not name:
        raise ValueError("no event")
    kind = "blocked" if name == "bounce" and element.get("type") == "blocked" else name
    state, decision = STATES.get(kind, ("unrecognised", ""))
    attempt = str(element.get(ATTEMPT) or "")
    reason = one_line(str(element.get("reason") or element.get("response") or element.get("type") or ""))
    event = Event(
        dedupe=_dedupe(element),
        state=state,
        at=datetime.fromtimestamp(float(element["timestamp"]), UTC) if element.get("timestamp") else now(),
        attempt=attempt if _ATTEMPT.fullmatch(attempt) else "",
        provider_ref=_reference(str(element.get("sg_message_id") or "")),
        address=str(element.get("email") or "").strip().lower()[:320],
        code=str(element.get("status") or "")[:32],
        detail=f"{kind}: {reason}"[:300] if reason else kind[:300],
        mark=_mark(kind, element, reason),
        decision=decision,
    )
    if kind == "dropped" and "package quota" in reason.lower():
        # This mail goes on by another channel; the account is another piece of news.
        account = Event(f"{event.dedupe[:140]}:account", "", event.at, detail=event.detail, decision="stop-channel")
        return [event, account]
    return [event]


def _dedupe(element: Mapping[str, Any]) -> str:
    own = str(element.get("sg_event_id") or "")
    if 0 < len(own) <= 150 and own.isprintable():
        return own
    return hashlib.sha256(orjson.dumps(element, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _reference(message_id: str) -> str:
    """The X-Message-Id of the request. Drops are recorded by another machine, under an id of its own."""
    return "" if message_id.startswith("filter") else message_id.partition(".")[0][:100]


def _mark(kind: str, element: Mapping[str, Any], reason: str) -> str:
    if kind == "bounce":
        said = f"{element.get('status') or ''} {reason}"
        gone = element.get("bounce_classification") == "Invalid Address" or _NO_SUCH_ADDRESS.search(said)
        return "invalid" if gone else ""
    if kind == "dropped":
        return next((mark for start, mark in DROPS.items() if reason.lower().startswith(start)), "")
    return MARKS.get(kind, "")
