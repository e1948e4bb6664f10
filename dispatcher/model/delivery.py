"""From release to receipt: recipients, deliveries, attempts, letters, and the status machine as a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, foreign, mapped_column, relationship

from dispatcher.model.base import Address, Base, BigId, now
from dispatcher.model.directory import CHANNELS, Customer
from dispatcher.model.message import Message
from dispatcher.model.staff import Staff

# States in which nothing more will happen by itself.
FINAL = frozenset({"delivered", "bounced", "rejected", "failed", "expired", "cancelled", "suppressed"})
# States that wait for their due time to be sent (again).
WAITING = frozenset({"queued", "deferred"})
# States of a message of which more may leave.
GOING = frozenset({"releasing", "released"})
# States of a message of which something may have left: a cancel stops only what still waits.
MAY_HAVE_LEFT = GOING | {"cancelled"}
# States of a delivery that is on its way or of which nobody knows: it may have arrived before it was accepted.
IN_DOUBT = frozenset({"sending", "unknown"})
# What a provider says of a call that reached nobody, and then the code of its attempt. Of both said, the first counts.
NOBODY = ("busy", "no-answer")
# The code of an attempt that two look-ups, minutes apart, have not found at its provider.
ABSENT = "absent"
# The code of an accepted attempt that was recognised at its provider by its looks, not by an id: news may know better.
ALIKE = "alike"
# The same of one of which a restored database knows nothing: so it is again, when it was another's.
ALIKE_RESTORED = "alike-restored"
ALIKES = (ALIKE, ALIKE_RESTORED)

# What the present state (left) may become when news arrives (right). News that is not listed changes nothing:
# vendors repeat and reorder their callbacks, so every order of the same news must end in the same state.
# "delivered" gives way to a bounce, because mail servers accept first and refuse later; a failure gives way
# to "delivered", because a handset may confirm after the carrier gave up.
NEWS: dict[str, frozenset[str]] = {
    "queued": frozenset({"suppressed", "cancelled", "expired"}),
    "deferred": frozenset(
        {"accepted", "delivered", "bounced", "failed", "rejected", "suppressed", "cancelled", "expired"}
    ),
    "sending": frozenset({"accepted", "deferred", "delivered", "bounced", "failed", "rejected", "unknown"}),
    "unknown": frozenset({"accepted", "delivered", "bounced", "failed", "rejected", "deferred"}),
    "accepted": frozenset({"delivered", "bounced", "failed", "rejected"}),
    "rejected": frozenset({"failed", "delivered", "bounced"}),
    "failed": frozenset({"delivered", "bounced"}),
    "delivered": frozenset({"bounced"}),
    "bounced": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
    "suppressed": frozenset(),
}


# The position of a delivery that took over from one that failed.
FALLBACK = -1
# The kind of a letter that tells a customer that a call will follow.
# The kind of the tasks and letters by which representatives are to reach customers themselves.
UNREACHABLE = "unreachable"
CALL_FOLLOWS = "call-follows"


def index_of_states(name: str, *columns: str, states: Iterable[str]) -> Index:
    """An index of the few rows in these states. A query uses it where it names them as `in_states` does."""
    condition = text(f"state IN ({', '.join(repr(one) for one in sorted(states))})")
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def index_where_known(name: str, *columns: str) -> Index:
    """An index of the rows whose last column of these is known."""
    condition = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def in_states(column: InstrumentedAttribute[str], *states: str) -> ColumnElement[bool]:
    """The column is in one of these states, written out: a bound parameter would not let SQLite use the index."""
    return column.in_(bindparam(None, sorted(states), expanding=True, literal_execute=True))


def due_by(
    message_id: int | BindParameter[int], channel: str | BindParameter[str], by: datetime | BindParameter[datetime]
) -> tuple[ColumnElement[bool], ...]:
    """What of a message waits on a channel and is due by then, as the index of what waits finds it."""
    return (
        Delivery.channel == channel,
        Delivery.message_id == message_id,
        in_states(Delivery.state, *WAITING),
        Delivery.due_at <= by,
    )


def unfinished(
    message_id: int | InstrumentedAttribute[int],
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether anything of a message waits, and whether anything is on its way, as the indexes of those few find it."""
    of_it = Delivery.message_id == message_id
    # All channels are named, so that the index of what waits can be used.
    waits = exists().where(Delivery.channel.in_(CHANNELS), of_it, in_states(Delivery.state, *WAITING))
    return waits, exists().where(of_it, in_states(Delivery.state, "sending"))


