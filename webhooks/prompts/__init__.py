"""What our telephone lines say, by language. Every table has the same sentences with the same blanks."""

from __future__ import annotations

from collections.abc import Mapping

from webhooks.prompts import de, en, fr

TABLES: Mapping[str, Mapping[str, str]] = {"en": en.SAID, "de": de.SAID, "fr": fr.SAID}


def in_language(language: str) -> tuple[str, Mapping[str, str]]:
    """The table for a language such as "de-AT", with the tag of what is spoken; English where there is none."""
    tag = language.replace("_", "-").partition("-")[0].lower()
    return (language, TABLES[tag]) if tag in TABLES else ("en", TABLES["en"])
