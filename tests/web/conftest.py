"""The pages on a small bank: a real database, real use cases, Flask's own client."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from channels.fax import Fax
from dispatcher import door
from dispatcher.app import create_app
from dispatcher.model import Delivery, SignIn
from dispatcher.services import replies
from dispatcher.services.accounts import _sha256
from dispatcher.web.limits import Limits
from tests.small_bank import SmallBank, small_bank

PEOPLE = ("analyst", "colleague", "officer", "other", "rep", "admin")


@dataclass
class Visitor:
    """A browser of somebody, signed in or not. `get` and `post` are theirs; `post` sends the form's token along."""

    client: FlaskClient
    token: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.csrf(), **(data or {})}, **more)

    def csrf(self) -> str:
        if not self.token:
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/account").text)
            found = found or re.search(r'name="csrf_token" value="([^"]+)"', self.get("/sign-in").text)
            assert found, "no form token on the page"
            self.token = found[1]
        return self.token


@dataclass
class Site:
    """The application, and browsers of its people."""

    bank: SmallBank
    app: Flask
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def __call__(self, name: str) -> Visitor:
        """The browser of one of PEOPLE, signed in; of "nobody" without."""
        if name not in self.visitors:
            self.visitors[name] = Visitor(self.app.test_client())
            if name != "nobody":
                self.let_in(self.visitors[name], name)
        return self.visitors[name]

    def let_in(self, visitor: Visitor, name: str) -> str:
        """Sign somebody in without the slow password; the cookie's value."""
        cookie = secrets.token_urlsafe(32)
        moment = self.bank.runtime.now()
        with self.bank.sessions() as session:
            session.add(
                SignIn(staff_id=self.bank.ids[name], digest=_sha256(cookie), created_at=moment, last_seen_at=moment)
            )
            session.commit()
        with visitor.client.session_transaction() as stored:
            stored["id"] = cookie
        return cookie

    def session(self) -> Session:
        return self.bank.sessions()

    def pages(self) -> Iterator[tuple[Rule, str, door.Access]]:
        """Every route of the pages for people: the rule, one method, and what was declared."""
        for rule in self.app.url_map.iter_rules():
            blueprint = rule.endpoint.partition(".")[0]
            if blueprint in ("static", "bootstrap", "api") or str(rule).startswith("/webhooks"):
                continue
            access = door.access_to(self.app.view_functions[rule.endpoint])
            assert access is not None, f"nobody declared who may use {rule}"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, access


def with_fax(bank: SmallBank) -> SmallBank:
    """The bank's customers may have fax numbers, though nobody carries them."""
    adapters = bank.runtime.adapters
    bank.runtime = replace(bank.runtime, adapters=replace(adapters, channels={**adapters.channels, "fax": Fax()}))
    return bank


@pytest.fixture
def bank(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return with_fax(small_bank(sqlite_sessions, tmp_path))


@pytest.fixture(scope="session")
def built() -> list[Flask]:
    """The one application of all tests: to compile its addresses takes longer than most of them."""
    return []


@pytest.fixture
def site(bank: SmallBank, built: list[Flask]) -> Site:
    """The pages over this test's bank. Webhooks, which hold their runtime, need an application of their own."""
    shared_app = built[0] if built else create_app(bank.runtime)
    built[:] = [shared_app]
    shared_app.extensions["runtime"] = bank.runtime
    shared_app.extensions["limits"] = Limits(bank.runtime.settings)
    shared_app.extensions.pop("quick redis", None)
    return Site(bank, shared_app)


@pytest.fixture
def talk(site: Site) -> Site:
    """Ana has answered by the page: conversation 1, Rita's."""
    with site.session() as session:
        site.bank.released(session)
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        replies.from_page(session, site.bank.runtime, mail.id, "What now?", False)
        session.commit()
    return site
