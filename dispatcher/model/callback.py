"""What providers told us: the raw callback as it came, and the events read from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Base, BigId, now


class Callback(Base):
    """One request of a provider, kept raw before it is answered. `dedupe` tells repeats apart.

    `state` is new, applied, unrecognised (understood by nobody: kept, answered, shown to administrators) or
    poison (three tries failed). A new one is due at `due_at` until it is applied.
    """

    __tablename__ = "callbacks"
    __table_args__ = (Index("ix_callbacks_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))  # the first part of the webhook's address
    what: Mapped[str] = mapped_column(String(32))  # the second
    dedupe: Mapped[str] = mapped_column(String(200), unique=True)
    query: Mapped[str] = mapped_column(String(500), default="")
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16), default="new")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    error: Mapped[str | None] = mapped_column(String(300))
    answer: Mapped[str | None] = mapped_column(Text)  # what a live call was told; a copy is told the same
    received_at: Mapped[datetime] = mapped_column(default=now)
    applied_at: Mapped[datetime | None]


class Poll(Base):
    """How far a provider has been asked for what its webhooks may have failed to bring.

    It is asked again at `due_at`; `asked_to` is the moment up to which everything has been asked for and kept.
    """

    __tablename__ = "polls"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    asked_to: Mapped[datetime]
    due_at: Mapped[datetime]


class ProviderEvent(Base):
    """One piece of news in a callback, in our words. Unique, so that a repeat has no second effect.

    `parked` is true while no attempt of ours answers to it: the callback may outrun our own commit.
    """

    __tablename__ = "provider_events"
    __table_args__ = (UniqueConstraint("provider", "dedupe"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id"), index=True)
    provider: Mapped[str] = mapped_column(String(32))
    dedupe: Mapped[str] = mapped_column(String(150))
    attempt_id: Mapped[str | None] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(32), default="")
    detail: Mapped[str] = mapped_column(String(300), default="")
    parked: Mapped[bool] = mapped_column(default=False, index=True)
    at: Mapped[datetime]
