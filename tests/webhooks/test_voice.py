"""Live calls through the real adapter: what is said as TwiML, what is kept, in any order and any number of copies."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import select, update

import webhooks
from dispatcher.bells import commit
from dispatcher.model import (
    Attempt,
    Callback,
    Conversation,
    Customer,
    Delivery,
    Letter,
    Media,
    Message,
    Recording,
    Reply,
    Staff,
)
from dispatcher.model.ports import File
from dispatcher.services import codes, recordings, sending, suppressions
from tests.another_dispatcher import rendition_of_another
from tests.webhooks.world import LINE, PUBLIC_URL, World

CLEO, REP, COVER = "+12025550102", "+12025550199", "+12025550198"
DESK, STRANGE = "+12025550190", "+12025550177"
RECORDING = "RE" + "a" * 32


class Call:
    """A call from our side to Cleo, or from somebody to our line: posts what the vendor posts, follows the document."""

    def __init__(self, world: World, target: str, **fields: str) -> None:
        self.world, self.fields, self.next = world, fields, target
        self.document = ElementTree.Element("Response")

    def take(self, **fields: str) -> Call:
        answer = self.world.voice(self.next, **{**self.fields, **fields})
        assert answer.status_code == 200
        assert answer.content_type == "text/xml; charset=utf-8"
        self.document = ElementTree.fromstring(answer.data)  # noqa: S314  # our own answer
        for one in self.document.iter():
            if one.get("action"):
                self.next = one.attrib["action"]
        return self

    @property
    def said(self) -> str:
        return " ".join(one.text or "" for one in self.document.iter("Say"))

    @property
    def tags(self) -> list[str]:
        return [one.tag for one in self.document]


def outbound(world: World, delivery_id: int, **fields: str) -> Call:
    return Call(world, f"voice?attempt={world.attempt_of(delivery_id)}", **fields)


def inbound(world: World, caller: str = CLEO) -> Call:
    return Call(world, "voice", From=caller, To=LINE, Direction="inbound")


def wav(seconds: float) -> bytes:
    """As uneven as a voice."""
    import io

    import numpy as np
    import soundfile

    out, at = io.BytesIO(), np.arange(int(8000 * seconds)) / 8000
    soundfile.write(out, 0.3 * np.sin(2 * np.pi * 400 * at) * np.sin(2 * np.pi * 2 * at), 8000, format="WAV")
    return out.getvalue()


def fetched(world: World, content: bytes) -> Reply:
    """What the job does with what the provider gave, twice."""
    for _ in range(2):
        with world.runtime.sessions() as session:
            (one,) = session.scalars(select(Recording)).all()
            file = File("x.wav", "audio/x-wav", content)
            recordings.keep(session, world.runtime, one.id, file, recordings.weigh(file))
            commit(session, world.runtime.bells)
    (reply,) = world.replies()
    return reply


def awaited(world: World) -> list[tuple[str, str, str]]:
    with world.runtime.sessions() as session:
        return [(one.ref, one.purpose, one.state) for one in session.scalars(select(Recording))]


def test_an_alert_is_said_in_the_approved_words_with_the_menu_in_the_customers_language(world: World) -> None:
    call = outbound(world, world.alert()["cleo"]).take()
    assert "This is Example Bank" in call.said
    assert "Downgrade" in call.said
    assert "We cut LTMY to hold." in call.said
    assert "drücken Sie die 9" in call.said
    voices = {say.text or "": say.get("language", "") for say in call.document.iter("Say")}
    assert {tag[:2] for words, tag in voices.items() if "LTMY" in words or "This is" in words} == {"en"}
    assert {tag[:2] for words, tag in voices.items() if "drücken" in words} == {"de"}
    assert call.tags == ["Gather"]
    assert call.next.startswith(f"{PUBLIC_URL}/webhooks/twilio/voice?attempt=")
    assert world.replies() == []


def test_a_call_says_what_was_approved_whatever_settings_say_by_then(world: World) -> None:
    world.bank.runtime = world.runtime
    with world.runtime.sessions() as session:
        message_id = world.bank.released(session, lists=["top"]).id
    asyncio.run(sending.Pump(world.runtime, "voice").run())
    changed = world.runtime.settings.model_copy(update={"firm_name": "Another Bank"})
    object.__setattr__(world.runtime, "settings", changed)
    with world.runtime.sessions() as session:
        query = select(Delivery.id).where(Delivery.message_id == message_id, Delivery.channel == "voice")
        delivery_id = session.scalars(query).one()
    said = outbound(world, delivery_id).take().said
    assert "This is Example Bank, with an alert from Analyst. Downgrade. We cut LTMY to hold." in said


def test_who_cannot_be_told_what_it_says_can_still_answer(world: World) -> None:
    delivery_id = world.alert()["cleo"]
    with world.runtime.sessions() as session:
        rendition_of_another(session, session.get_one(Delivery, delivery_id).message_id, "voice")
    call = outbound(world, delivery_id).take()
    assert "LTMY" not in call.said
    assert "drücken Sie die 9" in call.said


def test_a_recording_is_played(light: World) -> None:
    call = outbound(light, light.alert(recording=True)["cleo"]).take()
    (play,) = call.document.iter("Play")
    number = light.runtime.read_token("media", re.fullmatch(rf"{PUBLIC_URL}/audio/(\w+)\.wav", play.text or "")[1])  # type: ignore[index]  # else it fails
    with light.runtime.sessions() as session:
        assert session.get_one(Media, number)
    assert "We cut LTMY" not in call.said


def test_a_machine_hears_it_and_nothing_is_kept_as_an_answer(light: World) -> None:
    call = outbound(light, light.alert()["cleo"]).take(AnsweredBy="machine_end_beep")
    assert call.tags[-1] == "Hangup"
    assert "Gather" not in call.tags
    assert light.replies() == []


@pytest.mark.parametrize(
    "case", ["unknown attempt", "no attempt", "old", "pending", "approved", "withdrawn", "cancelled"]
)
def test_nothing_unreleased_is_ever_spoken(light: World, case: str) -> None:
    ids = light.alert(state=case if case in ("pending", "approved", "withdrawn", "cancelled") else "released")
    if case == "cancelled":
        with light.runtime.sessions() as session:
            session.execute(update(Delivery).values(state="cancelled", accepted_at=None))
            session.commit()
    target = {"unknown attempt": "voice?attempt=" + "f" * 32, "no attempt": "voice"}.get(case)
    if case == "old":
        with light.runtime.sessions() as session:
            session.execute(update(Attempt).values(started_at=light.runtime.now() - timedelta(days=2)))
            session.commit()
    call = Call(light, target) if target else outbound(light, ids["cleo"])
    for place in ("", "&s=menu&p=1&m=0"):
        call.next = (target or f"voice?attempt={light.attempt_of(ids['cleo'])}") + (place if "?" in call.next else "")
        call.take(Digits="3" if place else "")
        assert "LTMY" not in call.said
        assert "Downgrade" not in call.said
        assert call.tags[-1] == "Hangup"


def test_an_alert_cancelled_after_it_was_accepted_can_still_be_answered(light: World) -> None:
    ids = light.alert(state="cancelled")
    call = outbound(light, ids["cleo"])
    call.take()
    assert "LTMY" in call.said
    call.take(Digits="2").take(RecordingSid=RECORDING, RecordingDuration="3")
    assert [one.message_id for one in light.replies()] == [ids["message"]]
    assert "LTMY" in inbound(light).take().said


def test_an_urgent_alert_says_so_to_whom_we_call_and_to_who_calls_us(light: World) -> None:
    ids = light.alert(urgency="urgent")
    assert "This is Example Bank, with an urgent alert from" in outbound(light, ids["cleo"]).take().said
    assert "URGENT: Downgrade" in inbound(light).take().said


def test_key_1_joins_the_representative(world: World) -> None:
    call = outbound(world, world.alert()["cleo"]).take().take(Digits="1")
    (dial,) = call.document.iter("Dial")
    (number,) = dial.iter("Number")
    assert (number.text, dial.get("callerId")) == (REP, LINE)
    whisper = Call(world, number.attrib["url"], Direction="outbound-dial", CallSid="CA" + "2" * 32, To=REP).take()
    assert "Cleo of Simon LLC is on the line. It is about the alert: Downgrade." in whisper.said
    assert whisper.tags == ["Gather"]
    assert "Dial" not in whisper.tags
    assert whisper.take(Digits="1").tags == ["Say"]
    letters = world.letters()
    assert {one.due_at - world.runtime.now() for one in letters if one.due_at} == {timedelta(seconds=50)}
    assert not any(ring[1] == "send_letter" for ring in world.bank.bells.rings)
    call.take(DialCallStatus="completed", CallStatus="completed")
    (reply,) = world.replies()
    assert (reply.kind, reply.channel, reply.sender) == ("call", "voice", CLEO)
    assert "put through" in reply.text
    for letter in world.letters():
        assert letter.due_at == world.runtime.now()
        assert "put through" in letter.text
        assert ("notices", "send_letter", (letter.id,)) in world.bank.bells.rings


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_key_1_and_nobody_there(light: World, status: str) -> None:
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1").take(DialCallStatus=status)
    assert call.tags[-1] == "Record"
    call.take(RecordingSid=RECORDING, RecordingDuration="7")
    asked, spoken = light.replies()
    assert (asked.kind, spoken.kind) == ("call", "other")
    assert "call back" in asked.text
    assert spoken.note == "was told that no order is accepted until you have confirmed it"


def colleague(world: World, *, language: str = "de", away: bool = False) -> None:
    """Rita's cover, whose telephone is COVER; `away`: Rita is."""
    with world.runtime.sessions() as session:
        rep, cover = (session.get_one(Staff, world.bank.ids[name]) for name in ("rep", "colleague"))
        cover.phone, cover.language, rep.cover_id = COVER, language, cover.id
        rep.away_until = world.runtime.now() + timedelta(days=1) if away else None
        session.commit()


