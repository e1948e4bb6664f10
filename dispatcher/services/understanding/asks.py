"""Whether somebody wants to be called, complains, or asks something."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.services.understanding import call_rules, complaint_rules, question_rules
from dispatcher.services.understanding.sentences import Sentence


def call(said: Sequence[Sentence]) -> str:
    """The sentence that asks for a call, "" where none does."""
    return next((one.raw for one in said if _wants_call(one.said)), "")


def complaint(said: Sequence[Sentence]) -> str:
    """The sentence that complains about us, "" where none does; what is said of a market or a company does not."""
    return next((one.raw for one in said if _complains(one.said)), "")


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


def needs_no_call(said: Sequence[Sentence]) -> bool:
    """Whether somebody says that no call is needed."""
    return any(call_rules.NO_WANT.search(one.said) for one in said)


def _wants_call(said: str) -> bool:
    rule = call_rules
    if rule.NO_WANT.search(said) or (rule.NO_CALL.search(said) and not rule.SURELY.search(said)):
        return False
    if any(table.search(said) for table in (rule.CALL, rule.RUF, rule.CALL_START, rule.RUF_ALONE)):
        return True
    # In no words of ours: a telephone, and a wish.
    return bool(rule.PHONE.search(said) and rule.WISHED.search(said) and not rule.DONE.search(said))


def _complains(said: str) -> bool:
    rule = complaint_rules
    if rule.NO_COMPLAINT.search(said) or (rule.REPORTED.search(said) and not rule.PERSONAL.search(said)):
        return False
    if rule.MARKET.search(said) and not rule.MEANT_FOR_US.search(said):
        return False
    if rule.COMPLAINT.search(said) or rule.BESCHWERDE.search(said):
        return True
    # In no words of ours: something is amiss, and it is ours.
    return bool(rule.AMISS.search(said) and rule.OURS.search(said) and not rule.PRAISE.search(said))
