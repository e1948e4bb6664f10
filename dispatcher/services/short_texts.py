"""Makes text messages to staff short: without what is quoted, cut to the two segments that they may take."""

from __future__ import annotations

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = frozenset("\f^{}\\[~]|€")
# Units that fit, by whether the whole text is GSM-7. A sign of two units is not split between the segments.
_TWO_SEGMENTS = {True: 305, False: 133}


def unquoted(words: str) -> str:
    """As `without_quotes`, in one line."""
    return " ".join(without_quotes(words).split())


def without_quotes(words: str) -> str:
    """The words without the lines that begin with ">", unless nothing is left then."""
    own = [line for line in words.split("\n") if not line.lstrip().startswith(">")]
    return "\n".join(own).strip() or words.strip()


def fitted(head: str, words: str, tail: str) -> str:
    """A text message of two segments at most: the head, as much of `words` as there is room for, and the tail."""
    gsm = all(one in _GSM or one in _GSM_DOUBLE for one in head + words + tail)
    room = _TWO_SEGMENTS[gsm]
    if _units(head + words + tail, gsm) <= room:
        return head + words + tail
    room -= _units(tail, gsm) + 3
    if _units(head, gsm) > room // 2:
        head = _cut(head, room // 2, gsm).rstrip(": ") + ": "
    return f"{head}{_cut(words, room - _units(head, gsm), gsm).rstrip()}...{tail}"


def _units(text: str, gsm: bool) -> int:
    return sum(2 if (one in _GSM_DOUBLE if gsm else ord(one) > 0xFFFF) else 1 for one in text)


def _cut(text: str, room: int, gsm: bool) -> str:
    used = 0
    for at, one in enumerate(text):
        used += _units(one, gsm)
        if used > room:
            return text[:at]
    return text
