"""A customer's replies to one message and the rep's responses, over all channels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Base, BigId, now
from dispatcher.model.delivery import Delivery, Letter
from dispatcher.model.directory import Customer
from dispatcher.model.message import Media, Message
from dispatcher.model.staff import Staff

if TYPE_CHECKING:
    from dispatcher.model.call import Recording


class Conversation(Base):
    """One thread per customer and message. Without a message: the customer wrote of their own accord.

    `state` is open, claimed or closed; `channel` and `address` are those the customer used last.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("message_id", "customer_id"),
        Index(
            "uq_conversations_unprompted",
            "customer_id",
            unique=True,
            sqlite_where=text("message_id IS NULL"),
            postgresql_where=text("message_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="open")
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(320), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)

    message: Mapped[Message | None] = relationship()
    customer: Mapped[Customer] = relationship()
    rep: Mapped[Staff | None] = relationship(foreign_keys=[rep_id])
    replies: Mapped[list[Reply]] = relationship(back_populates="conversation", order_by="Reply.id")
    responses: Mapped[list[Response]] = relationship(back_populates="conversation", order_by="Response.id")


class Reply(Base):
    """What a customer said. `text` is what is shown, `original` all they wrote; the raw callback is kept too.

    `kind` is answer, call (asked to speak to the rep), voice (a spoken answer), opt-out, opt-in, automatic, or alert
    (a member of staff's, to be made a draft of). `state` is matched, unmatched (belongs to nobody yet), settled (an
    unmatched one a person has dealt with, an alert that was taken in) or new (an alert that is still to be taken in,
    at `due_at`).
    """

    __tablename__ = "replies"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dedupe: Mapped[str] = mapped_column(String(200), unique=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    callback_id: Mapped[int | None] = mapped_column(ForeignKey("callbacks.id"))
    channel: Mapped[str] = mapped_column(String(16))
    sender: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    original: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(String(16), default="answer")
    state: Mapped[str] = mapped_column(String(16), default="matched", index=True)
    note: Mapped[str] = mapped_column(String(300), default="")  # e.g. "shared by A and B", "sender not verified"
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    tries: Mapped[int] = mapped_column(default=0, server_default="0")  # to take in an alert
    due_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(default=now)

    conversation: Mapped[Conversation | None] = relationship(back_populates="replies")
    message: Mapped[Message | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    delivery: Mapped[Delivery | None] = relationship()
    recording: Mapped[Media | None] = relationship()
    spoken: Mapped[Recording | None] = relationship(back_populates="reply", uselist=False)


class Response(Base):
    """What the rep answered, and the letter that carries it to the customer."""

    __tablename__ = "responses"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dedupe: Mapped[str] = mapped_column(String(200), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))
    text: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(String(16), default="page")  # page, api, mail, sms
    created_at: Mapped[datetime] = mapped_column(default=now)

    conversation: Mapped[Conversation] = relationship(back_populates="responses")
    staff: Mapped[Staff] = relationship()
    letter: Mapped[Letter | None] = relationship()
