"""The API inside the whole application: no page's error, no form's token, no cookie gets in its way."""

from __future__ import annotations

import io

import pytest

from dispatcher.app import create_app
from tests.api.conftest import Api, problem
from tests.api.test_messages import form, sound


@pytest.fixture
def whole(bank_api: Api) -> Api:
    app = create_app(bank_api.bank.runtime)
    return Api(bank_api.bank, app, app.test_client(), bank_api.tokens)


def test_errors_are_problems_and_not_pages(whole: Api) -> None:
    problem(whole.ask(None, "GET", "/me"), 401)
    problem(whole.ask("rep", "GET", "/nothing"), 404)
    problem(whole.ask("rep", "GET", "/messages/0"), 404)
    problem(whole.ask("rep", "DELETE", "/messages"), 405)
    problem(whole.ask("rep", "POST", "/messages", json={}), 403)
    problem(whole.ask("analyst", "POST", "/messages", data=b"{", content_type="application/json"), 400)
    problem(whole.ask("analyst", "POST", "/messages", data=b"x", content_type="text/plain"), 415)
    long = {"subject": "S", "text": "x" * 3_000_000, "lists": "semis", "recording": (io.BytesIO(b"x"), "a.wav")}
    problem(whole.ask("analyst", "POST", "/messages", data=long), 413)


def test_a_form_needs_no_token_of_a_page(whole: Api) -> None:
    answer = whole.ask("analyst", "POST", "/messages", data=form(recording=(io.BytesIO(sound()), "a.wav")))
    assert answer.status_code == 201, answer.text
    assert "Set-Cookie" not in answer.headers
    assert whole.decided(answer.get_json()).status_code == 201


def test_answers_carry_the_applications_headers_and_stay_private(whole: Api) -> None:
    answer = whole.ask("rep", "GET", "/messages")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert whole.client.get("/api/v1/docs").status_code == 200
