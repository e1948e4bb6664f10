"""The API on a small bank: real databases, real use cases, Flask's own client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from channels.fax import Fax
from dispatcher import api
from dispatcher.model import Message
from dispatcher.runtime import Runtime
from dispatcher.services import accounts
from tests.small_bank import SmallBank, small_bank

PEOPLE = ("analyst", "colleague", "officer", "other", "rep", "admin")


@dataclass
class Api:
    """Calls of the small bank's people: `ask("analyst", "POST", "/messages", json={…})`."""

    bank: SmallBank
    app: Flask
    client: FlaskClient
    tokens: dict[str, str]

    def ask(self, who: str | None, method: str, path: str, *, key: str = "", **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if who:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        if key:
            headers["Idempotency-Key"] = key
        return self.client.open("/api/v1" + path, method=method, headers=headers, **more)

    def made(self, **fields: Any) -> dict[str, Any]:
        """A message of the analyst's; pending unless `draft`."""
        body = {"subject": "Downgrade", "text": "We cut LTMY to hold.", "lists": ["semis", "top"], **fields}
        answer = self.ask("analyst", "POST", "/messages", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    def decided(self, message: dict[str, Any], decision: str = "approve", **more: Any) -> TestResponse:
        body = {"decision": decision, "digest": message["digest"], **more}
        return self.ask("officer", "POST", f"/messages/{message['id']}/decisions", json=body)

    def released(self, **fields: Any) -> dict[str, Any]:
        message = self.made(**fields)
        assert self.decided(message).status_code == 201
        return message

    def session(self) -> Session:
        return self.bank.sessions()

    def count(self, table: type = Message) -> int:
        with self.session() as session:
            return session.query(table).count()


def problem(answer: TestResponse, status: int, slug: str = "") -> dict[str, Any]:
    """The body of an answer that must be a problem of this status."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert {"type", "title", "status", "detail", "errors"} <= body.keys()
    assert body["status"] == status
    if slug:
        assert body["type"] == f"/api/v1/problems/{slug}"
    return body


def wrong(answer: TestResponse) -> dict[str, str]:
    """What a 422 says, by field."""
    return {one["field"]: one["message"] for one in problem(answer, 422, "invalid-input")["errors"]}


def _bare(runtime: Runtime) -> Flask:
    app = Flask("bare")
    api.register(app, runtime)
    return app


def make_api(sessions: sessionmaker[Session], folder: Path, built: list[Flask] | None = None) -> Api:
    """An application with nothing but the API, the one built before if there is."""
    bank = small_bank(sessions, folder)
    bank.runtime.adapters.channels["fax"] = Fax()  # type: ignore[index]  # a dict, as every bank's
    app = built[0] if built else _bare(bank.runtime)
    if built is not None:
        built[:] = [app]
    app.extensions["runtime"] = bank.runtime
    with sessions() as session:
        tokens = {name: accounts.make_token(session, bank.runtime, f"{name}@bank.example") for name in PEOPLE}
        session.commit()
    return Api(bank, app, app.test_client(), tokens)


@pytest.fixture(scope="session")
def built() -> list[Flask]:
    """The one application of all tests: to compile its addresses takes longer than most of them."""
    return []


@pytest.fixture
def bank_api(sqlite_sessions: sessionmaker[Session], tmp_path: Path, built: list[Flask]) -> Api:
    """The API on SQLite."""
    return make_api(sqlite_sessions, tmp_path, built)


@pytest.fixture
def both_api(sessions: sessionmaker[Session], tmp_path: Path, built: list[Flask]) -> Api:
    """The API, once on SQLite and once on PostgreSQL."""
    return make_api(sessions, tmp_path, built)
