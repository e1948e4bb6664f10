"""Mail from people as SendGrid's Inbound Parse posts it: fields in a multipart form, or the whole mail in one field.

The form is taken apart as bytes. Each field is in a charset of its own, named by the field "charsets"; a framework's
form would read all of them as UTF-8 and destroy the rest, and turn a form that was cut off into an empty one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

import orjson

from channels import inbound_mail as mail
from channels import machines
from channels.words import clean, one_line
from dispatcher.model.base import now
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import File, InboundReply, WebRequest

_BOUNDARY = re.compile(r'(?i)^multipart/form-data\b.*?;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))')
_NAME = re.compile(r'(?i)(?:^|;)\s*name="((?:[^"\\]|\\.)*)"')
_FILE_NAME = re.compile(r'(?i)(?:^|;)\s*filename="((?:[^"\\]|\\.)*)"')
_DKIM = re.compile(r"@([\w.-]+)\s*:\s*(\w+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the form; `file_name` None for a plain field."""

    name: str
    file_name: str | None
    media_type: str
    content: bytes


def split(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart form. Raises ProviderError when it is none, or does not reach its end."""
    match = _BOUNDARY.match(content_type)
    if match is None:
        raise ProviderError("inbound mail came without a multipart form")
    delimiter = b"\r\n--" + (match[1] or match[2]).encode("latin-1", "replace")
    parts: list[Part] = []
    for piece in (b"\r\n" + body).split(delimiter)[1:]:
        if piece.startswith(b"--"):
            return parts
        front, found, content = piece.lstrip(b" \t").partition(b"\r\n\r\n")
        if not found or not front.startswith(b"\r\n"):
            raise ProviderError("inbound mail came with a part that has no header")
        parts.append(_part(front, content))
    raise ProviderError("inbound mail was cut off on its way" if parts else "inbound mail came empty")


def _part(front: bytes, content: bytes) -> Part:
    headers = {}
    for line in mail.as_written(front).replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n"):
        label, _, value = line.partition(":")
        headers[label.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    name, file_name = _NAME.search(disposition), _FILE_NAME.search(disposition)
    return Part(
        name[1] if name else "",
        re.sub(r"\\(.)", r"\1", file_name[1]) if file_name else None,
        headers.get("content-type", ""),
        content,
    )


class _Post:
    """One post, its fields decoded."""

    def __init__(self, request: WebRequest) -> None:
        parts = split(request.headers.get("content-type", ""), request.body)
        self.fields = {part.name: part.content for part in parts if part.file_name is None or part.name == "email"}
        self.files = [part for part in parts if part.file_name is not None and part.name != "email"]
        self.charsets = _json(self.fields.get("charsets", b""))
        if not self.fields.get("headers") and not self.fields.get("email"):
            raise ProviderError("inbound mail came without headers and without the mail itself")
        self.envelope = _json(self.fields.get("envelope", b""))

    def text(self, name: str) -> str:
        """A field in its charset."""
        return mail.decoded(self.fields.get(name, b""), str(self.charsets.get(name) or "utf-8"))

    def message(self) -> tuple[Message, mail.Body]:
        if raw := self.fields.get("email"):
            return mail.read(raw)
        message = mail.headers_of(self.fields["headers"])
        html = self.text("html").replace("\0", "")
        text = clean(self.text("text")) or (mail.text_of(html) if html.strip() else "")
        return message, mail.Body(text, html, self._attached())

    def _attached(self) -> tuple[File, ...]:
        return tuple(
            mail.file(part.file_name or "", part.media_type, part.content) for part in self.files[: mail.MOST_FILES]
        )

    def recipients(self, message: Message) -> tuple[str, ...]:
        """The envelope's, which also name whom the headers hide; else the headers'."""
        to = self.envelope.get("to")
        listed = [to] if isinstance(to, str) else to if isinstance(to, list) else []
        found = mail.addresses(", ".join(str(one) for one in listed))
        return found or mail.addresses(f"{mail.header(message, 'To')}, {mail.header(message, 'Cc')}, {self.text('to')}")

    def envelope_from(self) -> str | None:
        """None where the envelope is not known."""
        sender = self.envelope.get("from")
        return sender if isinstance(sender, str) else None


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def key(request: WebRequest) -> str:
    """The same for every post of one mail, ≤ 100 characters. Raises ProviderError for one that was cut off."""
    post = _Post(request)
    message = mail.headers_of(
        re.split(rb"\r?\n\r?\n", post.fields.get("email") or post.fields["headers"], maxsplit=1)[0]
    )
    return _key(post, message)


def _key(post: _Post, message: Message) -> str:
    message_id = mail.header(message, "Message-ID")
    if message_id:
        parts = [message_id.encode(), *sorted(one.encode() for one in post.recipients(message))]
    else:
        parts = [post.fields.get(name, b"") for name in ("envelope", "headers", "email", "text", "html")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def reply(request: WebRequest) -> InboundReply:
    """The mail in our words. Raises ProviderError for one that was cut off, and only then."""
    post = _Post(request)
    message, body = post.message()
    sender = _sender(post, message)
    subject = (mail.header(message, "Subject") or one_line(post.text("subject")))[:1000]
    signs = machines.signs(message, body, post.envelope_from(), sender, subject)
    return InboundReply(
        dedupe=f"mail:{_key(post, message)}",
        channel="email",
        sender=sender,
        recipients=post.recipients(message),
        text=body.text,
        received_at=now(),
        subject=subject,
        html=body.html,
        automatic=signs.because if signs.machine else "",
        machine=signs.machine,
        hint=signs.hint,
        returned=signs.returned,
        verified=_unverified(post, sender),
        message_ref=mail.header(message, "Message-ID")[:200],
        attachments=body.files,
    )


def _sender(post: _Post, message: Message) -> str:
    for text in (mail.raw_header(message, "From"), post.text("from"), post.envelope_from() or ""):
        if found := mail.addresses(text):
            return found[0][:320]
    return ""


def _unverified(post: _Post, sender: str) -> str:
    """Why the sender is not proven, or "": a passed DKIM or SPF of the domain that the mail claims to come from."""
    domain = sender.rpartition("@")[2]
    signed = {match[1].lower(): match[2].lower() for match in _DKIM.finditer(post.text("dkim"))}
    if any(result == "pass" and _aligned(by, domain) for by, result in signed.items()):
        return ""
    spf = one_line(post.text("SPF")).lower()
    if spf == "pass" and _aligned((post.envelope_from() or "").rpartition("@")[2].lower(), domain):
        return ""
    dkim = ", ".join(f"{result} for {by}" for by, result in signed.items()) or "none"
    return f"SPF {spf or 'unknown'}, DKIM {dkim}"[:200]


def _aligned(proven: str, claimed: str) -> bool:
    """Whether one domain is the other or below it."""
    if "." not in proven or "." not in claimed:
        return False
    return proven == claimed or proven.endswith("." + claimed) or claimed.endswith("." + proven)
