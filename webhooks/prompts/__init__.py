"""What our telephone lines say, by language. Every table has the same sentences with the same blanks."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.services import languages
from webhooks.prompts import de, en, fr

TABLES: Mapping[str, Mapping[str, str]] = {"en": en.SAID, "de": de.SAID, "fr": fr.SAID}


def in_language(language: str) -> tuple[str, Mapping[str, str]]:
    """The table for a language such as "de-AT", with the tag of what is spoken; English where there is none."""
    tag = language if languages.base(language) in TABLES else languages.DEFAULT
    return tag, languages.choose(TABLES, tag)
