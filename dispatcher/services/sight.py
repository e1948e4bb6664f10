"""Who may see how much, for every door: of customers, of a message's recipients, of an address.

Representatives who are nothing else see their own customers, so nobody reads a colleague's client list.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Customer, Delivery, Firm, Message, Recipient, Staff, Version
from dispatcher.model.errors import NotFound
from dispatcher.services.ownership import owner_of


def wrote(staff: Staff, message: Message) -> bool:
    """True for the author and for everybody who edited any version."""
    return staff.id == message.author_id or any(version.editor_id == staff.id for version in message.versions)


def written_by(staff: Staff) -> ColumnElement[bool]:
    """The same, of a query over messages: it looks at the versions of those that it comes to, and at no others."""
    edited = select(Version.id).where(Version.message_id == Message.id, Version.editor_id == staff.id)
    return or_(Message.author_id == staff.id, edited.correlate(Message).exists())


def oversees(staff: Staff) -> bool:
    """True for those whose duty it is to see everything."""
    return staff.has("officer", "admin")


# --- customers --------------------------------------------------------------------------------------------


def sees_everybody(staff: Staff) -> bool:
    """True for those who see every customer; False for representatives who are nothing else."""
    return oversees(staff) or staff.has("analyst")


def owned_by(staff: Staff) -> ColumnElement[bool]:
    """Of a query over customers, outer-joined with their firms: those that this representative owns.

    The same as `ownership.owner_of`: a customer's own representative, else, also where that one has left, the firm's.
    """
    active = select(Staff.id).where(Staff.active)
    nobody = or_(Customer.rep_id.is_(None), Customer.rep_id.not_in(active))
    return or_(Customer.rep_id == staff.id, and_(nobody, Firm.rep_id == staff.id))


def customers(staff: Staff) -> Select[Customer]:
    """The customers this person may see, outer-joined with their firms."""
    query = select(Customer).outerjoin(Firm, Firm.id == Customer.firm_id)
    return query if sees_everybody(staff) else query.where(owned_by(staff))


def customer(session: Session, staff: Staff, key: str, *, removed: bool = False, hold: bool = False) -> Customer:
    """The customer with this key, with `removed` also one taken out of the directory; with `hold` nobody else changes
    them before the end of the transaction.

    Raises NotFound, the same where there is none and where this person may not see them.
    """
    query = customers(staff).where(Customer.key == key)
    if hold:
        # Not the key: who writes a letter to them only names it.
        query = query.with_for_update(of=Customer, key_share=True).execution_options(populate_existing=True)
    found = session.scalar(query)
    if found is None or not (found.active or removed):
        raise NotFound(f"there is no customer {key}")
    return found


# --- what became of a message -----------------------------------------------------------------------------


def sees_all_of(staff: Staff, message: Message) -> bool:
    """True for those who see every recipient of a message they may read."""
    return sees_everybody(staff) or wrote(staff, message)


def sees_addresses(staff: Staff, message: Message) -> bool:
    """True where addresses are shown whole: who wrote or oversees, and representatives, who see their own only."""
    return oversees(staff) or wrote(staff, message) or not sees_everybody(staff)


def recipients(staff: Staff, message: Message) -> Select[Recipient]:
    """The message's recipients this person may see, joined with their customers and firms."""
    query = select(Recipient).join(Recipient.customer).outerjoin(Firm, Firm.id == Customer.firm_id)
    query = query.where(Recipient.message_id == message.id)
    return query if sees_all_of(staff, message) else query.where(owned_by(staff))


def deliveries(staff: Staff, message: Message) -> Select[Delivery]:
    """The message's deliveries this person may see."""
    query = select(Delivery).where(Delivery.message_id == message.id)
    if sees_all_of(staff, message):
        return query
    return query.where(Delivery.id.in_(recipients(staff, message).with_only_columns(Recipient.delivery_id)))


def among(session: Session, staff: Staff, message: Message, some: Iterable[Recipient]) -> list[Recipient]:
    """Those of a delivery's recipients whom this person may see: strangers may share a contact point."""
    if sees_all_of(staff, message):
        return list(some)
    owners = ((one, owner_of(session, one.customer)) for one in some)
    return [one for one, owner in owners if owner is not None and owner.id == staff.id]


def masked(address: str) -> str:
    """Enough of an address to recognise it, too little to use it."""
    name, at, host = address.rpartition("@")
    if at:
        return f"{name[:1]}…@{host}"
    return f"{address[:3]}…{address[-2:]}" if len(address) > 6 else "…"
