"""Pausing, resuming, answering doubts and sending once more over the API."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from dispatcher.model import Attempt, Delivery, Task
from dispatcher.services import tasks
from tests.api.conftest import Api, problem


def doubtful(api: Api, channel: str = "sms") -> tuple[int, int]:
    """A delivery nobody can say anything of, and the task about it."""
    api.released()
    with api.session() as session:
        row = session.scalars(select(Delivery).where(Delivery.channel == channel)).one()
        row.state, row.due_at, row.tries = "unknown", None, 1
        moment = api.bank.runtime.now()
        session.add(Attempt(id="a" * 32, delivery_id=row.id, provider="scripted", state="unknown", started_at=moment))
        task = tasks.open_task(
            session, kind="unknown", dedupe="u", text="Who knows", rep_id=api.bank.ids["rep"], delivery_id=row.id
        )
        session.commit()
        return row.id, task.id


def test_an_administrator_pauses_looks_and_resumes(both_api: Api) -> None:
    message = both_api.released()
    paused = both_api.ask("admin", "POST", "/sending/pause", json={"reason": "A wrong number"}).get_json()
    assert paused["pause"]["reason"] == "A wrong number"
    assert paused["pause"]["began_by"] == "admin@bank.example"
    problem(both_api.ask("admin", "POST", "/sending/pause", json={"reason": "Again"}), 409)
    seen = both_api.ask("admin", "GET", "/sending").get_json()
    assert [(one["message"], one["channel"], one["deliveries"]) for one in seen["waiting"]] == [
        (message["id"], "email", 1), (message["id"], "sms", 1), (message["id"], "voice", 1)
    ]  # fmt: skip
    assert {one["setting"] for one in seen["caps"]} >= {"CAP_MESSAGES_PER_HOUR", "CAP_SPEND_PER_DAY"}
    assert both_api.ask("admin", "POST", "/sending/resume", json={}).get_json()["pause"] is None
    problem(both_api.ask("admin", "POST", "/sending/resume", json={}), 409)


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": 5}])
def test_a_pause_needs_a_reason(bank_api: Api, body: dict[str, object]) -> None:
    problem(bank_api.ask("admin", "POST", "/sending/pause", json=body), 422)


def test_a_doubt_is_answered_once(both_api: Api) -> None:
    delivery, task = doubtful(both_api)
    asked = next(one for one in both_api.ask("rep", "GET", "/tasks").get_json()["items"] if one["id"] == task)
    assert (asked["delivery"], asked["answers"]) == (delivery, ["arrived", "again", "next", "leave"])
    problem(both_api.ask("rep", "POST", f"/tasks/{task}/answer", json={"answer": "perhaps"}), 422)
    for _ in range(2):
        done = both_api.ask("rep", "POST", f"/tasks/{task}/answer", json={"answer": "arrived"}).get_json()
        assert (done["state"], done["answer"], done["answers"]) == ("closed", "arrived", [])
    problem(both_api.ask("rep", "POST", f"/tasks/{task}/answer", json={"answer": "again"}), 409)
    with both_api.session() as session:
        assert session.get_one(Delivery, delivery).state == "accepted"


def test_a_resend_with_a_key_is_ordered_once(both_api: Api) -> None:
    delivery, task = doubtful(both_api, "voice")
    path = f"/deliveries/{delivery}/resend"
    problem(both_api.ask("rep", "POST", path, json={}), 422)
    first = both_api.ask("rep", "POST", path, key="once", json={"call_again": True})
    again = both_api.ask("rep", "POST", path, key="once", json={"call_again": True})
    assert first.get_json() == again.get_json()
    assert first.get_json()["state"] == "deferred"
    problem(both_api.ask("rep", "POST", path, key="other", json={"call_again": True}), 409)
    with both_api.session() as session:
        row = session.get_one(Delivery, delivery)
        assert (row.tries, [one.resent_by for one in row.attempts]) == (1, ["rep@bank.example"])
        assert session.get_one(Task, task).answer == "again"
        session.execute(update(Delivery).where(Delivery.id == delivery).values(state="delivered"))
        session.commit()
    problem(both_api.ask("admin", "POST", path, json={"call_again": True}), 409)
