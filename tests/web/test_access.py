"""Who may use which route: generated from the URL map, so that no route is forgotten."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from werkzeug.routing import Rule

from dispatcher import door
from dispatcher.model import ROLES, Firm, Grant
from tests.web.conftest import Site

WHO = {"analyst": "analyst", "officer": "officer", "rep": "rep", "admin": "admin", "compliance": "other"}
FILL = {
    "message_id": "1", "number": "1", "position": "0", "key": "ana", "channel": "email", "conversation_id": "1",
    "reply_id": "1", "order_id": "1", "task_id": "1", "staff_id": "1", "sign_in_id": "999", "token_id": "999",
    "token": "nonsense", "delivery_id": "1", "duty_id": "1", "decision_id": "1", "hook_id": "1",
}  # fmt: skip


def address(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: FILL[found[1]], str(rule))


def test_every_route_says_who_may_use_it(site: Site) -> None:
    rules = [(str(rule), method) for rule, method, _ in site.pages()]
    assert len(rules) > 60
    for path in ("/messages", "/approvals", "/inbox", "/directory", "/reports", "/r/<token>", "/p/<token>"):
        assert (path, "GET") in rules


def test_a_route_nobody_declared_is_closed_to_everybody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(site.app.view_functions, "reports.index", lambda: "secret")
    assert site("admin").get("/reports").status_code == 500


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_its_routes_and_no_other(site: Site, role: str) -> None:
    with site.session() as session:
        site.bank.released(session)
        site.bank.staff(session, WHO[role]).grants = [Grant(role=role)]
        session.commit()
    visitor = site(WHO[role])
    wrong = []
    for rule, method, access in site.pages():
        if access.public or access.by_token:
            continue
        # Without the form's token, so that nothing changes: 400 means that the roles would do.
        status = visitor.client.open(address(rule), method=method).status_code
        may = role in access.roles
        good = {200, 302, 404, 409} if method == "GET" else {400}
        if (may and status not in good) or (not may and status != 403):
            wrong.append(f"{method} {rule}: {status}, may={may}")
    assert wrong == []


def test_visitors_reach_nothing_but_the_sign_in(site: Site) -> None:
    visitor = site("nobody")
    wrong = []
    for rule, method, access in site.pages():
        answer = visitor.client.open(address(rule), method=method)
        if access.public or access.by_token:
            good = answer.status_code in (200, 302, 400, 404, 503)
        elif method == "GET":
            good = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in")
        else:
            good = answer.status_code == 401
        if not good:
            wrong.append(f"{method} {rule}: {answer.status_code}")
    assert wrong == []


# What lies in one person's hands only, and who else holds the same role.
def test_a_draft_is_nobody_elses_business(site: Site) -> None:
    from approvals import submission

    with site.session() as session:
        message = submission.create(
            session, site.bank.runtime, site.bank.staff(session, "analyst"), site.bank.submission(), draft=True
        )
        session.commit()
        number = message.id
    paths = ("", "/edit", "/versions/1", "/deliveries", "/progress", "/recording", "/attachments/0")
    for path in paths:
        for name in ("colleague", "officer", "rep"):
            assert site(name).get(f"/messages/{number}{path}").status_code in (403, 404), (name, path)
    assert site("analyst").get(f"/messages/{number}").status_code == 200
    assert site("officer").get(f"/approvals/{number}").status_code == 404
    assert site("colleague").post(f"/messages/{number}/submit").status_code == 404


def test_buttons_lead_only_where_one_may_go(site: Site) -> None:
    """The navigation names no page that would be refused."""
    with site.session() as session:
        site.bank.released(session)
    for name in WHO.values():
        pages = "".join(site(name).get(start).text for start in ("/messages", "/messages/1", "/account"))
        for path in sorted(set(re.findall(r'href="(/[^"?#]*)', pages))):
            if not path.startswith(("/static", "/bootstrap")):
                assert site(name).get(path).status_code in (200, 302), (name, path)


def test_staff_who_are_out_are_out_at_once(site: Site) -> None:
    assert site("rep").get("/inbox").status_code == 200
    out = f"/directory/staff/{site.bank.ids['rep']}"
    assert site("admin").post(f"{out}/active", {"active": "no"}).status_code == 409, "their firm would be nobody's"
    with site.session() as session:
        session.scalars(select(Firm)).one().rep_id = None
        session.commit()
    assert site("admin").post(f"{out}/active", {"active": "no"}).status_code == 302
    assert site("rep").get("/inbox").headers["Location"].startswith("/sign-in")


def test_nobody_locks_themselves_out(site: Site) -> None:
    own = site.bank.ids["admin"]
    assert site("admin").post(f"/directory/staff/{own}/active", {"active": "no"}).status_code == 403
    assert site("admin").post(f"/directory/staff/{own}/roles", {"roles": ["rep"]}).status_code == 403
    assert site("admin").get("/audit").status_code == 200


def test_roles_are_taken_from_the_list_of_roles_only(site: Site) -> None:
    rep = site.bank.ids["rep"]
    assert site("admin").post(f"/directory/staff/{rep}/roles", {"roles": ["rep", "owner"]}).status_code == 422
    assert site("admin").post(f"/directory/staff/{rep}/roles", {"roles": ["rep", "analyst"]}).status_code == 302
    assert site("rep").get("/messages/new").status_code == 200


def test_declarations_name_real_roles() -> None:
    with pytest.raises(AssertionError):
        door.may("boss")