def whispered(call: Call) -> Call:
    """The leg to whoever is rung."""
    (number,) = call.document.iter("Number")
    leg = Call(call.world, number.attrib["url"], Direction="outbound-dial", CallSid=f"CA{next(SIDS):032x}", From=LINE)
    return leg.take(To=number.text or "", ParentCallSid=call.fields.get("CallSid", "CA" + "1" * 32))


SIDS = itertools.count(100)


@pytest.mark.parametrize(
    ("rep", "cover", "words"),
    [
        ("1", "", "put through to your telephone"),
        ("2", "1", "your cover took the call"),
        ("2", "2", "neither you nor your cover took the call"),
        ("", "1", "your cover took the call"),
        ("", "", "neither you nor your cover took the call"),
    ],
)
def test_the_representative_declines_and_the_cover_is_rung(light: World, rep: str, cover: str, words: str) -> None:
    colleague(light)
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    for number, key in ((REP, rep), (COVER, cover)):
        assert [one.text for one in call.document.iter("Number")] == [number]
        leg = whispered(call)
        assert ("ist am Apparat" if number == COVER else "is on the line") in leg.said
        leg.take(Digits=key)
        if not key:
            leg.take(Digits="")
        assert (leg.tags[-1] != "Hangup") == (key == "1")
        call.take(DialCallStatus="completed", DialBridged="true" if key == "1" else "false")
        if key == "1":
            break
    assert call.tags[-1] == ("Hangup" if "1" in (rep, cover) else "Record")
    (reply,) = light.replies()
    assert words in reply.text
    assert reply.original == "Asked by key to speak to you at once."  # by which the record holds it
    for letter in light.letters():
        assert words in letter.text
        assert letter.due_at == light.runtime.now()


