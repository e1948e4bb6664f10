"""Standing orders not to use a contact point."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Address, Base, BigId, now


class Suppression(Base):
    """Do not use this address on this channel: why, who said so, since when.

    In force while `lifted_at` is empty, for messages of one `topic` or, where that is "", for all. One row a (channel,
    address, topic) in force, by a partial unique index.

    `mirror` is how it stands on the list that the channel's provider keeps by itself: put (to be put there, at
    `mirror_at`), listed, take (to be taken off), gone, failed; theirs, where the carrier alone takes it off, when the
    customer asks by a START; "" where there is no such list.
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
    address: Mapped[str] = mapped_column(Address)
    topic: Mapped[str] = mapped_column(String(64), default="", server_default="")
    # opt-out, bounce, complaint, wrong-person, provider, by-hand; doubt: until a person has said what was meant
    reason: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(200))  # e.g. "sms STOP", "key 9", "one-click", "provider 21610"
    reply_id: Mapped[int | None] = mapped_column(BigId, index=True)  # the reply that it was read in
    created_at: Mapped[datetime] = mapped_column(default=now)
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(200))
    mirror: Mapped[str] = mapped_column(String(16), default="", server_default="")
    mirror_at: Mapped[datetime | None] = mapped_column(index=True)
    mirror_tries: Mapped[int] = mapped_column(default=0, server_default="0")


class ListReading(Base):
    """How far a list of opt-outs that a provider keeps by itself was read; named after its provider and reason."""

    __tablename__ = "list_readings"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    read_until: Mapped[datetime | None]  # what the provider wrote there before is known
    due_at: Mapped[datetime] = mapped_column(default=now)
    tries: Mapped[int] = mapped_column(default=0)  # failures in a row
