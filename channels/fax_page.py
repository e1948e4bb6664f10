"""The pages of a fax: A4 in one font, with who sent it, when and from where at the head of each (47 CFR 68.318(d)).

Drawn with a font that every reader has, so a page weighs 3 kB and nothing is embedded. That font has the letters of
Western Europe; what it lacks is written without its accent, or as a question mark, before an officer sees the text.
"""

from __future__ import annotations

import io
import math
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Any

_ENCODING = "cp1252"
_INSTEAD = str.maketrans({
    "−": "-", "‐": "-", "‑": "-", "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "≠": "<>", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "\t": "    ", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u200b": "",
})  # fmt: skip
WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 56.0
_SIZE, _LEADING, _HEAD = 12, 16.0, 9
_FONT, _BOLD = "Helvetica", "Helvetica-Bold"
_RULED, _RULED_LEADING = 6, 24.0  # lines to write on by hand


def printable(text: str) -> str:
    """The text in letters that a page has."""
    text = unicodedata.normalize("NFC", text).translate(_INSTEAD)
    return text if _has(text) else "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if _has(letter):
        return letter
    bare = "".join(one for one in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(one))
    return bare if bare and _has(bare) else "" if unicodedata.combining(letter) else "?"


def _has(letters: str) -> bool:
    try:
        letters.encode(_ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def draw(text: str, subject: str, *, sender: str, number: str, at: datetime, code: str = "") -> bytes:
    """A PDF of the text; its subject in bold, on top where the text does not have it. `number` is ours, `code` the
    alert's: who writes on the last page sends it back.
    """
    # With what it needs 20 MB, which those who send no fax need not carry.
    from reportlab.pdfgen.canvas import Canvas

    lines = _laid_out(printable(text), printable(subject))
    room = int((HEIGHT - 2 * MARGIN - 2 * _LEADING) // _LEADING)
    # The answer's lines stay together.
    rest = -len(lines) % room
    spare = math.ceil(_RULED * _RULED_LEADING / _LEADING) + 2 if number else 0
    pages = [lines[start : start + room] for start in range(0, len(lines), room)] or [[]]
    if spare > rest:
        pages.append([])
    head = printable(f"{sender}  {number}  {at:%Y-%m-%d %H:%M} UTC")
    file = io.BytesIO()
    # The same text gives the same bytes, and its words can be read in them.
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), pageCompression=0, invariant=1)
    canvas.setTitle(printable(subject))
    for place, page in enumerate(pages, 1):
        canvas.setFont(_FONT, _HEAD)
        canvas.drawString(MARGIN, HEIGHT - MARGIN, head)
        canvas.drawRightString(WIDTH - MARGIN, HEIGHT - MARGIN, f"Page {place} of {len(pages)}")
        canvas.line(MARGIN, HEIGHT - MARGIN - 6, WIDTH - MARGIN, HEIGHT - MARGIN - 6)
        _write(canvas, page, HEIGHT - MARGIN - 2 * _LEADING)
        if number and place == len(pages):
            _answer(canvas, f"Your answer, by fax to {number}{f', code {code}' if code else ''}:")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _laid_out(text: str, subject: str) -> list[tuple[str, str]]:
    """Lines with their fonts."""
    written = text.strip("\n").split("\n")
    if subject and subject not in written:
        written = [subject, "", *written]
    found: list[tuple[str, str]] = []
    bold = subject
    for one in written:
        font = _BOLD if bold and one == bold else _FONT
        bold = "" if font == _BOLD else bold
        found += [(part, font) for part in _split(one, font)]
    return found


@lru_cache(1024)  # most lines are the same for every recipient
def _split(line: str, font: str) -> tuple[str, ...]:
    from reportlab.lib.utils import simpleSplit

    pieces = simpleSplit(line, font, _SIZE, WIDTH - 2 * MARGIN) if line.strip() else [""]
    return tuple(part for piece in pieces for part in _broken(piece, font))


def _broken(line: str, font: str) -> list[str]:
    """An address longer than the page is wide has no space to be broken at."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    parts = []
    while stringWidth(line, font, _SIZE) > WIDTH - 2 * MARGIN:
        cut = next(n for n in range(len(line), 0, -1) if stringWidth(line[:n], font, _SIZE) <= WIDTH - 2 * MARGIN)
        parts.append(line[:cut])
        line = line[cut:]
    return [*parts, line]


def _write(canvas: Any, lines: list[tuple[str, str]], top: float) -> None:
    for place, (line, font) in enumerate(lines):
        canvas.setFont(font, _SIZE)
        canvas.drawString(MARGIN, top - place * _LEADING, line)


def _answer(canvas: Any, words: str) -> None:
    """Room to write in, at the foot of the last page."""
    canvas.setFont(_FONT, _HEAD)
    canvas.drawString(MARGIN, MARGIN + _RULED * _RULED_LEADING, words)
    for place in range(_RULED):
        canvas.line(MARGIN, MARGIN + place * _RULED_LEADING, WIDTH - MARGIN, MARGIN + place * _RULED_LEADING)
