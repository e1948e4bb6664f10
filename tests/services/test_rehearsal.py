"""What a worker does before its first job, so that nobody waits for it later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from dispatcher import worker
from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery
from dispatcher.model.ports import Outcome
from dispatcher.services import fan_out, outcomes
from dispatcher.services.fan_out import Claimed
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    bank = small_bank(sessions, tmp_path)
    for provider in bank.providers.values():
        object.__setattr__(provider, "open", lambda: None)
    return bank


def built_meanwhile(engine: Engine) -> list[str]:
    """Collects the statements that are built from now on."""
    built: list[str] = []

    def look(*given: object) -> None:
        statement, context = str(given[2]), given[4]
        if getattr(context, "cache_hit", None) is CacheStats.CACHE_MISS:
            built.append(statement)

    event.listen(engine, "before_cursor_execute", look)
    return built


def a_claim_and_its_outcome(bank: SmallBank, message_id: int) -> None:
    with bank.runtime.reader() as session:
        assert fan_out.open_releases(session, "sms", bank.time())
    with bank.sessions() as session:
        claimed = fan_out.claim(session, bank.runtime, message_id, "sms", "scripted", 10)
        commit(session, bank.runtime.bells)
    assert claimed
    with bank.sessions() as session:
        outcomes.settle(
            session, bank.runtime, "sms", Delivery, [Outcome(claimed[0].attempt_id, "accepted", provider_ref="ref")]
        )
        commit(session, bank.runtime.bells)
    with bank.sessions() as session:
        fan_out.finish(session, message_id)
        commit(session, bank.runtime.bells)


@pytest.mark.parametrize("rehearsed", [True, False])
def test_a_worker_that_is_ready_builds_no_statement_for_its_first_claim(bank: SmallBank, rehearsed: bool) -> None:
    with bank.sessions() as session:
        message_id = bank.released(session).id
    engine = bank.sessions.kw["bind"]
    engine.clear_compiled_cache()
    if rehearsed:
        worker._make_ready(bank.runtime, "sms")
    built = built_meanwhile(engine)
    a_claim_and_its_outcome(bank, message_id)
    assert bool(built) is not rehearsed, built


def test_a_rehearsal_changes_nothing(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    with bank.sessions() as session:
        fan_out.rehearse(session, bank.runtime, "sms")
        outcomes.rehearse(session, bank.runtime)
        session.commit()
        assert set(session.scalars(select(Delivery.state))) == {"queued"}
        assert session.scalars(select(Attempt.id)).all() == []


def test_a_worker_begins_also_where_its_database_is_away(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", None, OSError("gone"))

    monkeypatch.setattr(fan_out, "rehearse", away)
    with caplog.at_level(logging.WARNING):
        worker._make_ready(bank.runtime, "sms")
    assert "the database cannot be asked, the first release will wait for it: OperationalError" in caplog.text


def test_a_colleague_is_rung_before_the_first_claim(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    with bank.sessions() as session:
        bank.released(session)
    bank.bells.rings.clear()
    rung: list[Sequence[object]] = []
    claim = fan_out.claim

    def watched(*given: object) -> list[Claimed] | None:
        rung.append(list(bank.bells.rings))
        return claim(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(fan_out, "claim", watched)
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert rung[0] == [("sms", "fan_out", ("sms",))]
    assert bank.bells.rings.count(("sms", "fan_out", ("sms",))) == 1
    bank.bells.rings.clear()
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert bank.bells.rings == [], "where nothing is due nobody is rung"
