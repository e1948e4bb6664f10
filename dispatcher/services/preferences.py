"""What customers themselves decide: the order of their channels, and which of them we may use at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, ContactPoint, Customer, Preference, Suppression
from dispatcher.model.errors import NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import suppressions
from dispatcher.services.audit import record


@dataclass(frozen=True, slots=True)
class Way:
    """One contact point as its owner sees it: where it stands in their order, and whether it is in use."""

    point: ContactPoint
    stopped: Suppression | None

    @property
    def theirs(self) -> bool:
        """True when the owner may take the stop back; else it is the bank's own."""
        return self.stopped is None or self.stopped.reason in suppressions.THEIR_OWN


def by_id(session: Session, customer_id: int | None) -> Customer:
    """The customer whom a token was made for. Raises NotFound, the same for every reason."""
    customer = session.get(Customer, customer_id) if customer_id is not None else None
    if customer is None or not customer.active:
        raise NotFound("there is no such page")
    return customer


def ways(session: Session, customer: Customer) -> list[Way]:
    """The customer's contact points in the order in which they are tried."""
    order = [step.channel for step in customer.preferences if step.topic == ""]
    places = {channel: place for place, channel in enumerate(dict.fromkeys([*order, *CHANNELS]))}
    points = sorted(customer.contact_points, key=lambda point: places.get(point.channel, len(places)))
    return [Way(point, suppressions.in_force(session, point.channel, point.address)) for point in points]


def set_order(session: Session, runtime: Runtime, customer: Customer, order: Sequence[str]) -> None:
    """Try these channels in this order, for all topics without an order of their own. Raises Refused."""
    wanted = list(dict.fromkeys(order))
    if set(wanted) - set(CHANNELS) or len(wanted) != len(order):
        raise Refused({"order": "must name each way once"})
    before = [step.channel for step in customer.preferences if step.topic == ""]
    if before == wanted:
        return
    customer.preferences = [step for step in customer.preferences if step.topic != ""]
    session.flush()  # the old ranks go before the new ones come
    customer.preferences += [Preference(topic="", rank=rank, channel=channel) for rank, channel in enumerate(wanted)]
    record(
        session, runtime, f"customer {customer.key}", "change order", f"customer {customer.key}"[:120],
        before=before, after=wanted,
    )  # fmt: skip


def allow_urgent(session: Session, runtime: Runtime, customer: Customer, allowed: bool) -> None:
    """Whether urgent messages may reach the customer in their quiet hours."""
    if customer.urgent_when_quiet != allowed:
        customer.urgent_when_quiet = allowed
        record(
            session, runtime, f"customer {customer.key}", "change quiet hours", f"customer {customer.key}"[:120],
            urgent_when_quiet=allowed,
        )  # fmt: skip


def stop(session: Session, runtime: Runtime, customer: Customer, channel: str, source: str) -> ContactPoint:
    """Do not use this way any more; `source` says how they told us, e.g. "one-click". Raises NotFound."""
    point = _point(customer, channel)
    actor = f"customer {customer.key}"
    suppressions.suppress(session, runtime, channel, point.address, "opt-out", source, actor)
    return point


def resume(session: Session, runtime: Runtime, customer: Customer, channel: str) -> ContactPoint:
    """Use this way again. Raises NotFound, StateConflict where the stop is the bank's own."""
    point = _point(customer, channel)
    order = suppressions.in_force(session, channel, point.address)
    if order is not None and order.reason not in suppressions.THEIR_OWN:
        raise StateConflict("this was stopped by us: please ask your representative", state="suppressed")
    suppressions.lift(
        session, runtime, channel, point.address, f"customer {customer.key}", reasons=suppressions.THEIR_OWN
    )
    return point


def _point(customer: Customer, channel: str) -> ContactPoint:
    for point in customer.contact_points:
        if point.channel == channel:
            return point
    raise NotFound("there is no such way to reach you")
