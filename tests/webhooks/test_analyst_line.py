"""The analyst's line through the real door: lists, recording, submission; silence, hang-ups, copies and any order."""

from __future__ import annotations

import dataclasses
import io
import itertools
import random
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

import webhooks
from approvals import decisions, dictation, one_press, submission, takes
from dispatcher import bells, jobs
from dispatcher.model import (
    AuditEntry,
    DistributionList,
    Grant,
    Letter,
    Message,
    Recording,
    Staff,
    StaffCall,
)
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import File
from dispatcher.services import favourites, recordings, references, sweep
from tests.webhooks.world import LINE, World

STAFF_LINE, PHONE, PIN = "+18005550103", "+12025550142", "4711"
SOUNDS = itertools.count(1)


def wav(seconds: float = 4.0, level: float = 0.3) -> bytes:
    """Bursts, as a voice has them, each time at another pitch."""
    at = np.arange(int(8000 * seconds))
    sound = level * np.sin(at * (0.4 + 0.001 * next(SOUNDS))) * (np.sin(at * 0.003) > -0.5)
    out = io.BytesIO()
    soundfile.write(out, sound, 8000, format="WAV", subtype="PCM_16")
    return out.getvalue()


def staffed(world: World) -> World:
    """The world with a line for its analyst, who has a telephone and a PIN, and lists with numbers."""
    settings = world.runtime.settings.model_copy(update={"analyst_line": STAFF_LINE})
    world.runtime = world.bank.runtime = dataclasses.replace(world.runtime, settings=settings)
    app = Flask("line-test")
    webhooks.register(app, world.runtime)
    world.client = app.test_client()
    with world.runtime.sessions() as session:
        analyst = session.get_one(Staff, world.bank.ids["analyst"])
        analyst.phone, analyst.pin_hash = PHONE, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
        analyst.channels = ["email", "sms"]
        for number, one in enumerate(session.scalars(select(DistributionList).order_by(DistributionList.key)), 101):
            one.number = number
        session.commit()
    return world


@pytest.fixture
def here(light: World) -> World:
    return staffed(light)


@pytest.fixture
def both(world: World) -> World:
    """On SQLite and on PostgreSQL."""
    return staffed(world)


class Call:
    """The analyst's call: posts what the vendor posts, follows the document."""

    def __init__(self, world: World, *, signed_in: bool = True) -> None:
        self.world, self.next, self.sid = world, "voice", f"CA{uuid.uuid4().hex}"
        self.document = ElementTree.Element("Response")
        self.done = ""
        self.refs: list[str] = []
        self.heard: list[str] = []  # while it was waited
        self.take()
        if signed_in:
            self.take(Digits=PIN)

    def take(self, **fields: str) -> Call:
        while True:
            answer = self.world.voice(
                self.next, **{"CallSid": self.sid, "From": PHONE, "To": STAFF_LINE, "Direction": "inbound", **fields}
            )
            assert answer.status_code == 200, answer.status
            self.document = ElementTree.fromstring(answer.data)  # noqa: S314  # our own answer
            for one in self.document.iter():
                self.next = one.get("action", self.next)
                self.done = one.get("recordingStatusCallback", self.done).partition("#")[0]
            redirect = self.document.find("Redirect")
            if redirect is None:
                return self
            self.next, fields = redirect.text or "", {}
            self.world.bank.time.pass_by(float(self.document.findall("Pause")[-1].attrib["length"]))
            self.heard.append(self.said)

    @property
    def said(self) -> str:
        return " ".join(one.text or "" for one in self.document.iter("Say"))

    @property
    def tags(self) -> list[str]:
        return [one.tag for one in self.document]

    @property
    def ended(self) -> bool:
        return self.tags[-1:] == ["Hangup"]

    def keys(self, keys: str) -> Call:
        """One step a key; `-` is silence."""
        for key in keys:
            self.take(Digits="" if key == "-" else key)
        return self

    def speak(self, seconds: int = 40, *, ended_by: str = "#") -> Call:
        assert self.tags[-1] == "Record", self.said
        self.refs.append(f"RE{uuid.uuid4().hex}")
        status = "completed" if ended_by == "hangup" else "in-progress"
        return self.take(RecordingSid=self.refs[-1], RecordingDuration=str(seconds), Digits=ended_by, CallStatus=status)

    def arrives(self, content: bytes | None = None, *, ref: str = "") -> Call:
        """The provider's news of the last piece, and the job that fetches it."""
        ref = ref or self.refs[-1]
        news = {"RecordingSid": ref, "RecordingStatus": "completed", "RecordingDuration": "4", "CallSid": self.sid}
        assert self.world.twilio(self.done, news).status_code == 204
        self.world.work()
        fetched(self.world, ref, wav() if content is None else content)
        return self


