"""The telephone's bad days: hang-ups at any point, copies, lost answers, late recordings, errors; whispers with keys;
a call's own clock; speaking bit by bit."""

import base64
import io
import time

import numpy as np
import pytest
import requests
import soundfile

WHISPER = (
    b'<Response><Gather numDigits="1" finishOnKey="" timeout="2" actionOnEmptyResult="true" action="/w/key">'
    b"<Say>Ms Ruiz is on the line. Press 1 to take the call, 2 to decline.</Say></Gather></Response>"
)


def wav(seconds: float, height: int = 3000) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.full(int(8000 * seconds), height, dtype=np.int16), 8000, format="WAV")
    return out.getvalue()


@pytest.fixture
def place(carrier, product, wait):
    """Makes a call whose document is given and waits for its end; the call as the control API shows it."""

    def run(to, twiml, **more):
        path = f"/answer/{to[1:]}"
        product.answers[path] = twiml if callable(twiml) else twiml.encode()
        call = carrier.twilio().calls.create(to=to, from_=carrier.voice_from, url=product.url + path, **more)
        return ended(carrier, wait, call.sid)

    return run


@pytest.fixture
def ring(carrier, product, wait):
    """Somebody rings the bank's customers' line with a document; the call when it is over."""

    def run(person, twiml, **more):
        product.answers["/webhooks/twilio/voice"] = twiml if callable(twiml) else twiml.encode()
        call = carrier.api("POST", "/calls", {"from": person, **more})
        return ended(carrier, wait, call["sid"])

    yield run
    product.answers.pop("/webhooks/twilio/voice", None)


def ended(carrier, wait, sid):
    return wait(lambda: (call := carrier.get(f"/carrier/api/calls/{sid}")) and not call["live"] and call)


def said(call):
    return [line["text"] for line in call["transcript"] if line["what"] == "said"]


def keyed(post):
    """The whisper's answer to a key: nothing joins the two, a Hangup declines."""
    return b"<Response/>" if post.form["Digits"] == "1" else b"<Response><Hangup/></Response>"


@pytest.mark.parametrize(
    ("script", "status", "bridged"),
    [
        ([{"press": "1"}], "completed", "true"),
        ([{"press": "2"}], "completed", "false"),
        ([{"hangup": True}], "completed", "false"),
        ([{"wait": 9}], "completed", "false"),
    ],
    ids=["takes it", "declines", "hangs up", "says nothing"],
)
def test_a_whisper_with_keys_joins_or_declines(carrier, product, number, place, script, status, bridged):
    to, rep = number(), number()
    carrier.behave("voice", rep, "human", script=script)
    product.answers["/w"], product.answers["/w/key"] = WHISPER, keyed
    product.answers["/w/done"] = b"<Response><Say>Goodbye</Say></Response>"
    call = place(to, f'<Response><Dial action="/w/done" timeout="9"><Number url="/w">{rep}</Number></Dial></Response>')
    [done] = product.wait("/w/done", CallSid=call["sid"])
    assert (done.form["DialCallStatus"], done.form["DialBridged"]) == (status, bridged)
    assert ("DialCallDuration" in done.form) is (bridged == "true")
    assert said(call)[-1] == "Goodbye"
    [leg] = call["legs"]
    assert (leg["to"], leg["live"]) == (rep, False)
    whispered = carrier.get(f"/carrier/api/calls/{leg['sid']}")
    assert said(whispered) == ["Ms Ruiz is on the line. Press 1 to take the call, 2 to decline."]


def test_a_caller_who_goes_while_it_rings_cancels_the_other_call(carrier, product, number, ring):
    rep = number()
    carrier.behave("voice", rep, "no-answer")
    product.answers["/gone"] = b"<Response/>"
    call = ring(number(), f'<Response><Dial action="/gone">{rep}</Dial></Response>', hang_up_after=3)
    [post] = product.wait("/gone", CallSid=call["sid"])
    assert (post.form["DialCallStatus"], post.form["DialBridged"]) == ("canceled", "false")
    assert call["legs"][0]["status"] == "canceled"


def test_the_end_of_a_call_in_is_told_to_the_numbers_own_webhook(carrier, product, number, ring):
    person = number()
    call = ring(person, "<Response><Say>Hello</Say></Response>", script=[])
    [post] = product.wait("/webhooks/twilio/call-status", CallSid=call["sid"])
    assert carrier.signed(f"{product.url}/webhooks/twilio/call-status", post)
    assert (post.form["Direction"], post.form["CallStatus"], post.form["From"]) == ("inbound", "completed", person)
    assert int(post.form["CallDuration"]) == call["duration"]


