"""What the adapter renders against the vendor's verbs, values, nestings and limits, by the carrier's strict parser."""

from __future__ import annotations

import pytest

from channels.carrier.twiml import TwimlError, parse
from channels.carrier.twiml import Verb as Read
from channels.carrier.twiml_rules import MOST_BYTES, MOST_SAID, speaks
from channels.twilio_line import VOICES, TwilioLine
from dispatcher.model.telephone import Dial, Gather, Go, Hangup, Pause, Play, Record, Say, Verb
from tests.channels.vendors import settings
from webhooks import prompts

URL = "https://bank.example/webhooks/twilio/voice?line=staff&s=officer.menu&n=12&m=0&p=1&a=3"
DONE = "https://bank.example/webhooks/twilio/recording-status?line=staff&for=alert"
NUMBER = "+12025550188"

HOSTILE = {
    "controls": "".join(map(chr, range(0x20))) + "\x7f\x85\x9f word",
    "xml": '</Say><Dial>+19005550199</Dial><Say> & "quoted" \'too\' ]]> <!-- <?pi?> &#x41; &lt; %s {blank}',
    "emoji": "📈🇺🇸👩‍💻 up 40%" * 50,
    "right to left": "\u202eabc\u202c \u2066x\u2069 שלום עולם مرحبا بالعالم",
    "noncharacters": "\ufffe\uffff\ufdd0 word \U0010ffff",
    "lone surrogates": "a\ud800b\udfffc",
    "fifty kilobytes": "The level rises by ten centimetres an hour. " * 1160,
    "one long word": "x" * 50_000,
    "ampersands": "&" * 20_000,
    "the longest alert in another script": "下調べ。" * 5_000,
    "the longest alert of emoji": "📈" * 20_000,
    "spaces": " \t\r\n\u00a0\u2003 " * 1000,
    "nothing": "",
}  # fmt: skip


def rendered(*verbs: Verb) -> list[Read]:
    body, _ = TwilioLine(settings()).render(verbs)
    assert len(body.encode()) <= MOST_BYTES
    return parse(body.encode())


def verbs_saying(text: str) -> dict[str, tuple[Verb, ...]]:
    """Every neutral verb, with this text wherever one can be said."""
    said = Say(text, "de")
    return {
        "say": (said, said, Hangup()),
        "menu": (Gather((said, Play("https://bank.example/audio/t0k3n.wav"), Pause(1), Say(text, "fr")), URL),),
        "pin": (Gather((said,), URL, 12, 10, "#"),),
        "record": (said, Record(URL, DONE, 240, 5)),
        "dial": (said, Dial(NUMBER, NUMBER, URL, URL, 20)),
        "plain dial": (Dial(NUMBER, "", URL),),
        "whisper": (Gather((said,), URL, 1, 6), Hangup()),
        "go": (said, Pause(3), Go(URL)),
    }


@pytest.mark.parametrize("verbs", list(verbs_saying("")))
@pytest.mark.parametrize("text", list(HOSTILE.values()), ids=list(HOSTILE))
def test_every_verb_with_every_text_is_what_the_vendor_takes(text: str, verbs: str) -> None:
    for verb in rendered(*verbs_saying(text)[verbs]):
        said = [one for one in (verb, *verb.children) if one.name == "Say"]
        assert all(0 < len(one.text) <= MOST_SAID for one in said)


def test_only_what_was_asked_for_is_rendered() -> None:
    hostile = HOSTILE["xml"]
    assert [verb.name for verb in rendered(*verbs_saying(hostile)["menu"])] == ["Gather"]
    (say,) = (one for one in rendered(Say(hostile)) if one.name == "Say")
    assert say.text == hostile


@pytest.mark.parametrize(("key", "tag", "voice"), [(key, *pair) for key, pair in VOICES.items()])
def test_every_voice_speaks_its_language(key: str, tag: str, voice: str) -> None:
    assert speaks(voice, tag) is True


@pytest.mark.parametrize("tag", list(prompts.TABLES))
def test_every_sentence_can_be_said_in_its_language(tag: str) -> None:
    for sentence in prompts.TABLES[tag].values():
        (say,) = rendered(Say(sentence, tag))
        assert say.attributes["language"].startswith(tag)


@pytest.mark.parametrize(
    ("verb", "attributes"),
    [
        (Gather((), URL, 1, 6, ""), {"numDigits": "1", "finishOnKey": "", "timeout": "6", "method": "POST"}),
        (Gather((), URL, 15, 10, "#"), {"numDigits": "15", "finishOnKey": "#", "actionOnEmptyResult": "true"}),
        (Record(URL, DONE, 240, 8), {"maxLength": "240", "timeout": "8"}),
        (Record(URL, DONE), {"recordingStatusCallbackEvent": "completed absent", "playBeep": "true"}),
        (Dial(NUMBER, "", URL), {"answerOnBridge": "true", "timeout": "20", "action": URL}),
    ],
)
def test_what_a_menu_needs_is_there(verb: Verb, attributes: dict[str, str]) -> None:
    (read,) = rendered(verb)
    assert attributes.items() <= read.attributes.items()


