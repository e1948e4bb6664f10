"""TwiML read strictly: unknown verbs, attributes, values and nestings are errors, as in Twilio's debugger."""

from dataclasses import dataclass, field
from xml.etree import ElementTree

from channels.carrier import twiml_rules as rules
from channels.carrier.names import E164


class TwimlError(Exception):
    """A document the vendor cannot use; `code` is its debugger's, `url` where the document came from."""

    def __init__(self, code: int, text: str, url: str = "") -> None:
        super().__init__(text)
        self.code, self.url = code, url


@dataclass(frozen=True)
class Verb:
    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list["Verb"] = field(default_factory=list)

    def number(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, default))


def parse(document: bytes | str, *, messaging: bool = False) -> list[Verb]:
    """The verbs of a `Response`.

    TwimlError 11750 for more than 64 kB, 12100 for broken XML, 12200 for what the schema does not have, and a verb's
    own code for a value it does not take.
    """
    raw = document.encode() if isinstance(document, str) else document
    if len(raw) > rules.MOST_BYTES:
        raise TwimlError(11750, f"TwiML response body too large: {len(raw)} bytes, at most {rules.MOST_BYTES}")
    if b"<!DOCTYPE" in raw:
        raise TwimlError(12100, "Document parse failure: a document type is not allowed")
    try:
        root = ElementTree.fromstring(document)  # noqa: S314 - no document type, so no entities of its own
    except (ElementTree.ParseError, ValueError) as trouble:
        raise TwimlError(12100, f"Document parse failure: {trouble}") from None
    if root.tag != "Response":
        raise _warning(f"root is {root.tag}, not Response")
    if not messaging and any(text and text.strip() for text in (root.text, *(child.tail for child in root))):
        raise _warning("text outside a verb")
    verbs = [_verb(child, rules.MESSAGING if messaging else rules.VOICE) for child in root]
    if any(verb.name == "Reject" for verb in verbs) and len(verbs) > 1:
        raise _warning("Reject must be the only verb")
    return verbs


def _warning(text: str, code: int = rules.SCHEMA) -> TwimlError:
    return TwimlError(code, f"Schema validation warning: {text}")


def _verb(element: ElementTree.Element, allowed: frozenset[str]) -> Verb:
    name = element.tag
    if name not in allowed:
        raise _warning(f"{name} is not allowed here")
    known = rules.ATTRIBUTES[name]
    for attribute, value in element.attrib.items():
        rule = known.get(attribute)
        if rule is None:
            raise _warning(f"{name} has no attribute {attribute}")
        if not rule.fits(value):
            raise TwimlError(rule.code, f"{name}: Invalid {attribute} value {value!r}")
    inner = rules.NESTED.get(name, frozenset())
    children = [_verb(child, inner) for child in element]
    text = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    verb = Verb(name, dict(element.attrib), text, children)
    _check(verb)
    return verb


def _check(verb: Verb) -> None:
    """What no single attribute can say."""
    if verb.name in rules.WITHOUT_TEXT and verb.text:
        raise _warning(f"text directly in {verb.name}")
    if verb.name == "Say":
        _check_say(verb)
    elif verb.name == "Dial":
        _check_dial(verb)
    elif verb.name == "Number" and not E164.match(verb.text):
        raise TwimlError(13223, f"Dial: Invalid phone number format {verb.text!r}")
    elif verb.name == "Play" and not verb.text and "digits" not in verb.attributes:
        raise _warning("Play without a URL")
    elif verb.name in ("Play", "Redirect") and verb.text and not rules.is_url(verb.text):
        raise TwimlError(11100, f"Invalid URL format: {verb.text}")
    elif verb.name == "Redirect" and not verb.text:
        raise _warning("Redirect without a URL")
    elif verb.name == "Record" and verb.attributes.get("transcribe") == "true" and verb.number("maxLength", 3600) > 120:
        raise TwimlError(13617, "Record: Recording length is out of range for transcription")


def _check_say(verb: Verb) -> None:
    if not verb.text or len(verb.text) > rules.MOST_SAID:
        raise TwimlError(13520, f"Say: Invalid text, {len(verb.text)} characters of at most {rules.MOST_SAID}")
    voice, language = verb.attributes.get("voice", "man"), verb.attributes.get("language")
    speaks = rules.speaks(voice, language) if language else True
    if speaks is None:
        raise TwimlError(13512, f"Say: Invalid voice value {voice!r}")
    if not speaks:
        raise TwimlError(13511, f"Say: Invalid language value {language!r} for the voice {voice}")


def _check_dial(verb: Verb) -> None:
    if verb.children and verb.text:
        raise _warning("text beside the nouns of Dial")
    if not verb.children and not E164.match(verb.text):
        raise TwimlError(13223, f"Dial: Invalid phone number format {verb.text!r}")
    if len(verb.children) > rules.MOST_NUMBERS:
        raise _warning(f"more than {rules.MOST_NUMBERS} nouns in Dial")
