"""Nothing changes without the form's own token: crawled over every unsafe route and every form."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from dispatcher.model import AuditEntry
from tests.web.conftest import PEOPLE, Site
from tests.web.test_access import address


def entries(site: Site) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


@pytest.fixture
def busy(site: Site) -> Site:
    """A site with something behind every address."""
    with site.session() as session:
        site.bank.released(session)
    return site


# What another site could send: nothing, rubbish, the token of somebody else's session.
@pytest.mark.parametrize("token", [None, "rubbish", "another's"])
def test_unsafe_routes_want_the_token(busy: Site, token: str | None) -> None:
    data = {} if token is None else {"csrf_token": busy("other").csrf() if token == "another's" else token}
    before, tried = entries(busy), 0
    for rule, method, access in busy.pages():
        if method == "GET" or access.by_token:
            continue
        person = "nobody" if access.public else next(name for name in PEOPLE if holds(busy, name, access.roles))
        answer = busy(person).client.open(address(rule), method=method, data=data)
        assert answer.status_code == 400, f"{method} {rule} as {person}: {answer.status_code}"
        tried += 1
    assert tried > 20
    assert entries(busy) == before


def holds(site: Site, name: str, roles: frozenset[str]) -> bool:
    with site.session() as session:
        return site.bank.staff(session, name).has(*roles) and name != "other"


def test_another_site_is_refused_even_with_the_token(site: Site) -> None:
    for origin, status in (("cross-site", 400), ("same-site", 400), ("same-origin", 302), ("none", 302)):
        answer = site("rep").post("/account/sessions/end-others", headers={"Sec-Fetch-Site": origin})
        assert answer.status_code == status, origin


def test_every_form_brings_its_token(busy: Site) -> None:
    paths = {
        str(rule): rule for rule, method, access in busy.pages() if method == "GET" and not access.by_token
    }.values()
    seen = 0
    for person in ("analyst", "officer", "rep", "admin", "nobody"):
        for rule in paths:
            answer = busy(person).get(address(rule))
            if answer.mimetype != "text/html" or answer.status_code != 200:
                continue
            for form in re.findall(r"<form\b.*?</form>", answer.text, re.DOTALL):
                if 'method="post"' in form:
                    assert 'name="csrf_token"' in form, f"{rule} as {person}: {form[:200]}"
                    seen += 1
    assert seen > 60


def test_a_form_that_came_too_late_gives_back_what_was_typed(site: Site) -> None:
    data = {"csrf_token": "old", "subject": "Downgrade <i>now</i>", "text": "A long text.", "password": "hunter2"}
    answer = site("analyst").client.post("/messages/new", data=data)
    assert answer.status_code == 400
    assert "A long text." in answer.text
    assert "Downgrade &lt;i&gt;now&lt;/i&gt;" in answer.text
    assert "hunter2" not in answer.text


def test_a_signed_out_author_gets_back_what_was_typed(site: Site) -> None:
    answer = site("nobody").client.post("/messages/new", data={"text": "A long text."})
    assert answer.status_code == 401
    assert "A long text." in answer.text
    assert "Sign in" in answer.text


def test_nothing_is_given_back_to_another_site(site: Site) -> None:
    answer = site("nobody").client.post(
        "/messages/new", data={"text": "Call 555-0100 now."}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 401
    assert "555-0100" not in answer.text
