"""The alert call's menu, walked without a telephone."""

from __future__ import annotations

import string

import pytest

from channels.twilio_line import VOICES
from dispatcher.model.telephone import CallStep, Dial, Gather, Hangup, Play, Record, Say, Verb
from webhooks import prompts
from webhooks.lines import customer_menu
from webhooks.lines.customer_menu import Script
from webhooks.lines.walking import Place

ALERT = (Say("This is Example Bank, with an alert."), Play("https://alerts.bank.example/audio/x.wav"))


def script(**changes: object) -> Script:
    made: dict[str, object] = {
        "firm": "Example Bank",
        "rep": "Rita",
        "alert": ALERT,
        "address": lambda place: f"/{place.state}/{place.plays}/{place.misses}",
        "done_url": "/done",
        "rep_number": "+12025550199",
        "caller_id": "+18005550100",
        "line": "+18005550100",
        "about": "Ana is on the line.",
    }
    return Script(**{**made, **changes})  # type: ignore[arg-type]  # a table of changes


def step(**changes: object) -> CallStep:
    made: dict[str, object] = {"call_ref": "CA1", "caller": "+12025550100", "called": "+12025550102", "outbound": True}
    return CallStep(**{**made, **changes})  # type: ignore[arg-type]  # a table of changes


def place_of(address: str) -> Place:
    _, state, plays, misses = address.split("/")
    return Place(state, misses=int(misses), plays=int(plays))


def spoken(verbs: tuple[Verb, ...]) -> str:
    """All that is said, with ♪ for what is played."""
    words = []
    for verb in verbs:
        for one in verb.prompts if isinstance(verb, Gather) else (verb,):
            words.append(one.text if isinstance(one, Say) else "♪" if isinstance(one, Play) else "")
    return " ".join(word for word in words if word)


class Telephone:
    """Walks the menu as a caller does; keeps what was heard and asked for."""

    def __init__(self, **changes: object) -> None:
        self.script, self.place, self.deeds = script(**changes), Place(), list[str]()
        self.verbs: tuple[Verb, ...] = ()
        self.heard: list[str] = []

    def take(self, **changes: object) -> Telephone:
        move = customer_menu.walk(self.script, self.place, step(**changes))
        self.verbs = move.verbs
        self.heard.append(spoken(move.verbs))
        self.deeds += [move.deed] if move.deed else []
        for verb in move.verbs:
            if isinstance(verb, Gather | Record | Dial):
                self.place = place_of(verb.next_url)
        return self

    def press(self, keys: str) -> Telephone:
        for key in keys:
            self.take(digits="" if key == "-" else key)
        return self

    @property
    def ended(self) -> bool:
        return isinstance(self.verbs[-1], Hangup)


def test_a_person_hears_the_alert_and_the_menu_and_may_press_a_key_at_once() -> None:
    phone = Telephone().take()
    (gather,) = phone.verbs
    assert isinstance(gather, Gather)
    assert gather.prompts[:2] == ALERT
    for words in ("Rita now, press 1", "press 2", "press 3", "press 9"):
        assert words in phone.heard[0]
    assert phone.deeds == []


def test_a_machine_hears_it_once_and_is_told_how_to_answer() -> None:
    phone = Telephone().take(answered_by="machine")
    assert phone.verbs[:2] == ALERT
    assert phone.ended
    assert "1 8 0 0 5 5 5 0 1 0 0" in phone.heard[0]
    assert "press" not in phone.heard[0]
    assert phone.deeds == []


@pytest.mark.parametrize(
    ("keys", "deeds", "ended", "words"),
    [
        ("1", ["call"], False, "connecting you to Rita"),
        ("2", [], False, "will be recorded"),
        ("3", [], False, "Once more."),
        ("9", ["stop"], True, "will not call this number again"),
        ("5", [], False, "no meaning here"),
        ("*", [], False, "no meaning here"),
        ("-", [], False, "not received a key"),
        ("--1", ["call"], False, "connecting"),
        ("-5-", [], True, "Goodbye"),
        ("5-7", [], True, "Goodbye"),
        ("--3--", [], False, "not received a key"),
        ("3333", [], False, "Once more."),
        ("33333", [], False, "heard this 5 times"),
        ("333333333", [], False, "heard this 5 times"),
        ("3332", [], False, "will be recorded"),
    ],
)
def test_keys(keys: str, deeds: list[str], ended: bool, words: str) -> None:
    phone = Telephone().take().press(keys)
    assert phone.deeds == deeds
    assert phone.ended == ended
    assert words in phone.heard[-1]


def test_it_is_heard_five_times_at_most() -> None:
    phone = Telephone().take().press("3" * 12)
    assert sum(words.count("♪") for words in phone.heard) == customer_menu.MOST_PLAYS


