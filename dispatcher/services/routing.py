"""Who gets a customer's answer: the first rule of a short table that fits what was said decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Customer, Grant, Message, RoutingRule, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import covers
from dispatcher.services.order_asked import TAKERS


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table; the fields as of model.routing.RoutingRule."""

    name: str
    kind: str = ""
    urgency: str = ""
    topic: str = ""
    asks_analyst: bool = False
    target: str = "rep"
    staff_id: int | None = None
    minutes: int = 30


# What holds until an administrator changes it. Above all complaints: they stay with compliance until closed.
DEFAULTS = (
    Rule("Complaints", kind="complaint", target="compliance", minutes=15),
    Rule("Orders on urgent alerts", kind="order", urgency="urgent", minutes=1),
    Rule("Orders", kind="order", minutes=3),
    Rule("Questions to the analyst", kind="question", asks_analyst=True, target="analyst"),
    Rule("Calls wanted of the analyst", kind="call", asks_analyst=True, target="analyst"),
    Rule("Answers to urgent alerts", urgency="urgent", minutes=5),
    Rule("Everything else"),
)
# Where no rule fits: nothing is ever left to nobody.
LAST = Rule("no rule fits")
NAMES = {
    "rep": "the representative",
    "analyst": "the analyst",
    "compliance": "compliance",
    "desk": "the desk",
    "person": "a person",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What one reply of a customer counts for here: its kind and its words."""

    kind: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Routed:
    """Who gets it, None only where no representative and no administrator works here; `rule` says in words why.

    `target` is the rule's, or where that was not to be had whose place was taken; they have `minutes` to claim it.
    """

    staff: Staff | None
    target: str
    rule: str
    minutes: int


# --- the decision -----------------------------------------------------------------------------------------


def table(session: Session) -> tuple[Rule, ...]:
    """The rules in their order: those an administrator has written, else DEFAULTS."""
    rows = session.scalars(select(RoutingRule).order_by(RoutingRule.position)).all()
    return tuple(_rule(row) for row in rows) or DEFAULTS


def _rule(row: RoutingRule) -> Rule:
    return Rule(row.name, row.kind, row.urgency, row.topic, row.asks_analyst, row.target, row.staff_id, row.minutes)


def decide(
    session: Session, runtime: Runtime, customer: Customer, message: Message | None, said: Iterable[Said]
) -> Routed:
    """To whom these words of a customer about this message go, all taken together: their order does not count."""
    some = list(said)
    for number, rule in enumerate(table(session), 1):
        if not _fits(rule, customer, message, some):
            continue
        found = _found(session, runtime, rule, customer, message)
        if found is not None:
            staff, target, why = found
            return Routed(staff, target, _words(f"rule {number}, {rule.name}", rule.target, why), rule.minutes)
    staff, target, why = _rep(session, runtime, customer)
    return Routed(staff, target, _words(LAST.name, LAST.target, why), LAST.minutes)


def _words(rule: str, target: str, why: str) -> str:
    return "; ".join(part for part in (f"{rule}: {NAMES[target]}", why) if part)[:200]


def _fits(rule: Rule, customer: Customer, message: Message | None, said: Sequence[Said]) -> bool:
    version = message.current if message else None
    if rule.urgency and (version is None or version.urgency != rule.urgency):
        return False
    if rule.topic and (version is None or version.topic.strip().casefold() != rule.topic.casefold()):
        return False
    if not rule.kind and not rule.asks_analyst:
        return True
    return any(
        rule.kind in ("", one.kind) and (not rule.asks_analyst or asks_analyst(one.words, message, customer))
        for one in said
    )


_THE_ANALYST = re.compile(
    r"\b(?:the|your|our|an?|ihr(?:e[nmrs]?)?|de[rnms]|die|eure?[nmrs]?|eine[nmrs]?|l['’]|votre|vos|un)\s*(?:\w+\s+)?"
    r"analyst(?:in|en|e)?\b(?!['’]?s?\s+(?:consensus|day|rating|estimate|call\b))",
    re.IGNORECASE,
)
_SHORTEST_NAME = 3


def asks_analyst(words: str, message: Message | None, customer: Customer) -> bool:
    """Whether these words ask for the analyst: as such, or by the name of who wrote the message.

    A name that the customer or their representative bears too says nothing: it stands in signatures and greetings.
    """
    if message is None or not words:
        return False
    if _THE_ANALYST.search(words):
        return True
    whole = message.author.name
    owner = customer.owner
    others = {*customer.name.split(), *(owner.name.split() if owner else ())}
    parts = [one for one in whole.split() if len(one) >= _SHORTEST_NAME and one not in others]
    # As the directory writes it: "long" is a word, "Long" may be a person.
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", words) for one in parts) or (
        bool(parts) and whole.casefold() in words.casefold()
    )


# --- the targets ------------------------------------------------------------------------------------------

_Found = tuple[Staff | None, str, str]  # who, in whose place, and what is to be said of it


def _found(
    session: Session, runtime: Runtime, rule: Rule, customer: Customer, message: Message | None
) -> _Found | None:
    """None where the target of the rule is not there, so that the next rule is asked."""
    if rule.target == "desk":
        return desk(session, runtime), "desk", ""
    if rule.target == "compliance":
        return _compliance(session, runtime)
    if rule.target == "rep":
        return _rep(session, runtime, customer)
    person = message.author if rule.target == "analyst" and message else None
    if rule.target == "person" and rule.staff_id is not None:
        person = session.get(Staff, rule.staff_id)
    if person is None or not answers(person):
        return None
    one = covers.standing_in(session, runtime, person)
    return None if covers.is_away(runtime, one) else (one, rule.target, _instead(person, one))


# Roles of those who answer customers: for others there is no inbox to look into.
ANSWERING = ("rep", "analyst", "compliance", "admin")
OF_COMPLAINTS = ("compliance", "admin")


def answers(person: Staff) -> bool:
    """Whether they work here and may answer customers."""
    return person.active and person.has(*ANSWERING)


def _rep(session: Session, runtime: Runtime, customer: Customer) -> _Found:
    """The customer's representative, else the firm's, else the desk; for who is away, who stands in."""
    named = (customer.rep, customer.firm.rep if customer.firm else None)
    away: list[Staff] = []
    for person in (one for one in named if one is not None and one.has(*ANSWERING)):
        one = covers.standing_in(session, runtime, person)
        if not covers.is_away(runtime, one):
            why = [_away(away) if away else "", _instead(person, one)]
            return one, "rep", "; ".join(part for part in why if part)
        if person not in away:
            away.append(person)
    if away and _present(session, runtime, holders(session, "admin")) is None:
        return away[0], "rep", f"{away[0].name} is away, and so is everybody else"
    return desk(session, runtime), "desk", f"{_away(away) if away else 'there is none'}: the desk"


def _compliance(session: Session, runtime: Runtime) -> _Found:
    people = holders(session, "compliance")
    one = _present(session, runtime, people)
    if one is not None:
        return one, "compliance", "" if one in people else f"{people[0].name} is away: {one.name}"
    why = "all are away: the administrators" if people else "nobody holds that role: the administrators"
    return desk(session, runtime), "desk", why


def _instead(person: Staff, one: Staff) -> str:
    return "" if one.id == person.id else f"{person.name} is away: {one.name}"


def _away(people: Sequence[Staff]) -> str:
    return f"{' and '.join(one.name for one in people)} {'are' if len(people) > 1 else 'is'} away, nobody stands in"


def desk(session: Session, runtime: Runtime, but: int | None = None) -> Staff | None:
    """An administrator, who is not `but` if possible, else any representative, else nobody: nobody works here."""
    people = holders(session, "admin") or holders(session, "rep")
    others = [one for one in people if one.id != but] or people
    return _present(session, runtime, others) or (others[0] if others else None)


def holders(session: Session, role: str) -> list[Staff]:
    """Who works here and holds this role, in the order in which they came."""
    held = select(Grant.staff_id).where(Grant.role == role)
    return list(session.scalars(select(Staff).where(Staff.active, Staff.id.in_(held)).order_by(Staff.id)))


def answering(session: Session) -> list[Staff]:
    """Who works here and may answer customers, by name."""
    held = select(Grant.staff_id).where(Grant.role.in_(ANSWERING))
    return list(session.scalars(select(Staff).where(Staff.active, Staff.id.in_(held)).order_by(Staff.name, Staff.id)))


def _present(session: Session, runtime: Runtime, people: Sequence[Staff]) -> Staff | None:
    """The first who is there, else the first for whom somebody stands in."""
    here = [one for one in people if not covers.is_away(runtime, one)]
    covered = (covers.standing_in(session, runtime, one) for one in people)
    return here[0] if here else next((one for one in covered if not covers.is_away(runtime, one)), None)


# --- who is told ------------------------------------------------------------------------------------------

PASSED_TO_DESK = 2  # as often as this it has been passed on when it has come to the administrators


def people(session: Session, runtime: Runtime, conversation: Conversation) -> list[Staff]:
    """Who is told of what is said in it: who has it and who has claimed it, or who stands in for them.

    What is at the desk unclaimed all administrators are told; so of what nobody else could be.
    """
    ids = [one for one in (conversation.rep_id, conversation.claimed_by) if one]
    some = [one for one in (session.get(Staff, key) for key in dict.fromkeys(ids)) if one and answers(one)]
    if conversation.state != "claimed" and is_at_desk(conversation):
        some += holders(session, "admin")
    present = [covers.standing_in(session, runtime, one) for one in some]
    return list({one.id: one for one in present}.values()) or holders(session, "admin")


def taker(session: Session, runtime: Runtime, conversation: Conversation) -> Staff | None:
    """Who is to take an order in it: who has it, else who has claimed it, else whom the rules name for an order.

    An analyst may have it, who takes none. Where compliance has it, the desk takes it: it may be about the rest.
    """
    for one in (conversation.rep, conversation.claimer):
        if one is not None and one.active and one.has(*TAKERS):
            return one
    if conversation.routed_to != "compliance":
        named = decide(session, runtime, conversation.customer, conversation.message, [Said("order")]).staff
        for one in (named, _rep(session, runtime, conversation.customer)[0]):
            if one is not None and one.has(*TAKERS):
                return one
    return desk(session, runtime)


def is_at_desk(conversation: Conversation) -> bool:
    """Whether it is with the administrators, all of them, until one claims it."""
    return conversation.routed_to == "desk" or conversation.passes >= PASSED_TO_DESK
