"""Telephone lines: neutral verbs, rendered by the vendor's adapter. What a live call asks, and what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.model.ports import File, WebRequest


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Play:
    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """Say or play `prompts` while waiting for `digits` keys, or fewer and the key `ends`; goes to `next_url` also on
    silence. `timeout` is in seconds without a key."""

    prompts: tuple[Say | Play | Pause, ...]
    next_url: str
    digits: int = 1
    timeout: int = 6
    ends: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Record what the caller says after a tone, until a key or so many seconds of `silence`; goes to `next_url`, and
    `done_url` is told when it can be fetched."""

    next_url: str
    done_url: str
    max_seconds: int = 180
    silence: int = 5
    language: str = "en"  # of the speaker, for whoever writes it down


@dataclass(frozen=True, slots=True)
class Dial:
    """Join the caller to `number`; `whisper_url` is played to that side first. Goes to `next_url` afterwards."""

    number: str
    caller_id: str
    next_url: str
    whisper_url: str = ""
    timeout: int = 20


@dataclass(frozen=True, slots=True)
class Go:
    """Ask `url` what comes next, once all before it was said."""

    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb = Say | Play | Pause | Gather | Record | Dial | Go | Hangup


@dataclass(frozen=True, slots=True)
class CallStep:
    """One request of a live call, asking what to do next."""

    call_ref: str
    caller: str  # who rang; our own number for calls out
    called: str
    outbound: bool
    digits: str = ""
    answered_by: str = ""  # human, machine or "" (unknown or not asked)
    recording_ref: str = ""
    recording_seconds: float = 0
    dial_status: str = ""  # completed, busy, no-answer, failed; completed only where both sides were joined
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class RecordingNews:
    """A recording has become available at the provider, or turned out to be empty; or with `transcript` its words
    have been written down, "" where none were understood."""

    call_ref: str
    recording_ref: str
    available: bool
    seconds: float = 0
    transcript: str | None = None


class PhoneLine(Protocol):
    """A vendor's live calls."""

    def read(self, request: WebRequest) -> CallStep: ...

    def read_recording(self, request: WebRequest) -> RecordingNews: ...

    def render(self, verbs: Sequence[Verb]) -> tuple[str, str]:
        """The answer's body and its media type."""

    async def fetch_recording(self, recording_ref: str) -> File | None:
        """The audio, from the vendor's own host only, size- and time-limited; None where the vendor has none of that
        reference (yet). Raises ProviderError."""

    async def erase_recording(self, recording_ref: str, *, transcripts: bool) -> None:
        """Delete it at the vendor, with what was written down of it; one that is gone is no error. Raises
        ProviderError."""

    async def aclose(self) -> None: ...


class Transcriber(Protocol):
    """Writes down what was said. `name` is what TRANSCRIPTION calls it."""

    name: str

    async def transcribe(self, recording_ref: str, sound: File, language: str) -> str | None:
        """The words of a recording that a line of the same vendor has, or of its `sound`; "" where none can be
        understood, None where it takes a while yet. Raises ProviderError."""

    async def aclose(self) -> None: ...
