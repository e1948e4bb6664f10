"""Who gets it is what the officer has seen: lists may be changed by others while they read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, review
from dispatcher.app import create_app
from dispatcher.model import AuditEntry, Customer, Delivery, DistributionList, ListMember, Message, Recipient, StaffCall
from dispatcher.model.errors import DigestConflict
from dispatcher.services import audience, verify
from dispatcher.storage import make_engine, make_sessions
from tests.small_bank import SmallBank, small_bank
from tests.web.conftest import Site


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[SmallBank]:
    """Where others write while somebody reads and decides. On SQLite a page sees one moment, and who decides writes
    alone."""
    engine = make_engine(postgres_url)
    yield small_bank(make_sessions(engine), tmp_path)
    engine.dispose()


def submitted(bank: SmallBank, *lists: str) -> int:
    with bank.sessions() as session:
        return bank.submitted(session, lists=list(lists)).id


def decide(bank: SmallBank, number: int, seen: str, decision: str = "approve") -> str:
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        officer = bank.staff(session, "officer")
        decisions.decide(
            session, bank.runtime, officer, number, decision, message.current.digest, "Why", audience_seen=seen
        )
        session.commit()
        return message.state


def seen(bank: SmallBank, number: int) -> str:
    with bank.sessions() as session:
        return audience.fingerprint(session, session.get_one(Message, number).current)


def list_id(session: Session, key: str) -> int:
    return session.scalars(select(DistributionList.id).where(DistributionList.key == key)).one()


def add(bank: SmallBank, key: str) -> None:
    with bank.sessions() as session:
        dora = Customer(key="dora", name="Dora")
        session.add(dora)
        session.flush()
        session.add(ListMember(list_id=list_id(session, key), customer_id=dora.id))
        session.commit()


def take_away(bank: SmallBank, key: str) -> None:
    with bank.sessions() as session:
        mine = session.scalars(select(ListMember).where(ListMember.list_id == list_id(session, key))).first()
        assert mine is not None
        session.execute(delete(ListMember).where(ListMember.customer_id == mine.customer_id))
        session.commit()


def exchange(bank: SmallBank, key: str) -> None:
    """One for another: as many as before."""
    take_away(bank, key)
    add(bank, key)


def deactivate(bank: SmallBank, key: str) -> None:
    with bank.sessions() as session:
        mine = session.scalars(select(ListMember).where(ListMember.list_id == list_id(session, key))).first()
        assert mine is not None
        session.get_one(Customer, mine.customer_id).active = False
        session.commit()


@pytest.mark.parametrize("change", [add, take_away, exchange, deactivate])
def test_an_approval_for_others_than_were_seen_is_refused(bank: SmallBank, change: object) -> None:
    number = submitted(bank, "semis", "top")
    before = seen(bank, number)
    change(bank, "semis")  # type: ignore[operator]
    with pytest.raises(DigestConflict, match="who gets it has changed since you looked: its lists hold"):
        decide(bank, number, before)
    assert decide(bank, number, seen(bank, number)) in ("releasing", "released")


def test_an_approval_keeps_for_whom_it_was(bank: SmallBank) -> None:
    number = submitted(bank, "semis", "top")
    decide(bank, number, before := seen(bank, number))
    with bank.sessions() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "approve message")).one()
        assert json.loads(entry.detail)["audience"] == before
        assert [one for one in verify.check(session, bank.runtime) if one.promise == "P4"] == []
        mine = session.scalars(select(Recipient).where(Recipient.message_id == number)).first()
        assert mine is not None
        mine.customer_id = bank.ids["rep"] + 1000
        session.commit()
        told = [str(one) for one in verify.check(session, bank.runtime)]
    assert f"P4 message {number}: its recipients are not the customers for whom it was approved" in told


def test_nobody_is_added_between_the_look_and_the_release(
    on_postgres: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = on_postgres
    number = submitted(bank, "semis")
    before, resolve = seen(bank, number), audience.resolve

    def add_and_resolve(*given: Any, **named: Any) -> audience.Resolution:
        add(bank, "semis")
        return resolve(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(audience, "resolve", add_and_resolve)
        with pytest.raises(DigestConflict, match="its lists hold"):
            decide(bank, number, before)
    with bank.sessions() as session:
        assert session.get_one(Message, number).state == "pending"
        assert session.scalars(select(Delivery)).all() == []
    assert decide(bank, number, seen(bank, number)) in ("releasing", "released")


def test_who_is_added_while_the_page_is_made_is_asked_about(
    on_postgres: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = on_postgres
    site, preview = Site(bank, create_app(bank.runtime)), audience.preview
    number = submitted(bank, "semis")

    def preview_and_add(*given: Any) -> audience.AudiencePreview:
        found = preview(*given)
        add(bank, "semis")
        return found

    officer = site("officer")
    with monkeypatch.context() as patch:
        patch.setattr(audience, "preview", preview_and_add)
        page = officer.get(f"/approvals/{number}").text
    digest, was_seen = (page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("digest", "audience"))
    answer = officer.post(f"/approvals/{number}", {"decision": "approve", "digest": digest, "audience": was_seen})
    assert answer.status_code == 409
    assert "Who gets it has changed since you looked" in answer.text


def test_other_lists_and_members_twice_change_nothing(bank: SmallBank) -> None:
    number = submitted(bank, "top")
    before = seen(bank, number)
    with bank.sessions() as session:
        session.add(DistributionList(key="other", name="Other"))
        session.commit()
    add(bank, "other")
    assert seen(bank, number) == before
    assert decide(bank, number, before) in ("releasing", "released")


def test_it_is_returned_whoever_would_get_it(bank: SmallBank) -> None:
    number = submitted(bank, "semis")
    before = seen(bank, number)
    add(bank, "semis")
    assert decide(bank, number, before, "return") == "returned"


def test_who_has_not_looked_decides_as_before(bank: SmallBank) -> None:
    number = submitted(bank, "semis")
    add(bank, "semis")
    assert decide(bank, number, "") in ("releasing", "released")


def test_what_was_heard_is_for_those_it_was_heard_for(bank: SmallBank) -> None:
    number = submitted(bank, "semis")
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        call = StaffCall(provider="twilio", call_ref="CA1", staff_id=bank.ids["officer"], lists=[])
        session.add(call)
        session.flush()
        call.proven_at = bank.runtime.now()
        review.take_up(session, bank.runtime, call, message)
        assert review.standing(session, call, to_approve=True) == "waits"
        session.commit()
        add(bank, "semis")
        assert review.standing(session, call) == "waits"
        assert review.standing(session, call, to_approve=True) == "others"
        with pytest.raises(DigestConflict, match="who gets it has changed"):
            review.decide(session, bank.runtime, call, "approve")
