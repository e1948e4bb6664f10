"""What a call comes to, in any order and by several at once; the written form of a dictated alert."""

from __future__ import annotations

import io
import random
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, dictation, submission
from dispatcher import bells
from dispatcher.model import AuditEntry, Message, Recording, Staff, StaffCall
from dispatcher.model.errors import Refused, StateConflict
from dispatcher.model.ports import File
from dispatcher.services import recordings
from tests.small_bank import SmallBank, small_bank


def wav(number: int) -> bytes:
    at = np.arange(8000 * 2)
    out = io.BytesIO()
    sound = 0.3 * np.sin(at * (0.4 + 0.01 * number)) * (np.sin(at * 0.003) > -0.5)
    soundfile.write(out, sound, 8000, format="WAV", subtype="PCM_16")
    return out.getvalue()


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    """On SQLite and on PostgreSQL."""
    return small_bank(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sqlite_sessions, tmp_path)


def calling(bank: SmallBank, ref: str = "CA1") -> int:
    """A call in which the PIN was right; its id."""
    with bank.sessions() as session:
        call = StaffCall(
            provider="twilio", call_ref=ref, staff_id=bank.ids["analyst"], proven_at=bank.time(), lists=["semis"],
            created_at=bank.time(),
        )  # fmt: skip
        session.add(call)
        session.commit()
        return call.id


def arrives(bank: SmallBank, ref: str, content: bytes) -> None:
    file = File("x.wav", "audio/wav", content)
    with bank.sessions() as session:
        piece = session.scalars(select(Recording).where(Recording.ref == ref)).one()
        recordings.keep(session, bank.runtime, piece.id, file, recordings.weigh(file))
        dictation.piece_arrived(session, bank.runtime, piece)
        bells.commit(session, bank.runtime.bells)


def step(bank: SmallBank, call_id: int, ref: str, *, anew: bool = False) -> None:
    with bank.sessions() as session:
        call = session.get_one(StaffCall, call_id)
        dictation.recorded(session, bank.runtime, call, ref, 2.0, anew=anew)
        bells.commit(session, bank.runtime.bells)


def test_the_sound_of_a_piece_and_the_wish_to_submit_at_once(bank: SmallBank) -> None:
    """Whatever is first, there is one message, with its sound, and it is submitted at most once."""
    call_id = calling(bank)
    step(bank, call_id, "RE1")
    came: list[str] = []
    faults: list[Exception] = []

    def submit() -> None:
        with bank.sessions() as session:
            handed = dictation.submit(session, bank.runtime, session.get_one(StaffCall, call_id))
            came.append(handed.came)
            bells.commit(session, bank.runtime.bells)

    def guarded(work: object, *given: object) -> None:
        try:
            work(*given)  # type: ignore[operator]  # a function of this test
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(arrives, bank, "RE1", wav(1)))]
    threads += [threading.Thread(target=guarded, args=(submit,)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    submit()
    assert faults == []
    assert came[-1] == "submitted"
    with bank.sessions() as session:
        [message] = session.scalars(select(Message))
        assert message.state == "pending"
        assert message.current.recording is not None
        acts = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))
        assert (acts.count("submit message"), acts.count("write message")) == (1, 1)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_in_any_order_end_alike(light: SmallBank, seed: int) -> None:
    """Steps come in the order of the call, sound whenever it likes, also before its step, also twice."""
    chance = random.Random(seed)
    call_id = calling(light)
    todo = [("step", "RE1", False), ("step", "RE2", True), ("step", "RE3", False)]
    sounds = ["RE1", "RE2", "RE3", "RE2", "RE3"]
    chance.shuffle(sounds)
    known: set[str] = set()
    while todo or sounds:
        if todo and (not sounds or chance.random() < 0.5):
            _, ref, anew = todo.pop(0)
            step(light, call_id, ref, anew=anew)
            known.add(ref)
        elif sounds and sounds[0] in known:
            ref = sounds.pop(0)
            arrives(light, ref, wav(int(ref[-1])))
        elif sounds:
            chance.shuffle(sounds)
            if not todo:
                continue
            # The provider's news of the next piece overtakes the call's own step.
            ref = todo[0][1]
            with light.sessions() as session:
                call = session.get_one(StaffCall, call_id)
                recordings.expect(
                    session, light.runtime, provider="twilio", ref=ref, call_ref="CA1", purpose="alert", staff_call=call
                )
                session.commit()
            known.add(ref)
    with light.sessions() as session:
        [message] = session.scalars(select(Message))
        assert message.current.recording is not None
        assert message.current.recording.seconds == pytest.approx(4.3, abs=0.05)
        handed = dictation.submit(session, light.runtime, session.get_one(StaffCall, call_id))
        assert (handed.came, handed.customers, handed.lists) == ("submitted", 2, ("Semis",))


