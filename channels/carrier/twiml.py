"""TwiML read strictly: unknown verbs, attributes and nestings are errors, as in Twilio's debugger."""

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

_GATHER = (
    "action method timeout numDigits finishOnKey actionOnEmptyResult input language hints speechTimeout "
    "maxSpeechTime profanityFilter speechModel enhanced partialResultCallback partialResultCallbackMethod "
    "bargeIn dtmfDetection debug"
)
_RECORD = (
    "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback recordingTrack"
)
_DIAL = (
    "action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone recordingTrack "
    "sequential referUrl referMethod"
)
_NUMBER = (
    "sendDigits url method statusCallback statusCallbackMethod statusCallbackEvent machineDetection "
    "machineDetectionTimeout byoc amdStatusCallback"
)
ATTRIBUTES = {
    "Say": "voice language loop",
    "Play": "loop digits",
    "Gather": _GATHER,
    "Record": _RECORD,
    "Dial": _DIAL,
    "Number": _NUMBER,
    "Redirect": "method",
    "Pause": "length",
    "Hangup": "",
    "Reject": "reason",
    "Message": "to from action method statusCallback",
    "Body": "",
    "Media": "",
}
_KNOWN = {name: frozenset(names.split()) for name, names in ATTRIBUTES.items()}
VOICE = frozenset(("Say", "Play", "Gather", "Record", "Dial", "Redirect", "Pause", "Hangup", "Reject"))
NESTED = {
    "Gather": frozenset(("Say", "Play", "Pause")),
    "Dial": frozenset(("Number",)),
    "Message": frozenset(("Body", "Media")),
}
_INTEGER = {"timeout": 0, "numDigits": 1, "maxLength": 1, "length": 0, "loop": 0, "timeLimit": 1}
_VOICE = re.compile(r"man|woman|alice|(Polly|Google)\.[\w.-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?(-[A-Za-z]{2,4})?")


class TwimlError(Exception):
    """A document the vendor cannot use; `code` is its debugger's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Verb:
    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list["Verb"] = field(default_factory=list)

    def number(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))


def parse(document: bytes | str, *, messaging: bool = False) -> list[Verb]:
    """The verbs of a `Response`; TwimlError 12100 for broken XML, 12200 for what the schema does not have."""
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - expat bounds entities; the product is the author
    except (ElementTree.ParseError, ValueError) as trouble:
        raise TwimlError(12100, f"Document parse failure: {trouble}") from None
    if root.tag != "Response":
        raise TwimlError(12200, f"Schema validation warning: root is {root.tag}, not Response")
    allowed = frozenset(("Message", "Redirect")) if messaging else VOICE
    if root.text and root.text.strip() and not messaging:
        raise TwimlError(12200, "Schema validation warning: text outside a verb")
    return [_verb(child, allowed) for child in root]


def _verb(element: ElementTree.Element, allowed: frozenset[str]) -> Verb:
    name = element.tag
    if name not in allowed:
        raise TwimlError(12200, f"Schema validation warning: {name} is not allowed here")
    for attribute, value in element.attrib.items():
        if attribute not in _KNOWN[name]:
            raise TwimlError(12200, f"Schema validation warning: {name} has no attribute {attribute}")
        least = _INTEGER.get(attribute)
        if least is not None and not (value.isdigit() and int(value) >= least) and value != "auto":
            raise TwimlError(12200, f"Schema validation warning: {attribute}={value!r} of {name}")
    inner = NESTED.get(name, frozenset())
    children = [_verb(child, inner) for child in element]
    text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    verb = Verb(name, dict(element.attrib), text, children)
    _check(verb)
    return verb


def _check(verb: Verb) -> None:
    """What the schema cannot say."""
    if verb.name == "Say":
        if len(verb.text) > 4096:
            raise TwimlError(13520, "Say: Invalid text, over 4,096 characters")
        if not _VOICE.fullmatch(verb.attributes.get("voice", "man")):
            raise TwimlError(13512, f"Say: Invalid voice value {verb.attributes['voice']!r}")
        if not _LANGUAGE.fullmatch(verb.attributes.get("language", "en-US")):
            raise TwimlError(13511, f"Say: Invalid language value {verb.attributes['language']!r}")
    elif verb.name in ("Gather", "Dial") and verb.children and verb.text:
        raise TwimlError(12200, f"Schema validation warning: text beside the nouns of {verb.name}")
    elif verb.name == "Gather" and verb.text:
        raise TwimlError(12200, "Schema validation warning: text directly in Gather")
    elif verb.name == "Redirect" and not verb.text:
        raise TwimlError(12200, "Schema validation warning: Redirect without a URL")
    elif verb.name == "Play" and not verb.text and "digits" not in verb.attributes:
        raise TwimlError(12200, "Schema validation warning: Play without a URL")
