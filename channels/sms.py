"""Text messages: a number's one writing, the short rendition, and its exact count of segments."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from channels import numbers
from channels.standing import say
from channels.words import clean, composed, headline, length, one_line, urgent_mark
from dispatcher.model.ports import CODE_TAG, REPLY_TAG, Draft, Rendition

# GSM 03.38. The second string's characters go out as an escape and a character: they cost two.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")

LIMIT = 1600  # characters a provider takes
# A tag is replaced by a token or a code; counts are made with those that ids up to a thousand million make.
_TOKEN, _CODE = "a" * 32, "1" * 15


@dataclass(frozen=True, slots=True)
class Count:
    """What a text costs: its encoding ("GSM-7" or "UCS-2"), units of it, and segments."""

    encoding: str
    units: int
    segments: int


class Sms:
    """The channel of text messages."""

    name = "sms"

    def normalise(self, raw: str, region: str = "") -> str:
        return numbers.normalise(raw, region)

    def barred(self, address: str, region: str, countries: Collection[str]) -> str:
        """By its country or its price. Quicker, and a little less thorough, than what is asked before a call."""
        return numbers.abroad(address, countries) or numbers.dear(address)

    def compose(self, draft: Draft) -> Rendition:
        text = _short(draft)
        count = count_segments(_filled(text))
        return Rendition(subject=headline(draft), text=text, segments=count.segments, encoding=count.encoding)


def count_segments(text: str) -> Count:
    """Segments as the network packs them: neither an escaped character nor a surrogate pair is ever torn."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        widths = [2 if letter in _EXTENDED else 1 for letter in text]
        return Count("GSM-7", sum(widths), _packed(widths, 160, 153))
    widths = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return Count("UCS-2", sum(widths), _packed(widths, 70, 67))


def _packed(widths: Iterable[int], alone: int, linked: int) -> int:
    widths = list(widths)
    if sum(widths) <= alone:
        return 1 if widths else 0
    segments, used = 1, 0
    for width in widths:
        if used + width > linked:
            segments, used = segments + 1, 0
        used += width
    return segments


def _short(draft: Draft) -> str:
    head = composed(f"{urgent_mark(draft)}{one_line(draft.firm)}: {one_line(draft.subject)}")
    body = composed(clean(draft.text)).replace("\t", " ")
    if whole := _whole(draft, head, body):
        return whole
    # The dots as one character would make a plain text cost more than twice as much.
    dots = "..." if count_segments(body).encoding == "GSM-7" else "…"
    calls = _calls(draft)
    full = f"{dots} {say(draft, 'sms full', url=draft.reply_url)}" if draft.reply_url else dots
    end = _joined(full, calls[0] if calls else "", say(draft, "sms stop"))
    room = LIMIT - _size(_joined(head, end))
    return _joined(head, _cut(body, room) + end)


def _whole(draft: Draft, head: str, body: str) -> str:
    """With the telephone and the code as long as they fit; "" where not even the text itself does.

    They never make one segment two, and the code alone never makes a text longer by a segment: on this very telephone
    the line knows them without it.
    """
    stop = say(draft, "sms stop")
    bare = _joined(head, body, _answer(draft), stop)
    if _size(bare) > LIMIT:
        return ""
    fewest = count_segments(_filled(bare)).segments
    numbered = bare
    for call in reversed(_calls(draft)):
        longer = _joined(head, body, _answer(draft), call, stop)
        grows = count_segments(_filled(longer)).segments > fewest
        if _size(longer) > LIMIT or (grows and (fewest == 1 or CODE_TAG in call)):
            break
        numbered, fewest = longer, count_segments(_filled(longer)).segments
    return numbered


def _calls(draft: Draft) -> list[str]:
    """How to answer by telephone: with the code, and without."""
    if not draft.code:
        return []
    phone = one_line(draft.phone)
    return [say(draft, "sms code", phone=phone, code=draft.code), say(draft, "sms call", phone=phone)]


def _answer(draft: Draft) -> str:
    if not draft.reply_url:
        return ""
    if draft.recording_seconds:
        return say(draft, "sms listen", length=length(draft.recording_seconds), url=draft.reply_url)
    return say(draft, "sms answer", url=draft.reply_url)


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _size(text: str) -> int:
    return len(_filled(text).encode("utf-16-le")) // 2


def _filled(text: str) -> str:
    return text.replace(REPLY_TAG, _TOKEN).replace(CODE_TAG, _CODE)


def _cut(text: str, room: int) -> str:
    """As many whole words as have room."""
    kept, used = 0, 0
    for place, letter in enumerate(text):
        if letter in " \n":
            kept = place
        used += 2 if ord(letter) > 0xFFFF else 1
        if used > room:
            return text[: kept or place].rstrip()
    return text
