"""What a person says of a reply later changes who is believed by nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher.bells import commit
from dispatcher.model import Conversation, Customer, Letter, Reply
from dispatcher.model.errors import StateConflict
from dispatcher.services import correcting, preferences, suppressions
from dispatcher.services.evidence import ALL
from dispatcher.services.oracle import Question
from tests.webhooks.world import World

ANA, BOB = "ana@simon.example", "+12025550101"


@pytest.fixture
def world(light: World) -> World:
    return light


def call_it(world: World, kind: str, number: int = 0) -> None:
    with world.runtime.sessions() as session:
        number = number or session.scalars(select(Reply.id)).one()
        correcting.correct(session, world.runtime, world.bank.staff(session, "rep"), number, kind)
        commit(session, world.runtime.bells)


@pytest.mark.parametrize(
    ("sender", "spf", "address", "noted"),
    [
        (ANA, "pass", ANA, 1),
        (ANA, "fail", ANA, 0),  # forged, it may be: to her, but nothing by itself
        ("friend@other.example", "pass", "", 0),
    ],
)
def test_an_order_after_all_is_answered_to_the_customers_own_addresses(
    world: World, sender: str, spf: str, address: str, noted: int
) -> None:
    ids = world.alert()
    world.mail(
        sender,
        world.reply_to(ids["ana"]),
        "I am out of office until Monday.",
        headers="Auto-Submitted: auto-replied\r\n",
        spf=spf,
    )
    world.work()
    assert [one.kind for one in world.replies()] == ["out-of-office"]
    call_it(world, "order")
    with world.runtime.sessions() as session:
        talk = session.scalars(select(Conversation)).one()
        assert (talk.state, talk.channel, talk.address) == ("open", "email", address)
        written = session.scalars(select(Letter).where(Letter.kind == "order-noted")).all()
        assert [one.address for one in written] == [ANA] * noted


def test_an_order_of_no_machine_is_noted_once(world: World) -> None:
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "Sell 500 SAP at market", subject="Ticket 7: Sell")
    world.work()
    with world.runtime.sessions() as session:
        reply = session.scalars(select(Reply)).one()
        reply.kind, reply.doubt = "order", "automatic"
        for letter in session.scalars(select(Letter).where(Letter.kind == "order-noted")):
            session.delete(letter)
        session.commit()
    for _ in range(2):
        with world.runtime.sessions() as session:
            reply = session.scalars(select(Reply)).one()
            reply.doubt = "automatic"
            session.flush()
            correcting.settle_doubt(session, world.runtime, world.bank.staff(session, "rep"), reply.id, False)
            commit(session, world.runtime.bells)
        assert [one.address for one in world.letters("order-noted")] == [ANA]


@pytest.mark.parametrize("words", ["STOP", "Please do not text me any more"])
def test_nobody_lifts_for_them_what_they_have_ended_by_a_word_of_the_carriers(world: World, words: str) -> None:
    world.alert()
    world.sms(BOB, words, **({"OptOutType": "STOP"} if words == "STOP" else {}))
    world.work()
    (reply,) = world.replies()
    assert (reply.kind, reply.kind_by) == ("opt-out", "provider" if words == "STOP" else reply.kind_by)
    if words == "STOP":
        for before in ("", "wrong-person"):
            if before:
                call_it(world, before)
            for kind in ("other", "opt-in", "question"):
                with pytest.raises(StateConflict, match="by START or on their page"):
                    call_it(world, kind)
    else:
        call_it(world, "question")
        assert "text messages from Example Bank again" in world.letters("confirmation")[-1].text
    with world.runtime.sessions() as session:
        assert (suppressions.in_force(session, "sms", BOB) is not None) == (words == "STOP")


@pytest.mark.parametrize(
    ("first", "second", "corrected"),
    [
        ("STOP", "wrong number, I am not Bob", 1),
        ("wrong number, I am not Bob", "STOP", 0),
        ("Please do not text me any more", "STOP", 0),
        ("Please do not text me any more", "page", 0),
        ("page", "wrong number, I am not Bob", 0),
    ],
)
def test_one_replys_correction_takes_back_nothing_that_was_said_in_another_way(
    world: World, first: str, second: str, corrected: int
) -> None:
    """One row holds the gravest order; the others stand when that one was misread."""
    world.alert()
    for words in (first, second):
        if words == "page":
            with world.runtime.sessions() as session:
                bob = session.get_one(Customer, world.bank.ids["bob"])
                preferences.stop(session, world.runtime, bob, "sms", "preferences page")
                commit(session, world.runtime.bells)
        else:
            world.sms(BOB, words, **({"OptOutType": "STOP"} if words == "STOP" else {}))
            world.work()
    call_it(world, "other", world.replies()[corrected].id)
    with world.runtime.sessions() as session:
        order = suppressions.in_force(session, "sms", BOB)
        assert order is not None
        assert order.reason == "opt-out"
        preferred = "page" in (first, second)
        assert (order.source == "preferences page") == preferred
        assert not [one for promise in ALL for one in promise(session, world.runtime, Question())]
    world.sms(BOB, "START", OptOutType="START")
    world.work()
    with world.runtime.sessions() as session:
        assert suppressions.in_force(session, "sms", BOB) is None


@pytest.mark.parametrize("topic", ["", "rates"])
def test_no_older_word_is_called_a_wish_to_come_back(world: World, topic: str) -> None:
    with world.runtime.sessions() as session:
        world.bank.released(session, topic="rates")
    world.alert()
    world.sms(BOB, "yes, fine, thanks")
    world.work()
    world.bank.time.pass_by(60)
    if topic:
        with world.runtime.sessions() as session:
            bob = session.get_one(Customer, world.bank.ids["bob"])
            preferences.stop(session, world.runtime, bob, "sms", "preferences page", topic)
            commit(session, world.runtime.bells)
    else:
        world.sms(BOB, "STOP", OptOutType="STOP")
        world.work()
    with pytest.raises(StateConflict, match="by START or on their page"):
        call_it(world, "opt-in", world.replies()[0].id)
