"""What words stand for, whatever the wording: `rules/concepts.txt`, by which the weights know what no rule does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

_DEALING, _OURS = {"SIDE", "BOOK", "FLAT"}, {"OURS", "LIST", "UNSUB"}


@dataclass(frozen=True)
class _Concepts:
    words: Mapping[str, frozenset[str]]
    beginnings: Mapping[str, frozenset[str]]
    endings: Mapping[str, frozenset[str]]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], str]]]
    slips: Mapping[str, str]


def of_dealing(shapes: Sequence[str]) -> bool:
    """Whether there are words of dealing, and none of what we send."""
    found = {name for one in shapes for name in concepts_of(one.split())}
    return bool(found & _DEALING) and not found & _OURS


def concepts_of(words: Sequence[str]) -> set[str]:
    """The names of all that words of a sentence stand for."""
    found: set[str] = set()
    plain = [_plain(word) for word in words]
    concepts = _concepts()
    for at, word in enumerate(plain):
        found |= _names(word)
        for phrase, name in concepts.phrases.get(word, ()):
            if _begins(plain[at : at + len(phrase)], phrase):
                found.add(name)
    return found


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
