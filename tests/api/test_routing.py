"""The rules, and handing over, by the API."""

from __future__ import annotations

from dispatcher.model import Firm, Grant, Staff
from dispatcher.services import routing
from tests.api.conftest import Api, problem, wrong

RULE = {"name": "Bonds", "kind": "question", "topic": "Bonds", "target": "person", "person": "rep@bank.example"}


def test_the_table_is_read_and_put_whole(both_api: Api) -> None:
    table = both_api.ask("admin", "GET", "/routing").get_json()
    assert table["defaults"] is True
    assert [one["name"] for one in table["rules"]] == [one.name for one in routing.DEFAULTS]
    body = {"rules": [RULE, {"name": "All", "target": "rep", "minutes": 5}, {"name": "Late", "target": "desk"}]}
    put = both_api.ask("admin", "PUT", "/routing", json=body)
    assert put.status_code == 200, put.text
    first, second, third = put.get_json()["rules"]
    assert first == {
        **RULE, "urgency": "", "asks_analyst": False, "minutes": 30, "never": "",
    }  # fmt: skip
    assert (second["minutes"], second["person"]) == (5, "")
    assert third["never"] == "All before it takes all of this"
    assert both_api.ask("admin", "GET", "/routing").get_json() == {"rules": [first, second, third], "defaults": False}
    rules = [{name: value for name, value in one.items() if name != "never"} for one in (first, second, third)]
    assert both_api.ask("admin", "PUT", "/routing", json={"rules": rules}).get_json()["rules"] == [first, second, third]
    assert both_api.ask("admin", "PUT", "/routing", json={"rules": []}).get_json() == table
    for who in ("rep", "officer", "analyst"):
        problem(both_api.ask(who, "GET", "/routing"), 403)
        problem(both_api.ask(who, "PUT", "/routing", json=body), 403)


def test_every_wrong_field_is_named(bank_api: Api) -> None:
    bad = {**RULE, "name": "", "kind": "stop", "urgency": "x", "minutes": 0, "person": "nobody@bank.example"}
    answer = bank_api.ask("admin", "PUT", "/routing", json={"rules": [RULE, bad, {"name": "n", "target": "boss"}]})
    assert set(wrong(answer)) == {
        "rules[1].name", "rules[1].kind", "rules[1].urgency", "rules[1].minutes", "rules[1].person", "rules[2].target",
    }  # fmt: skip
    problem(bank_api.ask("admin", "PUT", "/routing", json={"rules": [{"name": "n"}]}), 422)


def test_handing_over(both_api: Api) -> None:
    with both_api.session() as session:
        session.add(Staff(email="next@bank.example", name="Next", channels=["email"], grants=[Grant(role="rep")]))
        session.commit()
    path = "/staff/Rep@bank.example/handover"
    problem(both_api.ask("rep", "POST", path, json={"to": "next@bank.example"}), 403)
    problem(both_api.ask("admin", "POST", "/staff/no@bank.example/handover", json={"to": "next@bank.example"}), 404)
    for to in ("no@bank.example", "rep@bank.example", "officer@bank.example"):
        assert set(wrong(both_api.ask("admin", "POST", path, json={"to": to}))) == {"to"}
    answer = both_api.ask("admin", "POST", path, json={"to": "next@bank.example", "deactivate": True}, key="once")
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {
        "email": "rep@bank.example", "to": "next@bank.example", "active": False, "customers": 0, "firms": 1,
        "conversations": 0, "orders": 0, "tasks": 0, "lists": 0, "rules": 0, "covers": 0,
    }  # fmt: skip
    again = both_api.ask("admin", "POST", path, json={"to": "next@bank.example", "deactivate": True}, key="once")
    assert again.get_json() == answer.get_json()
    with both_api.session() as session:
        assert session.query(Firm).one().rep.email == "next@bank.example"
    problem(both_api.ask("rep", "GET", "/conversations"), 401)
