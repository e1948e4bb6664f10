"""Twilio's webhooks: whether they are Twilio's, and what they say in our words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from channels.twilio import later, when
from channels.words import clean
from dispatcher.model.base import now
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import Event, InboundReply, Parsed, WebRequest
from dispatcher.settings import Settings

_ATTEMPT = re.compile(r"[0-9a-f]{32}")

# MessageStatus → delivery state. "sent" may be a carrier's last word: it is no news beyond acceptance.
TEXT_STATES = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "partially_delivered": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
# CallStatus → delivery state and outcome. "in-progress" is also what the event "answered" carries.
CALL_STATES = {
    "queued": ("accepted", ""),
    "initiated": ("accepted", ""),
    "ringing": ("accepted", ""),
    "in-progress": ("accepted", ""),
    "completed": ("delivered", "answered"),
    "busy": ("failed", "busy"),
    "no-answer": ("failed", "no-answer"),
    "failed": ("failed", ""),
    "canceled": ("failed", ""),
}
# Whole messages by which Twilio itself blocks or unblocks the sender, and answers; nothing may stand beside the word,
# no full stop either: "Stop!" is for us to obey and to confirm. YES, which unblocks too, is left out: it is the
# natural answer to an alert, and what it means here is for those to say who know what was asked.
KEYWORDS = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), "stop"),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}


class TwilioWebhooks:
    """Reads `/webhooks/twilio/{sms,sms-status,voice,call-status,recording-status}`."""

    name = "twilio"

    def __init__(self, settings: Settings) -> None:
        """Raises NotConfigured without the account's credentials."""
        token = settings.twilio_auth_token.get_secret_value()
        if not settings.twilio_account_sid or not token:
            raise NotConfigured("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are missing")
        self._sid, self._key = settings.twilio_account_sid, token.encode()
        self._bases = _with_and_without_port(settings.public_url)

    def verify(self, request: WebRequest) -> bool:
        """Whether Twilio signed it for this address, and it is about our account.

        The address is PUBLIC_URL and the raw path and query; what the request says its host is does not matter.
        """
        given = request.headers.get("x-twilio-signature", "").encode("latin-1", "replace")
        try:
            form = _pairs(request.body)
        except ValueError:
            return False
        names = [name for name, _ in form]
        if request.method != "POST" or not given or len(set(names)) != len(names):
            return False
        signed = "".join(name + value for name, value in sorted(form))
        target = request.target.partition("#")[0]
        right = [hmac.compare_digest(given, self._signature(base + target + signed)) for base in self._bases]
        return any(right) and hmac.compare_digest(dict(form).get("AccountSid", "").encode(), self._sid.encode())

    def _signature(self, signed: str) -> bytes:
        return base64.b64encode(hmac.new(self._key, signed.encode("utf-8", "replace"), hashlib.sha1).digest())

    def dedupe(self, what: str, request: WebRequest) -> str:
        """The same for every copy of one request, out of signed fields alone."""
        form = read_form(request)
        if what == "sms" and form.get("MessageSid"):
            parts = [form["MessageSid"]]
        elif what == "sms-status" and form.get("MessageSid"):
            parts = [form["MessageSid"], form.get("MessageStatus", "")]
        elif what == "call-status" and form.get("CallSid"):
            parts = [form["CallSid"], form.get("CallStatus", ""), form.get("SequenceNumber", "")]
        elif what == "recording-status" and form.get("RecordingSid"):
            # What was written down of it comes to the same address.
            parts = [form["RecordingSid"], form.get("RecordingStatus", "") or form.get("TranscriptionSid", "")]
        else:
            whole = request.target + "\n" + "\n".join(f"{name}={value}" for name, value in sorted(form.items()))
            parts = [form.get("CallSid", ""), hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()]
        return ":".join([what, *parts])[:150]

    def parse(self, what: str, request: WebRequest) -> Parsed:
        """The news in a request. Those of live calls and recordings are the telephone line's to read: nothing here."""
        form = read_form(request)
        attempt = attempt_of(request)
        if what == "sms-status":
            return Parsed(events=_text_status(form, attempt, self.dedupe(what, request)))
        if what == "call-status":
            return Parsed(events=(_call_status(form, attempt, self.dedupe(what, request)),))
        if what == "sms" and form.get("From"):
            return Parsed(replies=(_text(form, self.dedupe(what, request)),))
        return Parsed()


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """Twilio signs the address sometimes with its port and sometimes without."""
    parts = urlsplit(url.rstrip("/"))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    bare = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return tuple(urlunsplit(parts._replace(netloc=netloc)) for netloc in (bare, f"{bare}:{port}"))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """The form as sent: empty values count. Raises ValueError on what is no form in UTF-8."""
    return parse_qsl(
        body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=1000
    )


