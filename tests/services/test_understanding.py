"""What an answer is: a table of real-life answers, and what must never be mistaken."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.understanding import MORE, rows, understood
from dispatcher.services.understanding import of_words
from tests.quick import quickly

TABLE = Path(__file__).parents[1] / "tables" / "replies.jsonl"


def test_every_row_of_the_table() -> None:
    wrong = []
    for row in rows(TABLE):
        meant = understood(row)
        if meant.kind != row["kind"] or (row["doubt"] and meant.doubt != row["doubt"]):
            wrong.append(f"{row['kind']}/{row['doubt']} taken for {meant.kind}/{meant.doubt}: {row['text']!r}")
    assert not wrong, "\n".join(wrong)


def test_most_rows_of_the_larger_table() -> None:
    """Answers in every wording: a floor for each kind, and no order taken for a wish to be left alone."""
    pairs = [(row["kind"], understood(row).kind) for row in rows(MORE)]
    wanted = Counter(kind for kind, _ in pairs)
    right = Counter(kind for kind, taken in pairs if kind == taken)
    assert {kind: right[kind] / wanted[kind] for kind in wanted if right[kind] < 0.9 * wanted[kind]} == {}
    assert ("order", "opt-out") not in pairs


def test_writing_differently_means_the_same() -> None:
    """Capitals, a lost full stop and umlauts written out change nothing that is a wish or an order."""
    wrong = []
    spelt = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
    for row in rows(TABLE):
        if row["kind"] not in ("order", "opt-out", "wrong-person"):
            continue
        for text in (row["text"].translate(spelt), f"  {row['text']}  ", row["text"].rstrip(".")):
            meant = understood({**row, "text": text})
            if meant.kind != row["kind"]:
                wrong.append(f"{row['kind']} taken for {meant.kind}: {text!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize(
    ("text", "kind"),
    [("We would like to thank you for this note. ", "other"), ("Please stop. ", "opt-out"), ("q" * 1000, "other")],
)
def test_saying_it_again_and_again_means_the_same(channel: str, text: str, kind: str) -> None:
    for times in (1, 2, 4, 60):
        meant = of_words(channel, text * times)
        assert (meant.kind, meant.doubt) == (kind, ""), times


def test_the_sentence_that_decided_is_kept_as_written() -> None:
    meant = of_words("email", "Hi Rita,\n\nThanks for the note. Please SELL 500 at market!  What else?\n\nAna")
    assert (meant.kind, meant.by, meant.because, meant.doubt) == (
        "order",
        "rule",
        "Please SELL 500 at market!",
        "question",
    )


@pytest.mark.parametrize(
    "text",
    [
        "> Please sell 500.\nNoted.",
        "> unsubscribe me\nNoted.\n> Call us?\n",
        "Noted.\n\nRegards\nAna Sellers\nBuy Side Ltd",
    ],
)
def test_what_is_quoted_or_a_name_decides_nothing(text: str) -> None:
    assert of_words("email", text).kind == "other"


def test_nothing_says_nothing() -> None:
    for text in ("", " \n ", "...", "\u200b", ">", "?"):
        assert of_words("email", text).kind in ("other", "question")


@pytest.mark.parametrize(
    "text",
    ["no more " * 4_000, "bitte nicht mehr " * 4_000, "i will " * 4_000, "? " * 8_000, "a@" * 8_000, "x" * 200_000,
     "1" * 200_000, "take me off the " * 4_000, "if it " * 4_000, "my order " * 4_000, "0" * 100 + " 1" * 8_000],
    ids=range(11),
)  # fmt: skip
def test_hostile_text_takes_no_time(text: str) -> None:
    quickly(lambda: of_words("email", text), 2)
