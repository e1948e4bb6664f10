"""Answers kept for repeated API calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Base, now


class IdempotencyKey(Base):
    """The first answer to an unsafe call, given again for the same key and body by the same person."""

    __tablename__ = "idempotency_keys"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
