"""The inbox, unmatched replies and tasks."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from dispatcher.model import Conversation, Delivery, Grant, Letter, Reply, Response, Task
from dispatcher.services import replies, tasks
from tests.web.conftest import Site


@pytest.fixture
def talk(site: Site) -> Site:
    """Ana has answered by the page: conversation 1, Rita's."""
    with site.session() as session:
        site.bank.released(session)
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        replies.from_page(session, site.bank.runtime, mail.id, "What now?", False)
        session.commit()
    return site


def other_rep(site: Site) -> None:
    """Make the officer's colleague a rep as well, with no customers."""
    with site.session() as session:
        session.add(Grant(staff_id=site.bank.ids["other"], role="rep"))
        session.commit()


def test_a_rep_sees_their_own_and_an_administrator_all(talk: Site) -> None:
    other_rep(talk)
    assert "What now?" in talk("rep").get("/inbox").text
    assert "What now?" in talk("admin").get("/inbox").text
    assert "What now?" not in talk("other").get("/inbox").text
    for path in ("/inbox/1", "/inbox/replies/1/recording"):
        assert talk("other").get(path).status_code == 404
    for act in ("claim", "close", "responses"):
        assert talk("other").post(f"/inbox/1/{act}", {"text": "x"}).status_code == 404


def test_one_answers_claims_and_closes(talk: Site) -> None:
    page = talk("rep").get("/inbox/1").text
    assert "Claim" in page
    assert talk("rep").post("/inbox/1/claim").status_code == 302
    once = re.search(r'name="once" value="([^"]+)"', talk("rep").get("/inbox/1").text)
    assert once
    for _ in range(2):  # pressed twice
        answer = talk("rep").post("/inbox/1/responses", {"text": "Hold.\r\nRita", "once": once[1]})
        assert answer.status_code == 302
    with talk.session() as session:
        assert [one.text for one in session.scalars(select(Response))] == ["Hold.\nRita"]
        assert session.scalars(select(Letter).where(Letter.kind == "response")).one().address == "ana@simon.example"
    page = talk("rep").get("/inbox/1").text
    assert "Hold.\nRita" in page
    assert "queued" in page
    assert talk("rep").post("/inbox/1/close").status_code == 302
    assert "Ana" in talk("rep").get("/inbox?state=closed").text
    assert "Ana" not in talk("rep").get("/inbox").text


def test_a_very_long_reply_scrolls_in_its_box(talk: Site) -> None:
    assert "words long" not in talk("rep").get("/inbox/1").text
    with talk.session() as session:
        session.scalars(select(Reply)).one().text = "Sell. " * 15_000
        session.commit()
    page = talk("rep").get("/inbox/1").text
    assert re.search(
        r'<div class="words long" tabindex="0" role="region" aria-label="[^"]+" dir="auto">Sell\. Sell', page
    )
    assert '<div class="words long" tabindex="0"' in talk("analyst").get("/messages/1").text


def test_an_answer_that_cannot_go_keeps_its_words(talk: Site) -> None:
    long = "x" * 5001
    answer = talk("rep").post("/inbox/1/responses", {"text": long})
    assert answer.status_code == 422
    assert long in answer.text
    assert 'id="text-fault"' in answer.text


def test_the_inbox_is_searched(talk: Site) -> None:
    for query, found in (("?q=ana", True), ("?q=simon", True), ("?q=bob", False), ("?state=claimed", False)):
        assert ("What now?" in talk("rep").get("/inbox" + query).text) is found, query
    part = talk("rep").get("/inbox?part=1").text
    assert "What now?" in part
    assert "<html" not in part


def test_counts_are_in_the_navigation(talk: Site) -> None:
    assert re.search(r'Inbox <span class="waiting">1<', talk("rep").get("/account").text)


def unmatched(site: Site) -> None:
    with site.session() as session:
        session.add(Reply(dedupe="u", channel="sms", sender="+12025550177", text="Who is this?", state="unmatched"))
        session.commit()


def test_unmatched_replies_find_their_owner(site: Site) -> None:
    unmatched(site)
    assert site("rep").get("/inbox/unmatched").status_code == 403
    assert "Who is this?" in site("admin").get("/inbox/unmatched").text
    assert "bob" in site("admin").get("/inbox/unmatched?q=Bo").text
    answer = site("admin").post("/inbox/unmatched/1/assign", {"customer": "nobody"})
    assert answer.status_code == 422
    assert "There is no customer nobody" in answer.text
    assert site("admin").post("/inbox/unmatched/1/assign", {"customer": "bob"}).status_code == 302
    assert "Who is this?" in site("rep").get("/inbox").text
    assert site("admin").post("/inbox/unmatched/1/settle").status_code == 409


def test_unmatched_replies_are_settled_with_a_reason(site: Site) -> None:
    unmatched(site)
    assert site("admin").post("/inbox/unmatched/1/settle", {"note": "advertising"}).status_code == 302
    with site.session() as session:
        reply = session.scalars(select(Reply)).one()
        assert (reply.state, reply.note) == ("settled", "advertising")
        assert session.scalars(select(Conversation)).all() == []


def test_tasks_are_done_by_those_whose_they_are(site: Site) -> None:
    other_rep(site)
    with site.session() as session:
        tasks.open_task(session, kind="unreachable", dedupe="t", text="Reach Cleo", rep_id=site.bank.ids["rep"])
        session.commit()
    assert "Reach Cleo" in site("rep").get("/tasks").text
    assert "Reach Cleo" not in site("other").get("/tasks").text
    assert site("other").post("/tasks/1/done").status_code == 404
    assert site("rep").post("/tasks/1/done").status_code == 302
    with site.session() as session:
        assert session.scalars(select(Task)).one().state == "closed"
    assert "Reach Cleo" in site("rep").get("/tasks?state=closed").text
