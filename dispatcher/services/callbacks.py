"""What providers tell us: kept raw first, then read and applied, in any order and any number of copies."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Attempt, Callback, Delivery, Letter, ProviderEvent
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import Event, WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import calls, replies, status, suppressions, tasks
from dispatcher.services.once import clean, insert_once

log = logging.getLogger(__name__)

MAX_TRIES = 3
BACK_OFF = timedelta(seconds=15)
# News may outrun our own commit of the provider's reference. It is tried again, each time after as long as it is old.
PARKED_FOR = timedelta(hours=1)
_FIRST_LOOK = timedelta(seconds=2)

# Live calls are answered while they wait; there is nothing left to apply.
LIVE = ("voice",)
# Never written down: they carry secrets, and nothing is read from them after the request was verified.
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


def keep(session: Session, runtime: Runtime, provider: str, what: str, request: WebRequest) -> tuple[Callback, bool]:
    """The row that keeps this verified request raw, and whether it is new. A new one is rung for, unless live.

    Raises ProviderError where the request arrived cut off, so that the vendor is asked to send it again.
    """
    live = what in LIVE
    now = runtime.now()
    dedupe = f"{provider}:{what}:{_dedupe(runtime, provider, what, request)}"[:200]
    new = insert_once(
        session,
        Callback,
        provider=provider,
        what=what,
        dedupe=dedupe,
        query=_kept_query(request),
        headers={name: clean(value, 2000) for name, value in request.headers.items() if name not in _SECRET_HEADERS},
        body=request.body,
        state="applied" if live else "new",
        tries=0,
        due_at=None if live else now,
        received_at=now,
        applied_at=now if live else None,
    )
    if new is None:
        return session.scalars(select(Callback).where(Callback.dedupe == dedupe)).one(), False
    if not live:
        note(session, "events", "apply_callback", new.id)
    return new, True


def _dedupe(runtime: Runtime, provider: str, what: str, request: WebRequest) -> str:
    try:
        return clean(runtime.adapters.sources[provider].dedupe(what, request))
    except ProviderError:
        raise
    except Exception as error:  # a verified request that an adapter cannot read must be kept all the same
        log.warning("no key for a callback of %s/%s: %s", provider, what, type(error).__name__)
        return hashlib.sha256(request.query.encode() + b"\x1f" + request.body).hexdigest()


def _kept_query(request: WebRequest) -> str:
    """The query without a secret that stands there because the vendor can prove itself in no other way."""
    parts = [part for part in request.query.split("&") if not part.lower().startswith("secret=")]
    return clean("&".join(parts), 500)


def as_request(callback: Callback) -> WebRequest:
    """The request that was kept. It was verified when it came; it could not be verified again."""
    query = f"?{callback.query}" if callback.query else ""
    target = f"/webhooks/{callback.provider}/{callback.what}{query}"
    return WebRequest("POST", target, {str(k): str(v) for k, v in callback.headers.items()}, callback.body)


# --- applying ---------------------------------------------------------------------------------------------


def apply(session: Session, runtime: Runtime, callback_id: int) -> None:
    """Read a kept callback and do what it says; the caller commits. An applied one is left alone."""
    callback = session.get(Callback, callback_id, with_for_update=True, populate_existing=True)
    if callback is not None and callback.state == "new":
        _apply(session, runtime, callback)


def replay(session: Session, runtime: Runtime, ids: Iterable[int]) -> int:
    """Apply kept callbacks once more, whatever became of them; how many. What was done is not done again."""
    count = 0
    for callback_id in ids:
        callback = session.get(Callback, callback_id, with_for_update=True, populate_existing=True)
        if callback is not None and callback.what not in LIVE:
            callback.tries = 0
            _apply(session, runtime, callback)
            count += 1
    return count


def _apply(session: Session, runtime: Runtime, callback: Callback) -> None:
    rings = len(session.info.get("rings", []))
    try:
        with session.begin_nested():
            understood, parked = _take(session, runtime, callback)
            session.flush()
    except (OperationalError, InterfaceError):
        raise  # the database is away: nothing of this is the callback's fault
    except Exception as error:
        del session.info.get("rings", [])[rings:]
        _failed(session, runtime, callback, error)
        return
    now = runtime.now()
    age = now - callback.received_at
    callback.error = None
    if parked and age < PARKED_FOR:
        callback.state, callback.due_at = "new", now + max(_FIRST_LOOK, age)
        callback.error = "waiting for what it is about"
        return
    callback.state = "applied" if understood and not parked else "unrecognised"
    callback.due_at, callback.applied_at = None, now


def _failed(session: Session, runtime: Runtime, callback: Callback, error: Exception) -> None:
    # The name alone: a text of an error may repeat what a person wrote.
    log.warning("callback %d of %s/%s: %s", callback.id, callback.provider, callback.what, type(error).__name__)
    callback.tries += 1
    callback.error = type(error).__name__
    if callback.tries < MAX_TRIES:
        callback.state, callback.due_at = "new", runtime.now() + BACK_OFF * callback.tries
        return
    callback.state, callback.due_at = "poison", None
    tasks.open_task(
        session,
        kind="poison",
        dedupe=f"poison:callback:{callback.id}",
        text=f"A webhook of {callback.provider} ({callback.what}, number {callback.id}) could not be read: "
        f"{type(error).__name__}. It is kept; it may hold an answer of a customer.",
    )


def _take(session: Session, runtime: Runtime, callback: Callback) -> tuple[bool, bool]:
    """Do what it says: whether anything in it was understood, and whether some of it must wait."""
    request = as_request(callback)
    if callback.what == "recording-status" and callback.provider in runtime.adapters.lines:
        done = _take_recording(session, runtime, callback, request)
        return True, not done
    parsed = runtime.adapters.sources[callback.provider].parse(callback.what, request)
    # Rows are locked in the same order by every worker, and the record's chain last: nobody waits in a circle.
    events = sorted(parsed.events, key=lambda one: (one.attempt, one.provider_ref, one.at))
    taken = [(one, _take_event(session, runtime, callback, one)) for one in events]
    for event, result in taken:
        _learn(session, runtime, callback.provider, event, result)
    for reply in parsed.replies:
        replies.receive(session, runtime, reply, callback.id)
    known = any(one.state != "unrecognised" for one in events)
    return known or bool(parsed.replies), any(result.waits for _, result in taken)


def _take_recording(session: Session, runtime: Runtime, callback: Callback, request: WebRequest) -> bool:
    news = runtime.adapters.lines[callback.provider].read_recording(request)
    caller = caller_of(session, runtime, request.query)
    return calls.recording_news(session, runtime, callback.provider, news, caller)


def caller_of(session: Session, runtime: Runtime, query: str) -> calls.Caller | None:
    """Who is on the telephone, by what our own addresses carry: an attempt, or a customer and a message."""
    found = parse_qs(query)

    def first(name: str) -> str:
        return found.get(name, [""])[0]

    if first("attempt"):
        return calls.by_attempt(session, runtime, first("attempt"))
    if not first("customer").isdigit():
        return None
    message = int(first("message")) if first("message").isdigit() else None
    return calls.again(session, runtime, int(first("customer")), message)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of one event: whether it was news, was matched to an attempt just now, or waits for one."""

    new: bool = False
    matched: bool = False
    waits: bool = False


