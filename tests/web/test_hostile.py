"""Texts that would be code: stored everywhere a person can write, looked at on every page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions
from dispatcher.app import create_app
from dispatcher.model import (
    Attempt,
    ContactPoint,
    Conversation,
    Customer,
    Delivery,
    DistributionList,
    Firm,
    Grant,
    Reply,
    Response,
    Staff,
    Task,
)
from dispatcher.services import preferences
from dispatcher.services.media import Upload
from tests.small_bank import small_bank
from tests.web.conftest import PEOPLE, Site, with_fax

TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "{{ 7 * 191 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;script&#62;",
)


class Watch(HTMLParser):
    """Collects what a browser would run or load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            target = (value or "").strip().lower()
            if name.startswith("on") or name == "style":
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "formaction", "data-refresh") and not (
                target.startswith(("/", "#", "?", "http://localhost:8000/", "mailto:")) or target == ""
            ):
                self.found.append(f"<{tag} {name}={value}>")
        if tag == "script" and not (dict(attrs).get("src") or "").startswith("/static/"):
            self.found.append("<script>")
        if tag in ("img", "object", "embed", "base", "style") or (tag == "svg" and "onload" in dict(attrs)):
            self.found.append(f"<{tag}>")


def fill(site: Site, text: str) -> dict[str, str]:
    """Put the text wherever people, customers and providers can; the addresses where it then shows."""
    bank = site.bank
    with site.session() as session:
        for name in PEOPLE:
            bank.staff(session, name).name = f"{name} {text}"[:200]
        ana = session.get_one(Customer, bank.ids["ana"])
        ana.name, ana.key = text, "ana"
        for firm in session.query(Firm):
            firm.name = text
        for one in session.query(DistributionList):
            one.name = text
        for point in session.query(ContactPoint):
            point.invalid_because = text
        session.commit()
        message = bank.released(
            session, subject=text, text=text, topic=text[:64],
            attachments=[Upload(f"{text.replace('/', '_')}.txt", b"x")],
        )  # fmt: skip
        waiting = bank.submitted(session, subject=text, text=text)
        returned = bank.submitted(session, subject=text, text=text)
        officer = bank.staff(session, "officer")
        decisions.decide(session, bank.runtime, officer, returned.id, "return", returned.current.digest, text)
        for delivery in session.query(Delivery):
            delivery.error = text
            session.add(
                Attempt(id=f"{delivery.id:032}", delivery_id=delivery.id, provider="p", provider_ref=text, error=text)
            )
        conversation = Conversation(
            message_id=message.id, customer_id=ana.id, rep_id=bank.ids["rep"], channel="email", address=text
        )
        session.add(conversation)
        session.flush()
        shared = {"channel": "email", "sender": text, "subject": text, "text": text, "original": text + "\n> " + text}
        session.add_all(
            [
                Reply(dedupe="1", conversation_id=conversation.id, message_id=message.id, note=text, **shared),
                Reply(dedupe="2", state="unmatched", note=text, **shared),
                Response(dedupe="3", conversation_id=conversation.id, staff_id=bank.ids["rep"], text=text),
                Task(kind="failed", dedupe="4", text=text, message_id=message.id, customer_id=ana.id),
            ]
        )
        preferences.stop(session, bank.runtime, ana, "email", text)
        session.flush()
        session.commit()
        mail = session.query(Delivery).filter_by(channel="email", message_id=message.id).one()
        return {
            "message": str(message.id), "waiting": str(waiting.id), "returned": str(returned.id),
            "conversation": str(conversation.id), "alert": f"/r/{bank.runtime.token('delivery', mail.id)}",
            "preferences": f"/p/{bank.runtime.token('customer', ana.id)}",
        }  # fmt: skip


def addresses(at: dict[str, str], text: str) -> list[str]:
    """Every page on which what was filled in shows."""
    paths = [f"/messages/{at[one]}{part}" for one in ("message", "waiting", "returned") for part in ("", "/versions/1")]
    paths += [f"/messages/{at['message']}/deliveries", f"/messages/{at['message']}/progress", "/messages"]
    paths += [f"/messages/{at['waiting']}/edit", f"/messages/{at['returned']}/edit", "/messages/new"]
    paths += ["/approvals", *(f"/approvals/{at['waiting']}{part}" for part in ("", "/people", "/mail/1"))]
    paths += ["/inbox", "/inbox?state=all", f"/inbox/{at['conversation']}", "/inbox/unmatched?q=a", "/tasks"]
    paths += ["/directory", "/directory/customers/ana", "/directory/lists", "/directory/lists/semis"]
    paths += ["/directory/staff", "/reports", f"/reports/{at['message']}", "/audit", "/account"]
    paths += [at["alert"], at["preferences"], at["preferences"] + "/stop/email", "/messages?q=" + text]
    return paths


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_that_was_written_runs_anywhere(site: Site, text: str) -> None:
    paths = addresses(fill(site, text), text)
    seen = 0
    for name in ("analyst", "officer", "rep", "admin"):
        for path in paths:
            answer = site(name).get(path)
            assert answer.status_code in (200, 302, 403, 404, 409), (name, path)
            if answer.status_code == 200:
                watch = Watch()
                body = re.sub(r' style="[^"]*"', "", answer.text) if "/mail/" in path else answer.text
                watch.feed(body)
                assert watch.found == [], (name, path)
                assert "1337" not in answer.text.replace(text, ""), (name, path)
                seen += 1
    assert seen > 60


def test_every_page_works_on_both_databases(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    bank = with_fax(small_bank(sessions, tmp_path))
    with sessions() as session:
        session.add_all(Grant(staff_id=bank.ids["admin"], role=role) for role in ("analyst", "officer", "rep"))
        session.commit()
    site = Site(bank, create_app(bank.runtime))
    for path in [*addresses(fill(site, "Łódź 100%"), "%_"), "/metrics", "/healthz", "/audit/check", "/approvals/2"]:
        assert site("admin").get(path).status_code in (200, 302), path


def test_names_of_the_session_are_escaped_in_the_navigation(site: Site) -> None:
    with site.session() as session:
        session.get_one(Staff, site.bank.ids["rep"]).name = "<b>Rita</b>"
        session.commit()
    assert "&lt;b&gt;Rita&lt;/b&gt;" in site("rep").get("/inbox").text


def test_a_message_id_that_is_too_large_is_nothing(site: Site) -> None:
    for path in (
        "/messages/99999999999999999999999",
        "/inbox/99999999999999999999999",
        "/approvals/9223372036854775808",
    ):
        assert site("colleague").get(path).status_code in (403, 404), path
