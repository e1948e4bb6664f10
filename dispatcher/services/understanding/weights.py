"""How likely each kind is, weighed over all that an answer says: for wordings that no rule knows.

The weights are learned from tables of answers (`python -m benchmarks.understanding_weights`), of words, their
beginnings and parts, pairs of neighbours, the concepts they stand for, the length, the channel and a mail's own
subject. `rules/weights.txt` can be read: beside each of these stands what it speaks for and, below nought, against, in
hundredths, in the order of the kinds in the first line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from dispatcher.services.understanding.concepts import concepts_of

KINDS = ("call", "complaint", "opt-in", "opt-out", "order", "other", "out-of-office", "question", "wrong-person")
_MOST = 400  # words that are weighed: the beginning of what is longer
_BEGINNINGS = (4, 6)
_PART = 5  # letters, with the edges of the word


def features(shapes: Sequence[str], channel: str = "", title: Sequence[str] = ()) -> set[str]:
    """What is weighed of sentences in the shape of the rules; `title` are those of a mail's own subject."""
    found: set[str] = {f"@{channel}"} if channel else set()
    for shape in title:
        words = shape.split()[:_MOST]
        found.update(f"s:{word}" for word in words)
        found.update(f"s:{one} {two}" for one, two in pairwise(words))
    left = _MOST
    for shape in shapes:
        words = shape.split()[:left]
        left -= len(words)
        found.update(_of_words(words))
        if left <= 0:
            break
    length = _MOST - left
    found.update((f"@length {min(length.bit_length(), 7)}", f"@sentences {min(len(shapes), 4)}"))
    found.update(f"@{where} asks" for where, at in (("first", 0), ("last", -1)) if shapes and shapes[at].endswith("?"))
    return found


def _of_words(words: Sequence[str]) -> Iterable[str]:
    yield from words
    for word in words:
        if word.startswith("#"):
            continue
        yield from (f"{word[:length]}*" for length in _BEGINNINGS if len(word) > length)
        edged = f"<{word}>"
        yield from (f"~{edged[at : at + _PART]}" for at in range(len(edged) - _PART + 1) if len(edged) > _PART)
    yield from (f"{one} {two}" for one, two in zip(["^", *words], [*words, "$"], strict=True))
    yield from (f"={name}" for name in concepts_of(words))


def likely(shapes: Sequence[str], channel: str = "", title: Sequence[str] = ()) -> dict[str, float]:
    """The kinds with how likely each is; together 1. Of words that are all unknown it says "other"."""
    table = known()
    found = [one for one in features(shapes, channel, title) if one in table]
    if all(one.startswith("@") for one in found):  # how it came, and how long it is
        return {kind: float(kind == "other") for kind in KINDS}
    columns = [table[one] for one in found]
    return shares([sum(column) / 100 for column in zip(*columns, strict=True)], len(columns))


def shares(sums: Sequence[float], count: int) -> dict[str, float]:
    """Sums of weights of `count` features, made shares."""
    scaled = [one / math.sqrt(count + 1) for one in sums]
    powers = [math.exp(one - max(scaled)) for one in scaled]
    return {kind: power / sum(powers) for kind, power in zip(KINDS, powers, strict=True)}


@cache
def known() -> Mapping[str, tuple[int, ...]]:
    """A line each: the feature, a tab, and its hundredfold weight for each of the kinds."""
    text = (files(__package__) / "rules" / "weights.txt").read_text(encoding="utf-8")
    made = {}
    for line in text.splitlines()[1:]:
        feature, _, column = line.partition("\t")
        made[feature] = tuple(map(int, column.split()))
    return made