@pytest.mark.parametrize("seconds", [0.2, 2, 120])
def test_a_caller_can_hang_up_at_any_point(carrier, product, number, ring, seconds):
    product.answers["/rec"] = b"<Response><Say>Never heard</Say></Response>"
    words = "Please speak after the tone, as long as you like." * (1 if seconds == 120 else 80)
    document = f'<Response><Say>{words}</Say><Record action="/rec" maxLength="600"/></Response>'
    call = ring(number(), document, script=[{"speak_seconds": 600}], hang_up_after=seconds)
    assert call["status"] == "completed"
    assert seconds <= call["seconds"] < 600
    assert "Never heard" not in said(call)
    if seconds == 120:
        [post] = product.wait("/rec", CallSid=call["sid"])
        assert post.form["Digits"] == "hangup"
        assert 1 <= int(post.form["RecordingDuration"]) < call["seconds"]
    else:
        assert product.to("/rec", CallSid=call["sid"]) == []


def test_everybody_hangs_up_somewhere(carrier, number, ring):
    carrier.api("POST", "/faults", {"hang_up_within_s": 5, "seed": 7})
    document = '<Response><Pause length="600"/></Response>'
    calls = [ring(number(), document) for _ in range(4)]
    assert len({call["seconds"] for call in calls}) > 1
    assert all(call["seconds"] < 600 for call in calls)


def test_live_requests_are_copied_at_once_and_after_the_next(carrier, product, number, ring, wait):
    carrier.api("POST", "/faults", {"voice_copies": 1, "voice_late_copies": True})
    product.answers["/second"] = b"<Response><Say>Thanks</Say></Response>"
    document = '<Response><Gather numDigits="1" action="/second"><Say>Press a key</Say></Gather></Response>'
    call = ring(number(), document, script=[{"press": "5"}])
    assert said(call) == ["Press a key", "Thanks"]
    first = wait(lambda: (got := product.to("/webhooks/twilio/voice", CallSid=call["sid"])) and len(got) >= 3 and got)
    second = product.to("/second", CallSid=call["sid"])
    assert (len(first), len(second)) == (3, 2)
    assert len({post.body for post in first}) == len({post.body for post in second}) == 1
    assert len({post.headers["X-Twilio-Signature"] for post in first}) == 1
    assert max(post.at for post in first) > min(post.at for post in second), "the late copy came before the next"


def test_a_lost_answer_ends_the_call_with_the_vendors_apology(carrier, product, number, ring):
    carrier.api("POST", "/faults", {"voice_lost_share": 1})
    call = ring(number(), "<Response><Say>Hello</Say></Response>")
    assert said(call) == ["We are sorry, an application error has occurred. Goodbye."]
    assert call["error"].startswith("11205")
    assert len(product.to("/webhooks/twilio/voice", CallSid=call["sid"])) == 1


def test_an_error_in_the_middle_goes_to_the_fallback_once(carrier, product, number, place):
    to = number()
    product.answers["/middle"] = (500, "text/plain", b"")
    product.answers["/rescue"] = b"<Response><Say>One moment</Say><Redirect>/middle</Redirect></Response>"
    call = place(
        to, "<Response><Say>Hello</Say><Redirect>/middle</Redirect></Response>", fallback_url=f"{product.url}/rescue"
    )
    assert said(call) == ["Hello", "One moment", "We are sorry, an application error has occurred. Goodbye."]
    [post] = product.wait("/rescue", CallSid=call["sid"])
    assert (post.form["ErrorCode"], post.form["ErrorUrl"]) == ("11200", f"{product.url}/middle")
    assert [(one["path"], one["status"]) for one in call["requests"]][1:] == [
        ("/middle", 500), ("/rescue", 200), ("/middle", 500),
    ]  # fmt: skip


RECORD = (
    '<Response><Record action="/kept" timeout="2" recordingStatusCallback="/rec-status"'
    ' recordingStatusCallbackEvent="completed absent"/></Response>'
)


@pytest.mark.parametrize(
    ("faults", "script", "status", "http"),
    [
        ({}, [{"speak_seconds": 2}], "completed", 200),
        ({"recording_ready_s": 20}, [{"speak_seconds": 2}], "completed", 200),
        ({"recording_absent_share": 1}, [{"speak_seconds": 2}], "absent", 404),
        ({"recording_failed_share": 1}, [{"speak_seconds": 2}], "failed", 404),
        ({}, [{"hangup": True}], "absent", 404),
    ],
    ids=["ready", "slow", "absent", "failed", "nothing said"],
)
def test_recordings_good_and_bad(carrier, product, number, place, faults, script, status, http):
    product.answers["/kept"] = b"<Response/>"
    carrier.api("POST", "/faults", faults or {"seed": 1})
    to = number()
    carrier.behave("voice", to, "human", script=script)
    call = place(to, RECORD)
    [post] = product.wait("/rec-status", CallSid=call["sid"])
    assert post.form["RecordingStatus"] == status
    assert (int(post.form["RecordingDuration"]) > 0) is (status == "completed")
    [kept] = product.to("/kept", CallSid=call["sid"])
    if faults.get("recording_ready_s"):
        assert post.at > kept.at
    got = requests.get(post.form["RecordingUrl"] + ".wav", auth=(carrier.sid, carrier.token), timeout=60)
    assert got.status_code == http


