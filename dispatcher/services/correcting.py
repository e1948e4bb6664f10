"""A person says what an answer is: what the rules took it for is mended, and what followed from that as well."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Reply, Staff, Task
from dispatcher.model.conversation import MACHINES, READ, UNDECIDED, WANTED, WISHES
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import (
    complaint_letters,
    judged,
    machines,
    order_letters,
    orders,
    passing,
    reply_notices,
    reply_store,
    tasks,
)
from dispatcher.services.audit import record
from dispatcher.services.once import clean
from dispatcher.services.routing import ANSWERING

# What somebody may say it is. An alert is a member of staff's, and no customer's answer becomes one.
CHOICES = (*WANTED, *WISHES, *MACHINES)
MAY = ANSWERING
# What a person answers to the task "doubt".
ANSWERS = ("opt-out", "not")


def correct(session: Session, runtime: Runtime, staff: Staff, reply_id: int, kind: str) -> Reply:
    """This reply is of that kind, one of CHOICES; whatever was doubtful is settled by it.

    An order becomes a request or is withdrawn, a wish is obeyed or taken back, and the conversation goes to whom the
    rules give it then. Raises NotFound, NotAllowed where a complaint is another's to judge, Refused for another kind,
    StateConflict where an order has been decided, and where a customer has ended something by keyword or button.
    """
    reply, conversation = _held(session, staff, reply_id)
    if kind not in CHOICES:
        raise Refused({"kind": f"must be one of {', '.join(CHOICES)}"})
    # A wish is about a contact point, whoever has that.
    if reply.kind == "alert" or (conversation is None and kind not in (*WISHES, reply.kind)):
        raise StateConflict("it belongs to no customer yet: say whose it is first", state=reply.state)
    if reply.kind == kind and reply.kind_by == "person" and not reply.doubt:
        return reply
    if conversation and reply.kind == "complaint" != kind and not passing.may_take_on(session, conversation, staff):
        raise NotAllowed("it may be about you: only compliance and administrators say that it is no complaint")
    judged.require_not_theirs(session, reply, kind)
    before = {"kind": reply.kind, "by": reply.kind_by, "doubt": reply.doubt}
    judged.make_way(session, runtime, reply, kind)
    if reply.kind == "order" != kind:
        orders.withdraw(session, runtime, staff, reply)
    reply.kind_because = _because(staff, reply)
    reply.kind, reply.kind_by, reply.doubt = kind, "person", ""
    session.flush()
    judged.decided(session, runtime, staff, reply, kind)
    if conversation is not None:
        _follow(session, runtime, staff, conversation, reply, before["kind"])
    if before["kind"] == kind == "order" and before["doubt"] == machines.DOUBT:
        _note_order(session, runtime, reply)
    record(session, runtime, staff, "correct reply", f"reply {reply.id}", before=before, after=kind)
    if kind == "complaint" and conversation is not None:
        # After the record, as where a complaint arrives: the caps are the last of all locks.
        complaint_letters.note_it(session, runtime, reply, proven=reply_store.is_proven(reply))
    return reply


def settle_doubt(session: Session, runtime: Runtime, staff: Staff, reply_id: int, is_so: bool) -> Reply:
    """It is what its `doubt` says, or is not. An order, a question or a complaint beside a wish stays one.

    Raises as `correct`, and StateConflict where nothing is doubtful any more.
    """
    reply, _ = _held(session, staff, reply_id)
    if not reply.doubt:
        raise StateConflict("nothing about it is doubtful any more", state=reply.state)
    if not is_so:
        return correct(session, runtime, staff, reply_id, reply.kind)
    if reply.doubt not in WISHES or reply.kind not in WANTED or reply.kind == "other":
        return correct(session, runtime, staff, reply_id, reply.doubt)
    wish, reply.doubt = reply.doubt, ""
    session.flush()
    judged.decided(session, runtime, staff, reply, wish)
    before = {"kind": reply.kind, "by": reply.kind_by, "doubt": wish}
    record(session, runtime, staff, "correct reply", f"reply {reply.id}", before=before, after=reply.kind, obeyed=wish)
    return reply


def answers_to(task: Task) -> tuple[str, ...]:
    """What may be said to a task with one press; () where it asks no such thing, or is settled."""
    return ANSWERS if task.kind == "doubt" and task.state == "open" else ()


def answer(session: Session, runtime: Runtime, staff: Staff, task_id: int, word: str) -> Reply:
    """Settle the task "doubt" with one press, as `settle_doubt`: `word` is opt-out or not.

    Raises NotFound, StateConflict where it is settled already, Refused.
    """
    if word not in ANSWERS:
        raise Refused({"answer": f"must be one of {', '.join(ANSWERS)}"})
    task = tasks.one(session, staff, task_id)
    number = task.dedupe.partition(":")[2]
    if task.kind != "doubt" or not number.isdigit():
        raise StateConflict("it asks nothing of the kind", state=task.state)
    _held(session, staff, int(number))  # before the task, as who says it in the inbox
    if tasks.locked(session, staff, task_id).state != "open":
        raise StateConflict("this is settled already", state=task.state)
    return settle_doubt(session, runtime, staff, int(number), word == "opt-out")


def _held(session: Session, staff: Staff, reply_id: int) -> tuple[Reply, Conversation | None]:
    """A reply this person may see, locked after its conversation, as everybody does."""
    seen = _visible(session, staff, reply_id)
    if not staff.has(*MAY):
        raise NotAllowed("only those who answer customers say what an answer is")
    conversation = None
    if seen.conversation_id is not None:
        conversation = session.get_one(Conversation, seen.conversation_id, with_for_update=True, populate_existing=True)
        _visible(session, staff, reply_id)  # it may have been given away while we waited for it
    return session.get_one(Reply, reply_id, with_for_update=True, populate_existing=True), conversation


def _visible(session: Session, staff: Staff, reply_id: int) -> Reply:
    found = session.scalar(reply_store.visible(session, staff).where(Reply.id == reply_id))
    if found is None:
        raise NotFound(f"there is no reply {reply_id}")
    return found


def _because(staff: Staff, reply: Reply) -> str:
    """Who said so, and what had decided before."""
    how = f"{reply.kind_by}: {reply.kind_because}" if reply.kind_because else reply.kind_by
    return clean(f"{staff.name} said so; before: {reply.kind}" + (f" ({how})" if how else ""), 300)


def _follow(
    session: Session, runtime: Runtime, staff: Staff, conversation: Conversation, reply: Reply, before: str
) -> None:
    """Who is to read it reads it: what nobody had to read opens its conversation, and a new owner is told."""
    if reply.kind == before:
        return
    was_read = before in READ
    if reply.kind in READ and not was_read and conversation.state == "closed":
        conversation.state, conversation.claimed_by, conversation.passes = "open", None, 0
        conversation.channel = reply.channel
        conversation.address = reply.sender if reply_store.is_theirs(reply) else ""
    moved = passing.route(session, runtime, conversation)
    if reply.kind == "order":
        orders.request(session, runtime, conversation, reply, staff, proven=reply_store.is_proven(reply))
    elif reply.kind in READ and (moved or not was_read):
        reply_notices.tell_owner(session, runtime, conversation, reply)


def _note_order(session: Session, runtime: Runtime, reply: Reply) -> None:
    """No machine has asked for it, so its sender reads that it is not accepted yet, as others did at once."""
    if reply.order is not None and reply.order.state in UNDECIDED:
        order_letters.note_it(session, runtime, reply.order, proven=reply_store.is_proven(reply))