def after(state: str, news: str) -> str:
    """The state that follows when `news` reaches something in `state`; `state` itself where news is old."""
    return news if news in NEWS[state] else state


class Recipient(Base):
    """One customer owed one message, however many lists name them; `because` is why this channel.

    `left_at` is set when the customer left the audience between approval and release.
    A recipient without a delivery after the release is unreachable.

    Every key costs a release as much as the row: so the rows have no number of their own, and whoever looks for those
    of a delivery names its message too, as `Delivery.recipients` does.

    The database does not check what the ids of a recipient and a delivery's message stand for: row by row that takes
    PostgreSQL longer than all the rest of a release. One statement selects them from where they are; customers and
    messages are never deleted, and of deliveries only a fallback that nobody needs any more (see `recall`), which
    whoever gives a recipient one holds. `dispatcher verify` looks for what stands for nothing.
    """

    __tablename__ = "recipients"
    __table_args__ = (Index("ix_recipients_message_id", "message_id", "delivery_id"),)

    # In this order the key also finds a customer's messages.
    customer_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    channel: Mapped[str | None] = mapped_column(String(16))
    because: Mapped[str] = mapped_column(String(200), default="")
    left_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(primaryjoin=lambda: foreign(Recipient.customer_id) == Customer.id)
    delivery: Mapped[Delivery | None] = relationship(
        primaryjoin=lambda: foreign(Recipient.delivery_id) == Delivery.id, back_populates="recipients"
    )


