"""Mail from people as SendGrid's Inbound Parse posts it: fields in a multipart form, or the whole mail in one field.

Each field is in a charset of its own, named by the field "charsets". Nothing raises here: a 4xx would lose the mail and
a 5xx only puts it off, so what cannot be read as a mail becomes one that says so, for a person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import Any

import orjson

from channels import inbound_mail as mail
from channels import machines
from channels.form_data import split
from channels.sender_checks import check
from channels.words import clean, one_line
from dispatcher.model.base import now
from dispatcher.model.ports import File, InboundReply, WebRequest

MOST_SHOWN = 100_000  # characters of what could not be read
MOST_RECIPIENTS = 100
_HOLDS_A_MAIL = ("email", "headers", "text", "html", "from", "subject")
CUT_OFF, UNREADABLE = "it arrived cut off", "it could not be read as a mail"


class _Post:
    """One post, its fields decoded."""

    def __init__(self, request: WebRequest) -> None:
        parts, self.whole = split(request.headers.get("content-type", ""), request.body)
        self.fields = {part.name: part.content for part in parts if part.file_name is None or part.name == "email"}
        self.files = [part for part in parts if part.file_name is not None and part.name != "email"]
        self.charsets = _json(self.fields.get("charsets", b""))
        self.envelope = _json(self.fields.get("envelope", b""))
        self.holds_mail = any(self.fields.get(name) for name in _HOLDS_A_MAIL)

    def text(self, name: str) -> str:
        """A field in its charset."""
        return mail.decoded(self.fields.get(name, b""), str(self.charsets.get(name) or ""))

    def message(self) -> tuple[Message, mail.Body]:
        if raw := self.fields.get("email"):
            return mail.read(raw)
        message = mail.headers_of(self.fields.get("headers", b""))
        html = self.text("html").replace("\0", "")
        plain = self.text("text")
        text = mail.flowed(message, plain) if message.get_content_type() == "text/plain" else clean(plain)
        return message, mail.Body(text or (mail.text_of(html) if html.strip() else ""), html, self._attached())

    def _attached(self) -> tuple[File, ...]:
        return tuple(
            mail.file(mail.readable(part.file_name or ""), part.media_type, part.content)
            for part in self.files[: mail.MOST_FILES]
        )

    def recipients(self, message: Message) -> tuple[str, ...]:
        """The envelope's, which also name whom the headers hide; else the headers'."""
        to = self.envelope.get("to")
        listed = [to] if isinstance(to, str) else to if isinstance(to, list) else []
        found = _all_in([str(one) for one in listed[:MOST_RECIPIENTS]])
        return found or _all_in([mail.header(message, "To"), mail.header(message, "Cc"), self.text("to")])

    def envelope_from(self) -> str | None:
        """None where the envelope is not known."""
        sender = self.envelope.get("from")
        return sender if isinstance(sender, str) else None


def _all_in(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for text in texts for address in mail.addresses(text)))


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def key(request: WebRequest) -> str:
    """The same for every post of one mail, ≤ 100 characters."""
    post = _Post(request)
    block = re.split(rb"\r?\n\r?\n", (post.fields.get("email") or b"").lstrip(b"\r\n"), maxsplit=1)[0]
    return _key(request, post, mail.headers_of(block or post.fields.get("headers", b"")))


def _key(request: WebRequest, post: _Post, message: Message) -> str:
    message_id = mail.header(message, "Message-ID")
    if not (post.whole and post.holds_mail):
        parts = [request.body]  # it must not stand in the way of a copy that comes whole
    elif message_id:
        parts = [message_id.encode(), *sorted(one.encode() for one in post.recipients(message))]
    else:
        parts = [post.fields.get(name, b"") for name in ("envelope", "headers", "email", "text", "html")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def reply(request: WebRequest) -> InboundReply:
    """The mail in our words."""
    try:
        post = _Post(request)
        return _read(request, post) if post.holds_mail else _unreadable(request, UNREADABLE)
    except Exception as error:  # its sender waits for an answer, whatever we stumble over
        return _unreadable(request, f"{UNREADABLE} ({type(error).__name__})")


def _read(request: WebRequest, post: _Post) -> InboundReply:
    message, body = post.message()
    sender = _sender(post, message)
    subject = (mail.header(message, "Subject") or one_line(post.text("subject")))[:1000]
    signs = machines.signs(message, body, post.envelope_from(), sender, subject)
    known = check(
        message, sender, spf=post.text("SPF"), envelope_from=post.envelope_from(), dkim=post.text("dkim")
    )  # fmt: skip
    cut = "" if post.whole else CUT_OFF
    return InboundReply(
        dedupe=f"mail:{_key(request, post, message)}",
        channel="email",
        sender=sender,
        recipients=post.recipients(message),
        text=f"{body.text}\n\n[{cut}]".strip() if cut else body.text,
        received_at=now(),
        subject=subject,
        html=body.html,
        automatic=signs.because if signs.machine else "",
        machine=signs.machine,
        hint=signs.hint,
        returned=signs.returned,
        verified=known.unverified or cut,
        distrust=known.distrust or cut,
        sender_check=known.said,
        message_ref=mail.header(message, "Message-ID")[:200],
        attachments=body.files,
    )


def _unreadable(request: WebRequest, why: str) -> InboundReply:
    """Something came that is no mail: nobody's, its words as far as they are words, all of it beside them."""
    words = clean(mail.decoded(request.body[:MOST_SHOWN]))
    return InboundReply(
        dedupe=f"mail:{hashlib.sha256(request.body).hexdigest()}",
        channel="email",
        sender="",
        recipients=(),
        text=words or "(empty)",
        received_at=now(),
        subject="A mail that could not be read",
        verified=why,
        distrust=why,
        attachments=(mail.file("as-it-came.bin", "application/octet-stream", request.body),),
    )


def _sender(post: _Post, message: Message) -> str:
    for text in (mail.raw_header(message, "From"), post.text("from"), post.envelope_from() or ""):
        if found := mail.addresses(text):
            return found[0][:320]
    return ""
