"""Answers kept for repeated calls: the same key and the same request get the same answer, once done.

The key's row is written first, in the transaction of the deed itself, so both are there or neither. A second
request with the key waits for the first: on PostgreSQL at the unique key, on SQLite for the writer's turn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dispatcher.model import IdempotencyKey, Staff
from dispatcher.model.errors import StateConflict
from dispatcher.runtime import Runtime

KEEP = timedelta(hours=48)


class KeyReused(StateConflict):
    """The key was used for another request."""


class InProgress(StateConflict):
    """A request with this key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that the first request got."""

    status: int
    body: str


def claim(session: Session, runtime: Runtime, staff: Staff, key: str, request_hash: str) -> Kept | None:
    """None when the key is new and now ours; else the answer that was kept for it.

    Keys are each person's own. Raises KeyReused where `request_hash` differs from the first one's, InProgress where
    the first has no answer yet.
    """
    name, moment = _name(key), runtime.now()
    mine = (IdempotencyKey.staff_id == staff.id, IdempotencyKey.key == name)
    session.execute(
        delete(IdempotencyKey)
        .where(*mine, IdempotencyKey.created_at < moment - KEEP)
        .execution_options(synchronize_session=False)
    )
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = session.execute(
        insert(IdempotencyKey)
        .values(staff_id=staff.id, key=name, request_hash=request_hash, created_at=moment)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).one_or_none()
    if made is not None:
        return None
    known = session.execute(
        select(IdempotencyKey.request_hash, IdempotencyKey.status, IdempotencyKey.body).where(*mine)
    ).one_or_none()
    if known is None or known.status is None:
        raise InProgress("a request with this key has not been answered yet: repeat it in a moment")
    if known.request_hash != request_hash:
        raise KeyReused("this key was used for another request: make a new one")
    return Kept(known.status, known.body or "")


def keep(session: Session, staff: Staff, key: str, status: int, body: str) -> None:
    """Keep the answer for whoever repeats the request."""
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.staff_id == staff.id, IdempotencyKey.key == _name(key))
        .values(status=status, body=body)
        .execution_options(synchronize_session=False)
    )


def forget_old(session: Session, now: datetime) -> int:
    """Remove the keys that no longer count; how many. For the clock, once in a while."""
    result = session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.created_at < now - KEEP)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def _name(key: str) -> str:
    """Keys of any length in 64 characters, and none of them readable in the database."""
    return hashlib.sha256(key.encode()).hexdigest()
