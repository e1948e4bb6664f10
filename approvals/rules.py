"""The rules a submission must keep: one small check each, which returns what is wrong by field."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.model.message import URGENCIES
from dispatcher.services.media import Upload, examine_recording

Wrong = dict[str, str]

MAX_SUBJECT = 300
MAX_TEXT = 20_000
MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_BYTES = 20_000_000
MAX_AHEAD = timedelta(days=366)
_LOST = "\N{REPLACEMENT CHARACTER}"  # what a decoder leaves of bytes in another encoding
# By these letters and numbers are shown in another order than they are read aloud. The second two belong to words from
# right to left; elsewhere "10 - 20" after them is shown as "20 - 10". Their likes from left to right do no harm:
# telephones put them around every number that is copied.
_TURNING = frozenset("\N{LEFT-TO-RIGHT OVERRIDE}\N{RIGHT-TO-LEFT OVERRIDE}")
_SETTING = frozenset("\N{RIGHT-TO-LEFT EMBEDDING}\N{RIGHT-TO-LEFT ISOLATE}")
ATTACHMENT_TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(slots=True)
class Submission:
    """What an author hands in. `lists` are keys, `valid_for` seconds, `release_at` with its zone."""

    subject: str = ""
    text: str = ""
    lists: list[str] = field(default_factory=list)
    topic: str = ""
    urgency: str = "normal"
    release_at: datetime | None = None
    valid_for: int | None = None
    recording: Upload | None = None
    attachments: list[Upload] = field(default_factory=list)


def _control_characters(text: str, allowed: str = "") -> str:
    return "".join(one for one in text if unicodedata.category(one) == "Cc" and one not in allowed)


def words_are_as_written(form: Submission) -> Wrong:
    """Officers read what customers will, and nobody has to guess a letter."""
    wrong: Wrong = {}
    names = (("attachments", f"{one.name!a}: its name ", one.name) for one in form.attachments)
    fields = (("subject", "", form.subject), ("text", "", form.text), ("topic", "", form.topic), *names)
    for name, what, text in fields:
        if _LOST in text:
            wrong[name] = f"{what}holds {_LOST} in place of a letter: send it in UTF-8, or write that letter anew"
        elif not _TURNING.isdisjoint(text) or not (_SETTING.isdisjoint(text) or _is_right_to_left(text)):
            wrong[name] = f"{what}holds a character that shows the words after it in another order; remove it"
    return wrong


def _is_right_to_left(text: str) -> bool:
    """Whether it holds a letter of such a script."""
    return any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)


def subject_fits(form: Submission) -> Wrong:
    if len(form.subject) > MAX_SUBJECT:
        return {"subject": f"has {len(form.subject)} characters; at most {MAX_SUBJECT} are taken"}
    if _control_characters(form.subject):
        return {"subject": "has line breaks or control characters; write it on one line"}
    return {}


def text_fits(form: Submission) -> Wrong:
    if len(form.text) > MAX_TEXT:
        return {"text": f"has {len(form.text)} characters; at most {MAX_TEXT} are taken"}
    if _control_characters(form.text, allowed="\n\r\t"):
        return {"text": "has control characters; remove them"}
    return {}


def urgency_is_known(form: Submission) -> Wrong:
    return {} if form.urgency in URGENCIES else {"urgency": f"must be one of {', '.join(URGENCIES)}"}


def topic_fits(form: Submission) -> Wrong:
    if len(form.topic) > 64 or _control_characters(form.topic):
        return {"topic": "must be at most 64 characters on one line"}
    return {}


def times_fit(form: Submission, now: datetime) -> Wrong:
    wrong: Wrong = {}
    if form.release_at is not None and form.release_at.tzinfo is None:
        wrong["release_at"] = "needs a time zone, e.g. 2030-01-31T09:30:00Z"
    elif form.release_at is not None and form.release_at < now - timedelta(minutes=1):
        wrong["release_at"] = "is in the past; leave it empty to release on approval"
    elif form.release_at is not None and form.release_at > now + MAX_AHEAD:
        wrong["release_at"] = "is more than a year ahead"
    if form.valid_for is not None and not 60 <= form.valid_for <= 30 * 86400:
        wrong["valid_for"] = "must be between 60 seconds and 30 days, in seconds"
    return wrong


def recording_is_sound(form: Submission) -> Wrong:
    if form.recording is None:
        return {}
    try:
        examine_recording(form.recording.content)
    except ValueError as error:
        return {"recording": str(error)}
    return {}


def attachment_type(upload: Upload) -> str:
    """The media type by the name's ending. Raises ValueError where that kind is not taken."""
    ending = upload.name.rsplit(".", 1)[-1].lower() if "." in upload.name else ""
    if ending not in ATTACHMENT_TYPES:
        raise ValueError(f"{upload.name!r} is of a kind that is not taken; send {', '.join(sorted(ATTACHMENT_TYPES))}")
    return ATTACHMENT_TYPES[ending]


def attachments_fit(form: Submission) -> Wrong:
    if len(form.attachments) > MAX_ATTACHMENTS:
        return {"attachments": f"are {len(form.attachments)}; at most {MAX_ATTACHMENTS} are taken"}
    if sum(len(one.content) for one in form.attachments) > MAX_ATTACHMENT_BYTES:
        return {"attachments": f"are over {MAX_ATTACHMENT_BYTES // 1_000_000} MB together"}
    for upload in form.attachments:
        if not upload.name or len(upload.name) > 200 or _control_characters(upload.name) or "/" in upload.name:
            return {"attachments": "need a plain file name of at most 200 characters"}
        if not upload.content:
            return {"attachments": f"{upload.name!r} is empty"}
        try:
            attachment_type(upload)
        except ValueError as error:
            return {"attachments": str(error)}
    return {}


def lists_exist(form: Submission, known: Iterable[str]) -> Wrong:
    unknown = sorted(set(form.lists) - set(known))
    return {"lists": f"there is no list {', '.join(map(repr, unknown))}"} if unknown else {}


def complete(form: Submission, has_recording: bool) -> Wrong:
    """What a draft may lack and a submission may not."""
    wrong: Wrong = {}
    if not form.subject.strip():
        wrong["subject"] = "is missing"
    if not form.text.strip() and not has_recording:
        wrong["text"] = "is missing: write the alert, or add a recording"
    if not form.lists:
        wrong["lists"] = "are missing: choose at least one list"
    return wrong
