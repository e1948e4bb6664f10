"""The web application: blueprints, the guard before every view, security headers, error pages."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined

from dispatcher import door, web
from dispatcher.runtime import Runtime
from dispatcher.services import accounts, hashing
from dispatcher.web import errors, filters, guard, wording
from dispatcher.web.limits import Limits

MAX_UPLOAD = 42_000_000  # a recording and attachments of 20 MB each, and the form around them

CSP = (
    "default-src 'self'; img-src 'self' data:; media-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains"


class _Sessions(SecureCookieSessionInterface):
    """Who brings no cookie, as no vendor does, has an empty session without anything being made to read one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if request.cookies else self.session_class()


class _Doors(Flask):
    """Views whose transaction had to give way to another are asked again."""

    session_interface = _Sessions()

    def dispatch_request(self) -> ResponseReturnValue:
        return door.taken_again(super().dispatch_request)


def create_app(runtime: Runtime) -> Flask:
    """The application for this runtime: pages for people, approvals, the API and the webhooks."""
    hashing.prepare()
    app = _Doors("dispatcher", static_folder="web/static", template_folder="web/templates")
    app.extensions["runtime"] = runtime
    app.extensions["limits"] = Limits(runtime.settings)
    app.config.update(_config(runtime))
    _jinja(app)
    app.teardown_appcontext(door.close_session)
    Bootstrap5(app)
    # The guard asks for the token itself, after it knows who is there and how much may be read.
    CSRFProtect(app)
    own = _register_pages(app, runtime)
    app.before_request(lambda: guard.check(own))
    _register(app, runtime, "dispatcher.api")
    _register(app, runtime, "webhooks")
    errors.register(app)
    app.after_request(lambda response: _headers(response, runtime))
    return app


def _config(runtime: Runtime) -> dict[str, Any]:
    secure = urlsplit(runtime.settings.public_url).scheme == "https"
    return {
        "SECRET_KEY": runtime.key("web").hex(),
        "MAX_CONTENT_LENGTH": MAX_UPLOAD,
        # The default, 500 kB, would answer 413 to a long text in a form.
        "MAX_FORM_MEMORY_SIZE": MAX_UPLOAD,
        "SESSION_COOKIE_NAME": "__Host-dispatcher" if secure else "dispatcher",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": accounts.ABSOLUTE,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        # The guard compares origins; behind a proxy that renames the host the Referer would not match.
        "WTF_CSRF_SSL_STRICT": False,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=1),
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def _jinja(app: Flask) -> None:
    # A name that a template misspells must fail a test, not print nothing.
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    filters.register(app)
    wording.register(app)


def _register_pages(app: Flask, runtime: Runtime) -> frozenset[str]:
    """Register the pages; the names of their blueprints, which the guard stands before."""
    before = set(app.blueprints)
    web.register(app, runtime)
    _register(app, runtime, "approvals.views")
    return frozenset(set(app.blueprints) - before)


def _register(app: Flask, runtime: Runtime, name: str) -> None:
    importlib.import_module(name).register(app, runtime)


def _headers(response: Response, runtime: Runtime) -> Response:
    wanted = dict(HEADERS)
    if runtime.settings.public_url.startswith("https://"):
        wanted["Strict-Transport-Security"] = HSTS
    if request.endpoint not in ("static", "bootstrap.static"):
        wanted["Cache-Control"] = "no-store"
    given = {name.lower() for name, _ in response.headers}
    response.headers.extend({name: value for name, value in wanted.items() if name.lower() not in given})
    return response
