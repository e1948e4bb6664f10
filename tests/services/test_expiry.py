"""What could not leave in time never leaves late."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Delivery, Letter, Message, Task
from dispatcher.model.errors import StateConflict
from dispatcher.services import expiry, release
from tests.small_bank import SmallBank, small_bank

HOUR = 3600


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.mark.parametrize("state", ["pending", "approved"])
@pytest.mark.parametrize(
    ("valid_for", "late", "expired"),
    [
        (None, -60, False),
        (None, 59 * 60, False),
        (None, HOUR + 1, True),
        (600, 599, False),
        (600, 601, True),
        (4 * HOUR, 3 * HOUR, False),
        (4 * HOUR, 4 * HOUR + 1, True),
    ],
)
def test_what_is_too_late_expires(
    bank: SmallBank, state: str, valid_for: int | None, late: float, expired: bool
) -> None:
    at = bank.time.at + timedelta(hours=1)
    with bank.sessions() as session:
        make = bank.released if state == "approved" else bank.submitted
        message = make(session, release_at=at, valid_for=valid_for)
        number = message.id
        assert message.state == state
        told = set(session.scalars(select(Letter.id)))
    bank.time.at = at + timedelta(seconds=late)
    with bank.sessions() as session:
        assert expiry.expire_late(session, bank.runtime) == expired
        assert expiry.expire_late(session, bank.runtime) == 0
        commit(session, bank.runtime.bells)
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        letters = session.scalars(select(Letter).where(Letter.id.not_in(told))).all()
        alarms = session.scalars(select(Task).where(Task.kind == "alarm")).all()
        if not expired:
            assert (message.state, list(letters), list(alarms)) == (state, [], [])
            return
        assert message.state == "expired"
        assert "analyst@bank.example" in {one.address for one in letters}
        assert not any("Downgrade" in one.subject + one.text for one in letters), "unreleased words stay inside"
        assert len(alarms) == (state == "approved")
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "expire message")).one()
        assert not release.release_due(session, bank.runtime, number)
        officer = bank.staff(session, "officer")
        with pytest.raises(StateConflict, match="expired"):
            decisions.decide(session, bank.runtime, officer, number, "approve", message.current.digest)
        assert session.scalars(select(Delivery)).all() == []


def test_what_has_no_time_of_its_own_waits_for_its_officer(bank: SmallBank) -> None:
    with bank.sessions() as session:
        number = bank.submitted(session, valid_for=60).id
    bank.time.pass_by(30 * 24 * HOUR)
    with bank.sessions() as session:
        assert expiry.expire_late(session, bank.runtime) == 0
        assert session.get_one(Message, number).state == "pending"
