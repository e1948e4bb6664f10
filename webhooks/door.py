"""The door for providers: `/webhooks/<provider>/<what>`. Verify, keep raw, answer, ring; reading comes later."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dispatcher import bells
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import Verb, WebhookSource, WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks
from webhooks import voice
from webhooks.keeping import Keeper

log = logging.getLogger(__name__)

MAX_BODY = 40 * 1024 * 1024  # the largest mail a vendor posts has 30 MB
REFUSED = "webhooks:refused"  # a hash in Redis: how many requests of each address were not authentic

# A vendor that posts inbound mail takes a 4xx for "drop it, tell nobody" and a 5xx for "try again for three days".
# A wrong secret or a moved setting must not cost a customer's answer, so whatever is refused here is asked for again.
MAIL = ("inbound",)


def blueprint(runtime: Runtime) -> Blueprint:
    """The routes. No session, no cookie, no redirect: a redirected POST arrives empty or not at all."""
    made = Blueprint("webhooks", __name__)
    keeper = Keeper(runtime)

    def receive(provider: str, what: str, rest: str = "") -> Response:
        return _receive(runtime, keeper, provider, what)

    for tail in ("", "/<path:rest>"):  # a vendor without signatures may carry a secret at the end of the address
        made.add_url_rule(
            f"/webhooks/<provider>/<what>{tail}",
            f"receive{'_with_secret' if tail else ''}",
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


def _receive(runtime: Runtime, keeper: Keeper, provider: str, what: str) -> Response:
    mail = what in MAIL
    source = runtime.adapters.sources.get(provider)
    if source is None or len(what) > 32:
        return _plain(503 if mail else 404)
    if what in callbacks.LIVE and provider not in runtime.adapters.lines:
        return _plain(404)
    try:
        web = _read()
    except RequestEntityTooLarge:
        return _plain(413)
    except (HTTPException, OSError):  # it broke off on the way
        return _plain(503 if mail else 400)
    if not _is_authentic(source, web, provider, what):
        _count_refused(runtime, provider, what)
        return _plain(503 if mail else 403)
    try:
        if what in callbacks.LIVE:
            return _answer_call(runtime, provider, what, web)
        keeper.keep(callbacks.row_of(runtime, provider, what, web))
    except ProviderError:
        return _plain(503)  # it arrived cut off
    except SQLAlchemyError as error:
        log.error("a webhook of %s/%s could not be kept: %s", provider, what, type(error).__name__)
        return _plain(503)
    if what == "sms" and provider in runtime.adapters.lines:
        # The vendor reads the answer as a document of what to say to the sender: nothing.
        return _rendered(runtime, provider, ())
    return _plain(204)


def _read() -> WebRequest:
    """The request as it came, before anything has decoded it."""
    request.max_content_length = MAX_BODY
    body = request.get_data(cache=False)
    headers = {name.lower(): value for name, value in request.headers.items()}
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


def _count_refused(runtime: Runtime, provider: str, what: str) -> None:
    log.warning("refused a webhook of %s/%s: not authentic", provider, what)
    with contextlib.suppress(RedisError, OSError):
        runtime.redis.hincrby(REFUSED, f"{provider}/{what}", 1)


def _answer_call(runtime: Runtime, provider: str, what: str, web: WebRequest) -> Response:
    with runtime.sessions() as session:
        _, fresh = callbacks.keep(session, runtime, provider, what, web)
        answer = _rendered(runtime, provider, voice.answer(session, runtime, provider, web, fresh=fresh))
        bells.commit(session, runtime.bells)
        return answer


def _rendered(runtime: Runtime, provider: str, verbs: Sequence[Verb]) -> Response:
    body, media_type = runtime.adapters.lines[provider].render(verbs)
    return Response(body, content_type=f"{media_type}; charset=utf-8")


def _plain(status: int) -> Response:
    answer = Response(status=status)
    if status == 503:
        answer.headers["Retry-After"] = "60"
    return answer
