"""A mail as bytes, composed once for many: what differs from one recipient to the next is put in afterwards."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.quoprimime import body_encode
from email.utils import formatdate

from channels.mail_headers import marks, unsubscribe_headers
from dispatcher.model.ports import ANY_TAG, TAGS, Content, File, Outbound

_TAGS = re.compile(f"({ANY_TAG.pattern})")


class Letter:
    """The mail of one send, with the tags cut out of it."""

    def __init__(self, content: Content, sender: str) -> None:
        self._content = content
        self._domain = sender.rpartition("@")[2]
        message = _structure(content)
        message["From"] = Address(display_name=content.sender_name, addr_spec=sender)
        message["Date"] = formatdate(localtime=False)
        for name, value in marks(content).items():
            message[name] = value
        self._subject = content.rendition.subject
        self._own_subject = _TAGS.search(self._subject) is not None
        if not self._own_subject:
            message["Subject"] = self._subject
        self._pieces = _TAGS.split(message.as_bytes(policy=SMTP).decode("ascii"))

    def message_id(self, outbound: Outbound) -> str:
        """Carries our attempt's id."""
        return f"<{outbound.attempt}@{self._domain}>"

    def bytes_for(self, outbound: Outbound) -> bytes:
        """The whole mail for one recipient."""
        values = outbound.values
        headers = {"To": outbound.address, "Message-ID": self.message_id(outbound)}
        if self._content.reply_to:
            headers["Reply-To"] = _filled(self._content.reply_to, values)
        if self._content.unsubscribe_url:
            headers |= unsubscribe_headers(self._content.unsubscribe_url, outbound)
        front = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if self._own_subject:
            front += SMTP.fold("Subject", SMTP.header_factory("Subject", _filled(self._subject, values)))
        return (front + "".join(values.get(piece, piece) for piece in self._pieces)).encode("ascii")


def _filled(text: str, values: dict[str, str]) -> str:
    return "".join(values.get(piece, piece) for piece in _TAGS.split(text))


def _structure(content: Content) -> EmailMessage:
    rendition = content.rendition
    body = _text("plain", rendition.text)
    if rendition.html:
        body = _multipart("alternative", [body, _text("html", rendition.html)])
    if content.attachments:
        body = _multipart("mixed", [body, *(_attachment(file) for file in content.attachments)])
    body["MIME-Version"] = "1.0"
    return body


def _multipart(kind: str, parts: list[EmailMessage]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Content-Type"] = f"multipart/{kind}"
    for part in parts:
        message.attach(part)
    return message


def _text(kind: str, text: str) -> EmailMessage:
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(quoted(text))
    return part


def _attachment(file: File) -> EmailMessage:
    part = EmailMessage(policy=SMTP)
    main, _, sub = file.media_type.partition("/")
    part.set_content(file.content, maintype=main, subtype=sub, disposition="attachment", filename=file.name)
    del part["MIME-Version"]
    return part


def quoted(text: str) -> str:
    """Quoted-printable in which each tag stands whole, between two soft line breaks, so that it can be replaced."""
    pieces = []
    for piece in _TAGS.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        if piece in TAGS:
            pieces.append(f"=\n{piece}=\n")
        else:
            # 75: the soft line break before a tag takes one more.
            pieces.append(body_encode(piece.encode("utf-8", "replace").decode("latin-1"), maxlinelen=75))
    return "".join(pieces)
