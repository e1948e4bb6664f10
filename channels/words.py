"""Wording that several channels share: lengths of recordings, lines, characters that no channel carries."""

from __future__ import annotations

import re
import unicodedata

from dispatcher.model.ports import Draft

_URGENT = {"en": "URGENT", "de": "DRINGEND"}
# The word by itself, set off from what follows: "Urgently needed" and "Urgent-Care Group" say nothing of the alert.
_SAYS_SO = re.compile(r"[\[(]?(?:urgent|dringend)(?:\s*(?:[\]):!,–—]|$)|\s+-\s)", re.IGNORECASE)

# Everything below the space but tab and newline; what is no character in XML, or in any encoding; and the invisible
# marks that change the direction of what follows, with which "pay 001" can be made to look like "pay 100".
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The text with one kind of line end, without control characters, without space around it."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """The text on one line: for subjects, names and whatever becomes a header."""
    return " ".join(clean(text).split())


def urgent_mark(draft: Draft) -> str:
    """What stands in front of an urgent alert, in its author's language; "" where their subject says so first."""
    said = _SAYS_SO.match(draft.subject.strip())
    return f"{_URGENT.get(draft.language, _URGENT['en'])}: " if draft.urgent and not said else ""


def headline(draft: Draft) -> str:
    """The subject on one line; of an urgent alert it says so first."""
    return urgent_mark(draft) + one_line(draft.subject)


def composed(text: str) -> str:
    """Letters and their accents as one character each."""
    return unicodedata.normalize("NFC", text)


def length(seconds: float) -> str:
    """A recording's length as people write it: 33 s as 0:33."""
    whole = max(1, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
