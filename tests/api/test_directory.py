"""Customers, lists and imports over the API."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from sqlalchemy import update

from dispatcher.model import Customer, DistributionList, Firm, Grant, Staff
from dispatcher.services import directory_marks, suppressions
from tests.api.conftest import Api, problem, wrong

DAN: dict[str, Any] = {
    "name": "Dan Miller", "firm": "Simon LLC", "rep_email": "rep@bank.example", "email": "Dan@Simon.example",
    "sms": "+1 202 555 0123", "voice": "tel:+1-202-555-0123", "channels": ["voice", "sms", "email"],
    "language": "en", "timezone": "Europe/Berlin", "quiet_hours": "22:00-07:00", "lists": ["semis"],
}  # fmt: skip


def test_a_customer_is_added_changed_and_taken_out(both_api: Api) -> None:
    made = both_api.ask("admin", "PUT", "/customers/dan", json=DAN)
    assert made.status_code == 201
    assert made.headers["Location"] == "/api/v1/customers/dan"
    told = made.get_json()
    assert {name: told[name] for name in DAN} == {
        **DAN, "email": "dan@simon.example", "sms": "+12025550123", "voice": "+12025550123"
    }  # fmt: skip
    assert told["customer_id"] == "dan"
    again = both_api.ask("admin", "PUT", "/customers/dan", json={**DAN, "name": "Dan M. Miller"})
    assert (again.status_code, again.get_json()["name"]) == (200, "Dan M. Miller")
    assert both_api.ask("admin", "GET", "/customers/dan").get_json() == again.get_json()
    assert both_api.ask("admin", "DELETE", "/customers/dan").status_code == 204
    listed = both_api.ask("admin", "GET", "/customers").get_json()["items"]
    assert "dan" not in [one["customer_id"] for one in listed]
    for method in ("GET", "DELETE"):
        problem(both_api.ask("admin", method, "/customers/dan"), 404)
    assert both_api.ask("admin", "GET", "/customers/dan/history").get_json() == {"items": [], "next_cursor": None}
    assert both_api.ask("admin", "PUT", "/customers/dan", json=DAN).status_code == 201


def test_what_a_get_tells_may_be_sent_back(both_api: Api) -> None:
    both_api.ask("admin", "PUT", "/customers/dan", json=DAN)
    told = both_api.ask("admin", "GET", "/customers/dan").get_json()
    again = both_api.ask("admin", "PUT", "/customers/dan", json=told)
    assert (again.status_code, {**again.get_json(), "updated_at": ""}) == (200, {**told, "updated_at": ""})
    listed = both_api.ask("admin", "GET", "/lists/semis").get_json()
    assert both_api.ask("admin", "PUT", "/lists/semis", json=listed).get_json() == listed


def test_what_is_left_out_is_empty_afterwards(both_api: Api) -> None:
    both_api.ask("admin", "PUT", "/customers/dan", json=DAN)
    told = both_api.ask("admin", "PUT", "/customers/dan", json={"name": "Dan", "email": "dan@simon.example"}).get_json()
    assert (told["sms"], told["voice"], told["channels"], told["lists"], told["quiet_hours"]) == (
        None,
        None,
        [],
        [],
        None,
    )


def test_channels_and_lists_may_be_written_as_in_the_file(bank_api: Api) -> None:
    body = {"name": "Dan", "email": "dan@x.example", "channels": "sms>email", "lists": "semis;top"}
    told = bank_api.ask("admin", "PUT", "/customers/dan", json=body).get_json()
    assert (told["channels"], told["lists"]) == (["sms", "email"], ["semis", "top"])


def test_every_wrong_field_of_a_customer_comes_in_one_answer(bank_api: Api) -> None:
    body = {
        "name": 5, "firm": "x", "rep_email": "nobody@bank.example", "email": "not an address", "sms": "12",
        "channels": ["pigeon"], "timezone": "Mars/North", "language": "klingon", "quiet_hours": "night",
        "colour": "red",
    }  # fmt: skip
    found = wrong(bank_api.ask("admin", "PUT", "/customers/dan", json=body))
    assert set(found) == set(body) - {"firm"}
    assert bank_api.count(Customer) == 3


def test_a_customer_needs_a_name(bank_api: Api) -> None:
    assert set(wrong(bank_api.ask("admin", "PUT", "/customers/dan", json={}))) == {"name"}


def test_a_rep_keeps_own_customers(bank_api: Api) -> None:
    mine = bank_api.ask("rep", "PUT", "/customers/dan", json={"name": "Dan", "email": "dan@x.example"})
    assert (mine.status_code, mine.get_json()["rep"]) == (201, "rep@bank.example")
    changed = bank_api.ask("rep", "PUT", "/customers/ana", json={"name": "Ana B", "firm": "Simon LLC"})
    assert (changed.status_code, changed.get_json()["rep"]) == (200, "rep@bank.example")
    problem(bank_api.ask("rep", "DELETE", "/customers/ana"), 403)


def test_a_rep_neither_fills_nor_empties_lists(both_api: Api) -> None:
    own = {"name": "Own", "owner": "analyst@bank.example"}
    both_api.ask("analyst", "PUT", "/lists/own", json={**own, "members": ["bob"]})
    bob = {"name": "Bob", "firm": "Simon LLC", "sms": "+12025550101"}
    for lists in ([], ["semis"], ["own", "semis"]):
        told = both_api.ask("rep", "PUT", "/customers/bob", json={**bob, "lists": lists})
        assert (told.status_code, told.get_json()["lists"]) == (200, ["own", "semis"]), lists
    for lists in (["top", "own"], "semis;top", ["brand-new"]):
        said = wrong(both_api.ask("rep", "PUT", "/customers/bob", json={**bob, "lists": lists, "name": ""}))
        assert set(said) == {"name", "lists"}, lists
        assert ("top" in said["lists"]) != ("brand-new" in said["lists"])
        assert "own" not in said["lists"].split(": ")[1].split(";")[0]
    assert set(wrong(both_api.ask("rep", "PUT", "/customers/new", json={"name": "New", "lists": ["own"]}))) == {"lists"}
    assert both_api.ask("admin", "GET", "/lists/own").get_json()["members"] == ["bob"]
    assert both_api.ask("admin", "PUT", "/customers/bob", json={**bob, "lists": ["top"]}).get_json()["lists"] == ["top"]


@pytest.mark.parametrize("key", ["bob%20", "%20bob", "bob%09", "bob%E2%80%AE", "%EF%BB%BFbob"])
def test_a_customer_has_one_key_and_no_other_writing_of_it(bank_api: Api, key: str) -> None:
    """Whose customer it is is asked of the key that was given: another writing is nobody's, and reached theirs."""
    with bank_api.session() as session:
        session.get_one(Customer, bank_api.bank.ids["bob"]).rep_id = bank_api.bank.ids["admin"]
        session.commit()
    taken = {"name": "Mine", "sms": "+12025550199", "lists": []}
    answer = bank_api.ask("rep", "PUT", f"/customers/{key}", json=taken)
    assert answer.status_code == 404 or set(wrong(answer)) == {"customer_id"}  # marks that nobody sees have no page
    told = bank_api.ask("admin", "GET", "/customers/bob").get_json()
    assert (told["name"], told["rep"], told["lists"]) == ("Bob", "admin@bank.example", ["semis"])