# --- the written form -------------------------------------------------------------------------------------


def drafted(bank: SmallBank, session: Session, state: str) -> Message:
    author = bank.staff(session, "analyst")
    form = bank.submission(text="", recording=submission.Submission().recording)
    message = submission.create(session, bank.runtime, author, form, draft=True, via="phone")
    if state == "draft":
        return message
    submission.edit(session, bank.runtime, author, message.id, {"text": "said"}, via="phone")
    submission.submit(session, bank.runtime, author, message.id)
    officer = bank.staff(session, "officer")
    for decision, after in (("approve", "released"), ("return", "returned"), ("reject", "rejected")):
        if state == after:
            decisions.decide(session, bank.runtime, officer, message.id, decision, message.current.digest, "why")
    session.commit()
    return message


@pytest.mark.parametrize("state", ["draft", "pending"])
def test_text_joins_the_voice_in_one_message(bank: SmallBank, state: str) -> None:
    with bank.sessions() as session:
        message = drafted(bank, session, state)
        before = message.current
        author = bank.staff(session, "analyst")
        version = dictation.add_text(session, bank.runtime, author, message, "  We cut LTMY. ", "sms")
        assert (version.text, version.via, version.recording) == ("We cut LTMY.", "sms", before.recording)
        assert (version.number, message.state) == (before.number + 1, state)
        again = dictation.add_text(session, bank.runtime, author, message, "We cut LTMY.", "sms")
        assert again is version
        assert len(list(session.scalars(select(Message)))) == 1


@pytest.mark.parametrize("state", ["released", "returned", "rejected"])
def test_text_that_comes_after_the_decision_is_refused(light: SmallBank, state: str) -> None:
    with light.sessions() as session:
        message = drafted(light, session, state)
        number = message.version
        with pytest.raises(StateConflict, match="change it on its page"):
            dictation.add_text(session, light.runtime, light.staff(session, "analyst"), message, "late", "mail")
        assert message.version == number


def test_text_keeps_the_rules_of_every_submission(light: SmallBank) -> None:
    with light.sessions() as session:
        message = drafted(light, session, "pending")
        with pytest.raises(Refused, match="characters"):
            dictation.add_text(session, light.runtime, light.staff(session, "analyst"), message, "x" * 20_001, "mail")


def test_an_officer_of_the_same_call_is_no_author(light: SmallBank) -> None:
    """Who dictates never decides: the call of an analyst who is an officer as well is written by them."""
    call_id = calling(light)
    with light.sessions() as session:
        call = session.get_one(StaffCall, call_id)
        call.staff_id = light.ids["colleague"]
        session.commit()
    step(light, call_id, "RE1")
    arrives(light, "RE1", wav(1))
    with light.sessions() as session:
        handed = dictation.submit(session, light.runtime, session.get_one(StaffCall, call_id))
        assert handed.message is not None
        assert "Colleague" not in handed.reviewers
        colleague = session.get_one(Staff, light.ids["colleague"])
        assert "you wrote" in decisions.why_barred(session, colleague, handed.message)
