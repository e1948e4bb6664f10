"""What turns out to be no answer, after it was taken for one: it stays where it is, and nobody is disturbed by it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Letter, Reply
from dispatcher.model.conversation import READ
from dispatcher.runtime import Runtime
from dispatcher.services import passing
from dispatcher.services.audit import record


def hold(session: Session, reply: Reply) -> None:
    """Take the conversation, then the reply, both as they are now: in this order everybody takes them.

    To be called before anything of the reply is changed.
    """
    if reply.conversation_id is not None:
        session.get_one(Conversation, reply.conversation_id, with_for_update=True, populate_existing=True)
    session.get_one(Reply, reply.id, with_for_update=True, populate_existing=True)


def set_aside(session: Session, runtime: Runtime, reply: Reply, because: str) -> None:
    """The reply is nobody's words: letters about it that have not left are not sent, and its conversation waits no
    more, unless something else was said in it. The caller has called `hold`."""
    before = {"kind": reply.kind, "by": reply.kind_by, "doubt": reply.doubt}
    reply.kind, reply.kind_by, reply.kind_because, reply.doubt = "automatic", "rule", because, ""
    if reply.state == "unmatched":
        reply.state = "settled"
    session.flush()
    session.execute(
        update(Letter)
        .where(Letter.dedupe.startswith(f"reply:{reply.id}:"), Letter.state == "queued", Letter.tries == 0)
        .values(state="cancelled", settled_at=runtime.now(), due_at=None)
        .execution_options(synchronize_session="fetch")
    )
    if reply.conversation is not None:
        _wait_no_more(session, runtime, reply.conversation)
    record(session, runtime, "system", "correct reply", f"reply {reply.id}", before=before, after=reply.kind)


def _wait_no_more(session: Session, runtime: Runtime, conversation: Conversation) -> None:
    """What else was said since it was last closed decides whose it is; where that is nothing, it is closed again."""
    waits = select(Reply.id).where(
        Reply.conversation_id == conversation.id,
        Reply.kind.in_(READ),
        Reply.id > (conversation.done_up_to or 0),
    )
    if session.scalar(waits.limit(1)) is not None:
        passing.route(session, runtime, conversation)
    elif conversation.state == "open":
        conversation.state, conversation.claim_by = "closed", None
