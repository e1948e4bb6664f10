"""The record outside the database: by it a database that was restored from a backup is known.

VAR_DIR of every host keeps two things that no restore of the database takes back. `audit-anchors.jsonl` names heads
of the audit chain. `database-mark.json` holds the database's name and its beat, a count that grows each minute: a
restored database falls short of it even where nothing was recorded since the backup. Whatever the database holds is
written outside only after it was committed, so outside is never ahead by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, Mark, Pause
from dispatcher.runtime import Runtime
from dispatcher.services import pause
from dispatcher.services.once import insert_once

ANCHORS, MARK = "audit-anchors.jsonl", "database-mark.json"
_TAIL = 4096  # bytes of the anchors' file that hold its last line

Seen = dict[str, Any]  # a mark outside, as it stands in a pause: what it was, and its values


@dataclass(frozen=True, slots=True)
class Beat:
    """What is to be noted outside once the database has committed it. `lost`: the anchors so far are of a lost past."""

    name: str
    beat: int
    seq: int
    hash: str
    at: str
    lost: bool


def look(session: Session, runtime: Runtime) -> Pause | None:
    """Compare the database with what this host has seen of it; pause where it is older, or another one.

    The pause that stands for a restore afterwards, new or not; None when all is well. What was seen before a person
    resumed after an earlier restore counts no more. The caller commits.
    """
    fresh = [seen for seen in _ahead(session, runtime.settings.var_dir) if not _settled(session, seen)]
    if fresh:
        reason = f"the database is older than the record outside it: {'; '.join(_words(seen) for seen in fresh)}"
        if pause.open_pause(session, runtime, "restore", reason, "system", fresh) is None:
            # Another host's clock was quicker: what this host knows is settled by the same resume.
            standing = _standing(session)
            if standing is not None:
                standing.outside = [*standing.outside, *(seen for seen in fresh if seen not in standing.outside)]
    return _standing(session)


def beat(session: Session, runtime: Runtime) -> Beat | None:
    """Advance the database's beat, after `look`; the caller commits, then hands the result to `note_down`.

    None while a restore is not settled: what is outside is the evidence, and stays as it is.
    """
    if _standing(session) is not None:
        return None
    insert_once(session, Mark, id=1, name=runtime.new_id(), beat=0)
    name, number = session.execute(update(Mark).values(beat=Mark.beat + 1).returning(Mark.name, Mark.beat)).one()
    head = session.execute(
        select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
    ).one_or_none()
    anchor = _last_anchor(runtime.settings.var_dir)
    lost = anchor is not None and not _holds(session, anchor)
    moment = runtime.now().isoformat(timespec="microseconds")
    return Beat(name, number, head.seq if head else 0, head.hash if head else "", moment, lost)


def note_down(runtime: Runtime, noted: Beat, *, anchors: bool) -> None:
    """Write what was committed into VAR_DIR: the mark, and with `anchors`, which are the clock's, the audit's head."""
    folder = runtime.settings.var_dir
    if anchors:
        if noted.lost:
            stamp = "".join(letter for letter in noted.at if letter.isdigit())[:14]
            os.replace(folder / ANCHORS, folder / f"audit-anchors-before-restore-{stamp}.jsonl")
        last = _last_anchor(folder)
        if noted.seq and (last is None or last["seq"] != noted.seq):
            _append(folder / ANCHORS, json.dumps({"seq": noted.seq, "hash": noted.hash, "at": noted.at}))
    _replace(folder / MARK, json.dumps({"name": noted.name, "beat": noted.beat, "at": noted.at}))


def _standing(session: Session) -> Pause | None:
    return session.scalars(select(Pause).where(Pause.standing == "restore")).one_or_none()


def _ahead(session: Session, folder: Path) -> list[Seen]:
    """What this host has seen and the database does not hold."""
    found: list[Seen] = []
    anchor = _last_anchor(folder)
    if anchor is not None and not _holds(session, anchor):
        found.append({"what": "anchor", **anchor})
    mark = _mark(folder)
    if mark is not None:
        own = session.execute(select(Mark.name, Mark.beat)).one_or_none()
        if own is None or own.name != mark["name"] or own.beat < mark["beat"]:
            found.append({"what": "mark", **mark})
    return found


def _holds(session: Session, anchor: Seen) -> bool:
    held: str | None = session.scalar(select(AuditEntry.hash).where(AuditEntry.seq == int(anchor["seq"])))
    return held == str(anchor["hash"])


def _settled(session: Session, seen: Seen) -> bool:
    """True for what was seen before the last resume after a restore, or was named by it: a person has looked."""
    for one in session.scalars(select(Pause).where(Pause.cause == "restore", Pause.ended_at.is_not(None))):
        with contextlib.suppress(ValueError, TypeError):
            if one.ended_at is not None and datetime.fromisoformat(seen["at"]) <= one.ended_at:
                return True
        if seen in one.outside:
            return True
    return False


def _words(seen: Seen) -> str:
    if seen["what"] == "mark":
        return f"this host saw it at {seen['at'][:19]}Z, which it does not remember"
    return f"entry {seen['seq']} of the audit, anchored at {seen['at'][:19]}Z, is not in it"


def _last_anchor(folder: Path) -> Seen | None:
    """The last whole line; one that was cut off by a crash is no line."""
    try:
        with open(folder / ANCHORS, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            noted = json.loads(line)
            return {"seq": int(noted["seq"]), "hash": str(noted["hash"]), "at": str(noted.get("at", ""))}
    return None


def _mark(folder: Path) -> Seen | None:
    try:
        noted = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return {"name": str(noted["name"]), "beat": int(noted["beat"]), "at": str(noted.get("at", ""))}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _append(path: Path, line: str) -> None:
    """One line more; half a line that a crash has left is taken away first, or it would spoil this one."""
    with open(path, "a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _TAIL))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
        file.write(line.encode() + b"\n")


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, whatever dies in between."""
    handle, made = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.replace(made, path)
    except OSError:
        os.unlink(made)
        raise
