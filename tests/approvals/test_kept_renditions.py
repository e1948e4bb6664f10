"""What an officer approved leaves to the byte, whatever settings and standing words say by then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, inspect, select, text, update
from sqlalchemy.orm import Session, selectinload, sessionmaker

from approvals import decisions, review, submission
from approvals.rules import Upload
from channels import standing
from channels.fax import Fax
from dispatcher import bells
from dispatcher.model import Decision, Delivery, Message, Task, Version
from dispatcher.model.errors import DigestConflict, StateConflict
from dispatcher.model.message import digest_of
from dispatcher.model.ports import Rendition
from dispatcher.services import calls, probes, release, renditions, sending, verify
from tests.another_dispatcher import rendition_of_another
from tests.small_bank import SmallBank, small_bank
from tests.webhooks.test_voice import wav

WAYS = ("email", "sms", "voice")


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    bank = small_bank(sessions, tmp_path)
    set_to(bank, customer_line="+12025550100")
    return bank


def set_to(bank: SmallBank, **settings: object) -> None:
    object.__setattr__(bank.runtime, "settings", bank.runtime.settings.model_copy(update=settings))


def all_is_different(bank: SmallBank, patch: pytest.MonkeyPatch) -> None:
    """Another firm, another address, another line, and other words around the alert."""
    set_to(bank, firm_name="Another Bank", public_url="https://elsewhere.example", customer_line="+12025550111")
    patch.setattr(standing, "WORDS", {"en": dict.fromkeys(standing.WORDS["en"], "Other words")})


def shown(bank: SmallBank, message_id: int) -> dict[str, Rendition]:
    with bank.sessions() as session:
        return renditions.for_channels(bank.runtime, session.get_one(Message, message_id).current)


def approve(bank: SmallBank, message_id: int) -> None:
    with bank.sessions() as session:
        message = session.get_one(Message, message_id)
        officer = bank.staff(session, "officer")
        decisions.decide(session, bank.runtime, officer, message.id, "approve", message.current.digest)
        bells.commit(session, bank.runtime.bells)


def carried(bank: SmallBank) -> dict[str, Rendition]:
    """What the providers were handed, all that is due having been sent."""
    for channel in WAYS:
        asyncio.run(sending.Pump(bank.runtime, channel).run())
    return {name: bank.providers[name].contents[-1].rendition for name in WAYS if bank.providers[name].contents}


def breaches(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        return [str(one) for one in verify.check(session, bank.runtime)]


def written(bank: SmallBank, **changes: object) -> int:
    with bank.sessions() as session:
        return bank.submitted(session, **changes).id


def test_what_was_shown_leaves_whatever_has_changed(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    number = written(bank)
    before = shown(bank, number)
    assert "+12025550100" in before["email"].text
    approve(bank, number)
    all_is_different(bank, monkeypatch)
    assert carried(bank) == before == shown(bank, number)
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        said = calls.heard(bank.runtime, message)
        assert "\n".join(one or "" for one in said.pieces) == before["voice"].spoken
        assert "Example Bank" in said.pieces[0]  # type: ignore[operator]
        probe = renditions.content_for(session, bank.runtime, message, "email")
        assert (probe.rendition.subject, probe.sender_name) == (before["email"].subject, "Example Bank")
    assert breaches(bank) == []


def test_the_look_up_looks_for_what_was_approved(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.providers["sms"].answer = lambda one: None
    number = written(bank)
    before = shown(bank, number)
    approve(bank, number)
    carried(bank)
    all_is_different(bank, monkeypatch)
    with bank.sessions() as session:
        target = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
        asked = probes.probe_for(session, bank.runtime, target.attempts[0], target)
        assert asked is not None
        assert asked.probe.text == before["sms"].text


def test_the_text_beside_a_recording_is_kept_as_it_is_read(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    number = written(bank, recording=Upload("a.wav", wav(2)), text="*First.*\n\nSecond.")
    monkeypatch.setattr("channels.voice.speakable", lambda text: "something else")
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        alert = calls.heard(bank.runtime, message)
        assert (alert.pieces[1:], alert.written) == ((None,), ("First.", "Second."))
        assert review.heard_of(session, bank.runtime, message).text == ("First.", "Second.")


def test_an_edit_keeps_what_it_makes_and_the_version_before_what_it_made(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.submitted(session)
        set_to(bank, firm_name="Another Bank")
        submission.edit(session, bank.runtime, bank.staff(session, "analyst"), message.id, {"text": "Hold."})
        first, second = message.versions
        assert first.renditions is not None
        assert second.renditions is not None
        assert first.renditions["sms"]["text"].startswith("Example Bank: Downgrade\nWe cut LTMY")
        assert second.renditions["sms"]["text"].startswith("Another Bank: Downgrade\nHold.")
        assert second.renditions.keys() == bank.runtime.adapters.channels.keys()


def test_what_is_handed_in_again_is_composed_anew(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message = bank.submitted(session)
        officer, digest = bank.staff(session, "officer"), message.current.digest
        decisions.decide(session, bank.runtime, officer, message.id, "return", digest, "Say which quarter.")
        set_to(bank, firm_name="Another Bank")
        submission.submit(session, bank.runtime, bank.staff(session, "analyst"), message.id)
        assert message.version == 2
        assert "Another Bank" in renditions.for_channel(bank.runtime, message.current, "sms").text


def test_a_draft_is_handed_in_as_composed_then(bank: SmallBank) -> None:
    with bank.sessions() as session:
        analyst = bank.staff(session, "analyst")
        same, other, before = (
            submission.create(session, bank.runtime, analyst, bank.submission(subject=one), draft=True)
            for one in ("One", "Two", "Three")
        )
        submission.submit(session, bank.runtime, analyst, same.id)
        assert same.version == 1
        set_to(bank, firm_name="Another Bank")
        submission.submit(session, bank.runtime, analyst, other.id)
        assert other.version == 2
        assert "Another Bank" in renditions.for_channel(bank.runtime, other.current, "sms").text
        session.execute(text("UPDATE versions SET renditions = NULL"))
        session.expire_all()
        submission.submit(session, bank.runtime, analyst, before.id)
        assert before.current.renditions is not None


def test_who_has_seen_other_renditions_does_not_decide(bank: SmallBank) -> None:
    """An edit that changes none of the author's words may change what stands around them."""
    with bank.sessions() as session:
        message = bank.submitted(session)
        seen, said = message.current.digest, message.current.input_digest
        officer, editor = bank.staff(session, "officer"), bank.staff(session, "analyst")
        submission.edit(session, bank.runtime, editor, message.id, {})
        assert message.current.digest == seen
        set_to(bank, firm_name="Another Bank")
        submission.edit(session, bank.runtime, editor, message.id, {})
        assert message.current.input_digest == said
        with pytest.raises(DigestConflict, match="was changed by Analyst"):
            decisions.decide(session, bank.runtime, officer, message.id, "approve", seen)
        decisions.decide(session, bank.runtime, officer, message.id, "approve", message.current.digest)


