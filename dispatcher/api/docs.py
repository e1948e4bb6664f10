"""What people and tools read about the API: the OpenAPI document, its page, and a page for each kind of error."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

import orjson
from flask import Blueprint, Response, redirect, url_for
from werkzeug import Response as BaseResponse

from dispatcher import door
from dispatcher.api.openapi import document
from dispatcher.api.problems import KINDS, Problem

# Open to everybody: they say how to ask, not what there is.
OPEN = frozenset({"api.openapi", "api.docs", "api.docs_slash", "api.docs_file", "api.problem_page"})

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""
_DOCS_HEAD = """<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" defer></script>"""
_DOCS_BODY = """<noscript>
<p>This page needs JavaScript. The document it shows is <a href="openapi.json">openapi.json</a>.</p>
</noscript>
<main id="docs"></main>"""
# In a file of its own: pages run no script that stands in them.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_FROM_WHEEL = {"swagger-ui.css": ("css", "text/css"), "swagger-ui-bundle.js": ("js", "text/javascript")}


@cache
def _wheel_file(name: str) -> bytes:
    folder, _ = _FROM_WHEEL[name]
    return files("flask_openapi3_swagger").joinpath("templates", "swagger", folder, name).read_bytes()


@cache
def _document() -> bytes:
    return orjson.dumps(document())


@door.public
def openapi() -> Response:
    """The OpenAPI document."""
    return Response(_document(), content_type="application/json", headers={"Cache-Control": "max-age=60"})


@door.public
def docs() -> Response:
    """The document as a page."""
    return _html(_PAGE.format(title="Dispatcher API", head=_DOCS_HEAD, body=_DOCS_BODY))


@door.public
def docs_slash() -> BaseResponse:
    """The page names its files from where it is: with a slash behind it they would be elsewhere."""
    return redirect(url_for("api.docs"))


@door.public
def docs_file(name: str) -> Response:
    """The script and the style of that page."""
    headers = {"Cache-Control": "max-age=3600"}
    if name == "start.js":
        return Response(_START, content_type="text/javascript; charset=utf-8", headers=headers)
    if name not in _FROM_WHEEL:
        raise Problem("not-found", "There is nothing at this address")
    return Response(_wheel_file(name), content_type=f"{_FROM_WHEEL[name][1]}; charset=utf-8", headers=headers)


@door.public
def problem_page(slug: str) -> Response:
    """What one kind of error means and what to do about it."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem("not-found", "There is no such kind of problem")
    body = f"<main><h1>{escape(kind.title)}</h1><p>Status {kind.status}, <code>{kind.slug}</code></p>"
    body += f'<p>{escape(kind.page)}</p><p><a href="../docs">The API</a></p></main>'
    return _html(_PAGE.format(title=escape(kind.title), head="", body=body))


def _html(text: str) -> Response:
    return Response(text, content_type="text/html; charset=utf-8", headers={"Cache-Control": "max-age=60"})


def add_to(blueprint: Blueprint) -> None:
    """Add the addresses of these pages."""
    blueprint.add_url_rule("/openapi.json", "openapi", openapi)
    blueprint.add_url_rule("/docs", "docs", docs)
    blueprint.add_url_rule("/docs/", "docs_slash", docs_slash)
    blueprint.add_url_rule("/docs/<name>", "docs_file", docs_file)
    blueprint.add_url_rule("/problems/<slug>", "problem_page", problem_page)
