"""Forms with files, taken apart as bytes: each field has a charset of its own, and one that came cut off has words yet.

A framework's form would read all fields in one charset and destroy the rest, and make an empty one of a form without
an end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.charsets import decoded

_BOUNDARY = re.compile(r'(?i)\bboundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))')
_FIRST_LINE = re.compile(rb"\A\s{0,10}--([^\r\n]{1,200}?)[ \t]*\r?\n")
_LONGEST_FRONT = 20_000  # bytes of a part's own headers
_NAME = re.compile(r'(?i)(?:^|;)\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_FILE_NAME = re.compile(r'(?i)(?:^|;)\s*filename="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the form; `file_name` None for a plain field."""

    name: str
    file_name: str | None
    media_type: str
    content: bytes


def split(content_type: str, body: bytes) -> tuple[list[Part], bool]:
    """The parts of a multipart form, and whether it reaches its end. Nothing where it is none."""
    named, used = _BOUNDARY.search(content_type), _FIRST_LINE.match(body)
    for boundary in (
        (named[1] or named[2]).encode("latin-1", "replace") if named else None,
        used[1] if used else None,  # the header is missing, or names another
    ):
        if boundary and b"--" + boundary in body:
            return _parts(boundary, body)
    return [], False


def _parts(boundary: bytes, body: bytes) -> tuple[list[Part], bool]:
    parts: list[Part] = []
    for piece in (b"\n" + body).split(b"\n--" + boundary)[1:]:
        if piece.startswith(b"--"):
            return parts, True
        front, found, content = _halves(piece.lstrip(b" \t"))
        if found:
            parts.append(_part(front, content.removesuffix(b"\r")))
    return parts, False


def _halves(piece: bytes) -> tuple[bytes, bytes, bytes]:
    windows, other = piece.find(b"\r\n\r\n", 0, _LONGEST_FRONT), piece.find(b"\n\n", 0, _LONGEST_FRONT)
    return piece.partition(b"\r\n\r\n" if windows >= 0 and not 0 <= other < windows else b"\n\n")


def _part(front: bytes, content: bytes) -> Part:
    headers = {}
    for line in re.sub(r"\r?\n[ \t]+", " ", decoded(front)).splitlines():
        label, _, value = line.partition(":")
        headers[label.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    name, file_name = _NAME.search(disposition), _FILE_NAME.search(disposition)
    return Part(
        (name[1] or name[2] or "") if name else "",
        re.sub(r"\\(.)", r"\1", file_name[1]) if file_name else None,
        headers.get("content-type", ""),
        content,
    )
