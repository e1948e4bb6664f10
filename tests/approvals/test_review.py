"""Deciding by telephone: the code, the gates, two at once, and what is on record; on both databases."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, review, submission
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Decision, Duty, Letter, Message, Staff, StaffCall
from dispatcher.model.errors import DigestConflict, NotAllowed, StateConflict
from dispatcher.services import recordings, verify
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def call_of(session: Session, bank: SmallBank, who: str, message: Message | None = None, *, heard: bool = True) -> int:
    """A call in which they have proven who they are and, with `heard`, heard all of this alert."""
    call = StaffCall(
        provider="twilio", call_ref=f"CA{bank.runtime.new_id()}", staff_id=bank.ids[who], lists=[],
        proven_at=bank.runtime.now(),
    )  # fmt: skip
    session.add(call)
    session.flush()
    if message is not None:
        review.take_up(session, bank.runtime, call, message)
        if heard:
            review.heard_out(session, bank.runtime, call, "")
    session.commit()
    return call.id


@pytest.mark.parametrize(
    ("digest", "code"),
    [("0" * 64, "0000"), ("0000270f" + "f" * 56, "9999"), ("00002710" + "0" * 56, "0000"), ("ffffffff" * 8, "7295")],
)
def test_the_code_is_four_digits_of_the_digest(digest: str, code: str) -> None:
    assert review.code_of(digest) == code


def test_every_gate_of_the_page_holds(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    for who in ("analyst", "rep", "admin"):
        call = session.get_one(StaffCall, call_of(session, bank, who, message))
        with pytest.raises(NotAllowed):
            review.approve(session, bank.runtime, call, review.code_of(message.current.digest))
    unproven = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    unproven.proven_at = None
    with pytest.raises(NotAllowed, match="proven"):
        review.decide(session, bank.runtime, unproven, "approve")
    unheard = session.get_one(StaffCall, call_of(session, bank, "officer", message, heard=False))
    with pytest.raises(NotAllowed, match="heard"):
        review.approve(session, bank.runtime, unheard, review.code_of(message.current.digest))
    assert session.get_one(Message, message.id).state == "pending"
    assert session.scalars(select(Decision)).all() == []


def test_a_refused_decision_leaves_nothing_behind(bank: SmallBank, session: Session) -> None:
    one_an_hour = bank.runtime.settings.model_copy(update={"cap_messages_per_hour": 1})
    runtime = replace(bank.runtime, settings=one_an_hour)
    bank.released(session)
    message = bank.submitted(session)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    before = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    with pytest.raises(StateConflict, match="CAP_MESSAGES_PER_HOUR"):
        review.approve(session, runtime, call, review.code_of(message.current.digest))
    commit(session, runtime.bells)
    session.expire_all()
    assert (message.state, message.approved_at) == ("pending", None)
    assert session.scalars(select(Decision.message_id).where(Decision.message_id == message.id)).all() == []
    assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all() == before
    bank.time.pass_by(3601)
    assert review.approve(session, runtime, call, review.code_of(message.current.digest))


def test_two_officers_on_the_telephone_make_one_decision(bank: SmallBank, sessions: sessionmaker[Session]) -> None:
    for _round in range(3):
        with sessions() as session:
            message = bank.submitted(session)
            message_id, code = message.id, review.code_of(message.current.digest)
            calls = [call_of(session, bank, who, message) for who in ("officer", "other")]
        start = threading.Barrier(2)
        results: list[str] = []

        def press(
            call_id: int, start: threading.Barrier = start, code: str = code, results: list[str] = results
        ) -> None:
            start.wait()
            with sessions() as session:
                call = session.get_one(StaffCall, call_id)
                try:
                    assert review.approve(session, bank.runtime, call, code) is not None
                    commit(session, bank.runtime.bells)
                    results.append("approved")
                except DigestConflict:
                    results.append(review.standing(session, call))
                    session.commit()

        threads = [threading.Thread(target=press, args=(one,)) for one in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(results) == ["approved", "decided"]
        with sessions() as session:
            assert len(session.scalars(select(Decision).where(Decision.message_id == message_id)).all()) == 1


def test_the_record_says_how_it_was_decided_and_the_chain_holds(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message, heard=False))
    review.skipped(session, bank.runtime, call, "1")
    review.heard_out(session, bank.runtime, call, "")
    review.heard_out(session, bank.runtime, call, "4")
    review.skipped(session, bank.runtime, call, "4")
    assert review.approve(session, bank.runtime, call, review.code_of(message.current.digest))
    commit(session, bank.runtime.bells)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.actor == "officer@bank.example")).all()
    assert [(one.action, json.loads(one.detail).get("whole")) for one in entries] == [
        ("hear message", False), ("skip message", None), ("hear message", True), ("approve message", True),
    ]  # fmt: skip
    assert all(json.loads(one.detail)["call"] == call.call_ref for one in entries)
    assert all(json.loads(one.detail)["digest"] == message.current.digest for one in entries)
    assert verify.check(session, bank.runtime) == []


def test_a_decision_on_the_page_has_nothing_of_a_call_on_record(bank: SmallBank, session: Session) -> None:
    bank.released(session)
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "approve message"))
    assert json.loads(entry.detail).keys() == {"version", "digest", "comment", "via"}


def test_the_queue_has_urgent_ones_first_and_nothing_of_their_own(bank: SmallBank, session: Session) -> None:
    first = bank.submitted(session)
    bank.time.pass_by(60)
    urgent = bank.submitted(session, urgency="urgent")
    own = submission.create(session, bank.runtime, bank.staff(session, "colleague"), bank.submission())
    commit(session, bank.runtime.bells)
    draft = submission.create(session, bank.runtime, bank.staff(session, "analyst"), bank.submission(), draft=True)
    commit(session, bank.runtime.bells)
    assert review.queue(session, bank.staff(session, "officer")) == [urgent, first, own]
    assert review.waiting(session, bank.staff(session, "officer")) == [urgent, first, own]
    assert review.waiting(session, bank.staff(session, "colleague")) == [urgent, first]
    assert review.waiting(session, bank.staff(session, "admin")) == []
    assert draft not in review.queue(session, bank.staff(session, "officer"))


def test_what_was_taken_back_since_is_decided_by_nobody(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session, release_at=None)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    submission.withdraw(session, bank.runtime, bank.staff(session, "analyst"), message.id)
    assert review.standing(session, call) == "gone"
    assert review.decided_by(message) is None
    with pytest.raises(DigestConflict):
        review.approve(session, bank.runtime, call, review.code_of(call.digest or ""))


def with_phone(session: Session, bank: SmallBank, who: str, *channels: str) -> Staff:
    person = bank.staff(session, who)
    person.phone, person.pin_hash, person.channels = "+12025550177", "$argon2id$", list(channels)
    session.commit()
    return person


@pytest.mark.parametrize(
    ("channels", "told"),
    [(("email",), ["email"]), (("sms", "email"), ["sms", "email"]), (("sms", "voice"), ["sms", "voice"])],
)
def test_a_colleague_is_told_by_their_own_channels(
    bank: SmallBank, session: Session, channels: tuple[str, ...], told: list[str]
) -> None:
    message = bank.submitted(session)
    session.query(Letter).delete()
    other = with_phone(session, bank, "other", *channels)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    review.pass_on(session, bank.runtime, call, other)
    commit(session, bank.runtime.bells)
    letters = session.scalars(select(Letter).order_by(Letter.id)).all()
    assert [one.channel for one in letters] == told
    assert {(one.staff_id, one.message_id, one.kind) for one in letters} == {(other.id, message.id, "approval")}
    assert ("notices", "send_letter", (letters[0].id,)) in bank.bells.rings


def test_colleagues_on_duty_are_named_first(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    assert [one.name for one in review.colleagues(session, bank.runtime, call)] == ["Colleague", "Other"]
    now = bank.runtime.now()
    session.add(Duty(staff_id=bank.ids["other"], begins_at=now, ends_at=now + timedelta(hours=8)))
    session.flush()
    assert [one.name for one in review.colleagues(session, bank.runtime, call)] == ["Other", "Colleague"]


def test_nobody_is_passed_what_they_may_not_decide_on(bank: SmallBank, session: Session) -> None:
    message = submission.create(session, bank.runtime, bank.staff(session, "colleague"), bank.submission())
    commit(session, bank.runtime.bells)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    assert [one.name for one in review.colleagues(session, bank.runtime, call)] == ["Other"]
    for who in ("colleague", "officer", "analyst"):
        with pytest.raises(StateConflict):
            review.pass_on(session, bank.runtime, call, bank.staff(session, who))


def test_words_that_arrive_after_another_decided_are_kept_and_decide_nothing(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    call = session.get_one(StaffCall, call_of(session, bank, "officer", message))
    reason = recordings.expect(
        session, bank.runtime, provider="twilio", ref="RE" + "a" * 32, call_ref=call.call_ref, purpose="reason",
        seconds=9, staff_call=call,
    )  # fmt: skip
    call.ended_at = bank.runtime.now()
    other = bank.staff(session, "other")
    decisions.decide(session, bank.runtime, other, message.id, "approve", message.current.digest)
    commit(session, bank.runtime.bells)
    reason.state = "kept"
    assert review.reason_arrived(session, bank.runtime, reason) is None
    assert [one.decision for one in session.scalars(select(Decision))] == ["approve"]
    assert reason.decision is None
