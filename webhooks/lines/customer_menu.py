"""The customers' menus, as a table of places that can be walked without a telephone.

A place takes one step of the caller and gives what is said next and what is to be done. Nothing is remembered here:
where a call is stands in the address of its next request. The keys mean the same in a call out and in a call in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dispatcher.model.telephone import CallStep, Dial, Gather, Go, Hangup, Pause, Play, Record, Say, Verb
from webhooks import prompts
from webhooks.lines.walking import Place

MOST_PLAYS = 5
MOST_CODES = 3  # tries of one call
CODE_DIGITS = 18
LOOKS = 4  # a second each, at what was just recorded
LONGEST_ANSWER = 120  # seconds; what is longer no vendor writes down
# Of whoever is rung for the caller, who waits meanwhile: seconds for a key, and how often they are asked once more.
DECIDE_WITHIN, ASKED_AGAIN = 6, 1


@dataclass(frozen=True, slots=True)
class Answerer:
    """Somebody who can be rung for the caller; `about` is what they hear before the calls are joined.

    A `cover` stands in for the caller's representative.
    """

    name: str
    number: str
    language: str = "en"
    about: tuple[Say, ...] = ()
    cover: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """What one call is about.

    `alert` is empty where there is none, `detail` where there is no more to be said of it. `answerers` are rung one
    after the other. `address` makes the address of a place's next request, `leg` that of one by whoever is rung. A
    `stranger` is nobody we know. Who calls from `elsewhere` is known by the code they keyed: what they have at their
    ear may be anybody's telephone, so they are not asked whether we are never to call it again.
    """

    firm: str
    rep: str
    alert: tuple[Say | Play, ...]
    address: Callable[[Place], str]
    leg: Callable[[Place], str]
    done_url: str = ""
    language: str = "en"
    answerers: tuple[Answerer, ...] = ()
    caller_id: str = ""
    line: str = ""
    inbound: bool = False
    subject: str = ""
    detail: tuple[Say, ...] = ()
    code: str = ""  # of this alert, said to a machine
    stranger: bool = False
    elsewhere: bool = False
    spoken: str = ""  # what became of the answer just recorded: a Recording's state
    # When what follows these words begins; carried to the menu, where it shows whether all of the alert was heard.
    begins: Callable[[Sequence[Say | Play]], int] = lambda front: 0

    def say(self, *names: str, **blanks: object) -> tuple[Say, ...]:
        """Sentences of the tables in the caller's language."""
        return sentences(
            self.language, *names, firm=self.firm, rep=self.rep, line=spaced(self.line.lstrip("+")), times=MOST_PLAYS,
            subject=self.subject, code=spaced(self.code), **blanks,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """What is said next, and what the caller has asked for: "", call, call back, joined, declined, voice or stop."""

    verbs: tuple[Verb, ...]
    deed: str = ""


Step = Callable[[Script, Place, CallStep], Move]


def sentences(language: str, *names: str, **blanks: object) -> tuple[Say, ...]:
    """Sentences of the tables in a language."""
    tag, said = prompts.in_language(language)
    return tuple(Say(said[name].format(**blanks), tag) for name in names)


def spaced(digits: str) -> str:
    """As a voice reads one digit after the other."""
    return " ".join(digits)


def walk(script: Script, place: Place, step: CallStep) -> Move:
    """One step from a place. A hang-up ends everything, but what was spoken before it counts."""
    if step.hung_up and place.state not in ("recorded", "dialled"):
        return Move((Hangup(),))
    return STATES.get(place.state, _lost)(script, place, step)


# --- the places -------------------------------------------------------------------------------------------


def _start(script: Script, place: Place, step: CallStep) -> Move:
    if step.answered_by == "machine":
        how = ["how to answer", *(["caller code"] if script.code else [])] if script.line else ["answer by rep"]
        return Move((*script.alert, *script.say(*how, "goodbye"), Hangup()))
    if script.stranger:
        return Move((_ask_code(script, place, script.say("welcome")),))
    if not script.inbound:
        return Move((_tell(script, place, ()),))
    # Known by a code, they come from the line's own greeting.
    front = script.say("caller thanks") if script.elsewhere else script.say("welcome")
    return Move((_tell(script, place, (*front, *script.say("last alert" if script.alert else "no alert"))),))


def _chosen(script: Script, place: Place, step: CallStep) -> Move:
    taken = KEYS.get(step.digits)
    return taken(script, place, step) if taken else _missed(script, place, step)


def _code(script: Script, place: Place, step: CallStep) -> Move:
    """They keyed no code, or a wrong one: a right one makes them known before they come here."""
    if step.digits in ("", "0") or place.at + 1 >= MOST_CODES:
        return _to_desk(script, place, step)
    return Move((_ask_code(script, place, script.say("caller wrong code"), place.at + 1),))


def _dialled(script: Script, place: Place, step: CallStep) -> Move:
    if step.dial_status == "completed":
        return Move((*script.say("goodbye"), Hangup()), "joined")
    if step.hung_up:
        return Move((Hangup(),), "joined")
    if place.at + 1 < len(script.answerers):
        before, one = script.answerers[place.at : place.at + 2]
        front = script.say("caller next", before=before.name, name=one.name)
        return Move(_dial(script, place, place.at + 1, front), "joined")
    return Move(_record(script, place, script.say("caller desk away" if script.stranger else "not reached")), "joined")


def _offered(script: Script, place: Place, step: CallStep) -> Move:
    return _leave(script, place, step) if step.digits == "2" else Move((*script.say("goodbye"), Hangup()))


def _recorded(script: Script, place: Place, step: CallStep) -> Move:
    if step.recording_ref and step.recording_seconds > 0:
        return Move((Hangup(),) if step.hung_up else _listen(script, place, 0), "voice")
    if step.hung_up:
        return Move((Hangup(),))
    return _silent(script, place)


def _listened(script: Script, place: Place, step: CallStep) -> Move:
    """Once it is here, silence is known from words; `at` counts the looks."""
    if script.spoken in ("silent", "empty"):
        return _silent(script, place)
    if script.spoken == "waiting" and place.at < LOOKS:
        return Move(_listen(script, place, place.at))
    thanks = "caller message kept" if script.stranger else "recorded"
    return Move((*script.say(thanks, "caller order rule", "goodbye"), Hangup()))


def _listen(script: Script, place: Place, looks: int) -> tuple[Verb, ...]:
    there = place.still_missing().to("listened", at=looks + 1)
    return Pause(1), Go(script.address(there))


def _silent(script: Script, place: Place) -> Move:
    if place.is_hopeless:
        return Move((*script.say("silence", "nothing recorded", "goodbye"), Hangup()))
    return Move(_record(script, place.missed(), script.say("silence")))


def _lost(script: Script, place: Place, step: CallStep) -> Move:
    return Move((*script.say("not valid", "goodbye"), Hangup()))


# --- whoever is rung for the caller -----------------------------------------------------------------------


def _whisper(script: Script, place: Place, step: CallStep) -> Move:
    if place.at >= len(script.answerers):
        return Move((Hangup(),))
    one = script.answerers[place.at]
    return Move((_ask_answerer(script, place, one, one.about),))


def _taken(script: Script, place: Place, step: CallStep) -> Move:
    """Only a person presses a key: a voicemail box never takes a customer."""
    language = script.answerers[place.at].language if place.at < len(script.answerers) else "en"
    if step.digits == "1":
        return Move(sentences(language, "caller taken"))  # where this ends, they are joined
    if step.digits == "2":
        return Move((*sentences(language, "caller declined"), Hangup()), "declined")
    if place.misses >= ASKED_AGAIN or place.at >= len(script.answerers):
        return Move((Hangup(),))
    return Move((_ask_answerer(script, place.missed(), script.answerers[place.at], ()),))


def _ask_answerer(script: Script, place: Place, one: Answerer, front: tuple[Say, ...]) -> Gather:
    asked = (*front, *sentences(one.language, "caller take or decline"))
    return Gather(asked, script.leg(place.to("taken", at=place.at)), timeout=DECIDE_WITHIN)


def _dial(script: Script, place: Place, at: int, front: tuple[Say, ...]) -> tuple[Verb, ...]:
    dial = Dial(
        script.answerers[at].number,
        script.caller_id,
        next_url=script.address(place.to("dialled", at=at)),
        whisper_url=script.leg(place.to("whisper", at=at)),
    )
    return (*front, dial)


# --- the keys ---------------------------------------------------------------------------------------------


def _speak(script: Script, place: Place, step: CallStep) -> Move:
    if not script.answerers:
        offer = Gather(script.say("will call", "leave too"), script.address(place.to("offered")))
        return Move((offer,), "call back")
    return Move(_dial(script, place, 0, script.say("connecting", name=script.answerers[0].name)), "call")


def _to_desk(script: Script, place: Place, step: CallStep) -> Move:
    if not script.answerers:
        return Move(_record(script, place, script.say("caller desk away")))
    return Move(_dial(script, place, 0, script.say("caller to desk")), "call")


def _leave(script: Script, place: Place, step: CallStep) -> Move:
    return Move(_record(script, place, ()))


def _record(script: Script, place: Place, front: tuple[Say, ...]) -> tuple[Verb, ...]:
    after = script.address(place.to("recorded"))
    record = Record(after, script.done_url, LONGEST_ANSWER, language=script.language)
    who = ["caller say who"] if script.stranger else []
    return (*front, *script.say("caller order rule", *who, "record"), record)


def _again(script: Script, place: Place, step: CallStep) -> Move:
    if not script.alert:
        return _missed(script, place, step)
    if place.plays >= MOST_PLAYS:
        return Move((_ask(script, place, script.say("enough")),))
    return Move((_tell(script, place.heard_again(), script.say("once more")),))


def _detail(script: Script, place: Place, step: CallStep) -> Move:
    if not script.detail:
        return _missed(script, place, step)
    if place.plays >= MOST_PLAYS:
        return Move((_ask(script, place, script.say("enough")),))
    return Move((_ask(script, place.heard_again(), script.detail),))


def _stop(script: Script, place: Place, step: CallStep) -> Move:
    if script.elsewhere:
        return _missed(script, place, step)
    return Move((*script.say("stopped", "goodbye"), Hangup()), "stop")


def _missed(script: Script, place: Place, step: CallStep, why: str = "") -> Move:
    """No key or a wrong one: asked again, then a friendly end."""
    if place.is_hopeless:
        return Move((*script.say("goodbye"), Hangup()))
    heard = script.say(why or ("wrong key" if step.digits else "nothing heard"))
    return Move((_ask(script, place.missed(), heard),))


def _tell(script: Script, place: Place, front: tuple[Say, ...]) -> Gather:
    """The alert, if there is one, and the menu."""
    return _ask(script, place, (*front, *script.alert), script.begins(front) if script.alert else 0)


def _ask(script: Script, place: Place, front: tuple[Say | Play, ...], began: int = 0) -> Gather:
    """The menu after `front`. A key counts at any moment, also while the alert is heard, since it `began`."""
    offers = [
        "speak" if script.answerers else "call back",
        "leave",
        *(["hear again"] if script.alert else []),
        *(["caller more"] if script.detail else []),
        *([] if script.elsewhere else ["no more"]),
    ]
    return Gather((*front, *script.say(*offers)), script.address(place.to("menu", at=began)))


def _ask_code(script: Script, place: Place, front: tuple[Say, ...], at: int = 0) -> Gather:
    otherwise = "caller or desk" if script.answerers else "caller or message"
    asked = script.say("caller key code", otherwise)
    return Gather((*front, *asked), script.address(place.to("code", at=at)), CODE_DIGITS, ends="#")


KEYS: Mapping[str, Step] = {"1": _speak, "2": _leave, "3": _again, "4": _detail, "9": _stop}

STATES: Mapping[str, Step] = {
    "start": _start,
    "menu": _chosen,
    "code": _code,
    "dialled": _dialled,
    "offered": _offered,
    "recorded": _recorded,
    "listened": _listened,
    "whisper": _whisper,
    "taken": _taken,
}