def test_who_declines_without_a_cover_reads_that(light: World) -> None:
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    whispered(call).take(Digits="2")
    assert call.take(DialCallStatus="no-answer").tags[-1] == "Record"
    assert "you declined. Please call back" in light.replies()[0].text


def test_who_is_away_is_not_rung(light: World) -> None:
    colleague(light, away=True)
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    assert [one.text for one in call.document.iter("Number")] == [COVER]
    assert "Colleague" in call.said
    call.take(DialCallStatus="completed")
    assert "your cover took the call" in light.replies()[0].text


def test_covers_who_cover_one_another_are_rung_once_each(light: World) -> None:
    colleague(light)
    with light.runtime.sessions() as session:
        session.get_one(Staff, light.bank.ids["colleague"]).cover_id = light.bank.ids["rep"]
        session.commit()
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    light.bank.time.pass_by(40)
    assert call.take(DialCallStatus="busy").tags[-1] == "Dial"
    # While the cover is rung, the representative is not told that somebody waits.
    assert {one.due_at for one in light.letters()} == {light.runtime.now() + timedelta(seconds=50)}
    assert call.take(DialCallStatus="busy").tags[-1] == "Record"


def test_a_customer_who_hangs_up_while_it_rings_is_told_of(light: World) -> None:
    colleague(light)
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    assert call.take(DialCallStatus="canceled", CallStatus="completed").tags == ["Hangup"]
    assert "did not come about. Please call back" in light.replies()[0].text
    assert all(letter.due_at == light.runtime.now() for letter in light.letters())


