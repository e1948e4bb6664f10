"""Learns the weights by which answers are understood, from tables of answers.

    python -m benchmarks.understanding_weights [--without FILE …] [--out FILE]
    python -m benchmarks.understanding_weights --why "please end this"

Learned from are the tables of the tests, the examples beside the rules and `tests/tables/messages.txt`: messages of
several authors, a line each with author, kind, channel, subject and text. With --without what one author wrote is left
out: `benchmarks.understanding` then says how strangers are understood. The result is the same every time.
With --why nothing is learned: it shows what in a text speaks for the likeliest kind and against it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from benchmarks.understanding import MORE, TABLE, Row, rows
from dispatcher.services import keywords
from dispatcher.services.understanding.persons import named
from dispatcher.services.understanding.sentences import sentences
from dispatcher.services.understanding.weights import KINDS, features, known, likely, shares

RULES = Path(__file__).resolve().parents[1] / "dispatcher" / "services" / "understanding" / "rules"
MESSAGES = TABLE.with_name("messages.txt")
Sample = tuple[list[str], int, float]
_ROUNDS, _STEP, _SHRINK, _DECAY = 14, 1.0, 0.3, 0.04
_AVERAGED = 4  # of the last rounds: what one of them learned last would weigh too much
_OLD = {TABLE: 1.6, MORE: 0.8}  # what they weigh beside the messages of strangers: the smaller one must be right
_LEAST = 0.05  # a smaller weight is left out


def sample(row: Row, weight: float = 1.0) -> Sample:
    """What is weighed of an answer, as the product does."""
    said = sentences(row["text"])
    channel = row.get("channel", "")
    title = [one.said for one in sentences(keywords.own_subject(channel, row.get("subject", "")))]
    return sorted(features(named(said, row.get("name", "")), channel, title)), KINDS.index(row["kind"]), weight


def examples(file: Path) -> Iterable[Row]:
    """Lines of a kind, a tab and a text."""
    for line in file.read_text(encoding="utf-8").splitlines():
        kind, _, text = line.partition("\t")
        if text and not kind.startswith("#"):
            yield {"kind": kind, "text": text}


def messages(file: Path) -> Iterable[Row]:
    """Lines of author, kind, channel, subject and text, in which " / " stands for a new line."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            author, kind, channel, subject, text = line.split("\t")
            yield {"author": author, "kind": kind, "channel": channel, "subject": subject,
                   "text": text.replace(" / ", "\n")}  # fmt: skip


def samples(without: Sequence[str] = ()) -> list[Sample]:
    """All that is learned from, but for the messages of some authors."""
    strangers = [row for row in messages(MESSAGES) if row["author"] not in without]
    old = [(row, weight) for file, weight in _OLD.items() for row in rows(file)]
    left_out = {row["text"] for row in messages(MESSAGES)} - {row["text"] for row in strangers}
    made = [sample(row) for row in [*strangers, *examples(RULES / "examples.txt")] if row["kind"] in KINDS]
    return made + [sample(row, weight) for row, weight in old if row["text"] not in left_out]


def learned(table: Sequence[Sample]) -> dict[str, list[float]]:
    """Weights for every kind of all features seen twice (multinomial regression, step by step)."""
    seen = Counter(one for found, _, _ in table for one in found)
    order = [([one for one in found if seen[one] > 1], kind, weight) for found, kind, weight in table]
    weights: dict[str, list[float]] = {one: [0.0] * len(KINDS) for found, _, _ in order for one in found}
    average = {one: [0.0] * len(KINDS) for one in weights}
    dice = random.Random(7)  # noqa: S311 - the order of learning is no secret, and must be the same every time
    for turn in range(_ROUNDS):
        dice.shuffle(order)
        step = _STEP / (1 + turn * _SHRINK)
        for found, kind, weight in order:
            columns = [weights[one] for one in found]
            sums = [sum(column) for column in zip(*columns, strict=True)] or [0.0] * len(KINDS)
            scale = weight * step / math.sqrt(len(columns) + 1)
            changes = [((at == kind) - share) * scale for at, share in enumerate(shares(sums, len(columns)).values())]
            for column in columns:
                column[:] = [one + change for one, change in zip(column, changes, strict=True)]
        for column in weights.values():
            column[:] = [one * (1 - _DECAY * step) for one in column]
        if turn >= _ROUNDS - _AVERAGED:
            for one, column in weights.items():
                average[one] = [old + new / _AVERAGED for old, new in zip(average[one], column, strict=True)]
    return average


def written(weights: dict[str, list[float]]) -> str:
    """The weights as the product reads them."""
    kept = {one: [round(100 * weight) for weight in column] for one, column in weights.items()}
    lines = [
        f"{one}\t{' '.join(map(str, column))}\n"
        for one, column in sorted(kept.items())
        if max(map(abs, column)) >= 100 * _LEAST
    ]
    return f"feature\t{' '.join(KINDS)}\n{''.join(lines)}"


@click.command()
@click.option("--without", multiple=True, help="an author whose messages are not learned from")
@click.option("--why", default="", help="a text whose weights are shown")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RULES / "weights.txt")
def main(without: tuple[str, ...], out: Path, why: str) -> None:
    """Learn from all tables."""
    if why:
        click.echo("\n".join(reasons(why)))
        return
    table = samples(without)
    out.write_text(written(learned(table)), encoding="utf-8")
    known.cache_clear()
    click.echo(f"{out}: {len(known())} features of {len(table)} answers")


def reasons(text: str) -> Iterable[str]:
    """The likeliest kind of a text, and the words that weigh most in it."""
    shapes = [one.said for one in sentences(text)]
    share = likely(shapes)
    kind = max(share, key=share.__getitem__)
    yield f"{kind} {share[kind]:.0%}"
    table, at = known(), KINDS.index(kind)
    found = {one: table[one][at] for one in features(shapes) if one in table}
    for one in sorted(found, key=lambda each: -abs(found[each]))[:12]:
        yield f"{found[one]:+5}  {one}"


if __name__ == "__main__":
    main()