def tampered(bank: SmallBank, number: int, channel: str = "sms", **changes: str) -> None:
    with bank.sessions() as session:
        version = session.get_one(Message, number).current
        kept = version.renditions
        assert kept is not None
        other = {**kept, channel: {**kept[channel], **(changes or {"text": kept[channel]["text"] + " Act now!"})}}
        session.execute(update(Version).where(Version.id == version.id).values(renditions=other))
        session.commit()


@pytest.mark.parametrize("way", ["changed", "taken away"])
def test_what_was_changed_before_the_decision_is_not_decided_on(bank: SmallBank, way: str) -> None:
    number = written(bank)
    if way == "changed":
        tampered(bank, number)
    with bank.sessions() as session:
        message = session.get_one(Message, number)
        if way == "taken away":
            session.execute(text("UPDATE versions SET renditions = NULL"))
            session.expire_all()
        officer = bank.staff(session, "officer")
        with pytest.raises(DigestConflict, match="not what was submitted"):
            decisions.decide(session, bank.runtime, officer, number, "approve", message.current.digest)


def test_what_was_changed_in_the_database_is_not_sent_and_is_named(bank: SmallBank) -> None:
    number = written(bank)
    approve(bank, number)
    tampered(bank, number)
    assert carried(bank) == {}
    with bank.sessions() as session:
        alarms = session.scalars(select(Task.text).where(Task.kind == "alarm")).all()
        assert any("is not what was approved" in one for one in alarms), alarms
    [named] = breaches(bank)
    assert named == f"P3 message {number}: version 1 no longer holds what was submitted"


