"""What somebody may read of what passed between the bank and a customer: every door's way to a history."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Customer, Staff
from dispatcher.services import conversations, sight
from dispatcher.services.history import Entry, history


def of_customer(session: Session, staff: Staff, customer: Customer) -> list[Entry]:
    """As `history`; for who oversees nothing without what was said in conversations that they may not see.

    A complaint is compliance's, and may be about the very representative whose customer it is.
    """
    if sight.oversees(staff):
        return history(session, customer)
    theirs = conversations.visible_ids(session, staff).where(Conversation.customer_id == customer.id)
    return history(session, customer, list(session.scalars(theirs)))
