"""The table of who gets which answer, as administrators read and change it: whole, every fault named at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from dispatcher.model import RoutingRule, Staff
from dispatcher.model.conversation import READ
from dispatcher.model.errors import NotAllowed, Refused, StateConflict
from dispatcher.model.message import URGENCIES
from dispatcher.model.routing import TARGETS
from dispatcher.runtime import Runtime
from dispatcher.services import routing
from dispatcher.services.audit import record
from dispatcher.services.once import clean
from dispatcher.services.routing import Rule
from dispatcher.storage import lock_chain

MOST_RULES, MOST_MINUTES = 50, 24 * 60
KINDS = READ


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule as somebody wants it: `person` is a mail address. Nothing in it is proven yet."""

    name: str = ""
    kind: str = ""
    urgency: str = ""
    topic: str = ""
    asks_analyst: bool = False
    target: str = "rep"
    person: str = ""
    minutes: int = 30


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as it is shown, with the person it names, if any. `never` says why it decides nothing, "" mostly."""

    rule: Rule
    person: Staff | None = None
    never: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All rules in their order; `are_defaults` until somebody has changed one. `stamp` stands for just these rules."""

    lines: tuple[Line, ...]
    are_defaults: bool
    stamp: str = field(repr=False, default="")


def read(session: Session) -> Table:
    """The table as it stands."""
    rules = routing.table(session)
    ids = [one.staff_id for one in rules if one.staff_id is not None]
    people = {one.id: one for one in session.scalars(select(Staff).where(Staff.id.in_(ids)))}
    lines = []
    for number, rule in enumerate(rules):
        person = people.get(rule.staff_id) if rule.staff_id is not None else None
        lines.append(Line(rule, person, _never(rule, person, rules[:number])))
    stamp = hashlib.sha256(repr([tuple(asdict(one).values()) for one in rules]).encode()).hexdigest()[:32]
    return Table(tuple(lines), not session.scalar(select(exists().where(RoutingRule.id.is_not(None)))), stamp)


def _never(rule: Rule, person: Staff | None, before: Sequence[Rule]) -> str:
    if rule.target == "person" and (person is None or not person.active):
        return "works here no more"
    # What may fall through to the next rule covers nothing for sure.
    sure = [one for one in before if one.target in ("rep", "compliance", "desk") and not one.asks_analyst]
    for one in sure:
        if all(mine in ("", theirs) for mine, theirs in _conditions(one, rule)):
            return f"{one.name} before it takes all of this"
    return ""


def _conditions(one: Rule, other: Rule) -> list[tuple[str, str]]:
    same_topic = (one.topic.casefold(), other.topic.casefold())
    return [(one.kind, other.kind), (one.urgency, other.urgency), same_topic]


def asked(line: Line) -> Asked:
    """The rule of a line, as somebody would ask for it."""
    rule = line.rule
    return Asked(
        rule.name, rule.kind, rule.urgency, rule.topic, rule.asks_analyst, rule.target,
        line.person.email if line.person else "", rule.minutes,
    )  # fmt: skip


def put(session: Session, runtime: Runtime, actor: Staff, wanted: Sequence[Asked], *, stamp: str = "") -> Table:
    """Make the table hold exactly these rules, in this order; none: the defaults hold again.

    Raises Refused with every wrong field of every rule, as "rules[2].minutes" counted from 0, and with `stamp`
    StateConflict where the table is no longer the one that it stood for.
    """
    if not actor.has("admin"):
        raise NotAllowed("only administrators change who gets an answer")
    lock_chain(session)  # one at a time: positions are unique
    before = read(session)
    if stamp and stamp != before.stamp:
        raise StateConflict("somebody else has changed the rules meanwhile: look at them again", state="changed")
    wrong: dict[str, str] = {}
    rules = [_checked(session, one, f"rules[{number}].", wrong) for number, one in enumerate(wanted)]
    if len(rules) > MOST_RULES:
        wrong["rules"] = f"are {len(rules)}; a table that people can read holds {MOST_RULES}"
    if wrong:
        raise Refused(wrong)
    session.execute(delete(RoutingRule))
    session.add_all(
        RoutingRule(position=position, created_at=runtime.now(), **asdict(rule)) for position, rule in enumerate(rules)
    )
    session.flush()
    after = read(session)
    if after.stamp != before.stamp or after.are_defaults != before.are_defaults:
        record(
            session, runtime, actor, "change routing", "routing",
            before=[_plain(one) for one in before.lines], after=[_plain(one) for one in after.lines],
        )  # fmt: skip
    return after


def _plain(line: Line) -> str:
    return f"{line.rule.name}: {in_words(line)}"


def in_words(line: Line) -> str:
    """One rule in a sentence, e.g. "order, urgent → the representative, 1 min"."""
    rule = line.rule
    about = [rule.kind or "any answer", rule.urgency, f"topic {rule.topic}" if rule.topic else ""]
    about.append("asks for the analyst" if rule.asks_analyst else "")
    to = line.person.email if line.person else routing.NAMES[rule.target]
    return f"{', '.join(one for one in about if one)} → {to}, {rule.minutes} min"


def _checked(session: Session, one: Asked, at: str, wrong: dict[str, str]) -> Rule:
    name, topic = clean(" ".join(one.name.split())), clean(" ".join(one.topic.split()))
    if not name:
        wrong[f"{at}name"] = "is missing: each decision is explained by it"
    elif len(name) > 100:
        wrong[f"{at}name"] = f"has {len(name)} characters; at most 100"
    if one.kind and one.kind not in KINDS:
        wrong[f"{at}kind"] = f"must be empty, for any, or among {', '.join(KINDS)}"
    if one.urgency and one.urgency not in URGENCIES:
        wrong[f"{at}urgency"] = f"must be empty, for any, or among {', '.join(URGENCIES)}"
    if len(topic) > 64:
        wrong[f"{at}topic"] = f"has {len(topic)} characters; at most 64"
    if not 1 <= one.minutes <= MOST_MINUTES:
        wrong[f"{at}minutes"] = f"must be 1 to {MOST_MINUTES}"
    if one.target not in TARGETS:
        wrong[f"{at}target"] = f"must be among {', '.join(TARGETS)}"
    staff_id = _person(session, one, at, wrong)
    return Rule(name, one.kind, one.urgency, topic, one.asks_analyst, one.target, staff_id, one.minutes)


def _person(session: Session, one: Asked, at: str, wrong: dict[str, str]) -> int | None:
    email = clean(one.person.strip().lower())
    if one.target != "person":
        if email:
            wrong[f"{at}person"] = "is named, but the answer goes to somebody else: leave it empty"
        return None
    person = session.scalar(select(Staff).where(func.lower(Staff.email) == email)) if email else None
    if not email:
        wrong[f"{at}person"] = "is missing: to whom does it go?"
    elif person is None or not person.active:
        wrong[f"{at}person"] = "is nobody who works here"
    elif not person.has(*routing.ANSWERING):
        wrong[f"{at}person"] = (
            "answers no customers: choose a representative, an analyst, compliance or an administrator"
        )
    return person.id if person else None
