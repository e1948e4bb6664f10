"""Two instances, each of which is representative and customer of the other: what one writes comes in at the other's
door as an answer to what that one wrote last. Both fall silent.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from channels.mime import Letter as Mail
from dispatcher.model import ContactPoint, Delivery, Letter, Staff
from dispatcher.model.ports import Outbound
from dispatcher.services import letter_sending, reply_notices, responses
from dispatcher.storage import make_engine, make_sessions
from tests.raw_mail import bring
from tests.webhooks.world import World, world_of

HEADERS_LOST = re.compile(rb"(?m)^(?:X-[\w-]+|Auto-Submitted|Precedence|In-Reply-To|References):.*\r\n(?:[ \t].*\r\n)*")


@dataclass
class Instance:
    """A bank, the address that it writes from, and where the other one answers it."""

    world: World
    address: str
    answers_to: str = ""
    written: int = 0
    seen: set[int] = field(default_factory=set)

    def letters(self) -> list[tuple[bytes, str]]:
        """The mails it has written since, as they leave, and where an answer to each goes."""
        with self.world.runtime.sessions() as session:
            new = [
                one
                for one in session.scalars(select(Letter).where(Letter.channel == "email").order_by(Letter.id))
                if one.id not in self.seen
            ]
            self.seen |= {one.id for one in new}
            self.written += len(new)
            return [self._mail(one) for one in new]

    def _mail(self, letter: Letter) -> tuple[bytes, str]:
        runtime = self.world.runtime
        content = letter_sending.content_of(runtime, letter)
        out = Outbound(runtime.new_id(), letter.address, reply_token=runtime.token("letter", letter.id))
        mail = Mail(content, self.address)
        return mail.bytes_for(out), content.reply_to.replace("-reply-token-", out.reply_token)


def instance(url: str, folder: Path, name: str, other: str) -> Instance:
    folder.mkdir()
    world = world_of(make_sessions(make_engine(url)), folder)
    mine, theirs = f"alerts@{name}.example", f"alerts@{other}.example"
    settings = world.runtime.settings.model_copy(update={"email_from": mine})
    world.runtime = dataclasses.replace(world.runtime, settings=settings)
    with world.runtime.sessions() as session:
        for person in session.scalars(select(Staff)):
            if person.id == world.bank.ids["rep"]:
                person.email, person.channels = theirs, ["email"]
        point = session.scalars(select(ContactPoint).where(ContactPoint.address == "ana@simon.example")).one()
        point.address = theirs
        session.commit()
    ids = world.alert()
    with world.runtime.sessions() as session:
        session.get_one(Delivery, ids["ana"]).address = theirs
        session.commit()
    return Instance(world, mine, world.reply_to(ids["ana"]))


def write_to_each_other(one: Instance, two: Instance, headers: str, words: str) -> int:
    """Let a customer of one begin, and carry mails to and fro until nobody writes any more; how many were written."""
    first = f"From: {two.address}\r\nSubject: Re: Downgrade\r\nMessage-ID: <start@x>\r\n\r\n{words}\r\n".encode()
    bring(one.world, first, one.answers_to, two.address)
    assert len(one.world.replies()) == 1
    silent, sender, receiver = 0, one, two
    while silent < 2:
        mails = sender.letters()
        silent = silent + 1 if not mails else 0
        for mail, answers_to in mails:
            mail = mail if headers == "kept" else HEADERS_LOST.sub(b"", mail)
            if headers == "replaced":  # a machine that writes as a person does
                mail = mail.partition(b"MIME-Version")[0] + f"\r\n\r\n{words}\r\n".encode()
            bring(receiver.world, mail, receiver.answers_to, sender.address)
            sender.answers_to = answers_to or sender.answers_to
        assert one.written + two.written < 100, "they go on and on"
        for side in (one, two):
            side.world.bank.time.pass_by(600)
        sender, receiver = receiver, sender
    return one.written + two.written


@pytest.fixture
def pair(sqlite_url: str, tmp_path: Path) -> tuple[Instance, Instance]:
    copy = tmp_path / "other.sqlite"
    shutil.copy(sqlite_url.removeprefix("sqlite:///"), copy)
    return (
        instance(sqlite_url, tmp_path / "one", "one", "two"),
        instance(f"sqlite:///{copy}", tmp_path / "two", "two", "one"),
    )


@pytest.mark.parametrize("headers", ["kept", "lost"])
@pytest.mark.parametrize("words", ["Please call me.", "Sell 500 LTMY at 42", "STOP"])
def test_two_instances_fall_silent(pair: tuple[Instance, Instance], headers: str, words: str) -> None:
    assert write_to_each_other(*pair, headers, words) < (5 if headers == "kept" else 20)


@pytest.mark.parametrize("words", ["Sell 500 LTMY at 42", "Thanks"])
def test_what_cannot_be_told_from_people_ends_by_the_caps(
    pair: tuple[Instance, Instance], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (reply_notices, responses):
        monkeypatch.setattr(module, "MOST_AN_HOUR", 4)
        monkeypatch.setattr(module, "MOST_A_DAY", 8)
    assert write_to_each_other(*pair, "replaced", words) <= 60
