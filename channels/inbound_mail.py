"""Reads mail from people, whatever state it is in: nothing here raises for a mail's sake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from channels.charsets import decoded
from channels.inbound_headers import addresses, header, headers_of, raw_header, readable
from channels.mail_parts import MOST_FILES, file, flowed, gather
from channels.mail_words import text_of
from dispatcher.model.ports import File

__all__ = [
    "MOST_FILES", "Body", "addresses", "decoded", "file", "flowed", "header", "headers_of", "raw_header",
    "read", "readable", "text_of",
]  # fmt: skip

MOST_BOUNDARIES = 500
_TWISTED = (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError)


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail holds."""

    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()


def read(raw: bytes) -> tuple[Message, Body]:
    """A whole mail: headers and body. One too twisted to take apart comes whole, as an attachment."""
    raw = raw.lstrip(b"\r\n")  # an empty line in front would make all headers part of the text
    try:
        if raw.count(b"boundary=") > MOST_BOUNDARIES:
            raise ValueError("made to be taken apart for ever")
        message = message_from_bytes(raw)
        found = gather(message, raw)
        return message, Body(found.text, found.page.replace("\0", ""), tuple(found.files))
    except _TWISTED:
        block = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
        return headers_of(block), Body(files=(file("message.eml", "message/rfc822", raw),))