@pytest.mark.parametrize("number", ["+19005550199", "+881612345678", "+18005550100"])
def test_no_premium_number_nor_a_line_of_our_own_is_dialled(light: World, number: str) -> None:
    """A poisoned directory of staff costs nothing: they are called back."""
    with light.runtime.sessions() as session:
        session.get_one(Staff, light.bank.ids["rep"]).phone = number
        session.commit()
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="1")
    assert not list(call.document.iter("Dial"))
    assert "von Rep" in call.said or "Rep ist gebeten" in call.said


def test_key_2_is_a_spoken_answer_that_the_representative_can_hear(world: World) -> None:
    ids = world.alert()
    call = outbound(world, ids["cleo"]).take().take(Digits="2")
    (record,) = call.document.iter("Record")
    done = record.attrib["recordingStatusCallback"].partition("#")[0]
    call.take(RecordingSid=RECORDING, RecordingDuration="7", Digits="hangup")
    (reply,) = world.replies()
    assert (reply.kind, reply.text, reply.recording_id) == ("other", "Spoken answer, 0:07.", None)
    assert awaited(world) == [(RECORDING, "reply", "waiting")]
    assert all(one.due_at and one.due_at > world.runtime.now() for one in world.letters())

    news = {"RecordingSid": RECORDING, "RecordingStatus": "completed", "RecordingDuration": "7", "CallSid": "CA1"}
    assert world.twilio(done, news).status_code == 204
    world.work()
    assert ("events", "fetch_recording", (1,)) in world.bank.bells.rings
    reply = fetched(world, wav(7))
    assert awaited(world) == [(RECORDING, "reply", "kept")]
    with world.runtime.sessions() as session:
        assert session.get_one(Media, reply.recording_id).seconds == 7
    for letter in world.letters():
        assert letter.due_at == world.runtime.now()
        assert "Spoken answer, 0:07." in letter.text
    assert f"Listen: {PUBLIC_URL}/inbox/{reply.conversation_id}" in world.letters()[0].text


def test_of_several_tries_in_a_call_the_one_with_words_is_the_answer(world: World) -> None:
    def tried(call: Call, n: int, content: bytes) -> None:
        call.take(RecordingSid=f"RE{n:032d}", RecordingDuration="3")
        with world.runtime.sessions() as session:
            one = session.scalars(select(Recording).order_by(Recording.id.desc())).all()[0]
            file = File("x.wav", "audio/x-wav", content)
            recordings.keep(session, world.runtime, one.id, file, recordings.weigh(file))
            commit(session, world.runtime.bells)
        call.take()  # looks at what came

    def told() -> list[str]:
        return [one.text.partition("Spoken answer")[2][:6] for one in world.letters() if one.state == "queued"]

    def state() -> str:
        with world.runtime.sessions() as session:
            return session.scalars(select(Conversation)).one().state

    silence, ids = wav(3.0)[:44] + bytes(48000), world.alert()
    call = outbound(world, ids["cleo"]).take().take(Digits="2")
    tried(call, 1, silence)
    assert ([one.kind for one in world.replies()], told(), state()) == (["automatic"], [], "closed")
    tried(call, 2, silence)
    tried(call, 3, wav(7))
    assert [one.kind for one in world.replies()] == ["automatic", "automatic", "other"]
    assert (set(told()), state()) == ({", 0:07"}, "open")
    call = outbound(world, ids["cleo"], CallSid="CA" + "2" * 32).take().take(Digits="2")
    tried(call, 4, silence)
    assert (set(told()), state()) == ({", 0:07"}, "open")  # what was said before still waits


