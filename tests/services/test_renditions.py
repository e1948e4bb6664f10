"""What goes to a provider for a message: its rendition and its envelope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import Attachment, Message, Staff, Version
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, File
from dispatcher.runtime import Runtime
from dispatcher.services import media, renditions
from tests.directory_runtime import ALL, runtime_for

NOON = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def runtime(sessions: sessionmaker[Session]) -> Callable[..., Runtime]:
    def make(**settings: object) -> Runtime:
        given = {
            "public_url": "https://alerts.bank.example/",
            "inbound_email_domain": "reply.bank.example",
            "customer_line": "+12125550100",
            **settings,
        }
        return replace(runtime_for(sessions, ALL, **given), now=lambda: NOON)

    return make


@pytest.fixture
def message(session: Session) -> Message:
    author = Staff(email="ana@bank.example", name="Ana Horton", channels=[])
    recording = media.store(session, b"RIFF", "audio/wav", 33.3)
    report = media.store(session, b"%PDF", "application/pdf")
    message = Message(author=author, state="releasing")
    version = Version(
        message=message, number=1, editor=author, subject="Downgrade", text="Words.", digest="0" * 64,
        urgency="urgent", recording=recording,
    )  # fmt: skip
    version.attachments = [Attachment(position=0, name="report.pdf", media=report)]
    session.add_all([message, version])
    session.flush()
    return message


def test_the_draft_has_what_channels_need(message: Message, runtime: Callable[..., Runtime]) -> None:
    draft = renditions.draft_of(runtime(), message.current)
    assert (draft.firm, draft.author, draft.subject, draft.text) == (
        "Example Bank",
        "Ana Horton",
        "Downgrade",
        "Words.",
    )
    assert draft.reply_url == f"https://alerts.bank.example/r/{REPLY_TAG}"
    assert draft.prefs_url == f"https://alerts.bank.example/p/{PREFS_TAG}?a={message.id}"
    assert (draft.recording_seconds, draft.attachment_names, draft.phone, draft.urgent) == (
        33.3, ("report.pdf",), "+12125550100", True
    )  # fmt: skip
    assert set(renditions.for_channels(runtime(), message.current)) == set(ALL)


def test_mail_has_a_reply_address_an_unsubscribe_and_the_files(
    session: Session, message: Message, runtime: Callable[..., Runtime]
) -> None:
    content = renditions.content_for(session, runtime(), message, "email")
    assert content.rendition == renditions.for_channels(runtime(), message.current)["email"]
    assert content.reply_to == f"reply+{REPLY_TAG}@reply.bank.example"
    assert content.unsubscribe_url == f"https://alerts.bank.example/p/{PREFS_TAG}/one-click?a={message.id}"
    assert content.attachments == (File("report.pdf", "application/pdf", b"%PDF"),)
    assert (content.category, content.sender_name) == (f"message-{message.id}", "Example Bank")
    assert (content.urgent, content.rendition.subject) == (True, "URGENT: Downgrade")
    assert renditions.content_for(session, runtime(inbound_email_domain=""), message, "email").reply_to == ""


@pytest.mark.parametrize("channel", ["sms", "voice", "fax"])
def test_other_channels_have_no_envelope_of_mail(
    session: Session, message: Message, runtime: Callable[..., Runtime], channel: str
) -> None:
    content = renditions.content_for(session, runtime(), message, channel)
    assert (content.reply_to, content.unsubscribe_url, content.attachments) == ("", "", ())
    assert content.rendition == renditions.for_channels(runtime(), message.current)[channel]


@pytest.mark.parametrize(
    ("valid_for", "released", "left"),
    [(None, NOON, None), (600, None, 600), (600, NOON, 600), (600, NOON - timedelta(seconds=60), 540),
     (600, NOON - timedelta(days=1), 1)],
)  # fmt: skip
def test_the_time_that_is_left(
    session: Session,
    message: Message,
    runtime: Callable[..., Runtime],
    valid_for: int | None,
    released: datetime | None,
    left: int | None,
) -> None:
    message.valid_for, message.released_at = valid_for, released
    assert renditions.content_for(session, runtime(), message, "sms").valid_for == left


def test_a_file_that_was_changed_is_never_sent(
    session: Session, message: Message, runtime: Callable[..., Runtime]
) -> None:
    message.current.attachments[0].media.content = b"%PDF changed"
    session.flush()
    with pytest.raises(StateConflict, match=r"report\.pdf"):
        renditions.content_for(session, runtime(), message, "email")
