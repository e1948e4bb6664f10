"""Errors as `application/problem+json` (RFC 9457): each kind has an address that stays and a page that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge, TooManyRequests

from dispatcher.model.errors import DigestConflict, DispatcherError, NotAllowed, NotFound, Refused, StateConflict

MEDIA_TYPE = "application/problem+json"
PAGES = "/api/v1/problems/"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of error. `slug` is the last part of its address and never changes."""

    slug: str
    status: int
    title: str
    page: str  # what it means and what to do, for the page at its address


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            "bad-request", 400, "The request cannot be read",
            "The body is not what its Content-Type says, e.g. broken JSON, or a header is malformed: see `detail`.",
        ),
        Kind(
            "unauthenticated", 401, "A valid token is needed",
            "Send the header Authorization: Bearer TOKEN. An administrator of the host makes tokens with "
            "`dispatcher token EMAIL`. A revoked token, or the token of somebody who has left, no longer works.",
        ),
        Kind("not-allowed", 403, "You may not do this", "Your roles, or your part in the message, do not allow it."),
        Kind(
            "not-found", 404, "There is no such thing",
            "The address is wrong, the thing does not exist, or it is not one that you may see.",
        ),
        Kind("method-not-allowed", 405, "The method is not allowed here", "The header Allow names those that are."),
        Kind(
            "state-conflict", 409, "It is no longer in the state you assumed",
            "Somebody else was faster, or the step does not follow from the present state. `state` is the present one: "
            "read it again, then decide what to do.",
        ),
        Kind(
            "digest-conflict", 409, "It was changed or decided after you looked at it",
            "A decision is bound to the exact content that was looked at. `digest` and `state` are the present ones: "
            "read and hear the message again, then decide on the new digest.",
        ),
        Kind(
            "key-reused", 409, "The Idempotency-Key was used for another request",
            "One key stands for one request. Repeat it only with the same method, address and body; make a new key for "
            "every new request.",
        ),
        Kind(
            "in-progress", 409, "The same request is being worked on",
            "A request with this Idempotency-Key has not been answered yet. Repeat it in a moment.",
        ),
        Kind("too-large", 413, "The body is too large", "`detail` names the limit. Send less, or in several requests."),
        Kind("unsupported-media-type", 415, "Bodies of this kind are not taken", "`detail` names those that are."),
        Kind("range-not-satisfiable", 416, "The range lies outside", "Ask for a part that is there, or for the whole."),
        Kind(
            "invalid-input", 422, "Some fields are wrong",
            "`errors` names every wrong field and says what to do about each. Nothing was changed.",
        ),
        Kind("too-many-requests", 429, "Too many requests", "Wait for as long as the header Retry-After says."),
        Kind(
            "internal-error", 500, "Something went wrong here",
            "Nothing was changed. The log has an entry under `instance`: give it to whoever runs the product.",
        ),
        Kind(
            "unavailable", 503, "The database is busy or away",
            "Repeat the request in a moment, with the same Idempotency-Key, so that nothing is done twice.",
        ),
    )
}  # fmt: skip


class Problem(Exception):
    """An answer that is an error. `more` are further members of the body, e.g. digest and state."""

    def __init__(
        self,
        slug: str,
        detail: str = "",
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int = 0,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.status = status or self.kind.status
        self.detail = detail
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})
        self.more = more

    def body(self) -> bytes:
        """The problem as JSON."""
        return orjson.dumps(
            {
                "type": PAGES + self.kind.slug,
                "title": self.kind.title,
                "status": self.status,
                "detail": self.detail or self.kind.page,
                "errors": [{"field": name, "message": text} for name, text in self.errors.items()],
                **self.more,
            }
        )

    def response(self) -> Response:
        """The problem as an answer."""
        return Response(self.body(), self.status, self.headers, content_type=MEDIA_TYPE)


def of_error(error: DispatcherError) -> Problem:
    """The problem that stands for an error of the family."""
    if isinstance(error, Refused):
        count = len(error.fields)
        return Problem("invalid-input", f"{count} field{'s are' if count > 1 else ' is'} wrong", errors=error.fields)
    if isinstance(error, NotAllowed):
        return Problem("not-allowed", sentence(error))
    if isinstance(error, NotFound):
        return Problem("not-found", sentence(error))
    if isinstance(error, DigestConflict):
        return Problem("digest-conflict", sentence(error), digest=error.digest, state=error.state)
    if isinstance(error, StateConflict):
        return Problem("state-conflict", sentence(error), state=error.state)
    raise error


def of_http(error: HTTPException) -> Problem:
    """The problem that stands for an error of the web framework, with its headers kept (Allow, Retry-After)."""
    code = error.code or 500
    slug = next((kind.slug for kind in KINDS.values() if kind.status == code), "")
    if not slug:
        slug = "bad-request" if code < 500 else "internal-error"
    detail = "" if isinstance(error, (MethodNotAllowed, RequestEntityTooLarge, TooManyRequests)) else error.description
    kept = {"allow", "retry-after", "www-authenticate", "content-range"}
    headers = {name: value for name, value in error.get_headers() if name.lower() in kept}
    return Problem(slug, detail or "", headers=headers, status=code)


def sentence(error: Exception) -> str:
    """An error's text, as a sentence begins."""
    text = str(error)
    return text[:1].upper() + text[1:]
