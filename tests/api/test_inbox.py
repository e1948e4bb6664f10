"""Replies, conversations, responses and tasks over the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.model import AuditEntry, Conversation, Delivery, Letter, Media, Reply, Suppression, Task
from dispatcher.model.ports import InboundReply
from dispatcher.services import media, replies
from tests.api.conftest import Api, problem, wrong
from tests.api.test_messages import sound

AT = datetime(2026, 11, 20, 9, 40, tzinfo=UTC)


def say(api: Api, text: str, sender: str = "+12025550101", dedupe: str = "") -> None:
    """A text message from a customer's telephone."""
    with api.session() as session:
        reply = InboundReply(
            dedupe=dedupe or f"sms:{text}", channel="sms", sender=sender, recipients=("+12025550000",), text=text,
            received_at=AT,
        )  # fmt: skip
        replies.receive(session, api.bank.runtime, reply, None)
        session.commit()


@pytest.fixture
def talked(both_api: Api) -> Api:
    """Bob has answered an alert; somebody nobody knows has written too."""
    message = both_api.released()
    with both_api.session() as session:
        for one in session.query(Delivery).filter_by(message_id=message["id"]):
            one.state, one.accepted_at = "accepted", AT
        session.commit()
    say(both_api, "Please call me.")
    say(both_api, "Who is this?", "+12025550177")
    return both_api


def test_a_reply_is_in_its_reps_inbox(talked: Api) -> None:
    (reply,) = talked.ask("rep", "GET", "/replies").get_json()["items"]
    for name, value in {
        "customer": "bob", "message": 1, "channel": "sms", "text": "Please call me.", "rep": "rep@bank.example",
        "state": "matched", "kind": "call", "recording": None, "received_at": "2026-11-20T09:40:00Z",
    }.items():  # fmt: skip
        assert reply[name] == value, name
    assert talked.ask("rep", "GET", f"/replies/{reply['id']}").get_json() == reply
    for query, count in (
        ("message=1", 1), ("message=2", 0), ("customer=bob", 1), ("customer=ana", 0), ("state=matched", 1),
        ("state=unmatched", 0), ("customer=nobody", 0),
    ):  # fmt: skip
        assert len(talked.ask("rep", "GET", f"/replies?{query}").get_json()["items"]) == count, query
    assert wrong(talked.ask("rep", "GET", "/replies?state=lost&message=x"))
    assert talked.ask("analyst", "GET", "/messages/1/report").get_json()["replies"] == 1


def test_what_is_nobodys_waits_for_an_administrator(talked: Api) -> None:
    (reply,) = talked.ask("admin", "GET", "/replies?state=unmatched").get_json()["items"]
    assert (reply["customer"], reply["rep"], reply["conversation"]) == (None, None, None)
    problem(talked.ask("rep", "GET", f"/replies/{reply['id']}"), 404)
    path = f"/replies/{reply['id']}/assign"
    problem(talked.ask("rep", "POST", path, json={"customer": "bob"}), 403)
    assert set(wrong(talked.ask("admin", "POST", path, json={"customer": "nobody", "x": 1}))) == {"customer", "x"}
    assigned = talked.ask("admin", "POST", path, json={"customer": "bob"}).get_json()
    assert (assigned["customer"], assigned["state"], assigned["rep"]) == ("bob", "matched", "rep@bank.example")
    problem(talked.ask("admin", "POST", path, json={"customer": "bob"}), 409, "state-conflict")
    assert len(talked.ask("rep", "GET", "/replies").get_json()["items"]) == 2


def test_an_unmatched_reply_may_need_nothing_more(talked: Api) -> None:
    (reply,) = talked.ask("admin", "GET", "/replies?state=unmatched").get_json()["items"]
    settled = talked.ask("admin", "POST", f"/replies/{reply['id']}/settle", json={"note": "wrong number"})
    assert settled.get_json()["state"] == "settled"
    assert "wrong number" in settled.get_json()["note"]
    assert talked.ask("admin", "GET", "/replies?state=unmatched").get_json()["items"] == []


