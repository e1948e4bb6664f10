"""Files that came with an answer: kept within bounds, never unpacked, known by what they are, not by their names."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatcher.model import Reply, ReplyFile
from dispatcher.model.ports import File
from dispatcher.services import file_names, media
from dispatcher.services.once import clean

MOST_FILES = 20
MOST_BYTES, MOST_IN_ALL = 10_000_000, 25_000_000
# What an archive says it unpacks to, in bytes and times its own size. We unpack nothing; whoever downloads it may.
MOST_UNPACKED, MOST_RATIO = 200_000_000, 100
MOST_ENTRIES = 10_000
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_RATIO_FROM = 1_000_000  # bytes unpacked: below that no ratio does harm

BINARY = "application/octet-stream"
# How files begin that a browser or a player may be told of: media type and the ending of the name they leave under.
_BEGINNINGS = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
    (b"II*\x00", "image/tiff", "tif"),
    (b"MM\x00*", "image/tiff", "tif"),
    (b"OggS", "audio/ogg", "ogg"),
    (b"fLaC", "audio/flac", "flac"),
    (b"ID3", "audio/mpeg", "mp3"),
    (b"\xff\xfb", "audio/mpeg", "mp3"),
    (b"\xff\xf3", "audio/mpeg", "mp3"),
)
_RIFF = {b"WAVE": ("audio/wav", "wav"), b"WEBP": ("image/webp", "webp")}
_ZIP, _GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
# Office's files are archives. Without macros and embedded objects they leave under the names that open them.
_OFFICE_TYPE = "application/vnd.openxmlformats-officedocument."
_OFFICE = {
    "word/": (f"{_OFFICE_TYPE}wordprocessingml.document", "docx"),
    "xl/": (f"{_OFFICE_TYPE}spreadsheetml.sheet", "xlsx"),
    "ppt/": (f"{_OFFICE_TYPE}presentationml.presentation", "pptx"),
}
_MACROS = ("vbaproject", "activex", "oleobject", "embeddings/", "macrosheets/", "customui")
_ENDINGS = {
    **{kind: ending for _, kind, ending in _BEGINNINGS},
    **dict(_RIFF.values()),
    **dict(_OFFICE.values()),
    "audio/mp4": "m4a",
    "text/plain": "txt",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an answer as people see it: `name` is its sender's, `saved_as` that made safe; `note`: why it is not
    offered.

    `size` is in bytes, None where they were not kept.
    """

    position: int
    name: str
    saved_as: str
    size: int | None
    note: str

    @property
    def offered(self) -> bool:
        """Whether it can be downloaded."""
        return not self.note


# --- keeping ----------------------------------------------------------------------------------------------


def keep(session: Session, reply: Reply, files: Sequence[File]) -> None:
    """Keep the files of a new reply. What is too large is named, without its bytes.

    The whole mail stays in its raw callback in any case.
    """
    room = MOST_IN_ALL
    for position, file in enumerate(files[:MOST_FILES], 1):
        row = ReplyFile(reply_id=reply.id, position=position, name=clean(file.name, 200) or "attachment")
        row.note = _too_large(file.content, room)
        if not row.note:
            room -= len(file.content)
            stored = media.store(session, file.content, sniffed(file.content)[0])
            row.media_id, row.note = stored.id, dangerous(file.content)
        session.add(row)
    if len(files) > MOST_FILES:
        more = f"and {len(files) - MOST_FILES} more"
        note = f"not kept: more than {MOST_FILES} files came with it"
        session.add(ReplyFile(reply_id=reply.id, position=MOST_FILES + 1, name=more, note=note))
    session.flush()
    session.expire(reply, ["files"])


def arrived(session: Session, row: ReplyFile, content: bytes) -> str:
    """The bytes of a file that its reply was kept without, now fetched; their hash."""
    row.note = _too_large(content, MOST_IN_ALL)
    if row.note:
        return ""
    row.media, row.note = media.store(session, content, sniffed(content)[0]), dangerous(content)
    return row.media.sha256


