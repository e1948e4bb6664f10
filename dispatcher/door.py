"""What the doors for people share: who is there, what they may do, and a database session for each request.

Every view declares who may use it; a view without a declaration is closed to everybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import current_app, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from dispatcher import bells, storage
from dispatcher.model import ROLES, Staff
from dispatcher.model.errors import NotAllowed
from dispatcher.runtime import Runtime

View = TypeVar("View", bound=Callable[..., Any])
Served = TypeVar("Served")
TRIES = 3


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a view: anybody (`public`), whoever holds the token in its address, or the roles named."""

    roles: frozenset[str] = frozenset()
    public: bool = False
    by_token: bool = False


_declared: WeakKeyDictionary[Callable[..., Any], Access] = WeakKeyDictionary()


def _declare(view: View, access: Access) -> View:
    _declared[view] = access
    return view


def may(*roles: str) -> Callable[[View], View]:
    """Declare a view for people who hold at least one of these roles; without any, for all who are signed in."""
    assert set(roles) <= set(ROLES), f"unknown role among {roles}"
    return lambda view: _declare(view, Access(roles=frozenset(roles or ROLES)))


def public(view: View) -> View:
    """Declare a view for everybody."""
    return _declare(view, Access(public=True))


def by_token(view: View) -> View:
    """Declare a view for whoever holds the token in its address: the view checks it, and it stands in for CSRF's."""
    return _declare(view, Access(by_token=True))


def access_to(view: Callable[..., Any]) -> Access | None:
    """What was declared for a view."""
    return _declared.get(view)


def runtime() -> Runtime:
    """The runtime of the application that serves this request."""
    return cast(Runtime, current_app.extensions["runtime"])


def db() -> Session:
    """The request's database session, opened when first asked for; calls that change nothing open a reader."""
    if "db" not in g:
        looking = g.get("only_looking", request.method in ("GET", "HEAD", "OPTIONS"))
        g.db = runtime().reader() if looking else runtime().sessions()
    return cast(Session, g.db)


@contextmanager
def writer() -> Iterator[Session]:
    """A short session of its own for the little that a reading request writes: committed at the end."""
    with runtime().sessions() as session:
        yield session
        bells.commit(session, runtime().bells)
        g.committed = True


def commit() -> None:
    """Commit the request's session and ring what its use case noted."""
    bells.commit(db(), runtime().bells)
    g.committed = True


def taken_again(serve: Callable[[], Served]) -> Served:
    """What `serve` gives for this request; it is done anew where the request's session, of which nothing had been
    committed, was chosen by the database to give way to another. Doors with sessions of their own see to it themselves.
    """
    g.pop("committed", None)  # by whoever saw who is there, before the view

    def again(error: DBAPIError) -> bool:
        if "db" not in g or g.get("committed") or not storage.was_chosen(error):
            return False
        close_session()
        g.pop("only_looking", None)
        for _, one in request.files.items(multi=True):
            one.stream.seek(0)
        return True

    return storage.taken_again(serve, TRIES, again)


def only_look() -> None:
    """Give up what was not committed, and from here on read only: for the page that says why."""
    close_session()
    g.only_looking = True


def close_session(_error: BaseException | None = None) -> None:
    """End the request's session; what was not committed is rolled back."""
    session = g.pop("db", None)
    if session is not None:
        session.close()


def someone() -> Staff | None:
    """Who is signed in, detached: for navigation and looks. None for visitors."""
    return cast("Staff | None", g.get("staff"))


def me() -> Staff:
    """Who is signed in, in this request's session, for use cases."""
    known = someone()
    staff = db().get(Staff, known.id) if known else None
    if staff is None or not staff.active:
        raise NotAllowed("you are no longer signed in")
    return staff


def once() -> str:
    """A new mark for a form, by which a second press of its button is known."""
    return secrets.token_urlsafe(16)


def client_address() -> str:
    """The other side's address. Behind a proxy on this host, the one the proxy saw.

    The header is believed only from this host, and only its last entry: everything before it was written by the
    other side.
    """
    peer = request.remote_addr or ""
    forwarded = request.headers.get("X-Forwarded-For", "")
    if forwarded and is_loopback(peer):
        return forwarded.rsplit(",", 1)[-1].strip()
    return peer


def is_loopback(address: str) -> bool:
    """True for this host's own addresses, and for a Unix socket's other side, which has none."""
    return address in ("", "::1") or address.startswith("127.")
