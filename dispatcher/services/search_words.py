"""What somebody searches for: words, "phrases", -without and beginnings*, as each database wants to be asked.

Letters count without their marks and capitals, as in the index (see the migration that makes it): "muller" finds
"Müller". So do the two ways to write an umlaut: "mueller" finds it, too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MOST_TERMS, MOST_LETTERS, LONGEST_WORD = 16, 300, 64
# Letters that Unicode does not take apart; the same table is in the migration.
SPELLED = str.maketrans({
    "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l",
    "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i",
})  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
_TERM = re.compile(r'(?P<without>-*)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))(?P<more>\*?)')
_WORD = re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict.fromkeys("−–—", "-"))

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one after the other, each of `ways` one writing of them; the last may only `begin` so."""

    ways: tuple[Phrase, ...]
    begins: bool = False
    without: bool = False


def fold(text: str) -> str:
    """Small letters without the marks of Latin ones."""
    plain = unicodedata.normalize("NFC", text).translate(SPELLED)
    if plain.isascii():
        return plain.lower()
    return "".join(_bare(letter) for letter in plain)


def _bare(letter: str) -> str:
    if letter < "\u0250" or "\u1e00" <= letter < "\u1f00":
        letter = "".join(one for one in unicodedata.normalize("NFD", letter) if not unicodedata.combining(one))
    small = letter.lower()
    return small if len(small) == 1 else letter


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """The words of a text as the index has them: where each begins and ends, and its letters."""
    for found in _WORD.finditer(text):
        yield found.start(), found.end(), fold(found[0])


def terms(asked: str) -> list[Term]:
    """What is asked for. Signs that part no words mean nothing, so nothing that one types is wrong."""
    found = []
    for one in _TERM.finditer(asked[:MOST_LETTERS].translate(_QUOTES)):
        words = one["phrase"] if one["phrase"] is not None else one["word"]
        begins = bool(one["more"]) or words.endswith("*")
        term = _term(words, begins, bool(one["without"]))
        if term is not None:
            found.append(term)
    return found[:MOST_TERMS]


def _term(words: str, begins: bool, without: bool) -> Term | None:
    given = [found[0] for found in _WORD.finditer(unicodedata.normalize("NFC", words))]
    plain = tuple(fold(one) for one in given)
    if not plain:
        return None
    ways = [plain, tuple(fold(one.translate(_UMLAUTS)) for one in given)]
    if not begins:  # "blue*" is no beginning of "blunder"
        ways.append(tuple(re.sub("([aou])e", r"\1", one) for one in plain))
    if any(len(one) > LONGEST_WORD for way in ways for one in way):
        ways, begins = [tuple(one[:LONGEST_WORD] for one in way) for way in ways], True
    return Term(tuple(dict.fromkeys(ways)), begins, without)


# --- as each database wants it ----------------------------------------------------------------------------


# Where the words stand: at least one of them in what was said, or all only in whom and what it was said of.
Part = Literal["said", "named"]
SAID: Part = "said"
NAMED: Part = "named"


def for_sqlite(some: Sequence[Term], part: Part) -> str:
    """An expression of FTS5. Every word is quoted, so that none is an operator."""

    def way(one: Phrase, begins: bool) -> str:
        return f'"{" ".join(one)}"' + (" *" if begins else "")

    def term(one: Term) -> str:
        return "(" + " OR ".join(way(each, one.begins) for each in one.ways) + ")"

    wanted = [term(one) for one in some if not one.without]
    unwanted = [term(one) for one in some if one.without]
    itself = f"said : ({' OR '.join(wanted)})"
    found = " AND ".join(wanted)
    if part == SAID:
        found = f"{found} AND {itself}"
    else:
        unwanted.append(itself)
    return f"({found}) NOT ({' OR '.join(unwanted)})" if unwanted else found


def for_postgresql(some: Sequence[Term], part: Part) -> str:
    """A tsquery. Words are letters and digits alone, quoted all the same; what was said has the weight A."""

    def way(one: Phrase, begins: bool, weight: str) -> str:
        ends = ("*" if begins else "") + weight
        last = f":{ends}" if ends else ""
        quoted = [f"'{each}'" + (f":{weight}" if weight else "") for each in one[:-1]]
        return "(" + " <-> ".join([*quoted, f"'{one[-1]}'{last}"]) + ")"

    def term(one: Term, weight: str = "") -> str:
        return "(" + " | ".join(way(each, one.begins, weight) for each in one.ways) + ")"

    itself = " | ".join(term(one, "A") for one in some if not one.without)
    every = [("!" if one.without else "") + term(one) for one in some]
    return " & ".join([*every, f"({itself})" if part == SAID else f"!({itself})"])


# --- what was found, marked -------------------------------------------------------------------------------

Mark = tuple[int, int]


def marks(text: str, some: Sequence[Term]) -> list[Mark]:
    """Where the words that are asked for stand in a text: begin and end of each."""
    places = list(words_of(text))
    found: set[Mark] = set()
    for term in some:
        if term.without:
            continue
        for way in term.ways:
            for at in range(len(places) - len(way) + 1):
                if all(_is(places[at + n][2], way[n], term.begins and n + 1 == len(way)) for n in range(len(way))):
                    found.update(places[at + n][:2] for n in range(len(way)))
    return sorted(found)


def _is(word: str, wanted: str, begins: bool) -> bool:
    return word.startswith(wanted) if begins else word == wanted


def excerpt(text: str, found: Sequence[Mark], width: int = 240) -> tuple[str, list[Mark]]:
    """About so many letters around the first mark, and the marks in them."""
    if len(text) <= width:
        return text, list(found)
    first = found[0][0] if found else 0
    start = max(0, min(first - width // 3, len(text) - width))
    if start:
        start = text.find(" ", start, first) + 1 or start
    end = min(len(text), start + width)
    if end < len(text):
        end = max(text.rfind(" ", start, end), found[0][1] if found else start + width // 2)
    before, after = "…" if start else "", "…" if end < len(text) else ""
    shift = len(before) - start
    inside = [(left + shift, right + shift) for left, right in found if left >= start and right <= end]
    return before + text[start:end] + after, inside