def _too_large(content: bytes, room: int) -> str:
    if not content:
        return "empty"
    if len(content) > MOST_BYTES:
        return f"not kept: {_size(len(content))}, and at most {_size(MOST_BYTES)} are kept of a file"
    return f"not kept: all files together are more than {_size(MOST_IN_ALL)}" if len(content) > room else ""


def dangerous(content: bytes) -> str:
    """Why a file is not to be offered: an archive that says it unpacks to very much. "" for all others."""
    if content.startswith(_ZIP):
        unpacked, entries = _zip_promises(content)
        if entries > MOST_ENTRIES:
            return f"not offered: it unpacks to more than {MOST_ENTRIES:,} files"
    elif content.startswith(_GZIP) and len(content) > 18:
        unpacked = int.from_bytes(content[-4:], "little")
    else:
        return ""
    if unpacked > MOST_UNPACKED or (unpacked > _RATIO_FROM and unpacked > MOST_RATIO * len(content)):
        return f"not offered: it unpacks to {_size(unpacked)}"
    return ""


def _zip_promises(content: bytes) -> tuple[int, int]:
    """Bytes and entries by the archive's directory, which alone is read."""
    if content.count(b"PK\x01\x02") > MOST_ENTRIES:
        return 0, MOST_ENTRIES + 1
    entries = _directory(content)
    return sum(one.file_size for one in entries), len(entries)


def _directory(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, ValueError, RuntimeError, OSError, EOFError):
        return []


def _size(number: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{number / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{number} bytes"


# --- showing ------------------------------------------------------------------------------------------


def listed(reply: Reply) -> list[Listed]:
    """The reply's files, for lists on pages and in the API."""
    return [
        Listed(one.position, one.name, saved_as(one), one.media.size if one.media else None, one.note)
        for one in reply.files
    ]


def saved_as(file: ReplyFile) -> str:
    """The name under which it leaves: the sender's made safe, with the ending that its bytes deserve."""
    return file_names.safe(file.name, _ending(file)) or _ours(file)


def disposition(file: ReplyFile) -> str:
    """The header Content-Disposition with which it leaves."""
    return file_names.disposition(saved_as(file), _ours(file))


def _ours(file: ReplyFile) -> str:
    return f"reply-{file.reply_id}-{file.position}.{_ending(file)}"


def _ending(file: ReplyFile) -> str:
    return "bin" if file.media is None or file.note else _ENDINGS.get(file.media.media_type, "bin")


def served_as(content: bytes) -> str:
    """The media type that is told to browsers: of images, PDF and sound, else of bytes of no type."""
    kind = sniffed(content)[0]
    return kind if kind.startswith(("image/", "audio/")) or kind == "application/pdf" else BINARY


def sniffed(content: bytes) -> tuple[str, str]:
    """Media type and ending by what the bytes are, whatever their sender calls them; of what may deceive, none."""
    for beginning, kind, ending in _BEGINNINGS:
        if content.startswith(beginning):
            return kind, ending
    if content.startswith(b"RIFF"):
        return _RIFF.get(content[8:12], (BINARY, "bin"))
    if content[4:11] == b"ftypM4A":
        return "audio/mp4", "m4a"
    if content.startswith(_ZIP):
        return _office(content)
    return ("text/plain", "txt") if _is_plain_text(content) else (BINARY, "bin")


def _office(content: bytes) -> tuple[str, str]:
    if dangerous(content):
        return BINARY, "bin"
    names = [one.filename.lower() for one in _directory(content)]
    if "[content_types].xml" not in names or any(part in name for name in names for part in _MACROS):
        return BINARY, "bin"
    return next((found for folder, found in _OFFICE.items() if any(name.startswith(folder) for name in names)),
                (BINARY, "bin"))  # fmt: skip


def _is_plain_text(content: bytes) -> bool:
    """Words and numbers; not what begins like a page, a drawing or a script."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    start = text.lstrip()[:1]
    return start not in ("", "<", "#", "{") and not _CONTROLS.search(text)
