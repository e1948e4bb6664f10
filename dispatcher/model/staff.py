"""Members of staff: who they are, what they may do, and how they prove it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Base, BigId, now

ROLES = ("analyst", "officer", "rep", "compliance", "admin")


class Staff(Base):
    """A member of staff. `channels` is the order in which they want to be told, e.g. ["sms", "email"].

    While they are away, until `away_until`, `cover` stands in for them. After five wrong PINs their PIN is locked.
    """

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20), index=True)
    channels: Mapped[list[str]]
    password_hash: Mapped[str | None] = mapped_column(String(255))
    pin_hash: Mapped[str | None] = mapped_column(String(255))
    pin_chosen_at: Mapped[datetime | None]  # by its owner; a file's does not take its place
    pin_given_by: Mapped[int | None] = mapped_column(BigId)  # whose file it came in, who may know it
    pin_failures: Mapped[int] = mapped_column(default=0, server_default="0")  # since it was last right
    pin_wait_until: Mapped[datetime | None]  # an earlier try counts as wrong, whatever it is
    pin_locked_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(String(16), default="en", server_default="en")  # on the telephone
    cover_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    away_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)

    grants: Mapped[list[Grant]] = relationship(back_populates="staff", cascade="all, delete-orphan", lazy="selectin")
    cover: Mapped[Staff | None] = relationship(remote_side=[id])

    @property
    def roles(self) -> frozenset[str]:
        """The roles held, a subset of ROLES."""
        return frozenset(grant.role for grant in self.grants)

    def has(self, *roles: str) -> bool:
        """True when active and holding at least one of the roles."""
        return self.active and bool(self.roles.intersection(roles))


class Duty(Base):
    """A time in which an officer is on duty. While nobody is, all officers are."""

    __tablename__ = "duties"
    __table_args__ = (UniqueConstraint("staff_id", "begins_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    begins_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()


class Grant(Base):
    """One role held by one member of staff."""

    __tablename__ = "grants"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)

    staff: Mapped[Staff] = relationship(back_populates="grants")


class ApiToken(Base):
    """A token for the API. Only its SHA-256 is kept; the token itself is shown once."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship()


class SignIn(Base):
    """One session in a browser. The cookie carries a random id of which only the SHA-256 is kept."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_seen_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship()
