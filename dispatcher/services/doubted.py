"""Alerts for a contact point whose owner may want no more: each waits there until a person has said what was meant.

It neither leaves nor goes round by another way, behind the back of somebody who may have said "stop everything". What
cannot wait is told to who can reach them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions, tasks
from dispatcher.services.ownership import owner_of
from dispatcher.storage.many import among

# What settles the doubt makes it due at once. This is for whatever does not.
_LOOK_AGAIN = timedelta(hours=1)


_ORDERS = select(Suppression).where(
    Suppression.channel == bindparam("on"),
    among(Suppression.address, "addresses"),
    suppressions.concerns(bindparam("topic", type_=String)),
)


def orders(session: Session, channel: str, addresses: Sequence[str], topic: str) -> dict[str, Suppression]:
    """What stands against these addresses for this topic: one order each, a doubt only where nothing else does."""
    found: dict[str, Suppression] = {}
    for one in session.scalars(_ORDERS, {"on": channel, "addresses": addresses, "topic": topic}):
        if one.address not in found or found[one.address].reason == "doubt":
            found[one.address] = one
    return found


def until(runtime: Runtime, end: datetime | None) -> datetime:
    """When to look at it again; what would be stale by then is due when its time is up, and expires."""
    again = runtime.now() + _LOOK_AGAIN
    return again if end is None else min(again, end + timedelta(seconds=1))


def tell(session: Session, message_id: int, waiting: Mapping[int, tuple[Suppression, Sequence[int]]]) -> None:
    """Each customer's representative has a task: their alert cannot wait, and waits. `waiting` names, by delivery, the
    doubt and the customers. The tasks close with the doubt.
    """
    for delivery_id, (order, customers) in waiting.items():
        for customer_id in customers:
            rep = owner_of(session, session.get_one(Customer, customer_id))
            tasks.open_task(
                session,
                kind="waits",
                dedupe=f"{suppressions.waits_for(order)}{message_id}:{customer_id}",
                text="An alert that is urgent, or ends, waits until somebody has said what they meant by “"
                f"{order.source}”: say so in the inbox, or reach them yourself",
                rep_id=rep.id if rep else None,
                customer_id=customer_id,
                message_id=message_id,
                delivery_id=delivery_id,
            )
