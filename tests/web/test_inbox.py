"""The inbox, unmatched replies and tasks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from dispatcher.model import (
    Callback,
    ContactPoint,
    Conversation,
    Customer,
    Delivery,
    Grant,
    Letter,
    OrderRequest,
    Reply,
    Response,
    Task,
)
from dispatcher.services import replies, tasks
from tests.web.conftest import Site


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


def test_going_back_and_sending_again_sends_once(talk: Site) -> None:
    def send(text: str, once: str) -> str:
        """Each page that a browser fetches anew has a mark of its own."""
        assert talk("rep").post("/inbox/1/responses", {"text": text, "once": once}).status_code == 302
        return talk("rep").get("/inbox/1").text

    def sent() -> list[str]:
        with talk.session() as session:
            return list(session.scalars(select(Response.text).order_by(Response.id)))

    assert "on its way" in send("Hold.", "a")
    assert "You sent these words at" in send("Hold. ", "b")
    assert "on its way" in send("Hold until Friday.", "a")  # other words from a page that was kept
    assert sent() == ["Hold.", "Hold until Friday."]
    with talk.session() as session:
        session.scalars(select(Letter).where(Letter.kind == "response")).all()[-1].state = "failed"
        session.commit()
    assert "on its way" in send("Hold until Friday.", "c")
    talk.bank.time.pass_by(60)
    with talk.session() as session:
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        replies.from_page(session, talk.bank.runtime, mail.id, "Until when?", False)
        session.commit()
    assert "on its way" in send("Hold until Friday.", "d")
    talk.bank.time.pass_by(60)
    now = talk.bank.time.at
    with talk.session() as session:  # no webhook brought it: it is here now, and was received before
        late = Callback(
            provider="twilio", what="sms", dedupe="l", headers={}, body=b"", received_at=now, applied_at=now
        )
        session.add(late)
        session.flush()
        was = now - timedelta(hours=2)
        session.add(
            Reply(
                dedupe="l",
                channel="sms",
                sender="+1",
                conversation_id=1,
                callback_id=late.id,
                text="?",
                received_at=was,
            )
        )
        session.commit()
    assert "on its way" in send("Hold until Friday.", "e")
    assert "You sent these words at" in send("Hold until Friday.", "f")
    assert len(sent()) == 5


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
    assert "&#34;all-open&#34;: 1," in part  # what stands in the navigation follows the list


def test_what_each_page_counts_and_an_open_list_fetches_does_not_walk_the_history(talk: Site) -> None:
    engine, asked = talk.bank.sessions.kw["bind"], []
    rep, officer = talk("rep"), talk("officer")
    event.listen(engine, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
    part = rep.get("/inbox?part=1").text
    for one in (rep, officer):
        one.get("/account")  # any page: its navigation
    reads = [one for one in asked if one[0].startswith("SELECT") and "WHERE 0 = 1" not in one[0]]
    assert len(reads) >= 12
    grown = re.compile(r"SCAN (letters|replies|conversations|order_requests|customers|versions|messages)\b")
    with engine.connect() as connection:
        for statement, values in reads:
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
                whole = grown.match(line.detail)
                assert not whole or "ix_order_requests_undecided" in line.detail, (line.detail, statement)
    assert "closed&#34;" not in part, "those grow for years: the whole page counts them"


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


def test_what_colleagues_wrote_stands_apart_but_not_what_is_forged(site: Site) -> None:
    with site.session() as session:
        for n, (channel, sender, note) in enumerate(
            (
                ("email", "Rep@bank.example", ""),
                ("sms", "+12025550199", ""),
                ("email", "x@y.example", ""),
                ("email", "rep@bank.example", "sender not verified: SPF and DKIM fail"),
            )
        ):
            session.add(
                Reply(dedupe=f"{n}", channel=channel, sender=sender, text=f"word {n}", state="unmatched", note=note)
            )
        session.commit()
    strangers, colleagues = site("admin").get("/inbox/unmatched").text.split("From colleagues")
    assert [f"word {n}" in strangers for n in range(4)] == [False, False, True, True]
    assert colleagues.count("Rep, works here") == 2
    assert (strangers.count("/assign"), colleagues.count("/assign")) == (2, 2)  # one may have sent on an order
    assert site("admin").post("/inbox/unmatched/1/assign", {"customer": "bob"}).status_code == 302
    with site.session() as session:
        assert session.scalars(select(Conversation.address)).one() == ""  # Bob is answered, not who sent it on


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


def test_who_answers_has_read_what_a_colleague_answered_meanwhile(talk: Site) -> None:
    def seen(who: str) -> str:
        found = re.search(r'name="seen" value="(\d+)"', talk(who).get("/inbox/1").text)
        assert found
        return found[1]

    at_first = seen("admin")
    assert talk("rep").post("/inbox/1/responses", {"text": "Hold.", "seen": seen("rep")}).status_code == 302
    refused = talk("admin").post("/inbox/1/responses", {"text": "Sell.", "seen": at_first})
    assert refused.status_code == 422
    assert "Rep has answered meanwhile" in refused.text
    assert talk("admin").post("/inbox/1/responses", {"text": "Sell.", "seen": seen("admin")}).status_code == 302


def test_what_has_not_arrived_is_shown_with_what_to_do(talk: Site) -> None:
    assert talk("rep").post("/inbox/1/responses", {"text": "Hold."}).status_code == 302
    with talk.session() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "response")).one()
        letter.state, letter.error = "bounced", "550 no such user"
        session.commit()
    page = talk("rep").get("/inbox/1").text
    assert "550 no such user" in page
    assert "It has not reached Ana. Telephone them" in page


def test_all_places_count_the_same(talk: Site) -> None:
    unmatched(talk)
    with talk.session() as session:  # of a customer of Rita's, with the analyst; it may not be hers, she sees it
        bob, analyst = talk.bank.ids["bob"], talk.bank.ids["analyst"]
        session.add(Conversation(customer_id=bob, rep_id=analyst, channel="sms", address="+1", routed_to="analyst"))
        session.commit()

    def numbers(page: str, words: str) -> list[int]:
        return [
            int(one) for one in re.findall(rf'{words} <span class="(?:waiting|n)" data-number="[a-z-]*">(\d+)<', page)
        ]

    for who, waits, nobodys in (("rep", 2, []), ("admin", 2, [1, 1]), ("analyst", 1, [])):
        page = talk(who).get("/inbox").text
        assert numbers(page, "Inbox") == numbers(page, "Open") == [waits], who
        assert page.count('class="row-link"') == waits
        assert numbers(page, "Unmatched") == nobodys, who  # in the navigation and as a tab
    assert "1 unmatched reply" in talk("admin").get("/reports/desk").text


def test_complaints_have_a_place_of_their_own(talk: Site) -> None:
    assert "Complaints" not in talk("rep").get("/inbox").text
    assert 'Complaints <span class="n" data-number="complaints">0<' in talk("admin").get("/inbox").text
    assert talk("admin").post("/inbox/replies/1/kind", {"kind": "complaint"}).status_code == 302
    page = talk("admin").get("/inbox?state=complaints").text
    assert 'Complaints <span class="n" data-number="complaints">1<' in page
    assert "What now?" in page
    assert talk("admin").post("/inbox/1/close").status_code == 302
    assert "No open complaint" in talk("admin").get("/inbox?state=complaints").text


def test_one_statement_says_who_has_it(talk: Site) -> None:
    def said(who: str, path: str) -> list[str]:
        return re.findall(r"With(?: |</dt><dd>)([^<\n]+)", talk(who).get(path).text)

    assert said("rep", "/inbox") == ["you: rule 7, Everything else: the representative"]
    assert said("admin", "/inbox/1") == ["Rep: rule 7, Everything else: the representative"]
    assert talk("admin").post("/inbox/1/claim").status_code == 302
    assert said("rep", "/inbox/1") == ["Admin: claimed it"]
    assert said("admin", "/inbox?state=all") == ["you: claimed it"]


def test_the_way_of_an_answer_is_said_before_it_is_sent(talk: Site) -> None:
    assert "Goes out by mail to ana@simon.example, signed" in talk("rep").get("/inbox/1").text
    with talk.session() as session:  # Bob has sent a fax, which nobody answers by fax here
        talk_with_bob = Conversation(
            customer_id=talk.bank.ids["bob"], rep_id=talk.bank.ids["rep"], channel="fax", address="+12025550107"
        )
        session.add(talk_with_bob)
        session.commit()
    page = talk("rep").get("/inbox/2").text
    assert "Goes out by text message to +12025550101, signed" in page
    assert 'maxlength="1500"' in page
    with talk.session() as session:
        for point in session.scalars(select(ContactPoint)):
            point.valid = False
        session.commit()
    assert "Nothing can be sent: no mail address or number of Bob may be used" in talk("rep").get("/inbox/2").text


def test_only_mine(talk: Site) -> None:
    assert "What now?" in talk("admin").get("/inbox").text
    assert "What now?" not in talk("admin").get("/inbox?whose=mine").text
    assert "What now?" in talk("rep").get("/inbox?whose=mine").text


@pytest.mark.parametrize(
    ("path", "words", "other"),
    [
        ("/inbox?state=open", "Newest word first", "Oldest word first"),
        ("/inbox?state=orders", "The longest waiting first", "The latest first"),
        ("/tasks?", "Oldest first", "Newest first"),
        ("/tasks?state=closed", "Last done first", "First done first"),
    ],
)
def test_a_list_says_its_order_and_is_turned_round(talk: Site, path: str, words: str, other: str) -> None:
    runtime, earlier = talk.bank.runtime, talk.bank.time.at - timedelta(hours=1)
    with talk.session() as session:
        first = session.scalars(select(Reply)).one()
        replies.from_page(session, runtime, first.delivery_id or 0, "Sell 500 at 42", False)
        first_talk = session.get_one(Conversation, first.conversation_id)
        bob = session.get_one(Customer, talk.bank.ids["bob"])
        other_talk = Conversation(customer=bob, channel="sms", address="+12025550101", rep_id=first_talk.rep_id)
        other_talk.last_at = other_talk.created_at = earlier
        asked = Reply(
            dedupe="b", channel="sms", sender="+12025550101", text="Buy", received_at=earlier, conversation=other_talk,
            customer=bob, kind="order", state="matched",
        )  # fmt: skip
        session.add_all([other_talk, asked])
        session.flush()
        session.add(OrderRequest(reply_id=asked.id, conversation_id=other_talk.id, created_at=earlier))
        for number, name in enumerate(("Ana", "Bob")):
            task = tasks.open_task(session, kind="failed", dedupe=name, text=f"Reach {name}", rep_id=first_talk.rep_id)
            if "closed" in path:
                task.state, task.closed_at = "closed", earlier + timedelta(minutes=number)
        session.commit()
    usual, turned = talk("rep").get(path).text, talk("rep").get(f"{path}&order=turned").text
    for page, said, offered in ((usual, words, other), (turned, other, words)):
        assert re.search(rf"{said} · <a href=[^>]+>{offered}</a>", page)
    names = r"(?:row-title\">|Reach )(Ana|Bob)"
    rows = [list(dict.fromkeys(re.findall(names, page[page.index(words) :]))) for page in (usual, turned)]
    assert rows[0] == rows[1][::-1]
    assert len(rows[0]) == 2
