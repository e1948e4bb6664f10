"""Whether somebody asks something."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.services.understanding import question_rules
from dispatcher.services.understanding.sentences import Sentence


def question(said: Sequence[Sentence]) -> str:
    """The sentence that asks something, "" where none does."""
    perhaps = ""
    for one in said:
        if question_rules.IDLE.match(one.said):
            continue
        if one.asks or question_rules.QUESTION.search(one.said):
            return one.raw
        stated = one.raw.rstrip().endswith((".", "!"))
        begins = question_rules.ASKING.match(one.said) or (not stated and question_rules.ASKING_VERB.match(one.said))
        if begins and len(one.said.split()) > 2:
            perhaps = perhaps or one.raw
    return perhaps
