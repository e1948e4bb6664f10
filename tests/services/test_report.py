"""The release report against rows made by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    Conversation,
    Customer,
    Delivery,
    DistributionList,
    Firm,
    ListMember,
    Message,
    Recipient,
    Reply,
    Staff,
)
from dispatcher.model.delivery import FALLBACK
from dispatcher.model.errors import NotFound
from dispatcher.services.channel_choice import BY_OWN_WORD
from dispatcher.services.report import for_eyes_of, release_report
from dispatcher.services.shuffle import place_of
from tests.quick import quickly
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


def deliver(
    session: Session, message: Message, channel: str, seconds: list[float | None], state: str, **more: object
) -> None:
    """Deliveries by a channel, accepted so many seconds after the release; None: not accepted."""
    made = session.query(Delivery).count()
    session.execute(
        insert(Delivery),
        [
            {
                "message_id": message.id, "channel": channel, "address": f"a{made + number}", "state": state,
                "accepted_at": None if after is None else AT + timedelta(seconds=after), **more,
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
        "email": figures(100, 100, 100, 0, 1.0, 50.0, 95.0, 100.0, 99.0),
        "sms": figures(5, 3, 0, 2, 0.25, 0.5, 0.75, 0.75, 0.5),
        "voice": figures(1, 0, 0, 0, None, None, None, None, None),
    }
    assert found["first_accepted_at"] == AT + timedelta(seconds=0.25)
    assert found["last_accepted_at"] == AT + timedelta(seconds=100)
    assert found["spread_seconds"] == 99.75
    assert (found["deliveries"], found["subject"], found["state"]) == (106, "Downgrade", "released")
    assert found["approved_at"] == AT - timedelta(seconds=1)


def figures(deliveries: int, accepted: int, delivered: int, failed: int, *marks: float | None) -> dict[str, Any]:
    names = ("deliveries", "accepted", "delivered", "failed", "held", "first", "p50", "p95", "last", "spread_seconds")
    return dict(zip(names, (deliveries, accepted, delivered, failed, 0, *marks), strict=True))


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


def customers(session: Session, message: Message, number: int, firm: str, keys: tuple[str, ...] = ("semis",)) -> None:
    """So many customers of a firm, on these lists, with a text each, one after the other at a second's distance."""
    home = session.scalar(select(Firm).where(Firm.name == firm)) or Firm(name=firm)
    session.add(home)
    session.flush()
    lists = session.scalars(select(DistributionList).where(DistributionList.key.in_(keys))).all()
    before = session.query(Delivery).count()
    for place in range(number):
        who = Customer(key=f"{firm}-{place}", name=firm, firm_id=home.id)
        what = Delivery(
            message_id=message.id, channel="sms", address=f"+1202{before + place:07}", state="delivered",
            accepted_at=AT + timedelta(seconds=before + place), position=before + place,
        )  # fmt: skip
        session.add_all([who, what])
        session.flush()
        session.add(Recipient(message_id=message.id, customer_id=who.id, delivery_id=what.id, channel="sms"))
        session.add_all(ListMember(list_id=one.id, customer_id=who.id) for one in lists)
    session.flush()


