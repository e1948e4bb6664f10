"""Pages: every row once, whatever comes and goes between two of them."""

from __future__ import annotations

import pytest

from dispatcher.api import paging
from dispatcher.model import Customer, DistributionList
from dispatcher.model.errors import Refused
from tests.api.conftest import Api, wrong


def walk(api: Api, path: str, limit: int, field: str = "id") -> list[object]:
    found: list[object] = []
    cursor = ""
    while True:
        answer = api.ask("admin", "GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
        page = answer.get_json()
        assert set(page) == {"items", "next_cursor"}
        assert len(page["items"]) <= limit
        found += [one[field] for one in page["items"]]
        if page["next_cursor"] is None:
            assert "Link" not in answer.headers
            return found
        assert 'rel="next"' in answer.headers["Link"]
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 500])
def test_pages_hold_every_row_once_in_order(both_api: Api, limit: int) -> None:
    with both_api.session() as session:
        session.add_all(DistributionList(key=f"l{number}", name="x") for number in range(3))
        session.commit()
    assert walk(both_api, "/lists", limit, "key") == ["semis", "top", "l0", "l1", "l2"]
    made = [both_api.made(draft=True)["id"] for _ in range(3)]
    assert walk(both_api, "/messages?state=draft", limit) == made[::-1]


def test_a_message_released_with_many_deliveries(bank_api: Api) -> None:
    made = bank_api.released()
    whole = walk(bank_api, f"/messages/{made['id']}/deliveries", 500)
    assert walk(bank_api, f"/messages/{made['id']}/deliveries", 1) == whole
    assert len(whole) == 3
    assert walk(bank_api, f"/messages/{made['id']}/recipients", 2, "customer") == ["ana", "bob", "cleo"]


def test_rows_that_come_and_go_neither_hide_nor_repeat_others(bank_api: Api) -> None:
    first = bank_api.ask("admin", "GET", "/customers?limit=2").get_json()
    with bank_api.session() as session:
        session.query(Customer).filter_by(key="ana").one().active = False
        session.add(Customer(key="dan", name="Dan"))
        session.commit()
    rest = bank_api.ask("admin", "GET", f"/customers?limit=2&cursor={first['next_cursor']}").get_json()
    assert [one["customer_id"] for one in first["items"] + rest["items"]] == ["ana", "bob", "cleo", "dan"]


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1.5", "9" * 30])
def test_limits_out_of_range_are_refused(bank_api: Api, limit: str) -> None:
    assert set(wrong(bank_api.ask("admin", "GET", f"/customers?limit={limit}"))) == {"limit"}


@pytest.mark.parametrize(
    "cursor", ["x", "====", "YWZ0ZXI6eA", "5", "🦆", "YWZ0ZXI6" + "OTk5" * 10, "a" * 101, "YWZ0ZXI6LTE"]
)
def test_what_is_no_cursor_is_refused(bank_api: Api, cursor: str) -> None:
    assert set(wrong(bank_api.ask("admin", "GET", f"/customers?cursor={cursor}"))) == {"cursor"}


def test_a_cursor_names_its_row() -> None:
    for number in (1, 2, 10**17, 2**63 - 1):
        assert paging.decode(paging.encode(number)) == number
    with pytest.raises(Refused):
        paging.decode(paging.encode(2**63))
