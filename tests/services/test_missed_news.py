"""Texts of which no news came: asked about far apart, until two answers knew nothing, and never sent again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text, update

from dispatcher.model import Attempt, Delivery
from dispatcher.model.delivery import ALIKE
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import WebRequest
from dispatcher.services import missed_news, missed_texts, verify
from tests.webhooks.world import World

MINUTE = 60


class Vendor:
    """What the provider says of a text of ours: a status, nothing, or no answer."""

    def __init__(self, world: World, says: str | None) -> None:
        self.says, self.asked, self.order = says, [], []  # type: tuple[str | None, list[str], list[str]]
        sms = world.bank.providers["sms"]
        sms.news_of, sms.received_between = self.news_of, self.received_between  # type: ignore[attr-defined]
        self.world = world

    async def news_of(self, provider_ref: str, attempt: str) -> WebRequest | None:
        self.asked.append(provider_ref)
        self.order.append("news")
        if self.says == "away":
            raise ProviderError("away")
        if self.says == "broken":
            raise ValueError("no number")
        if self.says == "hanging":
            await asyncio.Event().wait()
        form = {"MessageSid": provider_ref, "MessageStatus": self.says, "ErrorCode": "30003"}
        target = f"/webhooks/twilio/sms-status?attempt={attempt}"
        return WebRequest("POST", target, {}, urlencode(form).encode()) if self.says else None

    async def received_between(self, since: datetime, until: datetime) -> list[WebRequest]:
        self.order.append("list")
        raise ProviderError("its list cannot be had")

    def look(self, minutes: float) -> None:
        """What the clock's job does, so much later."""
        self.world.bank.time.pass_by(minutes * MINUTE)
        asyncio.run(missed_texts.look(self.world.runtime, "twilio"))
        self.world.work()


def states(world: World) -> dict[str, str]:
    with world.runtime.sessions() as session:
        return {
            one.address[-3:]: one.state for one in session.scalars(select(Delivery).where(Delivery.channel == "sms"))
        }


@pytest.mark.parametrize(
    ("says", "becomes", "looks"),
    [("delivered", "delivered", 1), ("undelivered", "failed", 1), ("sent", "accepted", 2), ("", "accepted", 2),
     ("broken", "accepted", 2), ("away", "accepted", 4), ("hanging", "accepted", 4)],
)  # fmt: skip
def test_its_provider_is_asked_until_it_knows_and_says_so_at_most_twice(
    light: World, monkeypatch: pytest.MonkeyPatch, says: str, becomes: str, looks: int
) -> None:
    if says == "hanging":
        monkeypatch.setattr(missed_news, "SECONDS", 0.001)
    light.alert()
    vendor = Vendor(light, says)
    vendor.look(5)
    assert vendor.asked == []  # its webhook may still bring it
    vendor.look(10)
    assert vendor.order == ["list", "list", "news", "news"]  # opt-outs that were missed come first
    assert states(light) == {"101": becomes, "103": becomes}
    for _ in range(3):
        vendor.look(1)
        vendor.look(31)
    assert sorted(vendor.asked) == sorted(["ref2", "ref4"] * looks)
    assert states(light) == {"101": becomes, "103": becomes}
    with light.runtime.sessions() as session:  # nothing was sent again by this
        assert {
            one.n for one in session.scalars(select(Attempt)) if one.delivery and one.delivery.channel == "sms"
        } == {1}


def test_what_its_webhook_brought_is_not_asked_about_and_a_copy_changes_nothing(world: World) -> None:
    ids = world.alert()
    vendor = Vendor(world, "delivered")
    attempt = world.attempt_of(ids["bob"])
    fields = {"MessageSid": "ref2", "MessageStatus": "delivered", "To": "+12025550101"}
    world.twilio(f"sms-status?attempt={attempt}", fields)
    world.work()
    vendor.look(15)
    assert vendor.asked == ["ref4"]
    assert states(world) == {"101": "delivered", "103": "delivered"}


def test_what_was_only_taken_for_it_is_not_asked_about(light: World) -> None:
    """Of two texts to Bob the second was called absent, and the first has its reference by its looks. Asked about, that
    would come back under the first one's id, as if it were certain, and the second one's own news would be a copy.
    """
    one, two = light.alert(), light.alert()
    first, second = light.attempt_of(one["bob"]), light.attempt_of(two["bob"])
    with light.runtime.sessions() as session:
        both = [one["bob"], two["bob"]]
        session.execute(update(Attempt).where(Attempt.delivery_id.not_in(both)).values(looked_up=9))
        session.execute(update(Delivery).values(tries=1))
        guessed, absent = session.get_one(Attempt, first), session.get_one(Attempt, second)
        guessed.code, guessed.provider_ref = ALIKE, "SM1"
        absent.state, absent.code, absent.provider_ref, absent.absences = "deferred", "absent", None, 2
        later = session.get_one(Delivery, two["bob"])
        later.state, later.accepted_at, later.due_at = "deferred", None, None
        session.commit()
    vendor = Vendor(light, "delivered")
    vendor.look(15)
    assert vendor.asked == []
    posted = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+12025550101", "From": "+12025550100"}
    assert light.twilio(f"sms-status?attempt={second}", posted).status_code == 204
    light.work()
    with light.runtime.sessions() as session:
        assert session.get_one(Attempt, first).state == "unknown"
        assert session.get_one(Delivery, two["bob"]).state == "delivered"


@pytest.mark.parametrize("detail", ["[]", "3", "null", '{"audience": "1-x"}', '{"audience": 3, "version": []}'])
def test_a_changed_entry_of_an_approval_silences_no_other_finding(light: World, detail: str) -> None:
    with light.runtime.sessions() as session:
        light.bank.released(session)
        session.execute(text("UPDATE audit SET detail = :d WHERE action = 'approve message'"), {"d": detail})
        session.commit()
        found = [str(one) for one in verify.check(session, light.runtime)]
    assert any("was changed" in one for one in found), found
