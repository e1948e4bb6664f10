"""The pause, and how a database that was restored from a backup is known by what stands outside it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event, select, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.model import Attempt, AuditEntry, Delivery, Letter, Mark, Pause, Staff, Task
from dispatcher.model.errors import NotAllowed, Refused, StateConflict
from dispatcher.model.ports import Found, Probe
from dispatcher.services import pause, reconcile, verify, witness
from dispatcher.services.sending import Pump
from dispatcher.watch import observe
from tests.small_bank import Scripted, SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def begin(bank: SmallBank, who: str = "admin", reason: str = "A wrong number is on the line.") -> None:
    with bank.sessions() as session:
        pause.begin(session, bank.runtime, bank.staff(session, who), reason)
        commit(session, bank.runtime.bells)


def resume(bank: SmallBank, **more: bool) -> int:
    with bank.sessions() as session:
        ended = pause.resume(session, bank.runtime, bank.staff(session, "admin"), **more)
        commit(session, bank.runtime.bells)
        return len(ended)


def standing(bank: SmallBank) -> Pause | None:
    with bank.sessions() as session:
        return pause.in_force(session)


def minute(bank: SmallBank) -> None:
    bank.time.pass_by(60)
    observe(bank.runtime, anchors=True)


# --- by a person ------------------------------------------------------------------------------------------


def test_an_administrator_pauses_and_resumes_on_record(bank: SmallBank) -> None:
    begin(bank)
    found = standing(bank)
    assert found is not None
    assert (found.cause, found.reason, found.began_by) == (
        "person",
        "A wrong number is on the line.",
        "admin@bank.example",
    )
    assert resume(bank) == 1
    assert standing(bank) is None
    begin(bank, reason="Once more.")
    with bank.sessions() as session:
        acts = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
        assert acts == ["pause sending", "resume sending", "pause sending"]
        assert session.execute(select(Task.kind, Task.state).order_by(Task.id)).all() == [
            ("alarm", "closed"), ("alarm", "open"),
        ]  # fmt: skip
        assert [one.reason for one in pause.history(session)] == ["Once more.", "A wrong number is on the line."]
        assert session.scalars(select(Letter.kind)).all() == ["alarm", "alarm"]


@pytest.mark.parametrize("who", ["analyst", "officer", "rep"])
def test_others_may_not(bank: SmallBank, who: str) -> None:
    with pytest.raises(NotAllowed):
        begin(bank, who)
    begin(bank)
    with bank.sessions() as session, pytest.raises(NotAllowed):
        pause.resume(session, bank.runtime, bank.staff(session, who))


def test_a_pause_needs_a_reason_and_stands_once(bank: SmallBank) -> None:
    for reason in ("", "  \n ", "x" * 501):
        with pytest.raises(Refused, match="reason"):
            begin(bank, reason=reason)
    with pytest.raises(StateConflict, match="not paused"):
        resume(bank)
    begin(bank)
    with pytest.raises(StateConflict, match="paused already"):
        begin(bank)


def test_what_waits_is_told_before_a_resume(bank: SmallBank) -> None:
    begin(bank)
    with bank.sessions() as session:
        first = bank.released(session).id
    with bank.sessions() as session:
        found = pause.waiting(session, bank.runtime)
        assert [(one.message_id, one.channel, one.count, one.state) for one in found] == [
            (first, "email", 1, "releasing"),
            (first, "sms", 1, "releasing"),
            (first, "voice", 1, "releasing"),
        ]
        assert pause.letters_waiting(session) == 0
    bank.bells.rings.clear()
    resume(bank)
    assert ("sms", "fan_out", ("sms",)) in bank.bells.rings


# --- after a restore --------------------------------------------------------------------------------------


def test_a_fresh_one_a_restart_and_a_quiet_night_do_not_pause(bank: SmallBank) -> None:
    observe(bank.runtime)  # a worker was quicker than the clock
    minute(bank)
    with bank.sessions() as session:
        bank.released(session)
    for _ in range(3):
        minute(bank)
    observe(bank.runtime)
    assert standing(bank) is None
    folder = bank.runtime.settings.var_dir
    lines = (folder / witness.ANCHORS).read_text().splitlines()
    assert len(lines) == 1, "the head is noted when it has moved"
    assert json.loads((folder / witness.MARK).read_text())["beat"] == 6
    with bank.sessions() as session:
        assert verify.check(session, bank.runtime) == []


def entries_lost(session: Session) -> None:
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
    session.execute(delete(AuditEntry).where(AuditEntry.seq == last.seq))


def other_entries(session: Session) -> None:
    last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
    last.hash = "f" * 64 if last.hash != "f" * 64 else "e" * 64


def an_earlier_beat(session: Session) -> None:
    session.execute(update(Mark).values(beat=Mark.beat - 1))


def restored_after_a_release(bank: SmallBank) -> None:
    """A message is released, a minute later the database is as it was before, and the clock finds that out."""
    with bank.sessions() as session:
        bank.released(session)
    minute(bank)
    with bank.sessions() as session:
        an_earlier_beat(session)
        session.commit()
    minute(bank)


def another_database(session: Session) -> None:
    session.execute(update(Mark).values(name="another"))


def a_new_database(session: Session) -> None:
    session.execute(delete(Mark))


OLDER: list[Callable[[Session], None]] = [
    entries_lost, other_entries, an_earlier_beat, another_database, a_new_database,
]  # fmt: skip


@pytest.mark.parametrize("become", OLDER, ids=lambda one: one.__name__)
def test_an_older_or_another_database_is_paused_until_a_person_resumes(
    bank: SmallBank, become: Callable[[Session], None]
) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
        bank.submitted(session, subject="Another")
    minute(bank)
    with bank.sessions() as session:
        become(session)
        session.commit()
    observe(bank.runtime)  # a worker that starts
    found = standing(bank)
    assert found is not None
    assert found.cause == "restore"
    assert found.reason.startswith("the database is older than the record outside it: ")
    for _ in range(3):
        minute(bank)
    with bank.sessions() as session:
        assert len(pause.history(session)) == 1
        alarms = session.scalars(select(Task.text).where(Task.kind == "alarm")).all()
        assert len(alarms) == 1
        assert "older than the record outside" in alarms[0]
    resume(bank)
    for _ in range(3):
        minute(bank)
    observe(bank.runtime)
    assert standing(bank) is None
    with bank.sessions() as session:
        become(session)
        session.commit()
    minute(bank)
    assert standing(bank) is not None, "a second restore is found like the first"


def test_the_anchors_of_the_lost_past_are_kept_apart(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
        bank.submitted(session)
    minute(bank)
    with bank.sessions() as session:
        entries_lost(session)
        session.commit()
    minute(bank)
    with bank.sessions() as session:
        assert any(one.promise == "P8" for one in verify.check(session, bank.runtime))
    resume(bank)
    minute(bank)
    kept = list(bank.runtime.settings.var_dir.glob("audit-anchors-before-restore-*.jsonl"))
    assert len(kept) == 1
    with bank.sessions() as session:
        assert [str(one) for one in verify.check(session, bank.runtime) if one.promise == "P8"] == []


def test_a_restored_file_is_found_and_what_waited_is_looked_up_first(sqlite_url: str, tmp_path: Path) -> None:
    """A real backup of a real file, taken between the release and the sends."""
    from dispatcher.storage import make_engine, make_sessions

    engine = make_engine(sqlite_url)
    bank = small_bank(make_sessions(engine), tmp_path)
    with bank.sessions() as session:
        message_id = bank.released(session).id
    minute(bank)
    path, backup = tmp_path / "dispatcher.sqlite", tmp_path / "backup"
    engine.dispose()
    shutil.copy(path, backup)
    minute(bank)  # nothing is recorded while deliveries are sent: the beat alone tells
    engine.dispose()
    for rest in ("-wal", "-shm"):
        Path(f"{path}{rest}").unlink(missing_ok=True)
    shutil.copy(backup, path)
    minute(bank)
    found = standing(bank)
    assert found is not None
    assert found.cause == "restore"
    resume(bank)
    with bank.sessions() as session:
        rows = session.scalars(select(Delivery).where(Delivery.message_id == message_id)).all()
        assert {(one.state, one.error, one.tries) for one in rows} == {("unknown", pause.RESTORED, 1)}
        attempts = session.scalars(select(Attempt).where(Attempt.delivery_id.is_not(None))).all()
        assert {(one.state, one.n) for one in attempts} == {("unknown", 1)}
        assert sorted(reconcile.due(session, bank.runtime)) == sorted(one.id for one in attempts)
    engine.dispose()


def test_what_a_lost_past_sent_is_looked_for_at_every_provider(bank: SmallBank) -> None:
    spare = Scripted("sms", name="spare", found=Found("absent"))
    own = bank.providers["sms"]
    bank.runtime.adapters.providers["sms"] = (own, spare)  # type: ignore[index]  # a dict, as every bank's
    asked: list[Probe] = []

    async def find(probe: Probe) -> Found:
        asked.append(probe)
        return Found("absent")

    own.find = find  # type: ignore[method-assign]  # scripted more closely
    restored_after_a_release(bank)
    found = standing(bank)
    resume(bank)
    with bank.sessions() as session:
        attempt = session.scalars(select(Attempt).join(Attempt.delivery).where(Delivery.channel == "sms")).one().id
    spare.found = Found("cannot say")
    assert asyncio.run(reconcile.look_up(bank.runtime, attempt)) == "cannot say"
    assert found is not None
    assert [(one.any_attempt, one.latest) for one in asked] == [(True, found.began_at)]
    bank.time.pass_by(121)
    spare.found = Found("accepted", provider_ref="it had left")
    assert asyncio.run(reconcile.look_up(bank.runtime, attempt)) == "accepted"
    with bank.sessions() as session:
        one = session.get_one(Attempt, attempt)
        assert (one.state, one.provider, one.provider_ref) == ("accepted", "spare", "it had left")


def test_what_was_in_doubt_in_the_backup_is_looked_up_like_what_waited(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = lambda one: None
    asyncio.run(Pump(bank.runtime, "sms").run())
    minute(bank)
    with bank.sessions() as session:
        an_earlier_beat(session)
        session.commit()
    minute(bank)
    resume(bank)
    with bank.sessions() as session:
        attempts = session.scalars(select(Attempt)).all()
        assert {(one.state, one.code) for one in attempts} == {("unknown", pause.RESTORED_CODE)}
        assert len(attempts) == 3


def test_the_record_is_locked_last(bank: SmallBank, engine: Engine) -> None:
    """Whoever writes deliveries and then the record would else wait for a resume that waits for them."""
    with bank.sessions() as session:
        bank.released(session)
    minute(bank)
    begin(bank)
    with bank.sessions() as session:
        a_new_database(session)
        session.commit()
    minute(bank)
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    assert resume(bank) == 2
    first = next(at for at, one in enumerate(said) if "audit" in one)
    assert not [one for one in said[first:] if re.match("(UPDATE|INSERT INTO) (deliveries|letters|attempts)", one)]


def test_a_person_may_send_without_looking_up(bank: SmallBank) -> None:
    restored_after_a_release(bank)
    resume(bank, look_up=False)
    with bank.sessions() as session:
        assert {one.state for one in session.scalars(select(Delivery))} == {"queued"}


def test_what_two_hosts_know_is_settled_by_one_resume(bank: SmallBank, tmp_path: Path) -> None:
    from dataclasses import replace

    other = replace(
        bank.runtime, settings=bank.runtime.settings.model_copy(update={"var_dir": tmp_path / "other host"})
    )
    other.settings.var_dir.mkdir()
    observe(other, anchors=True)
    minute(bank)
    with bank.sessions() as session:
        a_new_database(session)
        session.commit()
    observe(bank.runtime, anchors=True)
    observe(other, anchors=True)
    with bank.sessions() as session:
        found = pause.in_force(session)
        assert found is not None
        assert len(found.outside) == 2
    resume(bank)
    observe(other, anchors=True)
    minute(bank)
    observe(other)
    assert standing(bank) is None


def test_a_restore_is_graver_than_a_persons_pause(bank: SmallBank) -> None:
    minute(bank)
    begin(bank)
    with bank.sessions() as session:
        a_new_database(session)
        session.commit()
    minute(bank)
    found = standing(bank)
    assert found is not None
    assert found.cause == "restore"
    assert resume(bank) == 2
    assert standing(bank) is None


def test_rubbish_outside_is_no_evidence(bank: SmallBank) -> None:
    minute(bank)
    folder = bank.runtime.settings.var_dir
    (folder / witness.ANCHORS).write_text('[]\n\n{"se')
    (folder / witness.MARK).write_text("")
    minute(bank)
    assert standing(bank) is None
    assert json.loads((folder / witness.MARK).read_text())["beat"] == 2


def test_half_a_line_spoils_no_other(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
    minute(bank)
    path = bank.runtime.settings.var_dir / witness.ANCHORS
    whole = path.read_text()
    path.write_text(whole + '{"seq": 99, "ha')
    with bank.sessions() as session:
        bank.submitted(session)
    minute(bank)
    assert standing(bank) is None
    lines = path.read_text().splitlines()
    assert (lines[0], len(lines)) == (whole.strip(), 2)
    with bank.sessions() as session:
        assert verify.check(session, bank.runtime) == []


def test_a_disk_that_cannot_be_written_stops_nothing(bank: SmallBank, caplog: pytest.LogCaptureFixture) -> None:
    minute(bank)
    path = bank.runtime.settings.var_dir / witness.MARK
    path.unlink()
    path.mkdir()  # nothing can be put in its place, even by root
    (path / "full").touch()
    minute(bank)
    assert "VAR_DIR cannot be written" in caplog.text
    assert standing(bank) is None


def test_the_staff_of_the_command_is_the_system(bank: SmallBank) -> None:
    with bank.sessions() as session:
        pause.begin(session, bank.runtime, "system", "From the command.")
        assert session.scalars(select(Pause.began_by)).one() == "system"
        assert session.scalars(select(Staff.email).where(Staff.email == "system")).one_or_none() is None
