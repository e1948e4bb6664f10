"""What an answer is: a table of real-life answers, and what must never be mistaken."""

from __future__ import annotations

from pathlib import Path

from benchmarks.understanding import rows, understood

TABLE = Path(__file__).parents[1] / "tables" / "replies.jsonl"


def test_every_row_of_the_table() -> None:
    wrong = []
    for row in rows(TABLE):
        meant = understood(row)
        if meant.kind != row["kind"] or (row["doubt"] and meant.doubt != row["doubt"]):
            wrong.append(f"{row['kind']}/{row['doubt']} taken for {meant.kind}/{meant.doubt}: {row['text']!r}")
    assert not wrong, "\n".join(wrong)
