"""Hands out what came with an answer, its files and its page, to those who may see the answer; each file on record."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Reply, ReplyFile, Staff
from dispatcher.model.errors import NotFound
from dispatcher.runtime import Runtime
from dispatcher.services import reply_store
from dispatcher.services.audit import record


def reply_of(session: Session, staff: Staff, reply_id: int) -> Reply:
    """A reply that this person may see. Raises NotFound."""
    reply = session.scalar(reply_store.visible(session, staff).where(Reply.id == reply_id))
    if reply is None:
        raise NotFound(f"there is no reply {reply_id}")
    return reply


def file_of(session: Session, staff: Staff, reply_id: int, position: int) -> ReplyFile:
    """A file that this person may have. Raises NotFound where there is none for them, or it is not offered."""
    reply = reply_of(session, staff, reply_id)
    found = session.scalar(select(ReplyFile).where(ReplyFile.reply_id == reply.id, ReplyFile.position == position))
    if found is None:
        raise NotFound(f"reply {reply_id} has no file {position}")
    if found.media is None or found.note:
        raise NotFound(f"this file cannot be had: {found.note}")
    return found


def on_record(session: Session, runtime: Runtime, staff: Staff, file: ReplyFile) -> None:
    """Put on record that this person took the file."""
    digest = file.media.sha256 if file.media else ""
    record(session, runtime, staff, "download file", f"reply {file.reply_id}", file=file.position, sha256=digest)
