"""The record of who did what and when: append-only, each entry chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import hmac

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Base, BigId

GENESIS = "0" * 64


class AuditEntry(Base):
    """One act. `seq` counts from 1 without gaps; times and details are text so that they hash as stored."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(320))  # a staff mail address, "customer KEY", or "system"
    action: Mapped[str] = mapped_column(String(48), index=True)
    subject: Mapped[str] = mapped_column(String(120), index=True)  # e.g. "message 7"
    detail: Mapped[str] = mapped_column(Text)  # canonical JSON
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


def chained(key: bytes, previous: str, seq: int, at: str, actor: str, action: str, subject: str, detail: str) -> str:
    """The entry's hash: HMAC-SHA256, hex, keyed so that the chain cannot be recomputed from the database alone."""
    text = "\x1f".join((previous, str(seq), at, actor, action, subject, detail))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