def fetched(world: World, ref: str, content: bytes) -> None:
    """What the job does once it has the bytes."""
    file = File(f"{ref}.wav", "audio/wav", content)
    with world.runtime.sessions() as session:
        piece = session.scalars(select(Recording).where(Recording.ref == ref)).one()
        recordings.keep(session, world.runtime, piece.id, file, recordings.weigh(file))
        dictation.piece_arrived(session, world.runtime, piece)
        bells.commit(session, world.runtime.bells)


def clock(world: World, seconds: float) -> None:
    """Time goes by, and what the clock finds is done."""
    world.bank.time.pass_by(seconds)
    with world.runtime.sessions() as session:
        sweep.sweep(session, world.runtime, "calls")
        bells.commit(session, world.runtime.bells)
    jobs.configure(world.runtime)
    for _, function, ids in [ring for ring in world.bank.bells.rings if ring[1] == "end_call"]:
        getattr(jobs, function)(*ids)
    world.bank.bells.rings.clear()


def messages(world: World) -> list[Message]:
    with world.runtime.sessions() as session:
        found = list(session.scalars(select(Message).order_by(Message.id)))
        for one in found:
            _ = [(version.lists, version.recording) for version in one.versions]
        return found


def letters(world: World) -> list[Letter]:
    return world.letters("dictation")


def number_of(text: str) -> str:
    found = re.search(r"reference (?:is )?([\d, ]+)", text)
    return re.sub(r"[^\d]", "", found[1]) if found else ""


# --- the way it is meant ----------------------------------------------------------------------------------


def test_an_alert_from_the_pin_to_the_officers_in_a_dozen_steps(both: World) -> None:
    call = Call(both)
    assert "Hello Analyst. Choose your lists. 1 for Semis. 2 for Top." in call.said
    assert call.keys("1").said.startswith("Semis.")
    assert call.keys("2").said.startswith("Semis and Top.")
    call.keys("9")
    assert call.said == "Speak after the tone. Any key ends."
    (record,) = call.document.iter("Record")
    assert (record.get("maxLength"), record.get("playBeep")) == ("300", "true")
    call.speak(40)
    assert call.said.startswith("40 seconds. 1 to submit. 2 to hear it.")
    call.arrives()
    call.keys("1")
    [message] = messages(both)
    reference = references.of(both.runtime, message.id).replace(" ", "")
    assert number_of(call.said) == reference
    assert "It is for 3 customers on Semis and Top." in call.said
    assert "Colleague, Officer, or another will review it." in call.said
    assert (message.state, message.current.via, len(message.versions)) == ("pending", "phone", 1)
    assert {one.key for one in message.current.lists} == {"semis", "top"}
    assert message.current.recording is not None
    assert re.fullmatch(r"Recorded alert, \d+ \w{3} \d{4} \d\d:\d\d UTC", message.current.subject)
    assert call.keys("1").said.count("Submitted. The reference is") == 1
    assert call.keys("-").ended
    told = letters(both)
    assert {one.channel for one in told} == {"email", "sms"}
    assert all(references.of(both.runtime, message.id) in one.text for one in told)
    assert [one.kind for one in both.letters("approval")]
    assert len(messages(both)) == 1


