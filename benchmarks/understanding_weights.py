"""Learns the weights by which wordings are understood that no rule knows, from tables of answers (JSON lines).

    python -m benchmarks.understanding_weights [FILE …] [--out FILE] [--hold FILE …]
    python -m benchmarks.understanding_weights --why "please end this"

Without FILE the tables of the tests and the examples beside the rules are learned from. With --hold
what was learned is also measured on those files, which must not be among the others. The result is the same every time.
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
from dispatcher.services.understanding.persons import named
from dispatcher.services.understanding.sentences import sentences
from dispatcher.services.understanding.weights import KINDS, features, known, likely, shares

RULES = Path(__file__).resolve().parents[1] / "dispatcher" / "services" / "understanding" / "rules"
Sample = tuple[list[str], int]
_ROUNDS, _STEP, _SHRINK = 24, 0.8, 0.3
_KEPT = 6000  # features: with more of them unknown wordings are understood hardly better
_LEAST = 0.1  # a smaller weight is left out


def sample(row: Row) -> Sample:
    said = sentences(row["text"])
    return sorted(features(named(said, row.get("name", "")))), KINDS.index(row["kind"])


def examples(file: Path) -> Iterable[Row]:
    """Lines of a kind, a tab and a text."""
    for line in file.read_text(encoding="utf-8").splitlines():
        kind, _, text = line.partition("\t")
        if text and not kind.startswith("#"):
            yield {"kind": kind, "text": text}


def learned(samples: Sequence[Sample]) -> dict[str, list[float]]:
    """Weights for every kind of all features but pairs seen once only (multinomial regression, step by step)."""
    seen = Counter(one for found, _ in samples for one in found)
    order = [([one for one in found if seen[one] > 1 or " " not in one], kind, len(found)) for found, kind in samples]
    weights: dict[str, list[float]] = {one: [0.0] * len(KINDS) for found, _, _ in order for one in found}
    dice = random.Random(7)  # noqa: S311 - the order of learning is no secret, and must be the same every time
    for turn in range(_ROUNDS):
        dice.shuffle(order)
        step = _STEP / (1 + turn * _SHRINK)
        for found, kind, count in order:
            columns = [weights[one] for one in found]
            sums = [sum(column) for column in zip(*columns, strict=True)] or [0.0] * len(KINDS)
            for at, share in enumerate(shares(sums, count).values()):
                change = step * ((at == kind) - share) / math.sqrt(count + 1)
                for column in columns:
                    column[at] += change
    return weights


@click.command()
@click.argument("tables", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--hold", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--why", default="", help="a text whose weights are shown")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RULES / "weights.txt")
def main(tables: tuple[Path, ...], hold: tuple[Path, ...], out: Path, why: str) -> None:
    """Learn from every FILE."""
    if why:
        click.echo("\n".join(reasons(why)))
        return
    table = [row for file in tables or (TABLE, MORE) for row in rows(file)]
    weights = learned([sample(row) for row in [*table, *examples(RULES / "examples.txt")]])
    kept = strongest(weights, _KEPT)
    for file in hold:
        pairs = [sample(row) for row in rows(file)]
        right = 0
        for found, kind in pairs:
            columns = [kept[one] for one in found if one in kept]
            share = shares([sum(column) for column in zip(*columns, strict=True)] or [0.0] * 9, len(found))
            right += max(share, key=share.__getitem__) == KINDS[kind]
        click.echo(f"{file}: {right} of {len(pairs)}, {right / len(pairs):.1%}")
    out.write_text(
        "".join(f"{feature}\t{told(column)}\n" for feature, column in sorted(kept.items())), encoding="utf-8"
    )
    click.echo(f"{out}: {len(kept)} features of {len(table)} answers")


def reasons(text: str) -> Iterable[str]:
    """The likeliest kind of a text, and the words that weigh most in it."""
    shapes = [one.said for one in sentences(text)]
    share = likely(shapes)
    kind = max(share, key=share.__getitem__)
    yield f"{kind} {share[kind]:.0%}"
    table, at = known(), KINDS.index(kind)
    found = {one: table[one][at] for one in features(shapes) if one in table}
    for one in sorted(found, key=lambda each: -abs(found[each]))[:12]:
        yield f"{100 * found[one]:+5.0f}  {one}"


def strongest(weights: dict[str, list[float]], most: int) -> dict[str, list[float]]:
    """Those that say most, without what is said too faintly to matter."""
    order = sorted(weights, key=lambda one: (-math.hypot(*weights[one]), one))[:most]
    return {one: [weight if abs(weight) >= _LEAST else 0.0 for weight in weights[one]] for one in order}


def told(column: Sequence[float]) -> str:
    """Weights in words, the strongest first: `order +179 opt-out -157`."""
    pairs = sorted(zip(KINDS, column, strict=True), key=lambda one: -abs(one[1]))
    return " ".join(f"{kind} {round(100 * weight):+}" for kind, weight in pairs if weight)


if __name__ == "__main__":
    main()
