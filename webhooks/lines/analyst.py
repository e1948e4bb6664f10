"""What an analyst does by telephone: chooses lists, records an alert, hears it, submits it. A key counts at any moment.

Choosing may come before the recording or after it, or not at all: whatever was recorded is kept as a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from approvals import dictation, takes
from approvals.dictation import Handed
from dispatcher.model.call import ALERT
from dispatcher.model.telephone import CallStep, Go, Pause, Play, Record, Say, Verb
from dispatcher.services import favourites, list_numbers
from webhooks.lines import analyst_ends as ends
from webhooks.lines import analyst_says as says
from webhooks.lines.talking import Line, State
from webhooks.lines.walking import Place

Front = Sequence[Say | Play | Pause]

LONGEST_PIECE, LEAST_PIECE = 300, 5  # seconds
SILENCE = 8  # seconds that end a recording: people think while they dictate
# Sound comes from the provider in a second or two; after so many looks it is a draft for now.
LOOKS, FIRST_LOOK, LOOK_EVERY = 10, 1, 2  # times, seconds, seconds
LIST_DIGITS = 9
MOST_HEARD = 2  # times a reference


def begin(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    """Straight to the lists, or to the draft that their last call left."""
    person = line.call.staff
    if person is None:
        return line.end("call again")
    takes.is_live(line.runtime, line.call)
    hello = (*front, *line.say("analyst hello", name=person.name))
    if dictation.open_draft(line.session, line.runtime, person) is not None:
        return _ask_draft(line, place, hello)
    return _ask_lists(line, place.to("analyst.lists"), hello)


def _ask_draft(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    draft = dictation.open_draft(line.session, line.runtime, line.call.staff) if line.call.staff else None
    if draft is None:
        return _ask_lists(line, place.to("analyst.lists"), front)
    return line.ask(
        place.to("analyst.draft"), (*front, *line.say("analyst draft", reference=says.reference(line, draft)))
    )


def _draft(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if step.digits == "2":
        return _ask_lists(line, place.to("analyst.lists"), ())
    if step.digits != "1":
        return ends.missed(line, place, step, _ask_draft)
    draft = dictation.open_draft(line.session, line.runtime, line.call.staff) if line.call.staff else None
    if draft is not None:
        dictation.go_on(line.session, line.call, draft)
    if takes.has_something(line.session, line.call):
        return _ask_menu(line, place, says.chosen(line))
    return _ask_lists(line, place.to("analyst.lists"), says.chosen(line))


# --- the lists --------------------------------------------------------------------------------------------


def _ask_lists(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    """All keys of this page of lists. `place` is that of the next step, its `at` the page."""
    return line.ask(place, (*front, *says.keys(line, place.at)))


def _ask_more(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    """The same keys for who has just heard them all."""
    return line.ask(place.to("analyst.lists", at=place.at), (*front, *line.say(says.onwards(line))))


def _lists(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    offered, further = says.offer(line, place.at)
    if step.digits == "9":
        if takes.has_something(line.session, line.call):
            return _ask_menu(line, place, says.chosen(line))
        return _record(line, place, ends.RECORDED, ())
    if step.digits == "0":
        return _ask_number(line, place, ())
    if step.digits == "8" and (further or place.at):
        return _ask_lists(line, place.to("analyst.lists", at=place.at + 1 if further else 0), ())
    keys = [one.key for one in offered[int(step.digits) - 1 : int(step.digits)]] if step.digits in KEYS else []
    if step.digits == "7" and line.call.staff:
        keys = [one.key for one in favourites.last_used(line.session, line.call.staff)]
    if not keys:
        return ends.missed(line, place, step, lambda line, place, front: _ask_lists(line, _again(place), front))
    takes.choose(line.session, line.call, *keys)
    return _ask_more(line, place, says.chosen(line))


def _again(place: Place) -> Place:
    return place.to("analyst.lists", at=place.at)


def _ask_number(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    there = place.to("analyst.number", at=place.at)
    return line.ask(there, (*front, *line.say("analyst key number")), LIST_DIGITS, "#")


def _number(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    found = list_numbers.list_with(line.session, step.digits)
    if found is None:
        if place.is_hopeless:
            return ends.missed(line, place, step, _ask_number)
        what = "analyst no such list" if step.digits else "nothing heard"
        return _ask_lists(line, _again(place.missed()), line.say(what))
    takes.choose(line.session, line.call, found.key)
    return _ask_more(line, place, says.chosen(line))


# --- the recording ----------------------------------------------------------------------------------------


def _record(line: Line, place: Place, then: str, front: Front) -> tuple[Verb, ...]:
    most = min(LONGEST_PIECE, takes.room(line.session, line.call, anew=then == ends.RECORDED_ANEW))
    if most < LEAST_PIECE:
        return _ask_menu(line, place, line.say("analyst full"))
    takes.is_live(line.runtime, line.call, most)
    speak, after = line.say("analyst speak"), line.address(place.to(then))
    record = Record(after, line.done_url(ALERT), most, SILENCE, speak[0].language)
    return (*front, *speak, record)


def _recorded(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """What ended it is no key of a menu: people were told that any key would."""
    if step.recording_ref and step.recording_seconds > 0:
        anew = place.state == ends.RECORDED_ANEW
        # The recording is held before the call's row, which being alive writes: as by the job that brings the sound.
        dictation.recorded(line.session, line.runtime, line.call, step.recording_ref, step.recording_seconds, anew=anew)
        ends.is_live(line)
        if step.hung_up:
            return ends.hang_up(line)
        seconds = round(takes.take_of(line.session, line.call).seconds)
        return _ask_menu(line, place, line.say("analyst recorded", seconds=seconds))
    if step.hung_up:
        return ends.hang_up(line)
    ends.is_live(line)
    if place.is_hopeless:
        return ends.give_up(line)
    return _record(line, place.missed(), place.state, line.say("analyst silence"))


# --- what becomes of it -----------------------------------------------------------------------------------


def _ask_menu(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    urgent = "analyst make normal" if line.call.urgent else "analyst make urgent"
    return line.ask(place.to("analyst.menu"), (*front, *line.say("analyst menu", urgent, "analyst keep")))


def _menu(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    taken = MENU.get(step.digits)
    return taken(line, place, step) if taken else ends.missed(line, place, step, _ask_menu)


def _to_lists(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    return _ask_lists(line, place.to("analyst.lists"), says.chosen(line))


def _to_record(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    return _record(line, place, ends.RECORDED_ANEW if step.digits == "3" else ends.RECORDED, ())


def _turn_urgent(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    now = takes.turn_urgent(line.session, line.call)
    return _ask_menu(line, place, line.say("analyst urgent" if now else "analyst normal"))


def _hear(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """All of it, once it is here; `at` counts the looks."""
    if dictation.look(line.session, line.runtime, line.call):
        if place.at < LOOKS:
            return _wait(line, place, "analyst.hearing")
        return _ask_menu(line, place, line.say("analyst not here"))
    sounds, text = dictation.heard(line.session, line.runtime, line.call)
    base = line.runtime.settings.public_url
    front: list[Say | Play] = [Play(f"{base}/audio/{line.runtime.token('media', one.id)}.wav") for one in sounds]
    if text and line.call.staff:
        front.append(Say(text, line.call.staff.language))
    takes.is_live(line.runtime, line.call, sum(one.seconds or 0 for one in sounds) + len(text) / 10)
    return _ask_menu(line, place, front or line.say("analyst silence"))


def _wait(line: Line, place: Place, state: str) -> tuple[Verb, ...]:
    front = () if place.at else line.say("analyst wait")
    pause = Pause(LOOK_EVERY if place.at else FIRST_LOOK)
    return (*front, pause, Go(line.address(place.to(state, at=place.at + 1))))


def _submit(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """`at` counts the looks at what is still on its way."""
    handed = dictation.submit(line.session, line.runtime, line.call)
    if handed.came == "waiting" and place.at < LOOKS:
        return _wait(line, place, "analyst.submitting")
    return ANSWERS[handed.came](line, place, handed)


def _submitted(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    if handed.message is None:
        return line.end()
    return line.ask(
        place.to("analyst.submitted"),
        (*says.submitted(line, handed.message, handed), *line.say("analyst hear reference")),
    )


def _heard_reference(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if step.digits != "1" or place.plays > MOST_HEARD:
        return line.end()
    return _submitted(line, place.heard_again(), dictation.submit(line.session, line.runtime, line.call))


def _needs_list(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    return _ask_lists(line, place.to("analyst.lists"), line.say("analyst choose first"))


def _silent(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    return _record(line, place, ends.RECORDED_ANEW, line.say("analyst silence"))


def _late(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    return ends.give_up(line, "analyst not here")


def _decided(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    return line.end("analyst decided")


def _refused(line: Line, place: Place, handed: Handed) -> tuple[Verb, ...]:
    return ends.give_up(line, "analyst refused")


def _keep(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    return ends.give_up(line)


# --- the tables ----------------------------------------------------------------------------------------------

KEYS = tuple(str(key) for key in range(1, says.OFFERED + 1))

MENU: Mapping[str, State] = {
    "1": _submit,
    "2": _hear,
    "3": _to_record,
    "4": _to_record,
    "5": _to_lists,
    "6": _turn_urgent,
    "9": _keep,
}

ANSWERS: Mapping[str, Callable[[Line, Place, Handed], tuple[Verb, ...]]] = {
    "submitted": _submitted,
    "waiting": _late,
    "silent": _silent,
    "lost": _late,
    "no lists": _needs_list,
    "decided": _decided,
    "refused": _refused,
}

STATES: Mapping[str, State] = {
    name: ends.live(state)
    for name, state in {
        "analyst.draft": _draft,
        "analyst.lists": _lists,
        "analyst.number": _number,
        ends.RECORDED: _recorded,
        ends.RECORDED_ANEW: _recorded,
        "analyst.menu": _menu,
        "analyst.hearing": _hear,
        "analyst.submitting": _submit,
        "analyst.submitted": _heard_reference,
    }.items()
}
