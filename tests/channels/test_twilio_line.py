"""Live calls: Twilio's requests as steps, our verbs as TwiML, recordings from Twilio's own host alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from channels import twilio_line
from channels.twilio_line import VOICES, TwilioLine, TwilioTranscripts
from channels.twilio_webhooks import TwilioWebhooks
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import File, WebRequest
from dispatcher.model.telephone import CallStep, Dial, Gather, Go, Hangup, Pause, Play, Record, RecordingNews, Say, Verb
from tests.channels.stub import Answer, Stub, as_json, running
from tests.channels.vendors import ACCOUNT, settings

Found = TypeVar("Found")
RECORDING = "RE5a5b5c5d5e5f60718293a4b5c6d7e8f9"


def request(**fields: str) -> WebRequest:
    return WebRequest("POST", "/webhooks/twilio/voice", {}, urlencode(fields).encode())


CALL = {"CallSid": "CA90", "From": "+12025550143", "To": "+13395550102", "Direction": "inbound"}
STEPS = [
    ({**CALL, "CallStatus": "ringing"}, CallStep("CA90", "+12025550143", "+13395550102", False)),
    ({**CALL, "Digits": "4711"}, CallStep("CA90", "+12025550143", "+13395550102", False, digits="4711")),
    ({**CALL, "Digits": ""}, CallStep("CA90", "+12025550143", "+13395550102", False)),
    ({**CALL, "From": "anonymous"}, CallStep("CA90", "", "+13395550102", False)),
    ({**CALL, "From": "+266696687"}, CallStep("CA90", "", "+13395550102", False)),
    ({**CALL, "From": "Restricted"}, CallStep("CA90", "", "+13395550102", False)),
    (
        {"CallSid": "CA90", "From": "+13395550101", "To": "+12025550143", "Direction": "outbound-api"},
        CallStep("CA90", "+13395550101", "+12025550143", True),
    ),
    ({**CALL, "AnsweredBy": "human"}, CallStep("CA90", "+12025550143", "+13395550102", False, answered_by="human")),
    (
        {**CALL, "AnsweredBy": "machine_end_beep"},
        CallStep("CA90", "+12025550143", "+13395550102", False, answered_by="machine"),
    ),
    ({**CALL, "AnsweredBy": "fax"}, CallStep("CA90", "+12025550143", "+13395550102", False, answered_by="machine")),
    ({**CALL, "AnsweredBy": "unknown"}, CallStep("CA90", "+12025550143", "+13395550102", False)),
    (
        {**CALL, "RecordingUrl": f"https://api.twilio.com/x/Recordings/{RECORDING}", "RecordingDuration": "17"},
        CallStep("CA90", "+12025550143", "+13395550102", False, recording_ref=RECORDING, recording_seconds=17),
    ),
    (
        {**CALL, "RecordingSid": RECORDING, "RecordingDuration": "17", "Digits": "hangup"},
        CallStep(
            "CA90", "+12025550143", "+13395550102", False, recording_ref=RECORDING, recording_seconds=17, hung_up=True
        ),
    ),
    (
        {**CALL, "RecordingUrl": "https://evil.example/../../secret", "RecordingDuration": "-1"},
        CallStep("CA90", "+12025550143", "+13395550102", False),
    ),
    (
        {**CALL, "DialCallStatus": "no-answer"},
        CallStep("CA90", "+12025550143", "+13395550102", False, dial_status="no-answer"),
    ),
    (
        {**CALL, "DialCallStatus": "answered"},
        CallStep("CA90", "+12025550143", "+13395550102", False, dial_status="completed"),
    ),
    (
        {**CALL, "DialCallStatus": "canceled"},
        CallStep("CA90", "+12025550143", "+13395550102", False, dial_status="failed"),
    ),
    ({**CALL, "CallStatus": "completed"}, CallStep("CA90", "+12025550143", "+13395550102", False, hung_up=True)),
    ({}, CallStep("", "", "", False)),
]


@pytest.mark.parametrize(("fields", "step"), STEPS)
def test_a_request_is_a_step(fields: dict[str, str], step: CallStep) -> None:
    assert TwilioLine(settings()).read(request(**fields)) == step


@pytest.mark.parametrize(
    ("status", "duration", "available"),
    [
        ("completed", "17", True),
        ("completed", "0", False),
        ("absent", "", False),
        ("failed", "17", False),
        ("", "", False),
    ],
)
def test_news_of_a_recording(status: str, duration: str, available: bool) -> None:
    news = TwilioLine(settings()).read_recording(
        request(CallSid="CA90", RecordingSid=RECORDING, RecordingStatus=status, RecordingDuration=duration)
    )
    assert (news.call_ref, news.recording_ref, news.available) == ("CA90", RECORDING, available)
    assert news.seconds == float(duration or 0)


def rendered(*verbs: Verb) -> str:
    body, media_type = TwilioLine(settings()).render(verbs)
    assert media_type == "text/xml"
    start = '<?xml version="1.0" encoding="UTF-8"?>'
    assert body.startswith(start)
    ElementTree.fromstring(body)  # noqa: S314 - our own document, read to see that it is one
    return body.removeprefix(start).replace("<Response />", "").removeprefix("<Response>").removesuffix("</Response>")


VERBS: list[tuple[Verb, str]] = [
    (Say("Hello"), '<Say language="en-US" voice="Polly.Joanna">Hello</Say>'),
    (Say("Guten Tag", "de-AT"), '<Say language="de-DE" voice="Polly.Vicki">Guten Tag</Say>'),
    (Say("Bonjour", "fr"), '<Say language="fr-FR" voice="Polly.Celine">Bonjour</Say>'),
    (Say("Hi", "en_GB"), '<Say language="en-GB" voice="Polly.Amy">Hi</Say>'),
    (Say("Hi", "tlh"), '<Say language="en-US" voice="Polly.Joanna">Hi</Say>'),
    (Say("a\x00b\x0bc\x1f"), '<Say language="en-US" voice="Polly.Joanna">abc</Say>'),
    (
        Say('</Say><Dial>+900</Dial> & "x"'),
        '<Say language="en-US" voice="Polly.Joanna">&lt;/Say&gt;&lt;Dial&gt;+900&lt;/Dial&gt; &amp; "x"</Say>',
    ),
    (Say(" \x00 "), ""),
    (Play("https://a.example/audio/t.wav?a=1&b=2"), "<Play>https://a.example/audio/t.wav?a=1&amp;b=2</Play>"),
    (Pause(2), '<Pause length="2" />'),
    (Hangup(), "<Hangup />"),
    (Go("https://a.example/n?a=1&b=2"), '<Redirect method="POST">https://a.example/n?a=1&amp;b=2</Redirect>'),
    (
        Gather((Say("Press 1"), Pause(), Play("https://a.example/x.wav")), "https://a.example/n?step=1", 4, 8),
        '<Gather action="https://a.example/n?step=1" actionOnEmptyResult="true" finishOnKey="" input="dtmf" '
        'method="POST" numDigits="4" timeout="8"><Say language="en-US" voice="Polly.Joanna">Press 1</Say>'
        '<Pause length="1" />'
        "<Play>https://a.example/x.wav</Play></Gather>",
    ),
    (
        Record("https://a.example/n", "https://a.example/done", 60),
        '<Record action="https://a.example/n" maxLength="60" method="POST" playBeep="true" '
        'recordingStatusCallback="https://a.example/done#rc=3&amp;rp=all" '
        'recordingStatusCallbackEvent="completed absent" recordingStatusCallbackMethod="POST" timeout="5" />',
    ),
    (
        Dial("+12025550188", "+13395550101", "https://a.example/n", "https://a.example/w", 20),
        '<Dial action="https://a.example/n" answerOnBridge="true" callerId="+13395550101" method="POST" timeout="20">'
        '<Number method="POST" url="https://a.example/w">+12025550188</Number></Dial>',
    ),
    (
        Dial("+12025550188", "", "https://a.example/n"),
        '<Dial action="https://a.example/n" answerOnBridge="true" method="POST" timeout="20">'
        "<Number>+12025550188</Number></Dial>",
    ),
]


@pytest.mark.parametrize(("verb", "xml"), VERBS)
def test_a_verb_as_twiml(verb: Verb, xml: str) -> None:
    assert rendered(verb) == xml


@pytest.mark.parametrize("number", ["", "911", "sip:x@evil.example", "+1202555018a", "+1<Number>", "client:joe"])
def test_nothing_but_a_number_is_dialled(number: str) -> None:
    with pytest.raises(ValueError, match="only a telephone number"):
        TwilioLine(settings()).render([Dial(number, "", "https://a.example/n")])


def test_a_long_text_is_said_in_pieces_cut_between_sentences() -> None:
    text = "The level rises by ten centimetres an hour. " * 200
    root = ElementTree.fromstring(TwilioLine(settings()).render([Say(text)])[0])  # noqa: S314 - our own document
    pieces = [say.text or "" for say in root]
    assert len(pieces) > 2
    assert all(len(piece) <= twilio_line.MOST_SPOKEN and piece.endswith(".") for piece in pieces)
    assert " ".join(pieces) == text.strip()
    assert "".join(piece.text or "" for piece in ElementTree.fromstring(  # noqa: S314 - our own document
        TwilioLine(settings()).render([Say("x" * 10_000)])[0]
    )) == "x" * 10_000  # fmt: skip


def test_every_voice_goes_with_its_language() -> None:
    assert all(
        tag.split("-")[0] in (key[:2], "cmn") and voice.startswith("Polly.") for key, (tag, voice) in VOICES.items()
    )


@pytest.fixture
def stub() -> Iterator[tuple[Stub, str]]:
    with running() as (found, url, _):
        yield found, url


def fetch(url: str, reference: str = RECORDING) -> bytes:
    async def get() -> bytes:
        line = TwilioLine(settings(url))
        try:
            found = await line.fetch_recording(reference)
            assert found is not None
            assert found.media_type == "audio/x-wav"
            assert found.name == f"{RECORDING}.wav"
            return found.content
        finally:
            await line._account.pool.aclose()

    return asyncio.run(get())


AUDIO = {"Content-Type": "audio/x-wav"}


def test_a_recording_is_fetched_with_our_credentials(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: Answer(200, b"RIFF" * 1000, AUDIO)
    assert fetch(url) == b"RIFF" * 1000
    (came,) = server.came
    assert came.path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}.wav"
    assert came.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "reference", ["", "RE1", f"{RECORDING}/../x", f"{RECORDING}?a", f"https://evil.example/{RECORDING}"]
)
def test_what_is_no_reference_is_not_asked_for(stub: tuple[Stub, str], reference: str) -> None:
    server, url = stub
    with pytest.raises(ProviderError):
        fetch(url, reference)
    assert server.came == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403),
        Answer(302, headers={"Location": "http://169.254.169.254/"}),
        Answer(200, "<html>", {"Content-Type": "text/html"}),
        Answer(200, b"x"),
        Answer(how="reset"),
    ],
    ids=["not allowed", "sent elsewhere", "a page", "no type", "cut off"],
)
def test_what_is_no_recording_is_an_error(stub: tuple[Stub, str], answer: Answer) -> None:
    server, url = stub
    server.answer = lambda came: answer
    with pytest.raises(ProviderError):
        fetch(url)
    assert {came.path.rpartition("/")[2] for came in server.came} == {f"{RECORDING}.wav"}


def test_size_and_time_are_bounded(stub: tuple[Stub, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server, url = stub
    monkeypatch.setattr(twilio_line, "MOST_BYTES", 1000)
    server.answer = lambda came: Answer(200, b"x" * 1001, AUDIO)
    with pytest.raises(ProviderError, match="could not be fetched"):
        fetch(url)
    monkeypatch.setattr(twilio_line, "FETCH_SECONDS", 0.3)
    server.answer = lambda came: Answer(how="hang")
    with pytest.raises(ProviderError, match="in time"):
        fetch(url)


# --- erased and written down ------------------------------------------------------------------------------

TEXT = "TR5a5b5c5d5e5f60718293a4b5c6d7e8f9"


def ask(url: str, what: Callable[[TwilioLine, TwilioTranscripts], Awaitable[Found]]) -> Found:
    async def work() -> Found:
        line, transcripts = TwilioLine(settings(url)), TwilioTranscripts(settings(url))
        try:
            return await what(line, transcripts)
        finally:
            await line.aclose()
            await transcripts.aclose()

    return asyncio.run(work())


def written(*rows: dict[str, str]) -> Answer:
    return as_json({"transcriptions": list(rows), "page": 0})


@pytest.mark.parametrize("status", [204, 404])
def test_a_recording_is_erased_and_may_be_gone_already(stub: tuple[Stub, str], status: int) -> None:
    server, url = stub
    server.answer = lambda came: Answer(status)
    ask(url, lambda line, _: line.erase_recording(RECORDING, transcripts=False))
    assert [(came.method, came.path.rpartition("/")[2]) for came in server.came] == [("DELETE", f"{RECORDING}.json")]


def test_what_was_written_down_of_it_goes_first(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: written({"sid": TEXT}, {"sid": "../x"}) if came.method == "GET" else Answer(204)
    ask(url, lambda line, _: line.erase_recording(RECORDING, transcripts=True))
    assert [(came.method, came.path.partition(f"{ACCOUNT}/")[2]) for came in server.came] == [
        ("GET", f"Recordings/{RECORDING}/Transcriptions.json"),
        ("DELETE", f"Transcriptions/{TEXT}.json"),
        ("DELETE", f"Recordings/{RECORDING}.json"),
    ]


@pytest.mark.parametrize("answer", [Answer(500), Answer(401), Answer(200), Answer(how="reset")])
@pytest.mark.parametrize("transcripts", [True, False])
def test_a_failure_to_erase_is_no_success(stub: tuple[Stub, str], answer: Answer, transcripts: bool) -> None:
    server, url = stub
    server.answer = lambda came: answer
    with pytest.raises(ProviderError):
        ask(url, lambda line, _: line.erase_recording(RECORDING, transcripts=transcripts))


def test_what_is_no_reference_is_not_erased(stub: tuple[Stub, str]) -> None:
    server, url = stub
    with pytest.raises(ProviderError):
        ask(url, lambda line, _: line.erase_recording(f"{RECORDING}/..", transcripts=False))
    assert server.came == []


@pytest.mark.parametrize(
    ("language", "answer", "words"),
    [
        ("en", written({"status": "completed", "transcription_text": "Sell."}), "Sell."),
        ("en-GB", written({"status": "in-progress"}), None),
        ("en", written(), None),
        ("en", written({"status": "failed", "transcription_text": "x"}), ""),
        ("en", Answer(404), None),
        ("de", Answer(500), ""),
    ],
)
def test_the_words_of_a_recording(stub: tuple[Stub, str], language: str, answer: Answer, words: str | None) -> None:
    server, url = stub
    server.answer = lambda came: answer
    sound = File("x.wav", "audio/wav", b"")
    assert ask(url, lambda _, transcripts: transcripts.transcribe(RECORDING, sound, language)) == words


@pytest.mark.parametrize("answer", [Answer(500), Answer(200, "<html>"), Answer(how="reset")])
def test_words_that_cannot_be_asked_for(stub: tuple[Stub, str], answer: Answer) -> None:
    server, url = stub
    server.answer = lambda came: answer
    sound = File("x.wav", "audio/wav", b"")
    with pytest.raises(ProviderError):
        ask(url, lambda _, transcripts: transcripts.transcribe(RECORDING, sound, "en"))


@pytest.mark.parametrize(
    ("setting", "language", "seconds", "asked"),
    [("", "en", 60, False), ("twilio", "en", 120, True), ("twilio", "en", 121, False), ("twilio", "de", 60, False)],
)
def test_only_english_of_two_minutes_is_written_down(setting: str, language: str, seconds: int, asked: bool) -> None:
    line = TwilioLine(settings().model_copy(update={"transcription": setting}))
    body, _ = line.render([Record("https://a.example/n", "https://a.example/done", seconds, language=language)])
    assert ('transcribe="true" transcribeCallback="https://a.example/done#rc=3&amp;rp=all"' in body) is asked
    assert ("transcribe" in body) is asked


@pytest.mark.parametrize(("status", "words"), [("completed", "Sell."), ("failed", "")])
def test_news_of_what_was_written_down(status: str, words: str) -> None:
    told = {"TranscriptionSid": TEXT, "TranscriptionStatus": status, "TranscriptionText": "Sell."}
    news = TwilioLine(settings()).read_recording(request(CallSid="CA90", RecordingSid=RECORDING, **told))
    assert news == RecordingNews("CA90", RECORDING, available=True, transcript=words)


def test_news_of_a_recording_and_of_its_words_are_not_copies() -> None:
    source = TwilioWebhooks(settings())
    kept = {
        source.dedupe("recording-status", request(RecordingSid=RECORDING, **more))
        for more in ({"RecordingStatus": "completed"}, {"TranscriptionSid": TEXT}, {"RecordingStatus": "absent"})
    }
    assert len(kept) == 3
