"""What an answer is, and what decided that: first what was pressed, then rules over the customer's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dispatcher.services import keywords
from dispatcher.services.understanding import asks, ideas, optouts, orders, persons, weights
from dispatcher.services.understanding.patterns import rules
from dispatcher.services.understanding.sentences import Sentence, sentences

_FEW = 6  # words
# Shares of one, see `weights`: what ideas add to them, and from where on a kind is taken for certain or for possible.
_WEIGHT_OF_IDEAS = (0.0, 0.15, 0.3)
_WEIGHT_OF_A_QUESTION = 0.25
_BRIEF, _WEIGHT_OF_BREVITY = 5, 0.5  # words
_MOST = 40  # sentences that are weighed: only the exact rules read on
_CERTAIN, _QUITE_CERTAIN, _MAYBE_OUT, _MAYBE, _ORDER_RATHER = 0.5, 0.7, 0.2, 0.25, 0.45
_QUITE_COMPLAINT = 0.55  # weights alone: who complains mostly says so with more than one word
# All words together outweigh a rule that saw some of them: so much for another kind, so little for its own.
_OVERRULES, _HARDLY = 0.85, 0.05
_WISHES = ("opt-in", "opt-out", "wrong-person")
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
    meant = _read(own, name)
    title = keywords.own_subject(channel, subject)
    # "Thanks, Keith" below a subject that says it all.
    return _read(title, name) if title and meant == Understood() and len(own.split()) <= _FEW else meant


def _read(words: str, name: str) -> Understood:
    said = sentences(words)
    known = _of_sentences(said, name)
    shapes = persons.named(said, name)
    told = ideas.meant(said[:_MOST], shapes[:_MOST])
    if known.kind == "opt-out" and _certainly(told, "opt-in"):
        return Understood("opt-in", "rule", told["opt-in"].because, "opt-out")
    if known.kind == "complaint" and _certainly(told, "order"):
        return Understood("order", "rule", told["order"].because, "complaint")
    denied = known.kind == "complaint" and ideas.denied(shapes[:_MOST])
    if denied:
        known = Understood()
    if not said:
        return known
    share = weights.likely(shapes[:_MOST])
    ruled_out = _ruled_out(said[:_MOST], told, share)
    if known.kind not in ("other", "question") or known.doubt == "opt-out":
        rather = _overruling(known, share, ruled_out)
        if rather in _WISHES:  # obeyed at once, against what a rule has seen: a person is asked first
            return replace(known, doubt=rather)
        if rather:
            return Understood(rather, "rule", _deciding(rather, said[:_MOST], shapes[:_MOST]), known.kind)
        return replace(known, doubt="opt-out") if _asks_out(known, told, share, ruled_out) else known
    return _weighed(known, told, said[:_MOST], shapes[:_MOST], share, ruled_out)


def _overruling(known: Understood, share: Mapping[str, float], ruled_out: Mapping[str, bool]) -> str:
    """The kind for which all words speak where a rule found another in some of them; "" where they do not.

    An order that was found stays one, however angry the words around it: somebody waits for it to be confirmed.
    """
    first = max(share, key=share.__getitem__)
    if known.kind in ("opt-out", "order") or first in ("other", "opt-in") or ruled_out.get(first):
        return ""
    return first if share[first] >= _OVERRULES and share[known.kind] <= _HARDLY else ""


def _asks_out(
    known: Understood, told: Mapping[str, ideas.Meant], share: Mapping[str, float], ruled_out: Mapping[str, bool]
) -> bool:
    """Whether beside something else they may want to be left alone: complaints of our messages mostly do."""
    if known.kind in ("opt-out", "opt-in") or known.doubt not in ("", "question"):
        return False
    if share["opt-out"] > _MAYBE_OUT and not ruled_out["opt-out"]:
        return True
    if known.kind == "complaint":
        return "opt-out" in told
    return known.kind in ("order", "call") and _certainly(told, "opt-out") and not known.doubt


def _weighed(
    known: Understood,
    told: Mapping[str, ideas.Meant],
    said: Sequence[Sentence],
    shapes: Sequence[str],
    share: dict[str, float],
    ruled_out: Mapping[str, bool],
) -> Understood:
    """Where exact rules see nothing or only a question: what the words stand for and weigh, the two added up."""
    brief = sum(len(one.split()) for one in shapes) < _BRIEF
    if brief:  # two words weigh too little to decide by themselves
        share["other"] += _WEIGHT_OF_BREVITY
    for kind, one in told.items():
        share[kind] += _WEIGHT_OF_IDEAS[one.strength]
    if known.kind == "question":
        share["question"] += _WEIGHT_OF_A_QUESTION
    for kind in (kind for kind, out in ruled_out.items() if out):
        share[kind] = 0
    for kind in _WISHES:
        sure = _is_sure(kind, share[kind], told.get(kind), brief)
        share[kind] = share[kind] if sure or (kind == "opt-out" and not brief) else 0
    first, *others = sorted(share, key=share.__getitem__, reverse=True)
    if first == "opt-out" and share[first] < (_CERTAIN if "opt-out" in told else _QUITE_CERTAIN):
        first, others = others[0], [first]
    if first == "other" and known.kind == "question" and "other" not in told:
        first, others = "question", []
    if first == "complaint" and first not in told and share[first] < _QUITE_COMPLAINT:
        first, others = "other", [first]
    if first == "other" and not brief and share["order"] > _ORDER_RATHER:
        first = "order"
    doubt = "opt-out" if (share["opt-out"] > _MAYBE_OUT or "opt-out" in told) and first != "opt-out" else ""
    doubt = doubt or next((kind for kind in others if share[kind] > _MAYBE and kind not in ("other", first)), "")
    if first == known.kind:
        return replace(known, doubt=known.doubt or doubt)
    because = told[first].because if first in told else _deciding(first, said, shapes)
    return Understood(first, "rule", because, known.doubt or doubt if first != known.doubt else doubt)


def _is_sure(kind: str, share: float, meant: ideas.Meant | None, brief: bool) -> bool:
    """Whether a wish that no exact rule saw is certain enough to be obeyed."""
    if brief:
        return (meant is not None and meant.strength > ideas.WEAK) or (kind != "wrong-person" and share > _OVERRULES)
    return share > (_CERTAIN if meant or kind == "opt-in" else _QUITE_CERTAIN)


def _ruled_out(
    said: Sequence[Sentence], told: Mapping[str, ideas.Meant], share: Mapping[str, float]
) -> dict[str, bool]:
    """What weights alone must not find, because somebody says that it is not meant or speaks of something else."""
    shapes = [one.said for one in said]
    denied, business = ideas.denied(shapes), optouts.speaks_of_business(said)
    return {
        "opt-out": business or denied or optouts.limited(said),
        "complaint": denied,
        "order": orders.refused(said) or (share["order"] < _OVERRULES and not ideas.of_dealing(shapes)),
        "call": asks.needs_no_call(said),
        "wrong-person": "wrong-person" not in told and (persons.speaks_of_others(said) or business),
    }


def _deciding(kind: str, said: Sequence[Sentence], shapes: Sequence[str]) -> str:
    """The sentence that speaks most for a kind."""
    return max(zip(said, shapes, strict=True), key=lambda one: weights.likely([one[1]])[kind])[0].raw


def _certainly(told: Mapping[str, ideas.Meant], kind: str) -> bool:
    return kind in told and told[kind].strength == ideas.STRONG


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
        "complaint": asks.complaint(said),
        "call": asks.call(rest),
        "question": asks.question(rest),
    }
    found = [(kind, because) for kind, because in others.items() if because]
    # "I no longer work in markets, please strike my address" is said by the customer themselves.
    elsewhere = others["wrong-person"] and not re.match(r"(?:I|We|Ich|Wir)\b", others["wrong-person"])
    if out and not out.doubtful and not others["order"] and not elsewhere:
        doubt = "complaint" if others["complaint"] else ""
        return Understood("opt-out", "rule", out.because, doubt)
    note = persons.away(said) if not found or found[0][0] in ("call", "question") else ""
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