def test_the_representative_is_dialled_with_our_number_and_told_who_it_is() -> None:
    phone = Telephone().take().press("1")
    dial = phone.verbs[-1]
    assert isinstance(dial, Dial)
    assert (dial.number, dial.caller_id) == ("+12025550199", "+18005550100")
    whisper = customer_menu.walk(phone.script, place_of(dial.whisper_url), step(outbound=False))
    assert whisper.verbs == (Say("Ana is on the line."),)
    assert whisper.deed == ""


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_a_representative_who_does_not_answer(status: str) -> None:
    phone = Telephone().take().press("1").take(dial_status=status)
    assert "cannot be reached" in phone.heard[-1]
    assert phone.deeds == ["call", "joined"]
    assert "will be recorded" in phone.press("2").heard[-1]
    phone.take(recording_ref="RE1", recording_seconds=4)
    assert phone.ended
    assert phone.deeds == ["call", "joined", "voice"]
    assert Telephone().take().press("1").take(dial_status=status).press("-").ended


@pytest.mark.parametrize("hung_up", [False, True])
def test_a_call_that_was_joined(hung_up: bool) -> None:
    phone = Telephone().take().press("1").take(dial_status="completed", hung_up=hung_up)
    assert phone.ended
    assert phone.deeds == ["call", "joined"]


def test_without_a_number_of_the_representative_they_call_back() -> None:
    phone = Telephone(rep_number="").take()
    assert "To be called by Rita, press 1" in phone.heard[0]
    phone.press("1")
    assert phone.deeds == ["call back"]
    assert "has been asked to call you" in phone.heard[-1]
    assert not any(isinstance(verb, Dial) for verb in phone.verbs)


def test_an_answer_is_recorded_after_saying_so() -> None:
    phone = Telephone().take().press("2")
    say, record = phone.verbs
    assert isinstance(say, Say)
    assert isinstance(record, Record)
    assert (record.done_url, record.max_seconds) == ("/done", 180)
    assert "on its way to Rita" in phone.take(recording_ref="RE1", recording_seconds=9).heard[-1]
    assert phone.deeds == ["voice"]
    assert phone.ended


@pytest.mark.parametrize(
    ("what", "deeds"),
    [({"recording_ref": "RE1", "hung_up": True}, ["voice"]), ({"hung_up": True}, []), ({}, [])],
)
def test_hanging_up_after_speaking_is_an_answer_and_silence_is_none(what: dict[str, object], deeds: list[str]) -> None:
    assert Telephone().take().press("2").take(**what).deeds == deeds


@pytest.mark.parametrize("state", ["start", "menu", "offered", "whisper", "nonsense"])
def test_a_hang_up_ends_it_without_a_deed(state: str) -> None:
    move = customer_menu.walk(script(), Place(state), step(digits="9", hung_up=True))
    assert (move.verbs, move.deed) == ((Hangup(),), "")


def test_a_place_that_does_not_exist_ends_kindly() -> None:
    move = customer_menu.walk(script(), Place("nonsense"), step())
    assert "Goodbye" in spoken(move.verbs)
    assert isinstance(move.verbs[-1], Hangup)


def test_a_caller_without_an_alert() -> None:
    phone = Telephone(alert=(), inbound=True).take()
    assert "no recent alert" in phone.heard[0]
    assert "press 3" not in phone.heard[0]
    assert "no meaning here" in phone.press("3").heard[-1]


@pytest.mark.parametrize(
    ("language", "tag", "words"),
    [("de", "de", "drücken Sie die 1"), ("de-AT", "de-AT", "drücken Sie die 1"), ("fr", "fr", "tapez 1"),
     ("FR_ca", "FR_ca", "tapez 1"), ("xx", "en", "press 1"), ("", "en", "press 1")],
)  # fmt: skip
def test_languages(language: str, tag: str, words: str) -> None:
    phone = Telephone(language=language).take()
    assert words in phone.heard[0]
    (gather,) = phone.verbs
    assert isinstance(gather, Gather)
    last = gather.prompts[-1]
    assert isinstance(last, Say)
    assert last.language == tag


@pytest.mark.parametrize("language", [one for one in prompts.TABLES if one != "en"])
def test_every_language_says_the_same_with_the_same_blanks(language: str) -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    table = prompts.TABLES[language]
    assert set(table) == set(prompts.TABLES["en"])
    for name, text in prompts.TABLES["en"].items():
        assert blanks(table[name]) == blanks(text), name
    assert language in VOICES


@pytest.mark.parametrize(
    "place",
    [
        Place(state, misses=misses, plays=plays)
        for state in customer_menu.STATES
        for plays in (1, 5)
        for misses in (0, 2)
    ],
)
@pytest.mark.parametrize("key", [*"0123456789*#", ""])
def test_every_place_answers_every_key_and_says_something(place: Place, key: str) -> None:
    move = customer_menu.walk(script(), place, step(digits=key))
    assert move.verbs
    assert spoken(move.verbs)
    last = move.verbs[-1]
    assert isinstance(last, Gather | Record | Dial | Hangup) or place.state == "whisper"
