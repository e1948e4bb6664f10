"""What an answer is, and what decided that: first what was pressed, then rules over the customer's own words."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.services import keywords
from dispatcher.services.understanding import asks, optouts, orders, persons
from dispatcher.services.understanding.sentences import sentences


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
    wish = keywords.wish_of(channel, own, subject, keyword)
    if wish:
        said = " ".join(own.split())[:300] or subject[:300]
        return Understood("opt-out" if wish == "stop" else "opt-in", "provider" if keyword == wish else "rule", said)
    words = own if own.strip() else keywords.own_subject(channel, subject)
    return _of_sentences(words, name) if words.strip() else Understood()


def _of_sentences(words: str, name: str) -> Understood:
    """An order outweighs everything but a wish to be left alone in which nothing else is asked; then by urgency."""
    said = sentences(words)
    out, order = optouts.opt_out(said), orders.order(said)
    others = {
        "wrong-person": persons.wrong_person(said, name),
        "order": order,
        "complaint": asks.complaint(said),
        "call": asks.call(said),
        "question": asks.question(said),
    }
    found = [(kind, because) for kind, because in others.items() if because]
    if out and not out.doubtful and not order and not others["wrong-person"]:
        doubt = "complaint" if others["complaint"] and others["complaint"] != out.because else ""
        return Understood("opt-out", "rule", out.because, doubt)
    if not found or found[0][0] in ("call", "question"):
        if note := persons.away(said):
            return Understood("out-of-office", "rule", note, "opt-out" if out else "")
    if not out and not order and (again := optouts.opt_in(said)):
        return Understood("opt-in", "rule", again)
    if not found:
        maybe = orders.perhaps(said)
        doubt = "opt-out" if out else "order" if maybe else ""
        return Understood("other", "rule" if doubt else "", out.because if out else maybe, doubt)
    kind, because = found[0]
    doubt = "opt-out" if out else found[1][0] if len(found) > 1 else ""
    if not doubt and kind != "order" and orders.perhaps(said):
        doubt = "order"
    return Understood(kind, "rule", because, doubt)
