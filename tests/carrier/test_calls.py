"""Calls: what is said, pressed, recorded and put through, and what the product is told about it."""

import base64
import io
import json
from urllib.parse import urlencode

import numpy as np
import pytest
import requests
import soundfile
from twilio.base.exceptions import TwilioRestException

PATH = "/2010-04-01/Accounts/{AccountSid}"
ALL = ["initiated", "ringing", "answered", "completed"]


def wav(seconds: float) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.zeros(int(8000 * seconds), dtype=np.int16) + 100, 8000, format="WAV")
    return out.getvalue()


@pytest.fixture
def place(carrier, product, wait):
    """Makes a call whose document is given, waits for its end, returns its ledger entry."""

    def run(to: str, twiml: bytes | str, ended: bool = True, **more):
        path = f"/answer/{to[1:]}"
        product.answers[path] = twiml if isinstance(twiml, bytes) else twiml.encode()
        more.setdefault("status_callback", f"{product.url}/call-status/{to[1:]}")
        more.setdefault("status_callback_event", ALL)
        call = carrier.twilio().calls.create(to=to, from_=carrier.voice_from, url=product.url + path, **more)
        if ended:
            wait(lambda: not carrier.get(f"/carrier/api/calls/{call.sid}")["live"])
        return carrier.get(f"/carrier/api/calls/{call.sid}")

    return run


def heard(entry):
    return [
        (line["what"], line.get("text") or line.get("digits") or line.get("seconds")) for line in entry["transcript"]
    ]


def test_a_person_hears_the_alert_presses_and_leaves_a_word(carrier, product, number, place, conforms):
    to = number()
    product.files["/alert.wav"] = ("audio/wav", wav(2))
    product.answers["/menu"] = (
        b'<Response><Say language="de-DE">Sprechen</Say><Record maxLength="30" finishOnKey="#" action="/left"'
        b' recordingStatusCallback="/recording"/></Response>'
    )
    product.answers["/left"] = b"<Response><Say>Thanks</Say><Hangup/></Response>"
    carrier.behave("voice", to, "human", script=[{"press": "2"}, {"speak_seconds": 4}, {"press": "#"}])
    entry = place(
        to,
        '<Response><Gather numDigits="1" action="/menu">'
        "<Play>/alert.wav</Play><Say>Press two.</Say></Gather></Response>",
    )
    assert heard(entry) == [
        ("played", 2.0),
        ("said", "Press two."),
        ("keys", "2"),
        ("said", "Sprechen"),
        ("recorded", 4),
        ("said", "Thanks"),
        ("note", "Hangup"),
    ]
    assert entry["reached"]
    [menu] = product.wait("/menu", CallSid=entry["sid"])
    assert menu.form["Digits"] == "2"
    assert carrier.signed(f"{product.url}/menu", menu)
    [left] = product.wait("/left", CallSid=entry["sid"])
    assert (left.form["RecordingDuration"], left.form["Digits"]) == ("4", "#")
    [ready] = product.wait("/recording", CallSid=entry["sid"])
    assert ready.form["RecordingStatus"] == "completed"
    assert "From" not in ready.form
    sound = carrier.call("GET", ready.form["RecordingUrl"].removeprefix(carrier.url) + ".wav")
    assert sound[0] == 401
    client = carrier.twilio()
    got = client.request("GET", ready.form["RecordingUrl"] + ".json")
    conforms("twilio_api_v2010", PATH + "/Recordings/{Sid}.json", "get", 200, json.loads(got.text))
    for kind, mime in (("wav", "audio/x-wav"), ("mp3", "audio/mpeg")):
        answer = requests.get(f"{ready.form['RecordingUrl']}.{kind}", auth=(carrier.sid, carrier.token), timeout=60)
        assert answer.headers["Content-Type"] == mime
        assert soundfile.info(io.BytesIO(answer.content)).duration == pytest.approx(4, abs=0.2)
    assert client.recordings(ready.form["RecordingSid"]).delete()
    with pytest.raises(TwilioRestException):
        client.recordings(ready.form["RecordingSid"]).fetch()


def test_status_callbacks_come_in_order_with_their_fields(carrier, product, number, place):
    to = number()
    entry = place(to, "<Response><Say>Hello</Say></Response>")
    path = f"/call-status/{to[1:]}"
    posts = sorted(product.wait(path, 4), key=lambda post: int(post.form["SequenceNumber"]))
    assert [p.form["CallStatus"] for p in posts] == ["initiated", "ringing", "in-progress", "completed"]
    assert all(carrier.signed(product.url + path, p) for p in posts)
    assert all(p.form["CallbackSource"] == "call-progress-events" for p in posts)
    assert int(posts[-1].form["CallDuration"]) == entry["duration"]
    assert {"Timestamp", "Direction", "Caller", "Called"} <= set(posts[-1].form)


