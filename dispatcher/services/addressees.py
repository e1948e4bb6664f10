"""The people whom deliveries are for, as they are at the moment of sending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, literal, select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Delivery, ListMember, Recipient, VersionList
from dispatcher.services import quiet_hours
from dispatcher.storage.many import among, rows_of


class Addressee(NamedTuple):
    """One customer whom a delivery is for."""

    customer_id: int
    timezone: str
    quiet_from: time | None
    quiet_until: time | None
    urgent_when_quiet: bool
    reachable_here: bool  # the address is still theirs, and still works


def of(session: Session, version_id: int, delivery_ids: Sequence[int]) -> dict[int, list[Addressee]]:
    """Those each delivery is still for: customers who have neither left nor been taken off all the version's lists."""
    rows = rows_of(session.connection(), _of(), {"version": version_id, "deliveries": delivery_ids})
    found: dict[int, list[Addressee]] = defaultdict(list)
    for delivery_id, listed, *rest in rows:
        if listed:
            found[delivery_id].append(Addressee(*rest))
    return found


@cache
def _of() -> Select[*tuple[Any, ...]]:
    listed = _one_at_least(
        VersionList.version_id == bindparam("version"),
        ListMember.list_id == VersionList.list_id,
        ListMember.customer_id == Recipient.customer_id,
    )
    theirs = _one_at_least(
        ContactPoint.customer_id == Recipient.customer_id,
        ContactPoint.channel == Delivery.channel,
        ContactPoint.address == Delivery.address,
        ContactPoint.valid.is_(True),
    )
    return (
        select(
            Delivery.id, listed.label("listed"), Customer.id, Customer.timezone, Customer.quiet_from,
            Customer.quiet_until, Customer.urgent_when_quiet, theirs.label("theirs"),
        )
        .select_from(Delivery)
        .join(Delivery.recipients)
        .join(Customer, Customer.id == Recipient.customer_id)
        .where(among(Delivery.id, "deliveries"), Customer.active)
    )  # fmt: skip


def _one_at_least(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Looked up row by row. Of EXISTS PostgreSQL makes a join, or a table, of whole lists for each few hundred."""
    return select(literal(1)).where(*conditions).limit(1).correlate(Recipient, Delivery).scalar_subquery().is_not(None)


def quiet_until(people: Sequence[Addressee], now: datetime, urgent: bool) -> datetime | None:
    """Until when a delivery to them all waits: nobody who shares an address is woken for another's sake."""
    ends = (
        quiet_hours.holds_until(
            now, one.timezone, one.quiet_from, one.quiet_until, urgent=urgent, urgent_may=one.urgent_when_quiet
        )
        for one in people
        if one.quiet_from is not None
    )
    return max((end for end in ends if end is not None), default=None)