class Delivery(Base):
    """One message to one contact point. `position` is its place in the shuffled order of its channel.

    One that took over from a contact point that failed has the position FALLBACK: it goes before all others.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        # In this order it also finds what went to an address.
        UniqueConstraint("address", "channel", "message_id"),
        Index("ix_deliveries_message", "message_id", "channel", "position"),
        # What waits, in the order in which it leaves: of a release, then of a channel.
        index_of_states("ix_deliveries_waiting", "channel", "message_id", "due_at", "position", states=WAITING),
        index_of_states("ix_deliveries_sending", "message_id", "lease_until", states=["sending"]),
        index_of_states("ix_deliveries_unknown", "due_at", states=["unknown"]),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(BigId)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Address)
    language: Mapped[str] = mapped_column(String(16), default="en")
    state: Mapped[str] = mapped_column(String(16), default="queued")
    outcome: Mapped[str | None] = mapped_column(String(16))  # voice: answered, machine, busy, no-answer
    position: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    mishaps: Mapped[int] = mapped_column(default=0, server_default="0")  # workers that died or raised over it
    due_at: Mapped[datetime | None]
    held_until: Mapped[datetime | None]  # the end of quiet hours or of a doubt that held it back, kept
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(300))
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]  # somebody listened to the end

    message: Mapped[Message] = relationship(primaryjoin=lambda: foreign(Delivery.message_id) == Message.id)
    recipients: Mapped[list[Recipient]] = relationship(
        primaryjoin=lambda: and_(
            foreign(Recipient.delivery_id) == Delivery.id, Recipient.message_id == Delivery.message_id
        ),
        back_populates="delivery",
        order_by="Recipient.customer_id",
    )
    attempts: Mapped[list[Attempt]] = relationship(
        primaryjoin=lambda: foreign(Attempt.delivery_id) == Delivery.id, back_populates="delivery", order_by="Attempt.n"
    )

    @property
    def may_be_answered(self) -> bool:
        """True where somebody may hold this alert: of a cancelled message only what had left before the cancel."""
        if self.message.state == "cancelled":
            return self.accepted_at is not None or self.state in IN_DOUBT
        return self.message.state in MAY_HAVE_LEFT


class Letter(Base):
    """One message to one address outside a release: a notice to staff, a rep's response, a confirmation.

    To staff `kind` is approval, decision, draft, dictation, reply, order, moved, handover, undelivered, unreachable,
    pin-locked or alarm; to a customer response, order-noted, complaint-noted, confirmation or call-follows. `dedupe`
    makes writing the same letter twice harmless. The states are those of a delivery. By voice it is a call, whose
    `outcome` is answered, machine, busy, no-answer or passed (the officer has handed the alert to a colleague).
    """

    __tablename__ = "letters"
    __table_args__ = (
        Index("ix_letters_due", "state", "due_at"),
        Index("ix_letters_address", "channel", "address"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    dedupe: Mapped[str] = mapped_column(String(100), unique=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Address)
    sender_name: Mapped[str] = mapped_column(String(200), default="")  # shown as "Name, Firm"; empty: the firm
    subject: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    outcome: Mapped[str | None] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    mishaps: Mapped[int] = mapped_column(default=0, server_default="0")  # workers that died or raised over it
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=now)
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    staff: Mapped[Staff | None] = relationship()
    customer: Mapped[Customer | None] = relationship()


class Attempt(Base):
    """One call to a provider for a delivery or a letter. The id, 32 hex digits, travels with the call.

    Committed as "sending" before the call; the outcome is committed after it. The database does not check that its
    delivery is there, which the claim that writes it holds (see `Recipient`).
    """

    __tablename__ = "attempts"
    __table_args__ = (
        # Of all: SQLite takes a condition for one that few fulfil, and reads the whole table by it.
        Index("ix_attempts_delivery_id", "delivery_id"),
        index_where_known("ix_attempts_letter_id", "letter_id"),
        index_where_known("ix_attempts_provider_ref", "provider", "provider_ref"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))
    n: Mapped[int] = mapped_column(default=1)
    provider: Mapped[str] = mapped_column(String(32))
    provider_ref: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16), default="sending")
    code: Mapped[str | None] = mapped_column(String(32))
    error: Mapped[str | None] = mapped_column(String(300))
    looked_up: Mapped[int] = mapped_column(default=0)  # how often the provider was asked after doubt
    looked_up_at: Mapped[datetime | None]
    absences: Mapped[int] = mapped_column(default=0, server_default="0")  # look-ups, minutes apart, that found nothing
    resent_by: Mapped[str | None] = mapped_column(String(320))  # who, in spite of it, ordered that it be sent again
    started_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]

    delivery: Mapped[Delivery | None] = relationship(
        primaryjoin=lambda: foreign(Attempt.delivery_id) == Delivery.id, back_populates="attempts"
    )
    letter: Mapped[Letter | None] = relationship()


class Task(Base):
    """Something only a person can settle, with its owner: a customer out of reach, an outcome nobody knows.

    `kind` is unreachable, failed, unknown, poison, wrong-person, doubt, waits, order, unclaimed or alarm. Without
    `rep_id` it is the administrators'. `answer` is what a person said of it with one press: arrived, again, next,
    leave, opt-out or not.
    """

    __tablename__ = "tasks"
    __table_args__ = (Index("ix_tasks_state", "state", "kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    dedupe: Mapped[str] = mapped_column(String(100), unique=True)
    rep_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"), index=True)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))
    text: Mapped[str] = mapped_column(String(500))
    answer: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="open")
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    rep: Mapped[Staff | None] = relationship(foreign_keys=[rep_id])
    customer: Mapped[Customer | None] = relationship()
    message: Mapped[Message | None] = relationship()
    delivery: Mapped[Delivery | None] = relationship()
    letter: Mapped[Letter | None] = relationship()
