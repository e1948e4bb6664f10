"""Mail by SendGrid: many recipients a request, each with a reply address of their own.

The request is encoded here and not by the SDK, which opens a connection for each; a test holds it against what the
SDK's `Mail` builds. There is no idempotency key: a request in doubt is looked up (`find`), never repeated.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import orjson

from channels.http import Answer, InDoubt, NeverSent, Pool
from channels.mail_headers import is_plain_address, marks, unsafe, unsubscribe_headers
from channels.sendgrid_lookup import look_up
from channels.sending import Unit, each, in_doubt, never_sent
from dispatcher.model.errors import NotConfigured
from dispatcher.model.gate import Limits
from dispatcher.model.ports import TAGS, Content, Found, Outbound, Outcome, Probe
from dispatcher.settings import Settings

# A request may hold 1,000, but one in doubt leaves all its mails in doubt.
PER_REQUEST = 500
MOST_BYTES = 29 * 1024 * 1024  # 30 MB a request, attachments in base64 included
# How often a request that was refused without saying for whose sake may be halved to find out.
HALVINGS = 24
# Our attempt's id in every event. Not "attempt": the event "deferred" has a field of that name.
ATTEMPT = "attempt_id"

_AT_FAULT = re.compile(r"^personalizations[.\[](\d+)\b")


class SendGrid:
    """One personalization per recipient: people never see each other."""

    name = "sendgrid"
    channel = "email"

    def __init__(self, settings: Settings, pool: Pool | None = None) -> None:
        """Raises NotConfigured naming the setting that is missing."""
        key = settings.sendgrid_api_key.get_secret_value()
        if not key:
            raise NotConfigured("SENDGRID_API_KEY is missing")
        if not settings.email_from:
            raise NotConfigured("EMAIL_FROM is missing: name the address that mail comes from")
        self._base, self._from = settings.sendgrid_api_url, settings.email_from
        self._pool = pool or Pool()
        self.limits = Limits(self.name, settings.sendgrid_concurrent_requests, recipients_a_request=PER_REQUEST)
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        wrong = unsafe(content)
        letter = Letter(content, self._from)
        if not wrong and len(letter.shared) > MOST_BYTES - 1000:
            wrong = "the attachments are too big: SendGrid takes 30 MB in all"
        good = [o for o in batch if not wrong and is_plain_address(o.address)]
        bad = [
            Outcome(o.attempt, "rejected", "person", "", "content", wrong)
            if wrong
            else Outcome(o.attempt, "rejected", "fall-back", "", "address", "not a mail address", mark="invalid")
            for o in batch
            if wrong or not is_plain_address(o.address)
        ]
        return each(_requests(good), partial(self._carry, letter), self.limits.requests, content.gate, bad)

    async def _carry(self, letter: Letter, unit: Unit) -> list[Outcome]:
        """Send one request, and again without those it was refused for: a refused request sent nothing to anybody."""
        waiting: list[Unit] = [unit]
        told: list[Outcome] = []
        halvings = HALVINGS
        while waiting:
            people = waiting.pop()
            try:
                answer = await self._pool.request(
                    "POST", f"{self._base}/v3/mail/send", self._headers, letter.body(people)
                )
            except NeverSent as error:
                told += [never_sent(outbound, error) for group in (people, *waiting) for outbound in group]
                break
            except InDoubt as error:
                told += [in_doubt(outbound, str(error)) for outbound in people]
                continue
            guilty, rest = _sorted_out(answer, people)
            if guilty or rest:
                told += guilty
                waiting += [rest] if rest else []
            elif len(people) > 1 and answer.status in (400, 413) and halvings > 0 and not _for_all(answer):
                halvings -= 1
                half = len(people) // 2
                waiting += [people[half:], people[:half]]
            else:
                outcomes = [_outcome(answer, outbound) for outbound in people]
                told += outcomes
                if outcomes[0].decision in ("stop-channel", "retry"):
                    told += [_outcome(answer, outbound) for group in waiting for outbound in group]
                    break
        return told

    async def find(self, probe: Probe) -> Found:
        return await look_up(self._pool, self._base, self._headers, probe, ATTEMPT)

    async def check(self) -> str:
        try:
            answer = await self._pool.request("GET", f"{self._base}/v3/scopes", self._headers)
        except (NeverSent, InDoubt) as error:
            return f"SendGrid cannot be reached: {error}; look at SENDGRID_API_URL and the network"
        if answer.status in (401, 403):
            return "SendGrid refuses the key: look at SENDGRID_API_KEY"
        found = answer.json()
        scopes = found.get("scopes") if isinstance(found, dict) else None
        if answer.status != 200 or not isinstance(scopes, list):
            return f"SendGrid answered {answer.status} without scopes: look at SENDGRID_API_URL"
        return "" if "mail.send" in scopes else "the key of SENDGRID_API_KEY may not send mail: give it mail.send"

    def open(self) -> None:
        self._pool.open()

    async def aclose(self) -> None:
        await self._pool.aclose()


class Letter:
    """What all requests of one send share, encoded once, with the tags in place."""

    def __init__(self, content: Content, sender: str) -> None:
        rendition = content.rendition
        parts = [("text/plain", rendition.text), ("text/html", rendition.html)]
        shared: dict[str, Any] = {
            "from": {"email": sender, **({"name": content.sender_name} if content.sender_name else {})},
            "subject": rendition.subject,
            "content": [{"type": kind, "value": value} for kind, value in parts if value],
            # Tracking rewrites the links people answer with, and scanners click them.
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
            },
            "headers": marks(content),
        }
        if content.reply_to:
            shared["reply_to"] = {"email": content.reply_to}
        if content.category:
            shared["categories"] = [content.category]
        if content.attachments:
            shared["attachments"] = [
                {
                    "content": base64.b64encode(file.content).decode(),
                    "type": file.media_type,
                    "filename": file.name.replace(";", ","),
                    "disposition": "attachment",
                }
                for file in content.attachments
            ]
        self.shared = orjson.dumps(shared)[1:]
        tagged = "\n".join((rendition.subject, rendition.text, rendition.html, content.reply_to))
        self._tags = [tag for tag in TAGS if tag in tagged]
        self._unsubscribe = content.unsubscribe_url

    def person(self, outbound: Outbound) -> dict[str, Any]:
        """One personalization."""
        person: dict[str, Any] = {"to": [{"email": outbound.address}], "custom_args": {ATTEMPT: outbound.attempt}}
        if self._tags:
            values = outbound.values
            person["substitutions"] = {tag: values[tag] for tag in self._tags}
        if self._unsubscribe:
            person["headers"] = unsubscribe_headers(self._unsubscribe, outbound)
        return person

    def body(self, people: Unit) -> bytes:
        """The whole request."""
        return b'{"personalizations":' + orjson.dumps([self.person(one) for one in people]) + b"," + self.shared


def _requests(batch: Sequence[Outbound]) -> list[list[Outbound]]:
    """Cut into requests. SendGrid refuses a request that holds an address twice, so its second mail goes in another."""
    layers: list[list[Outbound]] = []
    seen: dict[str, int] = {}
    for outbound in batch:
        layer = seen.get(outbound.address.lower(), 0)
        seen[outbound.address.lower()] = layer + 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(outbound)
    return [layer[at : at + PER_REQUEST] for layer in layers for at in range(0, len(layer), PER_REQUEST)]


def _errors(answer: Answer) -> list[dict[str, Any]]:
    found = answer.json()
    errors = found.get("errors") if isinstance(found, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _text(errors: Sequence[dict[str, Any]], status: int) -> str:
    return ("; ".join(str(error.get("message")) for error in errors[:3]) or f"HTTP {status}")[:300]


def _sorted_out(answer: Answer, people: Unit) -> tuple[list[Outcome], Unit]:
    """Of a request refused for the sake of some: their outcomes, and the others."""
    if answer.status != 400:
        return [], ()
    faults: dict[int, list[dict[str, Any]]] = {}
    for error in _errors(answer):
        match = _AT_FAULT.match(str(error.get("field") or ""))
        if match and int(match[1]) < len(people):
            faults.setdefault(int(match[1]), []).append(error)
    guilty = []
    for at, errors in faults.items():
        address = any(re.search(r"\bto\b", str(error["field"])) for error in errors)
        guilty.append(
            Outcome(
                people[at].attempt,
                "rejected",
                "fall-back",
                code="400",
                error=_text(errors, 400),
                mark="invalid" if address else "",
            )
        )
    return guilty, [one for at, one in enumerate(people) if at not in faults] if faults else ()


def _for_all(answer: Answer) -> bool:
    """Whether a refusal names something that all recipients share."""
    fields = [str(error.get("field") or "") for error in _errors(answer)]
    return any(field and not field.startswith("personalizations") for field in fields)


def _outcome(answer: Answer, outbound: Outbound) -> Outcome:
    """What an answer means for each recipient of its request."""
    reference = answer.header("X-Message-Id").strip()
    if answer.status == 202 and reference:
        return Outcome(outbound.attempt, "accepted", provider_ref=reference[:100])
    errors = _errors(answer)
    code, text = str(answer.status), _text(errors, answer.status)
    if answer.status in (401, 403, 404):
        return Outcome(outbound.attempt, "failed", "stop-channel", code=code, error=text)
    if answer.status == 400 and any(str(error.get("field") or "").startswith("from") for error in errors):
        return Outcome(outbound.attempt, "failed", "stop-channel", code=code, error=text)
    if answer.status == 429:
        return Outcome(outbound.attempt, "deferred", "retry", code=code, error=text, retry_after=_pause(answer))
    if 400 <= answer.status < 500 and answer.status != 408:
        return Outcome(outbound.attempt, "rejected", "person", code=code, error=text)
    return in_doubt(outbound, text if errors else f"the answer makes no sense (HTTP {code})", code)


def _pause(answer: Answer) -> float:
    """Seconds until the limit is lifted: SendGrid names the moment, as Unix time."""
    pause = answer.retry_after()
    reset = answer.header("X-RateLimit-Reset")
    if pause is None and reset.isascii() and reset.isdigit():
        pause = min(600.0, int(reset[:12]) - time.time())
    return max(1.0, pause if pause is not None else 5.0)
