"""Calls: a number's one writing, and what is said when somebody answers."""

from __future__ import annotations

import re
from collections.abc import Collection

from channels import numbers
from channels.words import clean, headline, one_line
from dispatcher.model.ports import Draft, Rendition

RECORDING = "♪ recording"

_SAID = {
    "en": {
        "opening": "This is {firm}, with {alert}{sender}.",
        "alert": "an alert",
        "urgent": "an urgent alert",
        "from": " from {author}",
    },
    "de": {
        "opening": "Hier ist {firm}, mit {alert}{sender}.",
        "alert": "einer Meldung",
        "urgent": "einer dringenden Meldung",
        "from": " von {author}",
    },
}

_WEB = re.compile(r"\(?\b(?:https?://|www\.)[^\s)>\]]*[^\s)>\].,;:!?]\)?", re.IGNORECASE)
# Marks for the eye: bullets, headings, emphasis, pictures. Signs that carry meaning stay: -5%, < 2, ~3.
_UNSPOKEN = re.compile(r"^[ \t]*(?:[-•–—]+|#+)[ \t]+|[*_`♪]|[\U0001F000-\U0001FAFF]|\ufe0f", re.MULTILINE)


class Voice:
    """The channel of telephone calls."""

    name = "voice"

    def normalise(self, raw: str, region: str = "") -> str:
        return numbers.normalise(raw, region)

    def barred(self, address: str, region: str, countries: Collection[str]) -> str:
        """By its country, by its price, or because nobody can have it."""
        return numbers.not_dialled(address, region, countries)

    def compose(self, draft: Draft) -> Rendition:
        """The menu that follows belongs to the telephone line; this is the message alone."""
        text = speakable(draft.text)
        said = RECORDING if draft.recording_seconds else text
        spoken = "\n".join(part for part in (_announcement(draft), said) if part)
        return Rendition(subject=headline(draft), spoken=spoken, written=text if draft.recording_seconds else "")


def _announcement(draft: Draft) -> str:
    said = _SAID.get(draft.language, _SAID["en"])
    alert = said["urgent" if draft.urgent else "alert"]
    sender = said["from"].format(author=one_line(draft.author)) if draft.author else ""
    opening = said["opening"].format(firm=one_line(draft.firm), alert=alert, sender=sender)
    return f"{opening} {_sentence(speakable(draft.subject))}".strip()


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?" else f"{text}."


def speakable(text: str) -> str:
    """The text as a voice can read it: no addresses of pages, no marks that are for the eye, a line a paragraph."""
    plain = _UNSPOKEN.sub(" ", _WEB.sub(" ", clean(text)))
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", plain))
    return "\n".join(block for block in (re.sub(r"\s+([.,;:!?])", r"\1", one) for one in blocks) if block)
