"""How the rules are written: words, gaps and named groups of words, made regular expressions.

A rule is a line; an indented one goes on with the line above. `{name}` is a group of words of the vocabulary; "ä", "ö",
"ü" and "ß" stand for every way of writing them. Rules match whole words of the shape that `shapes` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dispatcher.services.understanding.vocabulary import GROUPS

_UMLAUTS = str.maketrans({"ä": "(?:ae?)", "ö": "(?:oe?)", "ü": "(?:ue?)", "ß": "ss", "Ä": "(?:ae?)"})


def rules(table: str, start: bool = False) -> re.Pattern[str]:
    """One expression of a table of rules, a line each; with `start` they must stand at the beginning."""
    lines = [line.strip() for line in re.sub(r"\n {4,}", "", table).splitlines()]
    return _compiled([line for line in lines if line], "^" if start else r"(?<!\S)")


def _compiled(lines: Iterable[str], front: str) -> re.Pattern[str]:
    return re.compile(front + "(?:" + "|".join(f"(?:{_expression(line)})" for line in lines) + r")(?!\S)")


def _expression(line: str) -> str:
    for _ in range(5):
        line = re.sub(r"\{([a-z]+)\}", lambda found: GROUPS[found[1]], line)
    return line.translate(_UMLAUTS)
