"""What customers send reaches their representative, once; opt-outs are obeyed; what is doubtful stays with a person."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dispatcher.bells import commit
from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Conversation,
    Customer,
    Delivery,
    Letter,
    Reply,
    Response,
    Staff,
    Suppression,
    Task,
)
from dispatcher.model.conversation import MACHINES, WANTED
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import references, replies, reply_notices, suppressions
from tests.webhooks.world import PUBLIC_URL, SUBJECT, World, world_of

# What a representative answers by mail or text message while an order waits does not read like a deal.
NOT_YET = "(Your order request is not accepted until it is confirmed to you as such.)"
BOB, CLEO, SHARED, REP = "+12025550101", "+12025550102", "+12025550103", "+12025550199"


def conversation_of(world: World, reply: Reply) -> Conversation:
    with world.runtime.sessions() as session:
        return session.get_one(Conversation, reply.conversation_id)


# --- mail -------------------------------------------------------------------------------------------------


def test_mail_with_a_token(world: World) -> None:
    ids = world.alert()
    text = "Please call me.\n\nOn Fri, Nov 20, 2026 at 10:00 AM Bank <a@b.example> wrote:\n\n> We cut LTMY\n"
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), text)
    world.work()
    reply = world.replies()[0]
    assert (reply.text, reply.state, reply.note) == ("Please call me.", "matched", "")
    assert reply.kind in WANTED
    assert "> We cut LTMY" in reply.original
    assert (reply.message_id, reply.delivery_id, reply.customer_id) == (
        ids["message"],
        ids["ana"],
        world.bank.ids["ana"],
    )
    conversation = conversation_of(world, reply)
    assert (conversation.rep_id, conversation.state, conversation.channel) == (world.bank.ids["rep"], "open", "email")
    letters = {one.channel: one for one in world.letters()}
    assert set(letters) == {"email", "sms"}
    mail = letters["email"]
    assert mail.subject == f"Reply from Ana (Simon LLC): {SUBJECT}"
    assert (mail.address, mail.conversation_id) == ("rep@bank.example", conversation.id)
    for words in ("Ana (Simon LLC)", "Please call me.", f"Alert: {SUBJECT}", "just answer this mail", "/inbox/"):
        assert words in mail.text
    assert "We cut LTMY" not in mail.text
    assert letters["sms"].text.startswith(f"{world.reference(conversation.id)} Ana (Simon LLC): Please call me.")


def test_a_second_reply_joins_the_conversation_and_reopens_it(world: World) -> None:
    ids = world.alert()
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "one")
    world.work()
    with world.runtime.sessions() as session:
        session.scalars(select(Conversation)).one().state = "closed"
        session.commit()
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "two")
    world.work()
    first, second = world.replies()
    assert first.conversation_id == second.conversation_id
    assert conversation_of(world, second).state == "open"


def test_the_same_mail_twice_is_one_reply(world: World) -> None:
    ids = world.alert()
    for _ in range(3):
        world.mail("ana@simon.example", world.reply_to(ids["ana"]), "one", message_id="<same@mail.example>")
        world.work()
    assert len(world.replies()) == 1
    assert len(world.letters()) == 2


@pytest.mark.parametrize("case", ["forged", "other purpose", "bounced about", "expired", "unreleased"])
def test_mail_whose_token_is_no_good_is_unmatched(light: World, case: str) -> None:
    ids = light.alert(
        days_ago=400 if case == "expired" else 0, state="approved" if case == "unreleased" else "released"
    )
    address = {
        "forged": "reply+" + "a" * 30 + "@in.bank.example",
        "other purpose": f"reply+{light.runtime.token('letter', ids['ana'])}@in.bank.example",
        "bounced about": light.reply_to(ids["ana"])[:-20] + "x@in.bank.example",
    }.get(case, light.reply_to(ids["ana"]))
    light.mail("ana@simon.example", address, "Sell all")
    light.work()
    reply = light.replies()[0]
    assert (reply.state, reply.conversation_id, reply.customer_id) == ("unmatched", None, None)
    assert "reply address" in reply.note or case == "bounced about"
    (letter,) = light.letters()
    assert (letter.address, letter.channel) == ("admin@bank.example", "email")
    assert "Sell all" not in letter.text + letter.subject


def test_mail_without_a_token_is_to_the_last_alert(light: World) -> None:
    light.alert(days_ago=20)
    ids = light.alert(days_ago=2)
    light.alert(state="draft")
    light.mail("Ana@Simon.example", "alerts@in.bank.example", "Sell all")
    light.work()
    assert light.replies()[0].message_id == ids["message"]


def test_mail_without_a_token_and_without_an_alert_begins_a_conversation(world: World) -> None:
    world.alert(days_ago=40)
    for text in ("Hello", "Again"):
        world.mail("ana@simon.example", "alerts@in.bank.example", text)
        world.work()
    first, second = world.replies()
    assert first.message_id is None
    assert first.conversation_id == second.conversation_id
    assert world.letters()[0].subject == "Reply from Ana (Simon LLC)"


def test_mail_of_a_stranger_or_of_many_is_unmatched(light: World) -> None:
    light.alert()
    with light.runtime.sessions() as session:
        for name in ("gus", "hal"):
            session.add(
                Customer(
                    key=name, name=name, contact_points=[ContactPoint(channel="email", address="desk@simon.example")]
                )
            )
        session.commit()
    for sender in ("stranger@else.example", "desk@simon.example"):
        light.mail(sender, "alerts@in.bank.example", "Sell all")
    light.work()
    stranger, desk = light.replies()
    assert (stranger.state, stranger.note) == ("unmatched", "")
    assert (desk.state, desk.note) == ("unmatched", "2 customers have this address")


def test_another_mailbox_and_an_unproven_sender_are_said(light: World) -> None:
    ids = light.alert()
    light.mail("assistant@simon.example", light.reply_to(ids["ana"]), "Sell all", spf="fail")
    light.work()
    reply = light.replies()[0]
    assert reply.state == "matched"
    assert "written from assistant@simon.example" in reply.note
    assert "sender not verified: SPF fail" in reply.note
    assert reply.note in light.letters()[0].text


def test_html_without_text_and_attachments(light: World) -> None:
    ids = light.alert()
    light.mail("ana@simon.example", light.reply_to(ids["ana"]), "", html="<p>Sell <b>all</b></p><script>x()</script>")
    light.work()
    assert light.replies()[0].text == "Sell all"


@pytest.mark.parametrize(
    "headers",
    ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n", "Precedence: auto_reply\r\n"],
)
def test_machines_mail_is_kept_flagged_and_disturbs_nobody(light: World, headers: str) -> None:
    ids = light.alert()
    for _ in range(5):
        light.mail(
            "ana@simon.example", light.reply_to(ids["ana"]), "Unsubscribe", headers=headers, subject="Out of office"
        )
    light.work()
    found = light.replies()
    assert {one.kind for one in found} <= set(MACHINES)
    assert {(one.state, one.kind_by) for one in found} == {("matched", "header")}
    assert found[0].kind_because == headers.strip() or found[0].kind_because in headers
    assert conversation_of(light, found[0]).state == "closed"
    with light.runtime.sessions() as session:
        assert session.scalars(select(Letter)).all() == []
        assert suppressions.in_force(session, "email", "ana@simon.example") is None


def test_a_storm_is_told_thirty_times_and_then_once_more(light: World) -> None:
    ids = light.alert()
    for number in range(40):
        light.sms(BOB, f"storm {number}")
    light.work()
    assert ids
    assert len(light.replies()) == 40
    mails = [one for one in light.letters() if one.channel == "email"]
    assert len(mails) == reply_notices.MOST_AN_HOUR + 1
    assert mails[-1].subject.startswith("Many replies")


# --- text messages ----------------------------------------------------------------------------------------


def test_text_message(world: World) -> None:
    ids = world.alert()
    world.sms(BOB, "Sell 500 at market")
    world.work()
    reply = world.replies()[0]
    assert (reply.channel, reply.message_id, reply.delivery_id) == ("sms", ids["message"], ids["bob"])
    assert conversation_of(world, reply).address == BOB


def test_text_message_to_the_newest_of_two_alerts(light: World) -> None:
    light.alert(days_ago=3)
    newest = light.alert(days_ago=1)
    light.sms(BOB, "Sell")
    light.work()
    assert light.replies()[0].message_id == newest["message"]


def test_text_message_from_a_telephone_that_was_called(light: World) -> None:
    ids = light.alert()
    light.sms(CLEO, "I could not pick up")
    light.work()
    assert (light.replies()[0].message_id, light.replies()[0].customer_id) == (ids["message"], light.bank.ids["cleo"])


def test_text_message_of_two_who_share_a_telephone(light: World) -> None:
    light.alert()
    light.sms(SHARED, "Sell")
    light.sms(SHARED, "Sell, Emil Stone")
    light.work()
    first, second = light.replies()
    assert first.customer_id == light.bank.ids["dora"]
    assert second.customer_id == light.bank.ids["emil"]
    assert first.note == second.note == "shared by Dora Stone and Emil Stone"


def test_text_message_of_a_stranger(light: World) -> None:
    light.alert()
    light.sms("+12025550177", "Sell all")
    light.work()
    assert [(one.state, one.customer_id) for one in light.replies()] == [("unmatched", None)]


@pytest.mark.parametrize("text", ["STOP", "stop please", "Unsubscribe", "CANCEL", "Abmelden"])
def test_stop_is_obeyed_and_not_forwarded(world: World, text: str) -> None:
    world.alert()
    world.sms(BOB, text)
    world.work()
    with world.runtime.sessions() as session:
        order = suppressions.in_force(session, "sms", BOB)
        assert order is not None
        assert (order.reason, order.source) == ("opt-out", f"sms {text}")
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "suppress")).one()
        assert entry.actor == "customer bob"
    reply = world.replies()[0]
    assert (reply.kind, reply.state) == ("opt-out", "matched")
    assert conversation_of(world, reply).state == "closed"
    assert world.letters() == []


def test_stop_of_a_stranger_counts_too(light: World) -> None:
    light.sms("+12025550177", "STOP")
    light.work()
    with light.runtime.sessions() as session:
        assert suppressions.in_force(session, "sms", "+12025550177")
    assert [(one.kind, one.state) for one in light.replies()] == [("opt-out", "settled")]


def test_start_lifts_what_the_customer_ordered_and_nothing_else(world: World) -> None:
    world.alert()
    with world.runtime.sessions() as session:
        suppressions.suppress(session, world.runtime, "sms", SHARED, "by-hand", "complaint by telephone")
        session.commit()
    for number, words in ((BOB, ("STOP", "START")), (SHARED, ("STOP", "START"))):
        for word in words:
            world.sms(number, word)
            world.work()
    with world.runtime.sessions() as session:
        assert suppressions.in_force(session, "sms", BOB) is None
        assert suppressions.in_force(session, "sms", SHARED) is not None
    assert world.letters() == []


def test_yes_is_an_answer_unless_it_takes_a_stop_back(light: World) -> None:
    light.alert()
    light.sms(BOB, "YES")
    light.work()
    light.sms(BOB, "STOP")
    light.work()
    light.sms(BOB, "Yes")
    light.work()
    assert [one.kind for one in light.replies()] == ["other", "opt-out", "opt-in"]


def test_help_reaches_the_representative_and_is_not_answered(light: World) -> None:
    light.alert()
    light.sms(BOB, "HELP")
    light.work()
    assert [(one.kind, one.note) for one in light.replies()] == [("other", "the carrier has answered this word")]
    assert light.letters("response") == []


def test_a_wrong_person_gets_nothing_more_and_the_representative_is_told(world: World) -> None:
    world.alert()
    world.sms(BOB, "Sorry, this is not Bob")
    world.work()
    reply = world.replies()[0]
    assert (reply.kind, reply.state) == ("wrong-person", "matched")
    with world.runtime.sessions() as session:
        order = suppressions.in_force(session, "sms", BOB)
        assert order is not None
        assert order.reason == "wrong-person"
        task = session.scalars(select(Task)).one()
        assert (task.kind, task.rep_id, task.customer_id) == (
            "wrong-person",
            world.bank.ids["rep"],
            world.bank.ids["bob"],
        )
        assert task.text == f"{BOB} says this is not theirs: find the right address"
    assert all("wrong person" in one.text for one in world.letters() if one.channel == "email")
    world.sms(BOB, "START")
    world.work()
    with world.runtime.sessions() as session:
        assert suppressions.in_force(session, "sms", BOB) is not None


@pytest.mark.parametrize(
    ("text", "subject", "spf", "tokened", "stops"),
    [
        ("unsubscribe", f"Re: {SUBJECT}", "pass", True, True),
        ("unsubscribe", f"Re: {SUBJECT}", "none", True, True),
        ("unsubscribe", f"Re: {SUBJECT}", "fail", True, False),
        ("", "Unsubscribe", "pass", True, True),
        ("unsubscribe\n\n> We cut LTMY", f"Re: {SUBJECT}", "pass", True, True),
        ("unsubscribe", "hello", "pass", False, True),
        ("unsubscribe", "hello", "fail", False, False),
        ("stop loss at 42", f"Re: {SUBJECT}", "pass", True, False),
        ("cancel", f"Re: {SUBJECT}", "pass", True, False),
    ],
)
def test_opt_out_by_mail(light: World, text: str, subject: str, spf: str, tokened: bool, stops: bool) -> None:
    ids = light.alert()
    to = light.reply_to(ids["ana"]) if tokened else "alerts@in.bank.example"
    light.mail("ana@simon.example", to, text, subject, spf=spf)
    light.work()
    kind = light.replies()[0].kind
    assert kind == "opt-out" if stops else kind in WANTED
    with light.runtime.sessions() as session:
        order = suppressions.in_force(session, "email", "ana@simon.example")
        assert (order is not None and order.reason == "opt-out") == stops


@pytest.mark.parametrize("text", ["unsubscribe", "I am not Ana", "Wrong person", "start", "Sorry, wrong email"])
def test_who_got_an_alert_passed_on_silences_nobody(world: World, text: str) -> None:
    ids = world.alert()
    for _ in range(2):
        world.mail("Friend@other.example", world.reply_to(ids["ana"]), text)
        world.work()
    with world.runtime.sessions() as session:
        assert session.scalars(select(Suppression)).all() == []
        (task,) = session.scalars(select(Task)).all()
        assert (task.kind, task.rep_id, task.customer_id) == (
            "wrong-person",
            world.bank.ids["rep"],
            world.bank.ids["ana"],
        )
        assert task.text.startswith("friend@other.example ")
    for reply in world.replies():
        assert (reply.kind, reply.state, reply.customer_id) == ("other", "matched", world.bank.ids["ana"])
        assert "is not ana@simon.example: nothing was changed" in reply.note
    assert conversation_of(world, reply).state == "open"


def test_a_customer_whose_address_has_changed_since_may_still_stop(light: World) -> None:
    ids = light.alert()
    with light.runtime.sessions() as session:
        point = session.scalars(select(ContactPoint).where(ContactPoint.address == "ana@simon.example")).one()
        point.address = "ana@home.example"
        session.commit()
    light.mail("ana@home.example", light.reply_to(ids["ana"]), "unsubscribe")
    light.work()
    assert light.replies()[0].kind == "opt-out"
    with light.runtime.sessions() as session:
        assert suppressions.in_force(session, "email", "ana@home.example")


# --- a representative's answers ---------------------------------------------------------------------------


def told(world: World) -> dict[str, Letter]:
    """Bob has answered, Rita has been told: her letters by channel."""
    world.alert()
    world.sms(BOB, "Sell 500?")
    world.work()
    return {one.channel: one for one in world.letters()}


def test_a_representative_answers_by_mail_and_the_customer_answers_back(world: World) -> None:
    notice = told(world)["email"]
    world.mail("rep@bank.example", world.staff_address(notice), "Done, 500 sold.\n\n-- \nRita\n\n> Bob answered")
    world.work()
    (letter,) = world.letters("response")
    assert (letter.channel, letter.address, letter.sender_name) == ("sms", BOB, "Rep")
    assert letter.text == f"Rep, Example Bank: Done, 500 sold.\n\n{NOT_YET}"
    assert ("notices", "send_letter", (letter.id,)) in world.bank.bells.rings
    world.sms(BOB, "Thanks")
    world.work()
    first, second = world.replies()
    assert first.conversation_id == second.conversation_id == letter.conversation_id
    with world.runtime.sessions() as session:
        response = session.scalars(select(Response)).one()
        assert (response.text, response.via, response.letter_id) == ("Done, 500 sold.", "mail", letter.id)
        assert session.get_one(Conversation, letter.conversation_id).state == "claimed"


def test_the_customer_answers_a_response_by_mail(world: World) -> None:
    ids = world.alert()
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "Sell?")
    world.work()
    notice = next(one for one in world.letters() if one.channel == "email")
    world.mail("rep@bank.example", world.staff_address(notice), "Sold.")
    world.work()
    (letter,) = world.letters("response")
    assert (letter.subject, letter.text) == (f"Re: {SUBJECT}", "Sold.\n\nRep\nExample Bank")
    world.mail("ana@simon.example", world.customer_address(letter), "Thanks")
    world.work()
    first, second = world.replies()
    assert second.text == "Thanks"
    assert first.conversation_id == second.conversation_id


def test_a_representative_answers_by_text_message(world: World) -> None:
    notice = told(world)["sms"]
    reference = world.reference(notice.conversation_id)
    assert notice.text.startswith(f"ORDER REQUEST (not accepted yet). {reference} Bob")
    world.sms(REP, f"{reference} Sold 500")
    world.sms(REP, f"{reference.replace('-', ' – ')}: and 200 more")
    world.work()
    assert [one.text for one in world.letters("response")] == [
        f"Rep, Example Bank: Sold 500\n\n{NOT_YET}",
        f"Rep, Example Bank: and 200 more\n\n{NOT_YET}",
    ]
    assert len(world.replies()) == 1


@pytest.mark.parametrize("front", ["", "#{number} ", "#{number}-{wrong} ", "#{number}-{colleagues} ", "wait: {right} "])
def test_a_forged_number_speaks_to_nobody(light: World, front: str) -> None:
    notice = told(light)["sms"]
    number, right = notice.conversation_id, light.reference(notice.conversation_id)
    wrong = f"{(int(right[-4:]) + 1) % 10000:04d}"
    colleagues = light.reference(number, "colleague")[-4:]
    words = front.format(number=number, right=right, wrong=wrong, colleagues=colleagues) + "Wire the margin today."
    light.sms(REP, words)
    light.work()
    assert light.letters("response") == []
    refused = {one.channel: one.text for one in light.letters() if "NOT passed on" in one.text}
    assert set(refused) == {"email", "sms"}
    assert f"send it again with {right} in front" in refused["email"]
    assert refused["sms"].endswith(f"To answer Bob: {right} and your words")
    (kept,) = [one for one in light.replies() if one.sender == REP]
    assert kept.state == "settled"
    assert right not in (kept.note or "")
    light.sms(REP, f"{right} Call me.")
    light.work()
    assert len(light.letters("response")) == 1


@given(st.integers(1, 10**11), st.integers(1, 10**6), st.sampled_from(["", " words", ": 2024", "-", "\n", " 1234"]))
def test_every_reference_is_read_as_it_was_written(number: int, person: int, rest: str) -> None:
    runtime: Any = SimpleNamespace(key=str.encode)
    found = references.answer_in(references.of_conversation(runtime, number, person) + rest)
    assert found is not None
    assert found.conversation_id == number
    assert references.proves(runtime, found, person)
    assert not references.proves(runtime, found, person + 1) or references.of_conversation(
        runtime, number, person + 1
    ) == references.of_conversation(runtime, number, person)


@pytest.mark.parametrize("text", ["#4 words", "#4", "#4 2024 was better", "#48302 words", "#4 83021"])
def test_what_has_no_digits_is_no_guess(text: str) -> None:
    found = references.answer_in(text)
    assert found is not None
    assert found.code == ""


def test_digits_of_a_conversation_are_guessed_only_so_often(light: World) -> None:
    notice = told(light)["sms"]
    right = light.reference(notice.conversation_id)
    for step in range(light.runtime.settings.cap_wrong_codes_per_caller_day):
        light.sms(REP, f"{right[:-4]}{(int(right[-4:]) + step + 1) % 10000:04d} Wire the margin.")
    light.sms(REP, f"{right} Wire the margin.")
    light.work()
    assert light.letters("response") == []
    with light.runtime.sessions() as session:
        assert "CAP_WRONG_CODES_PER_CALLER_DAY" in session.scalars(select(Task.text)).one()


def test_a_reference_names_the_older_of_two_conversations(light: World) -> None:
    ids = light.alert()
    light.sms(BOB, "first")
    light.work()
    light.mail("ana@simon.example", light.reply_to(ids["ana"]), "second")
    light.work()
    older = light.replies()[0].conversation_id
    light.sms(REP, f"{light.reference(older)} for Bob")
    light.sms(REP, "#9999 for nobody")
    light.work()
    assert [(one.channel, one.address) for one in light.letters("response")] == [("sms", BOB)]
    assert [one.state for one in light.replies()][-1] == "unmatched"


@pytest.mark.parametrize(
    "case", ["other sender", "not verified", "forged token", "left the bank", "machine", "too long", "empty"]
)
def test_words_that_must_not_reach_the_customer(light: World, case: str) -> None:
    notice = told(light)["email"]
    sender = "other@bank.example" if case == "other sender" else "rep@bank.example"
    to = "staff+" + "b" * 30 + "@in.bank.example" if case == "forged token" else light.staff_address(notice)
    if case == "left the bank":
        with light.runtime.sessions() as session:
            session.get_one(Staff, light.bank.ids["rep"]).active = False
            session.commit()
    before = len(light.letters())
    light.mail(
        sender,
        to,
        {"too long": "x" * 6000, "empty": "> Bob answered"}.get(case, "Buy everything"),
        spf="fail" if case == "not verified" else "pass",
        headers="Auto-Submitted: auto-replied\r\n" if case == "machine" else "",
    )
    light.work()
    assert light.letters("response") == []
    kept = light.replies()[-1]
    assert kept.conversation_id is None
    told_so = [one for one in light.letters()[before:] if "NOT passed on" in one.text]
    assert bool(told_so) == (case in ("not verified", "too long", "empty"))
    assert kept.state == ("settled" if told_so or case == "machine" else "unmatched")


def test_a_response_after_an_opt_out_goes_by_what_they_have_not_stopped(light: World) -> None:
    """Bob stops text messages, and then mail, too: his representative is told what is left to do."""
    notice = told(light)["email"]
    light.sms(BOB, "STOP")
    light.work()
    light.mail("rep@bank.example", light.staff_address(notice), "Sold")
    light.work()
    (response,) = light.letters("response")
    assert (response.channel, response.address) == ("email", "bob@simon.example")
    with light.runtime.sessions() as session:
        suppressions.suppress(session, light.runtime, "email", "bob@simon.example", "opt-out", "page")
        session.commit()
    light.mail("rep@bank.example", light.staff_address(notice), "Sold at 42")
    light.work()
    assert len(light.letters("response")) == 1
    refusal = [one for one in light.letters() if "NOT passed on" in one.text]
    assert {one.channel for one in refusal} == {"email", "sms"}
    assert "Bob wants no more text messages (sms STOP); telephone them" in refusal[0].text


# --- the customer's page ----------------------------------------------------------------------------------


def test_from_the_page(world: World) -> None:
    ids = world.alert()

    def post(text: str, wants_call: bool = False) -> Reply:
        with world.runtime.sessions() as session:
            reply = replies.from_page(session, world.runtime, ids["cleo"], text, wants_call)
            commit(session, world.runtime.bells)
            return reply

    first, twice, call = post("Sell all"), post(" Sell all "), post("", wants_call=True)
    assert first.id == twice.id
    assert (call.kind, call.channel, call.sender) == ("call", "page", CLEO)
    assert len(world.replies()) == 2
    world.bank.time.pass_by(1300)
    assert post("Sell all").id not in (first.id, call.id)
    for text in ("", "x" * 100_001):
        with pytest.raises(Refused):
            post(text)


def test_from_the_page_of_what_is_not_released(light: World) -> None:
    ids = light.alert(state="approved")
    with light.runtime.sessions() as session, pytest.raises(NotFound):
        replies.from_page(session, light.runtime, ids["ana"], "hello", False)


def test_from_the_page_of_what_was_cancelled_after_it_had_left(light: World) -> None:
    ids = light.alert(state="cancelled")
    with light.runtime.sessions() as session:
        waited = session.get_one(Delivery, ids["bob"])
        waited.state, waited.accepted_at = "cancelled", None
        session.flush()
        assert replies.from_page(session, light.runtime, ids["ana"], "hello", False).delivery_id == ids["ana"]
        with pytest.raises(NotFound):
            replies.from_page(session, light.runtime, ids["bob"], "hello", False)


# --- short texts ------------------------------------------------------------------------------------------


@given(st.text(max_size=400), st.text(min_size=1, max_size=80), st.integers(1, 10**9))
@settings(max_examples=200)
def test_a_notice_by_text_message_has_two_segments_at_most(words: str, name: str, number: int) -> None:
    from channels.sms import count_segments

    conversation, person = Conversation(id=number, customer=Customer(name=name)), Staff(id=1)
    runtime: Any = SimpleNamespace(settings=SimpleNamespace(public_url=PUBLIC_URL), key=str.encode)
    text = reply_notices.short_text(runtime, conversation, Reply(kind="other", text=words), person)
    assert count_segments(text).segments <= 2
    assert text.startswith(f"#{number}-")
    reference = text.partition(" ")[0]
    assert text.endswith(f"Answer: {reference} and your words")
    order = reply_notices.short_text(runtime, conversation, Reply(kind="order", text=words), person)
    assert count_segments(order).segments <= 2
    assert order.startswith("ORDER REQUEST (not accepted yet)")
    assert order.endswith(f"Confirm only at {PUBLIC_URL}/inbox/{number}")


def test_a_text_message_leaves_out_what_is_quoted() -> None:
    conversation, person = Conversation(id=7, customer=Customer(name="Ana")), Staff(id=1)
    runtime: Any = SimpleNamespace(settings=SimpleNamespace(public_url=PUBLIC_URL), key=str.encode)
    for words, told in (
        ("Sell half\n> We cut LTMY\n > to hold.\nplease", "Sell half please"),
        ("> only what was quoted", "> only what was quoted"),
        ("if P/E > 20,\nsell", "if P/E > 20, sell"),
    ):
        for kind in ("other", "order"):
            text = reply_notices.short_text(runtime, conversation, Reply(kind=kind, text=words), person)
            assert f"Ana: {told}\n" in text


# --- any order, any number --------------------------------------------------------------------------------

POSTS = st.lists(
    st.tuples(st.sampled_from(["bob", "bob again", "stop", "ana", "page"]), st.integers(1, 3)), min_size=1, max_size=6
)


@given(POSTS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_copies_of_the_same_posts_make_the_same_conversations(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, posts: list[tuple[str, int]]
) -> None:
    """Whatever comes how often: a reply for each, one conversation a customer, told once by each channel."""
    import shutil

    from dispatcher.storage import make_engine, make_sessions

    folder = tmp_path_factory.mktemp("world")
    shutil.copy(sqlite_template, folder / "db.sqlite")
    world = world_of(make_sessions(make_engine(f"sqlite:///{folder / 'db.sqlite'}")), folder)
    ids = world.alert()
    for what, copies in posts:
        for _ in range(copies):
            if what == "ana":
                world.mail("ana@simon.example", world.reply_to(ids["ana"]), "Sell", message_id="<one@mail.example>")
            elif what == "page":
                with world.runtime.sessions() as session:
                    replies.from_page(session, world.runtime, ids["cleo"], "Sell", False)
                    commit(session, world.runtime.bells)
            else:
                world.sms(BOB, {"bob": "Sell", "bob again": "Sell more", "stop": "STOP"}[what], f"SM{what}")
            if copies % 2:
                world.work()
    world.work()
    kinds = {what for what, _ in posts}
    found = world.replies()
    assert len(found) == len(kinds)
    assert all(one.state == "matched" for one in found)
    assert len({one.conversation_id for one in found}) == len({one.customer_id for one in found})
    assert len(world.letters()) == 2 * len(kinds - {"stop"})
    with world.runtime.sessions() as session:
        assert (suppressions.in_force(session, "sms", BOB) is not None) == ("stop" in kinds)
        assert session.scalars(select(Delivery.state).distinct()).all() == ["accepted"]


@pytest.mark.parametrize(("sender", "told"), [(REP, 1), ("+12025550166", 0)], ids=["a colleague", "a stranger"])
def test_a_colleagues_text_for_nobody_is_answered_how_it_is_done(light: World, sender: str, told: int) -> None:
    for words in ("hello", "#999 hello", "STOP"):
        light.sms(sender, words)
        light.work()
    answers = [one for one in light.letters("reply") if "#number-digits and your words" in one.text]
    assert [(one.channel, one.address) for one in answers] == [("sms", REP)] * 2 * told