def test_sound_that_is_none_is_kept_and_said(light: World) -> None:
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="2")
    call.take(RecordingSid=RECORDING, RecordingDuration="7")
    reply = fetched(light, b"no sound")
    assert "not a recording that can be read" in reply.note
    with light.runtime.sessions() as session:
        assert session.get_one(Media, reply.recording_id).size == 8


def test_news_of_a_recording_before_the_calls_own_step(world: World) -> None:
    """The two overtake each other; either makes the answer, once."""
    call = outbound(world, world.alert()["cleo"]).take().take(Digits="2")
    (record,) = call.document.iter("Record")
    news = {"RecordingSid": RECORDING, "RecordingStatus": "completed", "RecordingDuration": "7", "CallSid": "CA1"}
    world.twilio(record.attrib["recordingStatusCallback"].partition("#")[0], news)
    world.work()
    call.take(RecordingSid=RECORDING, RecordingDuration="7")
    assert [one.kind for one in world.replies()] == ["other"]
    assert awaited(world) == [(RECORDING, "reply", "waiting")]
    assert len(world.letters()) == 2


def test_an_empty_recording(light: World) -> None:
    call = outbound(light, light.alert()["cleo"]).take().take(Digits="2")
    (record,) = call.document.iter("Record")
    call.take(RecordingSid=RECORDING, RecordingDuration="0")
    news = {"RecordingSid": RECORDING, "RecordingStatus": "absent", "RecordingDuration": "0", "CallSid": "CA1"}
    light.twilio(record.attrib["recordingStatusCallback"].partition("#")[0], news)
    light.work()
    assert call.tags[-1] == "Record"
    assert "nichts gehört" in call.said
    assert light.replies() == []
    assert awaited(light) == [(RECORDING, "reply", "empty")]


def test_key_9_ends_calls_at_once_and_is_not_forwarded(world: World) -> None:
    call = outbound(world, world.alert()["cleo"]).take().take(Digits="9")
    assert "rufen diese Nummer nicht mehr an" in call.said
    assert call.tags[-1] == "Hangup"
    with world.runtime.sessions() as session:
        order = suppressions.in_force(session, "voice", CLEO)
        assert order is not None
        assert (order.reason, order.source) == ("opt-out", "key 9")
    assert [one.kind for one in world.replies()] == ["opt-out"]
    assert world.letters() == []


def test_an_old_copy_of_key_9_undoes_nothing(light: World) -> None:
    ids = light.alert()
    call = outbound(light, ids["cleo"]).take()
    address = call.next
    call.take(Digits="9")
    with light.runtime.sessions() as session:
        suppressions.lift(session, light.runtime, "voice", CLEO, "customer cleo")
        session.commit()
    copy = Call(light, address).take(Digits="9")
    assert "nicht mehr an" in copy.said
    Call(light, address).take(Digits="9", NewField="x")
    with light.runtime.sessions() as session:
        assert suppressions.in_force(session, "voice", CLEO) is None


def test_copies_of_every_step_say_the_same_and_count_once(world: World) -> None:
    ids = world.alert()
    steps: list[dict[str, str]] = [
        {},
        {"Digits": "1"},
        {"DialCallStatus": "busy"},
        {"RecordingSid": RECORDING, "RecordingDuration": "4"},
    ]
    call = outbound(world, ids["cleo"])
    for fields in steps:
        address = call.next
        first = ElementTree.tostring(call.take(**fields).document)
        for _ in range(2):
            again = Call(world, address).take(**fields)
            assert ElementTree.tostring(again.document) == first
    assert [one.kind for one in world.replies()] == ["call", "other"]
    with world.runtime.sessions() as session:
        kept = session.scalars(select(Callback)).all()
        assert len(kept) == len(steps)
        assert {one.state for one in kept} == {"applied"}
    assert len(world.letters()) == 4


