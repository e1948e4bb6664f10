"""How much can be said in one document: a vendor takes so many bytes, and an alert in another script can have more."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from xml.sax.saxutils import escape

from channels.words import clean
from dispatcher.model.telephone import Gather, Say, Verb

log = logging.getLogger(__name__)

ENDS = (". ", "! ", "? ", "。", "\n", " ")


def within(verbs: Sequence[Verb], most: int) -> Sequence[Verb]:
    """The verbs, their texts cut between sentences where they would take more than `most` bytes: longest first."""
    texts = [clean(one.text) for one in _said(verbs)]
    limit = _level([_size(text) for text in texts], most)
    if limit is None:
        return verbs
    log.warning("a text to be spoken is too long for one call and was cut: %d bytes", sum(map(_size, texts)))

    def cut(verb: Verb) -> Verb:
        match verb:
            case Say(text):
                return replace(verb, text=_cut(clean(text), limit))
            case Gather(prompts):
                cuts = (_cut(clean(one.text), limit) if isinstance(one, Say) else "" for one in prompts)
                pairs = zip(prompts, cuts, strict=True)
                return replace(verb, prompts=tuple(replace(o, text=t) if isinstance(o, Say) else o for o, t in pairs))
            case _:
                return verb

    return [cut(verb) for verb in verbs]


def _said(verbs: Iterable[Verb]) -> Iterator[Say]:
    for verb in verbs:
        if isinstance(verb, Say):
            yield verb
        elif isinstance(verb, Gather):
            yield from (one for one in verb.prompts if isinstance(one, Say))


def _size(text: str) -> int:
    return len(escape(text).encode())


def _level(sizes: Sequence[int], most: int) -> int | None:
    """The size at which to cut what is longer, so that all fit together; None where they do."""
    if sum(sizes) <= most:
        return None
    left, short = most, sorted(sizes)
    for at, size in enumerate(short):
        share = left // (len(short) - at)
        if size > share:
            return share
        left -= size
    return None


def _cut(text: str, limit: int) -> str:
    if _size(text) <= limit:
        return text
    # No character takes less than a byte, so what is kept lies within the first `limit` of them.
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle]) <= limit else (low, middle - 1)
    kept = text[:low]
    ends = (kept.rfind(end, low // 2) + len(end) for end in ENDS if kept.rfind(end, low // 2) > 0)
    return kept[: next(ends, low)].strip()
