"""Languages: which of our tables speaks one, and in which a text is written, where that is certain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

Table = TypeVar("Table")

DEFAULT = "en"

# Words of one of the two languages and of no other that customers write in: neither names, nor the market's own terms
# (Stop, Limit, Call), nor what French, Dutch, Italian or Spanish write alike.
_EVERYDAY = {
    "en": """
    about after again and any anything are because before being below buy buying called calling can cannot could
    customer did does done down each either every first for from further getting give have hello here his how
    however if into it its just keep least less longer made make may might most move much my need never nothing now
    number numbers off only other our own phone please price quarter raise reached receive removed see sell selling
    send shall shares she should since some stopped such take than thank thanks that the their them then there they
    thing think this those through to today tomorrow until upon us very wants way what when where whether which
    while who why with would wrong year yes yesterday you your
    """,
    "de": """
    aber allem auch auf aus beim bekommen bin bitte bitten dafür damit danke dann dass davon dazu dem denn diese
    diesem diesen dieser dieses durch ein eine einem einen einer eines erhalten erst etwas für ganz geehrte geehrter
    gegen gerade gern gerne gestern gibt gruß grüße guten haben halten heute heißt herr ich ihm ihn ihnen ihr ihre
    ihrem ihren ihrer im jede jeden jeder jetzt kann kauf kaufe kaufen kein keine keinen keiner können könnte
    könnten kursziel liebe machen mehr mein meine meinem meinen meiner mich mir mit möchte möchten muss müssen nach
    nachricht nachrichten nehmen nicht nichts nur ob oder ohne schon sehr seit sich sie sind sofort soll sollen
    sollte sollten sondern stück stufen telefon über unbedingt und unser unsere unserem unseren unserer unter
    verkauf verkaufe verkaufen verkauft viele vom von vor wann warum weil weiter weitere wenn wer werde weshalb
    wieder wir wird woche wurde wurden wünsche würde zu zum zur zurück zwischen
    """,
}
_OF = {word: language for language, words in _EVERYDAY.items() for word in words.split()}
_WORD = re.compile(r"[^\W\d_]+")
_READ = 5_000  # characters; who writes more has begun in their language
_LEAST, _TIMES = 2, 4  # so many words of the one, and so many times as many as of the other


def base(tag: str) -> str:
    """The language of a tag such as "de-AT"."""
    return tag.strip().replace("_", "-").partition("-")[0].lower()


def choose(tables: Mapping[str, Table], *tags: str) -> Table:
    """The table of the first of these languages that has one, else the English one."""
    return next((tables[base(tag)] for tag in tags if base(tag) in tables), tables[DEFAULT])


def of_words(text: str) -> str:
    """en or de where the words can be of no other language, "" where they are too few, mixed, or of another."""
    found = {word for word in _WORD.findall(text[:_READ].casefold()) if word in _OF}
    counts = {language: sum(_OF[word] == language for word in found) for language in _EVERYDAY}
    less, more = sorted(counts, key=lambda language: counts[language])
    return more if counts[more] >= max(_LEAST, _TIMES * counts[less]) else ""


def voice_for(text: str, otherwise: str) -> str:
    """The tag of the voice that says a text: the one of whoever hears or wrote it, unless the words are of another."""
    found = of_words(text)
    return otherwise if found in ("", base(otherwise)) else found


def of_answer(text: str, directory: str) -> str:
    """As `of_words`, of a customer with this language in the directory: where that is a third one, the words may be in
    it, and nothing is certain.
    """
    return of_words(text) if base(directory) in ("", *_EVERYDAY) else ""
