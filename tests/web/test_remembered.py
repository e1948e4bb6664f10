"""Search, desk, who listens, and the files: what the pages show, to whom, and that words stay words."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.model import AuditEntry, Conversation, Delivery, Recipient, Reply, Response
from dispatcher.services.media import Upload
from tests.web.conftest import Site

HOSTILE = '<script>alert("x")</script> müller'


@pytest.fixture
def told(site: Site) -> Site:
    """An alert that arrived at Ana's, her words, the representative's answer, and words of nobody's."""
    with site.session() as session:
        message, now = site.bank.released(session), site.bank.time()
        recipient = session.scalars(
            select(Recipient).where(Recipient.message_id == message.id, Recipient.customer_id == site.bank.ids["ana"])
        ).one()
        delivery = session.get_one(Delivery, recipient.delivery_id)
        delivery.state, delivery.accepted_at, delivery.heard_at = "delivered", now, now
        talk = Conversation(
            message_id=message.id, customer_id=site.bank.ids["ana"], rep_id=site.bank.ids["rep"], channel="email"
        )
        session.add(talk)
        session.flush()
        session.add_all(
            [
                Reply(
                    dedupe="a", channel="email", sender="ana@simon.example", text=HOSTILE, conversation_id=talk.id,
                    customer_id=talk.customer_id, message_id=message.id, received_at=now + timedelta(minutes=5),
                ),
                Reply(dedupe="n", channel="sms", sender="", text="muller of nobody", state="unmatched"),
                Response(
                    dedupe="r", conversation_id=talk.id, staff_id=site.bank.ids["rep"], text="Müller, I call you",
                    created_at=now + timedelta(minutes=9),
                ),
            ]
        )  # fmt: skip
        session.commit()
    return site


def test_what_is_found_is_marked_and_harmless(told: Site) -> None:
    page = told("rep").get("/inbox/search?q=muller").text
    assert page.count("<mark>") == 2
    assert "<mark>Müller</mark>, I call you" in page
    assert "<script>alert" not in page
    assert "of nobody" not in page
    assert re.search(r'href="/inbox/1#reply-1"', page)
    assert "of nobody" in told("admin").get("/inbox/search?q=muller").text
    assert "Nothing found" in told("analyst").get("/inbox/search?q=muller").text
    assert "<mark>Ana</mark>" in told("rep").get("/inbox/search?q=ana").text


@pytest.mark.parametrize("asked", ["", "-only", '"', "* (", "a" * 400, "%00x", "%F0%9F%9A%80", "x&before=nonsense"])
def test_whatever_is_searched_for_is_no_error(told: Site, asked: str) -> None:
    assert told("rep").get(f"/inbox/search?q={asked}").status_code in (200, 400)


def test_older_hits_are_a_page_away(told: Site) -> None:
    with told.session() as session:
        session.add_all(
            Reply(dedupe=f"m{n}", channel="sms", sender="", text="needle", conversation_id=1) for n in range(30)
        )
        session.commit()
    first = told("rep").get("/inbox/search?q=needle").text
    assert first.count("<mark>needle</mark>") == 25
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = told("rep").get(older[1].replace("&amp;", "&")).text
    assert second.count("<mark>needle</mark>") == 5
    assert 'rel="first"' in second


def test_the_desk_is_everybodys_or_ones_own(told: Site) -> None:
    own = told("rep").get("/reports/desk").text
    assert "Your desk" in own
    assert "Nobody&#39;s" not in own
    everybody = told("admin").get("/reports/desk").text
    assert "1 unmatched reply" in everybody
    assert "4 min" in everybody  # until the first answer
    assert told("analyst").get("/reports/desk").status_code == 403


def test_the_report_shows_what_was_answered(told: Site) -> None:
    page = told("officer").get("/reports/1").text
    for words in ("Answered", "of 1 reached", "Heard to the end", "Other", "5 min"):
        assert words in page, words
    assert "<h2>Answers</h2>" in told("officer").get("/reports/1/certificate.html").text


def test_who_listens_with_its_definition(told: Site) -> None:
    page = told("analyst").get("/reports/engagement").text
    assert "Opens do not count" in page
    assert "100%" in page
    customer = told("rep").get("/directory/customers/ana").text
    assert "Opens do not count" in customer
    for words in ("Heard to the end", "answered after 5 min", "Listened to the end", "Müller, I call you"):
        assert words in customer, words


def test_files_are_for_who_may_see_their_rows(told: Site) -> None:
    answer = told("rep").get("/exports/replies.csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=replies.csv"
    assert "müller" in answer.text
    assert "nobody" not in answer.text
    assert "nobody" in told("admin").get("/exports/replies.csv").text
    assert len(told("officer").get("/exports/replies.csv").text.splitlines()) == 1
    assert told("rep").get("/exports/history.csv?customer=ana").text.count("\r\n") == 5
    for path, status in (("staff.csv", 404), ("history.csv", 422), ("history.csv?customer=nobody", 404)):
        assert told("rep").get(f"/exports/{path}").status_code == status, path
    with told.session() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "export")).all()) == 4


def test_who_has_listened_to_the_end_is_kept_once(site: Site, samples: Path) -> None:
    with site.session() as session:
        recording = Upload("a.wav", (samples / "alert-2.wav").read_bytes())
        site.bank.released(session, recording=recording)
        written = site.bank.released(session)
        spoken, silent = (
            session.scalars(select(Delivery).where(Delivery.channel == "email", Delivery.message_id == number)).one()
            for number in (1, written.id)
        )
        address, other = (f"/r/{site.bank.runtime.token('delivery', one.id)}" for one in (spoken, silent))
        number = spoken.id
    visitor = site("nobody").client
    assert f'data-heard="{address}/heard"' in visitor.get(address).text
    visitor.get(f"{address}/recording", headers={"Range": "bytes=0-"})

    def heard() -> object:
        with site.session() as session:
            return session.get_one(Delivery, number).heard_at

    assert heard() is None  # scanners fetch, and do not listen
    first = site.bank.time()
    assert visitor.post(f"{address}/heard").status_code == 204
    site.bank.time.pass_by(60)
    assert visitor.post(f"{address}/heard").status_code == 204
    assert heard() == first
    for path in (f"{other}/heard", "/r/nonsense/heard"):
        assert visitor.post(path).status_code == 404, path
    assert visitor.get(f"{address}/heard").status_code == 405
