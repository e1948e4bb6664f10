"""Standing orders not to use a contact point."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Base, BigId, now


class Suppression(Base):
    """Do not use this address on this channel: why, who said so, since when.

    In force while `lifted_at` is empty, for messages of one `topic` or, where that is "", for all. One row a (channel,
    address, topic) in force, by a partial unique index.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_in_force",
            "channel",
            "address",
            "topic",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(320))
    topic: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # opt-out, bounce, complaint, wrong-person, provider, by-hand; doubt: until a person has said what was meant
    reason: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(200))  # e.g. "sms STOP", "key 9", "one-click", "provider 21610"
    created_at: Mapped[datetime] = mapped_column(default=now)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(200))
