"""Order requests in the inbox, and a person's word on what an answer is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from dispatcher.model import AuditEntry, Grant, Letter, OrderRequest, Reply, ReplyFile
from dispatcher.services import correcting, media
from tests.web.conftest import Site


@pytest.fixture
def order(talk: Site) -> Site:
    """Rita says that Ana's answer is an order: request 1."""
    assert talk("rep").post("/inbox/replies/1/kind", {"kind": "order"}).status_code == 302
    return talk


def test_an_order_is_claimed_read_back_and_confirmed_without_script(order: Site) -> None:
    page = order("rep").get("/inbox").text
    assert "1 order request not claimed" in page
    assert "Order request" in order("rep").get("/inbox?state=orders").text
    assert "Claim the order" in order("rep").get("/inbox/1").text
    assert ">Close<" not in order("rep").get("/inbox/1").text
    assert order("rep").post("/inbox/orders/1/claim").status_code == 302
    refused = order("admin").post("/inbox/orders/1/claim")
    assert refused.status_code == 409
    assert "Rep has claimed the order" in refused.text
    empty = order("rep").post("/inbox/orders/1/read-back", {"read-back": " "})
    assert empty.status_code == 422
    assert 'id="read-back-1-fault"' in empty.text
    assert order("rep").post("/inbox/orders/1/confirm").status_code == 409
    assert order("rep").post("/inbox/orders/1/read-back", {"read-back": "You hold"}).status_code == 302
    page = order("rep").get("/inbox/1").text
    assert "Confirm: You hold" in page
    assert "Rep has understood: You hold" in page
    assert order("rep").post("/inbox/orders/1/confirm").status_code == 302
    page = order("rep").get("/inbox/1").text
    assert "Confirmed by Rep at 09:30 UTC: You hold" in page
    assert "confirmed" in page
    assert "No order requests wait" in order("rep").get("/inbox?state=orders").text


def test_a_later_order_in_a_claimed_conversation_asks_to_be_claimed_too(order: Site) -> None:
    """A claim is of what was there to be seen: the page says so, and when others are told."""
    assert "claim it, too" not in order("rep").get("/inbox/1").text
    assert order("rep").post("/inbox/1/claim").status_code == 302
    with order.session() as session:
        at = order.bank.time.at
        later = Reply(
            conversation_id=1, customer_id=order.bank.ids["ana"], channel="page", sender="ana", text="No, 100 only",
            kind="order", state="matched", dedupe="later", received_at=at,
        )  # fmt: skip
        session.add(later)
        session.flush()
        session.add(
            OrderRequest(
                reply_id=later.id, conversation_id=1, state="waiting", due_at=at + timedelta(minutes=2), created_at=at
            )
        )
        session.commit()
    page = order("rep").get("/inbox/1").text
    assert page.count("is not claimed with it: claim it, too") == 1
    assert re.search(r"Put to others</dt><dd><time [^>]+>09:32:00 UTC</time>, unless claimed", page)
    assert "claim it, too" not in order("admin").get("/inbox/1").text
    assert order("rep").post("/inbox/orders/2/claim").status_code == 302
    assert "claim it, too" not in order("rep").get("/inbox/1").text


def test_an_order_says_how_and_when_it_came_and_what_it_waits_for(order: Site) -> None:
    with order.session() as session:
        first = session.scalars(select(Reply)).one()
        first.channel, first.received_at = "fax", order.bank.time.at - timedelta(days=1)
        session.add(
            ReplyFile(
                reply_id=1, position=1, name="fax.pdf", media_id=media.store(session, b"%PDF-1.4", "application/pdf").id
            )
        )
        for n in range(2, 8):
            kept = Reply(
                dedupe=f"{n}",
                channel="sms",
                sender="+1",
                conversation_id=1,
                kind="order",
                text=f"> 100?\nMake it {n}00",
            )
            session.add(kept)
            session.flush()
            session.add(OrderRequest(reply_id=kept.id, conversation_id=1))
        session.commit()
    lists = order("rep").get("/inbox").text
    assert "7 order requests not claimed" in lists
    assert re.search(r'href="/inbox\?state=orders"><span></span><span>and 2 more: all order requests<', lists)
    assert lists.count("7 orders not claimed") == 1
    assert "Make it 700" in lists
    assert "100?" not in lists
    assert order("rep").post("/inbox/orders/1/claim").status_code == 302
    assert order("rep").post("/inbox/orders/1/read-back", {"read-back": "You hold"}).status_code == 302
    page = order("rep").get("/inbox/1").text
    assert re.search(r'Came</dt><dd><time datetime="2026-11-19[^>]+>[^<]+</time> by fax, ', page)
    assert "Taken as an order</dt>" in page
    assert page.count('<a href="/inbox/replies/1/files/1">fax.pdf</a>') == 2  # with the order, and where it was said
    assert "Confirm: You hold" not in page
    assert 'Not while <a href="#order-7">a newer request of theirs</a> is undecided' in page