def test_a_conversation_is_claimed_answered_and_closed(talked: Api) -> None:
    (line,) = talked.ask("rep", "GET", "/conversations?rep=me&state=open").get_json()["items"]
    assert (line["customer"], line["subject"], line["message"]) == ("bob", "Downgrade", 1)
    path = f"/conversations/{line['id']}"
    claimed = talked.ask("rep", "POST", f"{path}/claim").get_json()
    assert (claimed["state"], claimed["claimed_by"]) == ("claimed", "rep@bank.example")
    problem(talked.ask("admin", "POST", f"{path}/claim"), 409, "state-conflict")
    talked.bank.time.pass_by(900)  # the customer's words are older
    answer = talked.ask("rep", "POST", f"{path}/responses", json={"text": "I ring you now."}, key="k")
    assert (answer.status_code, answer.get_json()["channel"], answer.get_json()["via"]) == (201, "sms", "api")
    assert talked.ask("rep", "POST", f"{path}/responses", json={"text": "I ring you now."}, key="k").data == answer.data
    problem(talked.ask("rep", "POST", f"{path}/responses", json={"text": "Another."}, key="k"), 409, "key-reused")
    assert talked.ask("rep", "POST", f"{path}/responses", json={"text": "I ring you now."}).data == answer.data
    whole = talked.ask("rep", "GET", path).get_json()
    assert [one["text"] for one in whole["replies"]] == ["Please call me."]
    assert whole["replies"][0]["original"] == "Please call me."
    assert [one["text"] for one in whole["responses"]] == ["I ring you now."]
    with talked.session() as session:
        (letter,) = session.query(Letter).filter_by(kind="response")
        assert (letter.channel, letter.address) == ("sms", "+12025550101")
    assert talked.ask("rep", "POST", f"{path}/close").get_json()["state"] == "closed"
    assert talked.ask("rep", "GET", "/conversations?state=open").get_json()["items"] == []


@pytest.mark.parametrize("text", ["", "   ", "x" * 1_501, None, 5])
def test_a_response_needs_words_that_fit(talked: Api, text: object) -> None:
    (line,) = talked.ask("rep", "GET", "/conversations").get_json()["items"]
    answer = talked.ask("rep", "POST", f"/conversations/{line['id']}/responses", json={"text": text})
    assert set(wrong(answer)) == {"text"}


def test_a_spoken_reply_is_heard_by_its_rep_and_the_play_is_on_record(talked: Api) -> None:
    with talked.session() as session:
        reply = session.query(Reply).filter_by(state="matched").one()
        reply.recording_id = media.store(session, sound(), "audio/wav", 1.0).id
        session.commit()
        number = reply.id
    told = talked.ask("rep", "GET", f"/replies/{number}").get_json()["recording"]
    assert told["url"] == f"/api/v1/replies/{number}/recording"
    path = told["url"].removeprefix("/api/v1")
    assert talked.ask("rep", "GET", path).data == sound()
    for stranger in ("analyst", "officer"):
        problem(talked.ask(stranger, "GET", path), 404)
    with talked.session() as session:
        entries = session.query(AuditEntry).filter_by(action="play recording", subject=f"reply {number}")
        assert [one.actor for one in entries] == ["rep@bank.example"]
        assert session.query(Media).count() == 1


def test_tasks_are_closed_by_whose_they_are(bank_api: Api) -> None:
    with bank_api.session() as session:
        for number, rep in enumerate(("rep", None)):
            session.add(
                Task(
                    kind="failed", dedupe=f"t{number}", rep_id=bank_api.bank.ids[rep] if rep else None, text="ring",
                    customer_id=bank_api.bank.ids["ana"],
                )
            )  # fmt: skip
        session.commit()
    (mine,) = bank_api.ask("rep", "GET", "/tasks?state=open").get_json()["items"]
    assert (mine["customer"], mine["rep"], mine["kind"]) == ("ana", "rep@bank.example", "failed")
    assert len(bank_api.ask("admin", "GET", "/tasks").get_json()["items"]) == 2
    assert bank_api.ask("rep", "POST", f"/tasks/{mine['id']}/close").get_json()["state"] == "closed"
    assert bank_api.ask("rep", "POST", f"/tasks/{mine['id']}/close").get_json()["state"] == "closed"
    problem(bank_api.ask("rep", "POST", "/tasks/2/close"), 404)
    assert [one["id"] for one in bank_api.ask("rep", "GET", "/tasks?state=closed").get_json()["items"]] == [mine["id"]]


def test_conversations_by_rep(talked: Api) -> None:
    assert len(talked.ask("admin", "GET", "/conversations?rep=REP@bank.example").get_json()["items"]) == 1
    assert talked.ask("admin", "GET", "/conversations?rep=me").get_json()["items"] == []
    assert talked.ask("admin", "GET", "/conversations?rep=nobody@bank.example").get_json()["items"] == []
    assert set(wrong(talked.ask("admin", "GET", "/conversations?state=lost"))) == {"state"}
    with talked.session() as session:
        assert session.query(Conversation).count() == 1


# --- orders, and what a person says an answer is ----------------------------------------------------------


@pytest.fixture
def ordered(bank_api: Api) -> Api:
    """Bob has answered an alert; his representative says that it is an order."""
    message = bank_api.released()
    with bank_api.session() as session:
        for one in session.query(Delivery).filter_by(message_id=message["id"]):
            one.state, one.accepted_at = "accepted", AT
        session.commit()
    say(bank_api, "Please look at 5,000 of these.")
    answer = bank_api.ask("rep", "PATCH", "/replies/1", json={"kind": "order"})
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["kind"], answer.get_json()["kind_by"]) == ("order", "person")
    assert answer.get_json()["order"]["state"] == "waiting"
    return bank_api


