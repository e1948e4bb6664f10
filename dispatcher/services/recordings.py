"""Spoken answers: fetched from the provider outside of any transaction, then kept and told to the representative."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatcher.model import Reply
from dispatcher.model.ports import File
from dispatcher.runtime import Runtime
from dispatcher.services import media, reply_notices


def pending_recording(session: Session, reply_id: int) -> str | None:
    """The provider's reference of a spoken answer that is still to be fetched."""
    reply = session.get(Reply, reply_id)
    return reply.recording_ref if reply and reply.recording_id is None else None


def attach_recording(session: Session, runtime: Runtime, reply_id: int, file: File) -> Reply | None:
    """Keep the fetched sound with its reply and tell the representative now; None where that is done already."""
    reply = session.get(Reply, reply_id, with_for_update=True, populate_existing=True)
    if reply is None or reply.recording_id is not None:
        return None
    try:
        sound = media.examine_recording(file.content)
        kept = media.store(session, file.content, sound.media_type, sound.seconds)
        reply.text = f"Spoken answer, {length(sound.seconds)}."
    except ValueError as error:
        # Kept all the same: it is what the provider has of the customer's words.
        kept = media.store(session, file.content, file.media_type[:100])
        reply.note = f"{reply.note}; the recording {error}".strip("; ")[:300]
    reply.recording_id, reply.recording_ref = kept.id, None
    session.flush()
    tell(session, runtime, reply)
    return reply


def empty(session: Session, runtime: Runtime, reply: Reply) -> None:
    """The provider says that there is nothing on it."""
    if reply.recording_id is None and reply.recording_ref is not None:
        reply.recording_ref = None
        reply.text = "A spoken answer was begun, but nothing was recorded."
        tell(session, runtime, reply)


def tell(session: Session, runtime: Runtime, reply: Reply) -> None:
    """The letter about it, which waited for the recording, is due now."""
    if reply.conversation:
        reply_notices.tell_now(session, runtime, reply.conversation, reply)


def length(seconds: float) -> str:
    """33 s as 0:33."""
    whole = max(1, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
