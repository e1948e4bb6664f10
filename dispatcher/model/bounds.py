"""What holds sending back: pauses, the mark by which a restored database is known, what caps have let through."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from dispatcher.model.base import Base, BigId, now

CAUSES = ("restore", "person")  # the graver one first


class Pause(Base):
    """Nothing starts to customers while one stands. `standing` is its cause until it ends, so one a cause at most.

    `outside` holds the marks outside the database that a restored one fell short of: once a person has resumed,
    these count no more.
    """

    __tablename__ = "pauses"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    cause: Mapped[str] = mapped_column(String(16))
    standing: Mapped[str | None] = mapped_column(String(16), unique=True)
    reason: Mapped[str] = mapped_column(String(500))
    outside: Mapped[list[Any]] = mapped_column(default=list)
    began_at: Mapped[datetime] = mapped_column(default=now)
    began_by: Mapped[str] = mapped_column(String(320))  # a staff mail address, or "system"
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(320))


class Mark(Base):
    """This database's own mark, one row: a name, and a count that only grows. VAR_DIR remembers what it has seen."""

    __tablename__ = "marks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32))
    beat: Mapped[int] = mapped_column(BigId, default=0)


class CapUse(Base):
    """How much of a cap was used in a period, e.g. "sends sms" in "2026112209". Sums are in thousandths of a unit."""

    __tablename__ = "cap_uses"

    cap: Mapped[str] = mapped_column(String(32), primary_key=True)
    period: Mapped[str] = mapped_column(String(16), primary_key=True)
    used: Mapped[int] = mapped_column(BigId, default=0)
