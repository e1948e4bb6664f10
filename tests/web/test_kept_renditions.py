"""What an officer reads on the page is what is kept and leaves, whatever settings say by then."""

from __future__ import annotations

import asyncio

from approvals.views import _without_tags
from dispatcher import bells
from dispatcher.model import Customer, ListMember, Message
from dispatcher.services import renditions, sending
from tests.another_dispatcher import rendition_of_another
from tests.web.conftest import Site
from tests.webhooks.test_officer_line import wav


def set_to(site: Site, **settings: object) -> None:
    runtime = site.bank.runtime
    object.__setattr__(runtime, "settings", runtime.settings.model_copy(update=settings))


def test_the_page_shows_the_bytes_that_leave(site: Site) -> None:
    set_to(site, customer_line="+12025550100")
    with site.session() as session:
        number = site.bank.submitted(session).id
    officer = site("officer")
    mail, page = officer.get(f"/approvals/{number}/mail/1").text, officer.get(f"/approvals/{number}").text
    set_to(site, firm_name="Another Bank", customer_line="+12025550111")
    assert officer.get(f"/approvals/{number}/mail/1").text == mail
    assert "Example Bank: Downgrade" in page
    with site.session() as session:
        digest = session.get_one(Message, number).current.digest
    officer.post(f"/approvals/{number}", {"decision": "approve", "digest": digest})
    for channel in ("email", "sms", "voice"):
        asyncio.run(sending.Pump(site.bank.runtime, channel).run())
    [carried] = site.bank.providers["email"].contents
    assert _without_tags(carried.rendition.html) == mail
    [short] = site.bank.providers["sms"].contents
    assert _without_tags(short.rendition.text).split("\n")[0] in page
    with site.session() as session:
        kept = renditions.for_channels(site.bank.runtime, session.get_one(Message, number).current)
    assert (carried.rendition, short.rendition) == (kept["email"], kept["sms"])


def test_the_text_that_a_call_reads_on_request_is_shown(site: Site) -> None:
    with site.session() as session:
        message = site.bank.submitted(session, recording=wav(2), text="We cut. See https://x.example")
        bells.commit(session, site.bank.runtime.bells)
        number = message.id
    page = site("officer").get(f"/approvals/{number}").text
    assert "Read to those who ask for more" in page
    assert '<p class="preview-text">We cut. See</p>' in page


def test_what_another_dispatcher_wrote_is_named_and_cannot_be_approved_but_returned(site: Site) -> None:
    with site.session() as session:
        number = site.bank.submitted(session).id
        rendition_of_another(session, number, "voice")
        digest = session.get_one(Message, number).current.digest
    officer = site("officer")
    page = officer.get(f"/approvals/{number}")
    assert page.status_code == 200
    assert "What it keeps for Voice was written by another Dispatcher" in page.text
    assert officer.get(f"/approvals/{number}/mail/1").status_code == 200
    assert officer.post(f"/approvals/{number}", {"decision": "approve", "digest": digest}).status_code == 409
    officer.post(f"/approvals/{number}", {"decision": "return", "digest": digest, "comment": "Hand it in again."})
    with site.session() as session:
        assert session.get_one(Message, number).state == "returned"


def test_an_approval_pressed_on_a_page_that_shows_others_is_refused_and_shows_who_gets_it_now(site: Site) -> None:
    with site.session() as session:
        message = site.bank.submitted(session, lists=["semis"])
        bells.commit(session, site.bank.runtime.bells)
        number, digest = message.id, message.current.digest
    officer = site("officer")

    def seen(page: str) -> str:
        return page.split('name="audience" value="')[1].split('"')[0]

    before = seen(officer.get(f"/approvals/{number}").text)
    with site.session() as session:
        semis = session.get_one(Message, number).current.lists[0]
        dora = Customer(key="dora", name="Dora")
        session.add(dora)
        session.flush()
        session.add(ListMember(list_id=semis.id, customer_id=dora.id))
        session.commit()
    form = {"decision": "approve", "digest": digest, "audience": before}
    refused = officer.post(f"/approvals/{number}", form)
    assert refused.status_code == 409
    assert "Who gets it has changed since you looked" in refused.text
    assert officer.post(f"/approvals/{number}", {**form, "audience": seen(refused.text)}).status_code == 302