def test_steps_in_any_order_end_alike(light: World) -> None:
    ids = light.alert()
    attempt = light.attempt_of(ids["cleo"])
    posts = [
        ("menu", {"Digits": "1"}),
        ("dialled", {"DialCallStatus": "no-answer"}),
        ("recorded", {"RecordingSid": RECORDING, "RecordingDuration": "7"}),
    ]
    ends = set()
    for number, order in enumerate(itertools.permutations(posts)):
        sid, ref = f"CA{number:032x}", f"RE{number:032x}"
        for state, fields in order:
            form = {**fields, "RecordingSid": ref} if "RecordingSid" in fields else fields
            light.voice(f"voice?attempt={attempt}&s={state}&p=1&m=0", CallSid=sid, **form)
        with light.runtime.sessions() as session:
            made = [one for one in light.replies() if sid in one.dedupe or ref in one.dedupe]
            ends.add(frozenset((one.kind, one.text) for one in made))
            assert len({one.conversation_id for one in made}) == 1
            assert session.get_one(Conversation, made[0].conversation_id).state == "open"
    assert len(ends) == 1


def test_a_known_caller_hears_the_last_alert_and_the_menu(world: World) -> None:
    world.alert(days_ago=3)
    ids = world.alert(days_ago=1)
    call = inbound(world).take()
    assert "Willkommen bei Example Bank" in call.said
    assert "We cut LTMY to hold." in call.said
    assert CLEO[1:] not in call.next
    call.take(Digits="2").take(RecordingSid=RECORDING, RecordingDuration="3")
    (reply,) = world.replies()
    assert (reply.message_id, reply.customer_id, reply.sender) == (ids["message"], world.bank.ids["cleo"], CLEO)


def test_a_caller_who_got_it_by_text_message_hears_it_too(light: World) -> None:
    light.alert()
    assert "LTMY" in inbound(light, "+12025550101").take().said


@pytest.mark.parametrize("case", ["never", "long ago", "unreleased"])
def test_a_known_caller_without_a_recent_alert(light: World, case: str) -> None:
    if case != "never":
        light.alert(days_ago=31 if case == "long ago" else 0, state="approved" if case == "unreleased" else "released")
    call = inbound(light).take()
    assert "keine aktuelle Nachricht" in call.said
    assert "LTMY" not in call.said
    call.take(Digits="1").take(DialCallStatus="completed")
    (reply,) = light.replies()
    assert (reply.kind, reply.message_id) == ("call", None)


# --- callers whom nobody knows ----------------------------------------------------------------------------


def with_desk(world: World) -> None:
    world.runtime = dataclasses.replace(
        world.runtime, settings=world.runtime.settings.model_copy(update={"desk_phone": DESK})
    )
    app = Flask("webhooks-desk")
    webhooks.register(app, world.runtime)
    world.client = app.test_client()


@pytest.mark.parametrize("caller", [STRANGE, "anonymous", "+266696687", ""])
def test_an_unknown_caller_is_joined_to_the_desk(light: World, caller: str) -> None:
    light.alert()
    with_desk(light)
    call = inbound(light, caller).take()
    assert "key the code" in call.said
    assert "LTMY" not in call.said
    call.take(Digits="")
    assert [one.text for one in call.document.iter("Number")] == [DESK]
    leg = whispered(call)
    assert "Somebody we do not know is on the line" in leg.said
    assert leg.take(Digits="1").tags == ["Say"]
    assert call.take(DialCallStatus="completed").tags[-1] == "Hangup"
    assert light.replies() == []


@pytest.mark.parametrize(("caller", "sender"), [(STRANGE, STRANGE), ("anonymous", "withheld")])
@pytest.mark.parametrize("news_first", [False, True])
@pytest.mark.parametrize("desk", [False, True])
def test_what_they_leave_waits_in_the_unmatched_queue(
    light: World, caller: str, sender: str, news_first: bool, desk: bool
) -> None:
    if desk:
        with_desk(light)
    call = inbound(light, caller).take().take(Digits="0")
    if desk:
        call.take(DialCallStatus="no-answer")
    (record,) = call.document.iter("Record")
    news = {"RecordingSid": RECORDING, "RecordingStatus": "completed", "RecordingDuration": "7", "CallSid": "CA1"}
    for step in ("news", "call") if news_first else ("call", "news"):
        if step == "news":
            light.twilio(record.attrib["recordingStatusCallback"].partition("#")[0], news)
            light.work()
        else:
            call.take(RecordingSid=RECORDING, RecordingDuration="7")
    (reply,) = light.replies()
    assert (reply.state, reply.customer_id, reply.sender, reply.kind) == ("unmatched", None, sender, "other")
    assert {one.address for one in light.letters()} == {"admin@bank.example"}


