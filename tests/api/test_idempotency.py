"""Idempotency-Key: once done, however often it is asked for."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from dispatcher.model import AuditEntry, Decision, IdempotencyKey, Message
from dispatcher.services import idempotency
from tests.api.conftest import Api, problem, wrong
from tests.api.test_messages import form, sound

BODY = {"subject": "Cut", "text": "We cut.", "lists": ["semis"]}


def test_the_same_request_gets_the_same_answer_and_happens_once(both_api: Api) -> None:
    first = both_api.ask("analyst", "POST", "/messages", json=BODY, key="k1")
    rung = list(both_api.bank.bells.rings)
    again = both_api.ask("analyst", "POST", "/messages", json=BODY, key="k1")
    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.content_type == first.content_type
    assert again.headers["Idempotency-Replayed"] == "true"
    assert both_api.count() == 1
    assert both_api.bank.bells.rings == rung


def test_without_a_key_it_is_a_second_alert_and_says_so(bank_api: Api) -> None:
    first, second = (bank_api.ask("analyst", "POST", "/messages", json=BODY).get_json() for _ in range(2))
    twin = {"id": first["id"], "state": "pending", "same": True}
    assert (first["like"], [one | {"submitted_at": ""} for one in second["like"]]) == (
        [],
        [twin | {"submitted_at": ""}],
    )
    told = bank_api.ask("officer", "GET", f"/messages/{second['id']}").get_json()
    assert told["like"] == second["like"]
    page = bank_api.ask("officer", "GET", "/messages").get_json()["items"]
    assert all("like" not in one for one in page)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/messages", {**BODY, "text": "Other"}),
        ("POST", "/messages/1/submit", None),
        ("PATCH", "/messages/1", BODY),
        ("POST", "/messages?x=1", BODY),
    ],
)
def test_another_request_with_the_key_is_refused(bank_api: Api, method: str, path: str, body: object) -> None:
    bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k1")
    more = {"json": body} if body else {}
    problem(bank_api.ask("analyst", method, path, key="k1", **more), 409, "key-reused")
    assert bank_api.count() == 1


def test_another_body_is_another_request_even_where_none_is_read(bank_api: Api) -> None:
    made = bank_api.made(draft=True)
    path = f"/messages/{made['id']}/submit"
    for _ in range(2):
        assert bank_api.ask("analyst", "POST", path, key="k").get_json()["state"] == "pending"
    problem(bank_api.ask("analyst", "POST", path, key="k", json={"why": "not"}), 409, "key-reused")


def test_the_same_content_written_otherwise_is_the_same(bank_api: Api) -> None:
    one = b'{"subject":"Cut","text":"We cut.","lists":["semis"]}'
    other = b'{ "lists": ["semis"],\n "text": "We cut.", "subject": "\\u0043ut" }'
    for body in (one, other):
        answer = bank_api.ask("analyst", "POST", "/messages", data=body, content_type="application/json", key="k")
        assert answer.status_code == 201
    assert bank_api.count() == 1


def test_a_form_is_the_same_whatever_its_boundary(bank_api: Api) -> None:
    def post(audio: bytes) -> TestResponse:
        data = form(recording=(io.BytesIO(audio), "a.wav"))
        return bank_api.ask("analyst", "POST", "/messages", data=data, key="k")

    assert post(sound(1)).data == post(sound(1)).data
    assert bank_api.count() == 1
    problem(post(sound(2)), 409, "key-reused")


def test_keys_are_each_persons_own(bank_api: Api) -> None:
    for who in ("analyst", "colleague"):
        assert bank_api.ask(who, "POST", "/messages", json=BODY, key="same").status_code == 201
    assert bank_api.count() == 2


def test_a_refusal_is_kept_too(bank_api: Api) -> None:
    first = bank_api.ask("analyst", "POST", "/messages", json={**BODY, "lists": ["nope"]}, key="k")
    assert set(wrong(first)) == {"lists"}
    again = bank_api.ask("analyst", "POST", "/messages", json={**BODY, "lists": ["nope"]}, key="k")
    assert (again.status_code, again.data, again.content_type) == (422, first.data, first.content_type)
    problem(bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k"), 409, "key-reused")
    assert bank_api.count() == 0
    assert bank_api.bank.bells.rings == []


def test_a_conflict_is_kept_while_the_world_moves_on(bank_api: Api) -> None:
    made = bank_api.made()
    path, wrong_digest = f"/messages/{made['id']}/decisions", {"decision": "approve", "digest": "0"}
    first = bank_api.ask("officer", "POST", path, json=wrong_digest, key="k")
    assert bank_api.decided(made).status_code == 201
    again = bank_api.ask("officer", "POST", path, json=wrong_digest, key="k")
    assert again.data == first.data
    assert problem(again, 409, "digest-conflict")["state"] == "pending"


def test_a_failure_of_ours_is_not_kept(bank_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from approvals import submission

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Heather's secret")

    with monkeypatch.context() as patch:
        patch.setattr(submission, "create", broken)
        body = problem(bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k"), 500, "internal-error")
        assert "secret" not in str(body)
    assert bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k").status_code == 201


def test_a_deletion_is_answered_alike(bank_api: Api) -> None:
    answers = [bank_api.ask("admin", "DELETE", "/customers/ana", key="k") for _ in range(2)]
    assert [(one.status_code, one.data) for one in answers] == [(204, b""), (204, b"")]
    problem(bank_api.ask("admin", "DELETE", "/customers/nobody"), 404)


def test_keys_live_for_two_days(bank_api: Api) -> None:
    bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k")
    bank_api.bank.time.pass_by(47 * 3600)
    bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k")
    assert bank_api.count() == 1
    bank_api.bank.time.pass_by(2 * 3600)
    bank_api.ask("analyst", "POST", "/messages", json=BODY, key="k")
    assert bank_api.count() == 2
    with bank_api.session() as session:
        moment = bank_api.bank.runtime.now()
        assert idempotency.forget_old(session, moment) == 0
        assert idempotency.forget_old(session, moment + timedelta(hours=49)) == 1


@pytest.mark.parametrize("key", [" ", "x" * 256, "naïve", "a\tb"])
def test_a_malformed_key_is_refused(bank_api: Api, key: str) -> None:
    answer = bank_api.ask("analyst", "POST", "/messages", json=BODY, headers={"Idempotency-Key": key})
    assert problem(answer, 400, "bad-request")["errors"][0]["field"] == "Idempotency-Key"
    assert bank_api.count() == 0


def test_long_keys_do_and_none_is_readable_in_the_database(bank_api: Api) -> None:
    for key in ("x" * 255, "order of Heather Morales"):
        assert bank_api.ask("analyst", "POST", "/messages", json=BODY, key=key).status_code == 201
    with bank_api.session() as session:
        assert all(len(one.key) == 64 and " " not in one.key for one in session.query(IdempotencyKey))


def at_once(api: Api, times: int, *request: Any, **more: Any) -> list[TestResponse]:
    """The same request from as many threads, let go at the same moment."""
    start, answers, lock = threading.Barrier(times), [], threading.Lock()

    def post() -> None:
        client = Api(api.bank, api.app, api.app.test_client(), api.tokens)
        start.wait()
        answer = client.ask(*request, **more)
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=post) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_twenty_at_once_make_one_message(both_api: Api) -> None:
    answers = at_once(both_api, 20, "analyst", "POST", "/messages", json=BODY, key="k")
    assert {(one.status_code, one.data) for one in answers} == {(201, answers[0].data)}
    assert both_api.count(Message) == 1


def test_twenty_approvals_at_once_make_one_decision(both_api: Api) -> None:
    made = both_api.made()
    body = {"decision": "approve", "digest": made["digest"]}
    answers = at_once(both_api, 20, "officer", "POST", f"/messages/{made['id']}/decisions", json=body)
    assert sorted(one.status_code for one in answers) == [201] + [409] * 19
    assert both_api.count(Decision) == 1
    with both_api.session() as session:
        assert session.query(AuditEntry).filter_by(action="release message").count() == 1
