"""The people of a simulated world: staff, firms, lists and customers, some of them hard to reach."""

from __future__ import annotations

from datetime import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, DistributionList, Firm, Grant, ListMember, Preference, Staff

STAFF: dict[str, tuple[str, ...]] = {  # name: roles
    "ann": ("analyst",),
    "abe": ("analyst", "officer"),
    "olga": ("officer",),
    "otto": ("officer",),
    "rita": ("rep",),
    "remo": ("rep",),
    "ada": ("admin",),
}
LISTS = ("semis", "banks", "oils", "top")
# Customer: firm, lists, contact points in the order of preference. Numbers that end in 0166 are nobody's, those in
# 0177 have opted out at the provider, mail addresses with "bad" do not exist.
CUSTOMERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "c01": ("Simon", "semis top", {"email": "c01@simon.example"}),
    "c02": ("Simon", "semis banks", {"sms": "+12025550102", "email": "c02@simon.example"}),
    "c03": ("Simon", "semis top oils", {"sms": "+12025550103", "voice": "+12025550103"}),
    "c04": ("Marks", "top", {"voice": "+12025550104", "sms": "+12025550104", "email": "c04@marks.example"}),
    "c05": ("Marks", "semis", {"voice": "+12025550105"}),
    "c06": ("Marks", "banks oils top", {"email": "c06@marks.example", "sms": "+12025550106"}),
    "c07": ("Tally", "semis banks", {"sms": "+12025550107"}),
    "c08": ("Tally", "semis banks oils top", {"sms": "+12025550107", "email": "c08@tally.example"}),  # shares c07's
    "c09": ("Tally", "oils", {"sms": "+12025550166", "email": "c09@tally.example"}),  # the number is nobody's
    "c10": ("", "semis oils", {"email": "c10.bad@tally.example", "voice": "+12025550110"}),  # the mailbox is nobody's
    "c11": ("", "banks top", {"sms": "+12025550177", "voice": "+12025550111"}),  # opted out at the provider
    "c12": ("Simon", "semis banks oils", {"email": "c12@simon.example", "sms": "+12025550112"}),
    "c13": ("Marks", "semis", {"email": "desk@marks.example"}),
    "c14": ("Marks", "semis top", {"email": "desk@marks.example", "sms": "+12025550114"}),  # shares c13's mailbox
    "c15": ("Tally", "banks", {}),  # cannot be reached at all
    "c16": ("", "oils top semis", {"sms": "+12025550116", "email": "c16@solo.example", "voice": "+12025550116"}),
}


# A place so small that one alert is a handful of side effects: a list for each way an alert can go.
HAMLET_STAFF: dict[str, tuple[str, ...]] = {
    "ann": ("analyst",),
    "olga": ("officer",),
    "rita": ("rep",),
    "ada": ("admin",),
}
HAMLET: dict[str, tuple[str, str, dict[str, str]]] = {
    "ana": ("", "mail all", {"email": "ana@simon.example"}),
    "bob": ("", "text all", {"sms": "+12025550102"}),
    "cleo": ("", "call", {"voice": "+12025550103"}),
    "dora": ("", "lost", {"sms": "+12025550166", "voice": "+12025550104"}),  # the number is nobody's
    "emil": ("", "both", {"voice": "+12025550105", "sms": "+12025550105"}),
    "nick": ("", "night", {"sms": "+12025550106"}),  # sleeps until a quarter to ten
}


def settle(session: Session) -> None:
    """Write the town; the caller commits."""
    _write(session, STAFF, {"Simon": "rita", "Marks": "remo", "Tally": "rita"}, LISTS, CUSTOMERS, "remo")


def settle_hamlet(session: Session) -> None:
    """Write the hamlet; the caller commits."""
    lists = tuple(dict.fromkeys(key for _, on, _ in HAMLET.values() for key in on.split()))
    _write(session, HAMLET_STAFF, {}, lists, HAMLET, "rita")
    nick = session.scalars(select(Customer).where(Customer.key == "nick")).one()
    nick.quiet_from, nick.quiet_until = time(9, 0), time(9, 45)


def _write(
    session: Session,
    people: dict[str, tuple[str, ...]],
    firm_reps: dict[str, str],
    lists: tuple[str, ...],
    customers: dict[str, tuple[str, str, dict[str, str]]],
    rep: str,
) -> None:
    staff = {
        name: Staff(
            email=f"{name}@bank.example",
            name=name.title(),
            phone=f"+1202555019{number}" if "rep" in roles else None,
            channels=["email"],
            grants=[Grant(role=role) for role in roles],
        )
        for number, (name, roles) in enumerate(people.items())
    }
    session.add_all(staff.values())
    session.flush()
    firms = {name: Firm(name=name, rep_id=staff[rep].id) for name, rep in firm_reps.items()}
    known = {key: DistributionList(key=key, name=key.title()) for key in lists}
    session.add_all([*firms.values(), *known.values()])
    session.flush()
    for key, (firm, on, points) in customers.items():
        customer = Customer(
            key=key,
            name=f"Customer {key}",
            firm=firms.get(firm),
            rep_id=None if firm else staff[rep].id,
            contact_points=[ContactPoint(channel=channel, address=address) for channel, address in points.items()],
            preferences=[Preference(rank=rank, channel=channel) for rank, channel in enumerate(points)],
        )
        session.add(customer)
        session.flush()
        session.add_all(ListMember(list_id=known[name].id, customer_id=customer.id) for name in on.split())
