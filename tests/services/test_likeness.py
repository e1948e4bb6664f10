"""The second opinion on what an answer is: from examples, where the rules see nothing, and never too sure."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.model.conversation import KINDS
from dispatcher.services import understanding
from dispatcher.services.understanding import likeness


def test_the_weights_are_those_of_the_examples() -> None:
    """Else run `python -m benchmarks.learn`."""
    with np.load(likeness.WEIGHTS) as kept:
        assert str(kept["of"]) == likeness.fingerprint()


def test_the_examples_are_well_formed() -> None:
    rows = likeness.examples()
    assert len(rows) > 1_500
    assert {row["kind"] for row in rows} <= set(KINDS)
    texts = [row["text"].casefold() for row in rows]
    assert len(set(texts)) == len(texts)
    assert all(set(row) == {"text", "kind"} and row["text"].strip() for row in rows)


def test_few_examples_teach_what_is_like_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"text": text, "kind": kind}
        for kind, texts in {
            "call": ["ring me tonight", "please ring me back", "can you ring me"],
            "order": ["buy 500 please", "sell 200 now", "buy more"],
        }.items()
        for text in texts
    ]
    kept = likeness.learn(rows)
    learnt = ([str(one) for one in kept["kinds"]], kept["idf"].astype("f4"), kept["weights"].astype("f4"))
    monkeypatch.setattr(likeness, "_learnt", lambda: learnt)
    assert likeness.most_like("could you ring me at noon?").kind == "call"
    assert likeness.most_like("buy 7,000").kind == "order"
    assert likeness.most_like("ring me").margin > likeness.most_like("hello there").margin


@pytest.mark.parametrize("text", ["", " ", "?", "0" * 100_000, "x" * 1_000_000, "\n" * 10_000, "é" * 5_000, "🙂"])
def test_anything_is_read_in_no_time(text: str) -> None:
    found = understanding.of_words("sms", text)
    assert found.kind in KINDS


def test_what_stops_messages_needs_more() -> None:
    for kind in ("opt-out", "opt-in", "wrong-person"):
        assert understanding.SURE[kind] > understanding.SURE_ENOUGH > understanding.WORTH_A_LOOK
