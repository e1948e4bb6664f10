"""The staff line up to the PIN, in signed requests: who gets through, what strangers learn, what a lock does."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

import webhooks
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Letter, Staff, StaffCall, Task
from dispatcher.services import hashing, pins, sweep, verify
from dispatcher.services.letter_sending import send_letter
from tests.webhooks.world import World

STAFF_LINE, REP, OTHER, STRANGE = "+12025550190", "+12025550199", "+12025550188", "+12025550177"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOBODY = CHEAP.hash("nobody's")
PIN, WRONG = "740218", "740219"
BEYOND = "There is nothing for you on this line."  # a rep's, once the PIN was right


def staffed(world: World) -> World:
    """With a staff line, and a PIN for the representative and for an officer who speaks German."""
    settings = world.runtime.settings.model_copy(update={"analyst_line": STAFF_LINE})
    runtime = dataclasses.replace(world.runtime, settings=settings)
    hashed = CHEAP.hash(PIN)
    with runtime.sessions() as session:
        session.get_one(Staff, world.bank.ids["rep"]).pin_hash = hashed
        other = session.get_one(Staff, world.bank.ids["other"])
        other.pin_hash, other.phone, other.language = hashed, OTHER, "de"
        session.commit()
    app = Flask("staff-line-test")
    webhooks.register(app, runtime)
    return World(world.bank, runtime, app.test_client())


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose; what is verified in nobody's place costs as little here as the PINs do."""
    monkeypatch.setattr(hashing, "_nobody", lambda: NOBODY)


@pytest.fixture
def line(light: World) -> World:
    return staffed(light)


class Call:
    """Somebody rings our line; each request goes where the document before it says."""

    number = 0

    def __init__(self, world: World, caller: str, sid: str = "", target: str = "voice", **fields: str) -> None:
        Call.number += 1
        self.world, self.next = world, target
        self.fields = {"CallSid": sid or f"CA{Call.number:032x}", "From": caller, "To": STAFF_LINE}
        self.fields |= {"Direction": "inbound", **fields}
        self.waits: list[int] = []
        self.take()

    def take(self, digits: str = "", **fields: str) -> str:
        answer = self.world.voice(self.next, **{**self.fields, **({"Digits": digits} if digits else {}), **fields})
        assert answer.status_code == 200
        document = ElementTree.fromstring(answer.data)  # noqa: S314  # our own answer
        self.tags = [one.tag for one in document.iter()]
        self.waits = [int(one.get("length", "1")) for one in document.findall("Pause")]
        self.language = {one.get("language") for one in document.iter("Say")}
        gather = document.find("Gather")
        self.next = gather.attrib["action"] if gather is not None else self.next
        # Whoever waits as long as they are told to.
        self.world.bank.time.pass_by(sum(self.waits))
        self.said = " ".join(one.text or "" for one in document.iter("Say"))
        return self.said

    @property
    def proven(self) -> bool:
        with self.world.runtime.sessions() as session:
            found = select(StaffCall.proven_at).where(StaffCall.call_ref == self.fields["CallSid"])
            return session.scalars(found).one() is not None


ASKS_PIN, ASKS_NUMBER = "key your PIN", "number of your registered telephone"

# Who rings, what they key, what each key is answered with, whether they are through in the end.
WALKS = [
    ("registered phone", REP, [PIN], [ASKS_PIN, BEYOND], True),
    ("strange phone", STRANGE, ["12025550199", PIN], [ASKS_NUMBER, ASKS_PIN, BEYOND], True),
    ("the prefix that one dials", STRANGE, ["0012025550199", PIN], [ASKS_NUMBER, ASKS_PIN, BEYOND], True),
    ("withheld number", "", ["12025550199", PIN], [ASKS_NUMBER, ASKS_PIN, BEYOND], True),
    ("withheld, spelt", "+266696687", ["12025550199", PIN], [ASKS_NUMBER, ASKS_PIN, BEYOND], True),
    ("nobody's number", STRANGE, ["12025550166", PIN], [ASKS_NUMBER, ASKS_PIN, "not right"], False),
    ("a number that is none", STRANGE, ["1", PIN], [ASKS_NUMBER, ASKS_PIN, "not right"], False),
    ("another's PIN", REP, ["111222"], [ASKS_PIN, "not right"], False),
    ("wrong, then right", REP, [WRONG, PIN], [ASKS_PIN, "not right", BEYOND], True),
    ("four wrong, then right", REP, [WRONG] * 4 + [PIN], [ASKS_PIN, *["not right"] * 4, BEYOND], True),
    ("five wrong", REP, [WRONG] * 5, [ASKS_PIN, *["not right"] * 4, "PIN is locked"], False),
    ("no key at all", REP, ["", "", ""], [ASKS_PIN, "not received", "not received", "Goodbye"], False),
    ("no number at all", STRANGE, ["", "", ""], [ASKS_NUMBER, "not received", "not received", "Goodbye"], False),
    ("silence, then the PIN", REP, ["", PIN], [ASKS_PIN, "not received", BEYOND], True),
    ("stars", REP, ["**1*"], [ASKS_PIN, "not right"], False),
]


