"""The roster and absences over the API."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, problem

DAY = {"officer": "officer@bank.example", "begins_at": "2026-11-21T08:00:00Z", "ends_at": "2026-11-21T16:00:00Z"}


def test_times_on_duty(both_api: Api) -> None:
    made = both_api.ask("admin", "POST", "/duty", json=DAY)
    assert made.status_code == 201
    assert {**made.get_json(), "id": 0} == {**DAY, "id": 0}
    longer = {**DAY, "begins_at": "2026-11-21T16:00:00Z", "ends_at": "2026-11-21T20:00:00Z"}
    assert both_api.ask("admin", "POST", "/duty", json=longer).get_json()["begins_at"] == DAY["begins_at"]
    [one] = both_api.ask("officer", "GET", "/duty?officer=officer@bank.example").get_json()["items"]
    assert one["ends_at"] == longer["ends_at"]
    assert both_api.ask("officer", "GET", "/duty?officer=other@bank.example").get_json()["items"] == []
    problem(both_api.ask("officer", "POST", "/duty", json=DAY), 403)
    assert both_api.ask("admin", "DELETE", f"/duty/{one['id']}").status_code == 204
    problem(both_api.ask("admin", "DELETE", f"/duty/{one['id']}"), 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"officer": "rep@bank.example"}, "officer"),
        ({"officer": "nobody@bank.example"}, "officer"),
        ({"ends_at": "2026-11-21T07:00:00Z"}, "ends_at"),
        ({"begins_at": "2029-11-21T07:00:00Z", "ends_at": "2029-11-21T08:00:00Z"}, "begins_at"),
        ({"begins_at": "tomorrow"}, "begins_at"),
    ],
)
def test_times_that_will_not_do(bank_api: Api, change: dict[str, str], field: str) -> None:
    answer = bank_api.ask("admin", "POST", "/duty", json={**DAY, **change})
    problem(answer, 422)
    assert field in answer.text


def test_absence(bank_api: Api) -> None:
    away = {"until": "2026-11-25T09:00:00Z", "cover": "other@bank.example"}
    told = {**away, "email": "officer@bank.example"}
    assert bank_api.ask("officer", "PUT", "/staff/officer@bank.example/absence", json=away).get_json() == told
    assert bank_api.ask("admin", "PUT", "/staff/Officer@bank.example/absence", json=away).get_json() == told
    problem(bank_api.ask("other", "PUT", "/staff/officer@bank.example/absence", json=away), 404)
    problem(bank_api.ask("admin", "PUT", "/staff/nobody@bank.example/absence", json=away), 404)
    for change, field in (({"cover": "rep@bank.example"}, "cover"), ({"until": "2020-11-25T09:00:00Z"}, "until")):
        answer = bank_api.ask("officer", "PUT", "/staff/officer@bank.example/absence", json={**away, **change})
        problem(answer, 422)
        assert field in answer.text
    back = bank_api.ask("officer", "PUT", "/staff/officer@bank.example/absence", json={"until": None})
    assert back.get_json() == {"email": "officer@bank.example", "until": None, "cover": None}
