"""A message: what an author writes or records once, for many; its versions, its digest, its life."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
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
    digest: Mapped[str] = mapped_column(String(64), index=True)
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
    """Approve, return or reject, by an officer, bound to one digest and to the renditions of what they decide on.

    One a version: the unique key sees to it.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), unique=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    decision: Mapped[str] = mapped_column(String(16))  # approve, return, reject
    digest: Mapped[str] = mapped_column(String(64))
    renditions: Mapped[str] = mapped_column(String(64), default="", server_default="")  # see `digest_of_renditions`
    comment: Mapped[str] = mapped_column(Text, default="")
    via: Mapped[str] = mapped_column(String(16), default="page")
    decided_at: Mapped[datetime] = mapped_column(default=now)

    message: Mapped[Message] = relationship(back_populates="decisions")
    version: Mapped[Version] = relationship()
    officer: Mapped[Staff] = relationship()


def digest_of(
    *,
    subject: str,
    text: str,
    recording: str | None,
    attachments: Iterable[tuple[str, str]],
    lists: Iterable[str],
    topic: str,
    urgency: str,
    release_at: datetime | None,
    valid_for: int | None,
) -> str:
    """SHA-256, hex, over everything an author hands in. What channels make of it has a digest of its own.

    `recording` and the second of each attachment are SHA-256s of bytes; attachments keep their order, lists
    are the keys of the audience in any order.
    """
    when = release_at.astimezone(UTC).isoformat(timespec="microseconds") if release_at else None
    files = [list(pair) for pair in attachments]
    canonical = json.dumps(
        [subject, text, recording, files, sorted(lists), topic, urgency, when, valid_for],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_of_renditions(kept: object) -> str:
    """SHA-256, hex, over what a version keeps for its channels; "" where it keeps none."""
    if kept is None:
        return ""
    canonical = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def untouched(version: Version) -> bool:
    """True while the version, its recording and its attachments hold, to the byte, what its digest was made of."""
    files = [version.recording, *(part.media for part in version.attachments)]
    return recomputed_digest(version) == version.digest and all(one.intact for one in files if one)


def recomputed_digest(version: Version) -> str:
    """The digest of what the version holds now; differs from `version.digest` only after tampering."""
    return digest_of(
        subject=version.subject,
        text=version.text,
        recording=version.recording.sha256 if version.recording else None,
        attachments=[(part.name, part.media.sha256) for part in version.attachments],
        lists=[one.key for one in version.lists],
        topic=version.topic,
        urgency=version.urgency,
        release_at=version.release_at,
        valid_for=version.valid_for,
    )