def test_what_was_changed_before_its_time_is_not_released_and_is_named(bank: SmallBank) -> None:
    number = written(bank, release_at=bank.time() + timedelta(minutes=10))
    approve(bank, number)
    tampered(bank, number, "email", html="<p>Act now!</p>")
    assert any("no longer holds what was submitted" in one for one in breaches(bank))
    bank.time.pass_by(601)
    with bank.sessions() as session:
        assert not release.release_due(session, bank.runtime, number)
        session.commit()
        assert session.get_one(Message, number).state == "approved"


def test_taken_away_they_are_not_composed_anew(bank: SmallBank) -> None:
    number = written(bank)
    approve(bank, number)
    with bank.sessions() as session:
        session.execute(text("UPDATE versions SET renditions = NULL"))
        session.commit()
    assert carried(bank) == {}
    assert any("no longer holds what was submitted" in one for one in breaches(bank))


def test_a_decision_changed_with_them_is_not_what_is_on_record(bank: SmallBank) -> None:
    number = written(bank)
    approve(bank, number)
    tampered(bank, number)
    with bank.sessions() as session:
        digest = digest_of(session.get_one(Message, number).current)
        session.execute(update(Version).values(digest=digest))
        session.execute(update(Decision).values(digest=digest))
        session.commit()
    assert any("is not what its entry in the record says" in one for one in breaches(bank))


def test_what_is_kept_for_no_such_channel_or_cannot_be_read_is_refused(bank: SmallBank) -> None:
    number = written(bank)
    adapters = bank.runtime.adapters
    later = replace(bank.runtime, adapters=replace(adapters, channels={**adapters.channels, "fax": Fax()}))
    with bank.sessions() as session:
        version = session.get_one(Message, number).current
        with pytest.raises(StateConflict, match="was not written for fax"):
            renditions.for_channel(later, version, "fax")
        assert renditions.for_channels(later, version).keys() == adapters.channels.keys()
    with bank.sessions() as session:
        rendition_of_another(session, number, "sms")
        version = session.get_one(Message, number).current
        with pytest.raises(StateConflict, match="cannot be read"):
            renditions.for_channel(later, version, "sms")
        assert renditions.unreadable(later, version) == ["sms"]
        assert set(renditions.for_channels(later, version)) == {"email", "voice"}
        with pytest.raises(StateConflict, match="keeps for sms was written by another Dispatcher"):
            decisions.decide(session, bank.runtime, bank.staff(session, "officer"), number, "approve", version.digest)
        decisions.decide(session, bank.runtime, bank.staff(session, "officer"), number, "return", version.digest, "Why")


def test_a_version_of_before_leaves_as_composed_when_it_does(bank: SmallBank) -> None:
    number = written(bank)
    with bank.sessions() as session:
        session.execute(text("UPDATE versions SET renditions = NULL, digest = input_digest"))
        session.commit()
    approve(bank, number)
    set_to(bank, firm_name="Another Bank")
    assert carried(bank)["sms"].text.startswith("Another Bank: ")
    assert breaches(bank) == []


def test_lists_of_messages_do_not_load_them(bank: SmallBank) -> None:
    written(bank)
    asked: list[str] = []
    with bank.sessions() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        message = session.scalars(select(Message).options(selectinload(Message.versions))).one()
        assert message.current.subject == "Downgrade"
        assert "renditions" in inspect(message.current).unloaded
        assert not [one for one in asked if "renditions" in one]
        assert message.current.renditions is not None
        assert [one for one in asked if "renditions" in one]


def test_the_digest_is_of_what_they_say_not_of_how_a_database_writes_it(bank: SmallBank) -> None:
    number = written(bank)
    with bank.sessions() as session:
        version = session.get_one(Message, number).current
        kept = version.renditions or {}
        version.renditions = {name: dict(reversed(fields.items())) for name, fields in reversed(kept.items())}
        assert version.digest == digest_of(version) != version.input_digest
        version.renditions = {}
        assert digest_of(version) != version.input_digest
        version.renditions = None
        assert digest_of(version) == version.input_digest