@pytest.mark.parametrize(
    ("caller", "keys", "said", "through"), [one[1:] for one in WALKS], ids=[one[0] for one in WALKS]
)
def test_walks(line: World, caller: str, keys: list[str], said: list[str], through: bool) -> None:
    call = Call(line, caller)
    assert said[0] in call.said
    for key, words in zip(keys, said[1:], strict=True):
        assert words in call.take(key)
    assert call.proven == through
    if not through:
        assert BEYOND not in call.said


def test_it_waits_longer_after_each_wrong_one_and_not_while_keys_are_heard(line: World) -> None:
    call = Call(line, REP)
    waits = []
    for _ in range(4):
        call.take(WRONG)
        waits += call.waits
        assert call.tags.index("Pause") < call.tags.index("Gather")
    assert waits == [2, 4, 8, 16]


def test_who_works_here_is_not_to_be_found_out(line: World) -> None:
    """From a strange telephone: nobody's number, a locked PIN, and a colleague's are told apart by nothing."""
    heard: list[list[tuple[object, ...]]] = []
    with line.runtime.sessions() as session:
        session.get_one(Staff, line.bank.ids["rep"]).pin_locked_at = line.bank.time()
        session.commit()
    for number in ("12025550166", REP[1:], OTHER[1:]):
        call = Call(line, STRANGE)
        told: list[tuple[object, ...]] = [(call.take(number), call.language)]
        for _ in range(5):
            call.take(WRONG)
            told.append((call.said, call.language, tuple(call.waits), tuple(call.tags)))
        heard.append(told)
    assert heard[0] == heard[1] == heard[2]
    assert "locked" not in str(heard)


def test_five_wrong_ones_lock_wherever_they_come_from_and_the_owner_is_told(line: World) -> None:
    for n, caller in enumerate((STRANGE, REP, "", STRANGE, REP)):
        line.bank.time.pass_by(60)
        call = Call(line, caller)
        if caller != REP:
            call.take(REP[1:])
        call.take(WRONG)
        assert ("locked" in call.said) == (n == 4)
    call = Call(line, REP)
    assert "locked" in call.take(PIN)
    assert not call.proven
    with line.runtime.sessions() as session:
        told = session.scalars(select(Letter).where(Letter.kind == "pin-locked")).all()
        assert {one.channel for one in told} == {"email", "sms"}
        assert all(PIN not in one.text and WRONG not in one.text for one in told)
        assert session.scalars(select(Task.kind)).all() == ["alarm"]
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
        assert actions.count("refuse PIN") == 5
        assert actions[-1] == "lock PIN"
        pins.unlock(session, line.runtime, line.bank.staff(session, "admin"), line.bank.ids["rep"])
        session.commit()
    assert BEYOND in Call(line, REP).take(PIN)


@pytest.mark.parametrize("what", ["inactive", "no PIN", "no telephone"])
def test_who_cannot_sign_in(line: World, what: str) -> None:
    with line.runtime.sessions() as session:
        rep = session.get_one(Staff, line.bank.ids["rep"])
        rep.active, rep.phone = what != "inactive", None if what == "no telephone" else REP
        rep.pin_hash = None if what == "no PIN" else rep.pin_hash
        session.commit()
    call = Call(line, REP)
    if what != "no PIN":
        assert ASKS_NUMBER in call.said
        call.take(REP[1:])
    assert "not right" in call.take(PIN)
    assert not call.proven


def test_who_is_put_out_in_the_middle_of_a_call_gets_no_further(line: World) -> None:
    call = Call(line, REP)
    address = call.next
    call.take(PIN)
    assert call.proven
    with line.runtime.sessions() as session:
        session.get_one(Staff, line.bank.ids["rep"]).active = False
        session.commit()
    call.next = address.replace("s=pin", "s=analyst.lists").replace("n=1", "n=9")
    assert "call again" in call.take("1")


def test_no_state_beyond_the_pin_without_it(line: World) -> None:
    call = Call(line, REP)
    for state in ("analyst.lists", "officer.menu", "nonsense"):
        call.next = f"voice?line=staff&s={state}&n=7"
        assert "call again" in call.take("1")


def test_a_machine_hears_nothing_and_neither_does_who_hung_up(line: World) -> None:
    call = Call(line, REP, AnsweredBy="machine_end_beep")
    assert call.tags == ["Response", "Hangup"]
    call = Call(line, REP)
    call.take(CallStatus="completed")
    assert call.tags == ["Response", "Hangup"]
    with line.runtime.sessions() as session:
        assert session.scalars(select(func.sum(StaffCall.wrong_pins))).one() == 0


def test_a_copy_of_a_request_is_one_try(line: World) -> None:
    call = Call(line, REP)
    address = call.next
    first = call.take(WRONG)
    call.next = address
    assert call.take(WRONG) == first
    with line.runtime.sessions() as session:
        assert session.get_one(Staff, line.bank.ids["rep"]).pin_failures == 1


