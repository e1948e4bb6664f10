"""Mail people write to us, posted as SendGrid's inbound parse posts it."""

import base64
import email
import email.policy
import json
import secrets
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from time import time

from channels.carrier.core import Carrier
from channels.carrier.names import EMAIL, message_id
from channels.carrier.records import Doc, InboundMail

RETRY_GAPS = (1, 2, 5, 10, 30, 60, 300, 600, 1800, 10800)


class Posted(ValueError):
    """A mail that cannot be sent as asked."""


def compose(doc: Doc) -> InboundMail:
    """An InboundMail from the control API's JSON; Posted says what is wrong."""
    to, sender = str(doc.get("to", "")).strip(), str(doc.get("from", "")).strip()
    if not EMAIL.match(parseaddr(to)[1] or ""):
        raise Posted("to is not a mail address")
    # An empty sender is legal: bounce notices have none.
    if sender and not EMAIL.match(parseaddr(sender)[1] or ""):
        raise Posted("from is not a mail address")
    raw = doc.get("raw")
    ident = f"<{message_id()}@mail.example>"
    headers = [(str(name), str(value)) for name, value in dict(doc.get("headers") or {}).items()]
    if doc.get("in_reply_to"):
        headers += [("In-Reply-To", str(doc["in_reply_to"])), ("References", str(doc["in_reply_to"]))]
    return InboundMail(
        id=message_id(), to=to, sender=sender, subject=str(doc.get("subject") or ""),
        text=str(doc.get("text") or ""), html=str(doc.get("html") or ""), created=time(), message_id=ident,
        headers=headers, attachments=list(doc.get("attachments") or []),
        charset=str(doc.get("charset") or "utf-8"), raw=raw if isinstance(raw, str) else "", raw_mode=bool(raw),
    )  # fmt: skip


def mime(it: InboundMail) -> bytes:
    """The mail as it travelled."""
    if it.raw:
        return it.raw.encode("utf-8", "surrogateescape")
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = it.sender or "<>", it.to, it.subject
    message["Date"], message["Message-ID"] = formatdate(it.created), it.message_id
    for name, value in it.headers:
        if name.lower() in ("message-id", "date", "from", "to", "subject"):
            del message[name]
        message[name] = value
    if it.text or not it.html:
        message.set_content(it.text, charset=it.charset)
    if it.html and it.text:
        message.add_alternative(it.html, subtype="html", charset=it.charset)
    elif it.html:
        message.set_content(it.html, subtype="html", charset=it.charset)
    for file in it.attachments:
        kind, _, sub = str(file.get("type") or "application/octet-stream").partition("/")
        name = file.get("filename") or "file"
        content = base64.b64decode(file["content"])
        message.add_attachment(content, maintype=kind, subtype=sub or "octet-stream", filename=name)
    return message.as_bytes()


def _quote(name: str) -> bytes:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ").encode()


class Multipart:
    """multipart/form-data by hand: the vendor puts every field in its own charset, libraries do not."""

    def __init__(self) -> None:
        self.boundary = "xYzZY" + secrets.token_hex(8)
        self._body = bytearray()

    def field(self, name: str, value: bytes) -> None:
        self._part(b'form-data; name="' + _quote(name) + b'"', b"", value)

    def file(self, name: str, filename: str, kind: str, value: bytes) -> None:
        head = b'form-data; name="' + _quote(name) + b'"; filename="' + _quote(filename) + b'"'
        self._part(head, f"Content-Type: {kind}\r\n".encode(), value)

    def _part(self, disposition: bytes, more: bytes, value: bytes) -> None:
        self._body += b"--" + self.boundary.encode() + b"\r\nContent-Disposition: " + disposition + b"\r\n"
        self._body += more + b"\r\n" + value + b"\r\n"

    def done(self) -> bytes:
        return bytes(self._body) + b"--" + self.boundary.encode() + b"--\r\n"


