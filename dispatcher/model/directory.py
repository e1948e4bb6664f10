"""The directory: firms, customers, how each may be reached, and the lists they are on."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Address, Base, BigId, now
from dispatcher.model.staff import Staff

# The order in which channels are tried that a customer's preference does not name.
CHANNELS = ("email", "sms", "voice", "fax")


class Firm(Base):
    """An institution. Its rep owns the customers who have none of their own."""

    __tablename__ = "firms"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    rep: Mapped[Staff | None] = relationship()


class Customer(Base):
    """A person we may reach. `key` is the bank's own customer_id; quiet hours are local to `timezone`."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    firm_id: Mapped[int | None] = mapped_column(ForeignKey("firms.id"), index=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    language: Mapped[str] = mapped_column(String(16), default="en")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    urgent_when_quiet: Mapped[bool] = mapped_column(default=False)  # urgent messages may break the quiet hours
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    firm: Mapped[Firm | None] = relationship()
    rep: Mapped[Staff | None] = relationship()
    contact_points: Mapped[list[ContactPoint]] = relationship(back_populates="customer", cascade="all, delete-orphan")
    preferences: Mapped[list[Preference]] = relationship(cascade="all, delete-orphan", order_by="Preference.rank")
    lists: Mapped[list[DistributionList]] = relationship(secondary="list_members", viewonly=True)

    @property
    def owner(self) -> Staff | None:
        """The owning rep: the customer's own, else the firm's."""
        return self.rep or (self.firm.rep if self.firm else None)


class ContactPoint(Base):
    """One channel and one normalised address of a customer: E.164 number or lower-cased mail address."""

    __tablename__ = "contact_points"
    __table_args__ = (
        UniqueConstraint("customer_id", "channel"),
        Index("ix_contact_points_channel_address", "channel", "address"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Address)
    valid: Mapped[bool] = mapped_column(default=True)
    invalid_because: Mapped[str | None] = mapped_column(String(200))
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    customer: Mapped[Customer] = relationship(back_populates="contact_points")


class Preference(Base):
    """One step of a customer's order of channels, rank 0 first. Topic "" is the order for all topics."""

    __tablename__ = "preferences"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    rank: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))


class DistributionList(Base):
    """A named set of customers, owned by an analyst or, without an owner, by the whole team."""

    __tablename__ = "lists"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    number: Mapped[int | None] = mapped_column(unique=True)  # keyed on the telephone
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)

    owner: Mapped[Staff | None] = relationship()


class ListMember(Base):
    """One customer on one list."""

    __tablename__ = "list_members"

    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True, index=True
    )