def test_in_german_the_same_words_in_their_voice(here: World) -> None:
    with here.runtime.sessions() as session:
        session.get_one(Staff, here.bank.ids["analyst"]).language = "de"
        session.commit()
    call = Call(here)
    assert "1: Semis. 2: Top." in call.said
    assert {one.get("language") for one in call.document.iter("Say")} == {"de-DE"}
    call.keys("19").speak().arrives().keys("1")
    assert "Eingereicht. Die Referenz ist" in call.said
    assert "Sie ist für 2 Kunden auf Semis." in call.said
    assert messages(here)[0].state == "pending"


def test_sound_that_is_still_on_its_way_is_waited_for_and_not_for_ever(here: World) -> None:
    call = Call(here).keys("19").speak()
    began = here.bank.time.at
    call.keys("1")
    assert call.heard[0] == "One moment, please."
    assert "Your recording is not here yet. It is kept as a draft, reference" in call.said
    assert call.ended
    assert (here.bank.time.at - began) < timedelta(seconds=25)
    [draft] = messages(here)
    assert (draft.state, draft.current.recording) == ("draft", None)
    assert letters(here) == []
    call.arrives()
    [draft] = messages(here)
    assert (draft.state, draft.current.recording is not None) == ("draft", True)
    assert len(letters(here)) == 2


def test_while_it_is_waited_for_it_comes(here: World) -> None:
    call = Call(here).keys("19").speak()
    here.voice(call.next, CallSid=call.sid, From=PHONE, To=STAFF_LINE, Direction="inbound", Digits="1")
    call.arrives()
    call.next = call.next.replace("s=analyst.menu", "s=analyst.submitting")
    call.take()
    assert "Submitted." in call.said


# --- whose line it is -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "waiting", "keys", "said"),
    [
        (["analyst"], True, "", "Choose your lists."),
        (["analyst", "officer"], False, "", "Choose your lists."),
        (["analyst", "officer"], True, "", "1 to record an alert, 2 to decide on what waits."),
        (["analyst", "officer"], True, "1", "Choose your lists."),
        (["analyst", "officer"], True, "2", "Colleague"),  # who wrote what waits
        (["analyst", "officer"], True, "-", "1 to record an alert, 2 to decide on what waits."),
        (["analyst", "officer"], True, "77-", "Goodbye."),
        (["officer"], True, "", "Colleague"),
        (["rep"], True, "", "There is nothing for you on this line."),
    ],
)
def test_after_the_pin_everybody_comes_to_what_they_may_do(
    here: World, roles: list[str], waiting: bool, keys: str, said: str
) -> None:
    with here.runtime.sessions() as session:
        person = session.get_one(Staff, here.bank.ids["analyst"])
        person.grants = [Grant(role=role) for role in roles]
        if waiting:
            colleague = session.get_one(Staff, here.bank.ids["colleague"])
            submission.create(session, here.runtime, colleague, here.bank.submission())
        session.commit()
    assert said in Call(here).keys(keys).said


# --- choosing lists ---------------------------------------------------------------------------------------


def many_lists(world: World, count: int) -> None:
    with world.runtime.sessions() as session:
        for number in range(count):
            session.add(DistributionList(key=f"l{number:02}", name=f"List {number:02}", number=200 + number))
        session.commit()


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("1", ["l00"]),
        ("12", ["l00", "l01"]),
        ("11", []),
        ("121", ["l01"]),
        ("81", ["l06"]),
        ("881", ["l12"]),
        ("8881", ["l00"]),  # round to the favourites
        ("7", []),  # no last alert
        ("-1", ["l00"]),
        ("*1", ["l00"]),
        ("#-1", ["l00"]),
        ("61", ["l05", "l00"]),
    ],
)
def test_keys_of_lists(here: World, keys: str, chosen: list[str]) -> None:
    many_lists(here, 13)
    call = Call(here).keys(keys)
    assert not call.ended
    with here.runtime.sessions() as session:
        assert session.scalars(select(StaffCall)).one().lists == chosen


@pytest.mark.parametrize(
    ("digits", "chosen", "said"),
    [
        ("102", ["top"], "Top."),
        ("0102", ["top"], "Top."),
        ("999", [], "There is no list with this number."),
        ("", [], "We have not received a key."),
        ("*1", [], "There is no list with this number."),
        ("999999999", [], "There is no list with this number."),
    ],
)
def test_the_number_of_a_list_is_keyed(here: World, digits: str, chosen: list[str], said: str) -> None:
    call = Call(here).keys("0")
    assert "hash key" in call.said
    call.take(Digits=digits)
    assert call.said.startswith(said)
    with here.runtime.sessions() as session:
        assert session.scalars(select(StaffCall)).one().lists == chosen


