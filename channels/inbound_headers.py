"""The headers of mail from people, as they are read: encoded words, bytes in any charset, names in any writing."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice

from channels.charsets import decoded
from channels.words import one_line

MOST_HEADER = 10_000  # bytes of one header that are read
MOST_OF_A_NAME = 5  # headers of one name that are read
# From where a word begins only: begun anew at each letter of a long one, the search takes as long as its square.
_ADDRESS = re.compile(
    r"(?<![^\s\x00-\x20\x7f<>,;:\"()\[\]@])[^\s\x00-\x20\x7f<>,;:\"()\[\]@]{1,64}"
    r"@[^\s\x00-\x20\x7f<>,;:\"()\[\]@]{1,255}"
)
_BARE_PARAMETER = re.compile(r"(?i)(?:^|[;\s])(?:file)?name\s*=\s*(?:\"([^\"]{1,300})\"|([^;\s]{1,300}))")


def headers_of(block: bytes) -> Message:
    """The headers of a mail, from the block they stand in."""
    return message_from_bytes(block.strip(b"\r\n") + b"\r\n\r\n")


def raw_headers(message: Message, name: str) -> list[str]:
    """The first headers of that name, in order, encoded words in place: no more and no longer than a mail needs."""
    charset, wanted = message.get_param("charset", ""), name.lower()
    return [
        decoded(
            str(value)[:MOST_HEADER].encode("utf-8", "surrogateescape"), charset if isinstance(charset, str) else ""
        )
        for _, value in islice((one for one in message.raw_items() if one[0].lower() == wanted), MOST_OF_A_NAME)
    ]


def raw_header(message: Message, name: str) -> str:
    """The first header of that name with its encoded words in place; "" when it is not there."""
    return next(iter(raw_headers(message, name)), "")


def header(message: Message, name: str) -> str:
    """The first header of that name as people read it, on one line; "" when it is not there."""
    return one_line(readable(raw_header(message, name)))


def readable(raw: str) -> str:
    """Text with its encoded words read, in whatever charset they are; what cannot be read stays as it is."""
    if "=?" not in raw:
        return raw.encode("utf-8", "replace").decode()
    try:
        pieces = decode_header(raw)
        text = "".join(
            piece
            if isinstance(piece, str)
            else decoded(piece, charset) if charset else piece.decode("raw-unicode-escape", "replace")
            for piece, charset in pieces
        )  # fmt: skip
    except (LookupError, ValueError, HeaderParseError):
        text = raw
    return text.encode("utf-8", "replace").decode()


def addresses(text: str) -> tuple[str, ...]:
    """The mail addresses in a value, in lower case; of one longer than MOST_HEADER those in its beginning."""
    text = text[:MOST_HEADER]
    if "@" not in text:
        return ()
    found = [address.lower() for _, address in getaddresses([text]) if _ADDRESS.fullmatch(address)]
    return tuple(dict.fromkeys(found or [address.lower() for address in _ADDRESS.findall(text)]))


def file_name(part: Message) -> str:
    """The name that a part gives itself, on one line: RFC 2231, encoded words, or bytes as they are; else ""."""
    try:
        name = part.get_filename() or ""
    except (LookupError, ValueError, TypeError):
        name = "attachment"
    if "\ufffd" in name:  # bytes of another charset, which only the header itself still has
        for label in ("Content-Disposition", "Content-Type"):
            if found := _BARE_PARAMETER.search(raw_header(part, label)):
                name = found[1] or found[2]
                break
    return one_line(readable(name))
