"""The link that submits a draft: opening it does nothing, its button does it once, and for a day, for one version."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, one_press, submission
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Letter, Message, Staff
from dispatcher.model.errors import DispatcherError
from dispatcher.services.media import Upload
from tests.small_bank import SmallBank, small_bank
from tests.web.conftest import Site

SUBJECT, TEXT = "Downgrade of LTMY", "We cut LTMY to <hold>."


@pytest.fixture
def recording(samples: Path) -> Upload:
    return Upload("alert.wav", (samples / "alert-1.wav").read_bytes())


def draft(site: Site, via: str = "mail", **changes: Any) -> tuple[int, str]:
    """A draft of the analyst's, and the path that submits it."""
    bank = site.bank
    with site.session() as session:
        form = bank.submission(**{"subject": SUBJECT, "text": TEXT, **changes})
        message = submission.create(session, bank.runtime, bank.staff(session, "analyst"), form, draft=True, via=via)
        session.commit()
        return message.id, one_press.link(bank.runtime, message.current).partition("localhost:8000")[2]


def state(site: Site, number: int) -> tuple[str, int]:
    with site.session() as session:
        message = session.get_one(Message, number)
        return message.state, message.version


def entries(site: Site) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_opening_it_shows_the_alert_and_changes_nothing(site: Site) -> None:
    number, path = draft(site)
    before = entries(site)
    for method in ("GET", "HEAD", "GET"):
        answer = site("nobody").client.open(path, method=method)
        assert answer.status_code == 200
    page = answer.text
    for words in (SUBJECT, "We cut LTMY to &lt;hold&gt;.", "Semis, Top: 3 customers", f"Draft {number} "):
        assert words in page
    assert page.count("<button") == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Set-Cookie" not in answer.headers
    assert state(site, number) == ("draft", 1)
    assert entries(site) == before


def test_its_button_submits_it_once(site: Site) -> None:
    number, path = draft(site)
    with site.session() as session:
        session.query(Letter).delete()
        session.commit()
    for _ in range(5):
        answer = site("nobody").client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.headers["Location"]) == (302, path)
        assert "Set-Cookie" not in answer.headers
    assert state(site, number) == ("pending", 1)
    page = site("nobody").get(path).text
    assert "It waits for an officer" in page
    assert SUBJECT not in page  # whoever holds the link later learns nothing
    assert "<button" not in page
    with site.session() as session:
        actions = list(
            session.scalars(
                select(AuditEntry.action).where(AuditEntry.subject == f"message {number}").order_by(AuditEntry.seq)
            )
        )
        assert actions == ["write message", "submit message", "confirm by link"]
        actors = set(session.scalars(select(AuditEntry.actor).where(AuditEntry.subject == f"message {number}")))
        assert actors == {"analyst@bank.example"}


def test_lists_are_chosen_where_none_is(site: Site) -> None:
    number, path = draft(site, lists=[])
    page = site("nobody").get(path).text
    assert 'value="semis"' in page
    answer = site("nobody").client.post(path)
    assert answer.status_code == 422
    assert "choose at least one list" in answer.text
    answer = site("nobody").client.post(path, data={"lists": ["semis", "nonsense"]})
    assert answer.status_code == 422
    assert state(site, number) == ("draft", 1)
    assert site("nobody").client.post(path, data={"lists": ["semis"]}).status_code == 302
    assert state(site, number) == ("pending", 2)
    assert "It waits for an officer" in site("nobody").get(path).text
    assert site("nobody").client.post(path, data={"lists": ["top"]}).status_code == 302
    assert state(site, number) == ("pending", 2)


def test_lists_that_are_named_cannot_be_changed_by_the_link(site: Site) -> None:
    number, path = draft(site, lists=["semis"])
    site("nobody").client.post(path, data={"lists": ["top"]})
    with site.session() as session:
        assert [one.key for one in session.get_one(Message, number).current.lists] == ["semis"]


def test_an_alert_without_words_is_not_submitted(site: Site) -> None:
    number, path = draft(site, text="")
    answer = site("nobody").client.post(path)
    assert answer.status_code == 422
    assert "write the alert, or add a recording" in answer.text
    assert state(site, number) == ("draft", 1)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("changed", "was changed after this link was sent"),
        ("late", "was valid for a day"),
        ("withdrawn", "is withdrawn"),
    ],
)
def test_a_link_that_is_over_says_so_and_submits_nothing(site: Site, case: str, words: str) -> None:
    number, path = draft(site)
    bank = site.bank
    with site.session() as session:
        analyst = bank.staff(session, "analyst")
        if case == "changed":
            submission.edit(session, bank.runtime, analyst, number, {"text": "Other words"})
        if case == "withdrawn":
            submission.withdraw(session, bank.runtime, analyst, number)
        session.commit()
    if case == "late":
        bank.time.at = bank.runtime.now() + timedelta(hours=25)
        with site.session() as session:
            version = session.get_one(Message, number).current
            version.created_at = bank.runtime.now() - timedelta(hours=25)
            session.commit()
    before = state(site, number)
    for answer in (site("nobody").get(path), site("nobody").client.post(path, follow_redirects=True)):
        assert words in answer.text
        assert SUBJECT not in answer.text
        assert "<button" not in answer.text
    assert state(site, number) == before


