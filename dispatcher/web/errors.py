"""Error pages: what happened, in words that help, and what to do. For programs below /api, the same as JSON."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from dispatcher import door
from dispatcher.model.errors import DispatcherError, NotAllowed, NotFound, Refused, StateConflict
from dispatcher.services import languages
from dispatcher.web import guard, wording

log = logging.getLogger(__name__)

# Titles and advice by status; a text of our own error family takes the advice's place.
WORDS = {
    400: ("This request was not understood", "Go back and try again. Nothing was changed."),
    401: ("You have been signed out", "Nothing was saved yet. Sign in again in another tab, then reload this page."),
    403: ("This is not open to you", "Your roles do not allow it. An administrator can change them."),
    404: ("There is nothing here", "The address may be mistyped, or this is not for you to see."),
    405: ("This address is not used that way", "Go back and use the buttons on the page. Nothing was changed."),
    409: ("This has changed meanwhile", "Look again, then decide. Nothing was changed by you."),
    413: ("This is too large", "A recording may have 20 MB, all attachments together 20 MB. Nothing was saved."),
    422: ("Something needs to be put right", "Go back, correct it and send it again. Nothing was saved."),
    429: ("Too many tries", "Wait a minute, then try again."),
    500: ("Something went wrong on our side", "It is on record. Nothing was half done: try again in a moment."),
    503: ("Not available right now", "The database cannot be reached. Try again in a moment."),
}
_CUSTOMERS = ("/r/", "/p/", "/audio/")
STATUS: dict[type[DispatcherError], int] = {Refused: 422, NotAllowed: 403, NotFound: 404, StateConflict: 409}


def register(app: Flask) -> None:
    app.register_error_handler(DispatcherError, _family)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unexpected)


def _family(error: Exception) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if status == 500:
        log.error("%s at %s %s", type(error).__name__, request.method, _where())
        return page(500)
    return page(status, sentence(str(error)), state=error.state if isinstance(error, StateConflict) else "")


def _csrf(error: Exception) -> Response:
    text = "This form has expired, or cookies are switched off. Nothing was saved: reload this page and send it again."
    return page(400, text, title="Please send that again", typed=_typed())


def _http(error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.code or 500
    response = page(status, typed=_typed() if status == 401 else None)
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    if status == 429:
        response.headers["Retry-After"] = "60"
    if error.response is not None:  # a redirect for a missing slash
        return make_response(error.response)
    return response


def _database(error: Exception) -> Response:
    # The statement's parameters are people's data: only the kind of failure is logged.
    log.error("database: %s at %s %s", type(error).__name__, request.method, _where())
    return page(503)


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error at %s %s", request.method, _where(), exc_info=error)
    return page(500)


def _where() -> str:
    """The route, not the address: an address may hold a customer's token."""
    return str(request.url_rule or "unknown address")


def sentence(text: str) -> str:
    """The text as a sentence."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def page(
    status: int, text: str = "", *, title: str = "", typed: list[tuple[str, str]] | None = None, state: str = ""
) -> Response:
    """The answer for this status: a page, or problem+json for programs. Customers read the reason in their language,
    where the tables have one for the `state` of what was in the way.
    """
    heading, advice = WORDS.get(status, (HTTPStatus(status).phrase, "Go back and try again."))
    if request.path.startswith(("/api/", "/webhooks/")):
        body = {"type": "about:blank", "title": text or title or heading, "status": status}
        return Response(json.dumps(body), status, content_type="application/problem+json")
    customer = request.path.startswith(_CUSTOMERS)
    if customer and str(status) in wording.TABLES[languages.DEFAULT]:
        heading, advice = wording.say(str(status)), wording.say(f"{status} advice")
        text = _reason(status, state) or (text if wording.language() == languages.DEFAULT else "")
    door.only_look()  # what failed is rolled back before the page asks the database for its navigation
    visitor = door.someone() is None
    html = render_template(
        "error.html",
        status=status,
        heading=title or heading,
        text=text or advice,
        advice=advice if status == 409 and text else "",
        again=_again(status),
        typed=typed or [],
        bare=visitor or status in (500, 503),
        customer=customer,
    )
    return make_response(html, status)


def _reason(status: int, state: str) -> str:
    name = f"{status} {state}"
    return wording.say(name) if state and name in wording.TABLES[languages.DEFAULT] else ""


def _again(status: int) -> str:
    """Where to look again after a conflict: the page the form was on, else the nearest one above this address."""
    if status != 409:
        return ""
    came_from = request.referrer or ""
    root = request.host_url
    path = "/" + came_from.removeprefix(root) if came_from.startswith(root) else ""
    return guard.local_path(path, "") or _page_above(request.path)


def _page_above(path: str) -> str:
    addresses = current_app.url_map.bind("")
    parts = path.strip("/").split("/")
    above = ("/" + "/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
    return next((one for one in above if addresses.test(one, "GET")), "")


def _typed() -> list[tuple[str, str]]:
    """What was typed into a form of ours that could not be taken, to be copied; never for another site's form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin" or request.method != "POST":
        return []
    hidden = ("csrf_token", "password", "current", "again", "digest")
    try:
        return [(name, value) for name, value in request.form.items() if name not in hidden and value.strip()]
    except HTTPException:
        return []
