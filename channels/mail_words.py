"""What a mail's text says, without the marks of how it was written: pages as text, flowed lines joined."""

from __future__ import annotations

import re

from channels.words import clean

MOST_HTML = 500_000
_QUOTES = re.compile(r">*")


def text_of(page: str) -> str:
    """What a mail in HTML says, as text."""
    try:
        from inscriptis import get_text  # 10 MB, which those who only send need not carry

        return clean(get_text(page[:MOST_HTML]))
    except Exception:  # a hostile document may break the parser in ways of its own; the words matter
        return clean(re.sub(r"<[^>]*>", " ", page[:MOST_HTML]))


def unflowed(text: str, *, delsp: bool = False) -> str:
    """Text of format=flowed (RFC 3676) with its soft line breaks taken back; `delsp` takes their spaces, too."""
    out: list[str] = []
    open_depth = -1  # of the line that goes on with the next one; -1: none does
    for line in text.replace("\r\n", "\n").split("\n"):
        marks = _QUOTES.match(line)
        depth = len(marks[0]) if marks else 0
        words = line[depth:].removeprefix(" ") if depth or line.startswith(" ") else line
        flows = words.endswith(" ") and words != "-- "
        words = words[:-1] if flows and delsp else words
        if depth == open_depth and words.rstrip(" ") != "--":
            out[-1] += words
        else:
            out.append(">" * depth + (" " if depth else "") + words)
        open_depth = depth if flows else -1
    return "\n".join(out)
