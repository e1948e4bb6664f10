"""Which ways of reaching them a customer wants ended, where their words name any: "stop calling, mails are fine"."""

from __future__ import annotations

import re

_NAMES = {
    "voice": r"call(s|ing|ed)?|ring(ing)?|phon(e|ing)|telephone|\w*anruf\w*|angerufen|telefon\w*",
    "sms": r"text(s|ing)?|sms|kurznachricht\w*",
    "email": r"e-?mails?|mails?|mailen",
    "fax": r"fax(es|e|en)?",
}
_WAYS = {channel: re.compile(rf"\b({words})\b", re.IGNORECASE) for channel, words in _NAMES.items()}
_ENDED = re.compile(
    r"\b(stop|quit|cease|no more|no longer|don['’]?t|do not|not|never|no|without|nicht|keine?[mnrs]?|aufhören|schluss"
    r"|ohne)\b",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"\b(fine|keep|ok|okay|instead|prefer|only|enough|still|reicht|reichen|genügt|lieber|stattdessen|weiter|weiterhin"
    r"|gerne?|nur|behalten)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.,;:!?\n]|\s[–—-]\s|\b(?:but|and|just|aber|und|sondern|bitte)\b", re.IGNORECASE)


def ended(words: str) -> frozenset[str]:
    """The channels that the words want no more of; none where they name none."""
    found: set[str] = set()
    for clause in _CLAUSE.split(words[:2_000]):
        if _ENDED.search(clause) and not _KEPT.search(clause):
            found |= {channel for channel, name in _WAYS.items() if name.search(clause)}
    return frozenset(found)
