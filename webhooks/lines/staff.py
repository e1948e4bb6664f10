"""The line for members of staff: who they say they are, their PIN, and then what they may do.

A caller's number is only a hint whom to ask for a PIN. The menus are tables of states; every state beyond the PIN is
barred until the call's row in the database says that the PIN was right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from sqlalchemy.orm import Session

from approvals import review
from dispatcher.model import Attempt
from dispatcher.model.ports import WebRequest
from dispatcher.model.telephone import CallStep, Hangup, Pause, Play, Say, Verb
from dispatcher.runtime import Runtime
from dispatcher.services import pins, staff_calls
from webhooks.lines import analyst, officer
from webhooks.lines.talking import Line, State
from webhooks.lines.walking import Place

PIN_DIGITS, NUMBER_DIGITS = 12, 15


def is_theirs(session: Session, runtime: Runtime, query: Mapping[str, str], step: CallStep) -> bool:
    """Whether this call is on the line for members of staff."""
    if query.get("line") == "staff":
        return True
    if step.outbound:
        attempt = session.get(Attempt, query.get("attempt", ""))
        return attempt is not None and attempt.letter is not None and attempt.letter.staff_id is not None
    return bool(runtime.settings.analyst_line) and step.called == runtime.settings.analyst_line


def holds_pin(request: WebRequest) -> bool:
    """Whether the keys in this request may be a PIN, which is kept nowhere: some key it where their number is asked."""
    query = parse_qs(request.query)
    return query.get("line") == ["staff"] and query.get("s") in (["number"], ["pin"])


def answer(
    session: Session, runtime: Runtime, provider: str, query: Mapping[str, str], place: Place, step: CallStep
) -> tuple[Verb, ...]:
    """One step of a call on this line."""
    call = staff_calls.of(session, runtime, provider, step, query.get("attempt", ""))
    if call is None:
        return (Hangup(),)
    line = Line(session, runtime, provider, call)
    taken = SIGN_IN.get(place.state)
    if taken is not None and step.hung_up:
        return (Hangup(),)
    if taken is None:
        taken = STATES.get(place.state) if staff_calls.is_proven(call, runtime) else None
    if taken is None:
        return line.end("call again")
    return taken(line, place, step)


# --- who it is --------------------------------------------------------------------------------------------


def _start(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if step.answered_by == "machine":
        # A voicemail box may be anybody's: not a word of why we call. The notice on the other channels stands.
        return (Hangup(),)
    front = line.say("staff called" if line.call.outbound else "staff welcome")
    return _ask_pin(line, place, front) if line.call.staff else _ask_number(line, place, front)


def _ask_number(line: Line, place: Place, front: Sequence[Say | Play | Pause]) -> tuple[Verb, ...]:
    return line.ask(place.to("number"), (*front, *line.say("key number")), NUMBER_DIGITS, "#", 10)


def _number(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if not step.digits:
        return line.misheard(place, step, _ask_number)
    # The same is asked of whoever keys a number that is nobody's: who works here is not to be found out.
    staff_calls.says_to_be(line.session, line.runtime, line.call, step.digits)
    return _ask_pin(line, place, ())


def _ask_pin(line: Line, place: Place, front: Sequence[Say | Play | Pause]) -> tuple[Verb, ...]:
    return line.ask(place.to("pin"), (*front, *line.say("key pin")), PIN_DIGITS, "#", 10)


def _pin(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if not step.digits:
        return line.misheard(place, step, _ask_pin)
    verdict = pins.check(line.session, line.runtime, line.call, step.digits)
    if verdict.right:
        return _choose(line, place, step)
    if verdict.over:
        return line.end("pin barred" if verdict.barred else "pin locked" if verdict.locked else "pin wrong")
    # The wait is before the question, where keys are not heard: a right PIN keyed early would count as wrong.
    return (*line.say("pin wrong"), Pause(verdict.wait), *_ask_pin(line, place, ()))


SIGN_IN: Mapping[str, State] = {"start": _start, "number": _number, "pin": _pin}


# --- what they may do -------------------------------------------------------------------------------------


def _choose(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """Straight to what the call is for, or to a choice where there are two."""
    person = line.call.staff
    if person is None:
        return line.end("call again")
    if line.call.outbound or not person.has("analyst"):
        return officer.begin(line, place) if person.has("officer") else line.end("staff nothing")
    if review.waiting(line.session, person):
        return _ask_which(line, place, ())
    return analyst.begin(line, place, ())


def _ask_which(line: Line, place: Place, front: Sequence[Say | Play | Pause]) -> tuple[Verb, ...]:
    return line.ask(place.to("which"), (*front, *line.say("staff two lines")))


def _which(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if step.digits == "1":
        return analyst.begin(line, place, ())
    return officer.begin(line, place) if step.digits == "2" else line.misheard(place, step, _ask_which)


STATES: Mapping[str, State] = {"which": _which, **analyst.STATES, **officer.STATES}
