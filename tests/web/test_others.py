"""What is others': a colleague's customer behind a shared address, words that never left, a complaint about oneself."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from approvals import decisions, submission
from dispatcher.model import ContactPoint, Conversation, Customer, Delivery, Grant, Staff
from dispatcher.services import replies, suppressions
from dispatcher.services.media import Upload
from tests.web.conftest import Site

BOB = "+12025550101"


def roles(site: Site, who: str, *names: str) -> None:
    with site.session() as session:
        session.get_one(Staff, site.bank.ids[who]).grants = [Grant(role=one) for one in names]
        session.commit()


@pytest.mark.parametrize("act", ["suppress", "lift"])
def test_a_shared_address_is_not_stopped_or_opened_for_a_colleagues_customer(site: Site, act: str) -> None:
    """Colin is a representative; Bob is another's. Colin may add a customer who has Bob's number."""
    roles(site, "colleague", "rep")
    with site.session() as session:
        own = ContactPoint(channel="sms", address=BOB)
        session.add(Customer(key="shadow", name="Shadow", rep_id=site.bank.ids["colleague"], contact_points=[own]))
        if act == "lift":
            suppressions.suppress(session, site.bank.runtime, "sms", BOB, "opt-out", "preferences page", "customer bob")
        session.commit()
    asked = {"why": "x", "said": "they rang me"}
    refused = site("colleague").post(f"/directory/customers/shadow/sms/{act}", asked)
    assert refused.status_code == 403
    assert "thers share this address: only an administrator" in refused.text
    with site.session() as session:
        assert (suppressions.in_force(session, "sms", BOB, "") is not None) == (act == "lift")
    assert site("admin").post(f"/directory/customers/shadow/sms/{act}", asked).status_code == 302
    with site.session() as session:
        assert (suppressions.in_force(session, "sms", BOB, "") is not None) == (act == "suppress")


def test_what_was_taken_out_before_the_approval_is_for_its_writers_and_officers(site: Site) -> None:
    with site.session() as session:
        runtime, analyst = site.bank.runtime, site.bank.staff(session, "analyst")
        form = site.bank.submission(text="The client is Acme.", attachments=[Upload("acme.txt", b"Acme file")])
        message = submission.create(session, runtime, analyst, form)
        submission.edit(session, runtime, analyst, message.id, {"text": "Clean words.", "attachments": []})
        officer = site.bank.staff(session, "officer")
        decisions.decide(session, runtime, officer, message.id, "approve", message.current.digest)
        session.commit()
    position = 0
    for who, reads in (("rep", False), ("analyst", True), ("officer", True), ("admin", True)):
        page = site(who).get("/messages/1/versions/1")
        file = site(who).get(f"/messages/1/attachments/{position}?version=1")
        assert ("Acme" in page.text, b"Acme file" in file.data) == (reads, reads), who
    assert "Clean words." in site("rep").get("/messages/1/versions/2").text


def test_an_author_does_not_read_a_complaint_about_them_below_their_alert(site: Site) -> None:
    roles(site, "analyst", "analyst", "rep")
    roles(site, "admin", "admin", "compliance")
    with site.session() as session:
        session.scalars(select(Customer).where(Customer.key == "ana")).one().rep_id = site.bank.ids["analyst"]
        session.commit()
        site.bank.released(session)
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        replies.from_page(
            session, site.bank.runtime, mail.id, "I want to complain about Analyst, who lied to me.", False
        )
        session.commit()
        assert session.scalars(select(Conversation)).one().routed_to == "compliance"
    assert "lied to me" not in site("analyst").get("/messages/1").text
    assert "lied to me" in site("admin").get("/messages/1").text
