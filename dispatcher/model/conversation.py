"""A customer's replies to one message and the rep's responses, over all channels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from dispatcher.model.base import Address, Base, BigId, now
from dispatcher.model.delivery import Delivery, Letter, index_of_states
from dispatcher.model.directory import Customer
from dispatcher.model.message import Media, Message
from dispatcher.model.staff import Staff

if TYPE_CHECKING:
    from dispatcher.model.call import Recording


# What an answer is: what somebody may want of us, then what needs nobody, then what is no customer's.
WANTED = ("order", "question", "call", "complaint", "other")
WISHES = ("opt-out", "opt-in", "wrong-person")
MACHINES = ("out-of-office", "automatic")
KINDS = (*WANTED, *WISHES, *MACHINES, "alert")
UNDECIDED = ("waiting", "claimed")  # states of an order that is neither confirmed nor declined
READ = (*WANTED, "wrong-person")  # what somebody is to read; the rest is kept and shown, but disturbs nobody


class Conversation(Base):
    """One thread per customer and message. Without a message: the customer wrote of their own accord.

    `state` is open, claimed or closed; `channel` and `address` are those the customer used last. `rep_id` is whose
    inbox it is in, by the rule that `routed_by` names; unless somebody has claimed it by `claim_by`, it is passed on.
    What was said up to the reply `done_up_to` was dealt with when it was last closed, and routes it no more.
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
        # Each second somebody asks whether one that is not closed is nobody's.
        Index("ix_conversations_waiting", "state", "claimed_by", "rep_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="open")
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Address, default="")
    routed_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
    routed_to: Mapped[str] = mapped_column(String(16), default="", server_default="")  # one of routing.TARGETS
    done_up_to: Mapped[int | None] = mapped_column(BigId)
    claim_by: Mapped[datetime | None] = mapped_column(index=True)
    passes: Mapped[int] = mapped_column(default=0, server_default="0")  # how often it was passed on unclaimed
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)

    message: Mapped[Message | None] = relationship()
    customer: Mapped[Customer] = relationship()
    rep: Mapped[Staff | None] = relationship(foreign_keys=[rep_id])
    claimer: Mapped[Staff | None] = relationship(foreign_keys=[claimed_by])
    replies: Mapped[list[Reply]] = relationship(back_populates="conversation", order_by="Reply.id")
    responses: Mapped[list[Response]] = relationship(back_populates="conversation", order_by="Response.id")


class Reply(Base):
    """What a customer said. `text` is what is shown, `original` all they wrote; the raw callback is kept too.

    `kind` is one of KINDS (alert: a member of staff's, to be made a draft of); `kind_by` is what decided it, key,
    button, rule, provider, header or person, and `kind_because` the key, the sentence or the
    header. `doubt` is the kind a person should consider, where the rules could not tell. `state` is matched, unmatched
    (belongs to nobody yet), settled (an unmatched one a person has dealt with, an alert that was taken in) or new (an
    alert that is still to be taken in, at `due_at`). `sender_check` is what is known of the sender of a mail, e.g.
    "spf=pass dkim=pass".
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
    html: Mapped[str] = deferred(
        mapped_column(Text, default="", server_default="", nullable=False)
    )  # as it came, to be cleaned
    kind: Mapped[str] = mapped_column(String(16), default="other", index=True)
    kind_by: Mapped[str] = mapped_column(String(16), default="", server_default="")
    kind_because: Mapped[str] = mapped_column(String(300), default="", server_default="")
    doubt: Mapped[str] = mapped_column(String(16), default="", server_default="")
    sender_check: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(16), default="matched", index=True)
    note: Mapped[str] = mapped_column(String(300), default="")  # e.g. "shared by A and B", "sender not verified"
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    # Of whichever it is: an alert to be taken in, a fax whose pages are fetched, a doubt that people are reminded of.
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(default=now)

    conversation: Mapped[Conversation | None] = relationship(back_populates="replies")
    message: Mapped[Message | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    delivery: Mapped[Delivery | None] = relationship()
    recording: Mapped[Media | None] = relationship()
    spoken: Mapped[Recording | None] = relationship(back_populates="reply", uselist=False)
    files: Mapped[list[ReplyFile]] = relationship(order_by="ReplyFile.position")
    order: Mapped[OrderRequest | None] = relationship(back_populates="reply", uselist=False)

    @property
    def is_spoken(self) -> bool:
        """True for an answer left as a recording, fetched already or not, unless it was found empty."""
        return self.recording_id is not None or (self.spoken is not None and self.spoken.state != "empty")


class ReplyFile(Base):
    """A file that came with a reply, by the name its sender gave it, made harmless; `note`: why bytes are missing."""

    __tablename__ = "reply_files"

    reply_id: Mapped[int] = mapped_column(ForeignKey("replies.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    note: Mapped[str] = mapped_column(String(200), default="")

    media: Mapped[Media | None] = relationship()


class OrderRequest(Base):
    """What a customer asked to be bought or sold: a request and no more, until their representative has confirmed it.

    `state` is waiting, claimed, confirmed, declined or withdrawn (it was none, or was taken back). `due_at` is when,
    while it waits, the next ones are told. `read_back` is what the representative understood and told the customer.
    """

    __tablename__ = "order_requests"
    __table_args__ = (
        index_of_states("ix_order_requests_undecided", "conversation_id", "claimed_by", states=UNDECIDED),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reply_id: Mapped[int] = mapped_column(ForeignKey("replies.id"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    escalations: Mapped[int] = mapped_column(default=0, server_default="0")
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    read_back: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)

    reply: Mapped[Reply] = relationship(back_populates="order")
    conversation: Mapped[Conversation] = relationship()
    claimer: Mapped[Staff | None] = relationship(foreign_keys=[claimed_by])
    decider: Mapped[Staff | None] = relationship(foreign_keys=[decided_by])


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
