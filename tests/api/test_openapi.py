"""The OpenAPI document is valid, says what the routes do, and its examples are taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.api.calls import CALLS
from dispatcher.api.openapi import document
from tests.api.conftest import Api, make_api

# The calls of the public contract, which may grow and never shrink.
PUBLIC = """
POST /messages · GET /messages · GET /messages/{} · PATCH /messages/{} · POST /messages/{}/submit
POST /messages/{}/withdraw · POST /messages/{}/cancel · GET /messages/{}/audience · POST /messages/{}/decisions
GET /messages/{}/deliveries · GET /messages/{}/report · GET /messages/{}/recording · PUT /customers/{}
GET /customers/{} · DELETE /customers/{} · POST /imports/customers · GET /customers/{}/history · PUT /lists/{}
GET /lists/{} · PUT /lists/{}/members · GET /replies · GET /conversations · GET /conversations/{}
POST /conversations/{}/responses · POST /conversations/{}/claim · POST /conversations/{}/close
"""


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return document()


def test_it_is_a_valid_document_of_3_1(bank_api: Api, spec: dict[str, Any]) -> None:
    answer = bank_api.client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.get_json() == spec
    assert spec["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(spec).validate()


def test_every_public_call_is_in_it(spec: dict[str, Any]) -> None:
    there = {f"{m.upper()} {re.sub('{.*?}', '{}', path)}" for path, item in spec["paths"].items() for m in item}
    assert {one.strip() for one in re.split("·|\n", PUBLIC) if one.strip()} <= there


def test_every_operation_has_a_name_security_and_its_problems(spec: dict[str, Any]) -> None:
    operations = [one for item in spec["paths"].values() for one in item.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)) == len(CALLS)
    assert spec["security"] == [{"bearer": []}]
    for one in operations:
        assert {"401", "403", "429", "500"} <= one["responses"].keys(), one["operationId"]
        for status, answer in one["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], one["operationId"]


def models() -> list[type[BaseModel]]:
    bodies = [call.body for call in CALLS if call.body]
    answers = [answer for call in CALLS for answer in call.answers.values() if isinstance(answer, type)]
    return list(dict.fromkeys([*bodies, *answers]))


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_examples_fit_their_shape(model: type[BaseModel]) -> None:
    schema = model.model_json_schema(mode="serialization")
    for part in [schema, *schema.get("$defs", {}).values()]:
        for example in part.get("examples", []):
            Draft202012Validator({**part, "$defs": schema.get("$defs", {})}).validate(example)
    for example in model.model_json_schema().get("examples", []):
        model.model_validate(example)


def test_every_body_has_an_example(spec: dict[str, Any]) -> None:
    for path, item in spec["paths"].items():
        for method, one in item.items():
            body = one.get("requestBody", {}).get("content", {})
            if "application/json" in body:
                assert body["application/json"].get("example"), f"{method} {path}"


def test_it_is_readable_without_a_token(bank_api: Api) -> None:
    page = bank_api.client.get("/api/v1/docs")
    assert page.mimetype == "text/html"
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert bank_api.client.get(f"/api/v1/{address}").status_code == 200, address
    assert bank_api.client.get("/api/v1/docs/").headers["Location"] == "/api/v1/docs"
    assert bank_api.client.get("/api/v1/docs/evil.js").status_code == 404
    assert bank_api.client.get("/api/v1/docs/../problems.py").status_code in (401, 404)


@pytest.mark.browser
def test_the_page_works_where_no_inline_script_may_run(
    sqlite_sessions: sessionmaker[Session], tmp_path: Path, chromium_page: Any, free_port: int
) -> None:
    import threading

    from flask import Response
    from werkzeug.serving import make_server

    app = make_api(sqlite_sessions, tmp_path).app

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:; object-src 'none'"
        return response

    server = make_server("127.0.0.1", free_port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    said: list[str] = []
    chromium_page.on("console", lambda message: said.append(message.text))
    try:
        chromium_page.goto(f"http://127.0.0.1:{free_port}/api/v1/docs")
        chromium_page.get_by_text("Write a message").click()
        chromium_page.get_by_text("Idempotency-Key").first.wait_for()
    finally:
        server.shutdown()
        thread.join(60)
    assert not [one for one in said if "Content Security Policy" in one]
