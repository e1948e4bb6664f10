"""Fax: a number's one writing, and the text of the page. `fax_page` draws it."""

from __future__ import annotations

from collections.abc import Collection

from channels import numbers
from channels.fax_page import printable
from channels.standing import say
from channels.words import clean, headline, length, one_line
from dispatcher.model.ports import Draft, Rendition


class Fax:
    """The channel of fax machines."""

    name = "fax"

    def normalise(self, raw: str, region: str = "") -> str:
        return numbers.normalise(raw, region)

    def barred(self, address: str, region: str, countries: Collection[str]) -> str:
        """By its country, by its price, or because nobody can have it."""
        return numbers.not_dialled(address, region, countries)

    def compose(self, draft: Draft) -> Rendition:
        """Paper cannot be clicked: fax and telephone come first, addresses of pages are printed whole."""
        firm, subject = one_line(draft.firm), printable(headline(draft))
        signed = f"{one_line(draft.author)}, {firm}" if draft.author else firm
        parts = [firm, subject, clean(draft.text), signed, "\n".join(_foot(draft, firm))]
        return Rendition(subject=subject, text=printable("\n\n".join(part for part in parts if part)) + "\n")


def _foot(draft: Draft, firm: str) -> list[str]:
    phone, lines = one_line(draft.phone), []
    ways = [say(draft, "fax back", fax=draft.fax)] if draft.fax else []
    if phone:
        ways.append(say(draft, "fax code" if draft.code else "fax call", phone=phone, code=draft.code))
    either = say(draft, "fax or")
    if ways:
        lines.append(say(draft, "fax answer", ways=either.join(ways)))
    if draft.reply_url and draft.recording_seconds:
        lines.append(say(draft, "fax listen", length=length(draft.recording_seconds), url=draft.reply_url))
    elif draft.reply_url:
        lines.append(say(draft, "fax write", url=draft.reply_url))
    lines.append(say(draft, "why fax", firm=firm))
    if draft.prefs_url:
        ends = [say(draft, "fax call", phone=phone)] if phone else []
        lines.append(say(draft, "fax stop", ways=either.join([*ends, draft.prefs_url])))
    return lines
