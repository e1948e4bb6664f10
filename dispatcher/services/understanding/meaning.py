"""What an answer is, and what decided that: what was pressed; then all words together, and what exact rules know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dispatcher.services import keywords
from dispatcher.services.understanding import asks, concepts, optouts, orders, persons, weights
from dispatcher.services.understanding.patterns import rules
from dispatcher.services.understanding.sentences import Sentence, sentences

_FEW = 6  # words
_MOST = 40  # sentences that are weighed: only the exact rules read on
# Shares of one, see `weights`. A kind that a rule has seen counts so many times.
_RULE = 2.1
# A wish is obeyed at once: from where on it is certain enough, even if it may be of some of it only; and from where on
# a person looks whether there is one, or an order.
_CERTAIN = {"opt-out": 0.4, "opt-in": 0.45, "wrong-person": 0.4}
_WHOLLY, _BRIEFLY, _OVERRULES = 0.7, 0.8, 0.85
_BRIEF = 6  # words: too few to say that somebody else is meant, unless a rule knows them
_MAYBE, _MAYBE_OUT, _MAYBE_ORDER, _HARDLY_ORDER = 0.3, 0.2, 0.2, 0.03
_HOW = rules(r"(?:how|what|why|when|where|who|wie|was|warum|wieso|wann)", start=True)


@dataclass(frozen=True, slots=True)
class Understood:
    """`kind` is one of model.conversation.KINDS, `by` what decided it: key, button, rule, provider, header or person.

    `because` is the key, the header or the sentence that decided, as it was written. `doubt` is the kind that a person
    should consider, where the words may mean it.
    """

    kind: str = "other"
    by: str = ""
    because: str = ""
    doubt: str = ""

    def doubted(self) -> Understood:
        """The same, but for a person to say whether it is so."""
        return replace(self, kind="other", doubt=self.kind)


def of_words(channel: str, own: str, *, subject: str = "", keyword: str = "", name: str = "") -> Understood:
    """What a person meant by their own words, without what they quote; `name` is the customer's.

    `keyword` is what the carrier made of a text message; the subject speaks for a mail whose body is empty.
    """
    wish = keywords.wish_of(channel, own, keyword)
    if wish:
        said = " ".join(own.split())[:300] or subject[:300]
        return Understood("opt-out" if wish == "stop" else "opt-in", "provider" if keyword == wish else "rule", said)
    title = keywords.own_subject(channel, subject)
    meant = _read(own, name, channel, title)
    # "Thanks, Keith" below a subject that says it all.
    return _read(title, name, channel) if title and meant == Understood() and len(own.split()) <= _FEW else meant


def _read(words: str, name: str, channel: str, title: str = "") -> Understood:
    # What is said ten times means what it means when it is said once.
    said = list({one.said: one for one in reversed(sentences(words))}.values())[::-1]
    if not said:
        return Understood()
    known = _of_sentences(said, name)
    shapes = persons.named(said, name)[:_MOST]
    share = weights.likely(shapes, channel, [one.said for one in sentences(title)])
    if known.kind != "other":
        share[known.kind] *= _RULE
        share = {kind: one / sum(share.values()) for kind, one in share.items()}
    first, *others = sorted(share, key=share.__getitem__, reverse=True)
    brief = sum(len(one.split()) for one in shapes) < _BRIEF
    seen = known.kind in ("opt-in", "opt-out") or (known.kind == "wrong-person" and brief)
    if seen and (brief or first == known.kind or share[first] < _OVERRULES):
        first, others = known.kind, [kind for kind in (first, *others) if kind != known.kind]
    elif share[first] < _CERTAIN.get(first, 0) or _needs_a_person(first, known, said, share, brief):
        first, others = others[0], [first, *others[1:]]
    doubt = _doubt(first, others, known, share)
    if first == known.kind:
        return replace(known, doubt=doubt)
    return Understood(first, "rule", "" if first == "other" and not doubt else _deciding(first, said, shapes), doubt)


def _needs_a_person(
    first: str, known: Understood, said: Sequence[Sentence], share: Mapping[str, float], brief: bool
) -> bool:
    """Whether a wish is not obeyed unread: somebody may be dealing, or want less of it only, or speak of another."""
    if first == "wrong-person":
        return known.kind != first and (brief or persons.speaks_of_others(said))
    if first != "opt-out":
        return False
    if "order" in (known.kind, known.doubt) or share["order"] > _MAYBE_ORDER or optouts.denied(said):
        return True
    if share["order"] > _HARDLY_ORDER and concepts.of_dealing([one.said for one in said]):
        return True
    if optouts.is_bare(said) or (brief and known.kind != first and share[first] < _BRIEFLY):
        return True
    return share["opt-out"] < _WHOLLY and (known.doubt == "opt-out" or optouts.limited(said))


def _doubt(first: str, others: Sequence[str], known: Understood, share: Mapping[str, float]) -> str:
    """What a person should consider beside the kind: first of all whether somebody wants to be left alone."""
    maybe = "opt-out" in (known.kind, known.doubt) or share["opt-out"] > _MAYBE_OUT
    if first != "opt-out" and maybe:
        return "opt-out"
    if known.doubt and known.doubt != first:
        return known.doubt
    if known.kind == "order" and first != "order":
        return "order"
    return next((kind for kind in others if share[kind] > _MAYBE and kind not in ("other", first)), "")


def _deciding(kind: str, said: Sequence[Sentence], shapes: Sequence[str]) -> str:
    """The sentence that speaks most for a kind."""
    return max(zip(said, shapes, strict=False), key=lambda one: weights.likely([one[1]])[kind])[0].raw


def _of_sentences(said: Sequence[Sentence], name: str) -> Understood:
    """An order outweighs everything but a wish to be left alone in which nothing else is asked; then by urgency."""
    out = optouts.opt_out(said)
    # What asks to be left alone asks for nothing else: "could you stop calling me?" is no question.
    rest = [
        one for one in said if out is None or one.raw not in out.sentences or (out.doubtful and _HOW.match(one.said))
    ]
    others = {
        "wrong-person": persons.wrong_person(said, name),
        "order": orders.order(said),
        "question": asks.question(rest),
    }
    found = [(kind, because) for kind, because in others.items() if because]
    # "I no longer work in markets, please strike my address" is said by the customer themselves.
    elsewhere = others["wrong-person"] and not re.match(r"(?:I|We|Ich|Wir)\b", others["wrong-person"])
    if out and not out.doubtful and not others["order"] and not elsewhere:
        return Understood("opt-out", "rule", out.because)
    note = persons.away(said) if not found or found[0][0] == "question" else ""
    if note:
        return Understood("out-of-office", "rule", note, "opt-out" if out else "")
    again = "" if out or others["order"] else optouts.opt_in(said)
    if again:
        return Understood("opt-in", "rule", again)
    maybe = "" if others["order"] else orders.perhaps(said)
    doubts = [*(["opt-out"] if out else []), *(kind for kind, _ in found[1:]), *(["order"] if maybe else [])]
    kind, because = found[0] if found else ("other", out.because if out else maybe)
    doubt = doubts[0] if doubts else ""
    return Understood(kind, "rule" if because else "", because, doubt)
