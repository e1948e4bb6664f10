"""The door for providers: `/webhooks/<provider>/<what>`. Verify, keep raw, answer, ring; reading comes later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dispatcher import bells
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import BROUGHT_BY, WebhookSource, WebRequest
from dispatcher.model.telephone import Hangup, Verb
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks
from dispatcher.storage import taken_again
from webhooks import lines
from webhooks.keeping import Keeper
from webhooks.lines import staff
from webhooks.refusals import Refusals

log = logging.getLogger(__name__)

# The largest mail a vendor posts has 30 MB; a thousand events have half a megabyte, all else a few thousand bytes.
MAX_MAIL, MAX_BODY = 40_000_000, 8_000_000
# Bodies are read before anybody has proven who they are: large ones by few at a time, so that memory stays bounded.
LARGE, LARGE_AT_ONCE, LARGE_WAIT = 500_000, 4, 10.0  # bytes, requests, seconds

# A vendor that posts inbound mail takes a 4xx for "drop it, tell nobody" and a 5xx for "try again for three days".
# A wrong secret or a moved setting must not cost a customer's answer, so whatever is refused here is asked for again.
MAIL = ("inbound",)
# So long after a live call's request a copy of it gets the same answer.
ASKED_AGAIN = timedelta(minutes=1)
# A step of a call that the database chose to give way to another is taken anew: nobody is to hear an error.
STEP_TRIES = 3


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes. No session, no cookie, no redirect: a redirected POST arrives empty or not at all."""
    made = Blueprint("webhooks", __name__)
    desk = _Desk(runtime, Keeper(runtime), Refusals(runtime), threading.BoundedSemaphore(LARGE_AT_ONCE))

    def receive(provider: str, what: str, rest: str = "") -> Response:
        return _receive(desk, provider, what)

    # A vendor without signatures may carry a secret at the end of the address; a slash too many must cost no mail.
    for name, tail in (("receive", ""), ("receive_with_slash", "/"), ("receive_with_secret", "/<path:rest>")):
        made.add_url_rule(
            f"/webhooks/<provider>/<what>{tail}",
            name,
            receive,
            methods=["POST"],
            strict_slashes=True,
            merge_slashes=False,
            provide_automatic_options=False,
        )
    made.record(lambda state: _exempt(state, made))
    return made


def _exempt(state: BlueprintSetupState, made: Blueprint) -> None:
    """Providers carry no token of our forms; their signatures stand in for it."""
    csrf = cast(Flask, state.app).extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(made)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all requests of this process share."""

    runtime: Runtime
    keeper: Keeper
    refusals: Refusals
    large: threading.BoundedSemaphore


def _receive(desk: _Desk, provider: str, what: str) -> Response:
    runtime, mail = desk.runtime, what in MAIL
    if provider not in runtime.adapters.sources or len(what) > 32:
        return _plain(503 if mail else 404)
    if what in callbacks.LIVE and provider not in runtime.adapters.lines:
        return _plain(404)
    length = request.content_length  # none of a chunked body
    if length is not None and length <= LARGE:
        return _take(desk, provider, what)
    if not desk.large.acquire(timeout=LARGE_WAIT):
        return _plain(503)
    try:
        return _take(desk, provider, what)
    finally:
        desk.large.release()


def _take(desk: _Desk, provider: str, what: str) -> Response:
    runtime, mail = desk.runtime, what in MAIL
    try:
        web = _read(MAX_MAIL if mail else MAX_BODY)
    except RequestEntityTooLarge:
        return _plain(503 if mail else 413)  # no vendor posts that much; if one ever does, it is not lost at once
    except (HTTPException, OSError):  # it broke off on the way
        return _plain(503 if mail else 400)
    if not _is_authentic(runtime.adapters.sources[provider], web, provider, what):
        desk.refusals.add(provider, what)
        return _plain(503 if mail else 403)
    try:
        if what in callbacks.LIVE:
            return taken_again(lambda: _take_step(runtime, provider, what, web), STEP_TRIES)
        desk.keeper.keep(callbacks.row_of(runtime, provider, what, web))
    except ProviderError:
        return _plain(503)  # it arrived cut off
    except SQLAlchemyError as error:
        log.error("a webhook of %s/%s could not be kept: %s", provider, what, type(error).__name__)
        return _plain(503)
    if what == "sms" and provider in runtime.adapters.lines:
        # The vendor reads the answer as a document of what to say to the sender: nothing.
        return _rendered(runtime, provider, ())
    return _plain(204)


def _read(most: int) -> WebRequest:
    """The request as it came, before anything has decoded it."""
    request.max_content_length = most
    body = request.get_data(cache=False)
    headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != BROUGHT_BY}
    return WebRequest(request.method, _target(), headers, body)


def _target() -> str:
    """Raw path and query from `/webhooks/` on. What a proxy put in front belongs to PUBLIC_URL."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    path, mark, query = str(raw).partition("?")
    at = path.find("/webhooks/")
    return (path[at:] if at > 0 else path) + mark + query


def _is_authentic(source: WebhookSource, web: WebRequest, provider: str, what: str) -> bool:
    try:
        return source.verify(web)
    except Exception as error:  # whatever a forger sends, the answer is no
        log.warning("a webhook of %s/%s could not be verified: %s", provider, what, type(error).__name__)
        return False


def _take_step(runtime: Runtime, provider: str, what: str, web: WebRequest) -> Response:
    """One step of a live call: one transaction, of which nothing is left where it fails."""
    line = runtime.adapters.lines[provider]
    with runtime.sessions() as session:
        kept, fresh = callbacks.keep(session, runtime, provider, what, web, secret=staff.holds_pin(web))
        if fresh:
            body, media_type = line.render(lines.answer(session, runtime, provider, web))
            kept.answer = body
        else:
            # The vendor asks once more because our answer was lost: it gets the same one. Later it is no live call.
            body, media_type = line.render((Hangup(),))
            if kept.answer and kept.received_at > runtime.now() - ASKED_AGAIN:
                body = kept.answer
        bells.commit(session, runtime.bells)
        return _document(body, media_type)


def _rendered(runtime: Runtime, provider: str, verbs: Sequence[Verb]) -> Response:
    return _document(*runtime.adapters.lines[provider].render(verbs))


def _document(body: str, media_type: str) -> Response:
    return Response(body, content_type=f"{media_type}; charset=utf-8")


def _plain(status: int) -> Response:
    answer = Response(status=status)
    if status == 503:
        answer.headers["Retry-After"] = "60"
    return answer