def test_an_order_is_claimed_read_back_and_confirmed(ordered: Api) -> None:
    (order,) = ordered.ask("rep", "GET", "/orders?state=waiting").get_json()["items"]
    assert (order["customer"], order["text"]) == ("bob", "Please look at 5,000 of these.")
    (line,) = ordered.ask("rep", "GET", "/conversations?order=waiting").get_json()["items"]
    assert (line["kind"], line["orders_waiting"], line["claim_by"] is not None) == ("order", 1, True)
    assert line["routed_by"]
    assert line["waiting_seconds"] is not None
    assert ordered.ask("rep", "GET", "/conversations?order=claimed").get_json()["items"] == []
    assert ordered.ask("rep", "GET", "/conversations?kind=question").get_json()["items"] == []
    assert len(ordered.ask("rep", "GET", "/conversations?kind=order").get_json()["items"]) == 1
    problem(ordered.ask("rep", "POST", "/orders/1/confirm", json={}), 409, "state-conflict")
    assert ordered.ask("rep", "POST", "/orders/1/claim").get_json()["claimed_by"] == "rep@bank.example"
    assert "Rep has claimed" in problem(ordered.ask("admin", "POST", "/orders/1/claim"), 409)["detail"]
    problem(ordered.ask("rep", "POST", "/orders/1/confirm", json={}), 409, "state-conflict")
    assert set(wrong(ordered.ask("rep", "POST", "/orders/1/read-back", json={"text": " "}))) == {"text"}
    told = ordered.ask("rep", "POST", "/orders/1/read-back", json={"text": "You buy 5,000"}).get_json()
    assert told["read_back"] == "You buy 5,000"
    done = ordered.ask("rep", "POST", "/orders/1/confirm", json={}).get_json()
    assert (done["state"], done["decided_by"], done["due_at"]) == ("confirmed", "rep@bank.example", None)
    assert ordered.ask("rep", "GET", "/orders/1").get_json() == done
    whole = ordered.ask("rep", "GET", f"/conversations/{order['conversation']}").get_json()
    assert [one["text"].partition(" at ")[0] for one in whole["responses"]] == [
        "Rep has understood: You buy 5,000\nNot accepted yet. Please say if anything is wrong.", "Confirmed by Rep",
    ]  # fmt: skip
    assert whole["replies"][0]["order"] == done
    problem(ordered.ask("rep", "PATCH", "/replies/1", json={"kind": "other"}), 409, "state-conflict")


def test_an_order_is_declined_or_given_back(ordered: Api) -> None:
    for who, status in (("analyst", 403), ("officer", 403), ("rep", 200)):
        assert ordered.ask(who, "POST", "/orders/1/claim").status_code == status, who
    assert ordered.ask("rep", "POST", "/orders/1/give-back").get_json()["state"] == "waiting"
    problem(ordered.ask("rep", "POST", "/orders/1/decline", json={"reason": "no"}), 409)
    assert ordered.ask("admin", "POST", "/orders/1/claim").status_code == 200
    assert set(wrong(ordered.ask("admin", "POST", "/orders/1/decline", json={}))) == {"reason"}
    body = {"reason": "The book is closed.", "by_telephone": True}
    assert ordered.ask("admin", "POST", "/orders/1/decline", json=body).get_json()["state"] == "declined"
    with ordered.session() as session:
        assert session.query(Letter).filter_by(kind="response").all() == []


def test_a_kind_is_corrected(ordered: Api) -> None:
    assert set(wrong(ordered.ask("rep", "PATCH", "/replies/1", json={"kind": "alert"}))) == {"kind"}
    for body in ({}, {"kind": "call", "doubt": True}):
        assert set(wrong(ordered.ask("rep", "PATCH", "/replies/1", json=body))) == {"kind"}
    problem(ordered.ask("rep", "PATCH", "/replies/1", json={"doubt": True}), 409, "state-conflict")
    problem(ordered.ask("officer", "PATCH", "/replies/1", json={"kind": "call"}), 403)
    assert ordered.ask("rep", "PATCH", "/replies/1", json={"kind": "call"}).get_json()["order"]["state"] == "withdrawn"
    stopped = ordered.ask("rep", "PATCH", "/replies/1", json={"kind": "opt-out"}).get_json()
    assert stopped["kind_because"].startswith("Rep said so; before: call")
    with ordered.session() as session:
        assert session.query(Suppression).one().address == "+12025550101"
    assert ordered.ask("rep", "PATCH", "/replies/1", json={"kind": "other"}).status_code == 200
    with ordered.session() as session:
        assert session.query(Suppression).one().lifted_at is not None
