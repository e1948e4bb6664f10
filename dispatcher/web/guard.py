"""What stands before every page: who is there, whether they may, how much is read, and whether they meant it."""

from __future__ import annotations

from flask import abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect

from dispatcher import door
from dispatcher.services import accounts

MAX_ID = 2**63 - 1  # what a row can be numbered; databases refuse to look for more
SAFE = ("GET", "HEAD", "OPTIONS")
# Visitors send sign-ins, customers answers as long as a mail, of which a form makes up to 12 octets a letter; nobody
# fills our memory without an account.
MAX_FROM_VISITORS, MAX_FROM_CUSTOMERS = 200_000, 1_300_000


def check(pages: frozenset[str]) -> ResponseReturnValue | None:
    """Answer in the view's place whoever may not reach it. `pages` are the blueprints we stand before."""
    if request.endpoint is None or request.blueprint not in pages:
        return None
    if any(isinstance(value, int) and value > MAX_ID for value in (request.view_args or {}).values()):
        abort(404)
    access = door.access_to(current_app.view_functions[request.endpoint])
    if access is None:
        abort(500)  # nobody said who may: nobody may
    if access.public:
        request.max_content_length = MAX_FROM_VISITORS
    if access.by_token:
        request.max_content_length = MAX_FROM_CUSTOMERS
        _refuse_nul()
        return None
    _recognise()
    if not access.public:
        staff = door.someone()
        if staff is None:
            return _to_sign_in()
        if not staff.has(*access.roles):
            abort(403)
    if request.method not in SAFE:
        _require_intent()
    _refuse_nul()
    return None


def _refuse_nul() -> None:
    """No database stores NUL, and nobody types it."""
    if any("\x00" in value for value in (request.path, *request.args.keys(), *request.args.values())):
        abort(400)
    if request.method not in SAFE and any("\x00" in value for value in (*request.form.keys(), *request.form.values())):
        abort(400)


def _recognise() -> None:
    """Who is there, by the cookie. The session is short: a slow upload must not keep a transaction open."""
    cookie = session.get("id", "")
    if not cookie:
        return
    runtime = door.runtime()
    with runtime.reader() as reader:
        sign_in = accounts.by_cookie(reader, runtime, str(cookie))
        if sign_in is None:
            session.pop("id")
            return
        g.staff, g.sign_in_id = sign_in.staff, sign_in.id
    # A page that only keeps itself up to date is no sign that somebody is there.
    looked_at = request.headers.get("X-Requested-With") != "refresh"
    if looked_at and runtime.now() - sign_in.last_seen_at >= accounts.SEEN_EVERY:
        with door.writer() as writer:
            accounts.seen(writer, runtime, sign_in)


def _to_sign_in() -> ResponseReturnValue:
    if request.method not in SAFE:
        abort(401)
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("sign_in.form", next=wanted if wanted != "/" else None))


def _require_intent() -> None:
    """The form came from one of our own pages: by the browser's word where it gives one, and by the token always."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CSRFError("The form was sent by another site.")
    csrf: CSRFProtect = current_app.extensions["csrf"]
    csrf.protect()


def local_path(wanted: str, otherwise: str) -> str:
    """`wanted` when it is a path on this site, else `otherwise`: nobody is sent elsewhere by a link to us."""
    wanted = wanted.strip()
    if not wanted.startswith("/") or wanted[1:2] in ("/", "\\"):
        return otherwise
    return wanted if all(" " < letter < "\x7f" for letter in wanted) else otherwise
