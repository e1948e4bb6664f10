"""How the rules are written: words, gaps and named groups of words, made regular expressions.

A rule is a line; an indented one goes on with the line above. `{name}` is a group of words of the vocabulary; "ä", "ö",
"ü" and "ß" stand for every way of writing them. Rules match whole words of the shape that `shapes` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from dispatcher.services.understanding.vocabulary import GROUPS

_UMLAUTS = str.maketrans({"ä": "(?:ae?)", "ö": "(?:oe?)", "ü": "(?:ue?)", "ß": "ss", "Ä": "(?:ae?)"})


class Rules:
    """A table of rules as one expression, compiled when it is first asked: together they take half a second."""

    def __init__(self, table: str, start: bool) -> None:
        self._table, self._start = table, start

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        lines = [line.strip() for line in re.sub(r"\n {4,}", "", self._table).splitlines()]
        return _compiled([line for line in lines if line], "^" if self._start else r"(?<!\S)")

    def search(self, said: str) -> re.Match[str] | None:
        return self._pattern.search(said)

    def match(self, said: str) -> re.Match[str] | None:
        return self._pattern.match(said)


def rules(table: str, start: bool = False) -> Rules:
    """One expression of a table of rules, a line each; with `start` they must stand at the beginning."""
    return Rules(table, start)


def _compiled(lines: Iterable[str], front: str) -> re.Pattern[str]:
    return re.compile(front + "(?:" + "|".join(f"(?:{_expression(line)})" for line in lines) + r")(?!\S)")


def _expression(line: str) -> str:
    for _ in range(5):
        line = re.sub(r"\{([a-z]+)\}", lambda found: GROUPS[found[1]], line)
    return line.translate(_UMLAUTS)
