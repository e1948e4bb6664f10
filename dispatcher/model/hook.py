"""Outgoing webhooks: who is told of what happens here, what happened, and each telling of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Base, BigId, Json, now


class Hook(Base):
    """An address that is told of events. `events` are their names or "*"; `state` is active, paused or ended.

    What signs its posts is derived from SECRET_KEY, its id and `generation`; after a change, at `rotated_at`, both
    generations sign for a day. It has been told of the record up to `seen`, of deliveries up to `seen_at`.
    `failing_since` is empty while it answers; while it does not, nothing is tried before `retry_at`.
    """

    __tablename__ = "hooks"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    about: Mapped[str] = mapped_column(String(200), default="")
    events: Mapped[list[str]] = mapped_column(Json, default=list)
    generation: Mapped[int] = mapped_column(default=1, server_default="1")
    rotated_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), default="active")
    seen: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    seen_at: Mapped[datetime] = mapped_column(default=now)
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  # one after the other
    retry_at: Mapped[datetime | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class HookEvent(Base):
    """Something that happened, read off the record soon after. `body` is what is posted: how things stood then."""

    __tablename__ = "hook_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(40), unique=True)  # travels with every post of it
    dedupe: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class HookPost(Base):
    """One event on its way to one hook. `state` is queued, sending, sent or failed (given up; may be sent again)."""

    __tablename__ = "hook_posts"
    __table_args__ = (UniqueConstraint("hook_id", "event_id"), Index("ix_hook_posts_due", "hook_id", "state", "due_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hook_id: Mapped[int] = mapped_column(ForeignKey("hooks.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("hook_events.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    lease_until: Mapped[datetime | None]
    status: Mapped[int | None]  # of the last answer
    error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]

    hook: Mapped[Hook] = relationship()
    event: Mapped[HookEvent] = relationship()
