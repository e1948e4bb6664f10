"""What providers tell us, kept raw before it is answered, and given out to be applied. `news` reads it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import Ring, note
from dispatcher.model import Callback
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import tasks
from dispatcher.services.once import clean, insert_missing, insert_once

log = logging.getLogger(__name__)

MAX_TRIES = 3
BACK_OFF = timedelta(seconds=15)
# Whoever claimed callbacks has this long to apply them; then they are claimed again, one at a time.
CLAIM = timedelta(seconds=30)
CHUNK, CHUNK_BYTES = 200, 500_000

# Live calls are answered while they wait; there is nothing left to apply.
LIVE = ("voice",)
# Never written down: they carry secrets, and nothing is read from them after the request was verified.
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})

RING: Ring = ("events", "apply_callbacks", ())
_RUNG, _RUNG_FOR = "callbacks:rung", 5000  # milliseconds; a ring that was lost is repeated after that


# --- keeping ----------------------------------------------------------------------------------------------


def row_of(runtime: Runtime, provider: str, what: str, request: WebRequest, *, secret: bool = False) -> dict[str, Any]:
    """The row that keeps this verified request raw; a `secret` one without its body, which is then written nowhere.

    Raises ProviderError where the request arrived cut off, so that the vendor is asked to send it again.
    """
    live = what in LIVE
    now = runtime.now()
    return {
        "provider": provider,
        "what": what,
        "dedupe": f"{provider}:{what}:{_dedupe(runtime, provider, what, request)}"[:200],
        "query": _kept_query(request),
        "headers": {name: clean(value, 2000) for name, value in request.headers.items() if _is_kept(name, live)},
        "body": b"" if secret else request.body,
        "state": "applied" if live else "new",
        "tries": 0,
        "due_at": None if live else now,
        "received_at": now,
        "applied_at": now if live else None,
    }


def keep(
    session: Session, runtime: Runtime, provider: str, what: str, request: WebRequest, *, secret: bool = False
) -> tuple[Callback, bool]:
    """The row that keeps this verified request, and whether it is new. A new one is rung for, unless live.

    `secret` is as for `row_of`. Raises ProviderError as it does.
    """
    row = row_of(runtime, provider, what, request, secret=secret)
    new = insert_once(session, Callback, **row)
    if new is None:
        return session.scalars(select(Callback).where(Callback.dedupe == row["dedupe"])).one(), False
    if what not in LIVE:
        note(session, "events", "apply_callbacks")
    return new, True


def keep_all(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep what `row_of` made of several requests, copies once; how many were new. The caller asks `must_ring`."""
    return len(insert_missing(session, Callback, sorted(rows, key=lambda row: str(row["dedupe"])), Callback.id))


def _dedupe(runtime: Runtime, provider: str, what: str, request: WebRequest) -> str:
    key = _adapters_key(runtime, provider, what, request)
    # An adapter's key may be a plain hash over the keys pressed: whoever reads the table would try all PINs against it.
    return hmac.new(runtime.key("callback"), key.encode(), hashlib.sha256).hexdigest() if what in LIVE else key


def _is_kept(header: str, live: bool) -> bool:
    """A vendor's signature covers the keys pressed, too: whoever has its key would find a PIN by it."""
    return header not in _SECRET_HEADERS and not (live and "signature" in header)


def _adapters_key(runtime: Runtime, provider: str, what: str, request: WebRequest) -> str:
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


# --- one ring for many ------------------------------------------------------------------------------------


def must_ring(runtime: Runtime) -> bool:
    """False while a ring waits that has not been heard: whoever hears it finds what is committed by now, too.

    To be asked after the commit. Without Redis true; the ring is lost as well then, and the sweep finds the row.
    """
    try:
        return bool(runtime.redis.set(_RUNG, 1, nx=True, px=_RUNG_FOR))
    except (RedisError, OSError):
        return True


def heard(runtime: Runtime) -> None:
    """To be said before looking for what is due: what is committed from here on must ring again."""
    with contextlib.suppress(RedisError, OSError):
        runtime.redis.delete(_RUNG)


# --- giving out -------------------------------------------------------------------------------------------


def waiting(session: Session, runtime: Runtime) -> float:
    """How full a chunk of what is due would be: 0 nothing, 1 or more full. Makes its session, a short one, a reader."""
    session.connection(execution_options={"read_only": True})
    due = (
        select(func.length(Callback.body).label("size"))
        .where(Callback.state == "new", Callback.due_at <= runtime.now())
        .limit(CHUNK)
        .subquery()
    )
    number, size = session.execute(select(func.count(), func.coalesce(func.sum(due.c.size), 0)).select_from(due)).one()
    return max(float(number) / CHUNK, float(size) / CHUNK_BYTES)


def claim(session: Session, runtime: Runtime) -> list[int]:
    """Due callbacks, oldest first, that this caller alone is to apply within CLAIM; none: nothing is due.

    The claim counts as a try and is committed before anything is read: one that ends its worker is set aside after
    three tries as well. From the second try on it is claimed alone, so that what came with it goes on.
    """
    now = runtime.now()
    found = session.execute(
        select(Callback.id, Callback.tries, func.length(Callback.body).label("size"))
        .where(Callback.state == "new", Callback.due_at <= now)
        .order_by(Callback.due_at, Callback.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    ).all()
    taken: list[int] = []
    room = CHUNK_BYTES
    for row in found:
        if row.tries >= MAX_TRIES:
            put_off(session, runtime, session.get_one(Callback, row.id), "whoever read it never came to an end")
            continue
        room -= row.size
        if taken and (row.tries or room < 0):
            break
        taken.append(row.id)
        if row.tries:
            break
    if taken:
        session.execute(
            update(Callback)
            .where(Callback.id.in_(taken))
            .values(tries=Callback.tries + 1, due_at=now + CLAIM)
            .execution_options(synchronize_session=False)
        )
    return taken


def put_off(session: Session, runtime: Runtime, callback: Callback, why: str) -> None:
    """It could not be applied: again later, at the third time a task for the administrators."""
    callback.error = why[:300]
    if callback.tries < MAX_TRIES:
        callback.state, callback.due_at = "new", runtime.now() + BACK_OFF * max(1, callback.tries)
        return
    callback.state, callback.due_at = "poison", None
    name = f"webhook {callback.id} ({callback.what})"
    tasks.alarm(session, runtime, callback.provider, f"{name} was set aside: {why}", about="webhooks", tell=True)
    tasks.open_task(
        session,
        kind="poison",
        dedupe=f"poison:callback:{callback.id}",
        text=f"A webhook of {callback.provider} ({callback.what}, number {callback.id}) could not be read: {why}. "
        "It is kept; it may hold an answer of a customer.",
    )


def blame(session: Session, runtime: Runtime, callback_id: int, error: Exception) -> None:
    """The whole transaction of this one failed, though the database answers."""
    callback = session.get(Callback, callback_id, with_for_update=True, populate_existing=True)
    if callback is not None and callback.state == "new":
        put_off(session, runtime, callback, type(error).__name__)
