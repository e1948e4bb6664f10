"""Alerts that may have come twice: who decides is told, whichever way they came in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session, sessionmaker

from approvals import review, submission, twins
from dispatcher.model import Letter, Message
from dispatcher.services import rings
from dispatcher.services.media import Upload
from tests.small_bank import SmallBank, small_bank

HOUR = 3600
WORDS = {
    "subject": "Downgrade",
    "text": "We cut LTMY to hold. Our target of 41 is withdrawn until the figures of the quarter are out on Friday.",
}


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.mark.parametrize(
    ("changes", "later", "found"),
    [
        ({}, 0, "same"),
        ({}, 23 * HOUR, "same"),
        ({}, 25 * HOUR, ""),
        ({"lists": ["top"], "urgency": "urgent"}, HOUR, "like"),
        ({"text": f"{WORDS['text'].upper()}  "}, HOUR, "like"),
        ({"text": WORDS["text"].replace("41", "43")}, HOUR, "like"),
        ({"text": "We raise ACME to buy. Its figures of the quarter are far above what we expected."}, HOUR, ""),
        ({"text": "We cut it."}, HOUR, ""),
        ({"text": " ".join(reversed(WORDS["text"].split()))}, HOUR, ""),
    ],
)
def test_what_is_very_like_another_of_the_day_is_told(
    bank: SmallBank, session: Session, changes: dict[str, Any], later: float, found: str
) -> None:
    first = bank.submitted(session, **WORDS)
    bank.time.pass_by(later)
    second = bank.submitted(session, **(WORDS | changes))
    like = twins.of(session, second)
    assert ["same" if one.same else "like" for one in like] == ([found] if found else [])
    assert [one.message_id for one in twins.of(session, first)] == ([second.id] if found else [])
    assert review.heard_of(session, bank.runtime, second).like == (first.id if found else None)
    notice = session.scalars(
        select(Letter).where(Letter.message_id == second.id, Letter.kind == rings.KIND).limit(1)
    ).one()
    assert (f"very like alert {first.id}, submitted 20 Nov 2026 09:30 UTC" in notice.text) == bool(found)


def test_the_same_recording_is_the_same_alert_and_a_headline_alone_is_none(
    bank: SmallBank, session: Session, samples: Path
) -> None:
    def spoken(number: int) -> Message:
        sound = (samples / f"alert-{number}.wav").read_bytes()
        return bank.submitted(session, subject="By telephone", text="", recording=Upload("a.wav", sound))

    first, second, other = spoken(1), spoken(1), spoken(2)
    assert [one.message_id for one in twins.of(session, second)] == [first.id]
    assert twins.of(session, other) == []


def test_what_came_to_nothing_or_may_not_be_seen_is_not_told(bank: SmallBank, session: Session) -> None:
    analyst, colleague = bank.staff(session, "analyst"), bank.staff(session, "colleague")
    first = bank.submitted(session, **WORDS)
    theirs = submission.create(session, bank.runtime, colleague, bank.submission(**WORDS))
    assert [one.message_id for one in submission.like(session, analyst, first)] == []
    assert [one.message_id for one in submission.like(session, colleague, theirs)] == [first.id], "an officer, too"
    submission.withdraw(session, bank.runtime, analyst, first.id)
    assert twins.of(session, theirs) == []


def test_what_is_the_same_is_found_beyond_the_latest_and_without_reading_all_there_ever_was(
    bank: SmallBank, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "_COMPARED", 1)
    first, words = bank.submitted(session, **WORDS), bank.submitted(session, **WORDS, urgency="urgent")
    between, copy = bank.submitted(session, subject="ACME", text="We raise it."), bank.submitted(session, **WORDS)
    asked: list[tuple[str, Any]] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
    found = [(one.message_id, one.same) for one in twins.of(session, copy)]
    assert found == [(words.id, False), (first.id, True)]
    assert twins.again(session, copy) == first.id
    assert twins.of(session, between) == []
    if session.get_bind().dialect.name == "sqlite":
        for statement, values in [one for one in asked if "FROM messages" in one[0] and "versions" in one[0]]:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            assert (
                "ix_messages_lately" in (lines := str([line.detail for line in plan]))
                or "ix_versions_input_digest" in lines
            )


def test_an_alert_is_submitted_though_nothing_can_be_compared(
    bank: SmallBank, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(session: Session, *_: object) -> list[twins.Twin]:
        session.execute(text("SELECT nothing_of_that_name"))
        return []

    monkeypatch.setattr(twins, "_found", breaks)
    assert bank.submitted(session, **WORDS).state == "pending"
    assert session.scalars(select(Letter).where(Letter.kind == rings.KIND)).first()