def test_favourites_come_first_and_7_is_the_last_choice(here: World) -> None:
    many_lists(here, 8)
    with here.runtime.sessions() as session:
        here.bank.submitted(session, lists=["l07"])
        here.bank.submitted(session, lists=["l07", "l05"])
        here.bank.time.pass_by(60)
        here.bank.submitted(session, lists=["l05", "l07", "top"])
        analyst = session.get_one(Staff, here.bank.ids["analyst"])
        first = [one.key for one in favourites.favourites(session, here.runtime, analyst, 4)]
    assert first == ["l07", "l05", "top", "l00"]
    call = Call(here)
    assert "1 for List 07. 2 for List 05. 3 for Top." in call.said
    assert "7 as last time." in call.said
    assert call.keys("7").said.startswith("List 05, List 07 and Top.")


def test_a_favourite_is_forgotten_after_90_days(here: World) -> None:
    with here.runtime.sessions() as session:
        here.bank.submitted(session, lists=["top"])
        here.bank.time.pass_by(91 * 86400)
        analyst = session.get_one(Staff, here.bank.ids["analyst"])
        assert [one.key for one in favourites.favourites(session, here.runtime, analyst, 4)] == ["semis", "top"]


# --- the menu after the recording -------------------------------------------------------------------------


def played(call: Call) -> list[int]:
    """The files that a document plays."""
    tokens = [re.search(r"/audio/(\w+)\.wav", one.text or "") for one in call.document.iter("Play")]
    return [call.world.runtime.read_token("media", one[1]) or 0 for one in tokens if one]


def test_hear_add_and_record_again(here: World) -> None:
    call = Call(here).keys("19").speak().arrives(wav(3))
    assert len(played(call.keys("2"))) == 1
    first = played(call)
    call.keys("4").speak().arrives(wav(2))
    assert len(played(call.keys("2"))) == 2
    assert played(call)[0] == first[0]
    [draft] = messages(here)
    assert draft.current.recording is not None
    assert draft.current.recording.seconds == pytest.approx(5.3, abs=0.2)
    call.keys("3").speak().arrives(wav(1.5))
    assert len(played(call.keys("2"))) == 1
    assert played(call) != first
    call.keys("1")
    [message] = messages(here)
    assert message.state == "pending"
    assert message.current.recording is not None
    assert message.current.recording.seconds == pytest.approx(1.5, abs=0.1)


def test_urgent_is_said_and_can_be_taken_back(here: World) -> None:
    call = Call(here).keys("19").speak().arrives()
    assert "6 if urgent." in call.said
    assert call.keys("6").said.startswith("It is urgent now.")
    assert call.keys("6").said.startswith("It is not urgent now.")
    call.keys("61")
    assert messages(here)[0].current.urgency == "urgent"


def test_lists_can_be_chosen_after_the_recording(here: World) -> None:
    call = Call(here).keys("9").speak().arrives().keys("1")
    assert call.said.startswith("It needs a list.")
    assert "9 when you are done." in call.said
    call.keys("29")
    assert call.said.startswith("Top. 1 to submit.")
    call.keys("1")
    assert "Submitted" in call.said
    assert [one.key for one in messages(here)[0].current.lists] == ["top"]


def test_a_draft_is_kept_by_key_9(here: World) -> None:
    call = Call(here).keys("19").speak().arrives().keys("9")
    assert "It is kept as a draft, reference" in call.said
    assert call.ended
    [draft] = messages(here)
    assert (draft.state, number_of(call.said)) == ("draft", references.of(here.runtime, draft.id).replace(" ", ""))
    assert len(letters(here)) == 2
    assert "No list" not in letters(here)[0].text


