"""Who complains is told once, by the way they wrote, that a person has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher import bells
from dispatcher.model import Customer, Letter, Reply, Staff
from dispatcher.services import caps, conversations, correcting, reply_store, suppressions
from dispatcher.services.understanding import Understood
from tests.webhooks.world import World

ANA, BOB = "ana@simon.example", "+12025550101"


@pytest.fixture
def session(light: World) -> Iterator[Session]:
    with light.runtime.sessions() as session:
        yield session


def complains(world: World, session: Session, channel: str = "sms", doubt: str = "", **more: Any) -> Reply:
    world.bank.time.pass_by(1)
    who, sender = ("ana", ANA) if channel == "email" else ("bob", BOB)
    reply = reply_store.keep(
        session, world.runtime, dedupe=f"{world.runtime.now()}", channel=channel, sender=sender,
        understood=Understood("complaint", "rule", "bad", doubt), text="Nobody called me back.",
        person=session.get_one(Customer, world.bank.ids[who]), **more,
    )  # fmt: skip
    bells.commit(session, world.runtime.bells)
    return reply


def told(session: Session) -> list[Letter]:
    return list(session.scalars(select(Letter).where(Letter.kind == "complaint-noted").order_by(Letter.id)))


@pytest.mark.parametrize(
    ("channel", "more", "address"),
    [
        ("email", {}, ANA),
        ("sms", {}, BOB),
        ("sms", {"proven": False}, ""),
        ("sms", {"doubt": "automatic"}, ""),
        ("sms", {"doubt": "opt-out"}, ""),
        ("page", {}, ""),
        ("voice", {}, ""),
    ],
)
def test_it_goes_to_a_person_who_has_proven_themselves(
    light: World, session: Session, channel: str, more: dict[str, Any], address: str
) -> None:
    complains(light, session, channel, **more)
    assert [one.address for one in told(session)] == ([address] if address else [])
    assert all(caps.is_answer(one) for one in told(session))


def test_nothing_goes_to_who_wants_no_more(light: World, session: Session) -> None:
    suppressions.suppress(session, light.runtime, "sms", BOB, "opt-out", "sms STOP")
    complains(light, session)
    assert told(session) == []


def test_it_is_told_once_until_it_was_closed_in_their_language_and_by_their_clock(
    light: World, session: Session
) -> None:
    bob = session.get_one(Customer, light.bank.ids["bob"])
    bob.language, bob.timezone = "de", "Europe/Berlin"
    reply = complains(light, session)
    complains(light, session)
    (letter,) = told(session)
    assert letter.text.startswith("Example Bank: Ihre Nachricht von 10:30 CET ist angekommen")
    admin = session.get_one(Staff, light.bank.ids["admin"])
    conversations.close(session, light.runtime, admin, reply.conversation_id or 0)
    complains(light, session)
    assert len(told(session)) == 2


def test_what_a_person_calls_a_complaint_is_noted_too(light: World, session: Session) -> None:
    reply = complains(light, session)
    session.delete(told(session)[0])
    reply.kind = "other"
    session.commit()
    correcting.correct(session, light.runtime, session.get_one(Staff, light.bank.ids["admin"]), reply.id, "complaint")
    assert [one.address for one in told(session)] == [BOB]