SAY, GATHER = "<Say>x</Say>", '<Gather action="/x"/>'
REFUSED = [
    ("<Response><Say>open", 12100),
    ("<!DOCTYPE Response [<!ENTITY a 'b'>]><Response><Say>&a;</Say></Response>", 12100),
    ("<Answer/>", 12200),
    ("<Response>words</Response>", 12200),
    (f"<Response>{SAY}words</Response>", 12200),
    ("<Response><say>x</say></Response>", 12200),
    ("<Response><Conference>x</Conference></Response>", 12200),
    ("<Response><Say/></Response>", 13520),
    (f"<Response><Say>{'x' * 4097}</Say></Response>", 13520),
    ('<Response><Say voice="Polly.Nobody" language="en-US">x</Say></Response>', 13512),
    ('<Response><Say voice="Polly.Vicki" language="en-US">x</Say></Response>', 13511),
    ('<Response><Say language="German">x</Say></Response>', 13511),
    ('<Response><Say loop="-1">x</Say></Response>', 13510),
    ("<Response><Say>x<Break/></Say></Response>", 12200),
    ('<Response><Gather timeout="0"/></Response>', 13313),
    ('<Response><Gather timeout="soon"/></Response>', 13313),
    ('<Response><Gather numDigits="0"/></Response>', 13314),
    ('<Response><Gather finishOnKey="12"/></Response>', 13310),
    ('<Response><Gather finishOnKey="A"/></Response>', 13310),
    ('<Response><Gather input="keys"/></Response>', 12200),
    ('<Response><Gather method="PUT"/></Response>', 12200),
    ('<Response><Gather action="javascript:x"/></Response>', 11100),
    ('<Response><Gather action="https://bank.example/a b"/></Response>', 11100),
    ("<Response><Gather>words</Gather></Response>", 12200),
    (f"<Response><Gather>{GATHER}</Gather></Response>", 12200),
    ("<Response><Gather><Redirect>/x</Redirect></Gather></Response>", 12200),
    ("<Response><Gather><Dial>+12025550188</Dial></Gather></Response>", 12200),
    ('<Response><Record maxLength="14401"/></Response>', 13612),
    ('<Response><Record timeout="-5"/></Response>', 13611),
    ('<Response><Record finishOnKey="x"/></Response>', 13613),
    ('<Response><Record playBeep="loud"/></Response>', 13616),
    ('<Response><Record recordingStatusCallbackEvent="finished"/></Response>', 12200),
    ('<Response><Record transcribe="true" maxLength="180"/></Response>', 13617),
    ('<Response><Record numDigits="1"/></Response>', 12200),
    ('<Response><Dial timeout="601">+12025550188</Dial></Response>', 13212),
    ("<Response><Dial>911</Dial></Response>", 13223),
    ("<Response><Dial/></Response>", 13223),
    ("<Response><Dial><Number>somebody</Number></Dial></Response>", 13223),
    ("<Response><Dial><Say>x</Say></Dial></Response>", 12200),
    (f"<Response><Dial>{'<Number>+12025550188</Number>' * 11}</Dial></Response>", 12200),
    ('<Response><Dial><Number sendDigits="x">+12025550188</Number></Dial></Response>', 13222),
    ("<Response><Play/></Response>", 12200),
    ("<Response><Play>file:///etc/passwd</Play></Response>", 11100),
    ("<Response><Redirect/></Response>", 12200),
    ('<Response><Pause length="0"/></Response>', 12200),
    ("<Response><Hangup>now</Hangup></Response>", 12200),
    (f"<Response><Reject/>{SAY}</Response>", 12200),
    (f"<Response>{SAY * 6000}</Response>", 11750),
]


@pytest.mark.parametrize(("document", "code"), REFUSED)
def test_what_no_vendor_takes_is_refused_with_its_code(document: str, code: int) -> None:
    with pytest.raises(TwimlError) as no:
        parse(document.encode())
    assert no.value.code == code


@pytest.mark.parametrize(
    "document",
    [
        "<Response/>",
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response>\n  <Hangup/>\n</Response>',
        '<Response><Gather input="dtmf speech" timeout="auto" speechTimeout="auto" hints="a, b"/></Response>',
        '<Response><Record finishOnKey="" transcribe="true" maxLength="120" action="../next?a=1"/></Response>',
        '<Response><Dial><Number statusCallbackEvent="initiated answered">+12025550188</Number></Dial></Response>',
        '<Response><Reject reason="busy"/></Response>',
        '<Response><Say voice="Polly.Joanna-Neural" language="en-US">x</Say></Response>',
        '<Response><Say voice="Google.de-DE-Wavenet-A" language="de-DE">x</Say></Response>',
    ],
)
def test_what_the_vendor_takes_is_taken(document: str) -> None:
    parse(document.encode())