def form(it: InboundMail) -> tuple[bytes, str]:
    """The posted body and its content type."""
    sender = parseaddr(it.sender)[1]
    domain = sender.rpartition("@")[2] or "mail.example"
    out = Multipart()
    plain = {
        "dkim": f"{{@{domain} : pass}}", "SPF": "pass", "sender_ip": "198.51.100.44",
        "envelope": json.dumps({"to": [parseaddr(it.to)[1]], "from": sender}),
        "spam_score": "0.011", "spam_report": "Spam detection software, running on the system",
    }  # fmt: skip
    if it.raw_mode:
        out.field("email", mime(it))
        words = {"to": it.to, "from": it.sender, "subject": it.subject}
        charsets = dict.fromkeys(words, "UTF-8")
    else:
        words = {"to": it.to, "from": it.sender, "subject": it.subject, "headers": _header_block(it)}
        charsets = {"to": "UTF-8", "from": "UTF-8", "subject": it.charset}
        for name, value in (("text", it.text), ("html", it.html)):
            # A mail of HTML only has no text field at all.
            if value or (name == "text" and not it.html):
                words[name], charsets[name] = value, it.charset
        _attach(out, it, plain)
    for name, value in words.items():
        out.field(name, value.encode(charsets.get(name, "utf-8"), "replace"))
    for name, value in {**plain, "charsets": json.dumps(charsets)}.items():
        out.field(name, value.encode())
    return out.done(), f"multipart/form-data; boundary={out.boundary}"


def _attach(out: Multipart, it: InboundMail, plain: dict[str, str]) -> None:
    info = {}
    for number, file in enumerate(it.attachments, 1):
        name, kind = str(file.get("filename") or "file"), str(file.get("type") or "application/octet-stream")
        out.file(f"attachment{number}", name, kind, base64.b64decode(file["content"]))
        info[f"attachment{number}"] = {"filename": name, "name": name, "type": kind, "charset": "US-ASCII"}
    plain["attachments"] = str(len(it.attachments))
    if info:
        plain["attachment-info"] = json.dumps(info)


def _header_block(it: InboundMail) -> str:
    """The header lines of the MIME form, encoded words and all."""
    head = mime(it).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return head.decode("utf-8", "replace") + "\n"


class InboundParse:
    """Posts each mail until it is taken, refused for good, or given up."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def start(self) -> None:
        for it in self._carrier.book.inbound.values():
            if it.state == "posting":
                self._carrier.spawn(self._post(it))

    def send(self, it: InboundMail) -> None:
        """Keep and post; Posted for a domain that is not ours or a charset that does not exist."""
        domain = parseaddr(it.to)[1].rpartition("@")[2].lower()
        if domain != self._carrier.console.inbound_domain:
            raise Posted(f"only mail to @{self._carrier.console.inbound_domain} reaches the product")
        if self._carrier.console.inbound_raw:
            it.raw_mode = True
        try:
            form(it)
        except (LookupError, ValueError, KeyError) as trouble:
            raise Posted(f"cannot be written as a mail: {trouble}") from None
        self._carrier.book.add_inbound(it)
        self._carrier.spawn(self._post(it))

    async def _post(self, it: InboundMail) -> None:
        console, book = self._carrier.console, self._carrier.book
        pair = f"{console.inbound_user}:{console.inbound_secret}".encode()
        body, kind = form(it)
        headers = {
            "Content-Type": kind,
            "Authorization": "Basic " + base64.b64encode(pair).decode(),
            "User-Agent": "Twilio-SendGrid",
        }
        for gap in (*RETRY_GAPS, 0):
            answer = await self._carrier.postman.post(console.inbound_webhook, body, headers)
            it.attempts += 1
            it.answer = f"HTTP {answer.status}" if answer.status else answer.body.decode("utf-8", "replace")
            if 200 <= answer.status < 300:
                it.state = "posted"
            elif 300 <= answer.status < 500 or not gap:
                it.state = "dropped"
                book.alert(
                    11200,
                    f"Inbound mail dropped for good: {it.answer}",
                    url=console.inbound_webhook,
                    mail=it.id,
                )
            else:
                book.alert(11200, f"Inbound parse failed: {it.answer}; will retry", url=console.inbound_webhook)
            book.changed(it)
            if it.state != "posting":
                return
            await self._carrier.sleep(gap)
