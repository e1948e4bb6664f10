"""Alerts that are very like another one: a program repeats what was not answered, a browser goes back, two write alike.

Nobody's alert is kept from the officers for it, but whoever decides is told, and so is who wrote it: customers would
get both.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Message, Version

log = logging.getLogger(__name__)

WITHIN = timedelta(days=1)
REPEATED_WITHIN = timedelta(hours=1)
# What goes to customers, or may.
_LIVE = ("pending", "approved", "releasing", "released")
# Of all words, and of all that stand three in a row: of ten words another one spoils three of twelve such rows.
_SAME_WORDS, _SAME_ROWS = 0.9, 0.7
_COMPARED = 100  # of the latest, each by so many words
_MOST_WORDS = 400
_MOST_TOLD = 5
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_Row = Row[int, str, datetime | None, str, str, str]


@dataclass(frozen=True, slots=True)
class Twin:
    """An alert like another one; `same` where it is that one again, to the byte."""

    message_id: int
    state: str
    submitted_at: datetime
    same: bool


def of(session: Session, message: Message) -> list[Twin]:
    """What was submitted within a day of this alert, before it or after, in its words or with its recording, however
    many came between; of the latest 100 also what is nearly in its words. The latest first. Of what came to nothing
    there is nothing to say.

    A hint and no more: where it cannot be had it is left out, and neither an alert nor a page fails for it.
    """
    try:
        with session.begin_nested():
            return _found(session, message)
    except Exception:
        log.exception("message %d could not be compared with others", message.id)
        return []


def _found(session: Session, message: Message) -> list[Twin]:
    version, rows = message.current, _near(message, message.submitted_at or message.created_at)
    exact = session.execute(rows.where(_repeats(version)).limit(_MOST_TOLD)).all()
    latest = session.execute(rows.limit(_COMPARED)) if version.text.strip() else ()
    found = {row.id: row for row in (*exact, *islice(_alike(version, latest), _MOST_TOLD))}
    told = sorted(found.values(), key=lambda row: (row.submitted_at, row.id), reverse=True)[:_MOST_TOLD]
    return [Twin(row.id, row.state, row.submitted_at, row.input_digest == version.input_digest) for row in told]


def again(session: Session, message: Message) -> int | None:
    """The number of this very alert by the same author within the hour, which a browser that went back has sent anew.

    A draft is no alert yet: what is submitted is not kept back because it was saved as one before.
    """
    at = message.submitted_at or message.created_at
    near = at - REPEATED_WITHIN, at + REPEATED_WITHIN
    fits = and_(Message.state.in_(_LIVE), Message.submitted_at.between(*near))
    if message.state == "draft":
        fits = or_(fits, and_(Message.state == "draft", Message.created_at.between(*near)))
    return session.scalar(
        select(Message.id)
        .join(Version, _is_current())
        .where(Version.input_digest == message.current.input_digest)
        .where(Message.author_id == message.author_id, Message.id != message.id, fits)
        .order_by(Version.id.desc())
        .limit(1)
    )


def _is_current() -> ColumnElement[bool]:
    return and_(Version.message_id == Message.id, Version.number == Message.version)


def _near(message: Message, at: datetime) -> Select[int, str, datetime | None, str, str, str]:
    """The others that were submitted within a day, the latest first, by their index alone."""
    return (
        select(Message.id, Message.state, Message.submitted_at, Version.input_digest, Version.subject, Version.text)
        .join(Version, _is_current())
        .where(Message.id != message.id, Message.state.in_(_LIVE))
        .where(Message.submitted_at.between(at - WITHIN, at + WITHIN))
        .order_by(Message.submitted_at.desc(), Message.id.desc())
    )


def _repeats(version: Version) -> ColumnElement[bool]:
    """It says the same to the byte: all of it, its words, or its recording."""
    same = [Version.input_digest == version.input_digest]
    if version.recording_id is not None:
        same.append(Version.recording_id == version.recording_id)
    if version.text.strip():
        same.append(and_(Version.text == version.text, Version.subject == version.subject))
    return or_(*same)


def _alike(version: Version, rows: Iterable[_Row]) -> Iterator[_Row]:
    mine = _words(version.subject, version.text)
    counted, in_rows = Counter(mine), _in_rows(mine)
    for row in rows:
        words = _words(row.subject, row.text) if row.text.strip() else []
        # Counting takes a time that grows as the words do, whatever they are. Most alerts differ in the first already.
        if _shared(counted, Counter(words)) >= _SAME_WORDS and _shared(in_rows, _in_rows(words)) > _SAME_ROWS:
            yield row


def _words(subject: str, text: str) -> list[str]:
    return [one[0] for one in islice(_WORD.finditer(f"{subject}\n{text}".casefold()), _MOST_WORDS)]


def _in_rows(words: list[str]) -> Counter[tuple[str, ...]]:
    """How often each three stand in a row, with nothing before the first and after the last."""
    padded = ["", "", *words, "", ""]
    return Counter(zip(padded, padded[1:], padded[2:], strict=False))


def _shared(some: Counter[Any], others: Counter[Any]) -> float:
    """How much of the two is common to both, from 0 to 1."""
    return 2 * (some & others).total() / max(1, some.total() + others.total())
