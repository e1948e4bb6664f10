"""Signing in and out: who gets in, how often one may try, when a session ends."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.app import create_app
from dispatcher.model import AuditEntry, SignIn, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.services import accounts, hashing
from dispatcher.web.guard import local_path
from tests.small_bank import SmallBank, small_bank
from tests.web.conftest import Site, Visitor

PASSWORD = "four words nobody joins"
WRONG = "The mail address or the password is wrong."


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 as it is, but with less work: these tests hash a hundred times."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    nobody = hasher.hash("nobody")
    monkeypatch.setattr(hashing, "_hasher", hasher)
    monkeypatch.setattr(hashing, "_nobody", lambda: nobody)


@pytest.fixture
def bank(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    bank = small_bank(sqlite_sessions, tmp_path)
    with bank.sessions() as session:
        accounts.set_password(session, bank.runtime, "rep@bank.example", PASSWORD)
        session.commit()
    return bank


def sign_in(visitor: Visitor, email: str = "rep@bank.example", password: str = PASSWORD, **more: Any) -> Any:
    visitor.token = ""
    return visitor.post("/sign-in", {"email": email, "password": password, **more.pop("fields", {})}, **more)


def acts(bank: SmallBank) -> list[tuple[str, str, str]]:
    with bank.sessions() as session:
        return [(one.actor, one.action, one.subject) for one in session.scalars(select(AuditEntry))]


def test_in_and_out_again(site: Site) -> None:
    visitor = site("nobody")
    answer = sign_in(visitor, "Rep@Bank.example ")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/inbox")
    assert visitor.get("/inbox").status_code == 200
    visitor.token = ""
    assert visitor.post("/sign-out").status_code == 302
    assert visitor.get("/inbox").status_code == 302
    who = "staff rep@bank.example"
    assert [("rep@bank.example", "sign in", who), ("rep@bank.example", "sign out", who)] == acts(site.bank)[-2:]


def test_only_the_digest_of_the_cookie_is_kept(site: Site) -> None:
    visitor = site("nobody")
    sign_in(visitor)
    with visitor.client.session_transaction() as stored:
        cookie = stored["id"]
    assert len(cookie) == 43
    with site.session() as session:
        assert cookie not in [one.digest for one in session.scalars(select(SignIn))]
        assert accounts.by_cookie(session, site.bank.runtime, cookie) is not None


# Whoever is refused learns nothing of why, and waits equally long: one verification each.
@pytest.mark.parametrize("case", ["unknown", "wrong", "inactive", "without a password"])
def test_refusals_look_alike(site: Site, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    email = {"unknown": "nobody@bank.example", "without a password": "officer@bank.example"}.get(case)
    if case == "inactive":
        with site.session() as session:
            site.bank.staff(session, "rep").active = False
            session.commit()
    verified: list[str] = []
    real = hashing._hasher

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored[:9])
            return real.verify(stored, password)

    monkeypatch.setattr(hashing, "_hasher", Counting())
    answer = sign_in(site("nobody"), email or "rep@bank.example", "wrong" if case == "wrong" else PASSWORD)
    assert answer.status_code == 422
    assert WRONG in answer.text
    assert verified == ["$argon2id"]
    actor, action, subject = acts(site.bank)[-1]
    assert (actor, action) == ("system", "refuse sign-in")
    assert subject == {"unknown": "unknown address", "without a password": "staff officer@bank.example"}.get(
        case, "staff rep@bank.example"
    )


def test_the_password_typed_is_kept_nowhere(site: Site) -> None:
    sign_in(site("nobody"), password="a secret typed wrongly")
    sign_in(site("nobody"), email="a secret typed wrongly")
    with site.session() as session:
        assert all("secret" not in one.detail + one.subject for one in session.scalars(select(AuditEntry)))


def test_what_was_typed_as_address_stays(site: Site) -> None:
    text = sign_in(site("nobody"), password="wrong").text
    assert 'value="rep@bank.example"' in text
    assert "wrong" not in re.findall(r'type="password"[^>]*value="([^"]*)"', text)


def test_an_account_takes_five_tries_a_minute(site: Site) -> None:
    visitor = site("nobody")
    for n in range(5):
        answer = sign_in(visitor, password="wrong", environ_overrides={"REMOTE_ADDR": f"192.0.2.{n}"})
        assert answer.status_code == 422
    answer = sign_in(visitor, environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    assert answer.status_code == 429  # the right password, but too late
    assert "Too many tries" in answer.text
    assert answer.headers["Retry-After"] == "60"
    assert sign_in(visitor, "analyst@bank.example", environ_overrides={"REMOTE_ADDR": "192.0.2.9"}).status_code == 422


def test_only_failures_count_against_an_account(site: Site) -> None:
    for _ in range(8):
        assert sign_in(site("nobody")).status_code == 302
    statuses = [sign_in(site("nobody"), password="wrong").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_an_address_takes_sixty_tries_a_minute(site: Site) -> None:
    visitor = site("nobody")
    statuses = [sign_in(visitor, f"p{n}@bank.example", "x").status_code for n in range(61)]
    assert statuses == [422] * 60 + [429]


def test_a_proxy_on_this_host_says_who_asks(site: Site) -> None:
    visitor = site("nobody")
    for n in range(61):  # what the other side writes in front is not believed
        answer = sign_in(visitor, f"p{n}@bank.example", "x", headers={"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.7"})
    assert answer.status_code == 429
    assert sign_in(visitor, "q@bank.example", "x", headers={"X-Forwarded-For": "192.0.2.8"}).status_code == 422


def test_a_header_from_afar_is_not_believed(site: Site) -> None:
    visitor = site("nobody")
    for n in range(61):
        answer = sign_in(
            visitor, f"p{n}@bank.example", "x", headers={"X-Forwarded-For": f"10.0.0.{n}"},
            environ_overrides={"REMOTE_ADDR": "198.51.100.1"},
        )  # fmt: skip
    assert answer.status_code == 429


def test_tries_count_over_all_processes(sqlite_sessions: sessionmaker[Session], tmp_path: Path, valkey: str) -> None:
    bank = small_bank(sqlite_sessions, tmp_path, valkey)
    for n in range(7):
        # A new application each time, as another process would be.
        visitor = Visitor(create_app(bank.runtime).test_client())
        answer = sign_in(visitor, password="x")
        assert answer.status_code == (422 if n < 5 else 429)
    import redis

    with redis.Redis.from_url(valkey) as client:
        assert not [key for key in client.keys("*") if b"bank.example" in key]


def test_a_session_ends_by_itself(site: Site) -> None:
    for wait, still in ((timedelta(hours=7), True), (timedelta(hours=7), True), (timedelta(hours=8), False)):
        site("rep")
        site.bank.time.pass_by(wait.total_seconds())
        assert (site("rep").get("/inbox").status_code == 200) is still, wait


def test_a_session_ends_after_a_day_however_busy(site: Site) -> None:
    for hour in range(24):
        assert site("rep").get("/inbox").status_code == 200, hour
        site.bank.time.pass_by(3600)
    assert site("rep").get("/inbox").status_code == 302


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(site: Site) -> None:
    for _ in range(7):
        assert site("rep").get("/inbox", headers={"X-Requested-With": "refresh"}).status_code == 200
        site.bank.time.pass_by(3600 + 600)
    assert site("rep").get("/inbox", headers={"X-Requested-With": "refresh"}).status_code == 302


def test_signing_in_gives_a_new_id(site: Site) -> None:
    """What somebody planted in the browser before does not become a session."""
    visitor = site("nobody")
    with visitor.client.session_transaction() as stored:
        stored["id"] = "planted"
        stored["more"] = "planted"
    token = visitor.csrf()
    sign_in(visitor)
    with visitor.client.session_transaction() as stored:
        assert stored["id"] != "planted"
        assert "more" not in stored
        assert stored.get("csrf_token") is None
    assert visitor.client.post("/account/tokens", data={"csrf_token": token}).status_code == 400


def test_own_sessions_can_be_ended(site: Site) -> None:
    here, there = site("rep"), Visitor(site.app.test_client())
    site.let_in(there, "rep")
    assert there.get("/account").status_code == 200
    ends = re.findall(r"/account/sessions/(\d+)/end", here.get("/account").text)
    assert len(ends) == 2
    with site.session() as session:
        newest = max(one.id for one in session.scalars(select(SignIn)))
    assert here.post(f"/account/sessions/{newest}/end").status_code == 302
    assert there.get("/account").status_code == 302
    assert here.get("/account").status_code == 200


def test_nobody_ends_the_sessions_of_others(site: Site) -> None:
    site("analyst")
    with site.session() as session:
        theirs = session.scalars(select(SignIn)).one().id
    assert site("rep").post(f"/account/sessions/{theirs}/end").status_code == 404
    assert site("analyst").get("/account").status_code == 200


def test_a_new_password_ends_the_other_sessions(site: Site) -> None:
    here, there = site("rep"), Visitor(site.app.test_client())
    site.let_in(there, "rep")
    new = "other words nobody joins"
    for fields, field in (
        ({"current": "wrong", "password": new, "again": new}, "current"),
        ({"current": PASSWORD, "password": new, "again": "else"}, "again"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "password"),
    ):
        answer = here.post("/account/password", fields)
        assert answer.status_code == 422
        assert f'id="{field}-fault"' in answer.text
    assert there.get("/account").status_code == 200
    answer = here.post("/account/password", {"current": PASSWORD, "password": new, "again": new})
    assert answer.status_code == 302
    assert there.get("/account").status_code == 302
    assert here.get("/account").status_code == 200


def test_a_token_is_shown_once_and_works_until_revoked(site: Site) -> None:
    visitor = site("rep")
    token = re.findall(r"dsp_[\w-]{43}", visitor.post("/account/tokens").text)[0]
    assert token not in visitor.get("/account").text
    with site.session() as session:
        owner = accounts.by_token(session, site.bank.runtime, token)
        assert owner is not None
        assert owner.id == site.bank.ids["rep"]
        assert accounts.by_token(session, site.bank.runtime, token[:-1] + "?") is None
        assert accounts.touch_token(session, site.bank.runtime, token) is True
        assert accounts.touch_token(session, site.bank.runtime, token) is False
        session.commit()
    assert site("analyst").post("/account/tokens/1/revoke").status_code == 404
    assert visitor.post("/account/tokens/1/revoke").status_code == 302
    with site.session() as session:
        assert accounts.by_token(session, site.bank.runtime, token) is None


def test_tokens_of_people_who_are_out_do_not_work(bank: SmallBank) -> None:
    with bank.sessions() as session:
        token = accounts.make_token(session, bank.runtime, "rep@bank.example")
        bank.staff(session, "rep").active = False
        session.flush()
        assert accounts.by_token(session, bank.runtime, token) is None
        with pytest.raises(NotAllowed):
            accounts.make_token(session, bank.runtime, "rep@bank.example")
        with pytest.raises(NotFound):
            accounts.make_token(session, bank.runtime, "stranger@bank.example")


@pytest.mark.parametrize(
    "password",
    ["", "short", "eleven char", "rep@bank.example", "REP@bank.example", "aaaaaaaaaaaaaaaa", "password1234", "x" * 201],
)
def test_weak_passwords_are_refused(bank: SmallBank, password: str) -> None:
    with bank.sessions() as session, pytest.raises(Refused) as refused:
        accounts.set_password(session, bank.runtime, "rep@bank.example", password)
    assert list(refused.value.fields) == ["password"]


def test_staff_are_found_whatever_the_case(bank: SmallBank) -> None:
    with bank.sessions() as session:
        assert isinstance(accounts.find(session, " REP@bank.EXAMPLE "), Staff)


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/messages/7?state=draft", "/messages/7?state=draft"),
        ("", "/start"),
        ("https://evil.example", "/start"),
        ("//evil.example", "/start"),
        ("/\\evil.example", "/start"),
        ("\\\\evil.example", "/start"),
        ("///evil.example", "/start"),
        ("javascript:alert(1)", "/start"),
        ("/\tevil", "/start"),
        ("/a\r\nSet-Cookie: x=y", "/start"),
        (" //evil.example", "/start"),
        ("messages", "/start"),
        ("/é", "/start"),
    ],
)
def test_nobody_is_sent_elsewhere(wanted: str, leads_to: str) -> None:
    assert local_path(wanted, "/start") == leads_to


def test_after_the_sign_in_one_is_where_one_wanted_to_be(site: Site) -> None:
    visitor = site("nobody")
    where = visitor.get("/inbox?state=closed").headers["Location"]
    assert where == "/sign-in?next=/inbox?state%3Dclosed"
    assert 'name="next" value="/inbox?state=closed"' in visitor.get(where).text
    assert sign_in(visitor, fields={"next": "/inbox?state=closed"}).headers["Location"] == "/inbox?state=closed"
    assert visitor.get("/sign-in?next=//evil.example").headers["Location"] == "/inbox"
