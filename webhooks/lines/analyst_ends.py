"""How an analyst's call ends, whatever it has come to, and how it is known not to have ended."""

from __future__ import annotations

from approvals import dictation, takes
from dispatcher.model.telephone import CallStep, Hangup, Verb
from webhooks.lines import analyst_says as says
from webhooks.lines.talking import Again, Line, State
from webhooks.lines.walking import Place

RECORDED, RECORDED_ANEW = "analyst.recorded", "analyst.recorded-anew"


def give_up(line: Line, *why: str) -> tuple[Verb, ...]:
    """A friendly end of a call without a submission; what was recorded is a draft."""
    kept = dictation.keep(line.session, line.runtime, line.call, named=True)
    if kept is None or kept.state != "draft":
        return line.end(*why)
    return (*line.say(*why), *line.end("analyst kept", reference=says.reference(line, kept)))


def hang_up(line: Line) -> tuple[Verb, ...]:
    """They have hung up; what was recorded is a draft."""
    dictation.keep(line.session, line.runtime, line.call)
    return (Hangup(),)


def missed(line: Line, place: Place, step: CallStep, again: Again) -> tuple[Verb, ...]:
    """No key or a wrong one: asked again by `again`, at last the end."""
    return give_up(line) if place.is_hopeless else line.misheard(place, step, again)


def is_live(line: Line) -> None:
    """Somebody is there, unless the call has come to its end."""
    if line.call.ended_at is None:
        takes.is_live(line.runtime, line.call)


def live(state: State) -> State:
    """Every step of a call shows that somebody is there, except for the one that says that nobody is any more.

    After a recording the state does so itself, once the recording is held.
    """

    def taken(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
        if step.hung_up and place.state not in (RECORDED, RECORDED_ANEW):
            return hang_up(line)
        if line.call.staff is None or not line.call.staff.has("analyst"):
            return line.end("staff nothing")
        if place.state not in (RECORDED, RECORDED_ANEW):
            is_live(line)
        return state(line, place, step)

    return taken
