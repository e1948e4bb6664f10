"""What an officer has read and heard is what leaves, whatever happens between the approval and the sending."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, submission
from dispatcher import bells
from dispatcher.model import Message, Task, Version
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import Rendition
from dispatcher.services import calls, release, renditions
from dispatcher.services.sending import Pump
from tests.small_bank import SmallBank, small_bank

CHANNELS = ("email", "sms", "voice")


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def set_to(bank: SmallBank, **settings: object) -> None:
    object.__setattr__(bank.runtime, "settings", bank.runtime.settings.model_copy(update=settings))


def approved_for_later(bank: SmallBank) -> tuple[int, dict[str, Rendition]]:
    """An alert approved for ten minutes from now, and what its officer has read and heard."""
    with bank.sessions() as session:
        message = bank.submitted(session, release_at=bank.time() + timedelta(minutes=10))
        read = renditions.for_channels(bank.runtime, message.current)
        officer = bank.staff(session, "officer")
        decisions.decide(session, bank.runtime, officer, message.id, "approve", message.current.digest)
        bells.commit(session, bank.runtime.bells)
        return message.id, read


def released_when_due(bank: SmallBank, message_id: int) -> bool:
    bank.time.pass_by(601)
    with bank.sessions() as session:
        done = release.release_due(session, bank.runtime, message_id)
        bells.commit(session, bank.runtime.bells)
    for channel in CHANNELS:
        asyncio.run(Pump(bank.runtime, channel).run())
    return done


def sent(bank: SmallBank) -> dict[str, Rendition]:
    return {name: one.contents[-1].rendition for name, one in bank.providers.items() if one.contents}


def test_new_settings_change_nothing_of_what_was_approved(bank: SmallBank) -> None:
    set_to(bank, customer_line="+12025550100")
    message_id, read = approved_for_later(bank)
    set_to(bank, firm_name="Another Bank", public_url="https://elsewhere.example", customer_line="+12025550111")
    with bank.sessions() as session:
        shown = renditions.for_channels(bank.runtime, session.get_one(Message, message_id).current)
        heard = calls.heard(bank.runtime, session.get_one(Message, message_id))
    assert shown == read
    assert [one for one in heard.pieces if one] == [line for line in read["voice"].spoken.split("\n") if line.strip()]
    assert released_when_due(bank, message_id)
    assert sent(bank) == {name: read[name] for name in CHANNELS}
    assert "Another Bank" not in "".join(map(str, sent(bank).values()))


def test_nor_do_other_words_of_a_newer_version_of_a_channel(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    message_id, read = approved_for_later(bank)
    for name in CHANNELS:
        channel = bank.runtime.adapters.channels[name]
        monkeypatch.setattr(type(channel), "compose", lambda self, draft: Rendition("New", "New", "New", "New"))
    assert released_when_due(bank, message_id)
    assert sent(bank) == {name: read[name] for name in CHANNELS}


def more_words(kept: dict[str, dict[str, str]]) -> object:
    return {**kept, "sms": {**kept["sms"], "text": kept["sms"]["text"] + " Buy everything."}}


@pytest.mark.parametrize("change", [more_words, lambda kept: None, lambda kept: {}, lambda kept: {"sms": "no"}])
def test_what_was_changed_in_the_database_stays_here(
    bank: SmallBank, change: Callable[[dict[str, dict[str, str]]], object]
) -> None:
    message_id, _ = approved_for_later(bank)
    with bank.sessions() as session:
        version = session.get_one(Message, message_id).current
        assert version.renditions is not None
        version.renditions = change(version.renditions)  # type: ignore[assignment]  # whatever stands there
        session.commit()
    assert not released_when_due(bank, message_id)
    assert sent(bank) == {}
    with bank.sessions() as session:
        alarm = session.scalars(select(Task).where(Task.kind == "alarm")).one()
        assert "is not what was approved" in alarm.text


def test_what_was_changed_while_it_goes_out_stops_there(bank: SmallBank) -> None:
    with bank.sessions() as session:
        version = bank.released(session).current
        assert version.renditions is not None
        version.renditions = more_words(version.renditions)  # type: ignore[assignment]
        session.commit()
    asyncio.run(Pump(bank.runtime, "sms").run())
    assert bank.providers["sms"].got == []


def test_what_was_approved_before_versions_kept_any_leaves_as_composed_then(bank: SmallBank) -> None:
    message_id, read = approved_for_later(bank)
    with bank.sessions() as session:
        message = session.get_one(Message, message_id)
        message.current.renditions, message.decisions[0].renditions = None, ""
        session.commit()
    assert released_when_due(bank, message_id)
    assert sent(bank) == {name: read[name] for name in CHANNELS}


def test_it_leaves_by_no_channel_that_it_was_not_written_for(bank: SmallBank) -> None:
    with bank.sessions() as session:
        version = bank.submitted(session).current
        assert "fax" not in renditions.for_channels(bank.runtime, version)
        with pytest.raises(StateConflict, match="was not written for fax"):
            renditions.for_channel(bank.runtime, version, "fax")


def test_lists_of_messages_do_not_read_them(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.submitted(session)
    with bank.sessions() as session:
        some = session.scalars(submission.visible(session, bank.staff(session, "officer"))).all()
        versions = [version for message in some for version in message.versions]
        assert versions
        assert all("renditions" in inspect(version).unloaded for version in versions)
        assert all(isinstance(version, Version) for version in versions)
