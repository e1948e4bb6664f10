"""Somebody leaves: all that is theirs goes to a colleague in one act, and nothing is left to nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.model import (
    Conversation,
    Customer,
    DistributionList,
    Firm,
    OrderRequest,
    RoutingRule,
    Staff,
    Task,
)
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import covers, letters, routing
from dispatcher.services.audit import record
from dispatcher.services.order_asked import TAKERS

CLAIM_WITHIN = timedelta(minutes=30)  # of what went along with a customer and had come to its last step


@dataclass(frozen=True, slots=True)
class Held:
    """How much of each kind somebody has: customers and firms by name, what is open, lists, rules, whom they cover."""

    customers: int = 0
    firms: int = 0
    conversations: int = 0
    orders: int = 0
    tasks: int = 0
    lists: int = 0
    rules: int = 0
    covers: int = 0

    @property
    def keeps_from_leaving(self) -> bool:
        """Whether somebody would wait for them in vain: a list and an absence of others can do without."""
        return bool(self.customers or self.firms or self.conversations or self.orders or self.tasks)

    def in_words(self) -> str:
        """Such as "12 customers, 1 open task"; "nothing"."""
        names = {
            "customers": ("customer", "customers"),
            "firms": ("firm", "firms"),
            "conversations": ("open conversation", "open conversations"),
            "orders": ("order they have claimed", "orders they have claimed"),
            "tasks": ("open task", "open tasks"),
            "lists": ("list", "lists"),
            "rules": ("rule of routing", "rules of routing"),
            "covers": ("colleague covered", "colleagues covered"),
        }
        parts = [f"{number} {names[name][number != 1]}" for name, number in asdict(self).items() if number]
        return ", ".join(parts) or "nothing"


def held(session: Session, staff_id: int) -> Held:
    """What they have now."""

    def number(of: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).where(of)) or 0

    return Held(
        customers=number(and_(Customer.rep_id == staff_id, Customer.active)),
        firms=number(Firm.rep_id == staff_id),
        conversations=number(_open_of(staff_id)),
        orders=number(_order_of(staff_id)),
        tasks=number(_task_of(staff_id)),
        lists=number(DistributionList.owner_id == staff_id),
        rules=number(RoutingRule.staff_id == staff_id),
        covers=number(Staff.cover_id == staff_id),
    )


def _open_of(staff_id: int) -> ColumnElement[bool]:
    mine = or_(Conversation.rep_id == staff_id, Conversation.claimed_by == staff_id)
    return and_(Conversation.state != "closed", mine)


def _with_stand_in() -> ColumnElement[bool]:
    """What is the customer's own representative's to claim, whoever has it in their place: no claim holds it there."""
    return and_(
        Conversation.state == "open", Conversation.routed_to == "rep", Conversation.passes < routing.PASSED_TO_DESK
    )


def _order_of(staff_id: int) -> ColumnElement[bool]:
    return and_(OrderRequest.state == "claimed", OrderRequest.claimed_by == staff_id)


def _task_of(staff_id: int) -> ColumnElement[bool]:
    return and_(Task.state == "open", Task.rep_id == staff_id)


def require_nothing_held(session: Session, person: Staff) -> None:
    """Raises StateConflict where customers would be left to nobody if this person left now."""
    theirs = held(session, person.id)
    if theirs.keeps_from_leaving:
        raise StateConflict(
            f"{person.name} still has {theirs.in_words()}: hand everything over first, on their page", state="active"
        )


def must_keep(session: Session, person: Staff, wanted: Collection[str]) -> set[str]:
    """Of the roles that they would lose by holding these alone: those that what they have needs. It waits for them
    until it is handed over."""
    lost = person.roles - set(wanted)
    theirs = held(session, person.id) if lost else Held()
    if not theirs.keeps_from_leaving:
        return set()
    needs = [set(routing.ANSWERING)]
    if theirs.customers or theirs.firms:
        needs.append({"rep"})
    if theirs.orders:
        needs.append(set(TAKERS))
    if _has_complaints(session, person):
        needs.append(set(routing.OF_COMPLAINTS))
    return {role for need in needs if not need & set(wanted) for role in lost & need}


def hand_over(session: Session, runtime: Runtime, actor: Staff, from_id: int, to_id: int) -> Held:
    """Everything of one member of staff to another, in this transaction; how much it was.

    Who gets it must work here and, where there are customers to look after, be a representative; lists that they may
    not keep become the team's. Raises NotAllowed, NotFound, Refused (`to`).
    """
    if not actor.has("admin"):
        raise NotAllowed("only administrators hand over what is somebody's")
    # Both rows are held, always in the same order: neither leaves while this is done.
    rows = select(Staff).where(Staff.id.in_((from_id, to_id))).order_by(Staff.id)
    # Not their keys: else who writes a letter to one of them and has a conversation of theirs would wait in a circle.
    rows = rows.with_for_update(key_share=True).execution_options(populate_existing=True)
    people = {one.id: one for one in session.scalars(rows)}
    person, to = people.get(from_id), people.get(to_id)
    if person is None:
        raise NotFound("there is no such member of staff")
    theirs = held(session, from_id)
    _require_fit(session, person, to, theirs)
    assert to is not None
    _move_people(session, person, to)
    _move_talks(session, actor, person, to)
    _move_rest(session, person, to)
    session.expire_all()
    record(
        session, runtime, actor, "hand over", f"staff {person.email}",
        to=to.email, **{name: number for name, number in asdict(theirs).items() if number},
    )  # fmt: skip
    if theirs != Held():
        _tell(session, runtime, person, to, theirs)
    return theirs


def go_along(session: Session, runtime: Runtime, given: Mapping[int, tuple[int, int]]) -> None:
    """What is open with customers who have another representative now is that one's: by customer the former and the
    new one; also what waits with a colleague who stands in for the former. Complaints stay where they are."""
    customers: dict[tuple[int, int], list[int]] = defaultdict(list)
    for customer_id, both in given.items():
        customers[both].append(customer_id)
    for (from_id, to_id), ids in sorted(customers.items()):
        person, to = session.get_one(Staff, from_id), session.get_one(Staff, to_id)
        of_theirs = and_(Conversation.customer_id.in_(ids), Conversation.routed_to != "compliance")
        query = select(Conversation.id).where(of_theirs, or_(_open_of(from_id), _with_stand_in()))
        talks = list(session.scalars(query.order_by(Conversation.id).with_for_update()))
        asked = list(session.scalars(select(Task.id).where(_task_of(from_id), Task.customer_id.in_(ids))))
        if not (talks or asked):
            continue
        _set(session, Task, Task.id.in_(asked), rep_id=to_id)
        how = f"given with the customer: {person.name} to {to.name}"[:200]
        mine = Conversation.id.in_(talks)
        _set(session, Conversation, and_(mine, Conversation.claimed_by == from_id), claimed_by=to_id)
        _set(session, Conversation, mine, rep_id=to_id, routed_by=how, passes=0)
        unclaimed = and_(mine, Conversation.state == "open", Conversation.claim_by.is_(None))
        _set(session, Conversation, unclaimed, claim_by=runtime.now() + CLAIM_WITHIN)
        _set(session, OrderRequest, and_(_order_of(from_id), OrderRequest.conversation_id.in_(talks)), claimed_by=to_id)
        record(
            session, runtime, "system", "give along", f"staff {person.email}",
            to=to.email, conversations=len(talks), tasks=len(asked),
        )  # fmt: skip
        _tell(session, runtime, person, to, Held(customers=len(ids), conversations=len(talks), tasks=len(asked)))


def successors(session: Session, runtime: Runtime, person: Staff) -> list[Staff]:
    """Who may take over all that they have, by name; who is away is none to whom customers are given."""
    theirs, complained = held(session, person.id), _has_complaints(session, person)
    return [
        one
        for one in routing.answering(session)
        if not _unfit(person, one, theirs, complained) and not covers.is_away(runtime, one)
    ]


def _require_fit(session: Session, person: Staff, to: Staff | None, theirs: Held) -> None:
    if why := _unfit(person, to, theirs, _has_complaints(session, person)):
        raise Refused({"to": why})


def _unfit(person: Staff, to: Staff | None, theirs: Held, complained: bool) -> str:
    """Why all of it cannot be this person's; "" where it can."""
    if to is None or not to.active:
        return "is nobody who works here"
    if to.id == person.id:
        return "must be somebody else"
    if (theirs.customers or theirs.firms) and not to.has("rep"):
        return f"is no representative, and {person.name} has customers: choose one, or give the role"
    if theirs.orders and not to.has(*TAKERS):
        return f"may claim no orders, and {person.name} has claimed some: choose a representative"
    if complained and not to.has(*routing.OF_COMPLAINTS):
        return f"is not of compliance, and {person.name} has complaints: choose one, or give the role"
    if theirs.keeps_from_leaving and not to.has(*routing.ANSWERING):
        return "answers no customers: choose a representative, an analyst, compliance or an administrator"
    return ""


