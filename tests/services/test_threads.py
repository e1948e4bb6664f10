"""One story over all channels, and nobody's own address or number in it: neither a rep's nor another customer's."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher import bells
from dispatcher.model import Attempt, ContactPoint, Conversation, Letter, Response, Staff, Task
from dispatcher.model.ports import Outcome
from dispatcher.services import conversations, outcomes, replies, responses, suppressions
from dispatcher.services.letter_sending import content_of
from tests.webhooks.world import World

BOB, ANA, REP_PHONE, REP_MAIL = "+12025550101", "ana@simon.example", "+12025550199", "rep@bank.example"
SIGNED = "I look into it.\n\nBest regards\nRita Rep\nExample Bank\nMobile: +1 202 555 0199\nrep@bank.example"


def notice_of(world: World, channel: str = "email") -> Letter:
    return next(one for one in reversed(world.letters()) if one.channel == channel)


def written_by_rep(world: World, text: str) -> Letter:
    """The rep answers the last notice by mail; the letter that goes to the customer."""
    world.mail(f"Rita Rep <{REP_MAIL}>", world.staff_address(notice_of(world)), text)
    world.work()
    return world.letters("response")[-1]


def test_one_story_over_page_mail_and_text_message(light: World) -> None:
    """Each answer of the rep's goes by the channel the customer used last, under the rep's name, from our address."""
    ids = light.alert()
    with light.runtime.sessions() as session:
        session.add(ContactPoint(customer_id=light.bank.ids["ana"], channel="sms", address="+12025550188"))
        session.commit()
        replies.from_page(session, light.runtime, ids["ana"], "What is your view?", False)
        bells.commit(session, light.runtime.bells)
    first = written_by_rep(light, "Hold.")
    assert (first.channel, first.address, first.sender_name) == ("email", ANA, "Rep")
    light.bank.time.pass_by(60)
    light.mail(ANA, light.customer_address(first), "And the target?")
    light.work()
    assert written_by_rep(light, "42.").address == ANA
    light.bank.time.pass_by(60)
    light.sms("+12025550188", "Does it change?")
    light.work()
    third = written_by_rep(light, "No.")
    assert (third.channel, third.address, third.text) == ("sms", "+12025550188", "Rep, Example Bank: No.")
    light.bank.time.pass_by(60)
    light.mail(ANA, light.customer_address(first), "When is the next one due?")
    light.work()
    assert written_by_rep(light, "Yes.").channel == "email"
    with light.runtime.sessions() as session:
        (conversation,) = session.scalars(select(Conversation))
        said = [(one.channel, one.text) for one in conversation.replies]
        assert said == [
            ("page", "What is your view?"), ("email", "And the target?"), ("sms", "Does it change?"),
            ("email", "When is the next one due?"),
        ]  # fmt: skip
        assert [one.text for one in conversation.responses] == ["Hold.", "42.", "No.", "Yes."]


@pytest.mark.parametrize("by", ["email", "sms"])
def test_what_leaves_holds_nobodys_own_address(light: World, by: str) -> None:
    """The rep's own mail address and telephone, and other customers', are in no header and no text that goes out."""
    ids = light.alert()
    if by == "email":
        light.mail(ANA, light.reply_to(ids["ana"]), "What is your view?")
    else:
        light.sms(BOB, "What is your view?")
    light.work()
    letter = written_by_rep(light, SIGNED)
    assert letter.text.count("I look into it.") == 1
    with light.runtime.sessions() as session:
        content = content_of(light.runtime, session.get_one(Letter, letter.id))
    out = " ".join(
        (
            content.rendition.text,
            content.rendition.html,
            content.rendition.subject,
            content.sender_name,
            content.reply_to,
        )
    )
    others = {ANA, BOB, "+12025550102", "+12025550103"} - {letter.address}
    for private in (REP_MAIL, REP_PHONE, "555 0199", "5550199", *others):
        assert private not in out, private
    assert content.sender_name == "Rep, Example Bank"
    assert content.reply_to.startswith("conv+")
    assert content.reply_to.endswith("@in.bank.example")


def test_notices_to_one_customers_rep_name_no_other_customer(light: World) -> None:
    light.alert()
    light.sms(BOB, "What is your view?")
    light.sms("+12025550103", "What is yours? Dora Stone")
    light.work()
    for one in light.letters():
        assert not ("Bob" in one.text and "Dora" in one.text)


def test_a_response_that_is_not_delivered_is_told_to_who_wrote_it(light: World) -> None:
    light.alert()
    light.sms(BOB, "What is your view?")
    light.work()
    letter = written_by_rep(light, "Hold.")
    with light.runtime.sessions() as session:
        attempt = Attempt(id="a" * 32, letter_id=letter.id, n=1, provider="twilio", started_at=light.runtime.now())
        session.add(attempt)
        session.get_one(Letter, letter.id).tries, session.get_one(Letter, letter.id).state = 1, "sending"
        session.commit()
        for _ in range(2):
            failed = Outcome(attempt.id, "failed", "fall-back", code="30006", error="landline")
            outcomes.settle(session, light.runtime, "sms", Letter, [failed])
        bells.commit(session, light.runtime.bells)
        task = session.scalars(select(Task).where(Task.kind == "failed")).one()
        assert (task.rep_id, task.letter_id) == (light.bank.ids["rep"], letter.id)
    told = light.letters("undelivered")
    assert {one.channel for one in told} == {"email", "sms"}
    assert all("NOT" in one.text and "landline" in one.text for one in told)
    assert all(one.address in (REP_MAIL, REP_PHONE) for one in told)
    # An answer to that notice goes into the same thread.
    light.mail(REP_MAIL, light.staff_address(told[0]), "Hold, I said.")
    light.work()
    assert light.letters("response")[-1].conversation_id == letter.conversation_id


def test_an_answer_opens_what_was_closed_and_its_writer_has_it(light: World) -> None:
    light.alert()
    light.sms(BOB, "What is your view?")
    light.work()
    number = light.replies()[0].conversation_id or 0
    with light.runtime.sessions() as session:
        rep, admin = (session.get_one(Staff, light.bank.ids[name]) for name in ("rep", "admin"))
        conversations.claim(session, light.runtime, rep, number)
        conversations.close(session, light.runtime, rep, number)
        responses.respond(session, light.runtime, admin, number, "One more thing.", via="page")
        conversation = session.get_one(Conversation, number)
        assert (conversation.state, conversation.claimed_by, conversation.claim_by) == ("claimed", admin.id, None)
        conversations.close(session, light.runtime, admin, number)
        session.commit()
    light.sms(BOB, "And now?")
    light.work()
    with light.runtime.sessions() as session:
        conversation = session.get_one(Conversation, number)
        assert (conversation.state, conversation.claimed_by) == ("open", None)
        assert [one.text for one in conversation.replies] == ["What is your view?", "And now?"]


def test_two_reps_at_once_are_two_responses_of_which_the_second_had_to_read_the_first(light: World) -> None:
    light.alert()
    light.sms(BOB, "What is your view?")
    light.work()
    number = light.replies()[0].conversation_id or 0
    first = written_by_rep(light, "Hold.")
    with light.runtime.sessions() as session:
        admin = session.get_one(Staff, light.bank.ids["admin"])
        with pytest.raises(Exception, match="Rep has answered meanwhile"):
            responses.respond(session, light.runtime, admin, number, "Sell.", via="page", seen=0)
        response = session.scalars(select(Response).where(Response.letter_id == first.id)).one()
        responses.respond(session, light.runtime, admin, number, "Sell.", via="page", seen=response.id)
        assert session.get_one(Conversation, number).claimed_by == light.bank.ids["rep"]


def test_while_an_opt_out_is_doubtful_a_person_may_still_ask(light: World) -> None:
    light.alert()
    light.sms(BOB, "What is your view?")
    light.work()
    with light.runtime.sessions() as session:
        suppressions.suppress(session, light.runtime, "sms", BOB, "doubt", "test")
        session.commit()
    assert written_by_rep(light, "Shall I stop these?").address == BOB
