"""What the officer is told before approving: when each channel is done, and what is planned where one lags."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time

import pytest
from sqlalchemy import select

from dispatcher.model import ContactPoint, Customer, ListMember, Preference
from dispatcher.model.gate import Limits
from tests.web.conftest import Site


def crowd(site: Site, number: int, **settings: object) -> int:
    """A pending alert to so many people who are called one a second; its page's address."""
    bank = site.bank
    bank.providers["voice"].limits = Limits("scripted", 50, a_second=1)
    chosen = bank.runtime.settings.model_copy(update=settings)
    bank.runtime = site.app.extensions["runtime"] = replace(bank.runtime, settings=chosen)
    with site.session() as session:
        top = session.scalars(select(ListMember.list_id).where(ListMember.customer_id == bank.ids["cleo"])).one()
        for place in range(number):
            who = Customer(
                key=f"v{place}", name=f"V{place}", preferences=[Preference(rank=0, channel="voice")],
                contact_points=[ContactPoint(channel="voice", address=f"+1202556{place:04}")],
            )  # fmt: skip
            if not place:
                who.timezone, who.quiet_from, who.quiet_until = "America/New_York", time(22), time(7)
            session.add(who)
            session.flush()
            session.add(ListMember(list_id=top, customer_id=who.id))
        session.commit()
        return bank.submitted(session, valid_for=60).id


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_each_channel_has_its_time_and_its_rate(site: Site) -> None:
    page = words(site("officer").get(f"/approvals/{crowd(site, 20)}").text)
    # Who is reached at once and who after the night, each with the time of their last.
    assert "Voice 21 at once: 20, last 09:30:20 UTC held by quiet hours: 1, last 12:00:00 UTC" in page
    assert "20 s after the release, 1 call a second" in page
    assert "1 not within its validity" in page
    assert "more than the limit" not in page


@pytest.mark.parametrize(
    ("policy", "plan"),
    [
        ("slow-first", "The slowest starts first."),
        ("same-window", "email and sms will be held to the same window."),
        ("text-first", "Of the 40 who wait for a call beyond the limit, those who take texts are told"),
    ],
)  # fmt: skip
def test_a_channel_that_lags_is_warned_of(site: Site, policy: str, plan: str) -> None:
    number = crowd(site, 100, lag_policy=policy)
    page = words(site("officer").get(f"/approvals/{number}").text)
    assert "Voice is forecast to reach its last customer 100 s after the release, 100 s after" in page
    assert f"more than the limit of 60 s. {plan}" in page
    assert "41 not within its validity" in page
    asked = "Example Bank calls you about an alert in about 2 minutes."
    assert (asked in page) is (policy == "text-first")
    assert ("Example Bank ruft Sie in etwa 2 Minuten wegen einer Meldung an." in page) is (policy == "text-first")
