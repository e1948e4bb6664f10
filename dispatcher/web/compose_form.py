"""The form of a message: what was typed, as it was typed, and what it means."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from approvals import policy
from approvals.submission import Submission
from dispatcher import door
from dispatcher.model import DistributionList, Media, Message, Staff
from dispatcher.model.errors import Refused
from dispatcher.services import local_time, media
from dispatcher.services.media import Upload
from dispatcher.web import moments


@dataclass(slots=True)
class Form:
    """The fields as text. `kept` are tokens of files uploaded before, with their names, for the next try."""

    subject: str = ""
    text: str = ""
    lists: list[str] = field(default_factory=list)
    topic: str = ""
    urgency: str = "normal"
    release_at: str = ""
    zone: str = "UTC"
    valid_for: str = ""
    remove_recording: bool = False
    drop: set[str] = field(default_factory=set)  # positions of attachments to take away
    recording: Upload | None = None
    attachments: list[Upload] = field(default_factory=list)
    kept_recording: tuple[str, str] | None = None
    kept_attachments: list[tuple[str, str]] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    overtaken: bool = False
    has_recording: bool = False  # without an upload: the current version's, when it stays
    once: str = field(default_factory=door.once)

    @classmethod
    def of(cls, message: Message, zone: str) -> Form:
        """The form filled with a message's current version."""
        version = message.current
        local = message.release_at.astimezone(ZoneInfo(zone)) if message.release_at else None
        return cls(
            subject=version.subject,
            text=version.text,
            lists=[one.key for one in version.lists],
            topic=version.topic,
            urgency=version.urgency,
            release_at=local.strftime("%Y-%m-%dT%H:%M") if local else "",
            zone=zone,
            valid_for=str(message.valid_for) if message.valid_for else "",
        )

    def require(self) -> None:
        """Raise Refused where what was typed cannot even be read, with the rules' own findings beside it."""
        wrong: dict[str, str] = {}
        try:
            self.moment()
        except ValueError as error:
            wrong["release_at"] = str(error)
        if self.valid_for and not (self.valid_for.isascii() and self.valid_for.isdigit() and len(self.valid_for) < 8):
            wrong["valid_for"] = "must be chosen from the list"
        if wrong:
            raise Refused({**self._other_faults(), **wrong})

    def _other_faults(self) -> dict[str, str]:
        """What the rules would say of the rest, so that every wrong field shows at once."""
        known = list(door.db().scalars(select(DistributionList.key)))
        readable = Form(
            subject=self.subject, text=self.text, lists=self.lists, topic=self.topic, urgency=self.urgency,
            recording=self.recording, attachments=self.attachments,
        )  # fmt: skip
        draft = request.form.get("act") == "draft"
        return policy.wrong_fields(
            readable.submission(),
            known_lists=known,
            now=door.runtime().now(),
            draft=draft,
            has_recording=self.has_recording,
        )

    def moment(self) -> datetime | None:
        """The release time typed, in UTC. Raises ValueError with a text for people."""
        if not self.release_at:
            return None
        if self.zone not in local_time.names():
            raise ValueError("needs a time zone from the list")
        return moments.typed(self.release_at, ZoneInfo(self.zone))

    def submission(self) -> Submission:
        """What the form means. Call `require` before."""
        return Submission(
            subject=self.subject,
            text=self.text,
            lists=self.lists,
            topic=self.topic,
            urgency=self.urgency,
            release_at=self.moment(),
            valid_for=int(self.valid_for) if self.valid_for else None,
            recording=self.recording,
            attachments=self.attachments,
        )

    def changes(self, message: Message) -> dict[str, object]:
        """Only what differs from the current version, so that saving an untouched form changes nothing."""
        version = message.current
        meant = self.submission()
        present: dict[str, object] = {
            "subject": version.subject,
            "text": version.text,
            "lists": sorted(one.key for one in version.lists),
            "topic": version.topic,
            "urgency": version.urgency,
            "release_at": message.release_at,
            "valid_for": message.valid_for,
        }
        wanted: dict[str, object] = {name: getattr(meant, name) for name in present}
        wanted["lists"] = sorted(meant.lists)
        if self.text == _typed(version.text):
            wanted["text"] = version.text
        found = {name: value for name, value in wanted.items() if value != present[name]}
        if self.recording is not None:
            found["recording"] = self.recording
        elif self.remove_recording and version.recording is not None:
            found["recording"] = None
        if self.attachments or self.drop:
            stay = [
                Upload(one.name, one.media.content) for one in version.attachments if str(one.position) not in self.drop
            ]
            if self.attachments or len(stay) != len(version.attachments):
                found["attachments"] = stay + self.attachments
        return found

    def fingerprint(self) -> str:
        """The same for two sends of the same form."""
        files = [hashlib.sha256(one.content).hexdigest() for one in [self.recording, *self.attachments] if one]
        parts = (self.subject, self.text, *self.lists, self.topic, self.urgency, self.release_at, self.zone, *files)
        return hashlib.sha256("\x1f".join((*parts, self.valid_for)).encode()).hexdigest()

    def keep_files(self, staff: Staff) -> None:
        """Put uploaded files that are sound aside for the next try, each behind a token only this person can use."""
        self.kept_recording = None
        self.kept_attachments = []
        with door.writer() as session:
            if self.recording is not None and "recording" not in self.wrong:
                sound = media.examine_recording(self.recording.content)
                row = media.store(session, self.recording.content, sound.media_type, sound.seconds)
                self.kept_recording = (_token(staff, row, self.recording.name), self.recording.name)
            if "attachments" not in self.wrong:
                for one in self.attachments:
                    row = media.store(session, one.content, "application/octet-stream")
                    self.kept_attachments.append((_token(staff, row, one.name), one.name))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(door.runtime().key("kept upload"))


def _token(staff: Staff, row: Media, name: str) -> str:
    return str(_serializer().dumps([staff.id, row.id, name]))


def _kept(staff: Staff, token: str) -> Upload | None:
    try:
        staff_id, media_id, name = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    row = door.db().get(Media, media_id) if staff_id == staff.id else None
    return Upload(str(name), row.content) if row else None


def read(staff: Staff, message: Message | None = None) -> Form:
    """The form as it was sent."""
    given = request.form
    form = Form(
        subject=given.get("subject", "").strip(),
        text=_typed(given.get("text", "")),
        lists=list(dict.fromkeys(given.getlist("lists"))),
        topic=given.get("topic", "").strip(),
        urgency=given.get("urgency", "normal"),
        release_at=given.get("release_at", "").strip(),
        zone=given.get("zone", "UTC").strip(),
        valid_for=given.get("valid_for", "").strip(),
        remove_recording="remove_recording" in given,
        drop=set(given.getlist("drop")),
        once=given.get("once", "")[:64],
    )
    form.has_recording = bool(message and message.current.recording and not form.remove_recording)
    form.recording = _upload(request.files.get("recording")) or _kept_one(staff, given.get("kept_recording", ""))
    form.attachments = [upload for one in request.files.getlist("attachments") if (upload := _upload(one))]
    form.attachments += [upload for token in given.getlist("kept") if (upload := _kept(staff, token))]
    return form


def _typed(text: str) -> str:
    """A text as a browser would send it back, but with plain line ends: the same words must have one digest."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _kept_one(staff: Staff, token: str) -> Upload | None:
    return _kept(staff, token) if token else None


def _upload(sent: FileStorage | None) -> Upload | None:
    if sent is None or not sent.filename:
        return None
    name: Any = sent.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return Upload(str(name)[:200], sent.read())
