"""The menu of an alert call, as a table of places that can be walked without a telephone.

A place takes one step of the caller and gives what is said next and what is to be done. Nothing is remembered here:
where a call is stands in the address of its next request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatcher.model.telephone import CallStep, Dial, Gather, Hangup, Play, Record, Say, Verb
from webhooks import prompts
from webhooks.lines.walking import Place

MOST_PLAYS = 5
LONGEST_ANSWER = 180  # seconds


@dataclass(frozen=True, slots=True)
class Script:
    """What one call is about. `alert` is empty where there is none; `rep_number` where nobody can be dialled.

    `address` makes the address of a place's next request.
    """

    firm: str
    rep: str
    alert: tuple[Say | Play, ...]
    address: Callable[[Place], str]
    done_url: str = ""
    language: str = "en"
    rep_number: str = ""
    caller_id: str = ""
    line: str = ""
    inbound: bool = False
    about: str = ""  # what the representative hears before the calls are joined

    def say(self, *names: str) -> tuple[Say, ...]:
        """Sentences of the tables in the caller's language."""
        tag, said = prompts.in_language(self.language)
        return tuple(
            Say(
                said[name].format(firm=self.firm, rep=self.rep, line=" ".join(self.line.lstrip("+")), times=MOST_PLAYS),
                tag,
            )
            for name in names
        )


@dataclass(frozen=True, slots=True)
class Move:
    """What is said next, and what the caller has asked for: "", call, call back, joined, voice or stop."""

    verbs: tuple[Verb, ...]
    deed: str = ""


Step = Callable[[Script, Place, CallStep], Move]


def walk(script: Script, place: Place, step: CallStep) -> Move:
    """One step from a place. A hang-up ends everything, but what was spoken before it counts."""
    if step.hung_up and place.state not in ("recorded", "dialled"):
        return Move((Hangup(),))
    return STATES.get(place.state, _lost)(script, place, step)


# --- the places -------------------------------------------------------------------------------------------


def _start(script: Script, place: Place, step: CallStep) -> Move:
    if step.answered_by == "machine":
        how = "how to answer" if script.line else "answer by rep"
        return Move((*script.alert, *script.say(how, "goodbye"), Hangup()))
    front = script.say("welcome", "last alert" if script.alert else "no alert") if script.inbound else ()
    return Move((_ask(script, place, (*front, *script.alert)),))


def _chosen(script: Script, place: Place, step: CallStep) -> Move:
    taken = KEYS.get(step.digits)
    return taken(script, place, step) if taken else _missed(script, place, step)


def _dialled(script: Script, place: Place, step: CallStep) -> Move:
    if step.dial_status == "completed" or step.hung_up:
        return Move((*script.say("goodbye"), Hangup()), "joined")
    offer = Gather(script.say("not reached", "leave too"), script.address(place.to("offered")))
    return Move((offer,), "joined")


def _offered(script: Script, place: Place, step: CallStep) -> Move:
    return _leave(script, place, step) if step.digits == "2" else Move((*script.say("goodbye"), Hangup()))


def _recorded(script: Script, place: Place, step: CallStep) -> Move:
    if step.recording_ref:
        return Move((*script.say("recorded", "goodbye"), Hangup()), "voice")
    if step.hung_up:
        return Move((Hangup(),))
    return _missed(script, place, step, "silence")


def _whisper(script: Script, place: Place, step: CallStep) -> Move:
    return Move((Say(script.about),))


def _lost(script: Script, place: Place, step: CallStep) -> Move:
    return Move((*script.say("not valid", "goodbye"), Hangup()))


# --- the keys ---------------------------------------------------------------------------------------------


def _speak(script: Script, place: Place, step: CallStep) -> Move:
    if not script.rep_number:
        offer = Gather(script.say("will call", "leave too"), script.address(place.to("offered")))
        return Move((offer,), "call back")
    dial = Dial(
        script.rep_number,
        script.caller_id,
        next_url=script.address(place.to("dialled")),
        whisper_url=script.address(place.to("whisper")),
    )
    return Move((*script.say("connecting"), dial), "call")


def _leave(script: Script, place: Place, step: CallStep) -> Move:
    record = Record(script.address(place.to("recorded")), script.done_url, LONGEST_ANSWER)
    return Move((*script.say("record"), record))


def _again(script: Script, place: Place, step: CallStep) -> Move:
    if not script.alert:
        return _missed(script, place, step)
    if place.plays >= MOST_PLAYS:
        return Move((_ask(script, place, script.say("enough")),))
    return Move((_ask(script, place.heard_again(), (*script.say("once more"), *script.alert)),))


def _stop(script: Script, place: Place, step: CallStep) -> Move:
    return Move((*script.say("stopped", "goodbye"), Hangup()), "stop")


def _missed(script: Script, place: Place, step: CallStep, why: str = "") -> Move:
    """No key or a wrong one: asked again, then a friendly end."""
    if place.is_hopeless:
        return Move((*script.say("goodbye"), Hangup()))
    heard = script.say(why or ("wrong key" if step.digits else "nothing heard"))
    return Move((_ask(script, place.missed(), heard),))


def _ask(script: Script, place: Place, front: tuple[Say | Play, ...]) -> Gather:
    """The menu after `front`. A key counts at any moment, also while the alert is heard."""
    offers = [
        "speak" if script.rep_number else "call back",
        "leave",
        *(["hear again"] if script.alert else []),
        "no more",
    ]
    return Gather((*front, *script.say(*offers)), script.address(place.to("menu")))


KEYS: Mapping[str, Step] = {"1": _speak, "2": _leave, "3": _again, "9": _stop}

STATES: Mapping[str, Step] = {
    "start": _start,
    "menu": _chosen,
    "dialled": _dialled,
    "offered": _offered,
    "recorded": _recorded,
    "whisper": _whisper,
}