def _has_complaints(session: Session, person: Staff) -> bool:
    complaints = and_(_open_of(person.id), Conversation.routed_to == "compliance")
    return session.scalar(select(Conversation.id).where(complaints).limit(1)) is not None


def _move_people(session: Session, person: Staff, to: Staff) -> None:
    for table in (Customer, Firm):
        _set(session, table, table.rep_id == person.id, rep_id=to.id)
    keeps = to.has("analyst", "admin")
    _set(session, DistributionList, DistributionList.owner_id == person.id, owner_id=to.id if keeps else None)


def _move_talks(session: Session, actor: Staff, person: Staff, to: Staff) -> None:
    """A conversation they had claimed is the other's, and by claim: an administrator has said so. What is said of it is
    how it came to where it is now, whatever was said of those who had it before."""
    how = f"handed over by {actor.name}: {person.name} to {to.name}"[:200]
    claimed = and_(Conversation.state != "closed", Conversation.claimed_by == person.id)
    _set(session, Conversation, claimed, claimed_by=to.id, rep_id=to.id, routed_by=how)
    mine = and_(Conversation.state != "closed", Conversation.rep_id == person.id)
    _set(session, Conversation, mine, rep_id=to.id, routed_by=how, passes=0)
    _set(session, OrderRequest, _order_of(person.id), claimed_by=to.id)
    _set(session, Task, _task_of(person.id), rep_id=to.id)


