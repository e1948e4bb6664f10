"""The parts of a mail, put right where its sender's program put them wrong: encodings, boundaries, names."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from channels.charsets import charset_of_page, decoded
from channels.inbound_headers import file_name
from channels.mail_words import text_of, unflowed
from channels.words import clean, one_line
from dispatcher.model.ports import File

MOST_FILES, DEEPEST = 50, 40
_DELIMITER = re.compile(rb"(?m)^--([\w'()+,./:=?-]{1,70}?)(?:--)?[ \t]*$")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_FULL_LINE = 40  # letters of base64, from which on a line is no word of anybody's
_WORDS = re.compile(rb"(?:[A-Z]?[a-z]+\s*)+")
_ESCAPE, _SOFT_BREAK = re.compile(rb"=([0-9A-Fa-f]{2})"), re.compile(rb"=[ \t]*\r?\n")
_LETTER = re.compile(rb"3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]")  # in hexadecimal: letters and digits of ASCII
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
# A plain part that only says that the words are in the other one.
_SEE_PAGE = re.compile(
    r"(?is).{0,200}?\b(html|rich text)\b.{0,120}?\b(format|view|client|browser|reader|mail|support|anzeige).{0,200}"
)
_NO_WORDS = frozenset({"html", "calendar", "vcard", "x-vcard", "csv", "xml", "rtf", "x-amp-html", "rfc822-headers"})


@dataclass(slots=True)
class Found:
    """What was found in a part and those below it. `spare` are files that hold words, for a mail without others."""

    text: str = ""
    pages: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    spare: list[tuple[File, str]] = field(default_factory=list)

    @property
    def page(self) -> str:
        """All that came as HTML."""
        return "\n".join(self.pages)


def gather(message: Message, raw: bytes) -> Found:
    """Text, pages and files of the mail `raw`, in their order."""
    found = _of(_mended(message, raw), 0)
    if not found.text and not found.pages and found.spare:
        words, found.text = found.spare[0]
        found.files = [one for one in found.files if one is not words]
    found.text = found.text or (text_of(found.page) if found.pages else "")
    found.files = found.files[:MOST_FILES]
    return found


def file(name: str, media_type: str, content: bytes) -> File:
    """An attachment with a name that is only a name and a type that is a type."""
    bare = one_line(name).replace("\\", "/").rpartition("/")[2].strip(". ")[-150:]
    kind = media_type.partition(";")[0].strip().lower()
    return File(bare or "attachment", kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream", content)


# --- structure --------------------------------------------------------------------------------------------


def _mended(message: Message, raw: bytes) -> Message:
    """The mail, or, where it names no boundary or another than it uses, the same with the one that it uses."""
    if message.get_content_maintype() != "multipart" or message.is_multipart():
        return message
    body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    used = _DELIMITER.search(body)
    if used is None:
        return message
    head = f'Content-Type: {message.get_content_type()}; boundary="{used[1].decode("ascii")}"\n\n'
    again = message_from_bytes(head.encode() + body)
    return again if again.is_multipart() else message


def _of(part: Message, depth: int) -> Found:
    payload = part.get_payload()
    if part.get_content_maintype() != "multipart" or not isinstance(payload, list) or depth >= DEEPEST:
        return _leaf(part)
    below = [_of(one, depth + 1) for one in payload if isinstance(one, Message)]
    found = Found()
    for one in below:
        found.pages += one.pages
        found.files += one.files
        found.spare += one.spare
    if part.get_content_subtype() == "alternative":
        found.text = _best(below)
    elif any(one.text for one in below):
        # Apple's and some lists' mails go on in HTML after a plain part: no word may be missing from the text.
        found.text = "\n\n".join(text for one in below if (text := one.text or text_of(one.page)))
    return found


def _best(below: list[Found]) -> str:
    """One writing of the same words: the plain one, unless it only points to the page. "" where there is only that."""
    plain = next((one.text for one in below if one.text), "")
    if len(plain) < 500 and _SEE_PAGE.fullmatch(plain):
        page = next((one.page for one in below if one.pages), "")
        return text_of(page) or plain
    return plain


def _leaf(part: Message) -> Found:
    kind, name, content = part.get_content_type(), file_name(part), _bytes_of(part)
    if part.get_content_maintype() == "multipart" and not part.is_multipart():
        kind = "text/plain"  # parts that cannot be told apart: better shown as they stand than not at all
    main, _, sub = kind.partition("/")
    if not name and part.get_content_disposition() != "attachment":
        if kind == "text/html":
            page = decoded(content, _charset(part) or charset_of_page(content)).replace("\0", "")
            return Found(pages=[page] if page.strip() else [])
        if main == "text" and sub not in _NO_WORDS:
            return Found(text=_text(part, content))
    if not content and not name:
        return Found()
    attached = file(name or kind.replace("/", "."), kind, content)
    # Some programs give the body itself a name.
    return Found(files=[attached], spare=[(attached, _text(part, content))] if kind == "text/plain" else [])


def _text(part: Message, content: bytes) -> str:
    return flowed(part, decoded(content, _charset(part)))


def flowed(part: Message, text: str) -> str:
    """The part's text, cleaned, its soft line breaks taken back where it says that it has some."""
    if str(part.get_param("format", "")).lower() == "flowed":
        text = unflowed(text, delsp=str(part.get_param("delsp", "")).lower() == "yes")
    return clean(text)


