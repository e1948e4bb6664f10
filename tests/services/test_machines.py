"""Which machine wrote a mail, or that a person did; machines are kept, flagged, told to nobody, never answered."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from channels import sendgrid_inbound
from dispatcher.bells import commit
from dispatcher.model import Conversation, Letter, Reply, Task
from dispatcher.model.conversation import MACHINES, WANTED
from dispatcher.model.ports import InboundReply
from dispatcher.services import arrival, caps, letters, machines, replies
from tests.quick import quickly
from tests.raw_mail import Row, apart, bring, form, phrases, request, rows
from tests.webhooks.world import World


@pytest.fixture
def world(light: World) -> World:
    return light


@pytest.mark.parametrize("post", [form, apart])
def test_every_mail_of_the_tables(world: World, post: Callable[[bytes, str], bytes]) -> None:
    """As the provider posts it whole, and as it posts it taken apart."""
    settings = world.runtime.settings.model_copy(update={"email_from": "alerts@bank.example"})
    runtime = dataclasses.replace(world.runtime, settings=settings)
    wrong, of = [], Counter[str]()
    for row in (*rows(), *phrases()):
        reply = sendgrid_inbound.reply(request(post(row.raw, row.envelope_from)))
        verdict = machines.judge(runtime, reply, arrival.read(reply).own)
        found = verdict.machine or ("person" if verdict.doubtful else "person!")
        of[row.expected.rstrip("!")] += 1
        if found != row.expected and (row.expected, found) != ("person", "person!"):
            wrong.append(f"{row.name}: {found} instead of {row.expected}, because of {verdict.because}")
    assert not wrong, "\n".join(wrong)
    assert of["person"] >= 75
    assert of.total() >= 230


WORDS = [
    "out of office ", "i am currently on the ", "your request request (#", "click here to ", "until 1 ", "a.b.c.",
    "ich bin derzeit ", "die nachricht wurde am ", "we have received your ", "please confirm you ", "(((((", "auto ",
    "\n\n.\n",
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_words_made_to_hurt(world: World, words: str) -> None:
    text = (words * 100_000)[:1_000_000]
    reply = InboundReply("x", "email", "a@b.example", (), text, world.runtime.now(), subject=words * 100)
    quickly(lambda: machines.judge(world.runtime, reply, text), 1)


# --- kept, and that is all --------------------------------------------------------------------------------

KINDS = {"absence": "out-of-office"}


def one_of_each() -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows():
        if row.expected.rstrip("!") != "person":
            found.setdefault(row.expected, row)
    return list(found.values())


@pytest.mark.parametrize("row", one_of_each(), ids=lambda row: row.expected)
def test_a_machine_opens_claims_and_answers_nothing(world: World, row: Row) -> None:
    ids = world.alert()
    bring(world, row.raw, world.reply_to(ids["ana"]), row.envelope_from)
    (reply,) = world.replies()
    assert reply.kind == KINDS.get(row.expected, "automatic")
    assert reply.kind_by in ("header", "rule")
    assert reply.kind_because
    assert world.letters() == []
    with world.runtime.sessions() as session:
        conversation = session.scalars(select(Conversation)).one()
        assert (conversation.state, conversation.claimed_by, conversation.claim_by) == ("closed", None, None)
        assert session.scalars(select(Letter)).all() == []
        assert not machines.may_be_answered(session, world.runtime, reply)


def test_a_machine_leaves_an_open_conversation_as_it_is(world: World) -> None:
    ids = world.alert()
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "Please call me.")
    world.work()
    with world.runtime.sessions() as session:
        before = session.scalars(select(Conversation)).one()
    told = len(world.letters())
    bring(world, ABSENCE, world.reply_to(ids["ana"]), "")
    with world.runtime.sessions() as session:
        after = session.scalars(select(Conversation)).one()
    assert (after.state, after.last_at, after.rep_id, after.claim_by) == (
        before.state, before.last_at, before.rep_id, before.claim_by,
    )  # fmt: skip
    assert len(world.letters()) == told


ABSENCE = next(row.raw for row in rows() if row.name == "absences: Exchange Online, English")


def test_a_note_of_absence_says_until_when_and_who_is_there(world: World) -> None:
    ids = world.alert()
    bring(world, ABSENCE, world.reply_to(ids["ana"]), "")
    (reply,) = world.replies()
    assert (reply.kind, reply.kind_because) == ("out-of-office", "Auto-Submitted: auto-generated")
    assert "until Monday, 30 November 2026" in reply.note
    assert "Ben Miller (ben@simon.example, +1 202 555 0144)" in reply.note


PERSON = b"""From: ana@simon.example
Subject: Automatic reply: Downgrade
Message-ID: <p1@x>

