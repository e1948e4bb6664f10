"""Who may see how much: before a release few people, of an address not everybody the whole, of replies their owner."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from dispatcher.model import Customer, Firm, Message, Staff

BEFORE_RELEASE = frozenset({"draft", "pending", "returned", "rejected", "withdrawn", "approved", "expired"})


def wrote(staff: Staff, message: Message) -> bool:
    """True for the author and for everybody who edited any version."""
    return staff.id == message.author_id or any(version.editor_id == staff.id for version in message.versions)


def oversees(staff: Staff) -> bool:
    """True for those whose duty it is to see everything."""
    return staff.has("officer", "admin")


def may_hear(staff: Staff, message: Message) -> bool:
    """Need to know: before the release only those who wrote or decide; afterwards whoever sees the message."""
    was_released = message.released_at is not None and message.state not in BEFORE_RELEASE
    return was_released or wrote(staff, message) or oversees(staff)


def masked(address: str) -> str:
    """Enough of an address to recognise it, too little to use it."""
    name, at, host = address.rpartition("@")
    if at:
        return f"{name[:1]}…@{host}"
    return f"{address[:3]}…{address[-2:]}" if len(address) > 6 else "…"


def owned_by(staff: Staff) -> ColumnElement[bool]:
    """Of a query over customers, outer-joined with their firms: those that this representative owns.

    The same as `directory.owner_of`: a customer's own representative, else, also where that one has left, the firm's.
    """
    active = select(Staff.id).where(Staff.active)
    nobody = or_(Customer.rep_id.is_(None), Customer.rep_id.not_in(active))
    return or_(Customer.rep_id == staff.id, and_(nobody, Firm.rep_id == staff.id))
