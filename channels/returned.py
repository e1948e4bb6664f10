"""What a mail server's report says of a mail of ours: read from bounces of every make, in bounded time.

flufl.bounce knows the makes; it is given a small copy, for its expressions were not made for lines of a megabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from itertools import islice

from channels.inbound_mail import Body
from channels.words import clean, one_line
from dispatcher.model.ports import Returned

MOST_PARTS, MOST_HEADERS, MOST_TEXT, MOST_LINE = 200, 400, 64_000, 1_000
_MOST_LOOKED_AT = 256_000  # characters, in which tokens of ours are looked for

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,2}\.\d{1,3})(?![\d.]*\d)")
# What servers write that give no code of RFC 3463.
_STATUS_WORDS = (
    (
        "5.1.1",
        re.compile(
            r"(?i)user unknown|unknown user|no such (?:user|mailbox|recipient|address)|(?:user|mailbox|account|address|"
            r"recipient)(?: \S{1,200})? (?:does not|doesn't) exist|recipient ?not ?found|unknown (?:recipient|address|"
            r"local part)|no mailbox here|not a valid (?:user|mailbox)|address (?:couldn't be|could not be|not) found|"
            r"(?:empfänger|benutzer|adresse|postfach)(?: \S{1,200})? (?:ist )?(?:unbekannt|existiert nicht)|"
            r"(?:account|mailbox) (?:has been |is )?(?:disabled|inactive|closed)"
        ),
    ),
    (
        "4.2.2",
        re.compile(r"(?i)(?:mailbox|inbox|postfach|quota)[^\n]{0,60}(?:full|exceeded|voll|überschritten)|over quota"),
    ),
    ("5.2.3", re.compile(r"(?i)message (?:size|too large)|exceeds? (?:the )?(?:maximum )?size|nachricht ist zu groß")),
)
_ATTEMPT = re.compile(r"<([0-9a-f]{32})@[^<>\s]{1,255}>")
_TOKEN = re.compile(r"(?i)\b((?:reply|conv|staff)\+[a-z2-7]{1,64}@[a-z0-9.-]{1,255})")


def parts(message: Message) -> Iterator[Message]:
    """The mail, its parts and theirs, in order, at most MOST_PARTS."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop()
        seen += 1
        yield part
        payload = part.get_payload()
        if isinstance(payload, list):
            waiting += [one for one in reversed(payload) if isinstance(one, Message)][:MOST_PARTS]


def whole(message: Message, body: Body) -> Message:
    """The mail with its parts, also where the provider has sent its headers, its text and its files apart."""
    if message.get_payload():
        return message
    made = Message()
    for name, value in message.raw_items():
        made[name] = value
    plain = message_from_bytes(b"Content-Type: text/plain; charset=utf-8\n\n" + body.text.encode("utf-8", "replace"))
    if message.get_content_maintype() != "multipart" and not body.files:
        made.set_payload(plain.get_payload())
        return made
    made.set_payload([plain])
    for one in body.files:
        if one.media_type.startswith(("text/", "message/")):
            made.attach(
                message_from_bytes(f"Content-Type: {one.media_type}\n\n".encode("ascii", "replace") + one.content)
            )
    return made


def read(message: Message) -> Returned:
    """To whom, by this report, a mail could not be brought; without addresses where it does not say."""
    failed, delayed = _failures(message)
    blocks = [
        one for part in parts(message) if part.get_content_type() == "message/delivery-status" for one in _blocks(part)
    ]
    said = _said(blocks) or _words(message)
    status = _status(blocks, said, "4" if delayed and not failed else "5")
    seen = _seen(message)
    return Returned(
        failed=tuple(sorted(failed)),
        delayed=tuple(sorted(delayed - failed)),
        status=status,
        said=one_line(said)[:300],
        attempts=tuple(dict.fromkeys(_ATTEMPT.findall(seen)))[:20],
        quoted=tuple(dict.fromkeys(one.lower() for one in _TOKEN.findall(seen)))[:20],
    )


