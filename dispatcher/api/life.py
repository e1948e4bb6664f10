"""The life of an API request: who asks, may they, what came; one use case; commit, ring; the answer."""

from __future__ import annotations

import hashlib
import logging
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, g, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from dispatcher import bells, door
from dispatcher.api import bodies
from dispatcher.api.calls import PREFIX, Act, Answer, Call
from dispatcher.api.problems import MEDIA_TYPE, Problem, of_error, of_http, sentence
from dispatcher.model import Staff
from dispatcher.model.errors import DispatcherError, NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import accounts, idempotency
from dispatcher.storage import taken_again, was_chosen

log = logging.getLogger(__name__)

TRIES = 3  # of a transaction that lost against another one; nothing has left the database by then
_TOUCH_EVERY = 60.0
_touched: dict[str, float] = {}


# --- who asks


def authenticate(runtime: Runtime) -> None:
    """Find out whose token came with the request. Raises Problem 401; cookies are never looked at."""
    given = request.authorization
    token = (given.token or "") if given is not None and given.type == "bearer" else ""
    if not token:
        raise Problem("unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="dispatcher"'})
    with runtime.reader() as session:
        staff = accounts.by_token(session, runtime, token)
    if staff is None:
        raise Problem(
            "unauthenticated",
            "This token is unknown, revoked, or its owner no longer active",
            headers={"WWW-Authenticate": 'Bearer realm="dispatcher", error="invalid_token"'},
        )
    g.staff = staff
    _touch(runtime, token)


def _touch(runtime: Runtime, token: str) -> None:
    """Note the token's use, from each process once a minute: reading calls should stay readers."""
    name, moment = hashlib.sha256(token.encode()).hexdigest(), time.monotonic()
    if moment - _touched.get(name, -_TOUCH_EVERY) < _TOUCH_EVERY:
        return
    if len(_touched) > 10_000:
        _touched.clear()
    _touched[name] = moment
    with runtime.sessions() as session:
        if accounts.touch_token(session, runtime, token):
            session.commit()


# --- one call


def serve(runtime: Runtime, call: Call, path: dict[str, Any]) -> Response:
    """Answer one request to a call, or raise its Problem."""
    staff: Staff = g.staff
    if not staff.has(*call.roles):
        needed = " or ".join(sorted(call.roles))
        raise Problem("not-allowed", f"This takes the role {needed}; yours: {', '.join(sorted(staff.roles)) or 'none'}")
    for value in path.values():
        # No key has control characters; PostgreSQL would refuse to look for them.
        if isinstance(value, str) and not value.isprintable():
            raise Problem("not-found", "There is no such thing")
    arguments: dict[str, Any] = dict(path)
    if call.query is not None:
        arguments["query"] = bodies.read_query(call.query)
    if not call.writes:
        with runtime.reader() as session:
            return _finish(call, _run(call, Act(session, runtime, _here(session, staff), bodies.Files()), arguments))
    body = bodies.read(call.body, call.kinds, call.uploads)
    if call.safe:
        return _write(runtime, call, staff, body, arguments, "")
    return _write(runtime, call, staff, body, arguments, _idempotency_key())


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not 1 <= len(key.strip()) <= 255 or not key.isascii() or not key.isprintable():
        raise Problem(
            "bad-request",
            "The header Idempotency-Key must be 1 to 255 printable ASCII characters",
            errors={"Idempotency-Key": "must be 1 to 255 printable ASCII characters, e.g. a UUID"},
        )
    return key.strip()


def _here(session: Session, staff: Staff) -> Staff:
    """The person in this session; somebody who was shut out a moment ago is no longer in."""
    found = session.get(Staff, staff.id)
    if found is None or not found.active:
        raise Problem("unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="dispatcher"'})
    return found


def _run(call: Call, act: Act, arguments: dict[str, Any]) -> Any:
    return call.function(act, **arguments)


def _write(
    runtime: Runtime, call: Call, staff: Staff, body: bodies.Body, arguments: dict[str, Any], key: str
) -> Response:
    """The transaction, again where it lost against another one: it has touched nothing but the database."""

    def once() -> Response:
        with runtime.sessions() as session:
            return _transaction(session, runtime, call, staff, body, arguments, key)

    return taken_again(once, TRIES, lambda error: isinstance(error, IntegrityError) or was_chosen(error))


def _transaction(
    session: Session,
    runtime: Runtime,
    call: Call,
    staff: Staff,
    body: bodies.Body,
    arguments: dict[str, Any],
    key: str,
) -> Response:
    me = _here(session, staff)
    if key:
        kept = _claim(session, runtime, me, key, body)
        if kept is not None:
            return _replay(call, kept)
    act = Act(session, runtime, me, body.files)
    try:
        with bells.undoable(session):
            response = _finish(call, _deed(call, act, body, arguments))
    except (DispatcherError, Problem) as error:
        problem = error if isinstance(error, Problem) else of_error(error)
        if not key:
            raise problem from None
        response = problem.response()
    if key:
        idempotency.keep(session, me, key, response.status_code, response.get_data(as_text=True))
    bells.commit(session, runtime.bells)
    return response


def _deed(call: Call, act: Act, body: bodies.Body, arguments: dict[str, Any]) -> Any:
    if call.body is not None:
        arguments = {**arguments, "body": body.model}
    if not body.wrong:
        return _run(call, act, arguments)
    if call.trial and body.model is not None:
        try:
            _run(call, act, arguments)  # undone: the caller rolls back to its savepoint
        except Refused as refused:
            known = {name.split(".")[0].split("[")[0] for name in body.wrong}
            body.wrong |= {name: text for name, text in refused.fields.items() if name not in known}
        except (NotAllowed, NotFound):
            raise
        except DispatcherError:
            log.debug("a trial of %s ended otherwise", call.name)  # the wrong fields are the answer
    raise Refused(body.wrong)


# --- Idempotency-Key


def _claim(session: Session, runtime: Runtime, staff: Staff, key: str, body: bodies.Body) -> idempotency.Kept | None:
    target = request.path + ("?" + request.query_string.decode("latin-1") if request.query_string else "")
    words = "\x1f".join((request.method, target)).encode() + b"\x1f" + body.fingerprint
    try:
        return idempotency.claim(session, runtime, staff, key, hashlib.sha256(words).hexdigest())
    except idempotency.KeyReused as error:
        raise Problem("key-reused", sentence(error)) from None
    except idempotency.InProgress as error:
        raise Problem("in-progress", sentence(error), headers={"Retry-After": "1"}) from None


def _replay(call: Call, kept: idempotency.Kept) -> Response:
    headers = {"Idempotency-Replayed": "true"}
    if kept.status >= 400:
        return Response(kept.body, kept.status, headers, content_type=MEDIA_TYPE)
    if not kept.body:
        return Response(status=kept.status, headers=headers)
    headers |= _location(call, kept.status, orjson.loads(kept.body))
    return Response(kept.body, kept.status, headers, content_type=bodies.JSON)


# --- the answer


def _finish(call: Call, result: Any) -> Response:
    """What a call gave back, as a response: JSON made while the session is still open."""
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(next(iter(call.answers)), result)
    if answer.body is None:
        return Response(status=answer.status)
    text = answer.body.model_dump_json()
    headers = _location(call, answer.status, answer.body.model_dump()) if call.location else {}
    headers |= _next_link(answer.body)
    return Response(text, answer.status, headers, content_type=bodies.JSON)


def _location(call: Call, status: int, fields: dict[str, Any]) -> dict[str, str]:
    return {"Location": PREFIX + call.location.format(**fields)} if call.location and status == 201 else {}


def _next_link(body: BaseModel) -> dict[str, str]:
    cursor = getattr(body, "next_cursor", None)
    if not cursor:
        return {}
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return {"Link": f'<{request.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}


# --- errors


def on_error(error: Exception) -> Response:
    """Every error of this door as a problem."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        return of_http(error).response()
    if isinstance(error, DispatcherError):
        return of_error(error).response()
    instance = f"urn:uuid:{uuid.uuid4()}"
    if isinstance(error, (OperationalError, PoolTimeout)):
        log.warning("%s: the database is busy or away: %s", instance, type(error.__cause__ or error).__name__)
        return Problem("unavailable", headers={"Retry-After": "2"}, instance=instance).response()
    # An error's text may hold what a person wrote, a statement's even whole rows: the log keeps kind and place.
    place = "".join(traceback.format_tb(error.__traceback__))
    kind, rule = type(error).__name__, request.url_rule
    log.error("%s: %s %s\nTraceback (most recent call last):\n%s%s", instance, request.method, rule, place, kind)
    return Problem("internal-error", instance=instance).response()


View = Callable[..., Response]


def view_of(call: Call) -> View:
    """The view function of one call."""

    def view(**path: Any) -> Response:
        return serve(door.runtime(), call, path)

    view.__name__ = call.name
    return view
