"""The officer's line, walked without a telephone: what is heard, what each key does, and what never approves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Delete, Update, delete, select, update
from sqlalchemy.orm import Session

from approvals import decisions, review, submission
from channels.twilio_line import MOST_DOCUMENT
from dispatcher import bells
from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Customer,
    Decision,
    DistributionList,
    Grant,
    Letter,
    ListMember,
    Message,
    Recording,
    Staff,
    StaffCall,
)
from dispatcher.model.telephone import CallStep, Gather, Hangup, Play, Record, Say, Verb
from dispatcher.services import recordings
from dispatcher.services.media import Upload
from tests.another_dispatcher import rendition_of_another
from tests.webhooks.world import World, world_of
from webhooks import prompts
from webhooks.lines import officer, officer_hears
from webhooks.lines.talking import Line
from webhooks.lines.walking import Place

RECORDING = "RE" + "a" * 32


def wav(seconds: float = 3.0) -> Upload:
    import io

    import numpy as np
    import soundfile

    out = io.BytesIO()
    samples = 0.3 * np.sin(np.arange(int(8000 * seconds)) * 0.3)
    soundfile.write(out, samples, 8000, format="WAV", subtype="PCM_16")
    return Upload("alert.wav", out.getvalue())


class Call:
    """A call in which the officer has given the right PIN. `-` is silence; `C` keys the code that was read out."""

    def __init__(
        self, world: World, who: str = "officer", *, rung_for: int | None = None, language: str = "en"
    ) -> None:
        self.world, self.place, self.ref = world, Place(), f"CA{world.runtime.new_id()}"
        self.verbs: tuple[Verb, ...] = ()
        self.heard: list[str] = []
        with world.runtime.sessions() as session:
            person = session.get_one(Staff, world.bank.ids[who])
            person.language = language
            call = StaffCall(
                provider="twilio", call_ref=self.ref, outbound=rung_for is not None, staff_id=person.id, lists=[],
                proven_at=world.runtime.now(), message_id=rung_for,
            )  # fmt: skip
            session.add(call)
            session.commit()
            self.id = call.id

    def take(self, **fields: object) -> Call:
        runtime = self.world.runtime
        given: dict[str, object] = {"call_ref": self.ref, "caller": "+12025550142", "called": "+13395550103"}
        step = CallStep(**{**given, "outbound": False, **fields})  # type: ignore[arg-type]  # a table of changes
        with runtime.sessions() as session:
            line = Line(session, runtime, "twilio", session.get_one(StaffCall, self.id))
            state = officer.STATES.get(self.place.state)
            self.verbs = state(line, self.place, step) if state else officer.begin(line, self.place)
            bells.commit(session, runtime.bells)
        runtime.adapters.lines["twilio"].render(self.verbs)
        self.heard.append(spoken(self.verbs))
        for verb in self.verbs:
            if isinstance(verb, Gather | Record):
                query = {name: values[0] for name, values in parse_qs(urlsplit(verb.next_url).query).items()}
                self.place = Place.of(query)
        return self

    def press(self, keys: str) -> Call:
        for key in keys:
            if key == "-" and self.place.state == "officer.hearing":
                self.world.bank.time.pass_by(60)  # until all of it is played
            self.take(digits="" if key == "-" else self.code if key == "C" else key)
        return self

    def say(self, seconds: float = 12, *, hung_up: bool = False, ref: str = RECORDING) -> Call:
        return self.take(recording_ref=ref, recording_seconds=seconds, hung_up=hung_up)

    @property
    def said(self) -> str:
        return self.heard[-1]

    @property
    def code(self) -> str:
        with self.world.runtime.sessions() as session:
            return review.code_of(session.get_one(StaffCall, self.id).digest or "0")

    @property
    def ended(self) -> bool:
        return isinstance(self.verbs[-1], Hangup)


def spoken(verbs: tuple[Verb, ...]) -> str:
    """All that is said, with ♪ for what is played and ● for what is recorded."""
    words = []
    for verb in verbs:
        for one in verb.prompts if isinstance(verb, Gather) else (verb,):
            marks = {Play: "♪", Record: "●"}
            words.append(one.text if isinstance(one, Say) else marks.get(type(one), ""))
    return " ".join(word for word in words if word)


def submitted(world: World, **changes: object) -> int:
    with world.runtime.sessions() as session:
        return world.bank.submitted(session, **changes).id


def state(world: World, message_id: int) -> str:
    with world.runtime.sessions() as session:
        return session.get_one(Message, message_id).state


def made(world: World) -> list[Decision]:
    with world.runtime.sessions() as session:
        return list(session.scalars(select(Decision).order_by(Decision.id)))


def on_record(world: World, *actions: str) -> list[AuditEntry]:
    with world.runtime.sessions() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.seq)))


def do(world: World, what: Callable[[Session], object]) -> None:
    with world.runtime.sessions() as session:
        what(session)
        bells.commit(session, world.runtime.bells)


# --- what is heard ----------------------------------------------------------------------------------------


def test_what_cannot_be_heard_is_sent_to_the_page_and_not_approved(light: World) -> None:
    number = submitted(light)
    do(light, lambda session: rendition_of_another(session, number, "voice"))
    call = Call(light).take()
    assert call.said.startswith("It cannot be heard on the telephone. Please go to the page. To approve, press 1.")
    assert "It cannot be heard" in call.press("1").said
    assert state(light, number) == "pending"


def test_who_for_whom_and_the_very_words_and_then_the_menu(light: World) -> None:
    number = submitted(light, urgency="urgent")
    light.bank.time.pass_by(7 * 60)
    call = Call(light).take()
    assert call.said == (
        f"Urgent. Alert {number}, by Analyst, 7 minutes ago. "
        "To Semis, Top: 3 customers, 1 by mail, 1 by text, 1 by call. "
        "Downgrade We cut LTMY to hold."
    )
    assert call.press("-").said == (
        "To approve, press 1. To return it and say why, 2. To reject it, 3. To hear it again, 4. "
        "To pass it to a colleague, 5."
    )
    heard, whole = on_record(light, "hear message")
    assert '"whole": false' in heard.detail
    assert '"whole": true' in whole.detail
    assert "LTMY" not in heard.detail + whole.detail


def test_who_is_out_of_reach_is_said(light: World) -> None:
    submitted(light)

    def lose(session: Session, *names: str) -> None:
        bounced = select(Customer.id).where(Customer.name.in_(names))
        session.execute(update(ContactPoint).where(ContactPoint.customer_id.in_(bounced)).values(valid=False))

    do(light, lambda session: lose(session, "Cleo"))
    assert "To Semis, Top: 2 customers, 1 by mail, 1 by text. One more on these lists cannot" in Call(light).take().said
    do(light, lambda session: lose(session, "Cleo", "Bob"))
    assert "To Semis, Top: one customer, 1 by mail. 2 more on these lists cannot be reached." in Call(light).take().said


def test_a_recording_is_played_and_the_text_read_beside_it(light: World) -> None:
    submitted(light, recording=wav(), attachments=[Upload("model.csv", b"a,b")])
    said = Call(light).take().said
    assert "Downgrade ♪ The text, to compare: We cut LTMY to hold." in said
    assert said.endswith("Attached, and not to be heard here: model.csv. If you must read it, decide on the page.")


def test_a_recording_alone_is_all_there_is(light: World) -> None:
    submitted(light, recording=wav(), text="")
    assert Call(light).take().said.endswith("Downgrade ♪")


def test_a_new_version_is_said_to_be_one_and_by_whom(light: World) -> None:
    number = submitted(light)
    with light.runtime.sessions() as session:
        light.bank.staff(session, "analyst").language = "fr"
        submission.edit(session, light.runtime, light.bank.staff(session, "analyst"), number, {"text": "Vendez."})
        bells.commit(session, light.runtime.bells)
    call = Call(light).take()
    assert "Version 2, changed by Analyst." in call.said
    [gather] = call.verbs
    assert isinstance(gather, Gather)
    assert gather.prompts[-1] == Say("Vendez.", "fr"), "the alert is read in its author's language"


def test_when_it_goes_out_is_said_where_that_is_later(light: World) -> None:
    submitted(light, release_at=light.runtime.now() + timedelta(hours=3))
    call = Call(light).take()
    assert "Once approved, it goes out on 2026-11-20, 12:30 UTC." in call.said
    assert call.press("-1C").said.startswith("Approved. It goes out on 2026-11-20, 12:30 UTC.")


# --- approve ----------------------------------------------------------------------------------------------


def test_approving_needs_the_code_of_what_was_heard(world: World) -> None:
    number = submitted(world)
    call = Call(world).take().press("-1")
    assert call.said == f"To approve it, key {', '.join(call.code)}."
    assert state(world, number) == "pending"
    call.press("C")
    assert call.said == "Approved. It is going out to 3 customers now. Goodbye."
    assert call.ended
    [decision] = made(world)
    assert (decision.decision, decision.via, decision.officer_id) == ("approve", "phone", world.bank.ids["officer"])
    assert state(world, number) == "releasing"
    [entry] = on_record(world, "approve message")
    assert f'"call": "{call.ref}"' in entry.detail
    assert '"whole": true' in entry.detail


def test_a_wrong_code_is_asked_once_more_and_then_nothing_is_decided(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("-1")
    wrong = "".join(str((int(digit) + 1) % 10) for digit in call.code)
    assert call.take(digits=wrong).said.startswith("That is another code. To approve it, key")
    assert call.take(digits=wrong[:2]).said.startswith("That is another code. Nothing has been decided. To approve,")
    assert state(light, number) == "pending"
    assert not call.press("1C").said.startswith("That is"), "the menu still stands"
    assert state(light, number) == "releasing"


def test_an_end_that_comes_too_soon_is_no_hearing(light: World) -> None:
    """The vendor could not fetch the recording: it goes on at once, as after all of it."""
    number = submitted(light, recording=wav(60))
    call = Call(light).take()
    light.bank.time.pass_by(30)
    call.take()
    assert call.press("1").said.startswith("Please hear all of it before you decide.")
    assert '"whole": true' not in "".join(one.detail for one in on_record(light, "hear message"))
    light.bank.time.pass_by(70)
    assert call.take().press("1C").said.startswith("Approved.")
    assert state(light, number) == "releasing"


def test_what_one_call_cannot_hold_is_approved_on_the_page(light: World) -> None:
    number = submitted(light, text="&" * 12_000)
    call = Call(light).take()
    assert "too long to be heard whole on the telephone" in call.said
    assert "too long" in call.press("-1").said
    assert state(light, number) == "pending"
    assert officer_hears.MOST_SAID + 4000 < MOST_DOCUMENT, "nothing is cut before"


@pytest.mark.parametrize("via", ["sms", "sms-unproven"])
def test_words_of_a_sender_who_is_not_proven_are_marked(light: World, via: str) -> None:
    number = submitted(light)
    with light.runtime.sessions() as session:
        analyst = light.bank.staff(session, "analyst")
        submission.edit(session, light.runtime, analyst, number, {"text": "Sell."}, via=via)
        submission.edit(session, light.runtime, analyst, number, {"urgency": "urgent"})
        bells.commit(session, light.runtime.bells)
    marked = "Its text came by text message; the sender is not proven." in Call(light).take().said
    assert marked == (via == "sms-unproven")


def test_an_early_one_does_not_approve_but_goes_on_from_the_start(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("1")
    assert call.said.startswith(f"Please hear all of it before you decide. Alert {number}")
    assert "skip message" in [one.action for one in on_record(light, "skip message")]
    call.press("1" + "11")
    assert state(light, number) == "pending"
    call.press("-1C")
    assert state(light, number) == "releasing"


def test_a_key_right_after_the_last_word_is_not_an_early_one(light: World) -> None:
    submitted(light)
    call = Call(light).take()
    light.bank.time.pass_by(60)
    assert call.press("1").said.startswith("To approve it, key")


@pytest.mark.parametrize("keys", ["", "-", "-1", "-3", "-5"])
def test_what_comes_after_a_hang_up_does_nothing(light: World, keys: str) -> None:
    number = submitted(light)
    call = Call(light).take().press(keys)
    assert call.take(hung_up=True, digits=call.code if keys == "-1" else "9" if keys == "-3" else "").said == ""
    assert call.ended
    assert state(light, number) == "pending"
    assert '"whole": true' not in "".join(one.detail for one in on_record(light, "hear message")) or keys


def test_hearing_it_again_leaves_out_what_is_known(light: World) -> None:
    submitted(light)
    call = Call(light).take().press("-4")
    assert call.said == "Once more. Downgrade We cut LTMY to hold."
    assert call.press("1").said.startswith("To approve it, key"), "it was heard to the end before"


# --- return, reject ---------------------------------------------------------------------------------------


def test_what_was_not_heard_is_not_rejected(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("3")
    assert call.said.startswith("Please hear all of it before you decide.")
    call.press("9")
    assert state(light, number) == "pending"


def test_rejecting_needs_another_key(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("-3")
    assert "press 9" in call.said
    assert call.press("3").said.startswith("Nothing has been decided.")
    assert state(light, number) == "pending"
    assert call.press("39").said == "Rejected. Analyst will be told. Goodbye."
    assert state(light, number) == "rejected"


def fetched(world: World, seconds: float = 12.0, state: str = "kept", ref: str = RECORDING) -> None:
    """What the job does once the provider has given the words."""

    def arrive(session: Session) -> None:
        reason = recordings.find(session, "twilio", ref)
        assert reason is not None
        reason.state, reason.seconds = state, seconds
        review.reason_arrived(session, world.runtime, reason)

    do(world, arrive)


def test_a_return_needs_words_and_a_key(world: World) -> None:
    number = submitted(world)
    call = Call(world).take().press("-2")
    assert call.said.endswith("press any key when you have finished. ●")
    assert call.say(12.4).said == "To return it with these words, press 1. To say them again, 2. To go back, 3."
    assert state(world, number) == "pending"
    fetched(world, 12.4)
    assert state(world, number) == "pending", "they have not pressed a key yet"
    assert call.press("1").said == "Returned to Analyst, with your words. Goodbye."
    [decision] = made(world)
    assert (decision.decision, decision.comment, decision.via) == ("return", "Said on the telephone, 0:12.", "phone")
    with world.runtime.sessions() as session:
        [reason] = session.scalars(select(Recording))
        assert (reason.decision_id, reason.purpose, reason.staff_call_id) == (decision.id, "reason", call.id)
        letter = session.scalars(select(Letter).where(Letter.kind == "decision")).one()
        assert "Said on the telephone, 0:12." in letter.text


def test_words_are_said_again_or_not_at_all(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("-2").say()
    assert call.press("2").said.endswith("●")
    call.say(4, ref="RE" + "b" * 32)
    assert call.press("3").said.startswith("Nothing has been decided.")
    assert call.press("2").said.endswith("●")
    call.say(0.4, ref="RE" + "e" * 32)
    assert call.said.startswith("We have heard nothing.")
    call.take()
    assert call.take().said == "We have heard nothing. Nothing has been decided. Goodbye."
    assert state(light, number) == "pending"
    assert made(light) == []


def test_words_that_turn_out_to_be_silence_return_nothing(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("-2").say()
    fetched(light, state="silent")
    assert call.press("1").said.startswith("We have heard nothing. Please say after the tone")
    assert state(light, number) == "pending"


# Who says why and hangs up: when the words come, and whether they are any.
HUNG_UP = {
    "the words come afterwards": ("after", "kept", "returned"),
    "the words were here before": ("before", "kept", "returned"),
    "silence comes afterwards": ("after", "silent", "pending"),
    "silence was here before": ("before", "silent", "pending"),
    "nothing comes": ("after", "empty", "pending"),
    "they come twice": ("twice", "kept", "returned"),
}


@pytest.mark.parametrize("case", HUNG_UP.values(), ids=HUNG_UP.keys())
def test_who_hangs_up_after_saying_why_has_returned_it(light: World, case: tuple[str, str, str]) -> None:
    when, what, after = case
    number = submitted(light)
    call = Call(light).take().press("-2")
    if when == "before":
        do(
            light,
            lambda session: recordings.expect(
                session, light.runtime, provider="twilio", ref=RECORDING, call_ref=call.ref, purpose="reason",
                staff_call=session.get_one(StaffCall, call.id),
            ),
        )  # fmt: skip
        fetched(light, state=what)
        assert state(light, number) == "pending"
    assert call.say(hung_up=True).ended
    if when != "before":
        assert state(light, number) == "pending"
        fetched(light, state=what)
    if when == "twice":
        fetched(light, state=what)
    assert state(light, number) == after
    assert len(made(light)) == (after == "returned")


def test_who_hangs_up_without_a_word_has_decided_nothing(light: World) -> None:
    number = submitted(light)
    assert Call(light).take().press("-2").take(hung_up=True).ended
    assert Call(light).take().press("-2").say(0.6, hung_up=True).ended
    fetched(light, 0.6)
    assert state(light, number) == "pending"


def test_words_about_what_was_changed_meanwhile_return_nothing(light: World) -> None:
    number = submitted(light)
    Call(light).take().press("-2").say(hung_up=True)
    edited(light, number)
    fetched(light)
    assert state(light, number) == "pending"
    call = Call(light).take().press("-2").say(ref="RE" + "c" * 32)
    edited(light, number, text="Once more.")
    assert call.press("1").said.startswith("It has been changed meanwhile.")
    assert made(light) == []


def test_words_of_another_call_are_not_taken(light: World) -> None:
    number = submitted(light)
    theirs = Call(light, "other").take().press("-2").say()
    mine = Call(light).take().press("-2").say(ref="RE" + "d" * 32)
    mine.place = theirs.place
    assert mine.press("1").said.startswith("Nothing has been decided.")
    assert state(light, number) == "pending"


# --- others -----------------------------------------------------------------------------------------------


def test_several_are_heard_one_after_the_other_urgent_ones_first(light: World) -> None:
    first = submitted(light)
    second = submitted(light)
    urgent = submitted(light, subject="Fraud", urgency="urgent")
    call = Call(light).take()
    assert call.said.startswith(f"3 alerts wait. Urgent. Alert {urgent}")
    assert call.press("-").said.endswith("For the next alert, 6.")
    assert call.press("6").said.startswith(f"Alert {first}")
    assert call.press("6").said.startswith(f"Alert {second}"), "a key counts at any moment"
    assert f"It is very like alert {first}: it may have come twice." in call.said
    assert call.press("6").said.startswith(f"Urgent. Alert {urgent}"), "and round again"
    call.press("-1C")
    assert call.said.startswith(f"Approved. It is going out to 3 customers now. The next alert. Alert {first}")
    assert [state(light, one) for one in (first, second, urgent)] == ["pending", "pending", "releasing"]


def test_what_rang_is_heard_first_and_alone(light: World) -> None:
    submitted(light, urgency="urgent")
    rung = submitted(light, subject="Upgrade")
    assert Call(light, rung_for=rung).take().said.startswith(f"Alert {rung}, by")


def test_nothing_waits(light: World) -> None:
    call = Call(light).take()
    assert call.said == "No alert waits for your decision. Goodbye."
    assert call.ended


def test_passing_to_a_colleague_tells_them(light: World) -> None:
    number = submitted(light)
    with light.runtime.sessions() as session:
        other = light.bank.staff(session, "other")
        other.phone, other.channels = "+12025550177", ["sms"]
        session.commit()
    call = Call(light).take().press("-5")
    assert call.said == "For Colleague, press 1. For Other, press 2. To go back, 0."
    assert call.press("2").said == "Other will be told now. Goodbye."
    [entry] = on_record(light, "pass message")
    assert "other@bank.example" in entry.detail
    with light.runtime.sessions() as session:
        letters = session.scalars(select(Letter).where(Letter.subject.like("%passes%"))).all()
        assert [(one.channel, one.staff_id, one.message_id) for one in letters] == [
            ("sms", light.bank.ids["other"], number)
        ]
        assert "LTMY" not in letters[0].text
    assert state(light, number) == "pending"


# --- what has changed meanwhile ---------------------------------------------------------------------------


def edited(world: World, number: int, text: str = "Other words.") -> None:
    def edit(session: Session) -> None:
        submission.edit(session, world.runtime, world.bank.staff(session, "analyst"), number, {"text": text})

    do(world, edit)


def decided(world: World, number: int, decision: str = "reject") -> None:
    def by_other(session: Session) -> None:
        digest = session.get_one(Message, number).current.digest
        decisions.decide(session, world.runtime, world.bank.staff(session, "other"), number, decision, digest)

    do(world, by_other)


# Where the call may stand when something happens: the keys that lead there.
PLACES = {"hearing": "", "menu": "-", "code": "-1", "sure": "-3", "colleague": "-5"}


@pytest.mark.parametrize("keys", PLACES.values(), ids=PLACES.keys())
def test_a_changed_alert_is_heard_anew(light: World, keys: str) -> None:
    number = submitted(light)
    call = Call(light).take().press(keys)
    before = call.code
    edited(light, number)
    call.take(digits={"": "", "-": "1", "-1": before, "-3": "9", "-5": "1"}[keys])
    assert call.said.startswith(f"It has been changed meanwhile. Here is the new version. Alert {number}, by Analyst")
    assert "Other words." in call.said
    assert state(light, number) == "pending"
    assert made(light) == []
    assert call.press("-1C").said.startswith("Approved.")


def somebody_added(world: World) -> None:
    def add(session: Session) -> None:
        semis = session.scalars(select(DistributionList).where(DistributionList.key == "semis")).one()
        zoe = Customer(key="zoe", name="Zoe")
        session.add(zoe)
        session.flush()
        session.add(ListMember(list_id=semis.id, customer_id=zoe.id))

    do(world, add)


@pytest.mark.parametrize("keys", ["-", "-1"], ids=["menu", "code"])
def test_an_alert_for_others_is_heard_anew_before_it_is_approved(light: World, keys: str) -> None:
    number = submitted(light)
    call = Call(light).take().press(keys)
    before = call.code
    somebody_added(light)
    call.take(digits={"-": "1", "-1": before}[keys])
    assert call.said.startswith(f"Who gets it has changed meanwhile. Please hear it again. Alert {number}, by Analyst")
    assert made(light) == []
    call.press("-1C")
    assert [one.decision for one in made(light)] == ["approve"]


def test_whoever_gets_it_what_they_reject_or_return_is_that(light: World) -> None:
    rejected, returned = submitted(light), submitted(light, text="Other words.")
    call = Call(light).take().press("-3")
    somebody_added(light)
    call.press("9")
    assert state(light, rejected) == "rejected"
    Call(light).take().press("-2").say(hung_up=True)
    do(light, lambda session: session.execute(delete(ListMember)))
    fetched(light)
    assert state(light, returned) == "returned"


@pytest.mark.parametrize("keys", PLACES.values(), ids=PLACES.keys())
def test_a_decided_alert_is_said_to_be_decided_and_by_whom(light: World, keys: str) -> None:
    number = submitted(light)
    call = Call(light).take().press(keys)
    code = call.code
    decided(light, number)
    call.take(digits=code if keys == "-1" else "9" if keys == "-3" else "1")
    assert call.said == f"Other has already decided on alert {number}. Goodbye."
    assert len(made(light)) == 1


BARRED: dict[str, Callable[[World], Delete | Update]] = {
    "no longer an officer": lambda world: delete(Grant).where(Grant.staff_id == world.bank.ids["officer"]),
    "inactive": lambda world: update(Staff).where(Staff.id == world.bank.ids["officer"]).values(active=False),
    "locked": lambda world: (
        update(Staff).where(Staff.id == world.bank.ids["officer"]).values(pin_locked_at=world.runtime.now())
    ),
}


@pytest.mark.parametrize("why", BARRED)
@pytest.mark.parametrize("keys", ["-1", "-3"], ids=["code", "sure"])
def test_whoever_may_no_longer_decide_does_not(light: World, keys: str, why: str) -> None:
    number = submitted(light)
    call = Call(light).take().press(keys)
    with light.runtime.sessions() as session:
        session.execute(BARRED[why](light))
        session.commit()
    call.take(digits=call.code if keys == "-1" else "9")
    assert call.said == f"You may not decide on alert {number}: somebody else must. Goodbye."
    assert made(light) == []


def test_an_author_is_barred_whose_own_alert_rings(light: World) -> None:
    with light.runtime.sessions() as session:
        colleague = light.bank.staff(session, "colleague")
        number = submission.create(session, light.runtime, colleague, light.bank.submission()).id
        bells.commit(session, light.runtime.bells)
    assert Call(light, "colleague").take().said == "No alert waits for your decision. Goodbye."
    rung = Call(light, "colleague", rung_for=number).take()
    assert rung.said == f"You may not decide on alert {number}: somebody else must. Goodbye."


def test_bytes_changed_in_the_database_are_not_approved(light: World) -> None:
    number = submitted(light)
    call = Call(light).take().press("-1")
    do(light, lambda session: session.execute(update(DistributionList).values(key=DistributionList.key + "x")))
    call.press("C")
    assert call.said.startswith("This cannot be decided now. Please look at the page. To approve,")
    assert state(light, number) == "pending"
    assert made(light) == []


# --- silence, wrong keys, languages -----------------------------------------------------------------------

HOPELESS = {
    "no key in the menu": "----",
    "wrong keys in the menu": "-777",
    "wrong keys while it plays": "777",
    "no key at the code": "-1---",
    "no key at the rejection": "-3---",
    "wrong keys for a colleague": "-5888",
}


@pytest.mark.parametrize("keys", HOPELESS.values(), ids=HOPELESS.keys())
def test_where_nobody_seems_to_be_there_it_ends_kindly(light: World, keys: str) -> None:
    number = submitted(light)
    call = Call(light, language="de").take().press(keys)
    assert call.ended
    said = prompts.TABLES["de"]
    assert call.said == f"{said['officer nothing done']} {said['goodbye']}"
    assert state(light, number) == "pending"


def test_in_german(light: World) -> None:
    number = submitted(light)
    light.bank.time.pass_by(600)
    call = Call(light, language="de").take()
    assert call.said.startswith(f"Meldung {number}, von Analyst, vor 10 Minuten. An Semis, Top: 3 Kunden,")
    assert call.press("-1").said == f"Zum Freigeben geben Sie {', '.join(call.code)} ein."
    assert call.press("C").said == "Freigegeben. Sie geht jetzt an 3 Kunden. Auf Wiederhören."


# --- as the vendor asks -----------------------------------------------------------------------------------


def test_from_the_first_ring_to_the_approval_over_signed_requests(world: World) -> None:
    """And every request comes twice: a copy gets the same answer, and does nothing."""
    number = submitted(world, recording=wav())
    with world.runtime.sessions() as session:
        person = world.bank.staff(session, "officer")
        person.phone, person.pin_hash = "+12025550142", PasswordHasher().hash("154770")
        code = review.code_of(session.get_one(Message, number).current.digest)
        session.commit()
    target, documents = "voice?line=staff", []
    for digits in (None, "154770", "", "1", code):
        fields = {"From": "+12025550142", "To": "+13395550103", "Direction": "inbound", "CallSid": "CA" + "7" * 32}
        if digits is not None:
            fields["Digits"] = digits
        if digits == "":
            world.bank.time.pass_by(30)  # all of it is played
        answer, copy = (world.voice(target, **fields) for _ in range(2))
        assert answer.data == copy.data
        assert answer.status_code == 200
        documents.append(answer.data.decode())
        target = next((one.get("action", "") for one in ElementTree.fromstring(answer.data)), "")  # noqa: S314  # ours
    assert "/audio/" in documents[1]
    assert f"key {', '.join(code)}." in documents[3]
    assert "It is going out to 3 customers now." in documents[4]
    assert [one.decision for one in made(world)] == ["approve"]
    assert state(world, number) == "releasing"


# --- whatever is pressed ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mashed(sqlite_template: Path) -> Iterator[World]:
    """One world for all sequences of keys: none of them changes anything."""
    from dispatcher.storage import make_engine, make_sessions

    folder = Path(tempfile.mkdtemp(prefix="dispatcher-keys-"))
    shutil.copy(sqlite_template, folder / "keys.sqlite")
    engine = make_engine(f"sqlite:///{folder / 'keys.sqlite'}")
    world = world_of(make_sessions(engine), folder)
    submitted(world, recording=wav())
    submitted(world, urgency="urgent")
    yield world
    engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*"123456789*#-", "0000", "1111"]), max_size=14))
def test_no_keys_without_the_right_code_approve(mashed: World, keys: list[str]) -> None:
    call = Call(mashed).take()
    for key in keys:
        if call.ended:
            break
        if isinstance(call.verbs[-1], Record):
            call.take(recording_ref="", hung_up=key == "9")
            continue
        if call.place.state == "officer.sure" and key == "9":
            key = "4"  # a rejection is another matter
        call.take(digits="" if key == "-" else f"{(int(call.code) + 1) % 10000:04d}" if key == call.code else key)
    assert made(mashed) == []
    with mashed.runtime.sessions() as session:
        assert set(session.scalars(select(Message.state))) == {"pending"}
        assert session.scalars(select(Recording)).all() == []
