"""Four eyes, the digest, and one decision when two press at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, submission
from dispatcher.model import Decision, Letter, Version
from dispatcher.model.errors import DigestConflict, DispatcherError, NotAllowed, Refused, StateConflict
from dispatcher.services import release
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def test_approval_releases_at_once_and_rings_for_each_channel(bank: SmallBank, session: Session) -> None:
    message = bank.released(session)
    assert message.state == "releasing"
    assert message.released_at is not None
    rings = [one for one in bank.bells.rings if one[1] == "fan_out"]
    assert sorted(rings) == [(name, "fan_out", (name,)) for name in ("email", "sms", "voice")]


@pytest.mark.parametrize("who", ["analyst", "rep", "admin"])
def test_only_officers_decide(bank: SmallBank, session: Session, who: str) -> None:
    message = bank.submitted(session)
    with pytest.raises(NotAllowed):
        decisions.decide(session, bank.runtime, bank.staff(session, who), message.id, "approve", message.current.digest)


def test_an_officer_never_decides_on_their_own(bank: SmallBank, session: Session) -> None:
    colleague = bank.staff(session, "colleague")
    message = submission.create(session, bank.runtime, colleague, bank.submission())
    with pytest.raises(NotAllowed, match="you wrote"):
        decisions.decide(session, bank.runtime, colleague, message.id, "approve", message.current.digest)


def test_what_changed_meanwhile_is_not_approved(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    seen = message.current.digest
    submission.edit(session, bank.runtime, bank.staff(session, "analyst"), message.id, {"text": "Other words."})
    with pytest.raises(DigestConflict) as conflict:
        decisions.decide(session, bank.runtime, bank.staff(session, "officer"), message.id, "approve", seen)
    assert conflict.value.digest == message.current.digest
    assert "was changed by" in str(conflict.value)


def test_a_digest_of_nothing_does_not_accuse_anybody_of_a_change(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    with pytest.raises(DigestConflict) as conflict:
        decisions.decide(session, bank.runtime, bank.staff(session, "officer"), message.id, "approve", "0" * 64)
    assert conflict.value.digest == message.current.digest
    assert "changed" not in str(conflict.value)
    assert "not that of the alert as it is now" in str(conflict.value)


def test_a_return_needs_a_reason_and_reaches_the_author(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    officer, digest = bank.staff(session, "officer"), message.current.digest
    with pytest.raises(Refused):
        decisions.decide(session, bank.runtime, officer, message.id, "return", digest, " ")
    with pytest.raises(Refused):
        decisions.decide(session, bank.runtime, officer, message.id, "perhaps", digest)
    decisions.decide(session, bank.runtime, officer, message.id, "return", digest, "Say which quarter.")
    letter = session.scalars(select(Letter).where(Letter.kind == "decision")).one()
    assert letter.address == "analyst@bank.example"
    assert "Say which quarter." in letter.text
    assert "LTMY" not in letter.text


def test_two_officers_at_once_make_one_decision(bank: SmallBank, sessions: sessionmaker[Session]) -> None:
    for _round in range(10):
        with sessions() as session:
            message = bank.submitted(session)
            message_id, digest = message.id, message.current.digest
        start = threading.Barrier(2)
        results: list[str] = []

        def press(name: str, decision: str, start: threading.Barrier = start, results: list[str] = results) -> None:
            start.wait()
            with sessions() as session:
                try:
                    officer = bank.staff(session, name)
                    decisions.decide(session, bank.runtime, officer, message_id, decision, digest)  # noqa: B023  # joined below
                    session.commit()
                    results.append(decision)
                except DigestConflict as conflict:
                    results.append("conflict" if "already" in str(conflict) else str(conflict))

        threads = [
            threading.Thread(target=press, args=("officer", "approve")),
            threading.Thread(target=press, args=("other", "reject")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len([one for one in results if one != "conflict"]) == 1
        with sessions() as session:
            assert len(session.scalars(select(Decision).where(Decision.message_id == message_id)).all()) == 1


def test_bytes_changed_in_the_database_are_not_released(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    session.execute(update(Version).where(Version.message_id == message.id).values(text="We raise it to buy."))
    session.commit()
    session.expire_all()
    with pytest.raises(DispatcherError):
        decisions.decide(
            session, bank.runtime, bank.staff(session, "officer"), message.id, "approve", message.current.digest
        )


def test_no_release_without_an_approval_by_any_path(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    message.state = "approved"
    with pytest.raises(StateConflict, match="not been approved"):
        release.release(session, bank.runtime, message, fixed=False)
