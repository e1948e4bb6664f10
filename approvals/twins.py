"""Alerts that are very like another one: a program repeats what was not answered, a browser goes back, two write alike.

Nobody's alert is kept from the officers for it, but whoever decides is told, and so is who wrote it: customers would
get both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from itertools import islice

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from dispatcher.model import Message, Version

WITHIN = timedelta(days=1)
REPEATED_WITHIN = timedelta(hours=1)
# What goes to customers, or may.
_LIVE = ("pending", "approved", "releasing", "released")
_ALIKE = 0.9  # of their words
_COMPARED = 100  # of the latest, each by so many words
_MOST_WORDS = 400
_MOST_TOLD = 5
_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_Row = Row[int, str, datetime, str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class Twin:
    """An alert like another one; `same` where it is that one again, to the byte."""

    message_id: int
    state: str
    submitted_at: datetime
    same: bool


def of(session: Session, message: Message) -> list[Twin]:
    """What was submitted within a day of this alert, before it or after, in nearly its words or with its recording:
    the latest first. Of what came to nothing there is nothing to say.
    """
    found = session.execute(_near(message, WITHIN).where(Message.state.in_(_LIVE)).limit(_COMPARED))
    version = message.current
    alike = islice(_like(version, found), _MOST_TOLD)
    return [Twin(row.id, row.state, row.at, row.digest == version.digest) for row in alike]


def again(session: Session, message: Message) -> int | None:
    """The number of this very alert by the same author within the hour, which a browser that went back has sent anew.

    A draft is no alert yet: what is submitted is not kept back because it was saved as one before.
    """
    states = (*_LIVE, "draft") if message.state == "draft" else _LIVE
    mine = (Message.author_id == message.author_id, Version.digest == message.current.digest)
    found = session.execute(_near(message, REPEATED_WITHIN).where(Message.state.in_(states), *mine).limit(1)).first()
    return found.id if found else None


def _near(message: Message, within: timedelta) -> Select[int, str, datetime, str, str, str, int | None]:
    at, mine = func.coalesce(Message.submitted_at, Message.created_at), message.submitted_at or message.created_at
    return (
        select(
            Message.id, Message.state, at.label("at"), Version.digest, Version.subject, Version.text,
            Version.recording_id,
        )
        .join(Version, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(Message.id != message.id, at.between(mine - within, mine + within))
        .order_by(at.desc(), Message.id.desc())
    )  # fmt: skip


def _like(version: Version, rows: Iterable[_Row]) -> Iterator[_Row]:
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(_words(version.subject, version.text))
    for row in rows:
        same = row.digest == version.digest or (row.recording_id and row.recording_id == version.recording_id)
        if not same and row.text.strip() and version.text.strip():
            matcher.set_seq1(_words(row.subject, row.text))
            # The two estimates are never too low and cost little.
            same = all(ratio() >= _ALIKE for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))
        if same:
            yield row


def _words(subject: str, text: str) -> list[str]:
    return _WORD.findall(f"{subject}\n{text}".casefold())[:_MOST_WORDS]
