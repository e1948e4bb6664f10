"""How likely each kind is, weighed over all words of an answer: for wordings that no rule knows.

The weights are learned from tables of answers (`python -m benchmarks.understanding_weights`), of words, their
beginnings, pairs of neighbours and the concepts they stand for. `rules/weights.txt` can be read: beside each of these
stands what it speaks for (+) and against (-), in hundredths; whatever speaks for little is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from dispatcher.services.understanding.ideas import concepts_of

KINDS = ("call", "complaint", "opt-in", "opt-out", "order", "other", "out-of-office", "question", "wrong-person")
_MOST = 400  # words that are weighed: the beginning of what is longer
_BEGINNINGS = (4, 6)


def features(shapes: Sequence[str]) -> set[str]:
    """What is weighed of sentences in the shape of the rules."""
    found: set[str] = set()
    left = _MOST
    for shape in shapes:
        words = shape.split()[:left]
        left -= len(words)
        found.update(words)
        plain = [word for word in words if not word.startswith("#")]
        found.update(f"{word[:length]}*" for word in plain for length in _BEGINNINGS if len(word) > length)
        found.update(f"{one} {two}" for one, two in zip(["^", *words], [*words, "$"], strict=True))
        found.update(f"={name}" for name in concepts_of(words))
        if left <= 0:
            break
    return found


def likely(shapes: Sequence[str]) -> dict[str, float]:
    """The kinds with how likely each is; together 1. Of words that are all unknown it says "other"."""
    table = known()
    found = features(shapes)
    columns = [table[one] for one in found if one in table]
    if not columns:
        return {kind: float(kind == "other") for kind in KINDS}
    return shares([sum(column) for column in zip(*columns, strict=True)], len(found))


def shares(sums: Sequence[float], count: int) -> dict[str, float]:
    """Sums of weights of `count` features, made shares."""
    scaled = [one / math.sqrt(count + 1) for one in sums]
    powers = [math.exp(one - max(scaled)) for one in scaled]
    return {kind: power / sum(powers) for kind, power in zip(KINDS, powers, strict=True)}


@cache
def known() -> Mapping[str, tuple[float, ...]]:
    """A line each: the feature, a tab, and the kinds that it speaks for or against, each with a hundredfold weight."""
    text = (files(__package__) / "rules" / "weights.txt").read_text(encoding="utf-8")
    made = {}
    for line in text.splitlines():
        feature, _, told = line.partition("\t")
        words = told.split()
        column = dict(zip(words[::2], words[1::2], strict=True))
        made[feature] = tuple(int(column.get(kind, 0)) / 100 for kind in KINDS)
    return made