# --- silence, hang-ups ------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["---", "***", "-*-"])
@pytest.mark.parametrize("before", ["", "0", "9m"])
def test_who_presses_nothing_right_hears_goodbye(here: World, keys: str, before: str) -> None:
    call = Call(here)
    if before == "9m":
        call.keys("9").speak().arrives()
    elif before:
        call.keys(before)
    call.keys(keys)
    assert call.ended
    assert call.said.endswith("Goodbye.")
    assert [one.state for one in messages(here)] == (["draft"] if before == "9m" else [])


def test_nothing_said_after_the_tone_is_asked_for_again(here: World) -> None:
    call = Call(here).keys("19")
    for _ in range(2):
        call.take(RecordingSid="", RecordingDuration="0", Digits="")
        assert call.said.startswith("We have heard nothing. Please record again.")
    call.take(RecordingSid="", RecordingDuration="0", Digits="")
    assert call.ended
    assert messages(here) == []


def test_a_silent_recording_is_not_submitted(here: World) -> None:
    call = Call(here).keys("19").speak().arrives(wav(4, level=0)).keys("1")
    assert call.said.startswith("We have heard nothing. Please record again.")
    assert messages(here) == []
    call.speak().arrives().keys("1")
    assert "Submitted" in call.said


def test_a_silent_second_take_leaves_the_first_in_the_draft_but_submits_nothing(here: World) -> None:
    call = Call(here).keys("19").speak().arrives(wav(3)).keys("3").speak().arrives(wav(4, level=0)).keys("1")
    assert call.said.startswith("We have heard nothing. Please record again.")
    assert call.speak(0, ended_by="hangup").ended
    [draft] = messages(here)
    assert draft.state == "draft"
    assert draft.current.recording is not None


Order = Callable[[Call], None]


def _news_first(call: Call) -> None:
    ref = f"RE{uuid.uuid4().hex}"
    call.arrives(ref=ref)
    call.take(RecordingSid=ref, RecordingDuration="4", Digits="hangup", CallStatus="completed")


def _news_after(call: Call) -> None:
    call.speak(4, ended_by="hangup").arrives()


def _news_twice(call: Call) -> None:
    content = wav()
    call.speak(4, ended_by="hangup").arrives(content).arrives(content)


def _no_news(call: Call) -> None:
    """The sweep of recordings fetches it."""
    call.speak(4, ended_by="hangup")
    fetched(call.world, call.refs[-1], wav())


def _no_step(call: Call) -> None:
    """The network ate the step: the provider's news and the clock are all there is."""
    call.arrives(ref=f"RE{uuid.uuid4().hex}")
    clock(call.world, 600)


@pytest.mark.parametrize("order", [_news_first, _news_after, _news_twice, _no_news, _no_step])
@pytest.mark.parametrize("lists", ["", "1"])
def test_call_record_hang_up_is_a_draft_and_a_letter(here: World, order: Order, lists: str) -> None:
    call = Call(here).keys(lists + "9")
    order(call)
    clock(here, 1200)
    [draft] = messages(here)
    assert draft.state == "draft"
    assert draft.current.recording is not None
    assert [one.key for one in draft.current.lists] == (["semis"] if lists else [])
    told = letters(here)
    assert len(told) == 2
    for one in told:
        assert references.of(here.runtime, draft.id) in one.text
        assert ("No list is chosen yet." in one.text) == (not lists)
        assert "/s/" in one.text, "the link that submits it"
        assert STAFF_LINE in one.text


@pytest.mark.parametrize("early", [False, True], ids=["after", "before its last piece"])
def test_hung_up_in_the_menu_and_called_again_at_once(both: World, early: bool) -> None:
    """The line broke: the provider tells so, and the next call goes on with what the first had recorded."""
    call = Call(both).keys("19").speak()
    if not early:
        call.arrives()
    told = {"CallSid": call.sid, "CallStatus": "completed", "Direction": "inbound", "From": PHONE, "To": STAFF_LINE}
    for _ in range(2):
        assert both.twilio("call-status", told).status_code == 204
        both.work()
    if early:
        call.arrives()
    assert letters(both) == [], "what was said last may be on its way"
    both.bank.time.pass_by(6)
    assert "You have a draft, reference" in Call(both).said
    clock(both, 1)
    assert len(letters(both)) == 2


