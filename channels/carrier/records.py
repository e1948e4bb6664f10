"""What the carrier remembers: texts, mails, calls, recordings. Times are epoch seconds."""

from dataclasses import dataclass, field
from time import time
from typing import Any

from channels.carrier.names import rfc3339

Doc = dict[str, Any]


@dataclass(slots=True)
class Message:
    """One text, either way. `direction`: outbound-api, outbound-reply, inbound."""

    sid: str
    to: str
    sender: str | None
    body: str
    status: str
    direction: str
    created: float
    updated: float
    sent: float | None = None
    reached: float | None = None
    error: int | None = None
    callback: str = ""
    service: str | None = None
    segments: int = 1
    media: list[str] = field(default_factory=list)
    raw: str = ""
    deleted: bool = False

    def entry(self) -> Doc:
        return {
            "id": self.sid, "channel": "sms", "to": self.to, "from": self.sender, "text": self.body,
            "provider_ref": self.sid, "accepted_at": rfc3339(self.created),
            "reached": self.reached is not None, "reached_at": rfc3339(self.reached),
            "state": self.status, "error": self.error, "raw_request": self.raw,
        }  # fmt: skip


@dataclass(slots=True)
class Fax:
    """One fax, either way; `text` is what can be read on its sheets, which lie in `faxes/<id>.pdf`."""

    id: str
    to: str
    sender: str
    direction: str
    status: str
    created: float
    updated: float
    callback: str = ""
    connection: str = ""
    client_state: str = ""
    quality: str = "normal"
    pages: int = 0
    text: str = ""
    reached: float | None = None
    error: str | None = None
    deleted: bool = False

    def entry(self) -> Doc:
        return {
            "id": self.id, "channel": "fax", "to": self.to, "from": self.sender, "text": self.text, "pages": self.pages,
            "provider_ref": self.id, "accepted_at": rfc3339(self.created),
            "reached": self.reached is not None, "reached_at": rfc3339(self.reached),
            "state": self.status, "error": self.error, "raw_request": self.client_state,
        }  # fmt: skip


@dataclass(slots=True)
class Mail:
    """One mail to one mailbox. Its text is made from the request on demand (see `mail_render`)."""

    id: str
    request: str
    index: int
    to: str
    state: str
    created: float
    role: str = "to"
    message_id: str = ""
    smtp_id: str = ""
    reached: float | None = None
    error: str | None = None
    attempts: int = 0
    history: list[Doc] = field(default_factory=list)


@dataclass(slots=True)
class InboundMail:
    """A mail a person wrote to us. `state`: posting, posted, dropped."""

    id: str
    to: str
    sender: str
    subject: str
    text: str
    html: str
    created: float
    message_id: str
    headers: list[tuple[str, str]]
    attachments: list[Doc]
    charset: str = "utf-8"
    raw: str = ""
    raw_mode: bool = False
    state: str = "posting"
    attempts: int = 0
    answer: str = ""


@dataclass(slots=True)
class Call:
    """One leg. `direction`: outbound-api, outbound-dial, inbound. `transcript`: `{at, after, what, …}` in order;
    `requests`: what the product was asked, `{after, path, status, ms}`; `legs`: the calls that a Dial in it made."""

    sid: str
    to: str
    sender: str
    direction: str
    status: str
    created: float
    updated: float
    parent: str | None = None
    started: float | None = None
    answered: float | None = None
    ended: float | None = None
    duration: int | None = None
    answered_by: str | None = None
    reached: float | None = None
    sip: int | None = None
    error: str | None = None
    asked: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    sequence: int = 0
    transcript: list[Doc] = field(default_factory=list)
    now: Doc | None = None
    raw: str = ""
    legs: list[str] = field(default_factory=list)
    requests: list[Doc] = field(default_factory=list)
    asking: float = 0.0  # real seconds that the product took to answer
    asked_at: float | None = None  # while it has not answered yet
    rang_at: float | None = None  # on the call's own clock, as are the next
    answered_at: float | None = None

    def clock(self, speed: float) -> float:
        """Seconds since it was made, as they would have been at speed 1: only the product's own time is not scaled."""
        end = self.ended or time()
        asking = self.asking + (max(0.0, end - self.asked_at) if self.asked_at else 0.0)
        return (end - self.created - asking) * speed + asking

    @property
    def person(self) -> str:
        """The number at the far end."""
        return self.sender if self.direction == "inbound" else self.to

    @property
    def live(self) -> bool:
        return self.status in ("queued", "ringing", "in-progress")

    def entry(self) -> Doc:
        return {
            "id": self.sid, "channel": "voice", "to": self.to, "from": self.sender,
            "provider_ref": self.sid, "accepted_at": rfc3339(self.created),
            "reached": self.reached is not None, "reached_at": rfc3339(self.reached),
            "state": self.status, "error": self.error, "answered_by": self.answered_by,
            "direction": self.direction, "duration": self.duration, "transcript": self.transcript,
            "raw_request": self.raw,
        }  # fmt: skip


@dataclass(slots=True)
class Recording:
    """Audio a person left; the file is `audio/<sid>.wav` in the state directory."""

    sid: str
    call: str
    created: float
    duration: int
    status: str = "in-progress"
    source: str = "RecordVerb"
    fetchable: float = 0.0  # from when on its sound is there
    transcription: Doc | None = None