def _charset(part: Message) -> str:
    found = part.get_param("charset", "")
    return str(found[2] if isinstance(found, tuple) else found)


# --- one part ---------------------------------------------------------------------------------------------


def _bytes_of(part: Message) -> bytes:
    """Its bytes as they were before they were encoded. What is not encoded as it says is taken as it stands."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return b"\r\n".join(inner.as_bytes() for inner in payload if isinstance(inner, Message))
    how = str(part.get("Content-Transfer-Encoding", "")).lower()
    raw = _raw(part)
    if "base64" in how:
        return _from_base64(raw, words=part.get_content_maintype() == "text")
    if "quoted" in how:
        return raw if _only_looks_quoted(raw) else quopri.decodestring(raw)
    if "uue" in how:
        found = part.get_payload(decode=True)
        return found if isinstance(found, bytes) else raw
    return raw


def _raw(part: Message) -> bytes:
    """As it travelled. The library gives that only of parts that do not say how they are encoded."""
    how = part.get_all("Content-Transfer-Encoding", [])
    del part["Content-Transfer-Encoding"]
    found = part.get_payload(decode=True)
    for one in how:
        part["Content-Transfer-Encoding"] = one
    return found if isinstance(found, bytes) else b""


def _only_looks_quoted(raw: bytes) -> bool:
    """Whether it is not encoded at all: "limit=42" must not become "limitB", and nothing ever encodes letters."""
    escapes = {one.upper() for one in _ESCAPE.findall(raw)}
    return bool(escapes) and all(_LETTER.fullmatch(one) for one in escapes) and not _SOFT_BREAK.search(raw)


def _from_base64(raw: bytes, *, words: bool) -> bytes:
    """What is encoded, and of words what stands unencoded around it: lists and gateways add their lines as they are."""
    lines = [line.strip() for line in raw.splitlines()]
    if not words:
        return _decoded_base64(b"".join(re.findall(rb"[A-Za-z0-9+/=]+", b"".join(lines))))
    if _WORDS.fullmatch(raw.strip()) and not _is_text(_decoded_base64(b"".join(lines))):
        return raw  # plain words under a wrong name: "Sell" consists of letters that base64 has as well
    done: list[bytes] = []
    encoded: list[bytes] = []
    foreign: list[bytes] = []
    for line in lines:
        if _is_encoded(line, encoded[-1] if encoded else b"", after_foreign=bool(foreign or done)):
            if foreign and (not encoded or encoded[-1].endswith(b"=")):
                done += [_decoded_base64(b"".join(encoded)), *foreign]
                encoded, foreign = [], []
            encoded.append(line)
        elif line or foreign:
            foreign.append(line)
    # What stands in the middle of a piece comes after it: the letter that it divides must not be lost.
    done += [_decoded_base64(b"".join(encoded)), *foreign]
    return b"\n".join(done[0 if done[0] else 1 :])


def _is_encoded(line: bytes, before: bytes, *, after_foreign: bool) -> bool:
    """Whether a line of a part in base64 is encoded, by the encoded one before it. Words may look like it."""
    if not _BASE64_LINE.fullmatch(line):
        return False
    if not after_foreign:
        return not before.endswith(b"=") or len(line) % 4 == 0  # it was padded, so it is over
    if len(before) >= _FULL_LINE and not before.endswith(b"="):
        return len(line) <= len(before) and (len(line) >= _FULL_LINE or not _WORDS.fullmatch(line))
    return (
        len(line) % 4 == 0
        and not _WORDS.fullmatch(line)
        and (len(line) >= _FULL_LINE or _is_text(_decoded_base64(line)))
    )


def _decoded_base64(letters: bytes) -> bytes:
    """Decoded, however its end was cut or padded, also where it was encoded in pieces."""
    out = bytearray()
    for piece in re.split(rb"=+", letters):
        whole = piece[: len(piece) - (len(piece) % 4 == 1)]
        try:
            out += base64.b64decode(whole + b"=" * (-len(whole) % 4))
        except (binascii.Error, ValueError):
            continue
    return bytes(out)


def _is_text(content: bytes) -> bool:
    try:
        return content.decode("utf-8").replace("\n", "").replace("\r", "").isprintable()
    except UnicodeDecodeError:
        return False