@pytest.mark.parametrize("more", ["officer", "analyst"])
@pytest.mark.parametrize("taken", [{"rep_email": "colleague@bank.example"}, {"firm": "Simon LLC"}])
def test_to_see_a_customer_is_not_to_own_them(bank_api: Api, more: str, taken: dict[str, str]) -> None:
    """A representative who is also an analyst sees everybody: a colleague's customer keeps owner and number."""
    with bank_api.session() as session:
        colleague = session.get_one(Staff, bank_api.bank.ids["colleague"])
        colleague.grants = [Grant(role="rep"), Grant(role=more)]
        session.commit()
    body = {"name": "Bob", "sms": "+12025550166", **taken}
    problem(bank_api.ask("colleague", "PUT", "/customers/bob", json=body), 403)
    told = bank_api.ask("admin", "GET", "/customers/bob").get_json()
    points = {one["channel"]: one["address"] for one in told["contact_points"]}
    assert (told["rep"], points["sms"]) == ("rep@bank.example", "+12025550101")


def test_a_rep_gives_no_customer_away_by_their_firm(bank_api: Api) -> None:
    with bank_api.session() as session:
        session.add(Firm(name="Other Ltd", rep_id=bank_api.bank.ids["colleague"]))
        session.commit()
    given = {"name": "Bob", "firm": "Other Ltd", "sms": "+12025550101", "rep_email": ""}
    answer = bank_api.ask("rep", "PUT", "/customers/bob", json=given)
    told = bank_api.ask("admin", "GET", "/customers/bob").get_json()
    assert told["rep"] == "rep@bank.example", answer.text


