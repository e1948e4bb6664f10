"""Whether somebody asks for something to be bought, sold, changed or cancelled, or says that they would like some.

A side with somebody who wants it done, an amount with a price or a name, an order with what becomes of it. What was
done already, what others do, ratings and requests for advice are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.services.understanding import order_rules as en
from dispatcher.services.understanding import order_rules_de as de
from dispatcher.services.understanding import order_rules_not as no
from dispatcher.services.understanding import price_rules as price
from dispatcher.services.understanding.sentences import Sentence

_PARTS = re.compile(r" , | and then | and | then | so | but | please | or | und | aber | dann ")


def order(said: Sequence[Sentence]) -> str:
    """The sentence that asks for something to be done, "" where none does."""
    for one in said:
        if _is_order(one):
            return one.raw
    # "Yes, 500" is one as a whole answer only.
    short = said if len(said) <= 3 else ()
    known = any(price.ONLY_TO_KNOW.search(one.said) for one in said)
    asked = next((one.raw for one in said if price.PRICE.search(one.said)), "")
    if asked and not known and not any(no.NO_INTEREST.search(one.said) for one in said):
        return asked
    return next((one.raw for one in short if not one.asks and en.ONLY_AMOUNT.match(one.said)), "")


def perhaps(said: Sequence[Sentence]) -> str:
    """The sentence that may be one: a question with an amount, a plan, else ""."""
    for one in said:
        if no.NO_INTEREST.search(one.said) or no.DONE_BEFORE.search(one.said):
            continue
        if en.PLANNED.search(one.said) and no.SELF.search(one.said) and not one.asks and not no.OTHERS.search(one.said):
            return one.raw
        if price.PERHAPS.search(one.said):
            return one.raw
        sided = en.SIDE.search(one.said) or _asked(one.said) or en.TERSE.search(one.said)
        if one.asks and sided and ("#q" in one.said or no.CAN_I.match(one.said)):
            return one.raw
    return ""


def _only_tells(said: str) -> bool:
    """Whether a sentence is of the world, and of nothing that somebody wants."""
    if no.SELF.search(said):
        return False
    return bool(no.OF_THEM.match(said) or ("#q" not in said and no.TELLS.search(said)))


def _is_order(one: Sentence) -> bool:
    said = one.said
    if (no.AS_EVER.search(said) or no.TAKEN_OUT.search(said)) and "#" not in said:
        return False
    if no.REFUSED.search(said) and not no.INSTEAD.search(said) and not no.INSTRUCTED_NOT.search(said):
        # "Sell the rights, we do not take part": what is refused refuses nothing beside it.
        return " , " in said and any(
            _asks_for(part, False) for part in said.split(" , ") if not no.REFUSED.search(part)
        )
    return _asks_for(said, one.asks)


def _asks_for(said: str, asks: bool) -> bool:
    if no.INSTRUCTED_NOT.search(said):
        return True
    if no.PAPER.search(said) and "#q" not in said:
        return False
    if no.ADVICE.match(said) or no.STATUS.search(said) or (asks and _only_asks(said)):
        return False
    past = bool(no.DONE_BEFORE.search(said))
    if past and not no.AND_NOW.search(said):
        return False
    if _commanded(said):
        return True
    if _asked(said):
        return not no.OTHERS.search(said) or bool(no.SELF.search(said))
    # What follows has no verb of asking in it: a question that asks nobody to do it only asks.
    if past or (asks and not en.REQUEST.search(said) and not ("#q" in said and len(said.split()) <= 7)):
        return False
    if en.BOOKED.search(said) or de.GEBUCHT.search(said):
        return not no.HISTORY.search(said)
    if any(table.search(said) for table in (en.ELECTED, en.FRENCH)):
        return True
    if en.INTEREST.search(said) and not no.NO_INTEREST.search(said):
        return True
    return _terse(said)


def _terse(said: str) -> bool:
    if no.TELLS.search(said):
        return False
    if "#q" in said and en.JARGON.search(said):
        return True
    return bool(en.TERSE.search(said)) or bool(de.INFINITIVE.search(said) and de.OBJEKT.search(said))


def _only_asks(said: str) -> bool:
    if len(said.split()) < 3 and "#q" not in said:  # "Sell?" asks whether to
        return True
    if no.CAN_I.match(said):
        return "#q" not in said
    return bool(no.ADVICE.search(said)) or any(no.ASKING.match(part) for part in _PARTS.split(said))


def _commanded(said: str) -> bool:
    if en.COMMANDED.match(said):
        return True
    condition = en.CONDITION.match(said)
    if condition and en.OBJECT.search(said[condition.end() :]):
        return True
    return any(en.COMMANDED.match(part) for part in _PARTS.split(said)[1:] if not no.OTHERS.search(part))


def _asked(said: str) -> bool:
    return bool(en.ASKED.search(said) or de.GEHANDELT.search(said)) and not no.NO_INTEREST.search(said)
