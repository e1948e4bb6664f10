"""A message: what an author writes or records once, for many; its versions, its digest, its life."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from dispatcher.model.base import Base, BigId, Json, JsonOrNone, now
from dispatcher.model.directory import DistributionList
from dispatcher.model.errors import StateConflict
from dispatcher.model.staff import Staff

URGENCIES = ("normal", "urgent")

# From which state an act may be done, and the state it leads to.
LIFE: dict[str, tuple[frozenset[str], str]] = {
    "submit": (frozenset({"draft", "returned", "withdrawn"}), "pending"),
    "withdraw": (frozenset({"draft", "pending", "returned", "approved"}), "withdrawn"),
    "approve": (frozenset({"pending"}), "approved"),
    "return": (frozenset({"pending"}), "returned"),
    "reject": (frozenset({"pending"}), "rejected"),
    "release": (frozenset({"approved"}), "releasing"),
    "finish": (frozenset({"releasing"}), "released"),
    # From "released" only while something of it waits or is in doubt: see services.cancellation.
    "cancel": (frozenset({"approved", "releasing", "released"}), "cancelled"),
    "expire": (frozenset({"pending", "approved"}), "expired"),
}
EDITABLE = frozenset({"draft", "pending", "returned", "withdrawn", "approved"})


class Media(Base):
    """A recording, an attachment or a spoken answer, stored once by the SHA-256 of its bytes.

    The bytes are in the database because workers on other hosts share nothing else.
    """

    __tablename__ = "media"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    seconds: Mapped[float | None]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def intact(self) -> bool:
        """True while the bytes are those that were stored."""
        return hashlib.sha256(self.content).hexdigest() == self.sha256

    def read(self) -> bytes:
        """The bytes. Raises StateConflict when they are not those that were stored, and so perhaps approved."""
        if not self.intact:
            raise StateConflict(
                f"file {self.id} is not what was stored: an administrator must look (dispatcher verify)"
            )
        return self.content


class Message(Base):
    """One alert. What it says is in its versions; `version` is the number of the current one."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_lately", "state", "submitted_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    version: Mapped[int] = mapped_column(default=1)
    release_at: Mapped[datetime | None]
    valid_for: Mapped[int | None]  # seconds after the release in which a delivery may still start
    created_at: Mapped[datetime] = mapped_column(default=now)
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    escalations: Mapped[int] = mapped_column(default=0, server_default="0")  # since it was submitted
    escalate_at: Mapped[datetime | None] = mapped_column(index=True)  # more people are told then, if nobody has decided
    seed: Mapped[int | None]  # of the shuffled order of its release
    pace: Mapped[dict[str, float]] = mapped_column(Json, default=dict)  # starts a second by channel, where held back

    author: Mapped[Staff] = relationship()
    versions: Mapped[list[Version]] = relationship(back_populates="message", order_by="Version.number")
    decisions: Mapped[list[Decision]] = relationship(back_populates="message", order_by="Decision.id")

    @property
    def current(self) -> Version:
        """The current version."""
        return next(version for version in self.versions if version.number == self.version)

    @property
    def valid_until(self) -> datetime | None:
        """Until when a delivery of it may still start; None before its release, and where it has no such time."""
        return end_of_validity(self.released_at, self.valid_for)

    def advance(self, act: str) -> None:
        """Move along the table LIFE, or raise StateConflict with a text for people."""
        allowed, after = LIFE[act]
        if self.state not in allowed:
            raise StateConflict(f"cannot {act}: the message is {self.state}", state=self.state)
        self.state = after


def end_of_validity(released_at: datetime | None, valid_for: int | None) -> datetime | None:
    """The end of so many seconds from the release on."""
    return released_at + timedelta(seconds=valid_for) if released_at and valid_for else None


class Version(Base):
    """What the message said at one time. Never changed: an edit makes the next number."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    number: Mapped[int]
    editor_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(String(64), default="")
    urgency: Mapped[str] = mapped_column(String(16), default="normal")
    release_at: Mapped[datetime | None]
    valid_for: Mapped[int | None]
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"))
    via: Mapped[str] = mapped_column(String(16), default="page")  # page, api, phone, mail, sms
    digest: Mapped[str] = mapped_column(String(64))  # see `digest_of`
    # See `input_digest_of`: the same for alerts that say the same.
    input_digest: Mapped[str] = mapped_column(String(64), index=True, default="", server_default="")
    # By channel, the fields of its Rendition, as composed when this was written; None where it was written before
    # versions kept them. Lists of messages do not load it: it holds pages of HTML.
    renditions: Mapped[dict[str, Any] | None] = deferred(mapped_column(JsonOrNone))
    created_at: Mapped[datetime] = mapped_column(default=now)

    message: Mapped[Message] = relationship(back_populates="versions")
    editor: Mapped[Staff] = relationship()
    recording: Mapped[Media | None] = relationship()
    attachments: Mapped[list[Attachment]] = relationship(cascade="all, delete-orphan", order_by="Attachment.position")
    lists: Mapped[list[DistributionList]] = relationship(secondary="version_lists", order_by="DistributionList.key")


class VersionList(Base):
    """One list a version is meant for."""

    __tablename__ = "version_lists"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"), primary_key=True)


class Attachment(Base):
    """A file that goes with a version, under the name the author gave it."""

    __tablename__ = "attachments"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"))

    media: Mapped[Media] = relationship()


class Decision(Base):
    """Approve, return or reject, by an officer, bound to one digest. One a version: the unique key sees to it."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), unique=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    decision: Mapped[str] = mapped_column(String(16))  # approve, return, reject
    digest: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str] = mapped_column(Text, default="")
    via: Mapped[str] = mapped_column(String(16), default="page")
    decided_at: Mapped[datetime] = mapped_column(default=now)

    message: Mapped[Message] = relationship(back_populates="decisions")
    version: Mapped[Version] = relationship()
    officer: Mapped[Staff] = relationship()


def input_digest_of(version: Version) -> str:
    """SHA-256, hex, over everything the author handed in, files by the SHA-256 of their bytes."""
    return _sha256(_handed_in(version))


def digest_of(version: Version) -> str:
    """SHA-256, hex, over everything the author handed in and what the version keeps for its channels: over all that an
    officer decides on.
    """
    # Of one written before versions kept any, there is nothing to add.
    kept = [] if version.renditions is None else [version.renditions]
    return _sha256([*_handed_in(version), *kept])


def _handed_in(version: Version) -> list[object]:
    """Attachments keep their order; lists are in any, by their keys."""
    when = version.release_at.astimezone(UTC).isoformat(timespec="microseconds") if version.release_at else None
    return [
        version.subject,
        version.text,
        version.recording.sha256 if version.recording else None,
        [[part.name, part.media.sha256] for part in version.attachments],
        sorted(one.key for one in version.lists),
        version.topic,
        version.urgency,
        when,
        version.valid_for,
    ]


def _sha256(parts: list[object]) -> str:
    # Databases keep the fields of an object in an order of their own.
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def untouched(version: Version) -> bool:
    """True while the version, its recording and its attachments hold, to the byte, what its digest was made of."""
    files = [version.recording, *(part.media for part in version.attachments)]
    return digest_of(version) == version.digest and all(one.intact for one in files if one)
