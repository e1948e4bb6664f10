"""Telephone calls with members of staff, and what was recorded at the telephone's provider."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatcher.model.base import Base, BigId, now
from dispatcher.model.conversation import Reply
from dispatcher.model.delivery import Letter
from dispatcher.model.message import Decision, Media, Message
from dispatcher.model.staff import Staff

# What a recording is for: a piece of an alert, the reason of a decision, a customer's answer.
ALERT, REASON, REPLY = "alert", "reason", "reply"


class StaffCall(Base):
    """One call between a member of staff and our line.

    Where the call stands is in the addresses of its requests; what it has come to is here. Nothing is told or done
    before `proven_at`: a caller's number proves nothing. `digest` is of the version that an officer heard.
    What an analyst has recorded is what was on the message before, `base`, and all pieces after the number
    `take_after`. A call that has said nothing since `idle_at` counts as ended.
    """

    __tablename__ = "staff_calls"
    __table_args__ = (UniqueConstraint("provider", "call_ref"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    call_ref: Mapped[str] = mapped_column(String(64))
    outbound: Mapped[bool] = mapped_column(default=False)
    number: Mapped[str] = mapped_column(String(20), default="")  # theirs, as the network says; "" where withheld
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)  # whom they say they are
    proven_at: Mapped[datetime | None]
    wrong_pins: Mapped[int] = mapped_column(default=0, server_default="0")
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))  # the notice that rang them
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    digest: Mapped[str | None] = mapped_column(String(64))
    audience_seen: Mapped[str] = mapped_column(String(64), default="", server_default="")  # whom they heard it goes to
    heard_at: Mapped[datetime | None]  # when all of that version had been played
    lists: Mapped[list[str]]  # keys chosen so far
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    take_after: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    base_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    idle_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    staff: Mapped[Staff | None] = relationship()
    letter: Mapped[Letter | None] = relationship()
    message: Mapped[Message | None] = relationship()
    base: Mapped[Media | None] = relationship()
    recordings: Mapped[list[Recording]] = relationship(back_populates="staff_call", order_by="Recording.id")


class Recording(Base):
    """Something recorded at a telephone's provider, on its way to us or here.

    `purpose` is reply (of a customer), alert (a piece of one, by an analyst) or reason (of an officer's decision).
    `state` is waiting, kept, silent (kept, but nothing is to be heard), empty (nothing was recorded) or lost.
    `transcript` was written down by a machine: what is shown of it says so.
    """

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("provider", "ref"), Index("ix_recordings_kept", "erased_at", "kept_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(32))
    ref: Mapped[str] = mapped_column(String(100))
    call_ref: Mapped[str] = mapped_column(String(64), default="")
    purpose: Mapped[str] = mapped_column(String(16))
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("replies.id"), index=True)
    staff_call_id: Mapped[int | None] = mapped_column(ForeignKey("staff_calls.id"), index=True)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting", index=True)
    seconds: Mapped[float | None]
    media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    transcript: Mapped[str | None] = mapped_column(Text)  # "": nothing was understood
    transcribe_at: Mapped[datetime | None] = mapped_column(index=True)  # when it is asked for (again)
    transcribe_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    fetches: Mapped[int] = mapped_column(default=0)  # in vain
    fetch_at: Mapped[datetime | None]  # when it is tried (again)
    kept_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None]  # when the provider is asked again to delete it
    erase_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    reply: Mapped[Reply | None] = relationship(back_populates="spoken")
    staff_call: Mapped[StaffCall | None] = relationship(back_populates="recordings")
    decision: Mapped[Decision | None] = relationship()
    media: Mapped[Media | None] = relationship()


class Transcoding(Base):
    """One sound in another form, made once. `form` is telephone or browser.

    Officers approve the original by its hash. `proof` binds the result to it under our key, so that nobody who can
    write into the tables alone can put other words into an approved alert.
    """

    __tablename__ = "transcodings"
    __table_args__ = (UniqueConstraint("media_id", "form"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"))
    form: Mapped[str] = mapped_column(String(16))
    result_id: Mapped[int] = mapped_column(ForeignKey("media.id"))
    proof: Mapped[str] = mapped_column(String(64))

    result: Mapped[Media] = relationship(foreign_keys=result_id)
