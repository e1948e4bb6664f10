"""Orders are only requests: claimed, read back, and confirmed or declined by one person. Nothing is executed here.

Who has claimed a request decides it, nobody else. Everything is on record with its time: requested, told, claimed,
read back, decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, OrderRequest, Reply, Staff
from dispatcher.model.conversation import UNDECIDED
from dispatcher.model.errors import Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, order_doubts, order_holds, order_letters, order_rings, responses
from dispatcher.services.audit import fingerprint, record
from dispatcher.services.once import clean, insert_once
from dispatcher.services.order_asked import TAKERS
from dispatcher.services.order_words import hour, say, spoken_in

MOST_WORDS = 1_000  # so that, with what stands around them, they fit into a text message


# --- what customers ask for -------------------------------------------------------------------------------


def request(
    session: Session,
    runtime: Runtime,
    conversation: Conversation,
    reply: Reply,
    actor: Staff | str,
    *,
    proven: bool = True,
) -> OrderRequest:
    """The request that this reply is, waiting for somebody who claims it; its owner is told, and the customer once.

    The caller holds the conversation. Asked for again it is the same one; one that was withdrawn waits anew. Where the
    sender is not `proven`, nothing is written to them.
    """
    now = runtime.now()
    by = now + order_rings.patience(runtime, conversation)
    made = insert_once(
        session, OrderRequest,
        reply_id=reply.id, conversation_id=conversation.id, state="waiting", due_at=by, created_at=now,
    )  # fmt: skip
    if made is None:
        made = session.scalars(select(OrderRequest).where(OrderRequest.reply_id == reply.id).with_for_update()).one()
        if made.state != "withdrawn":
            return made
        made.state, made.due_at, made.escalations, made.read_back = "waiting", by, 0, ""
        made.claimed_by = made.claimed_at = made.decided_by = made.decided_at = None
    session.expire(reply, ["order"])
    record(
        session, runtime, actor, "request order", f"order {made.id}",
        reply=reply.id, conversation=conversation.id, channel=reply.channel, due_at=by,
    )  # fmt: skip
    order_rings.tell_owner(session, runtime, made)
    order_letters.note_it(session, runtime, made, proven=proven)
    return made


def withdraw(session: Session, runtime: Runtime, staff: Staff, reply: Reply) -> None:
    """It was no order after all. Raises StateConflict where it was decided. The caller holds the conversation."""
    order = session.scalar(select(OrderRequest).where(OrderRequest.reply_id == reply.id).with_for_update())
    if order is None or order.state == "withdrawn":
        return
    if order.state not in UNDECIDED:
        raise StateConflict(f"the order is {order.state} already, so it stays one", state=order.state)
    if order.state == "claimed" and order.claimed_by != staff.id:
        who = order_holds.claimer(order)
        raise StateConflict(f"{who} has claimed the order, and says what it is", state=order.state)
    order_letters.take_it_back(session, runtime, order, staff)
    _end(session, runtime, staff, order, "withdrawn")
    record(session, runtime, staff, "withdraw order", f"order {order.id}", reply=reply.id)


# --- what representatives do ------------------------------------------------------------------------------


def claim(session: Session, runtime: Runtime, staff: Staff, order_id: int) -> OrderRequest:
    """Take it on, and with it the conversation if nobody has. Raises StateConflict where somebody else was quicker.

    With the conversation the other orders in it that wait. An administrator takes over what a colleague has claimed
    who is away or gone.
    """
    order = order_holds.held(session, staff, order_id)
    if order.state == "claimed" and order.claimed_by == staff.id:
        return order
    over = order.claimer.email if order.state == "claimed" and order.claimer else ""
    if order.state != "waiting" and not (over and staff.has("admin") and order_holds.is_gone(runtime, order)):
        raise order_holds.conflict(order)
    _take(session, runtime, staff, order)
    taken = conversations.taken_on(session, order.conversation, staff)
    others = _take_waiting(session, runtime, staff, order.conversation) if taken else []
    if taken:
        conversations.record_claim(session, runtime, staff, order.conversation)
    _record_claim(session, runtime, staff, order, **({"from": over} if over else {}))
    for other in others:
        _record_claim(session, runtime, staff, other)
    return order


def claim_conversation(session: Session, runtime: Runtime, staff: Staff, conversation_id: int) -> Conversation:
    """Take on a conversation and every order in it that waits, where their role takes orders: one act.

    Raises as `conversations.claim`.
    """
    conversation = conversations.locked(session, staff, conversation_id)
    # Before anything is on record: its lock comes after those of tasks, for everybody.
    taken = _take_waiting(session, runtime, staff, conversation) if staff.has(*TAKERS) else []
    conversations.claim(session, runtime, staff, conversation_id)
    for order in taken:
        _record_claim(session, runtime, staff, order)
    return conversation


def _take_waiting(
    session: Session, runtime: Runtime, staff: Staff, conversation: Conversation
) -> Sequence[OrderRequest]:
    session.flush()
    waiting = session.scalars(
        select(OrderRequest)
        .where(OrderRequest.conversation_id == conversation.id, OrderRequest.state == "waiting")
        .order_by(OrderRequest.id)
        .with_for_update()
    ).all()
    for order in waiting:
        _take(session, runtime, staff, order)
    return waiting


def _take(session: Session, runtime: Runtime, staff: Staff, order: OrderRequest) -> None:
    now = runtime.now()
    order.state, order.claimed_by, order.claimed_at = "claimed", staff.id, now
    order.due_at = now + order_rings.TO_DECIDE * order_rings.patience(runtime, order.conversation)
    order_rings.close_task(session, runtime, order, staff)
    session.flush()
    session.expire(order, ["claimer"])


def _record_claim(session: Session, runtime: Runtime, staff: Staff, order: OrderRequest, **more: str) -> None:
    waited = round((runtime.now() - order.created_at).total_seconds(), 3)
    record(session, runtime, staff, "claim order", f"order {order.id}", waited_seconds=waited, **more)


def give_back(session: Session, runtime: Runtime, staff: Staff, order_id: int) -> OrderRequest:
    """Claimed by mistake: it waits again, and the administrators are told at once."""
    order = order_holds.claimed(session, staff, order_id)
    order.state, order.claimed_by, order.claimed_at, order.read_back = "waiting", None, None, ""
    session.flush()
    session.expire(order, ["claimer"])
    order_rings.close_task(session, runtime, order, staff)
    record(session, runtime, staff, "give back order", f"order {order.id}")
    order_rings.put_back(session, runtime, order)
    return order


def read_back(
    session: Session, runtime: Runtime, staff: Staff, order_id: int, text: str, *, via: str, by_telephone: bool = False
) -> OrderRequest:
    """Tell the customer what was understood: in writing, or by telephone, of which this is the note.

    It may be read back anew until it is decided. Raises Refused for words that will not do or cannot be sent.
    """
    order = order_holds.claimed(session, staff, order_id)
    words = _words(text, "what you have understood")
    if words != order.read_back or order_doubts.lost_read_back(session, order) is not None:
        told = say(spoken_in(order), "read back", rep=staff.name, words=words)
        # Each is a new one, the same words too: the one before may not have arrived.
        number = order_doubts.number_of_read_backs(session, order)
        _tell(session, runtime, staff, order, told, f"read-back:{number + 1}", via, by_telephone)
        order.read_back = words
        record(
            session, runtime, staff, "read back order", f"order {order.id}",
            words=fingerprint(words), by="telephone" if by_telephone else "letter",
        )  # fmt: skip
    return order


def confirm(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    order_id: int,
    *,
    via: str,
    by_telephone: bool = False,
    heard: int = 0,
) -> OrderRequest:
    """Accept it as it was read back, and tell the customer.

    `heard` is the last reply in the conversation that its claimer has read. Raises StateConflict where it was not read
    back, where that has not arrived or they have said more since than was heard (unless they were told `by_telephone`),
    and while a newer request of theirs is not decided: it may take this one back.
    """
    order = order_holds.claimed(session, staff, order_id, but="confirmed")
    if order.state == "confirmed":
        return order
    if not order.read_back:
        raise StateConflict("the order has not been read back: do that first", state=order.state)
    newer = order_doubts.asked_since(session, order)
    if newer is not None:
        raise StateConflict(order_doubts.since_then(newer), state=order.state)
    said = None if by_telephone else order_doubts.said_since(session, order)
    if said is not None and said.id > heard:
        raise StateConflict(order_doubts.unheard(said), state=order.state)
    lost = None if by_telephone else order_doubts.lost_read_back(session, order)
    if lost is not None:
        raise StateConflict(order_doubts.not_arrived(lost), state=order.state)
    return _decide(session, runtime, staff, order, "confirmed", order.read_back, via, by_telephone)


def decline(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    order_id: int,
    reason: str,
    *,
    via: str,
    by_telephone: bool = False,
) -> OrderRequest:
    """Do not accept it, and tell the customer why. Raises Refused without a reason."""
    order = order_holds.claimed(session, staff, order_id, but="declined")
    if order.state == "declined":
        return order
    return _decide(session, runtime, staff, order, "declined", _words(reason, "the reason"), via, by_telephone)


def _decide(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    order: OrderRequest,
    state: str,
    words: str,
    via: str,
    by_telephone: bool,
) -> OrderRequest:
    asked = order_doubts.in_quotes(order.reply, 80) if order.reply.text.strip() else ""
    at, of = hour(order, runtime.now()), hour(order, order.created_at)
    told = say(spoken_in(order), state, rep=staff.name, at=at, words=words, of=of, asked=asked)
    _tell(session, runtime, staff, order, told, state, via, by_telephone)
    _end(session, runtime, staff, order, state)
    record(
        session, runtime, staff, "confirm order" if state == "confirmed" else "decline order", f"order {order.id}",
        words=fingerprint(words), by="telephone" if by_telephone else "letter",
    )  # fmt: skip
    return order


def _tell(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    order: OrderRequest,
    text: str,
    what: str,
    via: str,
    by_telephone: bool,
) -> None:
    responses.respond(
        session, runtime, staff, order.conversation_id, text,
        via=via, dedupe=order_doubts.told_as(order, what), by_telephone=by_telephone, on_order=True,
    )  # fmt: skip


def _words(text: str, what: str) -> str:
    words = clean(text.replace("\r\n", "\n")).strip()
    if not words:
        raise Refused({"text": f"is empty; write {what}"})
    if len(words) > MOST_WORDS:
        raise Refused({"text": f"has {len(words)} characters; at most {MOST_WORDS} are taken"})
    return words


def _end(session: Session, runtime: Runtime, staff: Staff, order: OrderRequest, state: str) -> None:
    order.state, order.due_at = state, None
    order.decided_by, order.decided_at = staff.id, runtime.now()
    order_rings.close_task(session, runtime, order, staff)
    order_letters.call_off(session, runtime, order, staff)
    session.flush()
    session.expire(order, ["decider"])
