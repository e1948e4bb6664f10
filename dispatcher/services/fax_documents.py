"""Faxes that customers sent us: kept as answers at once, their pages fetched from the provider with no session open.

What is written on paper is for a person to read: a fax is never understood, and never answered by itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit, note
from dispatcher.model import Callback, Reply, ReplyFile
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import DocumentStore, File, InboundReply
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks, reply_files, tasks
from dispatcher.services.arrival import Arrival
from dispatcher.services.audit import record
from dispatcher.services.understanding import Understood

log = logging.getLogger(__name__)

CHANNEL = "fax"
# Waits after each failure, in minutes; after the last somebody is asked to have it sent again.
WAITS = (1, 2, 5, 15, 60, 240, 480, 480)
LATE = timedelta(seconds=5)  # a ring may wait in its queue
ON_ITS_WAY = "is being fetched from the provider"
LOST = "could not be had from the provider: ask for it once more"


def take(arrival: Arrival) -> Reply:
    """Keep a fax as an answer that its owner is told of now, and ring for its pages."""
    kept = arrival.keep(Understood())
    if arrival.reply.document and not kept.files:
        arrival.session.add(ReplyFile(reply_id=kept.id, position=1, name=arrival.reply.document, note=ON_ITS_WAY))
        kept.due_at = arrival.runtime.now()
        arrival.session.flush()
        arrival.session.expire(kept, ["files"])
        # A provider that hangs must not hold up the news of others.
        note(arrival.session, "lookups", "fetch_document", kept.id)
    return kept


def due(session: Session, runtime: Runtime) -> list[int]:
    """Ids of the replies whose pages should be here by now."""
    if not runtime.adapters.providers.get(CHANNEL):
        return []
    missing = select(ReplyFile.reply_id).join(Reply, Reply.id == ReplyFile.reply_id)
    late = missing.where(
        ReplyFile.media_id.is_(None), ReplyFile.note == ON_ITS_WAY, Reply.due_at <= runtime.now() - LATE
    )
    return list(session.scalars(late.order_by(ReplyFile.reply_id).limit(100)))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What this worker fetches, of which provider."""

    reply_id: int
    provider: str
    ref: str


async def fetch(runtime: Runtime, reply_id: int) -> bool:
    """Fetch the pages of one fax; False where there was nothing to do, or they could not be had this time."""
    claim = await runtime.aside(_begin, runtime, reply_id)
    if claim is None:
        return False
    try:
        found = await _store(runtime, claim.provider).fetch_document(claim.ref)
        if found is None:
            raise ProviderError("the provider has nothing of it")
        await runtime.aside(_keep, runtime, reply_id, found)
    except SQLAlchemyError:
        raise  # the database is away: nothing of this is the document's fault
    except Exception as error:
        # Of another error than ours the name alone: its text may hold an address with a key in it.
        why = str(error) if isinstance(error, ProviderError) else type(error).__name__
        log.warning("the pages of reply %d: %s", reply_id, why)
        await runtime.aside(_failed, runtime, reply_id, why)
        return False
    return True


def _store(runtime: Runtime, provider: str) -> DocumentStore:
    for one in runtime.adapters.providers.get(CHANNEL, ()):
        if one.name == provider and isinstance(one, DocumentStore):
            return one
    raise ProviderError("this provider is not configured any more")


def _begin(runtime: Runtime, reply_id: int) -> _Claim | None:
    with runtime.sessions() as session:
        reply = _waiting(session, reply_id)
        now = runtime.now()
        if reply is None or reply.due_at is None or reply.due_at > now:
            return None  # somebody is at it, or it is for later
        if reply.tries >= len(WAITS):  # the last worker died of it before it could say so
            _give_up(session, reply, "the worker died")
            commit(session, runtime.bells)
            return None
        # Set forward first: a worker that dies of it leaves it for later, not for now.
        reply.tries, reply.due_at = reply.tries + 1, now + timedelta(minutes=WAITS[reply.tries])
        provider, said = _as_it_came(session, runtime, reply)
        commit(session, runtime.bells)
        return _Claim(reply.id, provider, said.message_ref)


def _as_it_came(session: Session, runtime: Runtime, reply: Reply) -> tuple[str, InboundReply]:
    """The reply as its provider's callback says it, which is kept."""
    callback = session.get_one(Callback, reply.callback_id)
    source = runtime.adapters.sources[callback.provider]
    return callback.provider, source.parse(callback.what, callbacks.as_request(callback)).replies[0]


def _waiting(session: Session, reply_id: int) -> Reply | None:
    """The reply, held, while its pages are missing."""
    reply = session.get(Reply, reply_id, with_for_update=True, populate_existing=True)
    return reply if reply and [one.note for one in reply.files if one.media_id is None] == [ON_ITS_WAY] else None


def _keep(runtime: Runtime, reply_id: int, found: File) -> None:
    with runtime.sessions() as session:
        reply = _waiting(session, reply_id)
        if reply is not None:
            reply.due_at = None
            digest = reply_files.arrived(session, reply.files[0], found.content)
            record(session, runtime, "system", "keep fax", f"reply {reply.id}", sha256=digest)
        commit(session, runtime.bells)


def _failed(runtime: Runtime, reply_id: int, why: str) -> None:
    with runtime.sessions() as session:
        reply = _waiting(session, reply_id)
        if reply is not None and reply.tries >= len(WAITS):
            _give_up(session, reply, why)
        commit(session, runtime.bells)


def _give_up(session: Session, reply: Reply, why: str) -> None:
    """It cannot be had: its owner asks for it once more."""
    reply.due_at, reply.files[0].note = None, LOST
    who = reply.customer.name if reply.customer else reply.sender or "somebody"
    tasks.open_task(
        session,
        kind="poison",
        dedupe=f"document:{reply.id}",
        text=f"The pages of a fax of {who} (reply {reply.id}) could not be had ({why}). Ask them to send it once more.",
        rep_id=reply.conversation.rep_id if reply.conversation else None,
        customer_id=reply.customer_id,
        message_id=reply.message_id,
    )
