"""What an answer is, and what decided that: first what was pressed, then rules over the customer's own words."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.services import keywords


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


def of_words(channel: str, own: str, *, subject: str = "", keyword: str = "", name: str = "") -> Understood:
    """What a person meant by their own words, without what they quote; `name` is the customer's.

    `keyword` is what the carrier made of a text message; the subject speaks for a mail whose body is empty.
    """
    wish = keywords.wish_of(channel, own, subject, keyword)
    if wish:
        said = " ".join(own.split())[:300] or subject[:300]
        return Understood("opt-out" if wish == "stop" else "opt-in", "provider" if keyword == wish else "rule", said)
    if keywords.is_wrong_person(own, name):
        return Understood("wrong-person", "rule", " ".join(own.split())[:300])
    return Understood()
