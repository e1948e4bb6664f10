"""What somebody wrote, as sentences: as written, to be shown, and in the shape that the rules read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.services.understanding.shapes import fold, shape

_HEAD, _TAIL = 12_000, 4_000  # of what is longer only the beginning and the end are read
_LONGEST = 700  # a sentence is cut there, at a space

_END = re.compile(
    r"(?<=[.!?;…])(?<!\d\.)[\"')\]]{0,2}\s+|(?<=\d\.)\s+(?=[^\W\d_a-zäöü])|(?<=[!?])(?=[^\W\d_])|"
    r"(?<=[a-z]{2}\.)(?=[A-ZÄÖÜ][a-z])|\s[-–—]{1,2}\s"
)
_SHORTENED = re.compile(
    r"(^|[\s(])(\w|mr|mrs|ms|dr|prof|no|nr|ca|st|lt|vs|co|hr|fr|inc|ltd|corp|bzw|mio|mrd|tsd|stk|usw|inkl|z\. ?b|"
    r"d\. ?h|"
    r"e\.g|i\.e|approx|tel|min|max|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|\d{1,2})\.$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(?:(?:hi|hello|hallo|hey|dear|moin|servus|gruezi|gruess gott|gruss gott|good (?:morning|afternoon|evening|day)|"
    r"morning|guten (?:tag|morgen|abend)|sehr geehrter?|liebe[rs]?|werter?|bonjour|hola|gm)\b"
    r"(?: (?!(?:please|can|could|would|i|we|you|stop|call|buy|sell|bitte|ich|wir|konnen|this|the|is|my|no|not|just|"
    r"wrong)\b)"
    r"[^\s,?]+){0,5}(?: ,|$)|(?:hi|hello|hallo|hey|good morning|guten tag|guten morgen|morning|moin)(?: all| team|"
    r" there)?(?!\S))\s*"
)
_CLOSING = re.compile(
    r"^(?:(?:with )?(?:many |kind |best |warm |kindest |warmest )?(?:thanks and )?(?:regards|rgds|wishes|brgds)|"
    r"(?:yours|very truly yours|sincerely|cheers|best|br|kr|bw|rgds|many thanks|thanks|thank you|thanks again|"
    r"thanks in advance|thanks and regards|all the best|cordially|yours (?:sincerely|faithfully|truly)|respectfully)|"
    r"(?:mit )?(?:vielen |besten |herzlichen )?(?:dank und )?(?:freundlichen?|besten?|viele|vielen|liebe|herzliche|"
    r"schone|freundliche)"
    r"(?: (?:freundlichen? )?gru(?:ss|sse|ssen|e?sse|e?ssen))(?: aus \w+)?|mfg|vg|lg|bg|gruss|grusse|gruesse|"
    r"besten dank|vielen dank|"
    r"danke|danke und gruss|hochachtungsvoll|cordialement|bien cordialement|saludos|un saludo|atentamente)$"
)

_POSTSCRIPT = re.compile(r"(?i)p\.?\s?s\b")
_SPOKEN = re.compile(r"(?:\S+\s+){3,}\S+[.?!]$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: `raw` as written, `said` in the shape of the rules, without a greeting in front."""

    raw: str
    said: str

    @property
    def asks(self) -> bool:
        return self.said.endswith("?")


def sentences(own: str) -> list[Sentence]:
    """The sentences of what somebody wrote, without quoted lines, greetings and what follows a farewell."""
    if len(own) > _HEAD + _TAIL:
        own = f"{own[:_HEAD]}\n{own[-_TAIL:]}"
    made = []
    for raw in _raw(own):
        said = _GREETING.sub("", shape(raw), count=1).strip(" ,")
        if re.search(r"[\w#?]", said):
            made.append(Sentence(raw[:300], said))
    return made


def _raw(own: str) -> Iterator[str]:
    for paragraph in _paragraphs(own):
        begun = ""
        for piece in _END.split(paragraph):
            begun = f"{begun} {piece or ''}".strip()
            if begun and not (_SHORTENED.search(begun[-12:]) and len(begun) < _LONGEST):
                yield from _cut(begun)
                begun = ""
        if begun:
            yield from _cut(begun)


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > _LONGEST:
        at = sentence.rfind(" ", 1, _LONGEST)
        at = at if at > 0 else _LONGEST
        yield sentence[:at]
        sentence = sentence[at:].strip()
    if sentence:
        yield sentence


def _paragraphs(own: str) -> Iterator[str]:
    """Lines, joined where a mail program broke them; none that are quoted, none below a farewell."""
    lines = [line.strip() for line in own.split("\n")]
    last, begun, length = _last_line(lines), "", 0
    for line in lines[:last]:
        if line.startswith((">", "|>")):
            line = ""
        goes_on = begun and line and (line[0].islower() or length >= 60) and not begun.endswith((".", "!", "?", ":"))
        if goes_on:
            begun = f"{begun} {line}"
        else:
            if begun:
                yield begun
            begun = line
        length = len(line)
    if begun:
        yield begun


def _last_line(lines: list[str]) -> int:
    """Where a farewell stands above no more than a name and an address; else the end."""
    for at, line in enumerate(lines):
        if at and len(line) < 60 and _CLOSING.match(" ".join(re.findall(r"[^\W_]+", fold(line)))):
            below = [one for one in lines[at + 1 :] if one]
            more = len(below) > 8 or any(_POSTSCRIPT.match(one) or len(one) > 90 for one in below)
            # "Thanks," above words is no farewell yet: a name has few of them.
            words = any(len(one.split()) > 7 for one in below[:1]) or any(_SPOKEN.match(one) for one in below)
            if not more and not words:
                return at
    return len(lines)
