"""Writing, editing and taking back: every wrong field at once, every edit a version, decisions void."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, submission
from dispatcher.model import AuditEntry, Letter, Recipient
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.services.media import Upload
from tests.small_bank import SmallBank, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def test_every_wrong_field_is_reported_at_once(bank: SmallBank, session: Session) -> None:
    form = bank.submission(
        subject="two\nlines",
        text="",
        lists=["semis", "nowhere"],
        urgency="now",
        topic="x" * 65,
        release_at=bank.time() - timedelta(hours=1),
        valid_for=1,
        recording=Upload("a.wav", b"RIFF not really"),
        attachments=[Upload("run.exe", b"MZ")],
    )
    with pytest.raises(Refused) as refused:
        submission.create(session, bank.runtime, bank.staff(session, "analyst"), form)
    assert set(refused.value.fields) == {
        "subject", "lists", "urgency", "topic", "release_at", "valid_for", "recording", "attachments"
    }  # fmt: skip
    assert "nowhere" in refused.value.fields["lists"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("text", "Z\N{REPLACEMENT CHARACTER}rich raises it.", "send it in UTF-8"),
        ("subject", "Z\N{REPLACEMENT CHARACTER}rich", "send it in UTF-8"),
        ("subject", "Buy \N{RIGHT-TO-LEFT OVERRIDE}lles ton", "shows the words after it in another order"),
        ("text", "Buy \N{LEFT-TO-RIGHT OVERRIDE}now", "shows the words after it in another order"),
        ("text", "Buy at \N{RIGHT-TO-LEFT EMBEDDING}10 - 20", "shows the words after it in another order"),
        ("text", "Buy at \N{RIGHT-TO-LEFT ISOLATE}10 - 20", "shows the words after it in another order"),
    ],
)
def test_words_that_are_not_as_written_are_refused_but_kept_as_a_draft(
    bank: SmallBank, session: Session, name: str, text: str, says: str
) -> None:
    author, form = bank.staff(session, "analyst"), bank.submission(**{name: text})
    with pytest.raises(Refused) as refused:
        submission.create(session, bank.runtime, author, form)
    assert refused.value.fields.keys() == {name}
    assert says in refused.value.fields[name]
    draft = submission.create(session, bank.runtime, author, form, draft=True)
    assert getattr(draft.current, name) == text
    with pytest.raises(Refused):
        submission.submit(session, bank.runtime, author, draft.id)


@pytest.mark.parametrize("name", ["annual\N{RIGHT-TO-LEFT OVERRIDE}fdp.txt", "Z\N{REPLACEMENT CHARACTER}rich.txt"])
def test_a_files_name_is_as_written_too(bank: SmallBank, session: Session, name: str) -> None:
    with pytest.raises(Refused) as refused:
        bank.submitted(session, attachments=[Upload(name, b"x")])
    assert "its name holds" in refused.value.fields["attachments"]


def test_right_to_left_writing_is_as_good_as_any(bank: SmallBank, session: Session) -> None:
    words = bank.submission(
        subject="\u202bשלום\u202c", text="مرحبا\u200f, \u2067ACME\u2069", topic="\u202a+1 202\u202c"
    )
    assert submission.create(session, bank.runtime, bank.staff(session, "analyst"), words).state == "pending"


def test_a_submission_without_anything_names_what_is_missing(bank: SmallBank, session: Session) -> None:
    with pytest.raises(Refused) as refused:
        submission.create(
            session, bank.runtime, bank.staff(session, "analyst"), bank.submission(subject=" ", text="", lists=[])
        )
    assert set(refused.value.fields) == {"subject", "text", "lists"}


def test_a_recording_alone_is_an_alert(bank: SmallBank, session: Session, samples: Path) -> None:
    form = bank.submission(text="", recording=Upload("alert.wav", (samples / "alert-1.wav").read_bytes()))
    message = submission.create(session, bank.runtime, bank.staff(session, "analyst"), form)
    assert message.current.recording is not None
    assert message.current.recording.seconds == pytest.approx(33.3, abs=0.1)


def test_officers_are_told_without_a_word_of_the_alert(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    letters = session.scalars(select(Letter).where(Letter.kind == "approval")).all()
    assert {one.address for one in letters} == {
        "officer@bank.example", "other@bank.example", "colleague@bank.example"
    }  # fmt: skip
    for letter in letters:
        assert f"/approvals/{message.id}" in letter.text
        assert "LTMY" not in letter.text + letter.subject
        assert "Downgrade" not in letter.text + letter.subject
    assert ("notices", "send_letter", (letters[0].id,)) in bank.bells.rings


def test_an_edit_makes_a_version_and_voids_the_approval(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session, release_at=bank.time() + timedelta(hours=1))
    before = message.current.digest
    officer = bank.staff(session, "officer")
    decisions.decide(session, bank.runtime, officer, message.id, "approve", before)
    session.commit()
    assert message.state == "approved"
    assert session.scalars(select(Recipient)).all()
    submission.edit(session, bank.runtime, bank.staff(session, "colleague"), message.id, {"text": "We cut it to sell."})
    session.commit()
    assert (message.state, message.version) == ("pending", 2)
    assert message.current.digest != before
    assert not session.scalars(select(Recipient)).all()
    with pytest.raises(NotAllowed):
        decisions.decide(
            session, bank.runtime, bank.staff(session, "colleague"), message.id, "approve", message.current.digest
        )


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Other"},
        {"text": "Other words."},
        {"lists": ["semis"]},
        {"topic": "memory"},
        {"urgency": "urgent"},
        {"attachments": [Upload("note.txt", b"x")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_edit_changes_the_digest(bank: SmallBank, session: Session, change: dict[str, object]) -> None:
    message = bank.submitted(session)
    before = message.current.digest
    submission.edit(session, bank.runtime, bank.staff(session, "analyst"), message.id, change)
    assert message.current.digest != before


def test_kept_files_stay_and_can_be_taken_away(bank: SmallBank, session: Session, samples: Path) -> None:
    wav = Upload("alert.wav", (samples / "alert-2.wav").read_bytes())
    message = bank.submitted(session, recording=wav, attachments=[Upload("note.txt", b"x")])
    analyst = bank.staff(session, "analyst")
    submission.edit(session, bank.runtime, analyst, message.id, {"subject": "Other"})
    assert message.current.recording is not None
    assert [one.name for one in message.current.attachments] == ["note.txt"]
    submission.edit(session, bank.runtime, analyst, message.id, {"recording": None, "attachments": []})
    assert message.current.recording is None
    assert message.current.attachments == []


def test_the_same_words_again_after_a_return_are_a_new_version(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    officer, analyst = bank.staff(session, "officer"), bank.staff(session, "analyst")
    decisions.decide(session, bank.runtime, officer, message.id, "return", message.current.digest, "Which quarter?")
    assert message.state == "returned"
    submission.submit(session, bank.runtime, analyst, message.id)
    assert (message.state, message.version) == ("pending", 2)
    decisions.decide(session, bank.runtime, officer, message.id, "approve", message.current.digest)
    assert message.state == "releasing"


def test_who_may_see_and_do_what(bank: SmallBank, session: Session) -> None:
    message = bank.submitted(session)
    with pytest.raises(NotAllowed):
        submission.create(session, bank.runtime, bank.staff(session, "rep"), bank.submission())
    with pytest.raises(NotFound):
        submission.get(session, bank.staff(session, "rep"), message.id)
    assert submission.get(session, bank.staff(session, "officer"), message.id) is message
    with pytest.raises(NotAllowed):
        submission.withdraw(session, bank.runtime, bank.staff(session, "other"), message.id)
    submission.withdraw(session, bank.runtime, bank.staff(session, "analyst"), message.id)
    assert message.state == "withdrawn"
    with pytest.raises(StateConflict):
        submission.cancel(session, bank.runtime, bank.staff(session, "analyst"), message.id)


def test_the_record_has_each_act(bank: SmallBank, session: Session) -> None:
    message = bank.released(session)
    acts = session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject == f"message {message.id}").order_by(AuditEntry.seq)
    ).all()
    assert acts == ["write message", "submit message", "approve message", "release message"]


@pytest.mark.parametrize("topic", ["FX", "fx", " Fx ", "fX"])
def test_a_topic_keeps_the_writing_in_which_it_came_first(bank: SmallBank, topic: str) -> None:
    with bank.sessions() as session:
        bank.submitted(session, topic="FX")
        assert bank.submitted(session, topic=topic).current.topic == "FX"
        assert bank.submitted(session, topic=" rates  and credit").current.topic == "rates and credit"
        assert bank.submitted(session).current.topic == ""
