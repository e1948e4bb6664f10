"""Whose a customer is, and who may change how they are reached: to see somebody is not to own them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Staff
from dispatcher.model.errors import NotAllowed


def owner_of(session: Session, customer: Customer) -> Staff | None:
    """The rep who owns a customer: their own if active, else the firm's if active, else nobody."""
    for rep in (customer.rep, customer.firm.rep if customer.firm else None):
        if rep is not None and rep.active:
            return rep
    return None


def may_change(session: Session, staff: Staff, customer: Customer) -> bool:
    """True for administrators and the customer's own representative."""
    return staff.has("admin") or (staff.has("rep") and owner_of(session, customer) == staff)


def require_address(session: Session, staff: Staff, point: ContactPoint) -> None:
    """What is said of an address holds for all who share it. Raises NotAllowed where somebody else's customer does."""
    same = (ContactPoint.channel == point.channel, ContactPoint.address == point.address, Customer.active)
    for other in session.scalars(select(Customer).join(ContactPoint).where(*same)):
        if other.id != point.customer_id and not may_change(session, staff, other):
            raise NotAllowed("others share this address: only an administrator may change whether it is used")
