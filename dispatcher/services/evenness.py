"""Was anybody favoured? Rank correlation between the time of acceptance and what might have decided it.

The order of a release is shuffled, so within a channel the times must have nothing to do with the size of a firm, the
place in the directory or a list. For each of them Spearman's rho is taken: the correlation of the ranks, ties by their
mean rank (C. Spearman, "The proof and measurement of association between two things", 1904). Under "no connection"
t = rho * sqrt((n - 2) / (1 - rho²)) follows Student's t with n - 2 degrees of freedom (M. G. Kendall and J. D. Gibbons,
"Rank Correlation Methods", 1990, chapter 4); its two-sided p goes over the normal distribution by D. L. Wallace's
approximation (Annals of Mathematical Statistics 30, 1959), to within 0.001 from ten deliveries on. A report makes many
tests, so a connection counts as found when p times the number of tests is below LEVEL (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

# numpy is imported where it is used: most processes never make a report.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.float64]

FEWEST = 10  # deliveries of a channel below which nothing can be told
LEVEL = 0.01

METHOD = (
    "Within each channel, Spearman's rank correlation (rho, ties by mean rank) between the time of acceptance and the "
    "size of the firm (its deliveries in this release), the place in the directory, and being on a list; two-sided "
    f"p by Student's t. A connection counts as found when p times the number of tests is below {LEVEL:g}."
)

# What a rising time goes with, and what a falling one does.
_EARLIER = {
    "firm size": ("those of small firms came earlier", "those of large firms came earlier"),
    "directory": ("those who stand first in the directory came earlier", "those who stand last came earlier"),
    "list": ("those on it came later", "those on it came earlier"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """Do the times of one channel go with this? `values` has one number, or yes or no, for each delivery."""

    channel: str
    factor: str  # firm size, directory or list
    name: str  # of the list, else ""
    times: Numbers
    values: Numbers | Flags


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer. `rho` and `p` are None where there was nothing to compare; `connected` where p stands all tests."""

    channel: str
    factor: str
    name: str
    deliveries: int
    rho: float | None
    p: float | None
    connected: bool
    words: str


def mean_ranks(values: Numbers) -> Numbers:
    """Ranks from 1; equal values share the mean of theirs."""
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: Numbers = np.cumsum(counts) - (counts - 1) / 2
    return means[inverse]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Ranks as distances from their mean, and the sum of their squares."""

    away: Numbers
    squares: float


def ranked(values: Numbers | Flags) -> Ranked:
    """The ranks of these values. For yes and no stand 1 and 0: rho knows no scale."""
    numbers = values.astype(float)
    ranks = numbers if values.dtype == bool else mean_ranks(numbers)
    away = ranks - ranks.mean()
    # Summed up here and not by a dot product, for which numpy would start threads on every core.
    return Ranked(away, float((away * away).sum()))


def spearman(left: Ranked, right: Ranked) -> tuple[float, float] | None:
    """Rho and its two-sided p; None where one side is all alike or there are too few to tell."""
    size = math.sqrt(left.squares * right.squares)
    if size == 0 or len(left.away) < FEWEST:
        return None
    rho = max(-1.0, min(1.0, float((left.away * right.away).sum()) / size))
    return rho, p_of(rho, len(left.away))


def p_of(rho: float, deliveries: int) -> float:
    """How often chance alone gives a rho at least this far from 0."""
    if abs(rho) >= 1:
        return 0.0
    freedom = deliveries - 2
    normal = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(-freedom * math.log1p(-rho * rho))
    return math.erfc(normal / math.sqrt(2))


def answers(questions: Sequence[Question]) -> list[Finding]:
    """A finding for each question, judged by how many were asked."""
    times = {id(one.times): one.times for one in questions}  # all questions of a channel are of the same
    known = {key: ranked(some) for key, some in times.items()}
    measured = [spearman(known[id(one.times)], ranked(one.values)) for one in questions]
    tests = sum(1 for one in measured if one is not None)
    return [_finding(question, result, tests) for question, result in zip(questions, measured, strict=True)]


def _finding(question: Question, result: tuple[float, float] | None, tests: int) -> Finding:
    number = len(question.times)
    if result is None:
        return Finding(
            question.channel, question.factor, question.name, number, None, None, False, _nothing(question, number)
        )
    rho, p = result
    connected = p * tests < LEVEL
    front = _EARLIER[question.factor][rho < 0] if connected else "no connection found"
    words = f"{front} (rho {_signed(rho)}, p {_p(p)})"
    return Finding(
        question.channel, question.factor, question.name, number, round(rho, 4), float(f"{p:.3g}"), connected, words
    )


def _nothing(question: Question, number: int) -> str:
    if number < FEWEST:
        return f"too few to tell ({number})"
    if (question.times == question.times[0]).all():
        return "all accepted at the same moment"
    return "nothing to compare: all alike"


def _signed(rho: float) -> str:
    text = f"{abs(rho):.2f}"
    return f"−{text}" if rho < 0 and text != "0.00" else text


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.095 else f"{p:.2f}"


def verdict(findings: Sequence[Finding]) -> tuple[str, str]:
    """("even" | "uneven" | "cannot say", a sentence)."""
    tests = sum(1 for one in findings if one.rho is not None)
    uneven = [one for one in findings if one.connected]
    if uneven:
        return (
            "uneven",
            f"{len(uneven)} of {tests} tests found a connection between who it was and when it was accepted.",
        )
    if tests:
        return "even", (
            f"No connection found between when a delivery was accepted and the size of the firm, the place in the "
            f"directory or the list ({tests} tests)."
        )
    if any(one.words.startswith("all accepted") for one in findings):
        return "even", "Every channel had all its deliveries accepted at the same moment."
    return "cannot say", f"Too few deliveries to tell: from {FEWEST} of a channel on."
