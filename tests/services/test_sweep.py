"""The sweep beside others: what locks it holds, and for how long."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.clock import Clock
from dispatcher.model import Attempt, Delivery, Message, Poll
from tests.small_bank import small_bank


def test_the_records_lock_is_let_go_before_other_rows_are_taken(
    sessions: sessionmaker[Session], engine: Engine, tmp_path: Path
) -> None:
    """Something expires, and a worker has died: who writes outcomes and then the record would else wait for ever."""
    bank = small_bank(sessions, tmp_path)
    clock = Clock(bank.runtime)
    clock.tick()
    with sessions() as session:
        late = bank.submitted(session, release_at=datetime(2026, 11, 20, 10, tzinfo=UTC)).id
        bank.released(session, subject="Another")
        row = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
        row.state, row.lease_until, row.tries = "sending", bank.time(), 1
        session.add(Attempt(id="a" * 32, delivery_id=row.id, provider="scripted", started_at=bank.time()))
        session.commit()
    bank.time.pass_by(7200)
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    event.listen(engine, "commit", lambda _: said.append("COMMIT"))
    clock.tick()
    with sessions() as session:
        assert session.get_one(Message, late).state == "expired"
        assert session.scalars(select(Delivery.state).where(Delivery.channel == "sms")).one() == "unknown"
    recorded = next(at for at, one in enumerate(said) if one.startswith("INSERT INTO audit"))
    held = said[recorded : said.index("COMMIT", recorded)]
    assert not [one for one in held if re.match("UPDATE (messages|deliveries|attempts)", one)]
    assert [one for one in said[recorded:] if re.match("UPDATE (deliveries|attempts)", one)]


def test_after_an_outage_texts_that_were_missed_are_asked_for_at_once(
    sqlite_sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    bank = small_bank(sqlite_sessions, tmp_path)
    with bank.sessions() as session:
        session.add(Poll(provider="scripted", asked_to=bank.time(), due_at=bank.time() + timedelta(minutes=10)))
        session.commit()
    begun = bank.time()
    clock = Clock(replace(bank.runtime, monotonic=lambda: (bank.time() - begun).total_seconds()))
    due = []
    for seconds in (1, 1, 62):
        bank.time.pass_by(seconds)
        clock.tick()
        with bank.sessions() as session:
            poll = session.get_one(Poll, "scripted")
            due.append(poll.due_at <= bank.time())
            poll.due_at = bank.time() + timedelta(minutes=10)
            session.commit()
    assert due == [True, False, True]