def _move_rest(session: Session, person: Staff, to: Staff) -> None:
    _set(session, RoutingRule, RoutingRule.staff_id == person.id, staff_id=to.id)
    for covered in session.scalars(select(Staff).where(Staff.cover_id == person.id).order_by(Staff.id)):
        # Who stands in for somebody must be able to do the same; nobody stands in for themselves.
        covered.cover_id = to.id if covered.id != to.id and covered.roles & to.roles else None
    session.flush()


def _set(
    session: Session,
    table: type[Customer | Firm | DistributionList | Conversation | OrderRequest | Task | RoutingRule],
    of: ColumnElement[bool],
    **values: object,
) -> None:
    session.execute(update(table).where(of).values(**values), execution_options={"synchronize_session": False})


def _tell(session: Session, runtime: Runtime, person: Staff, to: Staff, theirs: Held) -> None:
    text = f"You have been given what was {person.name}'s: {theirs.in_words()}."
    letters.tell_staff(
        session,
        runtime,
        to,
        kind="handover",
        dedupe=f"handover:{person.id}:{runtime.now():%Y%m%d%H%M%S%f}",
        subject=f"Yours now, from {person.name}: {theirs.in_words()}",
        text=f"{text}\n\nWhat waits for you: {runtime.settings.public_url}/inbox",
        short_text=text,
    )
