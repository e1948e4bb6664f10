"""Names for what strangers send: theirs, as far as no person, program or file system can be deceived by them."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

MOST_NAME = 180  # bytes: file systems hold 255
# Letters of other scripts and blanks stay; what cannot be seen, turns the reading direction round, or means something
# to a shell or a file system does not.
_UNSAFE = re.compile(r"[^\w .,()+\-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # by Windows
_SAME = {"jpeg": "jpg", "tiff": "tif", "oga": "ogg", "mp4": "m4a"}


def safe(name: str, ending: str) -> str:
    """The sender's name for a file, ending as its bytes deserve; "" where nothing is left of it."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(one if unicodedata.category(one)[0] not in "CZ" or one == " " else " " for one in last)
    plain = " ".join(_UNSAFE.sub("_", unicodedata.normalize("NFC", seen)).split()).strip(" .")
    if not re.search(r"[^\W_]", plain):
        return ""
    stem, dot, own = plain.rpartition(".")
    if dot and _SAME.get(own.lower(), own.lower()) == ending:
        plain, ending = stem, own
    plain = f"_{plain}" if _RESERVED.match(plain) else plain
    fits = plain.encode()[:MOST_NAME].decode(errors="ignore")
    return f"{fits.rstrip(' .')}.{ending}"


def disposition(name: str, ours: str) -> str:
    """The header that makes it a download under `name`, or `ours` for programs that know no such names (RFC 6266)."""
    if name.isascii():
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{ours}\"; filename*=UTF-8''{quote(name, safe='')}"