@pytest.mark.parametrize("mode", ["busy", "no-answer", "failed"])
def test_calls_that_reach_nobody(carrier, product, number, place, mode):
    to = number()
    carrier.behave("voice", to, mode)
    entry = place(to, "<Response/>", timeout=5, status_callback_event=["completed"])
    assert (entry["status"], entry["reached"], entry["transcript"]) == (mode, False, [])
    [post] = product.wait(f"/call-status/{to[1:]}")
    assert (post.form["CallStatus"], post.form["CallDuration"]) == (mode, "0")
    assert product.to(f"/answer/{to[1:]}") == []


@pytest.mark.parametrize(
    ("mode", "detection", "found"),
    [
        ("machine", "Enable", "machine_start"),
        ("machine", "DetectMessageEnd", "machine_end_beep"),
        ("human", "Enable", "human"),
        ("fax", "Enable", "fax"),
    ],
)
def test_answering_machine_detection(carrier, product, number, place, mode, detection, found):
    to = number()
    carrier.behave("voice", to, mode)
    entry = place(to, "<Response><Say>A word</Say></Response>", machine_detection=detection)
    [asked] = product.to(f"/answer/{to[1:]}")
    assert asked.form["AnsweredBy"] == found
    assert entry["reached"] is (mode == "human")
    [last] = product.wait(f"/call-status/{to[1:]}", CallStatus="completed")
    assert last.form["AnsweredBy"] == found


def test_a_person_without_a_script_waits_out_one_gather(carrier, product, number, place):
    to = number()
    again = f"/answer/{to[1:]}"
    entry = place(to, f'<Response><Gather timeout="2"><Say>Press</Say></Gather><Redirect>{again}</Redirect></Response>')
    assert entry["status"] == "completed"
    assert len(product.to(again)) == 2


def test_gather_ends_by_key_number_and_silence(carrier, product, number, place):
    to = number()
    product.answers["/pin"] = lambda post: (
        b'<Response><Gather actionOnEmptyResult="true" timeout="1" action="/empty"/></Response>'
    )
    product.answers["/empty"] = b"<Response><Hangup/></Response>"
    carrier.behave("voice", to, "human", script=[{"press": "123456#"}, {"wait": 0.1}])
    entry = place(to, '<Response><Gather finishOnKey="#" action="/pin"/></Response>')
    [pin] = product.to("/pin", CallSid=entry["sid"])
    assert (pin.form["Digits"], pin.form["FinishedOnKey"]) == ("123456", "#")
    [empty] = product.to("/empty", CallSid=entry["sid"])
    assert empty.form["Digits"] == ""


def test_a_key_interrupts_the_prompt(carrier, product, number, place, wait):
    to = number()
    carrier.behave("voice", to, "manual")
    product.answers["/cut"] = b"<Response/>"
    entry = place(
        to, f'<Response><Gather action="/cut"><Say>{"long " * 600}</Say></Gather></Response>', ended=False, timeout=600
    )
    path = f"/calls/{entry['sid']}"
    wait(lambda: carrier.get("/carrier/api" + path)["status"] == "ringing")
    carrier.api("POST", path + "/answer")
    wait(lambda: (carrier.get("/carrier/api" + path)["now"] or {}).get("what") == "said")
    carrier.api("POST", path + "/keys", {"digits": "7#"})
    wait(lambda: not carrier.get("/carrier/api" + path)["live"])
    line = carrier.get("/carrier/api" + path)["transcript"][0]
    assert line["complete"] is False
    assert product.to("/cut", CallSid=entry["sid"])[0].form["Digits"] == "7"


def test_hanging_up_while_recording_is_still_a_submission(carrier, product, number, place):
    to = number()
    product.answers["/kept"] = b"<Response/>"
    carrier.behave("voice", to, "human", script=[{"speak_seconds": 2}, {"hangup": True}])
    entry = place(to, '<Response><Record action="/kept"/><Say>never</Say></Response>')
    [kept] = product.wait("/kept", CallSid=entry["sid"])
    assert (kept.form["Digits"], kept.form["CallStatus"], kept.form["RecordingDuration"]) == (
        "hangup",
        "completed",
        "2",
    )
    assert ("said", "never") not in heard(entry)