def test_a_try_before_the_wait_is_over_is_not_looked_at(line: World) -> None:
    first, second = Call(line, REP), Call(line, REP)
    first.take(WRONG)
    line.bank.time.pass_by(-1)  # another call, a second too early
    assert "not right" in second.take(PIN)
    assert not second.proven
    assert BEYOND in second.take(PIN), "after the wait it was told"
    with line.runtime.sessions() as session:
        assert session.get_one(Staff, line.bank.ids["rep"]).pin_failures == 0


def test_many_calls_at_once_have_five_tries_together(world: World) -> None:
    line = staffed(world)
    calls = [Call(line, REP) for _ in range(8)]
    threads = [threading.Thread(target=call.take, args=(WRONG,)) for call in calls]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    with line.runtime.sessions() as session:
        person = session.get_one(Staff, line.bank.ids["rep"])
        assert 1 <= person.pin_failures <= pins.MOST
        tried = session.scalar(select(func.count()).where(AuditEntry.action == "refuse PIN"))
        assert tried == person.pin_failures


def test_a_list_of_numbers_is_not_tried_through(line: World) -> None:
    """Five tries at each of many people would be enough for four digits: strangers have so many an hour together."""
    for _ in range(pins.MOST_FROM_STRANGERS // 5):
        call = Call(line, STRANGE)
        call.take("12025550166")
        for _ in range(5):
            call.take(WRONG)
    call = Call(line, "")
    call.take(REP[1:])
    assert "Too many PINs were wrong" in call.take(PIN)
    assert not call.proven
    assert BEYOND in Call(line, REP).take(PIN), "their own telephone is served"
    with line.runtime.sessions() as session:
        [text] = session.scalars(select(Task.text)).all()
        assert "not registered" in text
    line.bank.time.at += timedelta(hours=1, minutes=5)
    call = Call(line, "")
    call.take(REP[1:])
    assert BEYOND in call.take(PIN)


def test_from_their_own_telephone_they_hear_their_own_language_at_once(line: World) -> None:
    call = Call(line, OTHER)
    assert "PIN ein" in call.said
    assert call.language == {"de-DE"}


# --- we ring them -----------------------------------------------------------------------------------------


def rung(line: World) -> Letter:
    """An alert waits, and the officer who wants calls is being rung."""
    with line.runtime.sessions() as session:
        other = session.get_one(Staff, line.bank.ids["other"])
        other.channels = ["voice"]
        line.bank.submitted(session)
    [ring] = [one for one in line.letters("approval") if one.channel == "voice"]
    assert asyncio.run(send_letter(line.runtime, ring.id))
    return ring


def ended(line: World, call: Call, status: str, answered_by: str = "human") -> None:
    """The vendor tells how the call ended, and the clock looks."""
    attempt = line.bank.providers["voice"].got[-1].attempt
    fields = {**call.fields, "CallStatus": status, "AnsweredBy": answered_by, "SequenceNumber": "3"}
    assert line.voice(f"call-status?attempt={attempt}", **fields).status_code == 204
    line.work()
    with line.runtime.sessions() as session:
        sweep.sweep(session, line.runtime, "rings")
        commit(session, line.bank.bells)


def outbound(line: World, **fields: str) -> Call:
    attempt = line.bank.providers["voice"].got[-1].attempt
    given = {"From": "+12025550100", "To": OTHER, "Direction": "outbound-api", **fields}
    return Call(line, "", target=f"voice?attempt={attempt}", **given)


@pytest.mark.parametrize(
    ("answered_by", "said"), [("human", "PIN ein"), ("unknown", "PIN ein"), ("machine_end_beep", "")]
)
def test_who_takes_a_ring_is_asked_for_the_pin_and_a_machine_for_nothing(
    line: World, answered_by: str, said: str
) -> None:
    rung(line)
    call = outbound(line, AnsweredBy=answered_by)
    assert said in call.said
    assert "LTMY" not in call.said
    assert bool(call.said) == bool(said)
    ended(line, call, "completed", answered_by)
    first, again = [one for one in line.letters("approval") if one.channel == "voice"]
    assert first.outcome == ("machine" if said == "" else "answered")
    assert again.state == "queued", "nobody has decided: rung again"
    with line.runtime.sessions() as session:
        assert verify.check(session, line.runtime) == []


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_a_ring_that_nobody_took(line: World, status: str) -> None:
    rung(line)
    call = outbound(line)
    ended(line, call, status)
    first, again = [one for one in line.letters("approval") if one.channel == "voice"]
    assert (first.state, first.due_at) == ("failed", None)
    assert again.due_at == line.bank.time() + timedelta(minutes=2)
    with line.runtime.sessions() as session:
        assert session.scalars(select(Task.text)).all() == []


def test_a_ring_is_locked_out_by_five_wrong_pins_as_any_call(line: World) -> None:
    rung(line)
    call = outbound(line, AnsweredBy="human")
    for _ in range(5):
        call.take(WRONG)
    assert "gesperrt" in call.said