def test_a_rep_who_writes_too_keeps_the_teams_lists_and_their_own(bank_api: Api) -> None:
    bank_api.ask("analyst", "PUT", "/lists/own", json={"owner": "analyst@bank.example", "members": ["bob"]})
    with bank_api.session() as session:
        session.add(Grant(staff_id=bank_api.bank.ids["rep"], role="analyst"))
        session.commit()
    bob = {"name": "Bob", "firm": "Simon LLC"}
    told = bank_api.ask("rep", "PUT", "/customers/bob", json={**bob, "lists": ["top", "brand-new"]})
    assert told.get_json()["lists"] == ["brand-new", "own", "top"]


def test_a_rep_reads_of_a_list_their_own_customers(bank_api: Api) -> None:
    with bank_api.session() as session:
        session.get_one(Customer, bank_api.bank.ids["bob"]).rep_id = bank_api.bank.ids["admin"]
        session.commit()
    told = bank_api.ask("rep", "GET", "/lists/semis").get_json()
    assert (told["size"], told["members"]) == (2, ["ana"])
    assert bank_api.ask("analyst", "GET", "/lists/semis").get_json()["members"] == ["ana", "bob"]


def test_lists_have_numbers_for_the_telephone(bank_api: Api) -> None:
    mine = {"name": "Own", "owner": "analyst@bank.example"}
    assert bank_api.ask("analyst", "PUT", "/lists/own", json=mine).get_json()["number"] == 101
    assert bank_api.ask("analyst", "PUT", "/lists/own", json={**mine, "number": 7}).get_json()["number"] == 7
    assert bank_api.ask("analyst", "PUT", "/lists/own", json=mine).get_json()["number"] == 7
    assert bank_api.ask("officer", "GET", "/lists/own").get_json()["number"] == 7
    assert set(wrong(bank_api.ask("admin", "PUT", "/lists/top", json={"name": "Top", "number": 7}))) == {"number"}
    assert set(wrong(bank_api.ask("admin", "PUT", "/lists/top", json={"name": "Top", "number": 0}))) == {"number"}
    problem(bank_api.ask("analyst", "PUT", "/lists/top", json={"name": "Top", "number": 8}), 403)
    assert bank_api.ask("admin", "PUT", "/lists/top", json={"name": "Top", "number": 8}).get_json()["number"] == 8


def test_contact_points_say_why_they_are_not_used(both_api: Api) -> None:
    with both_api.session() as session:
        runtime = both_api.bank.runtime
        suppressions.suppress(session, runtime, "sms", "+12025550101", "opt-out", "sms STOP")
        for topic in ("Tech", "Rates"):
            suppressions.suppress(session, runtime, "sms", "+12025550101", "opt-out", "page", topic=topic)
        directory_marks.mark_invalid(session, runtime, "email", "bob@simon.example", "no such mailbox")
        session.commit()
    points = {one["channel"]: one for one in both_api.ask("rep", "GET", "/customers/bob").get_json()["contact_points"]}
    assert (points["sms"]["suppressed"], points["sms"]["suppressed_because"]) == (True, "opt-out (sms STOP)")
    assert (points["sms"]["stopped_topics"], points["email"]["stopped_topics"]) == (["Rates", "Tech"], [])
    assert (points["email"]["valid"], points["email"]["invalid_because"]) == (False, "no such mailbox")
    assert not points["email"]["suppressed"]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("q=ANA", ["ana"]), ("q=simon llc", ["ana", "bob", "cleo"]), ("q=0101", ["bob"]), ("q=nobody", []),
        ("list=semis", ["ana", "bob"]), ("list=nope", []), ("rep=rep@bank.example", ["ana", "bob", "cleo"]),
        ("q=b&list=semis", ["bob"]),
    ],
)  # fmt: skip
def test_customers_are_found(both_api: Api, query: str, keys: list[str]) -> None:
    found = both_api.ask("admin", "GET", f"/customers?{query}").get_json()["items"]
    assert [one["customer_id"] for one in found] == keys


