"""Customers' own links and reply addresses: their token acts for them, so nobody else is shown one."""

from __future__ import annotations

import re

SHOWN = "[their own link]"
# The shape of a token of ours, see `model.tokens`, behind what a link or the local part of an address has before it.
_TOKEN = re.compile(r"[/+][a-z2-7]{27,39}(?![a-z0-9])", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_BEGINS = re.compile(r"https?://", re.IGNORECASE)


def cut(text: str) -> str:
    """The text with SHOWN in place of each link, and each address, that holds a token."""
    return _WORD.sub(_without, text) if _TOKEN.search(text) else text


def _without(word: re.Match[str]) -> str:
    found = _TOKEN.search(word[0])
    if found is None:
        return word[0]
    begins = _BEGINS.search(word[0], 0, found.start() + 1)
    return (word[0][: begins.start()] if begins else "") + SHOWN
