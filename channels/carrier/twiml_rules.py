"""What the vendor's reference allows in TwiML: attributes, their values, what may stand in what, and the codes of its
debugger for what is wrong. Read and checked by `twiml`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

SCHEMA = 12200
MOST_BYTES, MOST_SAID, MOST_NUMBERS = 64 * 1024, 4096, 10
KEYS = "0-9*#"


@dataclass(frozen=True)
class Rule:
    """Which values an attribute takes, and the code of a warning about any other."""

    fits: Callable[[str], bool]
    code: int = SCHEMA


def _words(*allowed: str, code: int = SCHEMA) -> Rule:
    return Rule(lambda value: value in allowed, code)


def _number(least: int, most: int, code: int = SCHEMA, *words: str) -> Rule:
    def fits(value: str) -> bool:
        return value in words or (value.isascii() and value.isdigit() and least <= int(value[:9]) <= most)

    return Rule(fits, code)


def _like(pattern: str, code: int = SCHEMA) -> Rule:
    shape = re.compile(pattern)
    return Rule(lambda value: shape.fullmatch(value) is not None, code)


def _several(*allowed: str) -> Rule:
    return Rule(lambda value: bool(value.split()) and set(value.split()) <= set(allowed))


def is_url(value: str) -> bool:
    """A relative or absolute http(s) address as it may stand in a document."""
    if not value or re.search(r"[\s<>\"\\^`{|}\x00-\x1f]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("", "http", "https") and (not parts.scheme or bool(parts.hostname))
    except ValueError:
        return False


_URL = Rule(is_url, 11100)
_METHOD, _BOOL = _words("GET", "POST"), _words("true", "false")
_TAG = r"[a-z]{2,3}(-[A-Za-z]{2,4})?(-[A-Za-z]{2,4})?"
_EVENTS = _several("initiated", "ringing", "answered", "completed")
_RECORDED = _several("in-progress", "completed", "absent")
_TRIM = _words("trim-silence", "do-not-trim")
_TRACK = _words("inbound", "outbound", "both")
_ANY = Rule(lambda value: True)

ATTRIBUTES: Mapping[str, Mapping[str, Rule]] = {
    "Say": {
        "voice": _like(r"man|woman|alice|(Polly|Google)\.[\w.-]+", 13512),
        "language": _like(_TAG, 13511),
        "loop": _number(0, 1000, 13510),
    },
    "Play": {"loop": _number(0, 1000), "digits": _like(rf"[{KEYS}wW]+")},
    "Gather": {
        "action": _URL,
        "method": _METHOD,
        "input": _words("dtmf", "speech", "dtmf speech", "speech dtmf"),
        "timeout": _number(1, 600, 13313, "auto"),
        "numDigits": _number(1, 1000, 13314),
        # One key, or none at all: then the keys of a menu are all alike.
        "finishOnKey": _like(f"[{KEYS}]?", 13310),
        "actionOnEmptyResult": _BOOL,
        "language": _like(_TAG, 13331),
        "hints": Rule(lambda value: len(value.split(",")) <= 500, 13330),
        "speechTimeout": _number(1, 600, SCHEMA, "auto"),
        "maxSpeechTime": _number(1, 600, 13328),
        "profanityFilter": Rule(_BOOL.fits, 13333),
        "speechModel": _ANY,
        "enhanced": _BOOL,
        "partialResultCallback": _URL,
        "partialResultCallbackMethod": Rule(_METHOD.fits, 13329),
        "bargeIn": Rule(_BOOL.fits, 13332),
        "dtmfDetection": _ANY,
        "debug": _BOOL,
    },
    "Record": {
        "action": _URL,
        "method": _METHOD,
        "timeout": _number(0, 14400, 13611, "auto"),
        "finishOnKey": _like(f"[{KEYS}]*", 13613),
        "maxLength": _number(1, 14400, 13612),
        "playBeep": Rule(_BOOL.fits, 13616),
        "trim": _TRIM,
        "recordingStatusCallback": _URL,
        "recordingStatusCallbackMethod": _METHOD,
        "recordingStatusCallbackEvent": _RECORDED,
        "transcribe": Rule(_BOOL.fits, 13614),
        "transcribeCallback": Rule(is_url, 13257),
        "recordingTrack": _TRACK,
    },
    "Dial": {
        "action": _URL,
        "method": _METHOD,
        "timeout": _number(1, 600, 13212),
        "hangupOnStar": _BOOL,
        "timeLimit": _number(1, 86400),
        "callerId": _ANY,
        "record": _words(
            "do-not-record",
            "record-from-answer",
            "record-from-ringing",
            "record-from-answer-dual",
            "record-from-ringing-dual",
            "true",
            "false",
        ),
        "trim": _TRIM,
        "recordingStatusCallback": _URL,
        "recordingStatusCallbackMethod": _METHOD,
        "recordingStatusCallbackEvent": _RECORDED,
        "answerOnBridge": _BOOL,
        "ringTone": _like("automatic|[a-z]{2}(-old)?"),
        "recordingTrack": _TRACK,
        "sequential": _BOOL,
        "referUrl": _URL,
        "referMethod": _METHOD,
    },
    "Number": {
        "sendDigits": _like(rf"[{KEYS}wW]+", 13222),
        "url": _URL,
        "method": _METHOD,
        "statusCallback": _URL,
        "statusCallbackMethod": _METHOD,
        "statusCallbackEvent": _EVENTS,
        "machineDetection": _words("Enable", "DetectMessageEnd"),
        "machineDetectionTimeout": _number(3, 60),
        "machineDetectionSpeechThreshold": _number(1000, 6000),
        "machineDetectionSpeechEndThreshold": _number(500, 5000),
        "machineDetectionSilenceTimeout": _number(2000, 10000),
        "amdStatusCallback": _URL,
        "amdStatusCallbackMethod": _METHOD,
        "byoc": _like("BY[0-9a-f]{32}"),
    },
    "Redirect": {"method": _METHOD},
    "Pause": {"length": _number(1, 86400)},
    "Hangup": {},
    "Reject": {"reason": _words("rejected", "busy")},
    "Message": {"to": _ANY, "from": _ANY, "action": _URL, "method": _METHOD, "statusCallback": _URL},
    "Body": {},
    "Media": {},
}
VOICE = frozenset(("Say", "Play", "Gather", "Record", "Dial", "Redirect", "Pause", "Hangup", "Reject"))
MESSAGING = frozenset(("Message", "Redirect"))
NESTED: Mapping[str, frozenset[str]] = {
    "Gather": frozenset(("Say", "Play", "Pause")),
    "Dial": frozenset(("Number",)),
    "Message": frozenset(("Body", "Media")),
}
WITHOUT_TEXT = frozenset(("Gather", "Record", "Pause", "Hangup", "Reject"))
_SOUNDS = ("mpeg", "mp3", "wav", "wave", "x-wav", "aiff", "x-aifc", "x-aiff", "x-gsm", "gsm", "ulaw", "basic")
SOUNDS = frozenset(f"audio/{kind}" for kind in _SOUNDS)
"""Content types that Play takes: no Ogg, FLAC or WebM among them."""

_POLLY = {
    "arb": "Zeina", "cmn-CN": "Zhiyu", "cy-GB": "Gwyneth", "da-DK": "Mads Naja", "de-DE": "Hans Marlene Vicki Daniel",
    "en-AU": "Nicole Russell Olivia", "en-GB": "Amy Brian Emma Arthur", "en-GB-WLS": "Geraint",
    "en-IN": "Raveena Aditi Kajal", "en-US": "Ivy Joanna Joey Justin Kendra Kimberly Matthew Salli Ruth Stephen",
    "es-ES": "Conchita Enrique Lucia Sergio", "es-MX": "Mia Andres", "es-US": "Lupe Miguel Penelope Pedro",
    "fr-CA": "Chantal Gabrielle Liam", "fr-FR": "Celine Lea Mathieu Remi", "hi-IN": "Aditi Kajal",
    "is-IS": "Dora Karl", "it-IT": "Bianca Carla Giorgio Adriano", "ja-JP": "Mizuki Takumi Kazuha Tomoko",
    "ko-KR": "Seoyeon", "nb-NO": "Liv Ida", "nl-NL": "Lotte Ruben Laura", "pl-PL": "Ewa Jacek Jan Maja Ola",
    "pt-BR": "Camila Ricardo Vitoria Thiago", "pt-PT": "Cristiano Ines", "ro-RO": "Carmen",
    "ru-RU": "Maxim Tatyana", "sv-SE": "Astrid Elin", "tr-TR": "Filiz Burcu",
}  # fmt: skip


def speaks(voice: str, language: str) -> bool | None:
    """Whether a voice speaks a language; None where there is no such voice. A wrong pair fails the whole verb."""
    family, _, rest = voice.partition(".")
    if family == "Polly":
        name = rest.partition("-")[0]
        tongues = [tag for tag, names in _POLLY.items() if name in names.split()]
        return language in tongues if tongues else None
    if family == "Google":
        return rest.startswith(f"{language}-")
    return True