@pytest.mark.parametrize("news", [{"CallStatus": "in-progress"}, {"Direction": "outbound-api"}, {"CallSid": "CA1"}])
def test_only_its_own_end_ends_a_call(here: World, news: dict[str, str]) -> None:
    call = Call(here).keys("19").speak().arrives()
    told = {"CallSid": call.sid, "CallStatus": "completed", "Direction": "inbound", "From": PHONE, "To": STAFF_LINE}
    here.twilio("call-status", told | news)
    here.work()
    clock(here, 30)
    assert letters(here) == []
    assert "You have a draft" not in Call(here).said


def test_hung_up_in_the_menu_nobody_tells_us(here: World) -> None:
    Call(here).keys("19").speak().arrives().keys("52")
    assert letters(here) == []
    clock(here, 30)
    assert letters(here) == []
    clock(here, 90)
    assert len(letters(here)) == 2
    [draft] = messages(here)
    assert {one.key for one in draft.current.lists} == {"semis", "top"}
    clock(here, 900)
    assert len(letters(here)) == 2


def test_sound_that_never_comes(here: World) -> None:
    Call(here).keys("19").speak(40, ended_by="hangup")
    clock(here, 60)
    assert messages(here) == []
    clock(here, 400)
    [draft] = messages(here)
    assert (draft.state, draft.current.recording) == ("draft", None)
    assert "could not be fetched" in letters(here)[0].text


def test_a_silent_call_is_told_of(here: World) -> None:
    Call(here).keys("9").speak(5, ended_by="hangup").arrives(wav(5, level=0))
    assert messages(here) == []
    assert "Nothing is to be heard" in letters(here)[0].text


def test_a_recording_that_was_lost(here: World) -> None:
    call = Call(here).keys("19").speak()
    with here.runtime.sessions() as session:
        piece = session.scalars(select(Recording)).one()
        recordings.lost(session, here.runtime, piece, "gone")
        dictation.piece_arrived(session, here.runtime, piece)
        session.commit()
    call.keys("1")
    assert call.ended
    assert all(one.state == "draft" for one in messages(here))


# --- twice, by others, by nobody --------------------------------------------------------------------------


def test_copies_of_every_request_say_the_same_and_submit_once(both: World) -> None:
    call = Call(both)
    for fields in ({"Digits": "1"}, {"Digits": "9"}, {"RecordingSid": "RE" + "b" * 32, "RecordingDuration": "4"}):
        address = call.next
        first = ElementTree.tostring(call.take(**fields).document)
        call.next = address
        assert ElementTree.tostring(call.take(**fields).document) == first
    call.refs.append("RE" + "b" * 32)
    call.arrives()
    address = call.next
    first = ElementTree.tostring(call.take(Digits="1").document)
    for _ in range(3):
        call.next = address
        assert ElementTree.tostring(call.take(Digits="1").document) == first
    assert [one.state for one in messages(both)] == ["pending"]
    with both.runtime.sessions() as session:
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject.like("message %")).order_by(AuditEntry.seq)
        ).all()
        assert sorted(acts) == ["submit message", "write message"]


def test_an_old_address_used_again_with_another_key_submits_nothing_twice(here: World) -> None:
    call = Call(here).keys("19").speak().arrives()
    menu = call.next
    call.keys("1")
    for key in "1396241":
        call.next = menu
        call.take(Digits=key)
    [message] = messages(here)
    assert message.state == "pending"
    assert len(message.versions) == 1


def test_without_the_pin_nothing_beyond_it(here: World) -> None:
    call = Call(here, signed_in=False)
    for state in ("analyst.lists", "analyst.menu", "analyst.submitting", "analyst.recorded", "analyst.draft"):
        call.next = f"voice?line=staff&s={state}&n=9&m=0&p=1&a=0&x={state}"
        call.take(Digits="1", RecordingSid="RE" + "c" * 32, RecordingDuration="9")
        assert call.ended
    assert messages(here) == []
    with here.runtime.sessions() as session:
        assert session.scalars(select(Recording)).all() == []


