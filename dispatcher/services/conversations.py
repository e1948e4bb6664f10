"""Conversations: a customer's replies to one message and the representative's answers, over all channels."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, Conversation, Customer, Firm, Message, OrderRequest, Reply, Response, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import letters, passing, reply_notices, suppressions
from dispatcher.services.audit import fingerprint, record
from dispatcher.services.matching import latest_message
from dispatcher.services.once import clean, insert_once
from dispatcher.services.order_asked import UNDECIDED, was_asked
from dispatcher.services.order_words import say
from dispatcher.services.sight import owned_by

WRITTEN = ("email", "sms")
MOST_WORDS = 5_000
MOST_IN_A_TEXT_MESSAGE = 1_500  # 1,600 less the name in front
# By mail and text message, where two robots might have found each other.
MOST_AN_HOUR, MOST_A_DAY = 30, 60


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
        query = query.where(_theirs(staff))
    if rep is not None:
        wanted = Staff.id == rep if isinstance(rep, int) else Staff.email == rep.strip().lower()
        query = query.where(Conversation.rep_id.in_(select(Staff.id).where(wanted)))
    return query.where(Conversation.state == state) if state else query


def get(session: Session, staff: Staff, conversation_id: int) -> Conversation:
    """One conversation. Raises NotFound where there is none that this person may see."""
    found = session.scalar(visible(session, staff).where(Conversation.id == conversation_id))
    if found is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return found


def _theirs(staff: Staff) -> ColumnElement[bool]:
    if not staff.active:
        return false()
    owned = select(Customer.id).outerjoin(Firm, Firm.id == Customer.firm_id).where(owned_by(staff))
    seen = [Conversation.rep_id == staff.id, Conversation.claimed_by == staff.id, was_asked(staff)]
    if staff.has("rep"):
        seen.append(and_(Conversation.routed_to != "compliance", Conversation.customer_id.in_(owned)))
    if staff.has("compliance"):
        seen.append(Conversation.routed_to == "compliance")
    return or_(*seen)


def _locked(session: Session, staff: Staff, conversation_id: int) -> Conversation:
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
    """Take it on. Raises NotFound, or StateConflict where it is closed or somebody else's by claim."""
    conversation = _locked(session, staff, conversation_id)
    if conversation.state == "claimed" and conversation.claimed_by == staff.id:
        return conversation
    if conversation.state != "open":
        raise StateConflict(f"the conversation is {conversation.state} already", state=conversation.state)
    taken_on(conversation, staff)
    record(session, runtime, staff, "claim conversation", f"conversation {conversation.id}")
    return conversation


def taken_on(conversation: Conversation, staff: Staff) -> None:
    """Somebody answers for it from now on: who has claimed it, unless it is closed, stays; it is passed on no more."""
    if conversation.state == "closed" or conversation.claimed_by is None:
        conversation.claimed_by = staff.id
    conversation.state, conversation.claim_by = "claimed", None


def close(session: Session, runtime: Runtime, staff: Staff, conversation_id: int) -> Conversation:
    """Nothing more to do. The customer's next word opens it again.

    Raises StateConflict while an order in it is neither confirmed nor declined.
    """
    conversation = _locked(session, staff, conversation_id)
    if conversation.state != "closed":
        if has_open_order(session, conversation):
            raise StateConflict("an order in it is not decided: confirm or decline it first", state=conversation.state)
        conversation.state, conversation.claim_by = "closed", None
        conversation.done_up_to = passing.newest(session, conversation)
        record(session, runtime, staff, "close conversation", f"conversation {conversation.id}")
    return conversation


# --- responses --------------------------------------------------------------------------------------------


def respond(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    conversation_id: int,
    text: str,
    *,
    via: str,
    dedupe: str | None = None,
    seen: int | None = None,
    by_telephone: bool = False,
    on_order: bool = False,
) -> Response:
    """Answer the customer by the channel they used last; what came by call, page or fax, in writing.

    `via` is page, api, mail or sms; a second call with the same `dedupe` gives the first response. `seen` is the last
    response that its writer has read, 0 for none: a colleague's later one is read first. With `by_telephone` it was
    said, and is kept without a letter. What is not `on_order` says so, where an order waits and its writer may not
    have seen that. Raises NotFound, and Refused where the text will not do or no contact point may be used.
    """
    conversation = _locked(session, staff, conversation_id)
    key = clean(dedupe, 200) if dedupe else f"{via}:{uuid4().hex}"
    known = session.scalar(select(Response).where(Response.dedupe == key))
    if known is not None:
        return known
    words = clean(text).strip()
    channel, address = ("voice", "") if by_telephone else _way(session, runtime, conversation)
    _check(session, runtime, conversation, words, channel, via)
    if seen is not None:
        _require_read(session, conversation, staff, seen)
    response = Response(
        dedupe=key, conversation_id=conversation.id, staff_id=staff.id, text=words, via=via, created_at=runtime.now()
    )
    session.add(response)
    session.flush()
    if not by_telephone:
        told = _letter_text(runtime, staff, words, channel)
        if via in ("mail", "sms") and not on_order and has_open_order(session, conversation):
            told += f"\n\n{say(conversation.customer, 'open')}"
        response.letter_id = letters.write(
            session,
            runtime,
            kind="response",
            dedupe=f"response:{response.id}",
            channel=channel,
            address=address,
            subject=_subject(runtime, conversation.message),
            text=told,
            customer=conversation.customer,
            message_id=conversation.message_id,
            conversation=conversation,
            sender_name=staff.name,
        ).id
    taken_on(conversation, staff)
    conversation.last_at = runtime.now()
    record(
        session, runtime, staff, "respond", f"conversation {conversation.id}",
        response=response.id, letter=response.letter_id, channel=channel, via=via, words=fingerprint(words),
    )  # fmt: skip
    return response