def test_the_history_of_a_customer(both_api: Api) -> None:
    both_api.released()
    found = both_api.ask("rep", "GET", "/customers/bob/history").get_json()
    assert found["items"]
    assert {"at", "kind", "text"} <= found["items"][0].keys()
    assert found["items"] == sorted(found["items"], key=lambda one: one["at"], reverse=True)
    first = both_api.ask("rep", "GET", "/customers/bob/history?limit=1").get_json()
    assert first["items"] == found["items"][:1]
    problem(both_api.ask("analyst", "GET", "/customers/bob/history"), 403)
    problem(both_api.ask("rep", "GET", "/customers/nobody/history"), 404)


# --- lists


def test_a_list_is_made_named_and_filled(both_api: Api) -> None:
    made = both_api.ask("analyst", "PUT", "/lists/biotech", json={"name": "Biotech", "owner": "analyst@bank.example"})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/lists/biotech")
    told = made.get_json()
    assert (told["name"], told["owner"], told["size"]) == ("Biotech", "analyst@bank.example", 0)
    for body in ({"members": ["ana", "bob", "ana"]}, ["ana", "bob"]):
        filled = both_api.ask("analyst", "PUT", "/lists/biotech/members", json=body)
        assert (filled.status_code, filled.get_json()["members"]) == (200, ["ana", "bob"])
    assert both_api.ask("analyst", "PUT", "/lists/biotech/members", json=["cleo"]).get_json()["size"] == 1
    members = both_api.ask("analyst", "GET", "/lists/biotech/members").get_json()["items"]
    assert [one["customer_id"] for one in members] == ["cleo"]
    renamed = both_api.ask("analyst", "PUT", "/lists/biotech", json={"name": "Bio", "owner": None})
    assert (renamed.status_code, renamed.get_json()["name"], renamed.get_json()["members"]) == (200, "Bio", ["cleo"])


def test_a_list_may_be_put_with_its_members(bank_api: Api) -> None:
    made = bank_api.ask("analyst", "PUT", "/lists/bio", json={"name": "Bio", "members": ["bob"]})
    assert (made.status_code, made.get_json()["members"]) == (201, ["bob"])
    assert bank_api.ask("analyst", "GET", "/lists/bio").get_json() == made.get_json()
    assert bank_api.ask("analyst", "PUT", "/lists/bio", json={"members": []}).get_json()["size"] == 0
    found = wrong(bank_api.ask("analyst", "PUT", "/lists/bio", json={"name": 1, "members": ["nobody"], "owner": "x"}))
    assert set(found) >= {"name", "owner"}


def test_unknown_members_are_named_and_nothing_changes(both_api: Api) -> None:
    body = {"members": ["ana", "nobody", "noone"]}
    (said,) = wrong(both_api.ask("analyst", "PUT", "/lists/semis/members", json=body)).values()
    assert "nobody" in said
    assert both_api.ask("analyst", "GET", "/lists/semis").get_json()["size"] == 2
    for bad in ("ana", {"members": "ana"}, {"members": [1]}, {"member": []}, None, {"members": ["a\u0000"]}):
        raw = json.dumps(bad).encode()
        assert wrong(both_api.ask("analyst", "PUT", "/lists/semis/members", data=raw, content_type="application/json"))
    problem(both_api.ask("analyst", "PUT", "/lists/nope/members", json=[]), 404)


