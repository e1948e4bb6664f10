"""The test of no connection: against published examples, tables of Student's t, and shuffled releases."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from dispatcher.services import evenness
from dispatcher.services.evenness import Question, answers, mean_ranks, p_of, ranked, spearman
from tests.quick import quickly


def numbers(values: list[float]) -> evenness.Numbers:
    return np.array(values, dtype=np.float64)


def test_ranks_of_equals_are_their_mean() -> None:
    assert mean_ranks(numbers([10, 20, 20, 5, 20])).tolist() == [2, 4, 4, 1, 4]
    assert mean_ranks(numbers([])).tolist() == []


def test_a_textbook_example() -> None:
    """Intelligence and hours before a television, as every text on Spearman has it."""
    quotient = numbers([106, 86, 100, 101, 99, 103, 97, 113, 112, 110])
    hours = numbers([7, 2, 27, 50, 28, 29, 20, 12, 6, 17])
    found = spearman(ranked(quotient), ranked(hours))
    assert found is not None
    assert found[0] == pytest.approx(-29 / 165)
    assert found[1] == pytest.approx(0.627188, abs=0.001)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [
        (1.860, 8, 0.10), (2.306, 8, 0.05), (3.355, 8, 0.01), (5.041, 8, 0.001), (2.042, 30, 0.05), (3.646, 30, 0.001),
        (2.660, 60, 0.01), (1.980, 120, 0.05), (2.581, 1000, 0.01), (1.960, 100_000, 0.05),
    ],
)  # fmt: skip
def test_p_is_that_of_students_tables(t: float, freedom: int, p: float) -> None:
    rho = t / math.sqrt(t * t + freedom)
    assert p_of(rho, freedom + 2) == pytest.approx(p, rel=0.04)
    assert p_of(-rho, freedom + 2) == p_of(rho, freedom + 2)


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ([1.0] * 20, [float(n) for n in range(20)]),
        ([float(n) for n in range(20)], [3.0] * 20),
        ([1.0, 2.0], [1.0, 2.0]),
    ],
)
def test_nothing_to_compare(times: list[float], values: list[float]) -> None:
    assert spearman(ranked(numbers(times)), ranked(numbers(values))) is None


def ask(times: list[float], values: list[float], factor: str = "firm size") -> evenness.Finding:
    return answers([Question("sms", factor, "", numbers(times), numbers(values))])[0]


@pytest.mark.parametrize(
    ("factor", "step", "words"),
    [
        ("firm size", 1, "those of small firms came earlier"),
        ("firm size", -1, "those of large firms came earlier"),
        ("directory", 1, "those who stand first in the directory came earlier"),
        ("directory", -1, "those who stand last came earlier"),
        ("list", 1, "those on it came later"),
        ("list", -1, "those on it came earlier"),
    ],
)
def test_a_connection_is_told_in_words(factor: str, step: int, words: str) -> None:
    found = ask([float(n) for n in range(50)], [float(step * (n // 25)) for n in range(50)], factor)
    assert found.connected
    assert found.words.startswith(words + " (rho ")
    assert found.words.endswith("p below 0.001)")


def test_what_cannot_be_told_is_said_so() -> None:
    assert ask([1.0, 2.0], [1.0, 2.0]).words == "too few to tell (2)"
    assert ask([1.0] * 12, [float(n) for n in range(12)]).words == "all accepted at the same moment"
    assert ask([float(n) for n in range(12)], [1.0] * 12).words == "nothing to compare: all alike"
    assert evenness.verdict([ask([1.0], [1.0])])[0] == "cannot say"
    assert evenness.verdict([])[0] == "cannot say"
    assert evenness.verdict([ask([1.0] * 12, [float(n) for n in range(12)])])[0] == "even"


def test_a_fair_shuffle_is_rarely_called_unfair_and_a_habit_always() -> None:
    """A hundred releases of six tests each: chance may accuse about one of them."""
    chance = random.Random(7)
    accused = 0
    for _ in range(100):
        questions = []
        for _ in range(6):
            times = [float(n) for n in range(200)]
            chance.shuffle(times)
            questions.append(Question("sms", "directory", "", numbers(times), np.arange(200, dtype=np.float64)))
        accused += evenness.verdict(answers(questions))[0] == "uneven"
    assert accused <= 4
    # The hundred largest of a thousand go first in nine cases of ten.
    sizes = [float(n % 10 == 0) for n in range(1000)]
    times = [chance.random() * (0.5 if size and chance.random() < 0.9 else 1.0) for size in sizes]
    assert ask(times, sizes).connected


def test_a_hundred_thousand_are_judged_at_once() -> None:
    chance = np.random.default_rng(1)
    times, values = chance.random(100_000), chance.integers(0, 500, 100_000).astype(np.float64)
    found = quickly(lambda: answers([Question("sms", "firm size", "", times, values)])[0], 1)
    assert not found.connected
