"""What sentences mean by what their words stand for, whatever the wording: the rules of `rules/*.txt`.

`rules/concepts.txt` says which words stand for what; `rules/ideas.txt` which of them together mean what. They read what
the exact rules of the other modules do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from dispatcher.services.understanding.sentences import Sentence

WEAK, PLAIN, STRONG = 0, 1, 2  # a doubt; decides where nothing else is seen; decides against a mere question too
_STRENGTHS = {"?": WEAK, ".": PLAIN, "!": STRONG}
_NEAR, _NEXT = 14, 6  # words: between what belongs together, and between what follows each other
_MOST = 12  # places of a concept in a sentence that are looked at: what is longer is no sentence
_CLAUSES = re.compile(r" (?:but|aber|however|although|though|trotzdem|nevertheless|and then|und dann|dann|sondern) ")

_OF_DEALING = {"SIDE", "BOOK", "FLAT", "CHANGE", "INSTRUCT", "SAMEAGAIN", "HALFNOW"}

Span = tuple[int, int]
Places = Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`all_of` are terms: of each one chain of concepts that follow each other must be there."""

    kind: str
    strength: int
    all_of: tuple[tuple[tuple[str, ...], ...], ...]
    none_of: tuple[str, ...]

    def fits(self, places: Places) -> bool:
        if any(one in places for one in self.none_of):
            return False
        found = []
        for term in self.all_of:
            spans = [span for chain in term for span in _chained(chain, places)]
            if not spans:
                return False
            found.append(spans)
        return any(_beside([first], found[1:]) for first in found[0])


@dataclass(frozen=True, slots=True)
class Meant:
    strength: int
    because: str


@dataclass(frozen=True)
class _Concepts:
    words: Mapping[str, frozenset[str]]
    beginnings: Mapping[str, frozenset[str]]
    endings: Mapping[str, frozenset[str]]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], str]]]
    slips: Mapping[str, str]


def meant(said: Sequence[Sentence], shapes: Sequence[str]) -> dict[str, Meant]:
    """Every kind that the sentences may mean, with the sentence that says it most plainly; `shapes` are their `said`,
    with the customer's name marked."""
    found: dict[str, Meant] = {}
    for one, shape in zip(said, shapes, strict=True):
        for part in dict.fromkeys([shape, *_CLAUSES.split(shape)]):
            places = _places(part.split())
            for rule in _rules() if places else ():
                known = found.get(rule.kind)
                if (known is None or known.strength < rule.strength) and rule.fits(places):
                    found[rule.kind] = Meant(rule.strength, one.raw)
    return found


def denied(shapes: Sequence[str]) -> bool:
    """Whether somebody says that they do not complain, or wish to keep what they get."""
    return any("DENY" in _places(one.split()) for one in shapes)


def of_dealing(shapes: Sequence[str]) -> bool:
    """Whether there is any word of dealing, or of having something done."""
    return any(_OF_DEALING & _places(one.split()).keys() for one in shapes)


def concepts_of(words: Sequence[str]) -> set[str]:
    """The names of all that words of a sentence stand for."""
    return set(_places(words))


def _chained(chain: tuple[str, ...], places: Places) -> Iterator[Span]:
    """Where the concepts of a chain follow each other."""
    if any(name not in places for name in chain):
        return
    for start, end in places[chain[0]]:
        at: int | None = end
        for name in chain[1:]:
            at = next((e for s, e in places[name] if at is not None and at <= s < at + _NEXT), None)
            if at is None:
                break
        if at is not None:
            yield start, at


def _beside(taken: list[Span], rest: Sequence[Sequence[Span]]) -> bool:
    """Whether each of `rest` has a place near the first one that no other has taken."""
    if not rest:
        return True
    at = taken[0][0]
    for start, end in rest[0]:
        free = all(end <= other[0] or start >= other[1] for other in taken)
        if abs(start - at) <= _NEAR and free and _beside([*taken, (start, end)], rest[1:]):
            return True
    return False


def _places(words: Sequence[str]) -> Places:
    places: dict[str, list[Span]] = {}
    plain = [_plain(word) for word in words]
    concepts = _concepts()
    for at, word in enumerate(plain):
        for name in _names(word):
            places.setdefault(name, []).append((at, at + 1))
        for phrase, name in concepts.phrases.get(word, ()):
            if _begins(plain[at : at + len(phrase)], phrase):
                places.setdefault(name, []).append((at, at + len(phrase)))
    return {name: spans[:_MOST] for name, spans in places.items()}


