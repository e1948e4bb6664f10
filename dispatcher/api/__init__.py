"""The JSON API below /api/v1: `register(app, runtime)` puts it into the application."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import default_exceptions
from werkzeug.routing import IntegerConverter, Map, MapAdapter, Rule
from werkzeug.routing import RequestRedirect as Redirect

from dispatcher import door
from dispatcher.api import docs, life
from dispatcher.api.calls import CALLS, PREFIX
from dispatcher.api.problems import Problem
from dispatcher.api.resources import ALL
from dispatcher.runtime import Runtime

NAME = "api"
__all__ = ["ALL", "NAME", "register"]


class RowId(IntegerConverter):
    """An id that a row can have: anything else is an address that does not exist."""

    regex = r"[1-9]\d{0,17}"  # below 2**63; left to the pattern, because a refusal in code ends the search for a rule


def register(app: Flask, runtime: Runtime) -> None:
    """Put every call, the OpenAPI document and its readable page into the application."""
    app.url_map.converters.setdefault("row", RowId)
    blueprint = Blueprint(NAME, __name__)
    for call in CALLS:
        view = door.may(*call.roles)(life.view_of(call))
        blueprint.add_url_rule(call.rule, call.name, view, methods=[call.method], provide_automatic_options=False)
    docs.add_to(blueprint)

    # Registered for every status, because a handler of the application's for one status would go before a
    # general one of ours.
    for code in default_exceptions:
        blueprint.register_error_handler(code, life.on_error)
    blueprint.register_error_handler(Exception, life.on_error)

    @blueprint.before_request
    def authenticate() -> None:
        # Before any validation, and on addresses that do not exist too: strangers learn nothing.
        if request.endpoint not in docs.OPEN:
            life.authenticate(door.runtime())

    @blueprint.after_request
    def private(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    app.register_blueprint(blueprint, url_prefix=PREFIX)
    _add_elsewhere(app)
    csrf = app.extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(blueprint)  # a bearer token does not travel by itself as a cookie does


def _add_elsewhere(app: Flask) -> None:
    """Every other address and method below the prefix: a problem like all others, not a page."""
    known = Map([Rule(PREFIX + call.rule, methods=[call.method], endpoint=call.name) for call in CALLS],
                converters={"row": RowId})  # fmt: skip
    adapter: MapAdapter = known.bind("localhost")

    def elsewhere(rest: str = "") -> Response:
        try:
            allowed = sorted(adapter.allowed_methods(request.path))
        except Redirect:
            allowed = []
        if not allowed:
            raise Problem("not-found", "There is nothing at this address")
        headers = {"Allow": ", ".join(allowed)}
        if request.method == "OPTIONS":
            return Response(status=204, headers=headers)
        raise Problem("method-not-allowed", f"Here one may {', '.join(allowed)}", headers=headers)

    endpoint = f"{NAME}.elsewhere"
    app.view_functions[endpoint] = door.may()(elsewhere)
    for rule in (PREFIX, f"{PREFIX}/", f"{PREFIX}/<path:rest>"):
        any_method: dict[str, Any] = {"methods": None, "strict_slashes": True, "merge_slashes": False}
        app.url_map.add(Rule(rule, endpoint=endpoint, **any_method))
