"""A wish to hear no more counts for the way it names, not for the one it came by."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher.bells import commit
from dispatcher.model import Reply, Suppression
from dispatcher.services import correcting
from dispatcher.services.understanding import ways
from tests.webhooks.world import World

BOB, BOBS_MAIL = "+12025550101", "bob@simon.example"


@pytest.mark.parametrize(
    ("words", "channels"),
    [
        ("stop calling me, mails are fine", {"voice"}),
        ("Please stop the texts but keep the mails. And buy 100 LTMY at 38.", {"sms"}),
        ("Nicht mehr anrufen bitte, E-Mail reicht", {"voice"}),
        ("text me, don't call", {"voice"}),
        ("No more calls or texts", {"voice", "sms"}),
        ("No calls please - email only", {"voice"}),
        ("Bitte keine Anrufe mehr, SMS genügt", {"voice"}),
        ("please take me off this", set()),
        ("I only want emails", set()),
        ("STOP", set()),
    ],
)
def test_the_ways_that_words_want_ended(words: str, channels: set[str]) -> None:
    assert ways.ended(words) == channels


def stopped(world: World) -> set[tuple[str, str]]:
    with world.runtime.sessions() as session:
        standing = session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None))).all()
        return {(one.reason, one.address) for one in standing}


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ("Please do not send me any more emails, texts are fine", {BOBS_MAIL}),
        ("Please do not text me any more", {BOB}),
        ("Please do not fax me any more", {BOB}),  # he has none: then the way it came by
    ],
)
def test_what_is_stopped_is_what_they_name(light: World, words: str, addresses: set[str]) -> None:
    light.alert()
    light.sms(BOB, words)
    light.work()
    with light.runtime.sessions() as session:
        reply = session.scalars(select(Reply)).one()
        if reply.kind != "opt-out":
            correcting.correct(session, light.runtime, light.bank.staff(session, "rep"), reply.id, "opt-out")
            commit(session, light.runtime.bells)
    assert stopped(light) == {("opt-out", one) for one in addresses}