def _check(session: Session, runtime: Runtime, conversation: Conversation, words: str, channel: str, via: str) -> None:
    most = MOST_IN_A_TEXT_MESSAGE if channel == "sms" else MOST_WORDS
    if not words:
        raise Refused({"text": "is empty; write what the customer should read"})
    if len(words) > most:
        where = "a text message" if channel == "sms" else "an answer"
        raise Refused({"text": f"has {len(words)} characters; {where} holds {most}"})
    if via in ("mail", "sms"):
        for most, span, called in (
            (MOST_AN_HOUR, timedelta(hours=1), "an hour"),
            (MOST_A_DAY, timedelta(days=1), "a day"),
        ):
            lately = session.scalar(
                select(func.count())
                .select_from(Response)
                .where(
                    Response.conversation_id == conversation.id,
                    Response.via.in_(("mail", "sms")),
                    Response.created_at > runtime.now() - span,
                )
            )
            if (lately or 0) >= most:
                raise Refused({"text": f"was the {most + 1}th answer within {called}; answer on the page"})


def _require_read(session: Session, conversation: Conversation, staff: Staff, seen: int) -> None:
    """Two who answer at once would tell the customer two things."""
    newer = session.scalars(
        select(Response)
        .where(Response.conversation_id == conversation.id, Response.id > seen, Response.staff_id != staff.id)
        .order_by(Response.id.desc())
        .limit(1)
    ).first()
    if newer is not None:
        raise Refused({"text": f"was not sent: {newer.staff.name} has answered meanwhile. Read that, then send yours"})


def has_open_order(session: Session, conversation: Conversation) -> bool:
    """Whether an order in it is neither confirmed nor declined."""
    return bool(
        session.scalar(
            select(OrderRequest.id)
            .where(OrderRequest.conversation_id == conversation.id, OrderRequest.state.in_(UNDECIDED))
            .limit(1)
        )
    )


def _way(session: Session, runtime: Runtime, conversation: Conversation) -> tuple[str, str]:
    """Channel and address of a response. Raises Refused with a text that says what to do instead."""
    usable = runtime.usable_channels()
    name = conversation.customer.name
    if conversation.channel in WRITTEN and conversation.channel in usable and conversation.address:
        order = suppressions.against_answer(session, conversation.channel, conversation.address)
        # While it is doubtful whether they want no more of it, a person may ask them.
        if order is not None and order.reason != "doubt":
            way = "text messages" if conversation.channel == "sms" else "mail"
            raise Refused({"text": f"cannot be sent: {name} wants no more {way} ({order.source}); telephone them"})
        return conversation.channel, conversation.address
    points = {point.channel: point.address for point in conversation.customer.contact_points if point.valid}
    topic = conversation.message.current.topic if conversation.message else ""
    for channel in _order(conversation.customer, topic):
        address = points.get(channel)
        if address and channel in usable and not suppressions.against_answer(session, channel, address):
            return channel, address
    raise Refused({"text": f"cannot be sent: no mail address or mobile number of {name} may be used; telephone them"})


def _order(customer: Customer, topic: str) -> list[str]:
    steps = [one for one in customer.preferences if one.topic == topic]
    steps = steps or [one for one in customer.preferences if one.topic == ""]
    return [one for one in dict.fromkeys([*(step.channel for step in steps), *CHANNELS]) if one in WRITTEN]


def _subject(runtime: Runtime, message: Message | None) -> str:
    about = reply_notices.subject_of(message)
    return f"Re: {about}" if about else f"Your message to {runtime.settings.firm_name}"


def _letter_text(runtime: Runtime, staff: Staff, words: str, channel: str) -> str:
    if channel == "sms":
        return f"{staff.name}, {runtime.settings.firm_name}: {words}"
    return f"{words}\n\n{staff.name}\n{runtime.settings.firm_name}"


# --- what belongs to nobody yet ---------------------------------------------------------------------------


def unmatched(session: Session, staff: Staff) -> Select[Reply]:
    """Replies that could not be matched to a customer, oldest first, for administrators."""
    query = select(Reply).where(Reply.state == "unmatched").order_by(Reply.id)
    return query if staff.has("admin") else query.where(false())


def assign(session: Session, runtime: Runtime, staff: Staff, reply_id: int, customer_key: str) -> Reply:
    """Give an unmatched reply to a customer, and so to their representative, who is told.

    It joins the conversation about the message it named, else about the last one sent to them, else none.
    """
    reply = _unmatched(session, staff, reply_id)
    customer = session.scalar(select(Customer).where(Customer.key == customer_key.strip()))
    if customer is None:
        raise Refused({"customer": f"there is no customer {customer_key}"})
    message_id = reply.message_id or latest_message(session, runtime, customer.id)
    conversation = thread(
        session, runtime, customer, message_id, channel=reply.channel, address=reply.sender, at=reply.received_at
    )
    reply.customer_id, reply.message_id, reply.conversation_id = customer.id, message_id, conversation.id
    reply.state = "matched"
    passing.route(session, runtime, conversation)
    record(session, runtime, staff, "assign reply", f"reply {reply.id}", customer=customer.key)
    session.flush()
    reply_notices.tell_owner(session, runtime, conversation, reply)
    return reply


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
