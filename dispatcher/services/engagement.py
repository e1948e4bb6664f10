"""Who listens: of the alerts that reached a customer in the last 90 days, how many they answered or heard to the end.

An answer is what they said of their own, by whatever channel, a call among them; listening counts when somebody heard
all of it, on the telephone or on the alert's page. Opens do not count: mail programs, and those who scan mail for
viruses, open more than people do. Opt-outs are no answers, and machines' mail never counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, case, exists, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Delivery, DistributionList, ListMember, Message, Recipient, Reply, Staff
from dispatcher.model.conversation import WANTED
from dispatcher.runtime import Runtime
from dispatcher.services import sight
from dispatcher.services.ranks import share
from dispatcher.services.response_report import REACHED, is_said

WINDOW = timedelta(days=90)
DEFINITION = (
    "Of the alerts that reached a customer in the last 90 days: how many they answered in their own words, by whatever "
    "channel, or asked to be called about, or listened to from beginning to end. Opens do not count, because machines "
    "open mail; neither do opt-outs and automatic answers. The last sign of life is the latest of all that, ever."
)


@dataclass(frozen=True, slots=True)
class Engagement:
    """Of one customer or one list: alerts that reached them, those answered, those heard, and either of both.

    Of a list, each customer counts by themselves, and `alive` are its customers with any sign of life in that time.
    """

    reached: int
    answered: int
    heard: int
    engaged: int
    last_at: datetime | None
    customers: int = 1
    alive: int = 0

    @property
    def share(self) -> float | None:
        """Engaged of reached, from 0 to 1."""
        return share(self.engaged, self.reached)


@dataclass(frozen=True, slots=True)
class OfList:
    """One list and how its customers listen."""

    key: str
    name: str
    found: Engagement


def of_customer(session: Session, runtime: Runtime, customer: Customer) -> Engagement:
    """One customer's."""
    row = session.execute(by_customer(runtime).where(Recipient.customer_id == customer.id)).one_or_none()
    reached, answered, heard, engaged = row[1:] if row else (0, 0, 0, 0)
    return Engagement(
        reached, answered, heard, engaged, last_signs(session, [customer.id]).get(customer.id), alive=int(engaged > 0)
    )


def of_lists(session: Session, runtime: Runtime, staff: Staff, key: str | None = None) -> list[OfList]:
    """Each list's, of the customers this person may see, by name; with `key` only that one's."""
    rows, seen = by_customer(runtime).subquery(), _seen(staff)
    query = (
        select(
            DistributionList.key,
            DistributionList.name,
            func.count(Customer.id).label("customers"),
            *(
                func.coalesce(func.sum(rows.c[name]), 0).label(name)
                for name in ("reached", "answered", "heard", "engaged")
            ),
            func.count(case((rows.c.engaged > 0, 1))).label("alive"),
        )
        .select_from(DistributionList)
        .outerjoin(ListMember, ListMember.list_id == DistributionList.id)
        .outerjoin(Customer, (Customer.id == ListMember.customer_id) & Customer.active & Customer.id.in_(seen))
        .outerjoin(rows, rows.c.customer_id == Customer.id)
        .group_by(DistributionList.id, DistributionList.key, DistributionList.name)
        .order_by(DistributionList.name, DistributionList.id)
    )
    if key is not None:
        query = query.where(DistributionList.key == key)
    last = _last_of_lists(session, seen, key)
    return [
        OfList(
            row.key,
            row.name,
            Engagement(
                int(row.reached), int(row.answered), int(row.heard), int(row.engaged), last.get(row.key),
                row.customers, row.alive,
            ),
        )
        for row in session.execute(query)
    ]  # fmt: skip


def by_customer(runtime: Runtime) -> Select[int, int, int, int, int]:
    """Customer, alerts that reached them within the window, answered, heard, either of both."""
    answered = exists().where(
        Reply.message_id == Recipient.message_id,
        Reply.customer_id == Recipient.customer_id,
        Reply.kind.in_(WANTED),
    )
    heard = Delivery.heard_at.is_not(None)
    return (
        select(
            Recipient.customer_id,
            func.count().label("reached"),
            func.count(case((answered, 1))).label("answered"),
            func.count(case((heard, 1))).label("heard"),
            func.count(case((or_(answered, heard), 1))).label("engaged"),
        )
        .join(Message, Message.id == Recipient.message_id)
        .join(Delivery, Delivery.id == Recipient.delivery_id)
        .where(Message.released_at >= runtime.now() - WINDOW, or_(Delivery.state.in_(REACHED), answered, heard))
        .group_by(Recipient.customer_id)
    )


def last_signs(session: Session, customers: list[int]) -> dict[int, datetime]:
    """When these customers last said or heard something."""
    signs = _signs(select(Customer.id).where(Customer.id.in_(customers))).subquery()
    rows = session.execute(select(signs.c.customer_id, func.max(signs.c.at).label("at")).group_by(signs.c.customer_id))
    return {row.customer_id: row.at for row in rows}


def _last_of_lists(session: Session, seen: Select[int], key: str | None) -> dict[str, datetime]:
    signs = _signs(seen).subquery()
    query = (
        select(DistributionList.key, func.max(signs.c.at).label("at"))
        .join(ListMember, ListMember.list_id == DistributionList.id)
        .join(signs, signs.c.customer_id == ListMember.customer_id)
        .group_by(DistributionList.key)
    )
    if key is not None:
        query = query.where(DistributionList.key == key)
    return {row.key: row.at for row in session.execute(query)}


def _signs(customers: Select[int]) -> Select[int | None, datetime]:
    """All signs of life: customer and time. What somebody listened to is theirs who share the contact point."""
    said = (
        select(Reply.customer_id, func.max(Reply.received_at).label("at"))
        .where(Reply.customer_id.in_(customers), is_said())
        .group_by(Reply.customer_id)
    )
    listened = (
        select(Recipient.customer_id, func.max(Delivery.heard_at).label("at"))
        .join(Delivery, Delivery.id == Recipient.delivery_id)
        .where(Recipient.customer_id.in_(customers), Delivery.heard_at.is_not(None))
        .group_by(Recipient.customer_id)
    )
    both = said.union_all(listened).subquery()
    return select(both.c.customer_id, both.c.at)


def _seen(staff: Staff) -> Select[int]:
    return sight.customers(staff).with_only_columns(Customer.id).order_by(None)
