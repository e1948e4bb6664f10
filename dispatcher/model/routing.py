"""Who gets a customer's answer: a short ordered table that administrators read and change."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Base, BigId, now
from dispatcher.model.staff import Staff

# To whom a rule gives an answer. "rep" is the customer's, else the firm's; "desk" and "compliance" hold a role.
TARGETS = ("rep", "analyst", "compliance", "desk", "person")


class RoutingRule(Base):
    """One line of the table: the first whose conditions hold and whose target is there decides.

    `kind` is one of conversation.KINDS or "" for any, `urgency` of the message normal, urgent or "" for any, `topic`
    one topic or "" for any; with `asks_analyst` only where the customer's own words ask for the analyst. Who gets it
    has `minutes` to claim it before it is passed on.
    """

    __tablename__ = "routing_rules"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    position: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16), default="")
    urgency: Mapped[str] = mapped_column(String(16), default="")
    topic: Mapped[str] = mapped_column(String(64), default="")
    asks_analyst: Mapped[bool] = mapped_column(default=False)
    target: Mapped[str] = mapped_column(String(16))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # of the target "person"
    minutes: Mapped[int] = mapped_column(default=30)
    created_at: Mapped[datetime] = mapped_column(default=now)

    staff: Mapped[Staff | None] = relationship()
