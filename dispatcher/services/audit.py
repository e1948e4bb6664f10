"""Writes the record: who did what, in the same transaction as the deed itself."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, Staff
from dispatcher.model.audit import GENESIS, chained
from dispatcher.runtime import Runtime
from dispatcher.storage import lock_chain


def fingerprint(words: str) -> str:
    """SHA-256, hex: the record proves what was said without repeating it."""
    return hashlib.sha256(words.encode()).hexdigest()


def record(session: Session, runtime: Runtime, actor: Staff | str, action: str, subject: str, **detail: Any) -> None:
    """Append one entry.

    `actor` is a member of staff, "customer KEY" or "system"; `action` a short verb phrase such as
    "submit message"; `subject` names the thing, e.g. "message 7". `detail` is JSON, without secrets, without
    the words of an unreleased alert.
    """
    lock_chain(session)
    session.flush()
    last = session.execute(
        select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
    ).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    who = actor.email if isinstance(actor, Staff) else actor
    at = runtime.now().isoformat(timespec="microseconds")
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str)
    digest = chained(runtime.key("audit"), previous, seq, at, who, action, subject, text)
    session.add(
        AuditEntry(
            seq=seq, at=at, actor=who, action=action, subject=subject, detail=text, previous=previous, hash=digest
        )
    )
    session.flush()
