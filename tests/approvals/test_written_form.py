"""Whose words a text or a mail holds: a customer's, a representative's answer, or the written form of an alert."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from dispatcher import jobs
from dispatcher.model import (
    ContactPoint,
    Conversation,
    Grant,
    Letter,
    Message,
    Recording,
    Response,
    Staff,
    StaffCall,
)
from dispatcher.services import references, sweep
from tests.webhooks.world import World
from tests.writing_analyst import (
    ANALYST,
    PHONE,
    by_mail,
    by_text,
    dictated,
    draft,
    equip,
    keys,
    letters,
    messages,
    work,
)


@pytest.fixture
def world(world: World) -> World:
    return equip(world)


@pytest.fixture
def light(light: World) -> World:
    return equip(light)


# --- whose words they are ---------------------------------------------------------------------------------


def as_rep(world: World, name: str = "rep") -> None:
    with world.runtime.sessions() as session:
        session.add(Grant(staff_id=world.bank.ids[name], role="analyst"))
        session.commit()


REP = "+12025550199"


def test_a_representative_who_is_also_an_analyst_answers_customers(light: World) -> None:
    as_rep(light)
    ids = light.alert()
    light.mail("ana@simon.example", light.reply_to(ids["ana"]), "Call me")
    work(light)
    notice = next(one for one in light.letters() if one.channel == "email")
    by_text(light, f"{light.reference(notice.conversation_id)} Will do.", REP)
    by_text(light, f"{light.reference(notice.conversation_id)} And again.", REP)
    by_mail(light, "By mail.", to=light.staff_address(notice), sender="rep@bank.example")
    with light.runtime.sessions() as session:
        assert [one.text for one in session.scalars(select(Response).order_by(Response.id))] == [
            "Will do.", "And again.", "By mail.",
        ]  # fmt: skip
    by_text(light, "#semis We cut LTMY.", REP)
    assert len(messages(light)) == 2
    with light.runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Response)) == 3


def test_an_alerts_reference_is_no_guess_at_a_conversations(light: World) -> None:
    """A representative who also writes alerts, of which one has the number of a conversation of theirs."""
    ids = light.alert()
    light.mail("ana@simon.example", light.reply_to(ids["ana"]), "Call me")
    work(light)
    notice = next(one for one in light.letters() if one.channel == "email")
    with light.runtime.sessions() as session:
        session.add(
            Letter(kind="reply", dedupe="n", staff_id=light.bank.ids["analyst"], conversation_id=notice.conversation_id,
                   channel="sms", address=PHONE, text="#1 Ana: hello", created_at=light.runtime.now())
        )  # fmt: skip
        session.get_one(Conversation, notice.conversation_id).rep_id = light.bank.ids["analyst"]
        session.commit()
    assert notice.conversation_id == 1
    for _ in range(light.runtime.settings.cap_wrong_codes_per_caller_day + 1):
        by_text(light, f"#{references.of(light.runtime, 1).replace(' ', '-')} We cut LTMY to hold.")
    assert not [one for one in light.letters() if "NOT passed on" in one.text]
    by_text(light, f"{light.reference(1, 'analyst')} Will do.")
    with light.runtime.sessions() as session:
        assert [one.text for one in session.scalars(select(Response))] == ["Will do."]


def test_a_customer_with_an_analysts_number_stays_a_customer(light: World) -> None:
    with light.runtime.sessions() as session:
        session.add(ContactPoint(customer_id=light.bank.ids["ana"], channel="sms", address=PHONE))
        session.commit()
    by_text(light, "Sell all")
    (reply,) = light.replies()
    assert (reply.state, reply.customer_id) == ("matched", light.bank.ids["ana"])
    by_text(light, "#semis We cut LTMY.")
    assert keys(draft(light)) == ["semis"]


@pytest.mark.parametrize("also", ["customer", "rep", "rep of two"])
def test_what_may_be_for_a_customer_after_a_dictated_alert_goes_to_nobody(light: World, also: str) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        if also == "customer":
            session.add(ContactPoint(customer_id=light.bank.ids["ana"], channel="sms", address=PHONE))
        for customer in {"rep": ["ana"], "rep of two": ["ana", "bob"]}.get(also, []):
            conversation = Conversation(customer_id=light.bank.ids[customer], channel="sms", address="+12025550101")
            session.add(conversation)
            session.flush()
            session.add(
                Letter(kind="reply", dedupe=customer, staff_id=light.bank.ids["analyst"],
                       conversation_id=conversation.id, channel="sms", address=PHONE, text="#1 Ana: hello",
                       created_at=light.runtime.now())
            )  # fmt: skip
        session.commit()
    by_text(light, "We cut LTMY to hold.")
    (reply,) = light.replies()
    assert (reply.kind, reply.state) == ("alert", "unmatched")
    assert "begin with the reference of either" in letters(light)[0].text
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).current.text == ""
        assert not session.scalars(select(Response)).all()
    by_text(light, f"#{references.of(light.runtime, number)} We cut LTMY to hold.")
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).current.text == "We cut LTMY to hold."


# --- the written form of a dictated alert -----------------------------------------------------------------

WORDS = "We cut LTMY to hold."


@pytest.mark.parametrize(
    "front",
    ["{reference} ", "#{reference}\n", "{dashed}: ", "#{dashed} ", "Alert {reference}: ", "(ref. {reference}) ", ""],
)
def test_a_text_becomes_the_written_form(light: World, front: str) -> None:
    number = dictated(light)
    reference = references.of(light.runtime, number)
    by_text(light, front.format(reference=reference, dashed=reference.replace(" ", "-")) + WORDS)
    message = draft(light)
    via = "sms" if front else "sms-unproven"
    assert (message.id, message.version, message.current.text, message.current.via) == (number, 2, WORDS, via)
    assert keys(message) == ["semis"]
    (letter,) = letters(light)
    assert letter.address == PHONE
    assert letter.text.startswith(f"Added to alert {reference}")


@pytest.mark.parametrize("place", ["middle", "end", "subject", "answer"])
def test_the_reference_may_stand_anywhere(world: World, place: str) -> None:
    number = dictated(world)
    reference = references.of(world.runtime, number)
    if place == "middle":
        by_text(world, f"We cut LTMY {reference} to hold.")
    elif place == "end":
        by_mail(world, f"{WORDS}\n({reference})", "Cut")
    elif place == "subject":
        by_mail(world, WORDS, f"Re: reference {reference}")
    else:
        with world.runtime.sessions() as session:
            letter = Letter(kind="dictation", dedupe="d", staff_id=world.bank.ids["analyst"], message_id=number,
                            channel="email", address=ANALYST, text="x", created_at=world.runtime.now())  # fmt: skip
            session.add(letter)
            session.commit()
            address = world.staff_address(letter)
        by_mail(world, WORDS, "Re: your alert", address, spf="none")  # the token in its address proves it
    message = draft(world)
    assert (message.id, message.current.text) == (number, WORDS)


def test_a_wrong_reference_adds_nothing_and_is_told(light: World) -> None:
    number = dictated(light)
    right = references.code_of(light.runtime, number)
    for wrong in range(5):
        by_text(light, f"#{number}-{(int(right) + wrong + 1) % 10000:04d} Forged words.")
    assert draft(light).current.text == ""
    assert "digits of the reference are wrong" in letters(light)[0].text
    by_text(light, f"#{number}-{right} Forged words.")  # guessing has an end
    assert draft(light).current.text == ""


def test_somebody_elses_reference_adds_nothing(light: World) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        session.get_one(Staff, light.bank.ids["colleague"]).phone = "+12025550178"
        session.commit()
    by_text(light, f"{references.of(light.runtime, number)} Words", "+12025550178")
    first, second = messages(light)
    assert (first.id, first.current.text) == (number, "")
    assert second.author_id == light.bank.ids["colleague"]


@pytest.mark.parametrize(
    "case", ["an hour ago", "not proven", "heard only", "silent", "of another", "names a list", "has text"]
)
def test_what_follows_no_dictated_alert_is_a_new_one(light: World, case: str) -> None:
    calls: dict[str, dict[str, Any]] = {
        "not proven": {"proven_at": None},
        "of another": {"staff_id": light.bank.ids["colleague"]},
    }
    number = dictated(
        light,
        minutes_ago=61 if case == "an hour ago" else 5,
        text="Spoken for" if case == "has text" else "",
        **calls.get(case, {}),
    )
    with light.runtime.sessions() as session:
        recording = session.scalars(select(Recording)).one()
        if case == "heard only":
            session.delete(recording)
        if case == "silent":
            recording.state = "silent"
        session.commit()
    by_text(light, ("#top " if case == "names a list" else "") + WORDS)
    first, second = messages(light)
    assert (first.id, first.version) == (number, 1)
    assert second.current.text == WORDS


def test_a_text_that_replaces_another_names_the_alert(light: World) -> None:
    number = dictated(light)
    by_text(light, WORDS)
    by_text(light, f"{references.of(light.runtime, number)} We cut LTMY to sell.")
    assert draft(light).current.text == "We cut LTMY to sell."
    letter = letters(light)[0]
    with light.runtime.sessions() as session:
        session.add(letter := Letter(kind="draft", dedupe="d", staff_id=light.bank.ids["analyst"], message_id=number,
                    channel="email", address=ANALYST, text="x", created_at=light.runtime.now()))  # fmt: skip
        session.commit()
        address = light.staff_address(letter)
    by_mail(light, "Thanks!", f"Re: alert {references.of(light.runtime, number)}", address)
    assert draft(light).current.text == "We cut LTMY to sell."
    assert "has its text already" in letters(light)[-1].text


def test_what_was_decided_takes_no_text(light: World) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        session.get_one(Message, number).state = "released"
        session.commit()
    by_text(light, f"{references.of(light.runtime, number)} {WORDS}")
    assert "it is released" in letters(light)[0].text
    with light.runtime.sessions() as session:
        assert session.get_one(Message, number).version == 1


def test_what_waits_for_an_officer_takes_no_text_without_the_reference(light: World) -> None:
    number = dictated(light)
    with light.runtime.sessions() as session:
        session.get_one(Message, number).state = "pending"
        session.commit()
    by_text(light, "Sell all.")
    assert f"begin with {references.of(light.runtime, number)}" in letters(light)[0].text
    (message,) = messages(light)
    assert (message.version, message.current.text) == (1, "")


def test_a_text_waits_for_the_recording_that_it_belongs_to(world: World) -> None:
    number = dictated(world, message_id=None)
    by_text(world, WORDS)
    (reply,) = world.replies()
    assert (reply.state, reply.tries) == ("new", 0)
    world.bank.time.pass_by(30)
    with world.runtime.sessions() as session:
        session.scalars(select(StaffCall)).one().message_id = number
        session.commit()
        assert sweep.sweep(session, world.runtime, "alerts") == {"alerts": 1}
    jobs.configure(world.runtime)
    jobs.take_alert(reply.id)
    assert draft(world).current.text == WORDS


def test_a_text_whose_recording_never_comes_is_a_draft_of_its_own(light: World) -> None:
    dictated(light, message_id=None)
    by_text(light, WORDS)
    light.bank.time.pass_by(700)
    jobs.configure(light.runtime)
    jobs.take_alert(light.replies()[0].id)
    assert [one.current.text for one in messages(light)] == ["", WORDS]