def test_a_list_belongs_to_its_owner(bank_api: Api) -> None:
    bank_api.ask("colleague", "PUT", "/lists/mine", json={"name": "Mine", "owner": "colleague@bank.example"})
    problem(bank_api.ask("analyst", "PUT", "/lists/mine", json={"name": "Taken"}), 403)
    problem(bank_api.ask("analyst", "PUT", "/lists/mine/members", json=["ana"]), 403)
    assert bank_api.ask("admin", "PUT", "/lists/mine/members", json=["ana"]).status_code == 200
    body = {"name": "Semis", "owner": "analyst@bank.example", "number": 777}
    problem(bank_api.ask("analyst", "PUT", "/lists/semis", json=body), 403)
    with bank_api.session() as session:
        session.execute(update(DistributionList).where(DistributionList.key == "semis").values(owner_id=None))
        session.commit()
    problem(bank_api.ask("analyst", "PUT", "/lists/semis", json=body), 403)
    assert bank_api.ask("analyst", "PUT", "/lists/semis", json={"name": "Chips"}).status_code == 200
    assert bank_api.ask("admin", "PUT", "/lists/semis", json=body).status_code == 200
    for key in ("SEMIS", "777"):
        assert set(wrong(bank_api.ask("colleague", "PUT", f"/lists/{key}", json={"name": "Mine"}))) == {"key"}
    found = wrong(bank_api.ask("analyst", "PUT", "/lists/other", json={"name": 5, "owner": "rep@bank.example"}))
    assert set(found) == {"name", "owner"}


# --- imports

CUSTOMERS = """customer_id,name,firm,rep_email,email,sms,voice,fax,channels,language,timezone,quiet_hours,lists
dan,Dan,Miller LLC,rep@bank.example,dan@x.example,,,,email,en,Europe/Berlin,,semis;new-list
,Nobody,,,,,,,,,,,
eve,Eve,,rep@bank.example,not-an-address,,,,email,en,UTC,,top
"""
STAFF = """email,name,roles,phone,pin,channels
new@bank.example,New Person,analyst;officer,,,email
"""


def test_a_file_is_imported_row_by_row(both_api: Api) -> None:
    def send(query: str = "") -> dict[str, Any]:
        answer = both_api.ask(
            "admin", "POST", f"/imports/customers{query}", data=CUSTOMERS.encode(), content_type="text/csv"
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    tried = send("?dry_run=true")
    assert (tried["added"], tried["dry_run"]) == (2, True)
    assert both_api.count(Customer) == 3
    done = send()
    assert (done["rows"], done["added"], done["changed"], done["unchanged"]) == (3, 2, 0, 0)
    assert [(one["row"], one["column"]) for one in done["refused"]] == [(3, "customer_id")]
    assert [(one["row"], one["column"]) for one in done["warnings"]] == [(4, "email")]
    again = send()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    with both_api.session() as session:
        assert session.query(DistributionList).filter_by(key="new-list").count() == 1


def test_a_file_may_come_by_multipart(bank_api: Api) -> None:
    data = {"file": (io.BytesIO(STAFF.encode()), "staff.csv")}
    done = bank_api.ask("admin", "POST", "/imports/staff", data=data).get_json()
    assert (done["what"], done["added"]) == ("staff", 1)
    with bank_api.session() as session:
        assert session.query(Staff).filter_by(email="new@bank.example").one().roles == {"analyst", "officer"}


def test_a_file_that_is_none_is_refused_as_a_whole(bank_api: Api) -> None:
    for content in (b"", b"a,b\n1,2\n", b"\xff\xfea\x00", b"\x00" * 100):
        answer = bank_api.ask("admin", "POST", "/imports/customers", data=content, content_type="text/csv")
        assert set(wrong(answer)) == {"file"}, content
    data = {"file": (io.BytesIO(b"x"), ""), "other": "x"}
    answer = bank_api.ask("admin", "POST", "/imports/customers", data=data, content_type="multipart/form-data")
    assert "other" in wrong(answer)
    answer = bank_api.ask("admin", "POST", "/imports/customers?dry_run=perhaps", data=b"x", content_type="text/csv")
    assert set(wrong(answer)) == {"dry_run"}
    problem(bank_api.ask("admin", "POST", "/imports/customers", json={}), 415)
