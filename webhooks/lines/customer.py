"""The customers' line: finds out who it is, walks the menu one step, does what was asked for, says what comes next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from dispatcher.model import Customer
from dispatcher.model.telephone import CallStep, Hangup, Play, Say, Verb
from dispatcher.runtime import Runtime
from dispatcher.services import calls, reply_notices
from webhooks import prompts
from webhooks.lines import customer_menu
from webhooks.lines.customer_menu import Script
from webhooks.lines.walking import Place

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # nothing else is ever dialled


def answer(
    session: Session, runtime: Runtime, provider: str, query: Mapping[str, str], place: Place, step: CallStep
) -> Sequence[Verb]:
    """One step of a call on this line."""
    who, caller = _caller(session, runtime, query, step)
    if caller is None:
        known = bool(who) or step.outbound
        return _sorry(runtime, "not valid" if known else "unknown caller")
    script = _script(session, runtime, provider, who, caller, step)
    move = customer_menu.walk(script, place, step)
    _do(session, runtime, provider, caller, step, move.deed)
    return move.verbs


def _caller(
    session: Session, runtime: Runtime, query: Mapping[str, str], step: CallStep
) -> tuple[dict[str, str | int], calls.Caller | None]:
    """Who is on the line, and what of it the next addresses carry: ids, never a number or a name."""
    attempt, customer, message = (query.get(name, "") for name in ("attempt", "customer", "message"))
    if attempt:
        return {"attempt": attempt}, calls.by_attempt(session, runtime, attempt)
    if customer.isdigit():
        about = int(message) if message.isdigit() else None
        number = "" if step.outbound else step.caller
        return _ids(int(customer), about), calls.again(session, runtime, int(customer), about, number)
    if step.outbound:
        return {}, None
    caller = calls.by_number(session, runtime, step.caller)
    if caller is None:
        return {}, None
    return _ids(caller.customer.id, caller.message.id if caller.message else None), caller


def _ids(customer_id: int, message_id: int | None) -> dict[str, str | int]:
    return {"customer": customer_id, "message": message_id} if message_id else {"customer": customer_id}


def _script(
    session: Session, runtime: Runtime, provider: str, who: dict[str, str | int], caller: calls.Caller, step: CallStep
) -> Script:
    settings = runtime.settings
    rep = calls.representative(session, caller)
    number = (rep.phone or "") if rep else ""
    outbound = "attempt" in who
    language = caller.delivery.language if outbound and caller.delivery else caller.customer.language
    base = f"{settings.public_url}/webhooks/{provider}"

    def address(place: Place) -> str:
        return f"{base}/voice?{urlencode({**who, **place.query()})}"

    return Script(
        firm=settings.firm_name,
        rep=rep.name if rep else settings.firm_name,
        alert=_alert(runtime, caller, language),
        address=address,
        done_url=f"{base}/recording-status?{urlencode(who)}",
        language=language,
        rep_number=number if _NUMBER.fullmatch(number) else "",
        # Our own side of this call, where no line of ours is set: vendors show only numbers they know to be ours.
        caller_id=settings.customer_line or (step.caller if step.outbound else step.called),
        line=settings.customer_line,
        inbound=not outbound,
        about=_about(runtime, caller.customer, caller),
    )


def _alert(runtime: Runtime, caller: calls.Caller, language: str) -> tuple[Say | Play, ...]:
    if caller.message is None:
        return ()
    alert = calls.heard(runtime, caller.message)
    recording = ""
    if alert.media_id is not None:
        recording = f"{runtime.settings.public_url}/audio/{runtime.token('media', alert.media_id)}.wav"
    return tuple(Say(piece, language) if piece else Play(recording) for piece in alert.pieces if piece or recording)


def _about(runtime: Runtime, customer: Customer, caller: calls.Caller) -> str:
    about = f", about the alert: {reply_notices.subject_of(caller.message)}" if caller.message else ""
    of = f" of {customer.firm.name}" if customer.firm else ""
    return f"{runtime.settings.firm_name}. {customer.name}{of} is on the line{about}."


def _sorry(runtime: Runtime, what: str) -> tuple[Verb, ...]:
    said = prompts.TABLES["en"]
    return Say(said[what].format(firm=runtime.settings.firm_name)), Say(said["goodbye"]), Hangup()


def _do(session: Session, runtime: Runtime, provider: str, caller: calls.Caller, step: CallStep, deed: str) -> None:
    if deed == "call":
        calls.asks_for_call(session, runtime, provider, step.call_ref, caller)
    elif deed == "call back":
        calls.call_ended(session, runtime, provider, step.call_ref, caller, "")
    elif deed == "joined":
        calls.call_ended(session, runtime, provider, step.call_ref, caller, step.dial_status or "failed")
    elif deed == "voice":
        calls.leaves_recording(session, runtime, provider, caller, step.recording_ref, step.recording_seconds)
    elif deed == "stop":
        calls.wants_no_calls(session, runtime, provider, step.call_ref, caller)