def test_click_to_call_whispers_bridges_and_tells_the_outcome(carrier, product, number, place):
    to, rep, deaf = number(), number(), number()
    product.answers["/dialled"] = b"<Response><Say>Goodbye</Say></Response>"
    product.answers["/whisper"] = b"<Response><Say>A customer of yours</Say></Response>"
    line = carrier.settings["CUSTOMER_LINE"]
    text = (
        f'<Response><Dial callerId="{line}" timeout="10" action="/dialled">'
        '<Number url="/whisper" statusCallback="/leg" statusCallbackEvent="answered completed">{}</Number>'
        "</Dial></Response>"
    )
    entry = place(to, text.format(rep))
    [done] = product.wait("/dialled", CallSid=entry["sid"])
    assert (done.form["DialCallStatus"], done.form["DialBridged"]) == ("completed", "true")
    [whisper] = product.to("/whisper", ParentCallSid=entry["sid"])
    assert (whisper.form["Direction"], whisper.form["To"]) == ("outbound-dial", rep)
    assert len(product.wait("/leg", 2, CallSid=done.form["DialCallSid"])) == 2
    carrier.behave("voice", deaf, "no-answer")
    entry = place(to, text.format(deaf))
    [done] = product.wait("/dialled", CallSid=entry["sid"])
    assert done.form["DialCallStatus"] == "no-answer"
    assert [e["to"] for e in carrier.ledger(channel="voice", to=rep)] == []


def test_a_whisper_that_hangs_up_does_not_bridge(carrier, product, number, place):
    to, rep = number(), number()
    product.answers["/no"] = b'<Response><Gather timeout="1"><Say>Press 1</Say></Gather><Hangup/></Response>'
    product.answers["/refused"] = b"<Response/>"
    entry = place(to, f'<Response><Dial action="/refused"><Number url="/no">{rep}</Number></Dial></Response>')
    [done] = product.wait("/refused", CallSid=entry["sid"])
    assert done.form["DialBridged"] == "false"


def test_a_live_call_can_be_redirected_and_ended(carrier, product, number, place, wait):
    to, client = number(), carrier.twilio()
    entry = place(to, '<Response><Pause length="900"/></Response>', ended=False)
    wait(lambda: client.calls(entry["sid"]).fetch().status == "in-progress")
    client.calls(entry["sid"]).update(twiml='<Response><Say>News</Say><Pause length="900"/></Response>')
    wait(lambda: ("said", "News") in heard(carrier.get(f"/carrier/api/calls/{entry['sid']}")))
    client.calls(entry["sid"]).update(status="completed")
    wait(lambda: client.calls(entry["sid"]).fetch().status == "completed")
    with pytest.raises(TwilioRestException) as no:
        client.calls(entry["sid"]).update(status="completed")
    assert no.value.code == 21220


@pytest.mark.parametrize(
    ("twiml", "code"),
    [
        (b"<Response><Say>open", 12100),
        (b"<Response><Say>\x01</Say></Response>", 12100),
        (b"<Response><Speak>x</Speak></Response>", 12200),
        (b'<Response><Say tempo="fast">x</Say></Response>', 12200),
        (b"<Response><Gather><Record/></Gather></Response>", 12200),
        (b'<Response><Say voice="robot">x</Say></Response>', 13512),
        (b"<Response><Play>/missing.mp3</Play></Response>", 11200),
        (b"<Response><Play>/text.mp3</Play></Response>", 13420),
        (b"<Response><Play>http://192.0.2.1/x.mp3</Play></Response>", 11200),
        (b'<Response><Dial callerId="+12125550199">+15555555555</Dial></Response>', 13214),
    ],
)
def test_documents_no_vendor_would_take_end_the_call_with_a_warning(carrier, product, number, place, twiml, code):
    product.files["/text.mp3"] = ("text/html", b"<p>no sound</p>")
    entry = place(number(), twiml)
    assert entry["status"] == "completed"
    assert entry["error"].startswith(str(code))
    assert [a["code"] for a in carrier.get("/carrier/api/alerts")["alerts"] if a.get("sid") == entry["sid"]] == [code]


def test_a_failing_answer_url_uses_the_fallback(carrier, product, number, place):
    to = number()
    product.answers["/fallback"] = b"<Response><Say>Sorry</Say></Response>"
    product.answers[f"/broken/{to[1:]}"] = (500, "text/plain", b"")
    call = carrier.twilio().calls.create(
        to=to, from_=carrier.voice_from, url=f"{product.url}/broken/{to[1:]}", fallback_url=f"{product.url}/fallback"
    )
    [post] = product.wait("/fallback", CallSid=call.sid)
    assert post.form["ErrorCode"] == "11200"


