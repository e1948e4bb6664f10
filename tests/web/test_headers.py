"""Headers, cookies and error pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.app import create_app
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings
from tests.small_bank import SmallBank
from tests.web.conftest import Site


def https(bank: SmallBank) -> Runtime:
    settings = Settings(
        _env_file=None, var_dir=bank.runtime.settings.var_dir, secret_key="k" * 40, redis_url="redis://127.0.0.1:1",
        public_url="https://alerts.bank.example",
    )  # fmt: skip
    return replace(bank.runtime, settings=settings)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/messages", "/r/nonsense", "/healthz", "/nothing-here"])
def test_pages_are_locked_down(site: Site, path: str) -> None:
    for name in ("nobody", "admin"):
        headers = site(name).get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        for part in ("object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert part in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers  # PUBLIC_URL is http here


def test_nothing_is_written_into_a_page_that_the_policy_forbids(site: Site) -> None:
    import re

    with site.session() as session:
        site.bank.released(session)
    for rule, method, access in site.pages():
        if method != "GET" or access.by_token:
            continue
        from tests.web.test_access import address

        answer = site("admin").get(address(rule))
        saved = answer.headers.get("Content-Disposition", "").startswith("attachment")
        if answer.mimetype == "text/html" and not saved:
            assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", answer.text), rule
            assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text), rule
            assert "<style" not in answer.text, rule


def test_static_files_may_be_kept(site: Site) -> None:
    with site("nobody").get("/static/dispatcher.css") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_https_makes_the_cookie_and_the_browser_strict(bank: SmallBank) -> None:
    app = create_app(https(bank))
    answer = app.test_client().get("/sign-in", base_url="https://alerts.bank.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-dispatcher=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_http_keeps_a_plain_cookie(site: Site) -> None:
    cookie = site("nobody").get("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("dispatcher=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_customers_get_no_cookie(site: Site) -> None:
    with site.session() as session:
        message = site.bank.released(session)
        assert message.id == 1
    for purpose, path in (("delivery", "/r/"), ("customer", "/p/")):
        answer = site("nobody").get(path + site.bank.runtime.token(purpose, 1))
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/messages/4711", 404, "There is nothing here"),
        ("/audit", 403, "This is not open to you"),
        ("/sign-out", 405, "not used that way"),
    ],
)
def test_errors_are_pages_that_help(site: Site, path: str, status: int, words: str) -> None:
    answer = site("analyst").get(path)
    assert answer.status_code == status
    assert words in answer.text
    assert "To the start page" in answer.text
    if status == 405:
        assert "POST" in answer.headers["Allow"]


def test_a_conflict_says_what_changed_and_lets_one_look_again(site: Site) -> None:
    with site.session() as session:
        message = site.bank.released(session)
    answer = site("analyst").post(
        f"/messages/{message.id}/withdraw", headers={"Referer": f"http://localhost/messages/{message.id}"}
    )
    assert answer.status_code == 409
    assert "releasing" in answer.text
    assert f'href="/messages/{message.id}">Look again' in answer.text
    # Without a page that it came from: the one above. What to do stands there in any case.
    answer = site("analyst").get(f"/messages/{message.id}/edit")
    assert answer.status_code == 409
    assert f'href="/messages/{message.id}">Look again' in answer.text
    assert "Look again, then decide. Nothing was changed by you." in answer.text


def test_programs_get_problems_not_pages(bank: SmallBank) -> None:
    answer = create_app(bank.runtime).test_client().get("/api/v1/nothing-here")
    assert answer.content_type.startswith("application/problem+json")


def test_visitors_send_little(site: Site) -> None:
    answer = site("nobody").client.post("/sign-in", data={"email": "a" * 300_000})
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_nul_is_refused_before_a_database_sees_it(site: Site) -> None:
    assert site("admin").get("/directory?q=%00").status_code == 400
    assert site("nobody").post("/sign-in", {"email": "a\x00b", "password": "x"}).status_code == 400


def test_an_error_of_ours_tells_nothing_and_logs_no_address(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dispatcher.web import customers

    monkeypatch.setattr(customers, "_delivery", lambda *_: 1 / 0)
    token = site.bank.runtime.token("delivery", 1)
    answer = site("nobody").get(f"/r/{token}")
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert "Traceback" not in answer.text
    assert token not in "".join(record.getMessage() for record in caplog.records)
    assert "/r/<token>" in caplog.text


def test_a_database_that_is_away_is_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    from dispatcher.web import customers

    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(customers, "_delivery", away)
    assert site("nobody").get(f"/r/{site.bank.runtime.token('delivery', 1)}").status_code == 503
