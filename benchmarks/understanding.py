"""How often answers are understood right, per kind, on tables of messages (JSON lines).

    python -m benchmarks.understanding [FILE …] [--wrong]

A line is `{"channel", "subject", "text", "name", "kind", "doubt", "why"}`; `doubt` only where it is expected. Printed
per file: precision, recall and number per kind, what was taken for what, and the two mistakes that must not happen: an
order taken for an opt-out, an opt-out not seen.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from dispatcher.services.understanding import Understood, of_words

TABLE = Path(__file__).resolve().parents[1] / "tests" / "tables" / "replies.jsonl"
MORE = TABLE.with_name("replies_more.jsonl")
Row = dict[str, str]


def rows(file: Path) -> list[Row]:
    """The lines of a table; empty ones are left out."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def understood(row: Row) -> Understood:
    """What the product makes of a row, as it does of an answer that comes in."""
    return of_words(row.get("channel", "email"), row["text"], subject=row.get("subject", ""), name=row.get("name", ""))


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wrong", is_flag=True, help="list the rows that were not understood")
def main(files: tuple[Path, ...], wrong: bool) -> None:
    """Print the rates of every FILE; without one, of the tables of the tests."""
    for file in files or (TABLE, MORE):
        table = rows(file)
        started = time.perf_counter()
        pairs = [(row, understood(row)) for row in table]
        seconds = time.perf_counter() - started
        click.echo(f"{file}: {len(table)} messages, {1000 * seconds / max(1, len(table)):.2f} ms each")
        for line in _report(pairs):
            click.echo(line)
        if wrong:
            for row, meant in pairs:
                if meant.kind != row["kind"] or (meant.doubt != row.get("doubt", "") and row.get("doubt")):
                    click.echo(
                        f"  {row['kind']}/{row.get('doubt', '')} <- {meant.kind}/{meant.doubt} {row['text'][:150]!r}"
                    )


def _report(pairs: list[tuple[Row, Understood]]) -> Iterator[str]:
    wanted = Counter(row["kind"] for row, _ in pairs)
    got = Counter(meant.kind for _, meant in pairs)
    right = Counter(row["kind"] for row, meant in pairs if meant.kind == row["kind"])
    yield f"  {'kind':14} {'precision':>9} {'recall':>7} {'n':>5}"
    for kind in sorted({*wanted, *got}):
        precision = f"{right[kind] / got[kind]:9.1%}" if got[kind] else f"{'-':>9}"
        recall = f"{right[kind] / wanted[kind]:7.1%}" if wanted[kind] else f"{'-':>7}"
        yield f"  {kind:14} {precision} {recall} {wanted[kind]:5}"
    yield f"  all: {sum(right.values())} of {len(pairs)} right, {sum(right.values()) / max(1, len(pairs)):.1%}"
    confused = Counter((row["kind"], meant.kind) for row, meant in pairs if meant.kind != row["kind"])
    for (kind, taken), count in confused.most_common():
        yield f"  {kind} taken for {taken}: {count}"
    yield f"  orders taken for opt-outs: {confused['order', 'opt-out']}"
    missed = [
        meant for row, meant in pairs if row["kind"] == "opt-out" and meant.kind not in ("opt-out", "wrong-person")
    ]
    yield f"  opt-outs missed: {len(missed)}, of them left to a person: {sum(one.doubt == 'opt-out' for one in missed)}"
    doubts = [(row["doubt"], meant) for row, meant in pairs if row.get("doubt")]
    yield f"  doubts seen: {sum(doubt in (meant.doubt, meant.kind) for doubt, meant in doubts)} of {len(doubts)}"


if __name__ == "__main__":
    main()