def test_a_recording_may_be_told_before_it_can_be_fetched(carrier, product, number, place, wait):
    carrier.api("POST", "/faults", {"recording_media_lag_s": 60})
    product.answers["/kept"] = b"<Response/>"
    to = number()
    carrier.behave("voice", to, "human", script=[{"speak_seconds": 2}])
    call = place(to, RECORD)
    [post] = product.wait("/rec-status", CallSid=call["sid"])

    def fetched():
        return requests.get(post.form["RecordingUrl"], auth=(carrier.sid, carrier.token), timeout=60).status_code

    assert fetched() == 404
    wait(lambda: fetched() == 200)


def test_callbacks_can_be_lost(carrier, product, number, place):
    carrier.api("POST", "/faults", {"callbacks_lost_share": 1})
    to = number()
    place(to, "<Response/>", status_callback=f"{product.url}/lost/{to[1:]}")
    time.sleep(0.3)
    assert product.to(f"/lost/{to[1:]}") == []


def test_a_call_has_its_own_clock(carrier, product, number, ring):
    """What the line does is scaled; what the product takes to answer is not."""

    def slowly(post):
        time.sleep(2)
        return b"<Response><Say>Thanks</Say></Response>"

    product.answers["/slow"] = slowly
    document = (
        '<Response><Pause length="10"/><Gather numDigits="1" action="/slow"><Say>Press a key</Say></Gather></Response>'
    )
    call = ring(number(), document, script=[{"wait": 4}, {"press": "5"}])
    at = {line["text"]: line["after"] for line in call["transcript"] if line["what"] == "said"}
    assert at["Press a key"] >= 10
    assert 6 < at["Thanks"] - at["Press a key"] < 35, "the two seconds were taken for forty"
    first, second = call["requests"]
    assert (first["after"], first["path"], first["digits"]) == (None, "/webhooks/twilio/voice", None)
    assert second["digits"] == "5"
    assert second["ms"] >= 2000
    assert call["seconds"] >= at["Thanks"]
    assert call["rang_for"] >= 0


def test_a_microphone_is_heard_bit_by_bit_until_it_is_quiet(carrier, product, number, wait):
    product.answers["/webhooks/twilio/voice"] = (
        b"<Response><Say>" + b"Speak after the tone. " * 40 + b'</Say><Record action="/mic" timeout="3"/></Response>'
    )
    product.answers["/mic"] = b"<Response><Say>Thanks</Say></Response>"
    call = carrier.api("POST", "/calls", {"from": number()})
    path = f"/carrier/api/calls/{call['sid']}"

    def listens():
        return (carrier.get(path)["now"] or {}).get("for") == "speech"

    def speak(content):
        files = {"audio": ("bit.wav", content, "audio/wav")}
        answer = requests.post(f"{carrier.url}{path}/speak?live=1", files=files, timeout=60)
        assert answer.status_code == 200, answer.text

    speak(wav(2))
    assert not listens(), "the tone came before anything was said"
    wait(listens)
    for _ in range(4):
        speak(wav(1))
    for _ in range(3):
        speak(wav(1, 20))
    [post] = product.wait("/mic", CallSid=call["sid"])
    assert post.form["RecordingDuration"] == "7", "what was said before the tone counted, or quiet was taken for speech"
    del product.answers["/webhooks/twilio/voice"]


def test_a_watched_telephone_rings_until_it_is_picked_up(carrier, product, number, wait):
    to = number()
    product.answers[f"/answer/{to[1:]}"] = b"<Response><Say>Hello</Say></Response>"
    carrier.api("POST", "/watch", {"numbers": [to]})
    call = carrier.twilio().calls.create(to=to, from_=carrier.voice_from, url=f"{product.url}/answer/{to[1:]}")
    path = f"/carrier/api/calls/{call.sid}"
    wait(lambda: carrier.get(path)["status"] == "ringing")
    time.sleep(0.4)
    assert carrier.get(path)["status"] == "ringing", "unwatched it would have been answered by now"
    carrier.api("POST", f"/calls/{call.sid}/answer")
    assert said(ended(carrier, wait, call.sid)) == ["Hello"]


def test_a_script_speaks_a_file(carrier, product, number, ring):
    product.answers["/kept"] = b"<Response/>"
    call = ring(number(), RECORD, script=[{"speak_wav_base64": base64.b64encode(wav(3)).decode()}])
    [line] = [one for one in call["transcript"] if one["what"] == "recorded"]
    assert line["seconds"] == 3