def read_form(request: WebRequest) -> dict[str, str]:
    """The fields of a verified request."""
    return dict(_pairs(request.body)) if request.body else {}


def attempt_of(request: WebRequest) -> str:
    """Our attempt's id, which travelled in the address of the webhook."""
    values = parse_qs(request.query).get("attempt", [])
    return values[0] if len(values) == 1 and _ATTEMPT.fullmatch(values[0]) else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else None


def _text_status(form: Mapping[str, str], attempt: str, dedupe: str) -> tuple[Event, ...]:
    status, code = form.get("MessageStatus", "").lower(), _number(form.get("ErrorCode", ""))
    state = TEXT_STATES.get(status, "unrecognised")
    verdict = later(code) if state == "failed" else None
    event = Event(
        dedupe=dedupe,
        state=state,
        at=now(),
        attempt=attempt,
        provider_ref=form.get("MessageSid", ""),
        address=form.get("To", ""),
        code=str(code or "")[:32],
        detail=status[:300],
        mark=verdict.mark if verdict else "",
        decision=verdict.decision if verdict else "",
    )
    if state == "failed" and code == 30002:
        # This message goes on by another channel; the account is another piece of news.
        return event, Event(
            f"{dedupe}:account"[:150], "", now(), detail="the account is suspended", decision="stop-channel"
        )
    return (event,)


def _call_status(form: Mapping[str, str], attempt: str, dedupe: str) -> Event:
    status, answered_by = form.get("CallStatus", "").lower(), form.get("AnsweredBy", "")
    state, outcome = CALL_STATES.get(status, ("unrecognised", ""))
    inbound = form.get("Direction") == "inbound"
    hung_up = inbound and state in ("delivered", "failed")
    if inbound:
        # A call that somebody made to us is nobody's attempt, and nothing waits for one.
        state, outcome = "", ""
    detail = status
    if state == "delivered" and answered_by.startswith("machine"):
        outcome = "machine"
    elif state == "delivered" and answered_by == "fax":
        state, outcome, detail = "failed", "machine", "a fax machine answered"
    code = form.get("ErrorCode") or (form.get("SipResponseCode", "") if state == "failed" else "")
    return Event(
        dedupe=dedupe,
        state=state,
        at=when(form["Timestamp"]) or now() if form.get("Timestamp") else now(),
        attempt=attempt,
        provider_ref=form.get("CallSid", ""),
        address=form.get("To", ""),
        outcome=outcome,
        code=code[:32],
        detail=detail[:300],
        decision="fall-back" if state == "failed" else "",
        hung_up=hung_up,
    )


def _sent(form: Mapping[str, str]) -> datetime | None:
    """When it was written, where the provider's list brought it, long after perhaps."""
    try:
        return datetime.fromisoformat(form.get("DateSent", "")).astimezone(UTC)
    except ValueError:
        return None


def _text(form: Mapping[str, str], dedupe: str) -> InboundReply:
    text = clean(form.get("Body", "")) or clean(form.get("ButtonText", ""))
    if files := _number(form.get("NumMedia", "")):
        # Fetching them needs the network; the representative is told that they are there.
        text = f"{text}\n[{files} attached, not shown here]".strip()
    sender = form["From"]
    keyword = form.get("OptOutType", "").lower()
    if keyword not in ("stop", "start", "help"):
        keyword = KEYWORDS.get(text.strip().casefold(), "")
    return InboundReply(
        dedupe=dedupe,
        channel="sms",
        sender=sender,
        recipients=(form["To"],) if form.get("To") else (),
        text=text,
        received_at=min(_sent(form) or now(), now()),
        keyword=keyword,
        automatic="" if re.fullmatch(r"\+[1-9]\d{6,14}", sender) else "sent by a short code or a name, not a telephone",
        message_ref=form.get("MessageSid", ""),
    )
