"""What an analyst wrote in a mail or a text message: subject, words, lists, and the files that an alert can carry."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import rules
from approvals.rules import Submission
from dispatcher.model import DistributionList, Version
from dispatcher.model.ports import File
from dispatcher.services import mail_text
from dispatcher.services.media import Upload, examine_recording

# How a version came, where it came by message. Whoever can write a caller's number can write UNPROVEN words: they
# follow a dictated alert without its reference.
UNPROVEN = "sms-unproven"
WAYS = ("mail", "sms", UNPROVEN)
MOST_SUBJECT = 120  # of one that is made of the first line
_BRACKET = re.compile(r"\s*\[([^\[\]]{1,200})\]\s*")
_LISTS_LINE = re.compile(r"\s*(?:lists?|verteiler|listen?|listes?)\s*:\s*([^\n]{1,500})(?:\n|\Z)", re.IGNORECASE)
_MARK = re.compile(r"\s*#([^\s#:,;]{1,100})[:,;]?(?=\s|\Z)")
_FRONT = re.compile(r"\s*([^\n:]{1,200}):\s*")
_SOUNDS = ("wav", "mp3", "ogg", "oga", "opus", "m4a", "aac", "amr", "flac", "wma", "caf", "3gp")


@dataclass(slots=True)
class Written:
    """An alert as it was written. `lists` are those it names, `unknown` names of none, `standing` marks that may have
    been meant for one but stay in the alert ("#LTMY cut"), `left` what could not be taken and why."""

    subject: str
    text: str
    lists: list[DistributionList] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    recording: Upload | None = None
    attachments: list[Upload] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def name(self, lists: Sequence[DistributionList]) -> None:
        """These are meant, too."""
        self.lists += [one for one in lists if one not in self.lists]


def of_mail(session: Session, subject: str, original: str, *, answer: bool = False) -> Written:
    """From a mail's subject ("[tech] …") and its own words, before which "Lists: tech, oil" may stand.

    What is passed on has no other words than the quoted ones; those of an `answer` are ours.
    """
    own = mail_text.own_words(original) or ("" if answer else original.strip())
    written = Written(subject, plain(own))
    while found := _BRACKET.match(written.subject):
        if not _take(session, written, found[1]):
            written.standing.append(found[0].strip())  # "[External]" is no list
            break
        written.subject = written.subject[found.end() :]
    if line := _LISTS_LINE.match(written.text):
        written.text = written.text[line.end() :].lstrip("\n")
        if not _take(session, written, line[1]):
            written.unknown += _names(line[1])
    written.subject = plain(written.subject.replace("\n", " "))
    return written


def of_text(session: Session, original: str) -> Written:
    """From a text message, before which "#tech #oil", "tech:" or "tech, oil:" may stand."""
    written = Written("", plain(original))
    while (mark := _MARK.match(written.text)) and _take(session, written, mark[1]):
        written.text = written.text[mark.end() :].strip()
    if left := _MARK.match(written.text):
        written.standing.append(f"#{left[1]}")
    front = _FRONT.match(written.text)
    if front and not written.lists and _take(session, written, front[1], whole=True):
        written.text = written.text[front.end() :].strip()
    return written


def entitle(written: Written, author: str) -> None:
    """A subject where there is none: the first line, if others follow it."""
    if written.subject:
        return
    first, _, rest = written.text.partition("\n")
    if rest.strip() and len(first) <= MOST_SUBJECT:
        written.subject, written.text = first.strip(), rest.strip()
    else:
        written.subject = f"Alert by {author}"


def way_of_words(version: Version) -> str:
    """The `via` by which its text came; an edit of other things leaves that."""
    first = version
    for one in sorted(version.message.versions, key=lambda one: -one.number):
        if one.number < version.number and one.text != version.text:
            break
        first = one if one.number < first.number else first
    return first.via


def is_unproven(version: Version) -> bool:
    """Whether nothing shows that its text is its author's: it came by text message, without the reference."""
    return bool(version.text.strip()) and way_of_words(version) == UNPROVEN


def sort_files(written: Written, files: Sequence[File], html: str) -> None:
    """The first sound becomes the recording, what an alert can carry its attachments; the rest is named."""
    for one in files:
        upload = Upload(one.name, one.content)
        if one.media_type.startswith("image/") and f"cid:{one.name}".lower() in html.lower():
            written.left.append(f"{one.name} (a picture in the text)")
        elif is_sound(one):
            _hear(written, upload)
        elif wrong := rules.attachments_fit(Submission(attachments=[*written.attachments, upload])):
            written.left.append(f"{one.name} ({wrong['attachments'].replace(repr(one.name), '').strip()})")
        else:
            written.attachments.append(upload)


def is_sound(file: File) -> bool:
    """Whether it was sent as a recording, readable or not."""
    return file.media_type.startswith("audio/") or file.name.rsplit(".", 1)[-1].lower() in _SOUNDS


def _hear(written: Written, upload: Upload) -> None:
    if written.recording is not None:
        written.left.append(f"{upload.name} (an alert has one recording)")
        return
    try:
        examine_recording(upload.content)
    except ValueError as error:
        written.left.append(f"{upload.name} ({error})")
    else:
        written.recording = upload


def plain(text: str) -> str:
    """Without control characters, which no alert may hold, and without space around it."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in kept if one in "\n\t" or unicodedata.category(one) != "Cc").strip()


def _names(text: str) -> list[str]:
    return [name for part in re.split(r"[,;]", text) if (name := part.strip().lstrip("#").strip())]


def _take(session: Session, written: Written, text: str, *, whole: bool = False) -> bool:
    """Take the lists that a text names, by key, name or number; False where it names none, or `whole` and not only."""
    found, unknown = [], []
    for name in _names(text):
        one = _named(session, name)
        if one is None:
            unknown.append(name)
        else:
            found.append(one)
    if not found or (whole and unknown):
        return False
    written.name(found)
    written.unknown += unknown
    return True


def _named(session: Session, name: str) -> DistributionList | None:
    wanted = name.lower()
    query = select(DistributionList).order_by(DistributionList.id).limit(1)
    for condition in (func.lower(DistributionList.key) == wanted, func.lower(DistributionList.name) == wanted):
        if (found := session.scalar(query.where(condition))) is not None:
            return found
    if name.isascii() and name.isdigit() and len(name) < 10:
        return session.scalar(query.where(DistributionList.number == int(name)))
    return None
