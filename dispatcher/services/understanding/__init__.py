"""What an answer is, and what decided that: rules first, and where they see nothing what it is most like."""

from __future__ import annotations

from dispatcher.services.understanding import ideas, likeness, meaning
from dispatcher.services.understanding.meaning import Understood
from dispatcher.services.understanding.sentences import sentences

__all__ = ["Understood", "of_words"]

# How much more like one kind than any other it must be. What stops messages needs more, for it is acted upon.
SURE = {"opt-out": 0.4, "opt-in": 0.4, "wrong-person": 0.4}
SURE_ENOUGH, WORTH_A_LOOK = 0.2, 0.15
FEWEST = 5  # words


def of_words(channel: str, own: str, *, subject: str = "", keyword: str = "", name: str = "") -> Understood:
    """What a person meant by their own words, without what they quote; `name` is the customer's.

    `keyword` is what the carrier made of a text message; the subject speaks for a mail whose body is empty.
    """
    known = meaning.of_words(channel, own, subject=subject, keyword=keyword, name=name)
    if known.kind != "other" or (known.by and not known.doubt) or not own.strip():
        return known
    return _second_opinion(own, known)


def _second_opinion(own: str, known: Understood) -> Understood:
    said = sentences(own)
    read = [one.raw for one in said]
    # A name or two words are like many things.
    if sum(len(one.split()) for one in read) < FEWEST:
        return known
    like = likeness.most_like("\n".join(read))
    business = like.kind in SURE and ideas.of_business([one.said for one in said])
    if like.kind == "other" or like.margin < WORTH_A_LOOK or business:
        return known
    raw = [one.raw for one in sentences(own) if one.raw.strip()] or [own]
    because = " ".join(likeness.says_most(like.kind, raw).split())[:300]
    if like.margin >= SURE.get(like.kind, SURE_ENOUGH):
        doubt = known.doubt if known.doubt != like.kind else ""
        return Understood(like.kind, "likeness", because, doubt)
    return Understood("other", "likeness", because, known.doubt or like.kind)
