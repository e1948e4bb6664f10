"""What an officer does by telephone: hears who wrote an alert, for whom, and the alert itself; then decides.

A key counts at any moment. Approving waits until all of it was played once; then four digits are read out, which
stand for exactly what was heard, and only these, keyed in the same call, approve it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from approvals import review
from dispatcher.model import Message, Recording
from dispatcher.model.call import REASON
from dispatcher.model.errors import DispatcherError, StateConflict
from dispatcher.model.telephone import CallStep, Hangup, Pause, Play, Record, Say, Verb
from dispatcher.services import recordings
from webhooks.lines import hearing, officer_hears
from webhooks.lines.talking import Again, Line, State
from webhooks.lines.walking import Place

Front = Sequence[Say | Play | Pause]

LONGEST_REASON = 120  # seconds
MOST_COLLEAGUES, TRIES = 9, 2  # on the keys; at the code


def begin(line: Line, place: Place) -> tuple[Verb, ...]:
    """The alert that rang them, or the first of those that wait."""
    call, officer = line.call, line.call.staff
    found = review.waiting(line.session, officer) if officer else []
    rung = call.message if call.outbound else None
    if rung is not None:
        return _present(line, place, rung) if rung in found else _onwards(line, place, officer_hears.why_not(line))
    if not found:
        own_pin = officer is not None and review.waits_for_own_pin(line.session, officer)
        return line.end("officer own PIN" if own_pin else "officer none")
    return _present(line, place, found[0], line.say("officer many", count=len(found)) if len(found) > 1 else ())


def _onwards(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    """The next that waits, or a friendly end."""
    if others := review.others(line.session, line.call):
        return _present(line, place, others[0], (*front, *line.say("officer next")))
    return (*front, *line.end())


# --- what is heard ----------------------------------------------------------------------------------------


def _present(line: Line, place: Place, message: Message, front: Front = ()) -> tuple[Verb, ...]:
    review.take_up(line.session, line.runtime, line.call, message)
    return _play(line, place, front)


def _play(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    """Whose it is and for whom, until all of it was heard once, and then the alert."""
    message = line.call.message
    if message is None:
        return line.end("call again")
    try:
        heard = review.heard_of(line.session, line.runtime, message)
    except StateConflict:
        return _ask_menu(line, place, (*front, *line.say("officer unreadable")))
    about = () if line.call.heard_at else officer_hears.about(line, heard)
    if officer_hears.is_too_long(heard):
        return _ask_menu(line, place, (*front, *about, *line.say("officer too long")))
    here = place.to("officer.hearing", at=hearing.begins_at(line.runtime, front))
    # The shortest wait for a key: what ends without one was heard to the end.
    return line.ask(here, (*front, *about, *officer_hears.alert(line, heard)), timeout=1)


def _hearing(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """It has ended, or a key was pressed meanwhile. `at` is when it began."""
    if moved := _moved(line, place):
        return moved
    if line.call.heard_at is None and line.call.message is not None:
        whole = officer_hears.was_whole(line, line.call.message, place.at, by_key=bool(step.digits))
        put_down = review.heard_out if whole else review.skipped
        put_down(line.session, line.runtime, line.call, step.digits)
    if not step.digits:
        return _ask_menu(line, place, ())
    taken = KEYS.get(step.digits)
    return taken(line, place, step) if taken else line.misheard(place, step, _play)


# --- the menu ---------------------------------------------------------------------------------------------


def _ask_menu(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    more = line.say("officer more") if review.others(line.session, line.call) else ()
    return line.ask(place.to("officer.menu"), (*front, *line.say("officer menu"), *more), timeout=8)


def _menu(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if moved := _moved(line, place):
        return moved
    taken = KEYS.get(step.digits)
    return taken(line, place, step) if taken else line.misheard(place, step, _ask_menu)


def _approve(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if line.call.heard_at is None:
        return _play(line, place, line.say("officer to the end"))
    return _moved(line, place, to_approve=True) or _ask_code(line, place, ())


def _again(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    return _play(line, place, line.say("once more"))


def _next(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if others := review.others(line.session, line.call):
        return _present(line, place, others[0])
    return _ask_menu(line, place, line.say("officer no other"))


# --- approve ----------------------------------------------------------------------------------------------


def _ask_code(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    code = ", ".join(review.code_of(line.call.digest or "0"))
    here = place.to("officer.code", at=place.at if place.state == "officer.code" else 0)
    return line.ask(here, (*front, *line.say("officer code", code=code)), review.CODE_DIGITS, timeout=8)


def _code(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """`at` counts the wrong codes."""
    if moved := _moved(line, place, to_approve=True):
        return moved
    if not step.digits:
        return line.misheard(place, step, _ask_code)
    try:
        made = review.approve(line.session, line.runtime, line.call, step.digits)
    except DispatcherError:
        return _refused(line, place, to_approve=True)
    if made is not None:
        return _onwards(line, place, officer_hears.approved(line, made))
    wrong = line.say("officer other code")
    if place.at + 1 >= TRIES:
        return _ask_menu(line, place, (*wrong, *line.say("officer nothing done")))
    return _ask_code(line, replace(place, at=place.at + 1), wrong)


# --- return and say why -----------------------------------------------------------------------------------


def _ask_why(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    spoken, why = line.address(place.to("officer.why")), line.say("officer why")
    record = Record(spoken, line.done_url(REASON), LONGEST_REASON, language=why[0].language)
    return (*front, *why, record)


def _why(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """They have spoken, or hung up with that: what they said then counts as soon as it is here, if it is words."""
    reason = _spoken(line, step)
    if step.hung_up:
        line.call.ended_at = line.runtime.now()
        if reason is not None:
            review.reason_arrived(line.session, line.runtime, reason)
        return (Hangup(),)
    if moved := _moved(line, place):
        return moved
    if reason is not None and review.has_words(reason):
        return _ask_keep(line, replace(place, at=reason.id), ())
    if place.is_hopeless:
        return line.end("silence", "officer nothing done")
    return _ask_why(line, place.missed(), line.say("silence"))


def _spoken(line: Line, step: CallStep) -> Recording | None:
    if not step.recording_ref:
        return None
    return recordings.expect(
        line.session,
        line.runtime,
        provider=line.provider,
        ref=step.recording_ref,
        call_ref=step.call_ref,
        purpose=REASON,
        seconds=step.recording_seconds,
        staff_call=line.call,
    )


def _ask_keep(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    return line.ask(place.to("officer.keep", at=place.at), (*front, *line.say("officer keep")), timeout=8)


def _keep(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """`at` is the recording."""
    if moved := _moved(line, place):
        return moved
    reason = line.session.get(Recording, place.at)
    if reason is None or reason.staff_call_id != line.call.id or step.digits == "3":
        return _ask_menu(line, place, line.say("officer nothing done"))
    if step.digits == "2":
        return _ask_why(line, place, ())
    if step.digits != "1":
        return line.misheard(place, step, _ask_keep)
    try:
        made = review.give_back(line.session, line.runtime, line.call, reason)
    except DispatcherError:
        return _refused(line, place)
    if made is None:
        return _ask_why(line, place, line.say("silence"))
    return _onwards(line, place, line.say("officer returned", author=made.message.author.name))


# --- reject -----------------------------------------------------------------------------------------------


def _reject(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    """For good, so not by a key that was keyed too often and runs on into an alert that nobody has heard."""
    if line.call.heard_at is None:
        return _play(line, place, line.say("officer to the end"))
    return _ask_sure(line, place, ())


def _ask_sure(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    return line.ask(place.to("officer.sure"), (*front, *line.say("officer sure")))


def _sure(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if moved := _moved(line, place):
        return moved
    if not step.digits:
        return line.misheard(place, step, _ask_sure)
    if step.digits != "9":
        return _ask_menu(line, place, line.say("officer nothing done"))
    try:
        made = review.decide(line.session, line.runtime, line.call, "reject")
    except DispatcherError:
        return _refused(line, place)
    return _onwards(line, place, line.say("officer rejected", author=made.message.author.name))


# --- pass to a colleague ----------------------------------------------------------------------------------


def _ask_colleague(line: Line, place: Place, front: Front) -> tuple[Verb, ...]:
    found = review.colleagues(line.session, line.runtime, line.call)[:MOST_COLLEAGUES]
    if not found:
        return _ask_menu(line, place, line.say("officer nobody else"))
    offers = [line.say("officer colleague", name=one.name, key=key)[0] for key, one in enumerate(found, 1)]
    return line.ask(place.to("officer.colleague"), (*front, *offers, *line.say("officer back")), timeout=8)


def _colleague(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
    if moved := _moved(line, place):
        return moved
    if step.digits == "0":
        return _ask_menu(line, place, ())
    found = review.colleagues(line.session, line.runtime, line.call)[:MOST_COLLEAGUES]
    chosen = next((one for key, one in enumerate(found, 1) if str(key) == step.digits), None)
    if chosen is None:
        return line.misheard(place, step, _ask_colleague)
    review.pass_on(line.session, line.runtime, line.call, chosen)
    return _onwards(line, place, line.say("officer passed", name=chosen.name))


# --- what has changed meanwhile ---------------------------------------------------------------------------


def _moved(line: Line, place: Place, *, to_approve: bool = False) -> tuple[Verb, ...]:
    """What to say where the alert is no longer as it was heard, to approve also for those it was heard for; nothing
    while it is.
    """
    how = review.standing(line.session, line.call, to_approve=to_approve)
    if how == "waits":
        return ()
    if how in ("changed", "others") and line.call.message is not None:
        return _present(line, place, line.call.message, line.say(f"officer {how}"))
    return _onwards(line, place, officer_hears.why_not(line))


def _refused(line: Line, place: Place, *, to_approve: bool = False) -> tuple[Verb, ...]:
    """A gate has said no: somebody was quicker, it has changed, or nothing may leave now."""
    return _moved(line, place, to_approve=to_approve) or _ask_menu(line, place, line.say("officer refused"))


def _opens(ask: Again) -> State:
    """A key that leads to a question."""
    return lambda line, place, step: ask(line, place, ())


KEYS: Mapping[str, State] = {
    "1": _approve,
    "2": _opens(_ask_why),
    "3": _reject,
    "4": _again,
    "5": _opens(_ask_colleague),
    "6": _next,
}


def _live(state: State) -> State:
    """The state, for whom is still there: silence after a hang-up is no hearing."""

    def taken(line: Line, place: Place, step: CallStep) -> tuple[Verb, ...]:
        return (Hangup(),) if step.hung_up else state(line, place, step)

    return taken


STATES: Mapping[str, State] = {
    "officer.hearing": _live(_hearing),
    "officer.menu": _live(_menu),
    "officer.code": _live(_code),
    "officer.why": _why,
    "officer.keep": _live(_keep),
    "officer.sure": _live(_sure),
    "officer.colleague": _live(_colleague),
}