I'm out of the office today, but please sell 500 for me and call me on my mobile.
"""


def test_a_person_who_looks_like_a_machine_is_told_with_a_doubt(world: World) -> None:
    ids = world.alert()
    bring(world, PERSON, world.reply_to(ids["ana"]), "ana@simon.example")
    (reply,) = world.replies()
    assert reply.kind in WANTED
    assert reply.doubt == "automatic"
    letters = world.letters()
    assert letters
    assert {one.staff_id for one in letters} == {world.bank.ids["rep"]}
    with world.runtime.sessions() as session:
        assert session.scalars(select(Conversation.state)).all() == ["open"]
        assert session.scalars(select(Letter).where(Letter.customer_id.is_not(None))).all() == []
        assert not machines.may_be_answered(session, world.runtime, reply)


def test_a_representatives_note_of_absence_goes_to_no_customer(world: World) -> None:
    ids = world.alert()
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "Please call me.")
    world.work()
    notice = next(one for one in world.letters() if one.channel == "email")
    world.mail("rep@bank.example", world.staff_address(notice), "I am out today.", "Automatic reply: Reply from Ana",
               headers="Auto-Submitted: auto-replied\r\n")  # fmt: skip
    world.work()
    kept = world.replies()[-1]
    assert (kept.kind, kept.state, kept.customer_id) == ("out-of-office", "settled", None)
    with world.runtime.sessions() as session:
        assert session.scalars(select(Letter).where(Letter.kind == "response")).all() == []


TEXTS = [
    ("I’m driving with Focus turned on. I’ll see your message when I get where I’m going.", "out-of-office"),
    (
        "(I’m not receiving notifications. If this is urgent, reply “urgent” to send a notification through.)",
        "out-of-office",
    ),
    ("Auto-reply: in meetings until 4", "out-of-office"),
    ("Automatische Antwort: Ich fahre gerade.", "out-of-office"),
    ("FREE MSG: Unable to send message - Message Blocking is active.", "automatic"),
    ("I'm driving, call me", ""),
    ("Sell 500 LTMY, I'm out of office till Monday", ""),
]


@pytest.mark.parametrize(("text", "kind"), TEXTS)
def test_telephones_that_answer_by_themselves(world: World, text: str, kind: str) -> None:
    world.alert()
    world.sms("+12025550101", text)
    world.work()
    (reply,) = world.replies()
    assert (reply.kind if reply.kind in MACHINES else "") == kind
    assert bool(world.letters()) == (not kind)


# --- storms and loops -------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [200, pytest.param(1000, marks=pytest.mark.long)])
def test_a_storm_of_machines_is_answered_by_nothing(world: World, many: int) -> None:
    """Of every kind, to a reply address, to a representative's notice and to nobody; `-m long` sends a thousand."""
    ids = world.alert()
    to = (world.reply_to(ids["ana"]), "alerts@in.bank.example", f"staff+{'a' * 30}@in.bank.example")
    each = [
        sendgrid_inbound.reply(request(form(row.raw, row.envelope_from, one))) for row in one_of_each() for one in to
    ]
    with world.runtime.sessions() as session:
        for number in range(many):
            reply = dataclasses.replace(each[number % len(each)], dedupe=f"storm:{number}")
            replies.receive(session, world.runtime, reply, None)
        commit(session, world.bank.bells)
        assert session.scalar(select(func.count()).select_from(Reply)) == many
        assert session.scalars(select(Letter)).all() == []
        # The challenges are not of whom the alert went to.
        assert session.scalar(select(func.count()).select_from(Task)) == 0
        assert session.scalar(select(func.count()).select_from(Conversation)) == 1


def test_answers_are_capped_by_address_and_in_all(world: World) -> None:
    settings = world.runtime.settings.model_copy(update={"cap_answers_per_sender_day": 2, "cap_answers_per_hour": 4})
    runtime = dataclasses.replace(world.runtime, settings=settings)
    asked = ["a@x.example"] * 3 + ["A@x.example "] + [f"{n}@x.example" for n in range(4)]
    given = []
    with world.runtime.sessions() as session:
        for number, address in enumerate(asked):
            allowed = caps.may_answer(session, runtime, address)
            given.append(allowed)
            if allowed:
                letters.write(
                    session, runtime, kind="order-noted", dedupe=f"order-noted:{number}", channel="email",
                    address=address.strip().lower(), subject="Noted", text="…",
                )  # fmt: skip
        assert given == [True, True, False, False, True, True, False, False]
        alarms = session.scalars(select(Task.text).where(Task.kind == "alarm")).all()
        assert len(alarms) == 1
        assert "look whether two machines answer each other" in alarms[0]
