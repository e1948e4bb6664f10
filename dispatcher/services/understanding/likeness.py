"""What a text is most like, of some two thousand answers of which people have said what they are.

A second opinion, asked where the rules see nothing: examples hold what nobody has made a rule of. The words and parts
of words of the examples are weighed once (ridge regression, a few lines of linear algebra) and kept beside them:
`python -m benchmarks.learn` after adding an example. How much they say is told, so that what is at
stake decides how much is enough.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

EXAMPLES = Path(__file__).with_name("examples.jsonl")
WEIGHTS = Path(__file__).with_name("weights.npz")
SPACE = 2**14  # places of each of the two kinds of features; what falls into one place is told apart by the others
MOST = 2_000  # characters that are looked at
RIDGE = 0.5
_NUMBER = re.compile(r"\d[\d.,']*")
_WORD = re.compile(r"\w+|[?!]")


@dataclass(frozen=True, slots=True)
class Likeness:
    """The kind it is most like, and by how much more than the next one: 0 is a guess, 1 as sure as an example."""

    kind: str
    margin: float


def most_like(text: str) -> Likeness:
    """What these words are most like."""
    kinds, scores = _scores(text)
    first, second = np.argsort(-scores)[:2]
    return Likeness(kinds[first], float(scores[first] - scores[second]))


def says_most(kind: str, sentences: Sequence[str]) -> str:
    """Which of these sentences speaks most for a kind."""
    return max(sentences, key=lambda one: float(_scores(one)[1][_learnt()[0].index(kind)]))


def _scores(text: str) -> tuple[list[str], Floats]:
    kinds, idf, weights = _learnt()
    return kinds, _even(_counts(text) * idf) @ weights


def examples() -> list[dict[str, str]]:
    """The rows of EXAMPLES: `text` and its `kind`."""
    return [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines() if line.strip()]


def learn(rows: Sequence[dict[str, str]]) -> dict[str, NDArray[Any]]:
    """What WEIGHTS holds: the kinds; how rare each place is and what it says for each kind; of which examples."""
    kinds = sorted({row["kind"] for row in rows})
    counts = np.stack([_counts(row["text"]) for row in rows])
    rare = np.log((1 + len(rows)) / (1 + (counts > 0).sum(axis=0))) + 1
    idf = rare.astype(np.float16).astype(np.float32)
    seen = np.stack([_even(one) for one in counts * idf])
    wanted = np.array([[1.0 if row["kind"] == kind else -1.0 for kind in kinds] for row in rows])
    often = Counter(row["kind"] for row in rows)
    # A kind of which there are few examples counts as much as the others.
    light = np.array([often[row["kind"]] * len(kinds) / len(rows) for row in rows])
    solved = np.linalg.solve(seen @ seen.T + RIDGE * np.diag(light), wanted)
    return {
        "kinds": np.array(kinds),
        "idf": idf.astype(np.float16),
        "weights": (seen.T @ solved).astype(np.float16),
        "of": np.array(fingerprint()),
    }


def fingerprint() -> str:
    """SHA-256, hex, of EXAMPLES: weights of other examples are out of date."""
    return hashlib.sha256(EXAMPLES.read_bytes()).hexdigest()


@cache
def _learnt() -> tuple[list[str], Floats, Floats]:
    with np.load(WEIGHTS) as kept:
        return [str(one) for one in kept["kinds"]], kept["idf"].astype(np.float32), kept["weights"].astype(np.float32)


def _counts(text: str) -> Floats:
    """How often each feature is there, damped: words with their neighbours in one half, parts of words in the other."""
    said = _NUMBER.sub("0", text[:MOST].casefold())
    words = _WORD.findall(said)
    halves = np.zeros((2, SPACE), np.float32)
    for half, features in zip(halves, (_neighbours(words), _parts(words)), strict=True):
        for feature, times in Counter(features).items():
            half[zlib.crc32(feature.encode()) % SPACE] += 1 + np.log(times)
    return halves.reshape(-1)


def _even(counts: Floats) -> Floats:
    """Each half of length one, so that long texts say no more than short ones."""
    halves = counts.reshape(2, SPACE)
    lengths = np.linalg.norm(halves, axis=1, keepdims=True)
    return np.append(halves / np.where(lengths > 0, lengths, 1), np.float32(1))  # the one: how often a kind is at all


def _neighbours(words: Sequence[str]) -> Iterator[str]:
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            yield " ".join(words[at : at + size])


def _parts(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        whole = f" {word} "
        for size in (3, 4, 5):
            for at in range(max(1, len(whole) - size + 1)):
                yield whole[at : at + size]
