"""The release report against rows made by hand, on both databases."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Conversation, Customer, Delivery, Message, Recipient, Reply, Staff
from dispatcher.model.errors import NotFound
from dispatcher.services.report import release_report
from tests.small_bank import SmallBank, small_bank

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def out(bank: SmallBank, session: Session) -> Message:
    """A released message whose deliveries are still to be made."""
    message = bank.submitted(session)
    message.state, message.approved_at, message.released_at = "released", AT - timedelta(seconds=1), AT
    session.flush()
    return message


def deliver(session: Session, message: Message, channel: str, seconds: list[float | None], state: str) -> None:
    """Deliveries by a channel, accepted so many seconds after the release; None: not accepted."""
    made = session.query(Delivery).count()
    session.execute(
        insert(Delivery),
        [
            {
                "message_id": message.id, "channel": channel, "address": f"a{made + number}", "state": state,
                "accepted_at": None if after is None else AT + timedelta(seconds=after),
            }
            for number, after in enumerate(seconds)
        ],
    )  # fmt: skip


def test_a_message_that_is_not_out_has_no_times(bank: SmallBank) -> None:
    with bank.sessions() as session:
        found = release_report(session, bank.submitted(session).id)
        assert found["state"] == "pending"
        assert found["by_channel"] == {}
        for name in ("approved_at", "released_at", "first_accepted_at", "last_accepted_at", "spread_seconds"):
            assert found[name] is None, name
        with pytest.raises(NotFound):
            release_report(session, 999)


def test_the_figures_of_a_release(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        deliver(session, message, "email", [float(n) for n in range(1, 101)], "delivered")
        deliver(session, message, "sms", [0.25, 0.5, 0.75], "accepted")
        deliver(session, message, "sms", [None, None], "failed")
        deliver(session, message, "voice", [None], "queued")
        other = out(bank, session)
        deliver(session, other, "sms", [3600.0], "delivered")
        session.commit()
        found = release_report(session, message.id)
    assert found["by_channel"] == {
        "email": figures(100, 100, 100, 0, 50.0, 95.0, 100.0),
        "sms": figures(5, 3, 0, 2, 0.5, 0.75, 0.75),
        "voice": figures(1, 0, 0, 0, None, None, None),
    }
    assert found["first_accepted_at"] == AT + timedelta(seconds=0.25)
    assert found["last_accepted_at"] == AT + timedelta(seconds=100)
    assert found["spread_seconds"] == 99.75
    assert (found["deliveries"], found["subject"], found["state"]) == (106, "Downgrade", "released")
    assert found["approved_at"] == AT - timedelta(seconds=1)


def figures(deliveries: int, accepted: int, delivered: int, failed: int, *marks: float | None) -> dict[str, Any]:
    names = ("deliveries", "accepted", "delivered", "failed", "p50", "p95", "last")
    return dict(zip(names, (deliveries, accepted, delivered, failed, *marks), strict=True))


@pytest.mark.parametrize(
    ("count", "p50", "p95"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (4, 2, 4), (19, 10, 19), (20, 10, 19), (21, 11, 20)]
)
def test_percentiles_are_of_the_nearest_rank(bank: SmallBank, count: int, p50: int, p95: int) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        deliver(session, message, "sms", [float(n) for n in range(count, 0, -1)], "accepted")
        row = release_report(session, message.id)["by_channel"]["sms"]
    assert (row["p50"], row["p95"], row["last"]) == (p50, p95, count)


def test_every_way_of_failing_counts_and_nothing_else(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        states = [
            "bounced",
            "rejected",
            "failed",
            "expired",
            "suppressed",
            "cancelled",
            "unknown",
            "deferred",
            "sending",
        ]
        for state in states:
            deliver(session, message, "sms", [None], state)
        row = release_report(session, message.id)["by_channel"]["sms"]
    assert (row["deliveries"], row["failed"]) == (len(states), 4)


def test_people_and_what_they_said(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session)
        first = session.query(Recipient).filter_by(message_id=message.id).order_by(Recipient.id).first()
        assert first is not None
        lost = Customer(key="lost", name="Lost")
        gone = Customer(key="gone", name="Gone")
        session.add_all([lost, gone])
        session.flush()
        session.add(Recipient(message_id=message.id, customer_id=lost.id))
        session.add(Recipient(message_id=message.id, customer_id=gone.id, left_at=AT))
        talk = Conversation(message_id=message.id, customer_id=first.customer_id, channel="sms")
        session.add(talk)
        session.flush()
        for number, kind in enumerate(("answer", "voice", "opt-out", "automatic", "automatic")):
            session.add(
                Reply(
                    dedupe=f"r{number}", conversation_id=talk.id, message_id=message.id, customer_id=first.customer_id,
                    channel="sms", sender="x", kind=kind,
                )
            )  # fmt: skip
        session.commit()
        found = release_report(session, message.id)
    assert (found["recipients"], found["unreachable"], found["left"]) == (4, 1, 1)
    assert (found["replies"], found["automatic_replies"]) == (3, 2)
    assert found["duplicates_removed"] == 1  # Ana is on both lists


def test_many_deliveries_are_counted_by_the_database(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        deliver(session, message, "email", [number / 1000 for number in range(1, 20_001)], "accepted")
        session.commit()
    with bank.sessions() as session:
        started = time.perf_counter()
        row = release_report(session, message.id)["by_channel"]["email"]
        assert time.perf_counter() - started < 2
        assert not any(isinstance(one, Delivery) for one in session.identity_map.values())
    assert (row["p50"], row["p95"], row["last"]) == (10.0, 19.0, 20.0)


def test_before_the_release_nobody_is_out_of_reach(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session, release_at=bank.time() + timedelta(hours=1))
        found = release_report(session, message.id)
    assert (found["state"], found["recipients"], found["unreachable"]) == ("approved", 3, 0)


def test_a_report_needs_no_one_to_be_there_still(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session)
        session.get_one(Staff, bank.ids["officer"]).active = False
        session.commit()
        assert release_report(session, message.id)["recipients"] == 3
