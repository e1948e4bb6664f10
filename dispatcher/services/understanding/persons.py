"""Whether an answer says that it reached somebody else than the customer, or that the customer is away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.services.understanding import person_rules as rule
from dispatcher.services.understanding.sentences import Sentence
from dispatcher.services.understanding.shapes import fold

# A name, wherever it stands: "Herr Lang", "Susan has left us".
_CAPITAL = re.compile(r"(?:^|(?<=[\s,.]))[A-ZÄÖÜ][\w-]+")


def wrong_person(said: Sequence[Sentence], name: str) -> str:
    """The sentence that says we reached somebody else than `name`, or that they are gone; "" where none does."""
    names = _names(name)
    for one in said:
        text = _named(one.said, names)
        if one.asks and not rule.WRONG_WORD.search(text):
            continue
        others = rule.NO_PERSON.search(text)
        if not others and any(
            table.search(text) for table in (rule.WRONG, rule.FALSCH, rule.NOT_NAMED, rule.NOT_TITLED)
        ):
            return one.raw
        left = rule.LEFT.search(text) or rule.LEFT_DE.search(text)
        if left and ("#name" in text or (not others and _gone(one))):
            return one.raw
    return ""


def speaks_of_others(said: Sequence[Sentence]) -> bool:
    """Whether those of whom somebody speaks are of a company or an office."""
    return any(rule.NO_PERSON.search(one.said) for one in said)


def named(said: Sequence[Sentence], name: str) -> list[str]:
    """The shapes of the sentences, the customer's name as `#name`."""
    names = _names(name)
    return [_named(one.said, names) for one in said]


def away(said: Sequence[Sentence]) -> str:
    """The sentence of a note of absence, "" where there is none."""
    found = next((one.raw for one in said if rule.AWAY.search(one.said) and not one.asks), "")
    alone = bool(said) and bool(rule.AWAY_ALONE.match(said[0].said))
    if not found:
        return said[0].raw if alone and len(said) == 1 else ""
    return found if alone or any(rule.AWAY_MORE.search(one.said) for one in said) else ""


def _names(name: str) -> list[str]:
    words = re.findall(r"[^\W\d_]{2,}", fold(name))
    parts = [" ".join(words), *words[:1], *words[-1:]]
    return [one for one in dict.fromkeys(parts) if len(one) > 2]


def _named(text: str, names: Sequence[str]) -> str:
    """The customer's name, with a title or without, as `#name`."""
    for each in names:
        text = re.sub(rf"(?<!\S)(?:(?:mr|mrs|ms|herrn?|hr|frau|fr|dr) )?{re.escape(each)}(?!\S)", "#name", text)
    return text


def _gone(one: Sentence) -> bool:
    """Whether somebody's leaving is told as of one's own house: by title, by pronoun, by a name in front."""
    who = bool(rule.PERSON.search(one.said))
    if rule.CERTAIN_HERE.search(one.said) and (who or _CAPITAL.search(one.raw)):
        return not rule.TRADES.search(one.said)
    if rule.DEAD.search(one.said):
        return who or bool(_CAPITAL.match(one.raw))
    return who and bool(rule.RETIRED.search(one.said)) and not rule.OWN.search(one.said)