def test_returned_for_changes_it_is_not_submitted_again_by_the_old_link(site: Site) -> None:
    number, path = draft(site)
    site("nobody").client.post(path)
    bank = site.bank
    with site.session() as session:
        digest = session.get_one(Message, number).current.digest
        decisions.decide(session, bank.runtime, bank.staff(session, "officer"), number, "return", digest, "Why?")
        session.commit()
    assert site("nobody").client.post(path).status_code == 302
    assert state(site, number) == ("returned", 1)


@pytest.mark.parametrize("case", ["nonsense", "tampered", "other purpose", "other key", "nobody's", "author is out"])
def test_only_the_token_opens_it(site: Site, case: str) -> None:
    number, path = draft(site)
    good = path.removeprefix("/s/")
    with site.session() as session:
        version = session.get_one(Message, number).current.id
        if case == "author is out":
            session.get_one(Staff, site.bank.ids["analyst"]).active = False
            session.commit()
    token = {
        "nonsense": "nonsense",
        "tampered": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "other purpose": site.bank.runtime.token("delivery", version),
        "other key": f"{good[:1]}{'a' * 26}",
        "nobody's": site.bank.runtime.token("submit", 99_999),
    }.get(case, good)
    for answer in (
        site("nobody").get(f"/s/{token}"),
        site("nobody").client.post(f"/s/{token}"),
        site("nobody").get(f"/s/{token}/recording"),
    ):
        assert answer.status_code == 404
        assert SUBJECT not in answer.text
    assert state(site, number) == ("draft", 1)


def test_the_recording_is_played_and_each_play_is_on_record(site: Site, recording: Upload) -> None:
    number, path = draft(site, recording=recording)
    assert "<audio" in site("nobody").get(path).text
    before = entries(site)
    answer = site("nobody").get(f"{path}/recording")
    assert (answer.status_code, answer.data[:4]) == (200, b"RIFF")
    assert entries(site) == before + 1
    assert site("nobody").get(f"{path}/recording", headers={"Range": "bytes=100-"}).status_code == 206
    assert entries(site) == before + 1
    site("nobody").client.post(path)
    assert site("nobody").get(f"{path}/recording").status_code == 404
    assert state(site, number) == ("pending", 1)


def test_a_robot_that_presses_is_stopped(site: Site) -> None:
    _, path = draft(site, lists=[])
    statuses = [site("nobody").client.post(path).status_code for _ in range(32)]
    assert statuses == [422] * 30 + [429] * 2


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        (["phone"], ", by telephone</dd>"),
        (["phone", "sms"], ", text by SMS from the author&#39;s registered number</dd>"),
        (["phone", "mail", "page"], ", text by mail from the author&#39;s registered address</dd>"),
        (["sms", "page words"], "</dd>"),
    ],
)
def test_the_officer_sees_how_the_words_came(site: Site, recording: Upload, ways: list[str], words: str) -> None:
    number, _ = draft(site, ways[0], text="" if ways[0] == "phone" else TEXT, recording=recording)
    bank = site.bank
    with site.session() as session:
        analyst = bank.staff(session, "analyst")
        for via in ways[1:]:
            changes: dict[str, object] = {"topic": "x"} if via == "page" else {"text": f"Words by {via}"}
            submission.edit(session, bank.runtime, analyst, number, changes, via=via.split()[0])
        submission.submit(session, bank.runtime, analyst, number)
        session.commit()
    page = site("officer").get(f"/approvals/{number}").text
    assert f"<dt>Written by</dt><dd>Analyst{words}" in page


@pytest.fixture
def sure(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


@pytest.mark.parametrize("lists", [[], ["semis"]])
def test_twenty_presses_at_once_submit_it_once(sure: SmallBank, lists: list[str]) -> None:
    with sure.sessions() as session:
        message = submission.create(
            session, sure.runtime, sure.staff(session, "analyst"), sure.submission(lists=lists), draft=True, via="sms"
        )
        session.commit()
        number, token = message.id, sure.runtime.token("submit", message.current.id)
    came: list[str] = []
    start = threading.Barrier(20)

    def press() -> None:
        start.wait()
        try:
            with sure.sessions() as session:
                found = one_press.submit(session, sure.runtime, token, ["top"])
                commit(session, sure.runtime.bells)
                came.append(found.standing)
        except DispatcherError as error:
            came.append(str(error))

    threads = [threading.Thread(target=press) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert came == ["gone"] * 20
    with sure.sessions() as session:
        message = session.get_one(Message, number)
        assert (message.state, message.version) == ("pending", 1 if lists else 2)
        done = select(func.count()).where(AuditEntry.action == "submit message")
        assert session.scalar(done) == 1
