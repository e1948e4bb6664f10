"""Errors: always a problem, always the right status, never a word about the inside."""

from __future__ import annotations

import io
import json

import pytest
from sqlalchemy.exc import OperationalError

from dispatcher.api.problems import KINDS
from tests.api.conftest import Api, problem, wrong

HOSTILE = [
    (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"nope", 400), (b'{"a":NaN}', 400), (b"[" * 100_000, 400),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400), (b'{"subject":"\xed\xa0\x80"}', 400), (b"1", 422), (b"[]", 422),
    (b'"text"', 422), (b"null", 422), (b'{"subject":1e999}', 422), (b'{"valid_for":' + b"9" * 400 + b"}", 422),
    (b'{"subject":"' + b"x" * 400_000 + b'"}', 422), (b'{"lists":[' + b'"a",' * 5000 + b'"a"]}', 422),
    (b'{"__proto__":{},"constructor":1}', 422), (b'{"subject":{"$ne":1}}', 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), HOSTILE, ids=lambda value: str(value)[:24])
def test_hostile_bodies_get_an_answer(bank_api: Api, body: bytes, status: int) -> None:
    answer = bank_api.ask("analyst", "POST", "/messages", data=body, content_type="application/json", key="k")
    found = problem(answer, status)
    assert status == 400 or found["errors"]
    assert bank_api.count() == 0


def test_lone_surrogates_are_no_text(bank_api: Api) -> None:
    answer = bank_api.ask(
        "analyst", "POST", "/messages", data=b'{"subject":"\\ud800"}', content_type="application/json"
    )
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"junk"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=subject"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x"),
    ],
)
def test_a_form_that_cannot_be_split_is_said_to_be_one(bank_api: Api, kind: str, body: bytes) -> None:
    answer = bank_api.ask("analyst", "POST", "/messages", data=body, content_type=kind)
    problem(answer, 400, "bad-request")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "text/csv"])
def test_other_kinds_of_body_are_not_taken(bank_api: Api, kind: str) -> None:
    answer = bank_api.ask("analyst", "POST", "/messages", data=b"subject=x", content_type=kind)
    assert "application/json" in problem(answer, 415, "unsupported-media-type")["detail"]
    answer = bank_api.ask("analyst", "PUT", "/lists/semis", data=b"x", content_type="multipart/form-data; boundary=x")
    problem(answer, 415)


def test_json_without_a_content_type_is_taken_for_json(bank_api: Api) -> None:
    body = json.dumps({"subject": "S", "text": "T", "lists": ["semis"]}).encode()
    assert bank_api.ask("analyst", "POST", "/messages", data=body).status_code == 201


def test_what_is_too_large_is_refused_before_it_is_read(bank_api: Api) -> None:
    for kind, size in (("application/json", 17_000_000), ("multipart/form-data; boundary=x", 45_000_000)):
        # So many bytes are announced and none comes: whoever waited for them would never answer.
        more = {"environ_overrides": {"CONTENT_LENGTH": str(size)}, "content_type": kind}
        answer = bank_api.ask("analyst", "POST", "/messages", data=b"", **more)
        assert "MB" in problem(answer, 413, "too-large")["detail"]
    long = {"subject": "S", "text": "x" * 3_000_000, "lists": "semis", "recording": (io.BytesIO(b"x"), "a.wav")}
    assert "2 MB" in problem(bank_api.ask("analyst", "POST", "/messages", data=long), 413, "too-large")["detail"]


def test_other_methods_say_which_are_allowed(bank_api: Api) -> None:
    for method, path, allowed in (
        ("DELETE", "/messages", "GET, HEAD, POST"), ("POST", "/messages/1", "GET, HEAD, PATCH"),
        ("PUT", "/me", "GET, HEAD"), ("GET", "/messages/1/submit", "POST"), ("TRACE", "/me", "GET, HEAD"),
        ("BREW", "/lists/semis", "GET, HEAD, PUT"),
    ):  # fmt: skip
        answer = bank_api.ask("analyst", method, path)
        problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == allowed
    answer = bank_api.ask("analyst", "OPTIONS", "/messages")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, POST")


def test_other_addresses_are_not_found(bank_api: Api) -> None:
    for path in (
        "",
        "/",
        "/nothing",
        "/messages/",
        "/Messages",
        "/messages/1/nothing",
        "/messages/../me",
    ):
        problem(bank_api.ask("analyst", "GET", path), 404, "not-found")


def test_head_answers_like_get_without_a_body(bank_api: Api) -> None:
    answer = bank_api.ask("analyst", "HEAD", "/messages")
    assert (answer.status_code, answer.data) == (200, b"")


def test_keys_in_the_address_may_be_anything_but_unprintable(bank_api: Api) -> None:
    for key in ("no%20body", "%F0%9F%A6%86", "%27%3B--", "x" * 3000, "a%5Cb", "%FF"):
        problem(bank_api.ask("admin", "GET", f"/customers/{key}"), 404)
        problem(bank_api.ask("admin", "GET", f"/lists/{key}"), 404)
    for key in ("%00", "a%0Ab", "a%7F"):
        problem(bank_api.ask("admin", "GET", f"/customers/{key}"), 404)
        problem(bank_api.ask("admin", "PUT", f"/lists/{key}", json={"name": "x"}), 404)


@pytest.mark.parametrize("words", ["%", "_", "\\", "'; DROP TABLE customers", "%00", "a%00b", "\u0085", "🦆"])
def test_a_search_takes_any_words(both_api: Api, words: str) -> None:
    answer = both_api.ask("admin", "GET", f"/customers?q={words}")
    assert answer.status_code == (422 if "%00" in words else 200)
    if answer.status_code == 200:
        assert answer.get_json()["items"] == []


def test_a_failure_tells_nothing_and_is_logged_without_its_words(
    bank_api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from approvals import submission

    words = "heather.morales@example.com"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(submission, "get", broken)
    found = problem(bank_api.ask("analyst", "GET", "/messages/1"), 500, "internal-error")
    assert found["instance"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert words not in caplog.text + json.dumps(found)


def test_a_busy_database_is_said_to_be_one(bank_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from approvals import submission

    def busy(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database is locked"))

    monkeypatch.setattr(submission, "get", busy)
    answer = bank_api.ask("analyst", "GET", "/messages/1")
    assert "secret" not in json.dumps(problem(answer, 503, "unavailable"))
    assert answer.headers["Retry-After"] == "2"


def test_each_kind_has_a_page(bank_api: Api) -> None:
    for kind in KINDS.values():
        answer = bank_api.client.get(f"/api/v1/problems/{kind.slug}")
        assert answer.status_code == 200
        assert kind.title in answer.text
        assert answer.mimetype == "text/html"
    problem(bank_api.client.get("/api/v1/problems/nothing"), 404)


def test_answers_are_not_kept_by_anybody(bank_api: Api) -> None:
    for path in ("/messages", "/messages/1", "/nothing"):
        answer = bank_api.ask("analyst", "GET", path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_unknown_parameters_are_named(bank_api: Api) -> None:
    assert wrong(bank_api.ask("admin", "GET", "/replies?costumer=ana&limit=x&limit=y")) == {
        "costumer": "is not a field of this call; did you mean customer?", "limit": "came 2 times; send it once"
    }  # fmt: skip
