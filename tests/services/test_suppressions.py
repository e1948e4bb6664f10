"""Standing orders and what providers teach about an address."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import AuditEntry, ContactPoint, Staff, Suppression
from dispatcher.model.errors import NotFound
from dispatcher.services import directory_marks, suppressions
from tests.small_bank import SmallBank, small_bank

BOB = "+12025550101"


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.fixture
def session(bank: SmallBank) -> Session:
    return bank.sessions()


def test_an_order_is_in_force_until_it_is_lifted_and_may_come_again(bank: SmallBank, session: Session) -> None:
    runtime = bank.runtime
    first = suppressions.suppress(session, runtime, "sms", BOB, "opt-out", "sms STOP", "customer bob")
    again = suppressions.suppress(session, runtime, "sms", BOB, "opt-out", "by telephone")
    assert first.id == again.id
    assert again.source == "sms STOP"
    assert suppressions.in_force(session, "voice", BOB) is None
    assert suppressions.lift(session, runtime, "sms", BOB, "customer bob")
    assert not suppressions.lift(session, runtime, "sms", BOB, "customer bob")
    assert suppressions.in_force(session, "sms", BOB) is None
    suppressions.suppress(session, runtime, "sms", BOB, "by-hand", "he rang", bank.staff(session, "admin"))
    assert session.scalar(select(func.count()).select_from(Suppression)) == 2
    entries = session.execute(select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert [tuple(one) for one in entries] == [
        ("customer bob", "suppress"),
        ("customer bob", "lift suppression"),
        ("admin@bank.example", "suppress"),
    ]


@pytest.mark.parametrize("reason", suppressions.REASONS)
def test_a_customer_takes_back_only_their_own_order(bank: SmallBank, session: Session, reason: str) -> None:
    suppressions.suppress(session, bank.runtime, "sms", BOB, reason, "test")
    lifted = suppressions.lift(session, bank.runtime, "sms", BOB, "customer bob", reasons=suppressions.THEIR_OWN)
    assert lifted == (reason in ("opt-out", "provider", "doubt"))


@pytest.mark.parametrize(
    ("mark", "reason", "valid"),
    [("", None, True), ("opt-out", "opt-out", True), ("complaint", "complaint", True), ("invalid", None, False)],
)
def test_what_a_provider_teaches(bank: SmallBank, session: Session, mark: str, reason: str | None, valid: bool) -> None:
    directory_marks.learn(session, bank.runtime, "sms", BOB, mark, "twilio 30005")
    order = suppressions.in_force(session, "sms", BOB)
    assert (order.reason if order else None) == reason
    point = session.scalars(select(ContactPoint).where(ContactPoint.address == BOB)).one()
    assert (point.valid, point.invalid_because) == (valid, None if valid else "twilio 30005")


def test_opt_in_at_the_provider(bank: SmallBank, session: Session) -> None:
    directory_marks.learn(session, bank.runtime, "sms", BOB, "opt-out", "twilio 21610")
    directory_marks.learn(session, bank.runtime, "sms", BOB, "opt-in", "twilio START")
    assert suppressions.in_force(session, "sms", BOB) is None


def test_an_invalid_address_is_made_valid_by_a_person(bank: SmallBank, session: Session) -> None:
    assert directory_marks.mark_invalid(session, bank.runtime, "sms", BOB, "unknown number") == 1
    assert directory_marks.mark_invalid(session, bank.runtime, "sms", BOB, "unknown number") == 0
    admin = session.get_one(Staff, bank.ids["admin"])
    point = session.scalars(select(ContactPoint).where(ContactPoint.address == BOB)).one()
    directory_marks.set_valid(session, bank.runtime, admin, point.id)
    assert (point.valid, point.invalid_because) == (True, None)
    with pytest.raises(NotFound):
        directory_marks.set_valid(session, bank.runtime, admin, 999)


def test_two_at_once_make_one_order(bank: SmallBank) -> None:
    """A STOP and a refusal by the provider, in two processes."""
    import threading

    barrier, made = threading.Barrier(4), []

    def stop() -> None:
        with bank.sessions() as own:
            barrier.wait()
            made.append(suppressions.suppress(own, bank.runtime, "sms", BOB, "opt-out", "test").id)
            own.commit()

    threads = [threading.Thread(target=stop) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(made) == 4
    assert len(set(made)) == 1
