"""The alert call's menu, walked without a telephone."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

from channels.twilio_line import VOICES
from dispatcher.model.telephone import CallStep, Dial, Gather, Go, Hangup, Pause, Play, Record, Say, Verb
from webhooks import prompts
from webhooks.lines import customer_menu
from webhooks.lines.customer_menu import Answerer, Script
from webhooks.lines.walking import Place

REP = Answerer("Rita", "+12025550199", "en", (Say("Ana is on the line."),))
COVER = Answerer("Carl", "+12025550198", "de", (Say("Ana ist am Apparat.", "de"),), cover=True)
ALERT = (Say("This is Example Bank, with an alert."), Play("https://alerts.bank.example/audio/x.wav"))


def script(**changes: object) -> Script:
    made: dict[str, object] = {
        "firm": "Example Bank",
        "rep": "Rita",
        "alert": ALERT,
        "address": lambda place: f"/{place.state}/{place.plays}/{place.misses}/{place.at}",
        "leg": lambda place: f"/{place.state}/{place.plays}/{place.misses}/{place.at}/leg",
        "done_url": "/done",
        "answerers": (REP,),
        "caller_id": "+18005550100",
        "line": "+18005550100",
        "subject": "Downgrade",
    }
    return Script(**{**made, **changes})  # type: ignore[arg-type]  # a table of changes


def step(**changes: object) -> CallStep:
    made: dict[str, object] = {"call_ref": "CA1", "caller": "+12025550100", "called": "+12025550102", "outbound": True}
    return CallStep(**{**made, **changes})  # type: ignore[arg-type]  # a table of changes


def place_of(address: str) -> Place:
    _, state, plays, misses, at, *_ = address.split("/")
    return Place(state, misses=int(misses), plays=int(plays), at=int(at))


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
            if isinstance(verb, Gather | Record | Dial | Go):
                self.place = place_of(verb.url if isinstance(verb, Go) else verb.next_url)
        return self

    def speak(self, spoken: str = "kept", **changes: object) -> Telephone:
        """Words of nine seconds, of which this is known once they were looked at."""
        self.take(**{"recording_ref": "RE1", "recording_seconds": 9, **changes})
        self.script = replace(self.script, spoken=spoken)
        return self.take()

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
        ("2", [], False, "words are recorded"),
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
        ("3332", [], False, "words are recorded"),
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


def test_a_machine_is_told_the_code_where_there_is_one() -> None:
    assert "key the code 7 1 2" in Telephone(code="712").take(answered_by="machine").heard[0]
    assert "code" not in Telephone(code="712", line="").take(answered_by="machine").heard[0]


# --- joined to the representative -------------------------------------------------------------------------


def dialled(phone: Telephone) -> Dial:
    dial = phone.verbs[-1]
    assert isinstance(dial, Dial)
    return dial


def leg(phone: Telephone, keys: str) -> tuple[str, bool, list[str]]:
    """What whoever is rung hears to the end, whether they are joined then, and the deeds."""
    place, heard, deeds = place_of(dialled(phone).whisper_url), "", list[str]()
    for key in ("", *keys):
        move = customer_menu.walk(phone.script, place, step(outbound=True, digits="" if key == "-" else key))
        heard, deeds = f"{heard} {spoken(move.verbs)}", deeds + [move.deed] * bool(move.deed)
        last = move.verbs[-1]
        if not isinstance(last, Gather):
            return heard.strip(), not isinstance(last, Hangup), deeds
        assert last.next_url.endswith("/leg")
        place = place_of(last.next_url)
    raise AssertionError("they are still asked")


def test_the_representative_is_dialled_with_our_number_and_told_who_it_is() -> None:
    phone = Telephone().take().press("1")
    dial = dialled(phone)
    assert (dial.number, dial.caller_id) == ("+12025550199", "+18005550100")
    assert dial.whisper_url.endswith("/leg")


ASK = "Ana is on the line. To take the call, press 1. To decline it, press 2."


@pytest.mark.parametrize(
    ("keys", "heard", "joined", "deeds"),
    [
        ("1", f"{ASK} You are connected.", True, []),
        ("2", f"{ASK} Declined.", False, ["declined"]),
        ("-1", f"{ASK} To take the call, press 1. To decline it, press 2. You are connected.", True, []),
        ("52", f"{ASK} To take the call, press 1. To decline it, press 2. Declined.", False, ["declined"]),
        ("--", f"{ASK} To take the call, press 1. To decline it, press 2.", False, []),
        ("#9", f"{ASK} To take the call, press 1. To decline it, press 2.", False, []),
    ],
)
def test_the_representative_takes_the_call_by_key_and_not_otherwise(
    keys: str, heard: str, joined: bool, deeds: list[str]
) -> None:
    assert leg(Telephone().take().press("1"), keys) == (heard, joined, deeds)


def test_the_cover_is_rung_next_and_spoken_to_in_their_language() -> None:
    phone = Telephone(answerers=(REP, COVER)).take().press("1").take(dial_status="no-answer")
    assert "Rita cannot take your call. We are connecting you to Carl." in phone.heard[-1]
    assert dialled(phone).number == COVER.number
    assert leg(phone, "1") == (
        "Ana ist am Apparat. Um das Gespräch anzunehmen, drücken Sie die 1. Um es abzulehnen, die 2. "
        "Sie sind verbunden.",
        True,
        [],
    )
    assert phone.take(dial_status="completed").ended
    assert phone.deeds == ["call", "joined", "joined"]


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", ""])
@pytest.mark.parametrize("answerers", [(REP,), (REP, COVER), (COVER,)], ids=["rep", "both", "cover"])
def test_where_nobody_answers_they_are_recorded(status: str, answerers: tuple[Answerer, ...]) -> None:
    phone = Telephone(answerers=answerers).take().press("1")
    for _ in answerers:
        phone.take(dial_status=status)
    assert "cannot be reached" in phone.heard[-1]
    assert "not accepted until your representative has confirmed it" in phone.heard[-1]
    assert isinstance(phone.verbs[-1], Record)
    phone.speak()
    assert phone.ended
    assert phone.deeds == ["call", *["joined"] * len(answerers), "voice"]


def test_who_hangs_up_while_it_rings_is_not_rung_for_any_more() -> None:
    phone = Telephone(answerers=(REP, COVER)).take().press("1").take(dial_status="failed", hung_up=True)
    assert (phone.verbs, phone.deeds) == ((Hangup(),), ["call", "joined"])


def test_somebody_who_is_not_rung_any_more_takes_nothing() -> None:
    """Between two steps of a call the representative may have left."""
    phone = Telephone(answerers=(REP, COVER)).take().press("1").take(dial_status="busy")
    phone.script = script(answerers=(REP,))
    for state in ("whisper", "taken"):
        move = customer_menu.walk(phone.script, Place(state, at=1), step(digits=""))
        assert move.verbs == (Hangup(),)
    assert isinstance(phone.take(dial_status="busy").verbs[-1], Record)


@pytest.mark.parametrize("hung_up", [False, True])
def test_a_call_that_was_joined(hung_up: bool) -> None:
    phone = Telephone().take().press("1").take(dial_status="completed", hung_up=hung_up)
    assert phone.ended
    assert phone.deeds == ["call", "joined"]


def test_without_a_number_of_the_representative_they_call_back() -> None:
    phone = Telephone(answerers=()).take()
    assert "To be called by Rita, press 1" in phone.heard[0]
    phone.press("1")
    assert phone.deeds == ["call back"]
    assert "has been asked to call you" in phone.heard[-1]
    assert not any(isinstance(verb, Dial) for verb in phone.verbs)


RULE = {
    "en": "Your order is not accepted until your representative has confirmed it.",
    "de": "Ihr Auftrag gilt erst als angenommen, wenn Ihre Betreuung ihn bestätigt hat.",
}


@pytest.mark.parametrize("language", RULE)
def test_an_answer_is_recorded_after_saying_so_and_what_an_order_is_worth(language: str) -> None:
    phone = Telephone(language=language).take().press("2")
    *said, record = phone.verbs
    assert isinstance(record, Record)
    assert (record.done_url, record.max_seconds) == ("/done", 120)
    assert said[0] == Say(RULE[language], language)
    phone.speak()
    assert "Rita" in phone.heard[-1]
    assert RULE[language] in phone.heard[-1]
    assert phone.deeds == ["voice"]
    assert phone.ended


def test_silence_that_lasted_is_asked_about_twice_too() -> None:
    phone = Telephone().take().press("2")
    for _ in range(2):
        phone.speak("silent")
        assert "heard nothing" in phone.heard[-1]
        assert isinstance(phone.verbs[-1], Record)
    assert phone.speak("silent").ended
    assert "No answer was recorded." in " ".join(phone.heard)
    assert "are on their way" not in " ".join(phone.heard)


def test_what_is_not_here_yet_is_looked_for_four_times_and_then_believed() -> None:
    phone = Telephone().take().press("2").speak("waiting")
    looks = 2  # with the one that came with the words
    while not phone.ended:
        assert [type(verb) for verb in phone.verbs] == [Pause, Go]
        phone.take()
        looks += 1
    assert looks == customer_menu.LOOKS + 1
    assert "on their way to Rita" in phone.heard[-1]


def test_silence_is_asked_about_twice_and_kept_never() -> None:
    phone = Telephone().take().press("2")
    for _ in range(2):
        phone.take(recording_ref="RE1", recording_seconds=0)
        assert "heard nothing" in phone.heard[-1]
        assert isinstance(phone.verbs[-1], Record)
    assert phone.take(recording_ref="RE1", recording_seconds=0).ended
    assert phone.deeds == []


@pytest.mark.parametrize(
    ("what", "deeds"),
    [
        ({"recording_ref": "RE1", "recording_seconds": 3, "hung_up": True}, ["voice"]),
        ({"recording_ref": "RE1", "recording_seconds": 0, "hung_up": True}, []),
        ({"hung_up": True}, []),
        ({}, []),
    ],
)
def test_hanging_up_after_speaking_is_an_answer_and_silence_is_none(what: dict[str, object], deeds: list[str]) -> None:
    assert Telephone().take().press("2").take(**what).deeds == deeds


@pytest.mark.parametrize("state", ["start", "menu", "code", "offered", "whisper", "taken", "nonsense"])
def test_a_hang_up_ends_it_without_a_deed(state: str) -> None:
    move = customer_menu.walk(script(), Place(state), step(digits="9", hung_up=True))
    assert (move.verbs, move.deed) == ((Hangup(),), "")


def test_a_place_that_does_not_exist_ends_kindly() -> None:
    move = customer_menu.walk(script(), Place("nonsense"), step())
    assert "Goodbye" in spoken(move.verbs)
    assert isinstance(move.verbs[-1], Hangup)


# --- calls in ---------------------------------------------------------------------------------------------

DETAIL = (Say("In writing, it says:"), Say("We cut LTMY to hold."), Say("Written by Anthony."))


def test_a_known_caller_hears_what_it_is_about_the_alert_and_the_same_keys() -> None:
    phone = Telephone(inbound=True, detail=DETAIL).take()
    assert phone.heard[0].startswith("Welcome to Example Bank. Your latest alert: Downgrade. This is Example Bank")
    assert phone.heard[0].endswith(
        "♪ To speak to Rita now, press 1. To leave an order or a question, press 2. To hear this again, press 3. "
        "For more detail, press 4. To get no more calls, press 9."
    )
    phone.press("4")
    assert phone.heard[-1].startswith("In writing, it says: We cut LTMY to hold. Written by Anthony. To speak to Rita")
    assert phone.deeds == []
    assert phone.press("1").deeds == ["call"]


def test_more_detail_is_heard_five_times_at_most_and_only_where_there_is_some() -> None:
    phone = Telephone(detail=DETAIL).take().press("4" * 9)
    assert sum("In writing" in words for words in phone.heard) == customer_menu.MOST_PLAYS - 1
    phone = Telephone().take().press("4")
    assert "no meaning here" in phone.heard[-1]
    assert "press 4" not in phone.heard[-1]


def test_a_caller_without_an_alert() -> None:
    phone = Telephone(alert=(), inbound=True).take()
    assert "no recent alert" in phone.heard[0]
    assert "press 3" not in phone.heard[0]
    assert "no meaning here" in phone.press("3").heard[-1]


def test_on_a_telephone_that_may_be_anybodys_calls_are_not_called_off() -> None:
    phone = Telephone(inbound=True, elsewhere=True).take()
    assert phone.heard[0].startswith("Thank you. Your latest alert: Downgrade.")
    assert "press 9" not in phone.heard[0]
    assert phone.press("9").deeds == []
    assert "no meaning here" in phone.heard[-1]


DESK = Answerer("", "+12025550190", "en", (Say("Somebody we do not know is on the line."),))


def stranger(**changes: object) -> Telephone:
    return Telephone(**{"stranger": True, "inbound": True, "alert": (), "subject": "", "answerers": (DESK,), **changes})


def test_a_stranger_is_asked_for_a_code() -> None:
    phone = stranger().take()
    assert phone.heard[0].startswith("Welcome to Example Bank. If you have had an alert from us, key the code")
    (gather,) = phone.verbs
    assert isinstance(gather, Gather)
    assert (gather.digits, gather.ends) == (18, "#")
    assert "press 9" not in phone.heard[0]


def test_a_wrong_code_may_be_keyed_three_times() -> None:
    phone = stranger().take().take(digits="1234567").take(digits="1234568")
    assert phone.heard[1:] == [phone.heard[1]] * 2
    assert phone.heard[1].startswith("We do not know this code.")
    assert "connecting you to our desk" in phone.take(digits="1234569").heard[-1]
    assert dialled(phone).number == DESK.number


@pytest.mark.parametrize("keys", ["0", "-"])
def test_who_has_no_code_is_joined_to_the_desk(keys: str) -> None:
    phone = stranger().take().press(keys)
    assert dialled(phone).number == DESK.number
    assert leg(phone, "1")[1]
    assert phone.take(dial_status="completed").ended


@pytest.mark.parametrize("case", ["no desk", "nobody there"])
def test_what_a_stranger_says_is_recorded_where_nobody_answers(case: str) -> None:
    phone = stranger(answerers=() if case == "no desk" else (DESK,)).take().press("-")
    if case == "nobody there":
        phone.take(dial_status="busy")
    assert phone.heard[-1].startswith("Nobody can take your call at the moment. Please leave a message.")
    assert RULE["en"] in phone.heard[-1]
    assert "your name and your number" in phone.heard[-1]
    assert "Somebody will call you back" in phone.speak().heard[-1]
    assert phone.deeds[-1] == "voice"
    assert phone.ended


@pytest.mark.parametrize("language", [one for one in prompts.TABLES if one != "en"])
def test_a_stranger_is_spoken_to_in_one_language_throughout(language: str) -> None:
    phone = stranger(language=language).take().press("-").take(dial_status="busy")
    tags = {
        one.language
        for verb in phone.verbs
        for one in (verb.prompts if isinstance(verb, Gather) else (verb,))
        if isinstance(one, Say)
    }
    assert tags == {language}


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
    for changes in ({}, {"stranger": True}, {"inbound": True, "detail": DETAIL}, {"answerers": ()}):
        move = customer_menu.walk(script(**changes), place, step(digits=key))
        assert move.verbs
        last = move.verbs[-1]
        assert spoken(move.verbs) or (last == Hangup() and place.state in ("whisper", "taken"))
        assert isinstance(last, Gather | Record | Dial | Hangup) or (place.state, key) == ("taken", "1")