def test_recordings_of_a_call_without_a_pin_become_nothing(here: World) -> None:
    call = Call(here, signed_in=False)
    call.done = f"{here.runtime.settings.public_url}/webhooks/twilio/recording-status?line=staff&for=alert"
    call.arrives(ref="RE" + "d" * 32)
    assert messages(here) == []


def test_a_role_that_was_taken_away_during_the_call(here: World) -> None:
    call = Call(here).keys("19").speak().arrives()
    with here.runtime.sessions() as session:
        for grant in session.scalars(select(Grant).where(Grant.staff_id == here.bank.ids["analyst"])):
            session.delete(grant)
        session.commit()
    assert call.keys("1").ended
    assert [one.state for one in messages(here)] == ["draft"]


def test_submitted_on_the_page_meanwhile(here: World) -> None:
    call = Call(here).keys("19").speak().arrives()
    with here.runtime.sessions() as session:
        [message] = session.scalars(select(Message))
        submission.submit(session, here.runtime, message.author, message.id)
        officer = session.get_one(Staff, here.bank.ids["officer"])
        decisions.decide(session, here.runtime, officer, message.id, "approve", message.current.digest)
        session.commit()
    call.keys("1")
    assert "This alert is no draft any more." in call.said
    assert len(messages(here)[0].versions) == 1


def test_a_list_that_was_removed_is_no_obstacle_and_no_audience(here: World) -> None:
    call = Call(here).keys("19")
    with here.runtime.sessions() as session:
        call_row = session.scalars(select(StaffCall)).one()
        call_row.lists = ["gone", "semis"]
        session.commit()
    call.speak().arrives().keys("1")
    assert "on Semis." in call.said


# --- any keys at all --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("language", ["en", "de"])
def test_whatever_is_keyed_every_call_ends_kindly_and_submits_at_most_once(
    here: World, seed: int, language: str
) -> None:
    """Random keys, silences, recordings, arrivals and hang-ups; what was heard is never lost."""
    chance = random.Random(seed)
    with here.runtime.sessions() as session:
        session.get_one(Staff, here.bank.ids["analyst"]).language = language
        session.commit()
    call = Call(here)
    for _ in range(25):
        if call.ended or call.tags == []:
            break
        if call.tags[-1] == "Record":
            ends = chance.choice(["#", "1", "", "hangup"])
            call.speak(chance.choice([0, 4, 4, 4]), ended_by=ends)
            if ends == "hangup":
                break
        else:
            call.take(Digits=chance.choice(["", "*", "1", "2", "3", "4", "5", "6", "7", "8", "9", "9", "0"]))
        if call.refs and chance.random() < 0.6:
            late = [one for one in call.refs if one in known(here)]
            if late:
                call.arrives(wav(2), ref=chance.choice(late))
    for ref in known(here):
        call.arrives(wav(2), ref=ref)
    clock(here, 1000)
    clock(here, 1000)
    found = messages(here)
    assert len(found) <= 1
    if known(here):
        assert found[0].current.recording is not None
        assert letters(here)
    with here.runtime.sessions() as session:
        acts = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))
        assert acts.count("submit message") == sum(one.state == "pending" for one in found)
        assert session.scalars(select(StaffCall)).one().idle_at is None


def known(world: World) -> list[str]:
    with world.runtime.sessions() as session:
        return list(session.scalars(select(Recording.ref).order_by(Recording.id)))


# --- going on with a draft --------------------------------------------------------------------------------


def test_a_second_call_goes_on_with_the_draft(both: World) -> None:
    Call(both).keys("9").speak(4, ended_by="hangup").arrives(wav(4))
    call = Call(both)
    assert "You have a draft, reference" in call.said
    call.keys("1")
    assert "Choose your lists." not in call.said
    assert call.said.startswith("No list is chosen. 1 to submit.")
    call.keys("4").speak().arrives(wav(2))
    assert len(played(call.keys("2"))) == 2
    call.keys("529").keys("1")
    assert "Submitted" in call.said
    [message] = messages(both)
    assert message.state == "pending"
    assert message.current.recording is not None
    assert message.current.recording.seconds == pytest.approx(6.3, abs=0.2)
    assert Call(both).said.startswith("Hello Analyst. Choose your lists.")


