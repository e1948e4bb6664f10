"""In which language a text is written, where that is certain."""

from __future__ import annotations

import pytest

from dispatcher.services import languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We cut LTMY to hold. Our price target is withdrawn.", "en"),
        ("Wir stufen LTMY auf Halten herab.", "de"),
        ("Bitte verkaufen Sie 500 zu 42", "de"),
        ("Please sell half of my shares", "en"),
        # Too few words, none of either language, or some of both.
        ("Sell 500 at 42", ""),
        ("STOP", ""),
        ("", ""),
        ("Vendez 500 à 42 s'il vous plaît, merci", ""),
        ("Wij willen niet meer gebeld worden, dank u", ""),
        ("Por favor no me llame mas, lo digo en serio", ""),
        ("Hallo, ik was gisteren niet bereikbaar. Graag 200 ASML verkopen.", ""),
        ("De koersen vielen, alles verkopen als dat nog kan. Wat is uw nummer?", ""),
        ("Merci de me retirer, question de rating", ""),
        ("Veuillez aller voir avec M. Conti, bei titoli", ""),
        ("Bitte stop, please nothing more, danke", ""),
    ],
)
def test_only_what_is_certain_is_told_apart(text: str, language: str) -> None:
    assert languages.of_words(text) == language


def test_a_table_is_chosen_by_the_first_language_that_has_one() -> None:
    tables = {"en": "English", "de": "German"}
    chosen = [languages.choose(tables, *tags) for tags in (["de_CH"], ["fr", "de-AT"], ["", "pt-BR"], [])]
    assert chosen == ["German", "German", "English", "English"]


@pytest.mark.parametrize(
    ("directory", "language"), [("", "en"), ("en", "en"), ("de-AT", "en"), ("nl", ""), ("fr_CH", "")]
)
def test_words_say_nothing_of_who_has_a_third_language(directory: str, language: str) -> None:
    assert languages.of_answer("Please sell half of my shares", directory) == language
