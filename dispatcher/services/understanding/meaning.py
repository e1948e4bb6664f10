"""What an answer is, and what decided that: first what was pressed, then rules over the customer's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.services import keywords
from dispatcher.services.understanding import asks, optouts, orders, persons
from dispatcher.services.understanding.patterns import rules
from dispatcher.services.understanding.sentences import sentences

_FEW = 6  # words
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


def of_words(
    channel: str, own: str, *, subject: str = "", keyword: str = "", name: str = "", language: str = ""
) -> Understood:
    """What a person meant by their own words, without what they quote; `name` is the customer's.

    `keyword` is what the carrier made of a text message; the subject speaks for a mail whose body is empty.
    """
    wish = keywords.wish_of(channel, own, keyword)
    if wish:
        said = " ".join(own.split())[:300] or subject[:300]
        return Understood("opt-out" if wish == "stop" else "opt-in", "provider" if keyword == wish else "rule", said)
    meant = _of_sentences(own, name)
    title = keywords.own_subject(channel, subject)
    # "Thanks, Keith" below a subject that says it all.
    return _of_sentences(title, name) if title and meant == Understood() and len(own.split()) <= _FEW else meant


def _of_sentences(words: str, name: str) -> Understood:
    """An order outweighs everything but a wish to be left alone in which nothing else is asked; then by urgency."""
    said = sentences(words)
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