def test_firms_and_lists_have_their_own_spread(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        customers(session, message, 5, "Early", ("semis", "top"))
        customers(session, message, 3, "Late")
        found = release_report(session, message.id)
    assert found["by_firm"] == [
        {"firm": "Late", "deliveries": 3, "accepted": 3, "first": 5, "median": 6, "last": 7, "spread_seconds": 2},
        {"firm": "Early", "deliveries": 5, "accepted": 5, "first": 0, "median": 2, "last": 4, "spread_seconds": 4},
    ]
    semis, top = found["by_list"]
    assert (semis["list"], semis["deliveries"], semis["median"], semis["last"]) == ("semis", 8, 3, 7)
    assert (top["list"], top["name"], top["deliveries"], top["spread_seconds"]) == ("top", "Top", 5, 4)
    assert found["first_deliveries"]["spread_seconds"] == found["spread_seconds"] == 7


def test_a_favour_is_found_and_told(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        customers(session, message, 30, "Large", ("top",))
        customers(session, message, 12, "Small")
        found = release_report(session, message.id)["evenness"]
    assert found["verdict"] == "uneven"
    told = {(one["factor"], one["name"]): one["words"].partition(" (")[0] for one in found["tests"]}
    assert told == {
        ("firm size", ""): "those of large firms came earlier",
        ("directory", ""): "those who stand first in the directory came earlier",
        ("list", "semis"): "those on it came later",
        ("list", "top"): "those on it came earlier",
    }


def test_a_shuffled_release_is_even(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        customers(session, message, 40, "One", ("top",))
        customers(session, message, 20, "Two")
        for one in session.scalars(select(Delivery).where(Delivery.message_id == message.id)):
            one.accepted_at = AT + timedelta(seconds=place_of(one.id, 4711) / 2**31)
        found = release_report(session, message.id)["evenness"]
    assert found["verdict"] == "even"
    assert [one["connected"] for one in found["tests"]] == [False] * 4
    assert all(one["words"].startswith("no connection found (rho ") for one in found["tests"])


def test_fallbacks_and_what_was_held_are_told_apart(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        customers(session, message, 12, "Firm")
        deliver(session, message, "email", [600.0], "delivered", position=FALLBACK)
        deliver(session, message, "voice", [1.0, 2.0], "delivered")
        deliver(session, message, "voice", [32_400.0], "delivered", held_until=AT + timedelta(hours=9))
        deliver(session, message, "voice", [None], "expired", held_until=AT + timedelta(hours=9))
        found = release_report(session, message.id)
    assert (found["fallbacks"], found["held"], found["expired"]) == (1, 2, 1)
    assert found["first_deliveries"] == {
        "deliveries": 14, "accepted": 14, "first": 0, "median": 4, "last": 11, "spread_seconds": 11
    }  # fmt: skip
    assert found["spread_seconds"] == 32_400
    voice, mail = found["by_channel"]["voice"], found["by_channel"]["email"]
    assert (voice["deliveries"], voice["accepted"], voice["held"], voice["last"]) == (4, 3, 2, 2)
    assert (mail["deliveries"], mail["accepted"], mail["last"]) == (1, 1, None)
    assert {one["deliveries"] for one in found["evenness"]["tests"]} == {12}


def test_who_moved_on_to_another_channel_still_counts_where_they_were(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session)
        first = session.scalars(
            select(Delivery).where(Delivery.message_id == message.id, Delivery.channel == "sms")
        ).one()
        first.state, first.accepted_at = "failed", bank.time() + timedelta(seconds=1)
        later = Delivery(
            message_id=message.id, channel="email", address="bob@simon.example", state="accepted", position=FALLBACK,
            accepted_at=bank.time() + timedelta(seconds=60),
        )  # fmt: skip
        session.add(later)
        session.flush()
        session.scalars(select(Recipient).where(Recipient.delivery_id == first.id)).one().delivery_id = later.id
        found = release_report(session, message.id)
    (firm,) = found["by_firm"]
    assert (firm["firm"], firm["deliveries"], firm["accepted"], firm["last"]) == ("Simon LLC", 3, 1, 1)
    assert (found["fallbacks"], found["seed"], found["digest"]) == (1, message.seed, message.current.digest)
    assert found["approved_by"] == "Officer"
    assert found["record"]["seq"] > 0


def test_a_representative_reads_of_no_other_ones_firms(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        customers(session, message, 2, "Another")
        customers(session, message, 2, "Simon LLC")
        figures = release_report(session, message.id)
        seen = {
            who: {row["firm"] for row in for_eyes_of(session, bank.staff(session, who), message, figures)["by_firm"]}
            for who in ("rep", "analyst", "officer", "colleague")
        }
    everything = {"Another", "Simon LLC"}
    assert seen == {"rep": {"Simon LLC"}, "analyst": everything, "officer": everything, "colleague": everything}


def test_people_and_what_they_said(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.released(session)
        first = session.query(Recipient).filter_by(message_id=message.id).order_by(Recipient.customer_id).first()
        assert first is not None
        lost = Customer(key="lost", name="Lost")
        gone = Customer(key="gone", name="Gone")
        silent = Customer(key="silent", name="Silent")
        session.add_all([lost, gone, silent])
        session.flush()
        session.add(Recipient(message_id=message.id, customer_id=silent.id, because=BY_OWN_WORD))
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
    assert (found["recipients"], found["unreachable"], found["asked_for_nothing"], found["left"]) == (5, 1, 1, 1)
    assert (found["replies"], found["automatic_replies"]) == (3, 2)
    assert found["duplicates_removed"] == 1  # Ana is on both lists


def test_many_deliveries_are_counted_by_the_database(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = out(bank, session)
        deliver(session, message, "email", [number / 1000 for number in range(1, 20_001)], "accepted")
        session.commit()
    with bank.sessions() as session:
        row = quickly(lambda: release_report(session, message.id), 3)["by_channel"]["email"]
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
