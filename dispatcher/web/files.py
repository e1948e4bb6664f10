"""Sounds and attachments as answers: types of our own choosing, ranges for players, plays on record."""

from __future__ import annotations

import io
import re

from flask import Response, request, send_file
from sqlalchemy.orm import Session

from dispatcher import door
from dispatcher.model import Media, Staff
from dispatcher.services.audit import record
from dispatcher.web import sounds

# Only these are shown by a browser; everything else is a download of no particular type.
_SHOWN = frozenset({"audio/wav", "audio/mpeg", "audio/ogg"})


def audio(media: Media) -> Response:
    """A recording for a player: ranges are answered, so that one can seek."""
    content, kind = sounds.for_browsers(media)
    kind = kind if kind in _SHOWN else "application/octet-stream"
    return _answer(content, kind, f"recording.{kind.rsplit('/', 1)[-1]}", attached=kind not in _SHOWN)


def download(media: Media, name: str) -> Response:
    """An attachment, always as a download: nothing that people uploaded is shown on our own site."""
    return _answer(media.read(), "application/octet-stream", safe_name(name), attached=True)


def saved(content: bytes, kind: str, disposition: str) -> Response:
    """A file that a stranger sent: a download and nothing else, of this type, with this Content-Disposition."""
    response = _answer(content, kind, "file", attached=True)
    response.headers["Content-Disposition"] = disposition
    return response


def wav(content: bytes) -> Response:
    """Telephone audio."""
    return _answer(content, "audio/wav", "recording.wav", attached=False)


def _answer(content: bytes, kind: str, name: str, *, attached: bool) -> Response:
    response = send_file(
        io.BytesIO(content), mimetype=kind, as_attachment=attached, download_name=name, conditional=True, max_age=0
    )
    # Werkzeug counts bytes in files only; without a length there are no ranges.
    response.content_length = len(content) if response.status_code == 200 else response.content_length
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; media-src 'self'; sandbox"
    return response


def safe_name(name: str) -> str:
    """The name without anything a file system or a header could take amiss."""
    plain = re.sub(r"[^\w .()\-]", "_", name).strip(" .")
    return plain[-150:] or "attachment"


def begins_play() -> bool:
    """True for the request that starts a play: players ask again for later ranges while they play or seek."""
    return request.method == "GET" and request.headers.get("Range", "bytes=0-").startswith("bytes=0-")


def record_play(session: Session, staff: Staff, subject: str, **detail: object) -> None:
    """Put on record that this person heard a recording."""
    record(session, door.runtime(), staff, "play recording", subject, **detail)