def test_what_an_order_quotes_is_shown_once_with_what_it_answers(order: Site) -> None:
    assert "With what it answers" not in order("rep").get("/inbox/1").text
    with order.session() as session:
        reply = session.scalars(select(Reply)).one()
        reply.text = "> Do you want 500 & more?\n\nYes, at < 42.\n\n> By when?\nToday."
        session.commit()
    page = order("rep").get("/inbox/1").text
    assert page.count("Do you want 500 &amp; more?") == 1
    assert page.count("Yes, at &lt; 42.") == 2
    assert '<a href="#reply-1">With what it answers</a>' in page


def test_an_order_is_declined_by_telephone_or_given_back(order: Site) -> None:
    assert order("rep").post("/inbox/orders/1/claim").status_code == 302
    assert order("rep").post("/inbox/orders/1/give-back").status_code == 302
    assert order("admin").post("/inbox/orders/1/claim").status_code == 302
    long = order("admin").post("/inbox/orders/1/decline", {"reason": "x" * 1001})
    assert long.status_code == 422
    assert "x" * 1001 in long.text
    body = {"reason": "The book is closed.", "by-telephone": "yes"}
    assert order("admin").post("/inbox/orders/1/decline", body).status_code == 302
    page = order("rep").get("/inbox/1").text
    assert "Declined by Admin" in page
    assert "by telephone" in page
    with order.session() as session:
        assert session.scalars(select(Letter).where(Letter.kind == "response")).all() == []


def test_one_press_says_what_an_answer_is(talk: Site) -> None:
    with talk.session() as session:
        session.scalars(select(Reply)).one().doubt = "opt-out"
        session.commit()
    page = talk("rep").get("/inbox/1").text
    assert "It is an opt-out" in page
    assert "may be an opt-out" in talk("rep").get("/inbox").text
    assert talk("rep").post("/inbox/replies/1/doubt", {"is": "no"}).status_code == 302
    assert talk("rep").post("/inbox/replies/1/doubt", {"is": "yes"}).status_code == 409
    with talk.session() as session:
        reply = session.scalars(select(Reply)).one()
        assert (reply.kind, reply.kind_by, reply.doubt) == ("question", "person", "")
    assert talk("rep").post("/inbox/replies/1/kind", {"kind": "call"}).status_code == 302
    assert "Rep said so" in talk("rep").get("/inbox/1").text
    assert talk("rep").post("/inbox/replies/1/kind", {"kind": "alert"}).status_code == 422
    with talk.session() as session:
        session.add(Grant(staff_id=talk.bank.ids["other"], role="rep"))
        session.commit()
    assert talk("other").post("/inbox/replies/1/kind", {"kind": "call"}).status_code == 404


@pytest.mark.parametrize(("times", "sqlstate", "status"), [(2, "40P01", 302), (3, "40001", 503), (1, "57P01", 503)])
def test_a_press_that_had_to_give_way_to_another_is_taken_again(
    talk: Site, monkeypatch: pytest.MonkeyPatch, times: int, sqlstate: str, status: int
) -> None:
    class Aborted(Exception):
        """What a database says that ends one of two transactions which wait for each other."""

    Aborted.sqlstate = sqlstate  # type: ignore[attr-defined]
    asked: list[str] = []

    def correct(*about: Any) -> Reply:
        corrected = done(*about)
        asked.append(about[-1])
        if len(asked) <= times:
            raise OperationalError("", {}, Aborted())
        return corrected

    done = correcting.correct
    monkeypatch.setattr(correcting, "correct", correct)
    talk("rep").get("/inbox/1")
    talk.bank.time.pass_by(120)  # so that it is noted, and committed, that they are there
    assert talk("rep").post("/inbox/replies/1/kind", {"kind": "call"}).status_code == status
    with talk.session() as session:
        assert (session.scalars(select(Reply.kind)).one() == "call") == (status == 302)
        noted = select(AuditEntry).where(AuditEntry.action == "correct reply")
        assert len(session.scalars(noted).all()) == (status == 302)
