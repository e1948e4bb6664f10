"""Whether somebody wants no more of our messages, or wants them again: by verb, object and negation, not by sentences.

"Stop", "cancel", "end" and "remove" are a dealing desk's daily words. They count only with what we send, with a list,
or with being written to as their object; alone only where they are all that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.services.understanding import optout_rules as en
from dispatcher.services.understanding import optout_rules_de as de
from dispatcher.services.understanding import optout_rules_not as no
from dispatcher.services.understanding.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Found:
    """The sentence that says so, and whether it is only perhaps, only partly, or not certainly that."""

    because: str
    doubtful: bool
    sentences: frozenset[str] = frozenset()


def opt_out(said: Sequence[Sentence]) -> Found | None:
    """That they want no more of this, or may; None where nothing says so."""
    whole = len(said) <= 3
    found: list[tuple[str, bool]] = []
    for at, one in enumerate(said):
        plain = _says(one)
        bare = en.without_politeness(one.said)
        if not plain and en.ALONE.match(bare):
            # "Stop." beside other words is a word of warning as often as a wish.
            plain = whole and not any(_business(other) for other in said)
        elif plain is None and en.BARE_DOUBTS.match(bare) and len(said) == 1:
            plain = False
        beside = said[at + 1].said if at + 1 < len(said) else ""
        if plain and len(beside.split()) < 12 and no.PARTLY.search(beside) and not no.WHOLLY.search(one.said):
            plain = False
        if plain is not None:
            found.append((one.raw, plain))
    if not found:
        return None
    certain = [raw for raw, plain in found if plain]
    return Found(certain[0] if certain else found[0][0], not certain, frozenset(raw for raw, _ in found))


def opt_in(said: Sequence[Sentence]) -> str:
    """The sentence that asks for our messages again, "" where none does."""
    for one in said:
        if no.NOT_OUT.search(one.said) and not one.asks:
            continue
        if (len(said) == 1 and en.IN_ALONE.match(en.without_politeness(one.said))) or (
            en.IN.search(one.said) and not no.NOT_IN.search(one.said)
        ):
            return one.raw
    return ""


def denied(said: Sequence[Sentence]) -> bool:
    """Whether somebody says that they do not want to be left out."""
    return any(no.NOT_OUT.search(one.said) for one in said)


def limited(said: Sequence[Sentence]) -> bool:
    """Whether, if they want less of something, it is only some of it, for a time, or somebody else."""
    return any(no.PARTLY.search(one.said) or no.THIRD.search(one.said) for one in said)


def is_bare(said: Sequence[Sentence]) -> bool:
    """Whether it is one bare word of ending, which a dealing desk says of other things."""
    return len(said) == 1 and bool(en.BARE_DOUBTS.match(en.without_politeness(said[0].said)))


def _says(one: Sentence) -> bool | None:
    """True where a sentence says it plainly, False where it may, None where it does not."""
    said = one.said
    plain = en.PLAIN.search(said) or de.DEUTSCH.search(said)
    if no.NOT_OUT.search(said):
        return None
    if not plain:
        return False if no.SOMETIMES.search(said) and not _business(one) else None
    if no.BUSINESS_OBJECT.search(said) and not no.SURELY.search(said):
        return None if no.BUSINESS.search(plain[0]) else False
    around = said.replace(plain[0], " … ", 1) if len(plain[0]) > 12 else said
    if (
        no.PARTLY.search(around)
        or no.PARTLY.search(plain[0])
        or (no.LESS.search(said) and not no.LIST.search(plain[0]))
    ):
        return False
    return not no.THIRD.search(said)


def _business(one: Sentence) -> bool:
    return bool(no.BUSINESS.search(one.said))
