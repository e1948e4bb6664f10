"""Brings spoken answers over from the provider, with no session open meanwhile; what cannot be had, at last aside."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Reply
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services import poison, recordings

log = logging.getLogger(__name__)

# Waits after each failure, in minutes: a provider may be out for hours, but a broken recording is broken.
WAITS = (1, 2, 5, 15, 60, 240)
FIRST_LOOK = timedelta(seconds=60)  # the provider rings by itself when it is ready; then we look


def due(session: Session, runtime: Runtime, limit: int = 100) -> list[int]:
    """Ids of replies whose recording should be fetched now."""
    now = runtime.now()
    untold = and_(Reply.fetch_at.is_(None), Reply.received_at < now - FIRST_LOOK)
    return list(
        session.scalars(
            select(Reply.id)
            .where(Reply.recording_ref.is_not(None), Reply.recording_id.is_(None), Reply.fetches <= len(WAITS))
            .where(or_(untold, Reply.fetch_at <= now))
            .order_by(Reply.id)
            .limit(limit)
        )
    )


async def fetch(runtime: Runtime, reply_id: int) -> bool:
    """Fetch one recording and tell of it; False where there was nothing to do, or it could not be had this time."""
    wanted = await runtime.aside(_begin, runtime, reply_id)
    if wanted is None:
        return False
    line = next(iter(runtime.adapters.lines.values()), None)
    try:
        if line is None:
            raise LookupError("no telephone line is configured")
        file = await line.fetch_recording(wanted)
        await runtime.aside(_keep, runtime, reply_id, file)
    except SQLAlchemyError:
        raise  # the database is away: nothing of this is the recording's fault
    except Exception as error:
        await runtime.aside(_failed, runtime, reply_id, error)
        return False
    return True


def _begin(runtime: Runtime, reply_id: int) -> str | None:
    with runtime.sessions() as session:
        reply = session.get(Reply, reply_id, with_for_update=True)
        if reply is None or reply.recording_id is not None or reply.fetches > len(WAITS):
            return None
        if reply.fetches == len(WAITS):  # the last worker died of it before it could say so
            _give_up(session, runtime, reply, "the worker died")
            commit(session, runtime.bells)
            return None
        # Set forward first: a worker that dies of it leaves it for later, not for now.
        reply.fetches, reply.fetch_at = reply.fetches + 1, runtime.now() + timedelta(minutes=WAITS[reply.fetches])
        commit(session, runtime.bells)
        return reply.recording_ref


def _keep(runtime: Runtime, reply_id: int, file: File) -> None:
    with runtime.sessions() as session:
        recordings.attach_recording(session, runtime, reply_id, file)
        commit(session, runtime.bells)


def _failed(runtime: Runtime, reply_id: int, error: Exception) -> None:
    # The name alone: a text of an error may hold an address of the provider's with a key in it.
    log.warning("the recording of reply %d: %s", reply_id, type(error).__name__)
    with runtime.sessions() as session:
        reply = session.get(Reply, reply_id, with_for_update=True)
        if reply is not None and reply.recording_id is None and reply.fetches == len(WAITS):
            _give_up(session, runtime, reply, type(error).__name__)
        commit(session, runtime.bells)


def _give_up(session: Session, runtime: Runtime, reply: Reply, why: str) -> None:
    reply.fetches, reply.fetch_at = len(WAITS) + 1, None
    poison.no_recording(session, runtime, reply, why)
