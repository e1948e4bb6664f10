"""What came of an alert, against rows made by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Conversation, Customer, Delivery, Firm, Message, OrderRequest, Recipient, Reply, Response
from dispatcher.services import report
from dispatcher.services.ranks import Times, times
from dispatcher.sheets import as_text
from tests.small_bank import SmallBank, small_bank

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def reached(bank: SmallBank, session: Session, states: dict[str, str]) -> Message:
    """A release whose deliveries are in these states, accepted after 1 s and delivered after 10."""
    message = bank.released(session)
    message.released_at = AT
    for who, state in states.items():
        recipient = session.scalars(
            select(Recipient).where(Recipient.message_id == message.id, Recipient.customer_id == bank.ids[who])
        ).one()
        delivery = recipient.delivery
        assert delivery is not None
        delivery.state, delivery.accepted_at = state, at(1) if state in ("accepted", "delivered") else None
        delivery.settled_at = at(10) if state == "delivered" else None
    session.flush()
    return message


def talk(bank: SmallBank, session: Session, message: Message, who: str, state: str = "open") -> Conversation:
    made = Conversation(
        message_id=message.id, customer_id=bank.ids[who], rep_id=bank.ids["rep"], channel="sms", state=state
    )
    session.add(made)
    session.flush()
    return made


def says(session: Session, made: Conversation, kind: str, seconds: float, channel: str = "sms") -> Reply:
    number = session.query(Reply).count()
    reply = Reply(
        dedupe=f"r{number}", channel=channel, sender="", text="x", kind=kind, conversation_id=made.id,
        customer_id=made.customer_id, message_id=made.message_id, received_at=at(seconds),
    )  # fmt: skip
    session.add(reply)
    session.flush()
    return reply


def responses(session: Session, message: Message) -> dict[str, Any]:
    found: dict[str, Any] = report.release_report(session, message.id)["responses"]
    return found


def test_an_alert_nobody_answered(bank: SmallBank) -> None:
    with bank.sessions() as session:
        found = responses(session, reached(bank, session, {"ana": "delivered", "bob": "accepted", "cleo": "failed"}))
    assert (found["reached"], found["answered"], found["share"], found["answers"]) == (2, 0, 0.0, 0)
    assert found["first_answer"] == {"count": 0, "median": None, "p90": None}
    assert found["unanswered"] == {"conversations": 0, "oldest_at": None}
    assert [one["reached"] for one in found["by_list"]] == [2, 1]  # ana is on both, bob on one


def test_who_answered_what_and_how_soon(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = reached(bank, session, {"ana": "delivered", "bob": "accepted", "cleo": "failed"})
        ana, bob, cleo = (talk(bank, session, message, who) for who in ("ana", "bob", "cleo"))
        says(session, ana, "automatic", 11, "email")
        says(session, ana, "out-of-office", 12, "email")
        says(session, ana, "question", 40, "email")
        says(session, ana, "other", 50, "page")
        says(session, bob, "order", 5)  # before its receipt
        says(session, cleo, "call", 100, "voice")
        says(session, cleo, "opt-out", 200, "voice")
        lost = session.scalars(
            select(Recipient).where(Recipient.message_id == message.id, Recipient.customer_id == bank.ids["cleo"])
        ).one()
        lost.delivery_id = None
        other = bank.released(session)
        says(session, talk(bank, session, other, "ana"), "other", 3)
        found = responses(session, message)
        figures = report.release_report(session, message.id)
    assert (found["answers"], found["answered"], found["reached"], found["share"]) == (4, 3, 3, 1.0)
    # Ana 30 s after her receipt, Bob 4 s after his provider took it, Cleo, who has none, 100 s after the release.
    assert found["first_answer"] == {"count": 3, "median": 30.0, "p90": 100.0}
    assert found["by_kind"] == {"call": 1, "opt-out": 1, "order": 1, "other": 1, "question": 1}
    assert found["by_channel"] == {
        "email": {"answers": 1, "customers": 1}, "page": {"answers": 1, "customers": 1},
        "sms": {"answers": 1, "customers": 1}, "voice": {"answers": 1, "customers": 1},
    }  # fmt: skip
    assert found["by_firm"] == [
        {"firm": "Simon LLC", "reached": 3, "answered": 3, "share": 1.0, "median": 30.0, "p90": 100.0}
    ]
    assert {one["list"]: (one["reached"], one["answered"], one["median"]) for one in found["by_list"]} == {
        "semis": (2, 2, 4.0), "top": (2, 2, 30.0)
    }  # fmt: skip
    assert found["opt_outs"] == 1
    assert (figures["replies"], figures["automatic_replies"]) == (5, 2)
    assert figures["responses"] == found


def test_orders_by_state_and_their_times(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = reached(bank, session, {"ana": "delivered"})
        made = talk(bank, session, message, "ana")
        for state, claimed, decided in (
            ("waiting", None, None), ("claimed", 20, None), ("confirmed", 10, 60), ("confirmed", 30, 90),
            ("declined", 40, 70),
        ):  # fmt: skip
            session.add(
                OrderRequest(
                    reply_id=says(session, made, "order", 100).id, conversation_id=made.id, state=state,
                    created_at=at(100), claimed_at=claimed and at(100 + claimed),
                    decided_at=decided and at(100 + decided),
                )
            )  # fmt: skip
        session.flush()
        orders = responses(session, message)["orders"]
    assert orders == {
        "requested": 5, "waiting": 1, "claimed": 1, "confirmed": 2, "declined": 1, "withdrawn": 0,
        "claimed_in": {"count": 4, "median": 20.0, "p90": 40.0},
        "decided_in": {"count": 3, "median": 70.0, "p90": 90.0},
    }  # fmt: skip


# A conversation's state, what was said and what answered after so many seconds; since when it waits.
WAITS: tuple[tuple[str, list[tuple[str, int]], list[int], int | None], ...] = (
    ("open", [("question", 20)], [], 20),
    ("claimed", [("question", 20)], [], 20),
    ("closed", [("question", 20)], [], None),
    ("claimed", [("question", 20)], [30], None),
    ("claimed", [("question", 20), ("other", 40)], [30], 40),
    ("claimed", [("question", 20), ("other", 25)], [], 20),
    ("open", [("automatic", 20), ("opt-out", 30)], [], None),
    ("claimed", [("question", 20), ("automatic", 40)], [30], None),
)


def test_what_waits_for_an_answer(bank: SmallBank) -> None:
    with bank.sessions() as session:
        for number, (state, said, answered, waits) in enumerate(WAITS):
            message = reached(bank, session, {"ana": "delivered"})
            made = talk(bank, session, message, "ana", state)
            for kind, seconds in said:
                says(session, made, kind, seconds)
            for seconds in answered:
                session.add(
                    Response(
                        dedupe=str(number), conversation_id=made.id, staff_id=bank.ids["rep"], text="x",
                        created_at=at(seconds),
                    )
                )  # fmt: skip
            found = responses(session, message)["unanswered"]
            expected = {"conversations": int(waits is not None), "oldest_at": None if waits is None else at(waits)}
            assert found == expected, (state, said, answered)


def test_a_representative_reads_of_their_own_firms(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = reached(bank, session, {"ana": "delivered"})
        firm = Firm(name="Other House")
        session.add(firm)
        session.flush()
        stranger = Customer(key="dora", name="Dora", firm_id=firm.id)
        session.add(stranger)
        session.flush()
        delivery = Delivery(message_id=message.id, channel="sms", address="+12025550177", state="delivered")
        session.add(delivery)
        session.flush()
        session.add(Recipient(message_id=message.id, customer_id=stranger.id, delivery_id=delivery.id, channel="sms"))
        session.flush()
        figures = report.release_report(session, message.id)
        seen = report.for_eyes_of(session, bank.staff(session, "rep"), message, figures)
    assert {one["firm"] for one in figures["responses"]["by_firm"]} == {"Simon LLC", "Other House"}
    assert [one["firm"] for one in seen["responses"]["by_firm"]] == ["Simon LLC"]


def test_the_text_says_it_too(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = reached(bank, session, {"ana": "delivered", "bob": "accepted"})
        says(session, talk(bank, session, message, "ana"), "order", 40)
        told = as_text(report.release_report(session, message.id))
    for line in ("Answered          1 of 2 reached (50.0%)", "Answers           1 order", "1, the oldest since 2026"):
        assert line in told, told


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], Times()),
        ([3.0], Times(1, 3.0, 3.0)),
        ([4.0, 1.0], Times(2, 1.0, 4.0)),
        ([float(n) for n in range(1, 11)], Times(10, 5.0, 9.0)),
        ([float(n) for n in range(1, 12)], Times(11, 6.0, 10.0)),
    ],
)
def test_ranks_are_of_the_nearest(seconds: list[float], expected: Any) -> None:
    assert times(seconds) == expected