def test_inline_twiml_needs_absolute_actions(carrier, number, wait):
    call = carrier.twilio().calls.create(
        to=number(), from_=carrier.voice_from, twiml='<Response><Record action="/x" timeout="1"/></Response>'
    )
    done = wait(lambda: (c := carrier.get(f"/carrier/api/calls/{call.sid}")) and not c["live"] and c)
    assert done["error"].startswith("11100")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": None}, 21201),
        ({"From": None}, 21213),
        ({"To": "911"}, 21211),
        ({"From": "+12125550100"}, 21210),
        ({"Url": None}, 21205),
        ({"Url": "ftp://x/y"}, 21205),
        ({"MachineDetection": "Maybe"}, 21263),
        ({"StatusCallbackEvent": "finished"}, 21626),
        ({"Timeout": "900"}, 20001),
    ],
)
def test_refusals(carrier, number, change, code):
    form = {"To": number(), "From": carrier.voice_from, "Url": "http://127.0.0.1/x", **change}
    status, _, body = carrier.post_form("Calls.json", urlencode({k: v for k, v in form.items() if v is not None}))
    assert (status, body["code"]) == (400, code)


def test_answers_are_what_the_vendors_file_says(carrier, number, conforms):
    form = {"To": number(), "From": carrier.voice_from, "Twiml": "<Response/>"}
    status, _, made = carrier.post_form("Calls.json", urlencode(form))
    assert (status, made["status"]) == (201, "queued")
    conforms("twilio_api_v2010", PATH + "/Calls.json", "post", 201, made)
    client, base = carrier.twilio(), f"{carrier.url}/2010-04-01/Accounts/{carrier.sid}"
    for name, path in (("/Calls/{Sid}.json", f"/Calls/{made['sid']}.json"), ("/Calls.json", "/Calls.json")):
        document = json.loads(client.request("GET", base + path).text)
        conforms("twilio_api_v2010", PATH + name, "get", 200, document)
    assert [c.sid for c in client.calls.list(to=form["To"], limit=5)] == [made["sid"]]


def test_a_person_calls_us_and_speaks(carrier, product, number, wait):
    person = number()
    product.answers["/webhooks/twilio/voice"] = (
        b'<Response><Gather numDigits="6" action="/line/pin"><Say>Your PIN</Say></Gather></Response>'
    )
    product.answers["/line/pin"] = b'<Response><Record action="/line/done" finishOnKey="#"/></Response>'
    product.answers["/line/done"] = b"<Response><Say>Noted</Say></Response>"
    call = carrier.api("POST", "/calls", {"from": person, "to": carrier.settings["ANALYST_LINE"]})
    [asked] = product.wait("/webhooks/twilio/voice", CallSid=call["sid"])
    assert (asked.form["Direction"], asked.form["From"]) == ("inbound", person)
    assert carrier.signed(f"{product.url}/webhooks/twilio/voice", asked)
    carrier.api("POST", f"/calls/{call['sid']}/keys", {"digits": "123456"})
    product.wait("/line/pin", CallSid=call["sid"], Digits="123456")
    boundary = b"xyz"
    part = b'Content-Disposition: form-data; name="audio"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n' + wav(3)
    body = b"--" + boundary + b"\r\n" + part + b"\r\n--" + boundary + b"--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    wait(lambda: (carrier.get(f"/carrier/api/calls/{call['sid']}")["now"] or {}).get("for") == "speech")
    assert carrier.call("POST", f"/carrier/api/calls/{call['sid']}/speak", body, headers)[0] == 200
    [done] = product.wait("/line/done", CallSid=call["sid"])
    assert done.form["RecordingDuration"] == "3"
    del product.answers["/webhooks/twilio/voice"]


def test_speech_given_as_a_file_in_a_script(carrier, product, number, place):
    to = number()
    product.answers["/heard"] = b"<Response/>"
    carrier.behave("voice", to, "human", script=[{"speak_wav_base64": base64.b64encode(wav(2)).decode()}])
    entry = place(to, '<Response><Record action="/heard" timeout="2"/></Response>')
    [post] = product.wait("/heard", CallSid=entry["sid"])
    assert post.form["RecordingDuration"] == "2"


def test_many_calls_at_once(carrier, product, number, wait):
    product.answers["/many"] = b'<Response><Gather numDigits="1" action="/many-done"><Say>Now</Say></Gather></Response>'
    product.answers["/many-done"] = b"<Response><Say>Thanks</Say></Response>"
    people = [number() for _ in range(150)]
    client = carrier.twilio()
    for person in people:
        carrier.behave("voice", person, "human", script=[{"press": "1"}])
        client.calls.create(to=person, from_=carrier.voice_from, url=f"{product.url}/many")
    wait(lambda: len(product.to("/many-done")) >= 150)
    wait(lambda: not [c for c in carrier.get("/carrier/api/calls?live=1")["calls"] if c["to"] in set(people)])
