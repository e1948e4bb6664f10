"""The page of the rules, and handing over on a person's page: as administrators see and use them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from dispatcher.model import Customer, Firm, Grant, RoutingRule, Staff
from dispatcher.services import routing
from tests.web.conftest import Site

PAGE = "/directory/routing"
NEW = {"name": "Bonds", "kind": "question", "urgency": "urgent", "topic": "Bonds", "target": "desk", "minutes": "9"}


def stamp(site: Site) -> str:
    found = re.search(r'name="stamp" value="(\w+)"', site("admin").get(PAGE).text)
    assert found
    return found[1]


def send(site: Site, path: str = "", status: int = 302, **fields: Any) -> str:
    answer = site("admin").post(PAGE + path, {"stamp": stamp(site), **fields})
    assert answer.status_code == status, answer.text
    return answer.text


def names(site: Site) -> list[str]:
    with site.session() as session:
        return [one.name for one in routing.table(session)]


def test_the_table_in_plain_words(site: Site) -> None:
    page = site("admin").get(PAGE).text
    rules = page.partition('<ol class="rows plain">')[2].partition("</ol>")[0]
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rules.split("</li>")[:-1]]
    assert len(rows) == len(routing.DEFAULTS)
    for row, words in (
        (0, "1. Complaints Complaint → : goes to compliance , to be claimed within 15 min Change Complaints"),
        (
            1,
            "2. Orders on urgent alerts Order request, to an urgent alert → : goes to the representative , to be",
        ),
        (3, "4. Questions to the analyst Question, if the words ask for the analyst → : goes to the analyst"),
    ):
        assert rows[row].startswith(words)
    assert "as the product came" in page
    for words in ("Back to the rules", "never used"):
        assert words not in page
    assert site("rep").get(PAGE).status_code == 403
    assert f'href="{PAGE}"' in site("admin").get("/directory").text
    assert f'href="{PAGE}"' not in site("rep").get("/directory").text


def test_a_rule_is_added_changed_moved_and_removed(site: Site) -> None:
    send(site, **NEW, place="2")
    defaults = [one.name for one in routing.DEFAULTS]
    assert names(site) == ["Complaints", "Bonds", *defaults[1:]]
    with site.session() as session:
        made = session.scalars(select(RoutingRule).where(RoutingRule.name == "Bonds")).one()
        assert (made.kind, made.urgency, made.topic, made.target, made.minutes) == (
            "question", "urgent", "Bonds", "desk", 9,
        )  # fmt: skip
    form = site("admin").get(f"{PAGE}?change=2").text
    assert "Change rule 2" in form
    assert 'value="Bonds"' in form
    send(site, "/2", **{**NEW, "target": "person:rep@bank.example", "asks_analyst": "yes", "name": "Mine"})
    with site.session() as session:
        made = session.scalars(select(RoutingRule).where(RoutingRule.name == "Mine")).one()
        assert (made.target, made.staff_id, made.asks_analyst) == ("person", site.bank.ids["rep"], True)
    for path, fields, order in (
        ("/2/move", {"to": "up"}, ["Mine", "Complaints"]),
        ("/1/move", {"to": "up"}, ["Mine", "Complaints"]),
        ("/1/move", {"to": "down"}, ["Complaints", "Mine"]),
        ("/2/remove", {}, ["Complaints", "Orders on urgent alerts"]),
    ):
        send(site, path, **fields)
        assert names(site)[:2] == order, path
    send(site, **{**NEW, "name": "Last"}, place="99")
    assert names(site)[-1] == "Last"
    assert "never used" in site("admin").get(PAGE).text
    send(site, "/99", 404, **NEW)
    send(site, "/defaults")
    assert names(site) == defaults
    with site.session() as session:
        assert session.scalars(select(RoutingRule)).all() == []


WRONG = (
    ({"name": " "}, "Name is missing"),
    ({"minutes": "0"}, "Minutes must be 1 to 1440"),
    ({"minutes": "soon"}, "Minutes must be 1 to 1440"),
    ({"target": "boss"}, "Goes to must be among"),
    ({"target": "person:officer@bank.example"}, "Goes to answers no customers"),
    ({"target": "person:nobody@bank.example"}, "Goes to is nobody who works here"),
    ({"kind": "opt-out"}, "Answer must be empty, for any, or among"),
)


def test_what_will_not_do_is_said_at_its_field(site: Site) -> None:
    for change, words in WRONG:
        page = send(site, status=422, **{**NEW, **change}, place="1")
        assert words in page
        assert 'aria-invalid="true"' in page
        assert 'value="Bonds"' in page, "what was typed is still there"
    assert len(names(site)) == len(routing.DEFAULTS)


def test_a_rule_whose_person_has_left_is_named_wherever_it_stands(site: Site) -> None:
    send(site, **{**NEW, "target": "person:colleague@bank.example", "name": "Old"}, place="1")
    with site.session() as session:
        session.get_one(Staff, site.bank.ids["colleague"]).active = False
        session.commit()
    assert "works here no more" in site("admin").get(PAGE).text
    page = send(site, status=422, **NEW, place="8")
    assert "Rule 1, goes to, is nobody who works here" in page


def test_two_administrators_at_once(site: Site) -> None:
    seen = stamp(site)
    send(site, **NEW, place="1")
    answer = site("admin").post(PAGE, {"stamp": seen, **NEW, "place": "1"})
    assert answer.status_code == 409
    assert "somebody else has changed the rules meanwhile" in answer.text.lower()


# --- handing over -----------------------------------------------------------------------------------------


def successor(site: Site) -> int:
    with site.session() as session:
        made = Staff(email="next@bank.example", name="Next", channels=["email"], grants=[Grant(role="rep")])
        session.add(made)
        session.commit()
        return made.id


def test_who_leaves_hands_over_and_is_out_in_one_act(site: Site) -> None:
    to, rep = successor(site), f"/directory/staff/{site.bank.ids['rep']}"
    page = site("admin").get(rep).text
    assert "Rep has 1 firm." in page
    refused = site("admin").post(f"{rep}/active", {"active": "no"})
    assert refused.status_code == 409
    assert "Rep still has 1 firm: hand everything over first" in refused.text
    assert re.search(r'name="leaves"[^>]* checked', refused.text), "the same wish, now with somebody who takes over"
    for wrong, words in (({"to": ""}, "must be chosen"), ({"to": str(site.bank.ids["officer"])}, "no representative")):
        answer = site("admin").post(f"{rep}/handover", wrong)
        assert answer.status_code == 422
        assert words in answer.text
    done = site("admin").post(f"{rep}/handover", {"to": str(to), "leaves": "yes"}, follow_redirects=True)
    assert "Handed over: 1 firm. They are out" in done.text
    with site.session() as session:
        assert session.scalars(select(Firm.rep_id)).all() == [to]
        assert not session.get_one(Staff, site.bank.ids["rep"]).active
        assert session.scalars(select(Customer.rep_id).where(Customer.rep_id.is_not(None))).all() == []
    assert site("rep").get("/inbox").headers["Location"].startswith("/sign-in")


def test_handing_over_without_leaving(site: Site) -> None:
    to, rep = successor(site), site.bank.ids["rep"]
    assert site("admin").post(f"/directory/staff/{rep}/handover", {"to": str(to)}).status_code == 302
    assert site("rep").get("/inbox").status_code == 200
    assert "Rep has nothing." in site("admin").get(f"/directory/staff/{rep}").text
    assert site("rep").post(f"/directory/staff/{rep}/handover", {"to": str(to)}).status_code == 403
