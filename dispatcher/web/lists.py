"""Distribution lists with how many active customers each has."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, DistributionList, ListMember, Staff


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, its active members, and whether it is the person's own."""

    one: DistributionList
    members: int
    own: bool


def with_counts(session: Session, staff: Staff) -> list[Listed]:
    """All lists: a person's own first, then by name."""
    members = (
        select(ListMember.list_id, func.count().label("members"))
        .join(Customer, Customer.id == ListMember.customer_id)
        .where(Customer.active)
        .group_by(ListMember.list_id)
        .subquery()
    )
    query = (
        select(DistributionList, func.coalesce(members.c.members, 0))
        .outerjoin(members, members.c.list_id == DistributionList.id)
        .order_by(DistributionList.name)
    )
    found = [Listed(one, number, one.owner_id == staff.id) for one, number in session.execute(query)]
    return sorted(found, key=lambda listed: not listed.own)