def test_a_second_call_may_begin_anew(here: World) -> None:
    Call(here).keys("9").speak(4, ended_by="hangup").arrives()
    call = Call(here).keys("219").speak().arrives().keys("1")
    assert "Submitted" in call.said
    assert [one.state for one in messages(here)] == ["draft", "pending"]


def test_a_draft_is_offered_for_a_day_and_not_while_another_call_has_it(here: World) -> None:
    first = Call(here).keys("9").speak().arrives()
    assert "You have a draft" not in Call(here).said
    first.keys("9")
    assert "You have a draft" in Call(here).said
    here.bank.time.pass_by(86400)
    assert "You have a draft" not in Call(here).said


def test_a_draft_with_text_alone_is_heard_and_submitted(here: World) -> None:
    with here.runtime.sessions() as session:
        analyst = session.get_one(Staff, here.bank.ids["analyst"])
        submission.create(session, here.runtime, analyst, here.bank.submission(lists=[]), draft=True, via="sms")
        session.commit()
    call = Call(here).keys("12")
    assert "We cut LTMY to hold." in call.said
    call.keys("5191")
    assert "Submitted" in call.said
    assert messages(here)[0].current.text == "We cut LTMY to hold."


def test_customers_and_strangers_do_not_reach_this_line(here: World) -> None:
    answer = here.voice("voice", From="+12025550102", To=LINE, Direction="inbound")
    assert "Choose your lists" not in answer.get_data(as_text=True)


# --- a piece that does not come ---------------------------------------------------------------------------


def lost(world: World, ref: str) -> None:
    """The provider does not give it."""
    with world.runtime.sessions() as session:
        piece = session.scalars(select(Recording).where(Recording.ref == ref)).one()
        recordings.lost(session, world.runtime, piece, "HTTP 500")
        dictation.piece_arrived(session, world.runtime, piece)
        bells.commit(session, world.runtime.bells)


def test_a_lost_piece_is_told_and_no_link_submits_the_rest(here: World) -> None:
    call = Call(here).keys("19").speak(40)
    first = call.refs[-1]
    lost(here, first)
    call.keys("4").speak(20).arrives().take(CallStatus="completed", Digits="hangup")
    for one in letters(here):
        assert "NOT complete" in one.text + (one.subject or "")
        assert "/s/" not in one.text
    assert len(letters(here)) == 2
    [draft] = messages(here)
    with here.runtime.sessions() as session:
        message = session.get_one(Message, draft.id)
        token = one_press.link(here.runtime, message.current).rpartition("/")[2]
        assert one_press.look(session, here.runtime, token).standing == "lacking"
        with pytest.raises(StateConflict, match="missing"):
            one_press.submit(session, here.runtime, token)
        submission.submit(session, here.runtime, message.author, message.id)
        session.commit()
    here.bank.time.pass_by(60)
    fetched(here, first, wav())
    fetched(here, first, wav())
    late = [one for one in letters(here) if "NOT part of alert" in one.text]
    assert len(late) == 2


def test_a_recording_is_held_before_the_calls_row(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the job that brings the sound: the other way round the two would wait for each other."""
    written: list[bool] = []
    find = recordings.find

    def watched(session: Session, provider: str, ref: str) -> Recording | None:
        call = session.scalars(select(StaffCall)).one()
        written.append(call.idle_at is not None and call.idle_at == here.runtime.now() + takes.QUIET)
        return find(session, provider, ref)

    call = Call(here).keys("19")
    recordings_of_news = {"RecordingSid": "RE" + "b" * 32, "RecordingStatus": "completed", "RecordingDuration": "4"}
    assert here.twilio(call.done, {**recordings_of_news, "CallSid": call.sid}).status_code == 204
    here.work()
    here.bank.time.pass_by(3)
    monkeypatch.setattr(recordings, "find", watched)
    call.take(RecordingSid="RE" + "b" * 32, RecordingDuration="4", Digits="#", CallStatus="in-progress")
    assert written == [False]
