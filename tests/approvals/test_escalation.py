"""Who is told of an alert that waits, by which channels, how often they are rung, and what if nobody decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, duty, escalation, submission
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Letter, Message, Staff, Task
from dispatcher.model.ports import Event, Outcome
from dispatcher.services import covers, rings, status, sweep
from dispatcher.services.letter_sending import send_letter
from tests.small_bank import SmallBank, small_bank

PHONES = {"officer": "+12025550111", "other": "+12025550112", "colleague": "+12025550113"}


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite and on PostgreSQL."""
    return prepared(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite alone, for tables of many cases."""
    return prepared(sqlite_sessions, tmp_path)


def prepared(sessions: sessionmaker[Session], folder: Path) -> SmallBank:
    """Officers with telephones; one wants calls, one texts."""
    bank = small_bank(sessions, folder)
    with sessions() as session:
        for name, phone in PHONES.items():
            bank.staff(session, name).phone, bank.staff(session, name).pin_hash = phone, "$argon2"
        bank.staff(session, "officer").channels = ["voice", "email"]
        bank.staff(session, "other").channels = ["email", "sms"]
        session.commit()
    return bank


def letters(bank: SmallBank, kind: str = "approval") -> list[tuple[str, str]]:
    """Whom letters went to, by which channel; in their order."""
    people = ("analyst", "colleague", "officer", "other", "rep", "admin")
    names = {bank.ids[name]: name for name in people}
    with bank.sessions() as session:
        found = session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.id))
        return [(names[one.staff_id or 0], one.channel) for one in found]


def rings_of(bank: SmallBank, name: str = "officer") -> list[Letter]:
    with bank.sessions() as session:
        query = select(Letter).where(Letter.channel == "voice", Letter.staff_id == bank.ids[name])
        return list(session.scalars(query.order_by(Letter.id)))


def submit(bank: SmallBank, **changes: object) -> int:
    with bank.sessions() as session:
        return bank.submitted(session, **changes).id


def tick(bank: SmallBank, seconds: float = 0) -> None:
    """A sweep, and the jobs that it rings for."""
    bank.time.pass_by(seconds)
    bank.bells.rings.clear()
    with bank.sessions() as session:
        sweep.sweep(session, bank.runtime)
        commit(session, bank.runtime.bells)
    for _, function, numbers in list(bank.bells.rings):
        if function == "escalate":
            with bank.sessions() as session:
                escalation.escalate(session, bank.runtime, int(numbers[0]))
                commit(session, bank.runtime.bells)
        elif function == "send_letter":
            asyncio.run(send_letter(bank.runtime, int(numbers[0])))


def call(bank: SmallBank, letter: Letter, state: str, outcome: str) -> None:
    """The officer is called, and the provider tells how that ended."""
    assert asyncio.run(send_letter(bank.runtime, letter.id))
    tell(bank, state, outcome)


def tell(bank: SmallBank, state: str, outcome: str) -> None:
    """The provider tells how the last call ended."""
    attempt = bank.providers["voice"].got[-1].attempt
    for n, (news, how) in enumerate((("accepted", ""), (state, outcome))):
        event = Event(f"{attempt}:{n}", news, bank.time(), attempt=attempt, outcome=how, detail=outcome)
        with bank.sessions() as session:
            assert status.apply(session, bank.runtime, "scripted", event)
            commit(session, bank.runtime.bells)
    tick(bank)


def decide(bank: SmallBank, message_id: int, decision: str = "approve", name: str = "officer") -> None:
    with bank.sessions() as session:
        message = session.get_one(Message, message_id)
        decisions.decide(
            session, bank.runtime, bank.staff(session, name), message_id, decision, message.current.digest, "So."
        )
        commit(session, bank.runtime.bells)


def audit(bank: SmallBank, action: str) -> list[str]:
    with bank.sessions() as session:
        query = select(AuditEntry.detail).where(AuditEntry.action == action).order_by(AuditEntry.seq)
        return list(session.scalars(query))


def on_duty(bank: SmallBank, message_id: int) -> list[str]:
    with bank.sessions() as session:
        found = duty.on_duty(session, bank.runtime, session.get_one(Message, message_id))
        return [one.email.partition("@")[0] for one in found]


def put_on_duty(bank: SmallBank, name: str, begin: datetime | None = None, hours: float = 8) -> None:
    begin = begin or bank.time()
    with bank.sessions() as session:
        admin = bank.staff(session, "admin")
        duty.add(session, bank.runtime, admin, bank.ids[name], [(begin, begin + timedelta(hours=hours))])
        session.commit()


def away(bank: SmallBank, name: str, cover: str | None) -> None:
    with bank.sessions() as session:
        covers.set_away(
            session, bank.runtime, bank.staff(session, "admin"), bank.ids[name], bank.time() + timedelta(days=3),
            bank.ids[cover] if cover else None,
        )  # fmt: skip
        session.commit()


# --- whom, and by what ------------------------------------------------------------------------------------


def test_officers_are_told_by_their_own_channels_and_not_a_word_of_the_alert(bank: SmallBank) -> None:
    number = submit(bank)
    assert sorted(letters(bank)) == [
        ("colleague", "email"), ("officer", "email"), ("officer", "voice"), ("other", "email"), ("other", "sms"),
    ]  # fmt: skip
    with bank.sessions() as session:
        for one in session.scalars(select(Letter).where(Letter.kind == "approval")):
            assert "LTMY" not in one.text + one.subject
            assert "Downgrade" not in one.text + one.subject
            assert one.channel == "voice" or f"/approvals/{number}" in one.text
            assert (one.text == "") == (one.channel == "voice")


@pytest.mark.parametrize(
    ("shift", "absent", "told"),
    [
        ((), {}, ["colleague", "officer", "other"]),
        (("other",), {}, ["other"]),
        (("other", "officer"), {}, ["officer", "other"]),
        (("other",), {"other": "officer"}, ["officer"]),
        (("other",), {"other": "officer", "officer": "colleague"}, ["colleague"]),
        (("other",), {"other": None}, ["colleague", "officer"]),
        (("other", "officer"), {"other": "officer"}, ["officer"]),
        ((), {"other": None, "officer": None}, ["colleague"]),
        ((), {"other": None, "officer": None, "colleague": None}, ["colleague", "officer", "other"]),
    ],
)
def test_who_is_on_duty(
    light: SmallBank, shift: tuple[str, ...], absent: dict[str, str | None], told: list[str]
) -> None:
    for name in shift:
        put_on_duty(light, name)
    for name, cover in absent.items():
        away(light, name, cover)
    assert sorted(on_duty(light, submit(light))) == told


def test_a_shift_has_its_hours_and_covers_only_who_may_decide(bank: SmallBank) -> None:
    put_on_duty(bank, "colleague", bank.time() - timedelta(hours=1), hours=2)
    put_on_duty(bank, "officer", bank.time() + timedelta(hours=1), hours=2)
    number = submit(bank)
    assert on_duty(bank, number) == ["colleague"]
    with bank.sessions() as session:  # who edits may not decide, and nobody else is on duty
        submission.edit(session, bank.runtime, bank.staff(session, "colleague"), number, {"text": "Other words."})
        session.commit()
    assert on_duty(bank, number) == ["officer", "other"]
    away(bank, "other", "colleague")
    assert on_duty(bank, number) == ["officer"]
    bank.time.pass_by(3600)
    assert on_duty(bank, number) == ["officer"]
    bank.time.pass_by(7200)
    assert on_duty(bank, number) == ["officer"], "nobody is on duty: all who are here"


# --- rings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "outcome", "again"),
    [("failed", "busy", True), ("failed", "no-answer", True), ("delivered", "machine", True),
     ("delivered", "answered", True), ("failed", "", True)],
)  # fmt: skip
def test_a_ring_that_came_to_nothing_is_followed_by_another_and_all_of_it_is_on_record(
    light: SmallBank, state: str, outcome: str, again: bool
) -> None:
    submit(light)
    for n in (1, 2, 3):
        ring = rings_of(light)[-1]
        assert len(rings_of(light)) == n
        call(light, ring, state, outcome)
        light.time.pass_by(119)
        assert not asyncio.run(send_letter(light.runtime, rings_of(light)[-1].id)), "not before its time"
        light.time.pass_by(1)
    assert len(rings_of(light)) == 3, "three, and no more"
    assert len(light.providers["voice"].got) == 3
    assert len(audit(light, "ring officer")) == len(audit(light, "end ring")) == 3
    assert [f'"n": {n}' in one for n, one in enumerate(audit(light, "end ring"), 1)] == [True] * 3
    assert f'"how": "{outcome or "failed"}"' in audit(light, "end ring")[0]
    with light.sessions() as session:
        assert session.scalars(select(Task.text)).all() == [], "escalation follows, no task"


@pytest.mark.parametrize(("urgency", "after"), [("normal", 120), ("urgent", 15)])
def test_one_ring_at_a_time_however_many_alerts_wait(bank: SmallBank, urgency: str, after: int) -> None:
    submit(bank)
    submit(bank, urgency=urgency)
    first, second = rings_of(bank)
    assert asyncio.run(send_letter(bank.runtime, first.id))
    assert not asyncio.run(send_letter(bank.runtime, second.id)), "the telephone rings already"
    tick(bank, 16)
    assert len(bank.providers["voice"].got) == 1
    tell(bank, "delivered", "answered")
    bank.time.pass_by(after - 1)
    at_once = asyncio.run(send_letter(bank.runtime, second.id))
    assert at_once == (urgency == "urgent"), "they have just been on the line"
    bank.time.pass_by(1)
    assert at_once or asyncio.run(send_letter(bank.runtime, second.id))
    assert len(bank.providers["voice"].got) == 2


def test_nobody_is_rung_once_it_is_decided(bank: SmallBank) -> None:
    number = submit(bank)
    [first] = rings_of(bank)
    call(bank, first, "failed", "busy")
    decide(bank, number, name="other")
    bank.time.pass_by(120)
    assert not asyncio.run(send_letter(bank.runtime, rings_of(bank)[-1].id))
    assert [one.state for one in rings_of(bank)] == ["failed", "cancelled"]
    assert len(bank.providers["voice"].got) == 1


def test_who_decided_in_the_call_is_not_rung_again(bank: SmallBank) -> None:
    number = submit(bank)
    [first] = rings_of(bank)
    assert asyncio.run(send_letter(bank.runtime, first.id))
    decide(bank, number)
    event = Event("e", "delivered", bank.time(), attempt=bank.providers["voice"].got[0].attempt, outcome="answered")
    with bank.sessions() as session:
        assert status.apply(session, bank.runtime, "scripted", event)
        session.commit()
    tick(bank, 300)
    assert len(rings_of(bank)) == 1
    assert '"waits": false' in audit(bank, "end ring")[0]


def test_who_handed_it_to_a_colleague_is_not_rung_again_and_the_colleague_is(bank: SmallBank) -> None:
    number = submit(bank)
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        rings.pass_on(session, bank.runtime, bank.staff(session, "officer"), message)
        session.commit()
    assert rings_of(bank)[0].state == "cancelled", "it had not begun to ring"
    number = submit(bank)
    ring = rings_of(bank)[-1]
    assert asyncio.run(send_letter(bank.runtime, ring.id))
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        rings.pass_on(session, bank.runtime, bank.staff(session, "officer"), message)
        assert rings.ring(session, bank.runtime, bank.staff(session, "other"), message) is not None
        session.commit()
    event = Event("e", "delivered", bank.time(), attempt=bank.providers["voice"].got[0].attempt, outcome="answered")
    with bank.sessions() as session:
        assert status.apply(session, bank.runtime, "scripted", event)
        session.commit()
    tick(bank)
    assert [one.outcome for one in rings_of(bank)] == ["passed", "passed"]
    assert len(rings_of(bank, "other")) == 1
    assert '"how": "passed"' in audit(bank, "end ring")[0]


def test_a_new_version_is_rung_for_anew(bank: SmallBank) -> None:
    number = submit(bank)
    [first] = rings_of(bank)
    call(bank, first, "failed", "no-answer")
    with bank.sessions() as session:
        submission.edit(session, bank.runtime, bank.staff(session, "analyst"), number, {"text": "Other words."})
        commit(session, bank.runtime.bells)
    assert [one.state for one in rings_of(bank)] == ["failed", "cancelled", "queued"]
    assert asyncio.run(send_letter(bank.runtime, rings_of(bank)[-1].id))


def test_what_the_provider_refuses_for_good_is_a_persons_task(bank: SmallBank) -> None:
    bank.providers["voice"].answer = lambda one: Outcome(one.attempt, "rejected", "fall-back", error="not allowed")
    submit(bank)
    [first] = rings_of(bank)
    assert asyncio.run(send_letter(bank.runtime, first.id))
    tick(bank, 300)
    assert len(rings_of(bank)) == 1
    with bank.sessions() as session:
        [text] = session.scalars(select(Task.text)).all()
    assert "did not go out by voice" in text


# --- escalation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("urgency", "minutes"), [("normal", 30), ("urgent", 5)])
def test_nobody_decides(bank: SmallBank, urgency: str, minutes: int) -> None:
    put_on_duty(bank, "other")
    number = submit(bank, urgency=urgency)
    assert letters(bank) == [("other", "email"), ("other", "sms")]
    tick(bank, minutes * 60 - 1)
    assert len(letters(bank)) == 2
    tick(bank, 1)
    assert letters(bank)[2:] == [("other", "email"), ("other", "sms"), ("other", "voice")]
    for _ in range(3):
        tick(bank, 10)
    assert len(letters(bank)) == 5, "once, however many sweeps"
    tick(bank, minutes * 60)
    last = sorted(letters(bank)[5:])
    by_mail = [("colleague", "email"), ("officer", "email"), ("officer", "voice"), ("other", "email"), ("other", "sms")]
    assert last == (sorted([*by_mail, ("colleague", "voice")]) if urgency == "urgent" else by_mail)
    assert letters(bank, "alarm") == [("admin", "email")]
    with bank.sessions() as session:
        [task] = session.scalars(select(Task)).all()
        assert (task.kind, task.state, task.message_id) == ("alarm", "open", number)
    tick(bank, 24 * 3600)
    assert len(letters(bank, "alarm")) == 1
    assert len(audit(bank, "escalate message")) == 2
    decide(bank, number)
    with bank.sessions() as session:
        assert session.scalars(select(Task.state)).all() == ["closed"]


def _withdraw(bank: SmallBank, number: int) -> None:
    with bank.sessions() as session:
        submission.withdraw(session, bank.runtime, bank.staff(session, "analyst"), number)
        commit(session, bank.runtime.bells)


def _returned(bank: SmallBank, number: int) -> None:
    decide(bank, number, "return")


@pytest.mark.parametrize("end", [decide, _returned, _withdraw])
def test_it_ends_with_the_decision_or_the_withdrawal(bank: SmallBank, end: Callable[[SmallBank, int], None]) -> None:
    number = submit(bank)
    tick(bank, 1800)
    tick(bank, 1800)
    told = len(letters(bank))
    end(bank, number)
    for _ in range(3):
        tick(bank, 3600)
    assert len(letters(bank)) == told
    with bank.sessions() as session:
        assert session.get_one(Message, number).escalate_at is None
        assert session.scalars(select(Task.state).where(Task.kind == "alarm")).all() == ["closed"]


def test_a_new_version_waits_anew(bank: SmallBank) -> None:
    number = submit(bank)
    tick(bank, 1800)
    with bank.sessions() as session:
        assert session.get_one(Message, number).escalations == 1
        submission.edit(session, bank.runtime, bank.staff(session, "analyst"), number, {"urgency": "urgent"})
        commit(session, bank.runtime.bells)
        message = session.get_one(Message, number)
        assert (message.escalations, message.escalate_at) == (0, bank.time() + timedelta(minutes=5))
    tick(bank, 300)
    with bank.sessions() as session:
        assert session.get_one(Message, number).escalations == 1


def test_two_sweeps_at_once_tell_once(bank: SmallBank) -> None:
    number = submit(bank)
    bank.time.pass_by(1800)
    reached: list[int] = []

    def work() -> None:
        with bank.sessions() as session:
            reached.append(escalation.escalate(session, bank.runtime, number))
            commit(session, bank.runtime.bells)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sorted(reached) == [0, 0, 0, 1]
    assert len(audit(bank, "escalate message")) == 1


def test_two_sweeps_at_once_ring_once(bank: SmallBank) -> None:
    submit(bank)
    [first] = rings_of(bank)
    assert asyncio.run(send_letter(bank.runtime, first.id))
    attempt = bank.providers["voice"].got[0].attempt
    with bank.sessions() as session:
        status.apply(
            session, bank.runtime, "scripted", Event("e", "failed", bank.time(), attempt=attempt, outcome="busy")
        )
        session.commit()
    ended: list[int] = []

    def work() -> None:
        with bank.sessions() as session:
            ended.append(rings.follow_up(session, bank.runtime))
            commit(session, bank.runtime.bells)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sum(ended) == 1
    assert len(rings_of(bank)) == 2
    assert len(audit(bank, "end ring")) == 1


def test_nobody_may_decide_at_all(bank: SmallBank) -> None:
    with bank.sessions() as session:
        for name in PHONES:
            bank.staff(session, name).active = False
        session.commit()
    submit(bank)
    assert letters(bank) == []
    tick(bank, 1800)
    tick(bank, 1800)
    with bank.sessions() as session:
        [text] = session.scalars(select(Task.text)).all()
    assert "no officer who may decide" in text


def test_without_a_telephone_provider_nobody_is_rung(bank: SmallBank) -> None:
    rest = {name: (one,) for name, one in bank.providers.items() if name != "voice"}
    bank.runtime = replace(bank.runtime, adapters=replace(bank.runtime.adapters, providers=rest))
    submit(bank)
    tick(bank, 1800)
    assert ("officer", "voice") not in letters(bank)
    assert ("officer", "email") in letters(bank)


def test_an_officer_of_voice_alone_gets_a_mail_too(bank: SmallBank) -> None:
    """A call that nobody takes leaves nothing behind."""
    with bank.sessions() as session:
        session.get_one(Staff, bank.ids["officer"]).channels = ["voice"]
        session.commit()
    submit(bank)
    assert [one for one in letters(bank) if one[0] == "officer"] == [("officer", "email"), ("officer", "voice")]


@pytest.mark.parametrize("what", ["no telephone", "no PIN", "locked"])
def test_who_could_not_sign_in_on_the_telephone_is_not_rung(light: SmallBank, what: str) -> None:
    with light.sessions() as session:
        officer = light.staff(session, "officer")
        officer.phone = None if what == "no telephone" else officer.phone
        officer.pin_hash = None if what == "no PIN" else officer.pin_hash
        officer.pin_locked_at = light.time() if what == "locked" else None
        session.commit()
    submit(light)
    assert [one for one in letters(light) if one[0] == "officer"] == [("officer", "email")]