def _take_event(session: Session, runtime: Runtime, callback: Callback, event: Event) -> _Taken:
    """Apply one event, once."""
    dedupe = clean(event.dedupe, 150)
    new = insert_once(
        session,
        ProviderEvent,
        callback_id=callback.id,
        provider=callback.provider,
        dedupe=dedupe,
        attempt_id=event.attempt[:32] or None,
        state=event.state[:16],
        code=clean(event.code, 32),
        detail=clean(event.detail, 300),
        parked=False,
        at=event.at,
    )
    row = (
        new
        or session.scalars(
            select(ProviderEvent).where(ProviderEvent.provider == callback.provider, ProviderEvent.dedupe == dedupe)
        ).one()
    )
    if new is None and not row.parked:
        return _Taken()
    matched = status.apply(session, runtime, callback.provider, event, callback.id)
    # Only what was meant for one of ours is waited for.
    row.parked = not matched and event.state not in ("", "unrecognised")
    return _Taken(new is not None, matched, row.parked)


# --- what an event teaches about an address ---------------------------------------------------------------


def _learn(session: Session, runtime: Runtime, provider: str, event: Event, taken: _Taken) -> None:
    """Opt-outs count whoever they are about. An address is called invalid only on news of a send of ours to it."""
    if not event.mark:
        return
    target = _target(session, event.attempt)
    address = event.address or (target.address if target else "")
    if event.mark == "invalid":
        if not taken.matched or (target is not None and target.address != address):
            return
    elif not taken.new:
        return
    channel = target.channel if target else _channel_of(runtime, provider, address)
    if channel and address:
        source = f"{provider} {event.code or event.detail}".strip()
        suppressions.learn(session, runtime, channel, address, event.mark, source)


def _target(session: Session, attempt_id: str) -> Delivery | Letter | None:
    attempt = session.get(Attempt, attempt_id) if attempt_id else None
    return (attempt.delivery or attempt.letter) if attempt else None


def _channel_of(runtime: Runtime, provider: str, address: str) -> str:
    """The channel that a provider's news about an address concerns when it names no attempt of ours."""
    carried: Sequence[str] = [
        channel for channel, some in runtime.adapters.providers.items() if any(one.name == provider for one in some)
    ]
    if "@" in address:
        return "email" if "email" in carried else ""
    return next((one for one in ("sms", "fax", "voice") if one in carried), "")