def _begins(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    """Whether words are a phrase, whose last one may be a beginning: "nicht_hinnehm*"."""
    last = phrase[-1]
    if not last.endswith("*"):
        return tuple(words) == phrase
    return len(words) == len(phrase) and tuple(words[:-1]) == phrase[:-1] and words[-1].startswith(last[:-1])


@lru_cache(maxsize=4096)
def _names(word: str) -> frozenset[str]:
    """What a word stands for; where it stands for nothing, what the word a slip away does."""
    concepts = _concepts()
    found = set(concepts.words.get(word, ()))
    for length in range(3, len(word) + 1):
        found |= concepts.beginnings.get(word[:length], frozenset())
        found |= concepts.endings.get(word[-length:], frozenset())
    if word.startswith("#"):
        found.add(word)
    if not found and len(word) >= 5 and word.isalpha() and len(word) < 20:
        return concepts.words.get(_meant_word(word), frozenset())
    return frozenset(found)


def _meant_word(word: str) -> str:
    slips = _concepts().slips
    if word in slips:
        return slips[word]
    for at in range(1, len(word)):
        shorter = word[:at] + word[at + 1 :]
        if len(shorter) > 4 and shorter in _concepts().words:
            return shorter
        near = slips.get(shorter, "")
        if near and len(near) == len(word) and len(word) > 5:
            return near
    return ""


def _plain(word: str) -> str:
    """Umlauts written out and umlauts left away are the same."""
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _lines(name: str) -> Iterator[str]:
    text = (files(__package__) / "rules" / name).read_text(encoding="utf-8")
    for line in re.sub(r"\n[ ]{4,}", " ", text).splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


@cache
def _concepts() -> _Concepts:
    words: dict[str, set[str]] = {}
    beginnings: dict[str, set[str]] = {}
    endings: dict[str, set[str]] = {}
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    umlauts = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "'": "_"})
    for line in _lines("concepts.txt"):
        name, _, listed = line.partition(" = ")
        for word in listed.casefold().translate(umlauts).split():
            parts = tuple(_plain(part) for part in word.split("_"))
            if len(parts) > 1:
                phrases.setdefault(parts[0], []).append((parts, name))
            elif word.startswith("*"):
                endings.setdefault(parts[0].strip("*"), set()).add(name)
            elif word.endswith("*"):
                beginnings.setdefault(parts[0].strip("*"), set()).add(name)
            else:
                words.setdefault(parts[0], set()).add(name)
    long = [word for word in words if len(word) > 5 and word.isalpha()]
    slips = {word[:at] + word[at + 1 :]: word for word in long for at in range(1, len(word))}
    return _Concepts(_frozen(words), _frozen(beginnings), _frozen(endings), phrases, slips)


def _frozen(table: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {word: frozenset(names) for word, names in table.items()}


@cache
def _rules() -> tuple[Rule, ...]:
    made = []
    for line in _lines("ideas.txt"):
        head, _, body = line.partition(": ")
        kind, sign = head.split()
        terms = body.split()
        none_of = tuple(term[1:] for term in terms if term.startswith("!"))
        all_of = tuple(_term(term) for term in terms if not term.startswith("!"))
        made.append(Rule(kind, _STRENGTHS[sign], all_of, none_of))
    return tuple(made)


def _term(term: str) -> tuple[tuple[str, ...], ...]:
    """The chains that a term allows: "A|B>C" are A, then C, or B, then C."""
    chains: list[tuple[str, ...]] = [()]
    for link in term.split(">"):
        chains = [(*chain, name) for chain in chains for name in link.split("|")]
    return tuple(chains)


def unknown_names() -> set[str]:
    """Concepts that a rule names and no line defines: none, if the files are right."""
    defined = {line.partition(" = ")[0] for line in _lines("concepts.txt")}
    used = {name for rule in _rules() for term in rule.all_of for chain in term for name in chain}
    named = used | {name for rule in _rules() for name in rule.none_of}
    return {name for name in named - defined if not name.startswith("#")}
