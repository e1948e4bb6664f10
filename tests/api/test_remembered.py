"""Search, the desk, engagement and exports by API, over the whole way of an answer."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from dispatcher.model import AuditEntry, Conversation, Delivery, Recipient, Reply
from dispatcher.services import replies
from tests.api.conftest import Api, problem, wrong

AT = datetime(2026, 11, 20, 9, 45, tzinfo=UTC)


@pytest.fixture
def answered(bank_api: Api) -> Api:
    """An alert that Ana answered on its page."""
    message = bank_api.released()
    with bank_api.session() as session:
        recipient = session.scalars(
            select(Recipient).where(
                Recipient.message_id == message["id"], Recipient.customer_id == bank_api.bank.ids["ana"]
            )
        ).one()
        delivery = session.get_one(Delivery, recipient.delivery_id)
        delivery.state, delivery.accepted_at = "delivered", bank_api.bank.time()
        replies.from_page(session, bank_api.bank.runtime, delivery.id, "=What about the Größe of it?", False)
        session.commit()
    return bank_api


def test_a_search_finds_what_was_said_a_moment_ago(answered: Api) -> None:
    found = answered.ask("rep", "GET", '/search?q="about the grosse" downgrade').get_json()
    (hit,) = found["items"]
    assert (hit["kind"], hit["customer"], hit["channel"], found["next_cursor"]) == ("reply", "ana", "page", None)
    start, end = hit["said"]["marks"][-1]
    assert hit["said"]["text"][start:end] == "Größe"
    assert answered.ask("analyst", "GET", "/search?q=grosse").get_json()["items"] == []
    assert "q" in wrong(answered.ask("rep", "GET", "/search?q=-grosse"))
    assert "q" in wrong(answered.ask("rep", "GET", "/search"))
    assert "cursor" in wrong(answered.ask("rep", "GET", "/search?q=x&cursor=nonsense"))


def test_a_search_is_paged(answered: Api) -> None:
    with answered.session() as session:
        talk = session.scalars(select(Conversation)).one()
        session.add_all(
            Reply(dedupe=str(n), channel="sms", sender="", text="grosse", conversation_id=talk.id) for n in range(4)
        )
        session.commit()
    seen, cursor = [], ""
    while cursor is not None:
        found = answered.ask("rep", "GET", f"/search?q=grosse&limit=2&cursor={cursor}").get_json()
        seen += [one["id"] for one in found["items"]]
        cursor = found["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_an_export_is_a_table_on_record(answered: Api) -> None:
    answer = answered.ask("rep", "GET", "/exports/replies.csv?customer=ana&separator=semicolon")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=replies.csv"
    text = answer.get_data().decode("utf-8-sig")
    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    assert (row["customer_id"], row["text"]) == ("ana", "'=What about the Größe of it?")
    with answered.session() as session:
        assert session.scalars(
            select(AuditEntry.actor).where(AuditEntry.action == "export").order_by(AuditEntry.seq)
        ).all() == ["rep@bank.example"]
    problem(answered.ask("rep", "GET", "/exports/replies.csv?customer=nobody"), 404)
    problem(answered.ask("analyst", "GET", "/exports/history.csv?customer=ana"), 403)
    assert "customer" in wrong(answered.ask("rep", "GET", "/exports/history.csv"))
    assert set(wrong(answered.ask("rep", "GET", "/exports/replies.csv?since=yesterday&bom=perhaps"))) == {
        "since",
        "bom",
    }
    for name in ("conversations", "responses", "engagement"):
        assert answered.ask("rep", "GET", f"/exports/{name}.csv?bom=0").get_data(as_text=True).startswith('"')


def test_the_desk_and_who_listens(answered: Api) -> None:
    (own,) = answered.ask("rep", "GET", "/reports/desk").get_json()["items"]
    assert (own["rep"], own["open"], own["waiting"]) == ("rep@bank.example", 1, 1)
    everybody = answered.ask("admin", "GET", "/reports/desk").get_json()["items"]
    assert [one["rep"] for one in everybody] == ["rep@bank.example", None]
    ana = answered.ask("rep", "GET", "/customers/ana/engagement").get_json()
    assert (ana["reached"], ana["answered"], ana["heard"], ana["share"]) == (1, 1, 0, 1.0)
    lists = answered.ask("rep", "GET", "/engagement").get_json()["items"]
    assert {one["list"]: (one["customers"], one["reached"], one["engaged"]) for one in lists} == {
        "semis": (2, 1, 1), "top": (2, 1, 1)
    }  # fmt: skip
    assert answered.ask("rep", "GET", "/lists/top/engagement").get_json() == lists[1]
    problem(answered.ask("rep", "GET", "/lists/nothing/engagement"), 404)
    problem(answered.ask("rep", "GET", "/customers/nobody/engagement"), 404)


def test_the_history_says_how_soon_it_was_answered(answered: Api) -> None:
    items = answered.ask("rep", "GET", "/customers/ana/history").get_json()["items"]
    assert {one["kind"] for one in items} == {"reply", "alert"}
    alert = next(one for one in items if one["kind"] == "alert")
    assert alert["answered_after"] == 0.0
    report = answered.ask("admin", "GET", "/messages/1/report").get_json()
    assert (report["replies"], report["responses"]["answered"], report["responses"]["share"]) == (1, 1, 1.0)
