"""Pausing, resuming, answering doubts, and sending once more, on the pages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from dispatcher.model import Attempt, Delivery, Letter, Mark, Pause, Task
from dispatcher.services import tasks
from dispatcher.watch import observe
from tests.web.conftest import Site


def doubtful(site: Site, channel: str, state: str = "unknown", kind: str = "unknown") -> tuple[int, int]:
    with site.session() as session:
        site.bank.released(session)
        row = session.scalars(select(Delivery).where(Delivery.channel == channel)).one()
        row.state, row.due_at, row.tries = state, None, 1
        moment = site.bank.runtime.now()
        session.add(Attempt(id="a" * 32, delivery_id=row.id, provider="scripted", state=state, started_at=moment))
        task = tasks.open_task(
            session, kind=kind, dedupe="u", text="Who knows", rep_id=site.bank.ids["rep"], delivery_id=row.id
        )
        session.commit()
        return row.id, task.id


def test_a_pause_is_shown_on_every_page_for_staff_while_it_lasts(site: Site) -> None:
    with site.session() as session:
        site.bank.released(session)
    assert site("admin").post("/sending/pause", {"reason": "A <b>wrong</b> number"}).status_code == 302
    shown = "Sending is paused.</strong> A &lt;b&gt;wrong&lt;/b&gt; number"
    pages = {
        "analyst": "/messages", "officer": "/approvals", "rep": "/inbox", "admin": "/tasks", "other": "/reports",
    }  # fmt: skip
    for who, path in pages.items():
        text = site(who).get(path).text
        assert shown in text, path
        assert ("Look and resume" in text) == (who == "admin")
    assert "Sending is paused" not in site("nobody").get("/sign-in").text
    page = site("admin").get("/sending").text
    for part in ("What goes out when it is resumed", "1: Downgrade", "Text message", "CAP_MESSAGES_PER_HOUR"):
        assert part in page
    assert site("admin").post("/sending/pause", {"reason": "Again"}).status_code == 409
    assert site("admin").post("/sending/resume").status_code == 302
    assert "Sending is paused" not in site("analyst").get("/messages").text
    assert "resumed" in site("admin").get("/sending").text


def test_a_pause_without_a_reason_is_refused(site: Site) -> None:
    assert site("admin").post("/sending/pause", {"reason": " "}).status_code == 422
    assert site("admin").post("/sending/resume").status_code == 409


@pytest.mark.parametrize(("answer", "state"), [("yes", "unknown"), ("no", "queued")])
def test_after_a_restore_the_page_asks_whether_to_look_up(site: Site, answer: str, state: str) -> None:
    with site.session() as session:
        site.bank.released(session)
    observe(site.bank.runtime, anchors=True)
    with site.session() as session:
        session.delete(session.scalars(select(Mark)).one())
        session.commit()
    observe(site.bank.runtime, anchors=True)
    assert "Look up what waits, then send" in site("admin").get("/sending").text
    site("admin").post("/sending/resume", {"look_up": answer})
    with site.session() as session:
        assert {one.state for one in session.scalars(select(Delivery))} == {state}
        assert session.scalars(select(Pause.standing)).one() is None


def test_a_doubt_is_answered_with_one_press(site: Site) -> None:
    delivery, task = doubtful(site, "sms")
    page = site("rep").get("/tasks").text
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["arrived", "again", "next", "leave"]
    assert f"/tasks/{task}/done" not in page
    answer = site("rep").post(f"/tasks/{task}/answer", {"answer": "arrived"}, follow_redirects=True)
    assert "Noted: it arrived." in answer.text
    assert "it arrived" in site("rep").get("/tasks?state=closed").text
    with site.session() as session:
        assert session.get_one(Delivery, delivery).state == "accepted"
    assert site("rep").post(f"/tasks/{task}/answer", {"answer": "again"}).status_code == 409
    assert site("rep").post(f"/tasks/{task}/answer", {"answer": "perhaps"}).status_code == 409
    assert site("other").post(f"/tasks/{task}/answer", {"answer": "again"}).status_code == 403


def test_a_call_needs_a_second_word(site: Site) -> None:
    delivery, task = doubtful(site, "voice")
    assert 'name="call_again"' in site("rep").get("/tasks").text
    assert site("rep").post(f"/tasks/{task}/answer", {"answer": "again"}).status_code == 422
    site("rep").post(f"/tasks/{task}/answer", {"answer": "again", "call_again": "yes"})
    with site.session() as session:
        assert session.get_one(Delivery, delivery).state == "deferred"


def test_a_failed_delivery_is_sent_again_from_its_page(site: Site) -> None:
    delivery, task = doubtful(site, "sms", "failed", "failed")
    path = f"/messages/1/deliveries/{delivery}/resend"
    assert path in site("rep").get("/messages/1/deliveries").text
    assert path not in site("officer").get("/messages/1/deliveries").text
    assert "It is sent again." in site("rep").post(path, follow_redirects=True).text
    assert site("rep").post(path).status_code == 409
    page = site("rep").get("/messages/1/deliveries").text
    assert "by order of rep@bank.example" in page
    assert path not in page
    with site.session() as session:
        assert session.get_one(Task, task).answer == "again"


def test_what_was_set_aside_without_a_delivery_can_be_called_done(site: Site) -> None:
    with site.session() as session:
        task = tasks.open_task(session, kind="poison", dedupe="c", text="A webhook could not be read").id
        session.commit()
    assert f"/tasks/{task}/done" in site("admin").get("/tasks").text


def test_a_letter_in_doubt_has_no_next_channel(site: Site) -> None:
    with site.session() as session:
        letter = Letter(
            kind="reply", dedupe="l", channel="email", address="rep@bank.example", text="…", state="unknown",
            staff_id=site.bank.ids["rep"],
        )  # fmt: skip
        session.add(letter)
        session.flush()
        letter.due_at = None
        tasks.open_task(session, kind="unknown", dedupe="l", text="Who knows", letter_id=letter.id)
        session.commit()
    page = site("admin").get("/tasks").text
    assert re.findall(r'name="answer" value="(\w+)"', page) == ["arrived", "again", "leave"]
    site("admin").post("/tasks/1/answer", {"answer": "arrived"})
    with site.session() as session:
        assert session.scalars(select(Letter.state)).one() == "accepted"
