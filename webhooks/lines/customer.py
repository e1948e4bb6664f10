"""The customers' line: finds out who it is, walks the menu one step, does what was asked for, says what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from dispatcher.model import Staff
from dispatcher.model.errors import StateConflict
from dispatcher.model.telephone import CallStep, Hangup, Play, Say, Verb
from dispatcher.runtime import Runtime
from dispatcher.services import calls, codes, guesses, listening, local_time, recordings
from dispatcher.services.dialable import dialable
from webhooks import prompts
from webhooks.lines import customer_menu, hearing
from webhooks.lines.customer_menu import Answerer, Script, sentences
from webhooks.lines.walking import Place

Who = dict[str, str | int]
# What callers are spoken to in whom nobody knows, by the country that they call from.
_BY_COUNTRY = {"+49": "de", "+43": "de", "+33": "fr"}


def answer(
    session: Session, runtime: Runtime, provider: str, query: Mapping[str, str], place: Place, step: CallStep
) -> Sequence[Verb]:
    """One step of a call on this line."""
    who, caller = _caller(session, runtime, query, step)
    if caller is not None and caller.customer is None and place.state == "code" and not step.hung_up:
        known = _by_code(session, runtime, step)
        if known is not None:
            who, caller = {**_ids(known), "code": 1}, known
            place = Place("start", place.step)
    if caller is None:
        return _sorry(runtime)
    script = _script(session, runtime, provider, who, caller, step, query.get("call", ""))
    if place.state == "listened":
        script = replace(script, spoken=recordings.came_to(session, runtime, provider, step.call_ref))
    if _was_heard(runtime, caller, script, place, step) and caller.delivery:
        listening.heard_to_the_end(session, runtime, caller.delivery.id)
    move = customer_menu.walk(script, place, step)
    _do(session, runtime, provider, caller, script, place, step, move.deed, query.get("call", ""))
    return move.verbs


def _caller(
    session: Session, runtime: Runtime, query: Mapping[str, str], step: CallStep
) -> tuple[Who, calls.Caller | None]:
    """Who is on the line, and what of it the next addresses carry: ids, never a number or a name."""
    number = "" if step.outbound else step.caller
    who: Who = {name: query[name] for name in ("attempt", "customer", "message", "code", "stranger") if query.get(name)}
    if who or step.outbound:
        return who, calls.by_address(session, runtime, query, number)
    caller = calls.by_number(session, runtime, number)
    return (_ids(caller), caller) if caller else ({"stranger": 1}, calls.stranger(number))


def _ids(caller: calls.Caller) -> Who:
    found = {"customer": caller.customer, "message": caller.message}
    return {name: row.id for name, row in found.items() if row is not None}


def _by_code(session: Session, runtime: Runtime, step: CallStep) -> calls.Caller | None:
    if step.digits in ("", "0") or not guesses.may_try(session, runtime, step.caller):
        return None
    delivery = codes.find(session, runtime, step.digits, step.caller)
    return calls.by_code(session, delivery, step.caller) if delivery else None


# --- what the call is about -------------------------------------------------------------------------------


def _script(
    session: Session, runtime: Runtime, provider: str, who: Who, caller: calls.Caller, step: CallStep, call_ref: str
) -> Script:
    settings, outbound = runtime.settings, "attempt" in who
    language = _language(caller, outbound)
    rep = calls.representative(session, caller)
    alert = _alert(runtime, caller)
    pieces = _pieces(runtime, alert, language) if alert else ()
    base = f"{settings.public_url}/webhooks/{provider}"
    leg = {**who, "call": call_ref or step.call_ref}
    return Script(
        firm=settings.firm_name,
        rep=rep.name if rep else settings.firm_name,
        # In a call in, the greeting has said what it is about.
        alert=pieces if outbound else pieces[1:] or pieces,
        address=lambda place: f"{base}/voice?{urlencode({**who, **place.query()})}",
        leg=lambda place: f"{base}/voice?{urlencode({**leg, **place.query()})}",
        done_url=f"{base}/recording-status?{urlencode(who)}",
        language=language,
        answerers=_answerers(session, runtime, caller),
        # Our own side of this call, where no line of ours is set: vendors show only numbers they know to be ours.
        caller_id=settings.customer_line or (step.caller if step.outbound else step.called),
        line=settings.customer_line,
        inbound=not outbound,
        subject=alert.subject if alert else "",
        detail=_detail(caller, alert, language, outbound),
        code=codes.make(runtime, caller.delivery.id) if outbound and caller.delivery else "",
        stranger=caller.customer is None,
        elsewhere=caller.elsewhere,
        begins=lambda front: hearing.begins_at(runtime, front),
    )


def _alert(runtime: Runtime, caller: calls.Caller) -> calls.Alert | None:
    """None also where it cannot be read: who calls about it can still answer."""
    try:
        return calls.heard(runtime, caller.message) if caller.message else None
    except StateConflict:
        return None


def _language(caller: calls.Caller, outbound: bool) -> str:
    if caller.customer is None:
        return _BY_COUNTRY.get(caller.number[:3], "en")
    return caller.delivery.language if outbound and caller.delivery else caller.customer.language


def _pieces(runtime: Runtime, alert: calls.Alert, language: str) -> tuple[Say | Play, ...]:
    recording = ""
    if alert.media_id is not None:
        recording = f"{runtime.settings.public_url}/audio/{runtime.token('media', alert.media_id)}.wav"
    voice = alert.voice(language)
    return tuple(Say(piece, voice) if piece else Play(recording) for piece in alert.pieces if piece or recording)


def _was_heard(runtime: Runtime, caller: calls.Caller, script: Script, place: Place, step: CallStep) -> bool:
    """Whether they come to the menu from all of the alert."""
    if place.state != "menu" or not place.at or step.hung_up or caller.message is None:
        return False
    sound = 0.0
    if any(isinstance(one, Play) for one in script.alert):
        recording = caller.message.current.recording
        if recording is None or recording.seconds is None:
            return False
        sound = recording.seconds
    said = hearing.letters(script.alert)
    return hearing.was_whole(runtime, said, sound, place.at, by_key=bool(step.digits))


def _detail(caller: calls.Caller, alert: calls.Alert | None, language: str, outbound: bool) -> tuple[Say, ...]:
    """What goes beyond the alert: the text that came with a recording, and, to who calls us, whose it is and since
    when."""
    message = caller.message
    if message is None or alert is None or message.released_at is None or caller.customer is None:
        return ()
    written = (*sentences(language, "caller written"), *(Say(one, alert.voice(language)) for one in alert.written))
    told = written if alert.written else ()
    if outbound:
        return told
    local = message.released_at.astimezone(local_time.zone(caller.customer.timezone))
    return (*told, *_from(language, message.author.name, local))


def _from(language: str, author: str, at: datetime) -> tuple[Say, ...]:
    _, said = prompts.in_language(language)
    month = said["caller months"].split(", ")[at.month - 1]
    return sentences(language, "caller from", author=author, day=at.day, month=month, time=f"{at.hour}:{at:%M}")


def _answerers(session: Session, runtime: Runtime, caller: calls.Caller) -> tuple[Answerer, ...]:
    """Who is rung, one after the other, of those whose number may be dialled."""
    settings, rep = runtime.settings, calls.representative(session, caller)
    if caller.customer is None:
        about = sentences("en", "caller whisper stranger", firm=settings.firm_name)
        return (Answerer("", settings.desk_phone, "en", about),) if dialable(runtime, settings.desk_phone) else ()
    return tuple(
        Answerer(one.name, one.phone, one.language, _about(runtime, caller, one), cover=one is not rep)
        for one in calls.answerers(session, runtime, caller)
        if one.phone and dialable(runtime, one.phone)
    )


def _about(runtime: Runtime, caller: calls.Caller, one: Staff) -> tuple[Say, ...]:
    customer, message, who = caller.customer, caller.message, caller.customer.name if caller.customer else ""
    if customer and customer.firm:
        (of,) = sentences(one.language, "caller of firm", customer=who, company=customer.firm.name)
        who = of.text
    names = ["caller whisper", *(["caller whisper code"] if caller.elsewhere else [])]
    names += ["caller whisper about"] if message else []
    subject = message.current.subject if message else ""
    return sentences(one.language, *names, firm=runtime.settings.firm_name, who=who, subject=subject)


def _sorry(runtime: Runtime) -> tuple[Verb, ...]:
    return *sentences("en", "not valid", "goodbye"), Hangup()


# --- what they ask for ------------------------------------------------------------------------------------


def _do(
    session: Session, runtime: Runtime, provider: str, caller: calls.Caller, script: Script, place: Place,
    step: CallStep, deed: str, parent: str,
) -> None:  # fmt: skip
    if deed == "voice":
        reply = calls.leaves_recording(
            session, runtime, provider, caller, step.recording_ref, step.recording_seconds, call_ref=step.call_ref
        )
        if reply.sender in ("", calls.WITHHELD):
            reply.sender = caller.number  # news of the recording, which has no number, was here first
    elif caller.customer is None:
        return  # whoever picks up at the desk hears who it is; nobody waits to be told
    elif deed == "call":
        calls.asks_for_call(session, runtime, provider, step.call_ref, caller)
    elif deed == "call back":
        calls.call_ended(session, runtime, provider, step.call_ref, caller, "")
    elif deed == "declined":
        if parent and not script.answerers[place.at].cover:
            calls.call_ended(session, runtime, provider, parent, caller, "declined", last=False)
    elif deed == "joined":
        last = step.dial_status == "completed" or step.hung_up or place.at + 1 >= len(script.answerers)
        result = _result(script, place, step)
        calls.call_ended(session, runtime, provider, step.call_ref, caller, result, last=last)
    elif deed == "stop":
        calls.wants_no_calls(session, runtime, provider, step.call_ref, caller)


def _result(script: Script, place: Place, step: CallStep) -> str:
    """In the words of `calls.RESULTS`."""
    if place.at < len(script.answerers) and script.answerers[place.at].cover:
        return "cover" if step.dial_status == "completed" else "nobody"
    return step.dial_status or "failed"
