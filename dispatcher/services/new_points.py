"""Who has stopped everything everywhere has also stopped what the directory is told of later: their letter promised
nothing more, and a new number is not a wish to be called there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, ContactPoint, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions
from dispatcher.services.holding import hold_what_waits

_IN_FORCE = and_(
    Suppression.channel == ContactPoint.channel,
    Suppression.address == ContactPoint.address,
    Suppression.topic == "",
    Suppression.lifted_at.is_(None),
)


@dataclass(frozen=True, slots=True, order=True)
class NewPoint:
    """A contact point that the directory is given for a customer who has stopped everything."""

    channel: str
    address: str
    key: str


def to_stop(
    session: Session, customers: Mapping[int, str], written: Mapping[int, Mapping[str, str]]
) -> Iterator[NewPoint]:
    """Which of the points to be `written`, by id and channel, those of these `customers`, keys by id, who have pressed
    for everything do not want used. Asked before they are written.

    A new address of a way that the press has stopped; and any new one, while every way known so far is stopped.
    """
    stopped: dict[int, dict[str, Suppression]] = defaultdict(dict)
    # Pressed by somebody who has that address, perhaps by whom they share it with.
    pressed = select(ContactPoint.customer_id).join(Suppression, _IN_FORCE).where(
        ContactPoint.customer_id.in_(customers), Suppression.source == suppressions.EVERYWHERE
    )  # fmt: skip
    before: dict[int, dict[str, str]] = defaultdict(dict)
    rows = session.execute(
        select(ContactPoint, Suppression).outerjoin(Suppression, _IN_FORCE).where(ContactPoint.customer_id.in_(pressed))
    )
    for point, order in rows:
        before[point.customer_id][point.channel] = point.address
        if order is not None and order.reason != "doubt":
            stopped[point.customer_id][point.channel] = order
    for number, known in before.items():
        key, orders = customers[number], stopped[number]
        theirs = {channel for channel, order in orders.items() if _is_by(session, order, key)}
        everything = bool(theirs) and orders.keys() == known.keys()
        for channel, address in written[number].items():
            if address != known.get(channel) and (everything or channel in theirs):
                yield NewPoint(channel, address, key)


def _is_by(session: Session, order: Suppression, key: str) -> bool:
    """Whether it is by the press of this customer: the record tells who has given an order since the last one ended."""
    if order.source != suppressions.EVERYWHERE:
        return False
    entries = session.execute(
        select(AuditEntry.action, AuditEntry.actor, AuditEntry.detail)
        .where(
            AuditEntry.subject == suppressions.subject_of(order.channel, order.address),
            AuditEntry.action.in_(("suppress", "lift suppression")),
        )
        .order_by(AuditEntry.seq.desc())
    )
    for action, actor, text in entries:
        detail = json.loads(text)
        if detail.get("topic", ""):
            continue
        if action != "suppress":
            return False
        if actor == f"customer {key}" and detail["source"] == suppressions.EVERYWHERE:
            return True
    return False


def stop(session: Session, runtime: Runtime, points: list[NewPoint]) -> None:
    """The same order for these as for those before, taken back by the same press."""
    for one in sorted(points):
        hold_what_waits(session, runtime, one.channel, one.address)
    for one in sorted(points):
        suppressions.suppress(
            session, runtime, one.channel, one.address, "opt-out", suppressions.EVERYWHERE, f"customer {one.key}"
        )