def code_of(world: World, delivery_id: int) -> str:
    return codes.make(world.runtime, delivery_id)


@pytest.mark.parametrize("name", ["cleo", "bob"])
def test_the_code_of_an_alert_makes_them_known_on_any_telephone(world: World, name: str) -> None:
    ids = world.alert()
    call = inbound(world, STRANGE).take().take(Digits=code_of(world, ids[name]), FinishedOnKey="#")
    assert "We cut LTMY to hold." in call.said
    assert "9" not in call.said
    assert code_of(world, ids[name]) not in call.next
    call.take(Digits="2").take(RecordingSid=RECORDING, RecordingDuration="3")
    (reply,) = world.replies()
    assert (reply.message_id, reply.customer_id, reply.sender) == (ids["message"], world.bank.ids[name], STRANGE)
    assert reply.note.startswith("called from another telephone with the code; was told")


def test_the_representative_hears_that_it_is_another_telephone(light: World) -> None:
    call = inbound(light, STRANGE).take().take(Digits=code_of(light, light.alert()["ana"])).take(Digits="1")
    assert "They call from another telephone and keyed the code of their alert." in whispered(call).said
    assert call.take(DialCallStatus="completed").tags[-1] == "Hangup"
    (reply,) = light.replies()
    assert (reply.sender, reply.note) == (STRANGE, "called from another telephone with the code")


def test_who_keys_a_code_takes_no_telephone_off_our_calls(light: World) -> None:
    call = inbound(light, STRANGE).take().take(Digits=code_of(light, light.alert()["cleo"])).take(Digits="9")
    assert call.tags == ["Gather"]
    with light.runtime.sessions() as session:
        assert suppressions.in_force(session, "voice", STRANGE) is None
        assert suppressions.in_force(session, "voice", CLEO) is None


@pytest.mark.parametrize("case", ["wrong", "old", "unreleased", "cancelled", "gone"])
def test_codes_that_are_none(light: World, case: str) -> None:
    ids = light.alert(days_ago=31 if case == "old" else 0, state="approved" if case == "unreleased" else "released")
    code = code_of(light, ids["cleo"])
    with light.runtime.sessions() as session:
        if case == "cancelled":
            session.get_one(Message, ids["message"]).state = "cancelled"
            session.execute(update(Delivery).values(state="cancelled", accepted_at=None))
        session.get_one(Customer, light.bank.ids["cleo"]).active = case != "gone"
        session.commit()
    code = code[:-1] + ("1" if code[-1] == "0" else "0") if case == "wrong" else code
    call = inbound(light, STRANGE).take()
    for _ in range(2):
        assert "do not know this code" in call.take(Digits=code).said
    assert call.take(Digits=code).tags[-1] == "Record"
    assert "LTMY" not in call.said


def test_more_detail_of_a_recording(light: World) -> None:
    light.alert(recording=True)
    call = inbound(light).take()
    assert "We cut LTMY" not in call.said
    assert len(list(call.document.iter("Play"))) == 1
    call.take(Digits="4")
    assert "We cut LTMY to hold." in call.said
    assert "Verfasst von Analyst, verschickt am 20. November um 9:30 Uhr." in call.said


def test_a_call_with_nobody_to_connect_goes_to_the_administrators(light: World) -> None:
    ids = light.alert()
    with light.runtime.sessions() as session:
        session.get_one(Staff, light.bank.ids["rep"]).active = False
        session.commit()
    call = outbound(light, ids["cleo"]).take()
    assert "von Example Bank angerufen zu werden" in call.said
    call.take(Digits="1")
    assert not list(call.document.iter("Dial"))
    assert {one.address for one in light.letters()} == {"admin@bank.example"}


def test_the_message_is_not_changed_by_a_call(light: World) -> None:
    ids = light.alert()
    outbound(light, ids["cleo"]).take().take(Digits="2").take(RecordingSid=RECORDING, RecordingDuration="4")
    with light.runtime.sessions() as session:
        assert session.get_one(Message, ids["message"]).state == "released"
        assert session.scalars(select(Letter.state).distinct()).all() == ["queued"]
