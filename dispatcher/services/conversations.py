"""Conversations: a customer's replies to one message, whose they are, and what belongs to nobody yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Conversation, Customer, Delivery, Firm, OrderRequest, Reply, Staff
from dispatcher.model.conversation import UNDECIDED
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import codes, passing, reply_notices, routing
from dispatcher.services.audit import record
from dispatcher.services.matching import latest_message, person_of
from dispatcher.services.once import clean, insert_once
from dispatcher.services.order_asked import was_asked
from dispatcher.services.sight import owned_by

# --- threads ----------------------------------------------------------------------------------------------


def thread(
    session: Session,
    runtime: Runtime,
    customer: Customer,
    message_id: int | None,
    *,
    channel: str,
    address: str,
    at: datetime,
    disturb: bool = True,
) -> Conversation:
    """The one conversation of this customer about this message, locked; made where there is none.

    With `disturb` it is open afterwards and goes by `channel`; without (an opt-out, a machine's mail) one that exists
    is left as it is, and a new one is closed: nothing to answer. Whose it is says `passing.route`, once the reply is
    stored.
    """
    new = insert_once(
        session,
        Conversation,
        message_id=message_id,
        customer_id=customer.id,
        state="open" if disturb else "closed",
        channel=channel,
        address=address,
        created_at=runtime.now(),
        last_at=at,
    )
    if new is not None:
        return new
    about = Conversation.message_id.is_(None) if message_id is None else Conversation.message_id == message_id
    known = session.scalars(
        select(Conversation)
        .where(Conversation.customer_id == customer.id, about)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if disturb:
        known.channel, known.address = channel, address
        known.last_at = max(known.last_at, at)
        if known.state == "closed":
            known.state, known.claimed_by, known.claim_by, known.passes = "open", None, None, 0
            known.done_up_to = passing.newest(session, known)
    return known


def visible(
    session: Session, staff: Staff, rep: str | int | None = None, state: str | None = None
) -> Select[Conversation]:
    """The conversations this person may see, newest word first, administrators all.

    Theirs are those in their inbox, those they have claimed and, unless compliance has it, every one with a customer
    of theirs; those of compliance are everybody's who holds that role.

    `rep` narrows to one representative, by mail address or id; `state` to open, claimed or closed.
    """
    query = select(Conversation).order_by(Conversation.last_at.desc(), Conversation.id.desc())
    if not staff.has("admin"):
        query = query.where(theirs(staff))
    if rep is not None:
        wanted = Staff.id == rep if isinstance(rep, int) else Staff.email == rep.strip().lower()
        query = query.where(Conversation.rep_id.in_(select(Staff.id).where(wanted)))
    return query.where(Conversation.state == state) if state else query


def visible_ids(session: Session, staff: Staff) -> Select[int]:
    """As `visible`, the ids alone, for a query within another."""
    return visible(session, staff).with_only_columns(Conversation.id).order_by(None)


def get(session: Session, staff: Staff, conversation_id: int) -> Conversation:
    """One conversation. Raises NotFound where there is none that this person may see."""
    found = session.scalar(visible(session, staff).where(Conversation.id == conversation_id))
    if found is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return found


def theirs(staff: Staff) -> ColumnElement[bool]:
    """Of a query over conversations: what `visible` gives to somebody who is no administrator.

    Each term looks at one conversation by itself: of the few that are open nobody reads the directory for it.
    """
    if not routing.answers(staff):
        return false()
    owned = select(Customer.id).outerjoin(Firm, Firm.id == Customer.firm_id)
    owned = owned.where(Customer.id == Conversation.customer_id, owned_by(staff)).correlate(Conversation)
    seen = [Conversation.rep_id == staff.id, Conversation.claimed_by == staff.id, was_asked(staff)]
    if staff.has("rep"):
        seen.append(and_(Conversation.routed_to != "compliance", owned.exists()))
    if staff.has("compliance"):
        seen.append(Conversation.routed_to == "compliance")
    return or_(*seen)


def locked(session: Session, staff: Staff, conversation_id: int) -> Conversation:
    """As `get`, held until the end of the transaction. Raises NotFound."""
    found = session.scalar(
        visible(session, staff)
        .where(Conversation.id == conversation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return found


def claim(session: Session, runtime: Runtime, staff: Staff, conversation_id: int) -> Conversation:
    """Take it on. Raises NotFound, NotAllowed where somebody has complained, or StateConflict where it is closed or
    somebody else's by claim.
    """
    conversation = locked(session, staff, conversation_id)
    if conversation.state == "claimed" and conversation.claimed_by == staff.id:
        return conversation
    if conversation.state != "open":
        raise StateConflict(f"the conversation is {conversation.state} already", state=conversation.state)
    _require_may_take_on(session, conversation, staff)
    taken_on(session, conversation, staff)
    record_claim(session, runtime, staff, conversation)
    return conversation


def record_claim(session: Session, runtime: Runtime, staff: Staff, conversation: Conversation) -> None:
    """Put on record that they have taken it on."""
    record(session, runtime, staff, "claim conversation", f"conversation {conversation.id}")


def _require_may_take_on(session: Session, conversation: Conversation, staff: Staff) -> None:
    if not passing.may_take_on(session, conversation, staff):
        raise NotAllowed("somebody complains in it: only compliance and administrators take it on or close it")


def taken_on(session: Session, conversation: Conversation, staff: Staff) -> bool:
    """They answer for it from now on, where they may: who has claimed it, unless it is closed, stays; it is passed on
    no more. Whether it has become theirs by this.
    """
    if not passing.may_take_on(session, conversation, staff):
        return False
    was_theirs = conversation.state == "claimed" and conversation.claimed_by == staff.id
    if conversation.state == "closed" or conversation.claimed_by is None:
        conversation.claimed_by = staff.id
    conversation.state, conversation.claim_by = "claimed", None
    return conversation.claimed_by == staff.id and not was_theirs


def close(session: Session, runtime: Runtime, staff: Staff, conversation_id: int) -> Conversation:
    """Nothing more to do. The customer's next word opens it again.

    Raises NotAllowed as `claim`, and StateConflict while an order in it is neither confirmed nor declined.
    """
    conversation = locked(session, staff, conversation_id)
    if conversation.state != "closed":
        _require_may_take_on(session, conversation, staff)
        if has_open_order(session, conversation):
            raise StateConflict("an order in it is not decided: confirm or decline it first", state=conversation.state)
        conversation.state, conversation.claim_by = "closed", None
        conversation.done_up_to = passing.newest(session, conversation)
        record(session, runtime, staff, "close conversation", f"conversation {conversation.id}")
    return conversation


def has_open_order(session: Session, conversation: Conversation) -> bool:
    """Whether an order in it is neither confirmed nor declined."""
    return bool(
        session.scalar(
            select(OrderRequest.id)
            .where(OrderRequest.conversation_id == conversation.id, OrderRequest.state.in_(UNDECIDED))
            .limit(1)
        )
    )


# --- what belongs to nobody yet ---------------------------------------------------------------------------


def unmatched(session: Session, staff: Staff) -> Select[Reply]:
    """Replies that could not be matched to a customer, oldest first, for administrators."""
    query = select(Reply).where(Reply.state == "unmatched").order_by(Reply.id)
    return query if staff.has("admin") else query.where(false())


def assign(session: Session, runtime: Runtime, staff: Staff, reply_id: int, customer_key: str) -> Reply:
    """Give an unmatched reply to a customer, and so to their representative, who is told.

    It joins the conversation about the message it named, else about the last one sent to them, else none. In place of
    the customer's key the code will do that stands on their alert, and on what they sent back of it.
    """
    reply = _unmatched(session, staff, reply_id)
    customer, about = _named(session, runtime, customer_key.strip())
    message_id = reply.message_id or about or latest_message(session, runtime, customer.id)
    address = _answered_at(session, reply, customer)
    conversation = thread(
        session, runtime, customer, message_id, channel=reply.channel, address=address, at=reply.received_at
    )
    reply.customer_id, reply.message_id, reply.conversation_id = customer.id, message_id, conversation.id
    reply.state = "matched"
    passing.route(session, runtime, conversation)
    record(session, runtime, staff, "assign reply", f"reply {reply.id}", customer=customer.key)
    session.flush()
    reply_notices.tell_owner(session, runtime, conversation, reply)
    return reply


def _answered_at(session: Session, reply: Reply, customer: Customer) -> str:
    """Where it came from; "" where that is a colleague's, who sent on what the customer said, or another customer's,
    who reads nothing that is for this one: by the customer's own order then.
    """
    sender = reply.sender.strip().lower()
    if sender in {point.address for point in customer.contact_points}:
        return reply.sender
    ours = select(Staff.id).where(or_(Staff.email == sender, Staff.phone == sender)).limit(1)
    of_others = select(ContactPoint.id).where(ContactPoint.address == sender).limit(1)
    return "" if session.scalar(ours) is not None or session.scalar(of_others) is not None else reply.sender


def _named(session: Session, runtime: Runtime, word: str) -> tuple[Customer, int | None]:
    """The customer of this key; or of the alert with this code, and the alert."""
    customer = session.scalar(select(Customer).where(Customer.key == word))
    if customer is not None:
        return customer, None
    delivery_id = codes.read(runtime, word.strip("#* "))
    delivery = session.get(Delivery, delivery_id) if delivery_id is not None else None
    person = person_of(session, delivery)[0] if delivery is not None else None
    if delivery is None or person is None:
        raise Refused({"customer": f"there is no customer {word}, and no alert with this code"})
    return person, delivery.message_id


def settle(session: Session, runtime: Runtime, staff: Staff, reply_id: int, note: str = "") -> Reply:
    """An unmatched reply that needs nothing more; `note` says why."""
    reply = _unmatched(session, staff, reply_id)
    reply.state = "settled"
    reply.note = clean(f"{reply.note}; {note}" if reply.note and note else note or reply.note, 300)
    record(session, runtime, staff, "settle reply", f"reply {reply.id}", note=note)
    return reply


def _unmatched(session: Session, staff: Staff, reply_id: int) -> Reply:
    if not staff.has("admin"):
        raise NotAllowed("only an administrator may say to whom a reply belongs")
    reply = session.get(Reply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None:
        raise NotFound(f"there is no reply {reply_id}")
    if reply.state != "unmatched":
        raise StateConflict(f"the reply is {reply.state} already", state=reply.state)
    return reply
