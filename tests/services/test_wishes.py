"""Opt-outs and returns: by topic, in doubt, confirmed once, and never against a customer's own word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher import jobs
from dispatcher.bells import commit
from dispatcher.model import Customer, Delivery, Letter, Reply, Suppression, Task
from dispatcher.model.errors import NotFound, Refused, StateConflict
from dispatcher.model.ports import PREFS_TAG
from dispatcher.services import (
    correcting,
    directory_marks,
    fallback,
    holding,
    judged,
    letters,
    preferences,
    replies,
    reply_store,
    suppressions,
    sweep,
    wishes,
)
from dispatcher.services.letter_sending import content_of, send_letter
from dispatcher.services.oracle import Question
from dispatcher.services.oracle_approved import ALL
from dispatcher.services.oracle_kept import ALL as KEPT
from dispatcher.services.sending import Pump
from dispatcher.services.understanding import Understood
from tests.small_bank import SmallBank
from tests.webhooks.world import World, world_of

ANA, BOB = "ana@simon.example", "+12025550101"


@pytest.fixture
def world(light: World) -> World:
    return light


@pytest.fixture
def both(sessions: sessionmaker[Session], tmp_path: Path) -> World:
    return world_of(sessions, tmp_path)


def orders(world: World) -> list[tuple[str, str, str, str]]:
    with world.runtime.sessions() as session:
        standing = select(Suppression).where(Suppression.lifted_at.is_(None)).order_by(Suppression.id)
        return [(one.channel, one.address, one.topic, one.reason) for one in session.scalars(standing)]


def doubtful(world: World, text: str = "not on weekends, please", channel: str = "sms") -> int:
    """A reply of Bob's or Ana's that may be an opt-out, held as such."""
    with world.runtime.sessions() as session:
        name, address = ("bob", BOB) if channel == "sms" else ("ana", ANA)
        person = session.get_one(Customer, world.bank.ids[name])
        reply = reply_store.keep(
            session, world.runtime, dedupe=f"{channel}:{text}", channel=channel, sender=address, text=text,
            understood=Understood(doubt="opt-out"), person=person,
        )  # fmt: skip
        wishes.hold(session, world.runtime, reply, channel, address)
        commit(session, world.runtime.bells)
        return reply.id


def task_of(world: World, reply_id: int) -> Task:
    with world.runtime.sessions() as session:
        return session.scalars(select(Task).where(Task.dedupe == f"doubt:{reply_id}")).one()


def settle(world: World, reply_id: int, word: str, who: str = "rep") -> None:
    with world.runtime.sessions() as session:
        task = task_of(world, reply_id)
        correcting.answer(session, world.runtime, world.bank.staff(session, who), task.id, word)
        commit(session, world.runtime.bells)


def pump(world: World) -> None:
    for channel in ("sms", "email", "voice"):
        asyncio.run(Pump(world.runtime, channel).run())


def sent_to(world: World) -> dict[str, list[str]]:
    return {name: [one.address for one in provider.got] for name, provider in world.bank.providers.items()}


def send_letters(world: World) -> None:
    with world.runtime.sessions() as session:
        due = session.scalars(select(Letter.id).where(Letter.state == "queued", Letter.due_at <= world.runtime.now()))
        ids = list(due)
    for one in ids:
        asyncio.run(send_letter(world.runtime, one))


# --- by topic ---------------------------------------------------------------------------------------------


def released(bank: SmallBank, topic: str = "", **more: Any) -> int:
    with bank.sessions() as session:
        return bank.released(session, topic=topic, **more).id


@pytest.mark.parametrize(
    ("stopped", "topic", "by"),
    [
        ("", "", "email"),
        ("", "rates", "email"),
        ("rates", "rates", "email"),
        ("rates", "equities", "sms"),
        ("rates", "", "sms"),
    ],
)
@pytest.mark.parametrize("when", ["before the release", "after it"])
def test_a_topic_is_stopped_and_the_others_go_on(world: World, stopped: str, topic: str, by: str, when: str) -> None:
    assert reached_by(world, stopped, topic, early=when == "before the release") == by


def test_a_topic_is_stopped_on_both_databases(both: World) -> None:
    assert reached_by(both, "rates", "rates", early=True) == "email"
    assert reached_by(both, "rates", "equities", early=False) == "sms"


def reached_by(world: World, stopped: str, topic: str, *, early: bool) -> str:
    """How Bob gets an alert about `topic` who wants no texts about `stopped`, said before the release or after."""

    def stop() -> None:
        with world.runtime.sessions() as session:
            suppressions.suppress(session, world.runtime, "sms", BOB, "opt-out", "page", topic=stopped)
            commit(session, world.runtime.bells)

    had = {name: len(some) for name, some in sent_to(world).items()}
    if early:
        stop()
    released(world.bank, topic)
    if not early:
        stop()
    pump(world)
    with world.runtime.sessions() as session:
        asked = Question()
        assert [one for promise in ALL for one in promise(session, world.runtime, asked)] == []
    got = {name: some[had[name] :] for name, some in sent_to(world).items()}
    ways = {"sms": BOB in got["sms"], "email": "bob@simon.example" in got["email"]}
    (way,) = (name for name, reached in ways.items() if reached)
    return way


def test_topics_and_all_stand_and_are_lifted_each_for_itself(both: World) -> None:
    with both.runtime.sessions() as session:
        for topic in ("rates", "", "fx"):
            suppressions.suppress(session, both.runtime, "sms", BOB, "opt-out", "page", topic=topic)
        assert [one.topic for one in suppressions.all_in_force(session, "sms", BOB)] == ["", "fx", "rates"]
        assert suppressions.lift(session, both.runtime, "sms", BOB, "customer bob")
        assert suppressions.in_force(session, "sms", BOB) is None
        found = suppressions.in_force(session, "sms", BOB, "rates")
        assert found is not None
        assert found.topic == "rates"
        assert suppressions.in_force(session, "sms", BOB, "equities") is None
        taken = suppressions.take_back(session, both.runtime, "sms", BOB, topic=None)
        assert sorted(one.topic for one in taken) == ["fx", "rates"]
        session.commit()


# --- the graver order counts ------------------------------------------------------------------------------

GRAVITY = [
    ("opt-out", "complaint", "complaint"),
    ("opt-out", "by-hand", "by-hand"),
    ("complaint", "opt-out", "complaint"),
    ("doubt", "opt-out", "opt-out"),
    ("opt-out", "doubt", "opt-out"),
    ("doubt", "complaint", "complaint"),
    ("bounce", "by-hand", "bounce"),
    ("opt-out", "provider", "opt-out"),
]


@pytest.mark.parametrize(("first", "second", "stands"), GRAVITY)
def test_of_two_orders_the_graver_counts(world: World, first: str, second: str, stands: str) -> None:
    with world.runtime.sessions() as session:
        one = suppressions.suppress(session, world.runtime, "sms", BOB, first, "a")
        two = suppressions.suppress(session, world.runtime, "sms", BOB, second, "b")
        assert one.id == two.id
        assert two.reason == stands
        back = suppressions.lift(session, world.runtime, "sms", BOB, reasons=suppressions.THEIR_OWN)
        assert back == (stands in suppressions.THEIR_OWN)


# --- doubt ------------------------------------------------------------------------------------------------


def test_doubt_holds_alerts_until_a_person_has_decided(both: World) -> None:
    reply_id = doubtful(both)
    assert orders(both) == [("sms", BOB, "", "doubt")]
    task = task_of(both, reply_id)
    assert (task.kind, task.rep_id, task.state) == ("doubt", both.bank.ids["rep"], "open")
    assert BOB in task.text
    assert "weekends" in task.text
    first = released(both.bank)
    pump(both)
    assert [sent_to(both)[channel].count(to) for channel, to in BOBS] == [0, 0]
    assert fates(both, first) == {("sms", "queued", holding.HELD)}
    settle(both, reply_id, "not")
    assert orders(both) == []
    pump(both)
    assert [sent_to(both)[channel].count(to) for channel, to in BOBS] == [1, 0]


BOBS = (("sms", BOB), ("email", "bob@simon.example"))


def fates(world: World, message_id: int) -> set[tuple[str, str, str]]:
    """What became of an alert to Bob."""
    with world.runtime.sessions() as session:
        query = select(Delivery).where(
            Delivery.message_id == message_id, Delivery.address.in_([one for _, one in BOBS])
        )
        return {(one.channel, one.state, one.error or "") for one in session.scalars(query)}


def test_who_is_to_settle_a_doubt_is_reminded_while_alerts_wait_for_it(world: World) -> None:
    jobs.configure(world.runtime)

    def told(seconds: int) -> list[str]:
        """Who is told once so much time has passed, by mail."""
        world.bank.time.pass_by(seconds)
        with world.runtime.sessions() as session:
            known = len(session.scalars(select(Letter).where(Letter.kind == "doubt")).all())
            sweep.sweep(session, world.runtime, "unsettled")
            commit(session, world.runtime.bells)
        rings = [one for one in world.bank.bells.rings if one[1] == "remind_of_doubts"]
        world.bank.bells.rings.clear()
        if rings:
            jobs.remind_of_doubts()
        with world.runtime.sessions() as session:
            new = session.scalars(select(Letter).where(Letter.kind == "doubt").order_by(Letter.id)).all()[known:]
            return [one.address.partition("@")[0] for one in new if one.channel == "email"]

    reply_id, hour = doubtful(world), 3600
    assert [told(60), told(hour), told(hour)] == [[], [], []], "nothing waits for it"
    released(world.bank)
    pump(world)
    assert [told(hour), told(hour), told(2 * hour), told(hour), told(20 * hour)] == [
        ["rep"], [], ["rep", "admin"], [], ["rep", "admin"]
    ]  # fmt: skip
    settle(world, reply_id, "not")
    assert told(48 * hour) == []


@pytest.mark.parametrize("how", ["opt-out", "STOP", "START", "expires", "fails"])
def test_an_alert_that_waits_for_an_answer_is_neither_lost_nor_sent_round(world: World, how: str) -> None:
    reply_id = doubtful(world)
    number = released(world.bank, urgency="urgent", valid_for=7200)
    pump(world)
    assert fates(world, number) == {("sms", "queued", holding.HELD)}
    with world.runtime.sessions() as session:
        told = session.scalars(select(Task).where(Task.kind == "waits")).one()
        assert (told.rep_id, told.customer_id, told.state) == (world.bank.ids["rep"], world.bank.ids["bob"], "open")
    if how == "opt-out":
        settle(world, reply_id, "opt-out")
    elif how.isupper():
        world.sms(BOB, how)
        world.work()
    elif how == "expires":
        world.bank.time.pass_by(7202)
    else:  # nothing carries text messages
        with world.runtime.sessions() as session:
            row = session.scalars(select(Delivery).where(Delivery.address == BOB)).one()
            fallback.fail(session, world.runtime, row, "the channel is out")
            commit(session, world.runtime.bells)
    pump(world)
    reached = [sent_to(world)[channel].count(to) for channel, to in BOBS]
    # An order that is certain is for that one way, as any other that comes after the release.
    assert reached == {"START": [1, 0], "expires": [0, 0], "fails": [0, 0]}.get(how, [0, 1])
    with world.runtime.sessions() as session:
        assert session.get_one(Task, told.id).state == ("open" if how in ("expires", "fails") else "closed")
        theirs = select(Task.kind).where(Task.customer_id == world.bank.ids["bob"], Task.kind == "failed")
        assert session.scalars(theirs).all() == (["failed"] if how in ("expires", "fails") else [])
        asked = Question()
        assert [one for promise in (*ALL, *KEPT) for one in promise(session, world.runtime, asked)] == []


@pytest.mark.parametrize(
    ("word", "standing", "kind", "letters_"), [("opt-out", ["opt-out"], "opt-out", 1), ("not", [], "other", 0)]
)
def test_one_press_settles_a_doubt(world: World, word: str, standing: list[str], kind: str, letters_: int) -> None:
    reply_id = doubtful(world)
    settle(world, reply_id, word)
    assert [one[3] for one in orders(world)] == standing
    task = task_of(world, reply_id)
    assert (task.state, task.answer, task.closed_by) == ("closed", word, world.bank.ids["rep"])
    with world.runtime.sessions() as session:
        reply = session.get_one(Reply, reply_id)
        assert (reply.kind, reply.doubt) == (kind, "")
    assert len(world.letters("confirmation")) == letters_
    with pytest.raises(StateConflict), world.runtime.sessions() as session:
        correcting.answer(session, world.runtime, world.bank.staff(session, "rep"), task.id, "not")


def test_who_may_settle_it(world: World) -> None:
    reply_id = doubtful(world)
    task = task_of(world, reply_id)
    with world.runtime.sessions() as session:
        with pytest.raises(NotFound):
            correcting.answer(session, world.runtime, world.bank.staff(session, "analyst"), task.id, "not")
        with pytest.raises(Refused):
            correcting.answer(session, world.runtime, world.bank.staff(session, "rep"), task.id, "maybe")
        assert correcting.answers_to(session.get_one(Task, task.id)) == ("opt-out", "not")


def test_one_address_is_asked_about_once_at_a_time(world: World) -> None:
    first, second = doubtful(world, "stop maybe"), doubtful(world, "or not")
    with world.runtime.sessions() as session:
        assert [one.dedupe for one in session.scalars(select(Task).where(Task.kind == "doubt"))] == [f"doubt:{first}"]
    settle(world, first, "not")
    third = doubtful(world, "again: less of this")
    assert [one[3] for one in orders(world)] == ["doubt"]
    assert task_of(world, third).state == "open"
    assert second != third


@pytest.mark.parametrize(("text", "standing"), [("STOP", ["opt-out"]), ("START", [])])
def test_a_plainer_word_settles_a_doubt(world: World, text: str, standing: list[str]) -> None:
    world.alert()
    reply_id = doubtful(world)
    world.sms(BOB, text)
    world.work()
    assert [one[3] for one in orders(world)] == standing
    assert task_of(world, reply_id).state == "closed"


def doubts(world: World, *reply_ids: int) -> list[str]:
    with world.runtime.sessions() as session:
        return [session.get_one(Reply, one).doubt for one in reply_ids]


@pytest.mark.parametrize("how", ["STOP", "START", "page stop", "page resume", "opt-out", "not"])
def test_what_settles_a_doubt_takes_it_off_the_reply(both: World, how: str) -> None:
    both.alert()
    channel = "email" if how.startswith("page") else "sms"
    first, second = doubtful(both, "less of this", channel), doubtful(both, "or none", channel)
    with both.runtime.sessions() as session:  # it was reminded of
        reply = session.get_one(Reply, first)
        reply.tries, reply.due_at = 2, both.runtime.now()
        session.commit()
    if how.isupper():
        both.sms(BOB, how)
        both.work()
    elif how.startswith("page"):
        with both.runtime.sessions() as session:
            ana = session.get_one(Customer, both.bank.ids["ana"])
            if how == "page stop":
                preferences.stop(session, both.runtime, ana, "email", "preferences page")
            else:
                preferences.resume(session, both.runtime, ana, "email")
            commit(session, both.runtime.bells)
    else:
        settle(both, first, how)
    # Whoever says of one reply that it is none has not read the other.
    assert doubts(both, first, second) == ["", "opt-out" if how == "not" else ""]
    with both.runtime.sessions() as session:
        reply = session.get_one(Reply, first)
        assert (reply.tries, reply.due_at) == (0, None), "asked anew, reminders begin anew"


@pytest.mark.parametrize("address", ["+12025550999", "stranger@other.example"])
def test_strangers_are_nobodys_doubt(world: World, address: str) -> None:
    with world.runtime.sessions() as session:
        channel = "email" if "@" in address else "sms"
        reply = Reply(dedupe="x", channel=channel, sender=address, text="less", doubt="opt-out")
        session.add(reply)
        session.flush()
        wishes.hold(session, world.runtime, reply, channel, address)
        session.commit()
    assert orders(world) == []


def test_a_representative_may_ask_while_it_is_in_doubt_and_nothing_else_goes(world: World) -> None:
    doubtful(world)
    with world.runtime.sessions() as session:
        bob = session.get_one(Customer, world.bank.ids["bob"])
        for kind in ("response", "confirmation", "call-follows"):
            letters.write(
                session, world.runtime, kind=kind, dedupe=f"{kind}:x", channel="sms", address=BOB, subject="",
                text="What did you mean?", customer=bob,
            )  # fmt: skip
        commit(session, world.runtime.bells)
    send_letters(world)
    with world.runtime.sessions() as session:
        states = {one.kind: one.state for one in session.scalars(select(Letter).where(Letter.customer_id == bob.id))}
    assert states["response"] == "accepted"
    assert "accepted" not in {states["confirmation"], states["call-follows"]}


DECIDED = [
    # kind decided, what stands before, what stands after
    ("opt-out", "", ["opt-out"]),
    ("opt-out", "doubt", ["opt-out"]),
    ("question", "doubt", []),
    ("question", "opt-out", []),
    ("opt-in", "opt-out", []),
    ("opt-in", "doubt", []),
    ("wrong-person", "doubt", ["wrong-person"]),
    ("wrong-person", "", ["wrong-person"]),
    ("question", "wrong-person", []),
    ("opt-in", "complaint", ["complaint"]),
]


@pytest.mark.parametrize(("kind", "before", "after"), DECIDED)
def test_what_a_person_says_a_reply_is(world: World, kind: str, before: str, after: list[str]) -> None:
    with world.runtime.sessions() as session:
        reply = Reply(dedupe="d", channel="sms", sender=BOB, text="no", kind="other", customer_id=world.bank.ids["bob"])
        session.add(reply)
        session.flush()
        if before:
            own = None if before == "complaint" else reply.id
            suppressions.suppress(session, world.runtime, "sms", BOB, before, "sms no", reply_id=own)
        judged.decided(session, world.runtime, world.bank.staff(session, "rep"), reply, kind)
        commit(session, world.runtime.bells)
    assert [one[3] for one in orders(world)] == after


def test_what_another_reply_asked_for_stays(world: World) -> None:
    """To call one of two opt-outs a question takes back neither the other nor what stood before."""
    with world.runtime.sessions() as session:
        suppressions.suppress(session, world.runtime, "sms", BOB, "opt-out", "page")
        reply = Reply(dedupe="d", channel="sms", sender=BOB, text="no", customer_id=world.bank.ids["bob"])
        session.add(reply)
        session.flush()
        judged.decided(session, world.runtime, world.bank.staff(session, "rep"), reply, "question")
        session.commit()
    assert [one[3] for one in orders(world)] == ["opt-out"]


# --- confirmations ----------------------------------------------------------------------------------------

CONFIRMED = [
    # channel, text, who answers: "" nobody, "us" a letter
    ("sms", "STOP", ""),
    ("sms", " Unsubscribe ", ""),
    ("sms", "Stop.", "us"),
    ("sms", "“STOP!”", "us"),
    ("email", "'Stop.'", "us"),
    ("sms", "please take me off this list", "us"),
    ("sms", "stop texting me", "us"),
    ("email", "unsubscribe", "us"),
    ("email", "please take me off this list", "us"),
    ("sms", "wrong number", ""),
    ("sms", "stop loss at 42", ""),
]


@pytest.mark.parametrize(("channel", "text", "who"), CONFIRMED)
def test_one_confirmation_that_its_own_order_lets_pass(world: World, channel: str, text: str, who: str) -> None:
    ids = world.alert()
    for n in range(2):
        if channel == "sms":
            world.sms(BOB, text, f"SM{n:032d}")
        else:
            world.mail(ANA, world.reply_to(ids["ana"]), text, message_id=f"<{n}@mail.example>")
        world.work()
    found = world.letters("confirmation")
    assert len(found) == (1 if who == "us" else 0)
    if not found:
        return
    assert (found[0].channel, found[0].address) == (channel, BOB if channel == "sms" else ANA)
    assert "Example Bank" in found[0].text
    assert "/p/" in found[0].text
    send_letters(world)
    assert world.letters("confirmation")[0].state == "accepted"
    with world.runtime.sessions() as session:  # and nothing else gets through
        customer = session.get_one(Customer, found[0].customer_id)
        other = letters.write(
            session, world.runtime, kind="response", dedupe="r", channel=channel, address=found[0].address,
            subject="", text="x", customer=customer,
        )  # fmt: skip
        commit(session, world.runtime.bells)
        number = other.id
    asyncio.run(send_letter(world.runtime, number))
    with world.runtime.sessions() as session:
        assert session.get_one(Letter, number).state == "suppressed"


@pytest.mark.parametrize(
    ("language", "said", "words"),
    [
        ("en", "unsubscribe me", "no more text"),
        ("de-CH", "unsubscribe me", "keine Textnachrichten"),
        ("fr", "unsubscribe me", "plus de SMS"),
        ("es", "unsubscribe me", "No recibirá"),
        ("ja", "unsubscribe me", "no more"),
        # The language of what they wrote, where that is certain.
        ("en", "bitte keine Nachrichten mehr", "keine Textnachrichten"),
        ("fr", "please take me off this list", "plus de SMS"),
    ],
)
def test_confirmed_in_the_customers_language(world: World, language: str, said: str, words: str) -> None:
    world.alert()
    with world.runtime.sessions() as session:
        session.get_one(Customer, world.bank.ids["bob"]).language = language
        session.commit()
    world.sms(BOB, said)
    world.work()
    assert words in world.letters("confirmation")[0].text


def test_a_confirmation_leaves_within_five_minutes_or_not_at_all(world: World) -> None:
    world.alert()
    world.sms(BOB, "stop texting me")
    world.work()
    world.bank.time.pass_by(301)
    send_letters(world)
    assert [one.state for one in world.letters("confirmation")] == ["cancelled"]
    assert sent_to(world)["sms"] == []
    with world.runtime.sessions() as session:
        assert session.scalars(select(Task)).all() == []


def test_a_confirmation_of_what_was_undone_does_not_leave(world: World) -> None:
    world.alert()
    world.sms(BOB, "stop texting me")
    world.work()
    world.sms(BOB, "START")
    world.work()
    send_letters(world)
    assert [one.state for one in world.letters("confirmation")] == ["cancelled"]


def test_a_return_is_confirmed_once_unless_the_carrier_did(world: World) -> None:
    world.alert()
    for n in range(2):
        world.sms(BOB, "stop texting me", f"SMa{n:031d}")
        world.work()
        send_letters(world)
        world.bank.time.pass_by(60)
        world.sms(BOB, "start again", f"SMb{n:031d}")
        world.work()
        send_letters(world)
        world.bank.time.pass_by(60)
    texts = [one.text.partition(".")[0] for one in world.letters("confirmation")]
    assert len(texts) == 4
    assert "no more" in texts[0]
    assert "again" in texts[1]
    world.sms(BOB, "stop texting me", "SMc")
    world.work()
    assert len(world.letters("confirmation")) == 4  # no fifth a day, whoever is at the other end
    assert [one[3] for one in orders(world)] == ["opt-out"]


def test_a_graver_order_holds_the_confirmation_too(world: World) -> None:
    world.alert()
    world.sms(BOB, "stop texting me")
    world.work()
    with world.runtime.sessions() as session:
        suppressions.suppress(session, world.runtime, "sms", BOB, "complaint", "he rang")
        session.commit()
    send_letters(world)
    assert [one.state for one in world.letters("confirmation")] == ["suppressed"]


def test_forged_and_unproven_mails_change_nothing(world: World) -> None:
    ids = world.alert()
    for n, (to, spf) in enumerate(
        [("alerts@in.bank.example", "fail"), (world.reply_to(ids["bob"]), "fail"), ("alerts@in.bank.example", "none")]
    ):
        for text in ("unsubscribe", "please take me off this list", "no more mails on weekends"):
            world.mail(ANA, to, text, spf=spf, message_id=f"<{n}{text[:2]}@mail.example>")
    world.work()
    assert orders(world) == []
    assert world.letters("confirmation") == []


# --- what the carrier holds -------------------------------------------------------------------------------


def test_what_the_carrier_blocks_only_a_start_by_text_brings_back(world: World) -> None:
    world.alert()
    world.sms(BOB, "STOP")
    world.work()
    with world.runtime.sessions() as session:
        bob = session.get_one(Customer, world.bank.ids["bob"])
        (way,) = (way for way in preferences.ways(session, bob) if way.point.channel == "sms")
        assert (way.by_carrier, way.theirs) == (True, False)
        with pytest.raises(StateConflict, match="START"):
            preferences.resume(session, world.runtime, bob, "sms")
    world.sms(BOB, "start again")
    world.work()
    assert [one[3] for one in orders(world)] == ["opt-out"]
    world.sms(BOB, "START")
    world.work()
    assert orders(world) == []
    assert world.letters("confirmation") == []


def test_a_refusal_that_comes_late_does_not_undo_a_return(world: World) -> None:
    with world.runtime.sessions() as session:
        directory_marks.learn(session, world.runtime, "sms", BOB, "opt-out", "twilio 21610", of_send=True)
        directory_marks.learn(session, world.runtime, "sms", BOB, "opt-in", "twilio START")
        directory_marks.learn(session, world.runtime, "sms", BOB, "opt-out", "twilio 21610", of_send=True)
        assert suppressions.in_force(session, "sms", BOB) is None
        world.bank.time.pass_by(601)
        directory_marks.learn(session, world.runtime, "sms", BOB, "opt-out", "twilio 21610", of_send=True)
        assert suppressions.in_force(session, "sms", BOB) is not None


# --- any order of it all ----------------------------------------------------------------------------------

STEPS = st.lists(
    st.sampled_from(
        ["STOP", "START", "stop texting me", "start again", "doubt", "opt-out", "not", "page", "resume", "topic",
         "by-hand", "alert", "rates", "letters", "wait"]
    ),
    min_size=3,
    max_size=12,
)  # fmt: skip


@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_no_order_of_events_sends_to_whom_it_may_not(world: World, steps: list[str]) -> None:
    _empty(world)
    for n, step in enumerate(steps):
        _take(world, step, n)
        before = [(one.address, one.attempt) for one in world.bank.providers["sms"].got]
        barred = {(row[1], row[2]) for row in orders(world) if row[0] == "sms"}
        pump(world)
        after = world.bank.providers["sms"].got[len(before) :]
        if any(topic == "" for _, topic in barred):
            assert [one.address for one in after if one.address == BOB] == [], steps[: n + 1]
    with world.runtime.sessions() as session:
        asked = Question()
        assert [one for promise in ALL for one in promise(session, world.runtime, asked)] == []
        doubts = session.scalars(select(Suppression).where(Suppression.reason == "doubt")).all()
        asking = {one.dedupe for one in session.scalars(select(Task).where(Task.kind == "doubt", Task.state == "open"))}
        assert asking == {f"doubt:{one.reply_id}" for one in doubts if one.lifted_at is None}


def _empty(world: World) -> None:
    with world.runtime.sessions() as session:
        for order in session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None))):
            suppressions.lift(session, world.runtime, order.channel, order.address, topic=order.topic)
        commit(session, world.runtime.bells)
    pump(world)
    world.bank.time.pass_by(3600)


def _take(world: World, step: str, n: int) -> None:
    sid = f"SM{world.runtime.new_id()}"
    if step in ("STOP", "START", "stop texting me", "start again"):
        world.sms(BOB, step, sid)
        world.work()
    elif step == "doubt":
        doubtful(world, sid)
    elif step in ("opt-out", "not"):
        with world.runtime.sessions() as session:
            number = session.scalar(select(Task.id).where(Task.kind == "doubt", Task.state == "open").limit(1))
            if number:
                correcting.answer(session, world.runtime, world.bank.staff(session, "rep"), number, step)
                commit(session, world.runtime.bells)
    elif step in ("alert", "rates"):
        released(world.bank, "rates" if step == "rates" else "")
    elif step == "letters":
        send_letters(world)
    elif step == "wait":
        world.bank.time.pass_by(700)
    else:
        with world.runtime.sessions() as session:
            bob = session.get_one(Customer, world.bank.ids["bob"])
            try:
                if step == "page":
                    preferences.stop(session, world.runtime, bob, "sms", "preferences page")
                elif step == "topic":
                    suppressions.suppress(session, world.runtime, "sms", BOB, "opt-out", "page", topic="rates")
                elif step == "resume":
                    preferences.resume(session, world.runtime, bob, "sms")
                elif step == "by-hand":
                    suppressions.suppress(session, world.runtime, "sms", BOB, "by-hand", "he rang")
                commit(session, world.runtime.bells)
            except StateConflict:
                session.rollback()


# --- links and pages --------------------------------------------------------------------------------------


def test_what_is_written_on_an_alerts_page_silences_nobody_and_is_a_persons_to_judge(world: World) -> None:
    """Whoever an alert was passed on to has its link."""
    ids = world.alert()
    with world.runtime.sessions() as session:
        kept = replies.from_page(session, world.runtime, ids["bob"], "please take me off this list", False)
        commit(session, world.runtime.bells)
        assert (kept.kind, kept.doubt) == ("other", "opt-out")
        number = kept.id
    assert orders(world) == []
    task = task_of(world, number)
    assert (task.rep_id, "ask them" in task.text) == (world.bank.ids["rep"], True)
    settle(world, number, "opt-out")
    assert orders(world) == [("sms", BOB, "", "opt-out")]


@pytest.mark.parametrize(
    ("kind", "address", "clickable"),
    [("response", ANA, True), ("response", "friend@other.example", False), ("confirmation", ANA, False)],
)
def test_a_response_by_mail_ends_by_one_click(world: World, kind: str, address: str, clickable: bool) -> None:
    with world.runtime.sessions() as session:
        ana = session.get_one(Customer, world.bank.ids["ana"])
        letter = letters.write(
            session, world.runtime, kind=kind, dedupe="x", channel="email", address=address, subject="Re", text="x",
            customer=ana,
        )  # fmt: skip
        link = f"https://alerts.bank.example/p/{PREFS_TAG}/one-click"
        assert content_of(world.runtime, letter).unsubscribe_url == (link if clickable else "")
        session.rollback()


def test_a_link_tells_nobody_about_what_they_did_not_get(world: World) -> None:
    secret = released(world.bank, "mergers")
    with world.runtime.sessions() as session:
        dora = session.get_one(Customer, world.bank.ids["dora"])
        assert preferences.about(session, dora, secret) == ""
        assert preferences.topics(session, dora, secret) == []
        bob = session.get_one(Customer, world.bank.ids["bob"])
        assert preferences.topics(session, bob, None) == ["mergers"]


def test_an_answer_to_a_confirmation_is_the_customers(world: World) -> None:
    """START in answer to the mail that confirmed the stop."""
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "unsubscribe")
    world.work()
    world.mail(ANA, world.customer_address(world.letters("confirmation")[0]), "START", "Re: No more mail")
    world.work()
    assert orders(world) == []
    assert [one.kind for one in world.replies()] == ["opt-out", "opt-in"]
    assert len(world.letters("confirmation")) == 2
