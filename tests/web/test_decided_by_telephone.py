"""The pages of an alert that was decided on by telephone: how, with which code, and the words that were said."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import review
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Message, StaffCall
from dispatcher.services import media, recordings
from tests.web.conftest import Site
from tests.webhooks.test_officer_line import wav


def call_about(session: Session, site: Site, message: Message) -> StaffCall:
    call = StaffCall(
        provider="twilio", call_ref="CA" + "1" * 32, staff_id=site.bank.ids["officer"], lists=[],
        proven_at=site.bank.runtime.now(),
    )  # fmt: skip
    session.add(call)
    session.flush()
    review.take_up(session, site.bank.runtime, call, message)
    review.heard_out(session, site.bank.runtime, call, "")
    return call


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_approval_by_telephone_was_heard_to_the_end(site: Site) -> None:
    with site.bank.sessions() as session:
        message = site.bank.submitted(session)
        number, code = message.id, review.code_of(message.current.digest)
        before = site("officer").get(f"/approvals/{number}").text
        review.approve(session, site.bank.runtime, call_about(session, site, message), code)
        commit(session, site.bank.runtime.bells)
    assert f"Code {code} on the telephone" in plain(before)
    assert ", by telephone, heard to the end" in plain(site("officer").get(f"/approvals/{number}").text)
    assert ", by telephone, heard to the end" in plain(site("analyst").get(f"/messages/{number}").text)


@pytest.mark.parametrize("who", ["analyst", "officer", "admin"])
def test_the_words_of_a_return_are_played_and_each_play_is_on_record(site: Site, who: str) -> None:
    sound = wav(4).content
    with site.bank.sessions() as session:
        message = site.bank.submitted(session)
        call = call_about(session, site, message)
        reason = recordings.expect(
            session, site.bank.runtime, provider="twilio", ref="RE" + "a" * 32, call_ref=call.call_ref,
            purpose="reason", seconds=4, staff_call=call,
        )  # fmt: skip
        reason.media, reason.state = media.store(session, sound, "audio/wav", 4.0), "kept"
        decision = review.give_back(session, site.bank.runtime, call, reason)
        assert decision is not None
        number, address = message.id, f"/messages/{message.id}/decisions/{decision.id}/reason"
        commit(session, site.bank.runtime.bells)
    page = site(who).get(f"/messages/{number}").text
    assert "Said on the telephone, 0:04." in page
    assert f'src="{address}"' in page
    answer = site(who).get(address)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "audio/wav", sound)
    with site.bank.sessions() as session:
        [play] = session.scalars(select(AuditEntry).where(AuditEntry.action == "play recording"))
        assert (play.actor, play.subject) == (f"{who}@bank.example", f"message {number}")
    assert site("rep").get(address).status_code in (403, 404)
    assert site("analyst").get(address.replace("/decisions/", "/decisions/9")).status_code == 404