def actions(message: Message) -> set[str]:
    """What a report of RFC 3464 says was done: failed, delayed, delivered, relayed, expanded."""
    found = set()
    for part in parts(message):
        if part.get_content_type() == "message/delivery-status":
            found |= {re.split(r"[^a-z]", one.get("Action", "").strip().lower())[0] for one in _blocks(part)}
    return found - {""}


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        return [one for one in payload[:MOST_PARTS] if isinstance(one, Message)]
    text = _text(part)
    return [message_from_bytes(one.encode("utf-8", "replace")) for one in re.split(r"\n\s*\n", text)[:MOST_PARTS]]


def _failures(message: Message) -> tuple[set[str], set[str]]:
    from flufl.bounce import all_failures  # with its detectors: who only sends need not carry them

    try:
        temporary, permanent = all_failures(_small(message, 0))
    except Exception:  # its many expressions meet whatever a stranger wrote; a report it cannot read names nobody
        return set(), set()
    return _addresses(permanent), _addresses(temporary)


def _addresses(found: object) -> set[str]:
    raw = found if isinstance(found, frozenset | set) else ()
    texts = {one.decode("ascii", "replace") if isinstance(one, bytes) else str(one) for one in raw}
    return {one.strip(" <>").lower()[:320] for one in texts if "@" in one}


def _small(message: Message, depth: int) -> Message:
    """A copy with the same structure, short: of a mail that is enclosed its headers alone."""
    copy = Message()
    for name, value in _first(message):
        copy[name] = value
    payload = message.get_payload()
    if not isinstance(payload, list):
        copy.set_payload(_cut(str(payload or "")))
    elif depth and message.get_content_type() == "message/rfc822":
        copy.set_payload([_headers_alone(one) for one in payload[:1] if isinstance(one, Message)])
    else:
        inner = [one for one in payload[:20] if isinstance(one, Message)]
        copy.set_payload([_small(one, depth + 1) for one in inner] if depth < 5 else [])
    return copy


def _first(message: Message) -> list[tuple[str, str]]:
    return [(str(name), str(value)[:5_000]) for name, value in islice(message.raw_items(), MOST_HEADERS)]


def _headers_alone(message: Message) -> Message:
    copy = Message()
    for name, value in _first(message):
        copy[name] = value
    copy.set_payload("")
    return copy


def _cut(text: str) -> str:
    return "\n".join(line[:MOST_LINE] for line in text[:MOST_TEXT].splitlines())


def _text(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        return ""
    if len(str(payload or "")) > 4 * MOST_TEXT:
        return str(payload)[:MOST_TEXT]
    content = part.get_payload(decode=True)
    return content[:MOST_TEXT].decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _words(message: Message) -> str:
    """The lines in which a server says why, of the first part with words."""
    for part in parts(message):
        if part.get_content_type() == "text/plain" and (text := clean(_cut(_text(part)))).strip():
            lines = [line.strip() for line in text.split("\n") if line.strip()]
            telling = [one for one in lines if re.search(r"\b[45]\d\d[ -]|[45]\.\d{1,2}\.\d", one)]
            return " ".join(telling[:3] or lines[:4])
    return ""


def _said(blocks: list[Message]) -> str:
    return next((str(one["Diagnostic-Code"]) for one in blocks if one["Diagnostic-Code"]), "")[:1_000]


def _status(blocks: list[Message], said: str, first: str) -> str:
    """The code of the first recipient; where that is general and the server's own words are not, these."""
    own = next((found[1] for one in blocks if (found := _STATUS.search(str(one.get("Status", ""))[:100]))), "")
    in_words = _STATUS.search(said[:2_000])
    if own and not own.endswith(".0.0"):
        return own
    if in_words and not in_words[1].endswith(".0.0"):
        return in_words[1]
    for status, words in _STATUS_WORDS:
        if words.search(said[:2_000]):
            return status
    return own or (in_words[1] if in_words else f"{first}.0.0")


def _seen(message: Message) -> str:
    """Where tokens of ours may stand: what the report refers to, and what it quotes."""
    pieces = [str(message.get(name, ""))[:5_000] for name in ("In-Reply-To", "References", "X-Original-Message-ID")]
    for number, part in enumerate(parts(message)):
        if number:
            pieces += [f"{name}: {value}" for name, value in _first(part)]
        pieces.append(_text(part))
    return "\n".join(pieces)[:_MOST_LOOKED_AT]
