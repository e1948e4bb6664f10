"""What happens at a small bank, as it does in life, with and without a fault in the product."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import submission
from channels.sendgrid_webhooks import SendGridWebhooks
from dispatcher.model import ContactPoint, Customer, Delivery, ListMember, Message, Preference, Staff
from dispatcher.model.errors import DispatcherError
from dispatcher.model.ports import Outbound, WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import (
    audience,
    callbacks,
    codes,
    fan_out,
    outcomes,
    page_replies,
    reconcile,
    renditions,
    suppressions,
)
from tests.proof.planted.aquarium import Aquarium
from tests.webhooks.world import PUBLIC_KEY

ANA, BOB, CLEO = "ana@simon.example", "+12025550101", "+12025550102"


def killed_before_the_call(water: Aquarium) -> None:
    water.lines["sms"].fates[BOB] = ["die before"]
    water.released()
    water.settle()


def killed_after_acceptance(water: Aquarium) -> None:
    water.lines["sms"].fates[BOB] = ["die after"]
    water.released()
    water.pump("sms")
    water.pass_by(4000)
    water.settle()


def accepted_then_500(water: Aquarium) -> None:
    water.lines["sms"].fates[BOB] = ["doubt"]
    water.released()
    water.settle()


def accepted_and_not_yet_listed(water: Aquarium) -> None:
    water.lines["sms"].hidden = 1
    accepted_then_500(water)


def a_call_that_nobody_got(water: Aquarium) -> None:
    water.lines["voice"].fates[CLEO] = ["lost"]
    water.released()
    water.settle()


def two_calls_of_which_one_was_made(water: Aquarium) -> None:
    """Both in doubt; the carrier's list shows a number and a time."""
    water.lines["voice"].by_id = False
    water.lines["voice"].fates[CLEO] = ["lost", "doubt"]
    for _ in range(2):
        water.released()
        water.pass_by(1)
        water.pump("voice")
    water.settle(20)


def two_workers_at_once(water: Aquarium) -> None:
    message_id = water.released()
    line = water.lines["sms"]

    async def another_comes(one: object) -> None:
        line.before = lambda one: _nothing()
        with water.sessions() as session:
            claimed = fan_out.claim(session, water.runtime, message_id, "sms", line.name, 10)
            session.commit()
        if claimed:
            await water.pumping("sms")
            with water.sessions() as session:
                content = renditions.content_for(session, water.runtime, session.get_one(Message, message_id), "sms")
            told = [line.carry(content, _outbound(water, one)) for one in claimed]
            water.do(lambda session, runtime: outcomes.settle(session, runtime, "sms", Delivery, told))

    line.before = another_comes
    water.settle()


async def _nothing() -> None:
    return None


def _outbound(water: Aquarium, one: fan_out.Claimed) -> Outbound:
    return Outbound(
        one.attempt_id, one.address, reply_token=water.runtime.token("delivery", one.delivery_id),
        prefs_token=water.runtime.token("customer", one.customer_id), code=codes.make(water.runtime, one.delivery_id),
    )  # fmt: skip


def a_worker_that_slept(water: Aquarium) -> None:
    """It stood still between its claim and its request, while others took its rows over."""
    water.released()
    line = water.lines["sms"]

    async def sleep(one: object) -> None:
        line.before = lambda one: _nothing()
        water.pass_by(90)
        for _ in range(3):
            with water.sessions() as session:
                reconcile.doubt_dead_leases(session, water.runtime)
                session.commit()
                due = reconcile.due(session, water.runtime)
            for attempt_id in due:
                await reconcile.look_up(water.runtime, attempt_id)
            water.pass_by(150)
        await water.pumping("sms")

    line.before = sleep
    water.pump("sms")
    water.settle()


def outcomes_while_writing(water: Aquarium) -> None:
    """One outcome arrives while another is being written."""
    with water.sessions() as session:
        firm = session.scalars(select(Customer).where(Customer.key == "bob")).one().firm_id
        list_id = session.scalars(select(Customer).where(Customer.key == "bob")).one().lists[0].id
        dan = Customer(
            key="dan", name="Dan", firm_id=firm,
            contact_points=[ContactPoint(channel="sms", address="+12025550103")],
            preferences=[Preference(rank=0, channel="sms")],
        )  # fmt: skip
        session.add(dan)
        session.flush()
        session.add(ListMember(list_id=list_id, customer_id=dan.id))
        session.commit()
    seen: list[object] = []

    async def slowly(one: object) -> None:
        seen.append(one)
        if len(seen) == 2:
            await asyncio.sleep(0.3)  # the first is being written by now

    async def aside(work: Callable[..., object], *arguments: object) -> object:
        done = work(*arguments)
        if getattr(work, "__name__", "") == "_write":
            await asyncio.sleep(0.4)
        return done

    object.__setattr__(water.runtime, "aside", aside)
    water.lines["sms"].before = slowly
    water.released()
    for channel in ("sms", "email", "voice"):
        water.pump(channel)
    for _ in range(3):
        water.turn()


def opted_out_after_the_release(water: Aquarium) -> None:
    water.released()
    water.do(lambda session, runtime: suppressions.suppress(session, runtime, "sms", BOB, "opt-out", "sms STOP"))
    water.settle()


def opted_out_of_the_topic(water: Aquarium) -> None:
    water.released(topic="rates")
    water.do(
        lambda session, runtime: suppressions.suppress(session, runtime, "sms", BOB, "opt-out", "page", topic="rates")
    )
    water.settle()


def news_in_the_wrong_order(water: Aquarium) -> None:
    water.released()
    water.settle(2)
    water.tell(BOB, "delivered")
    water.tell(BOB, "accepted", dedupe="late")
    water.settle(2)


def forged_news(water: Aquarium) -> None:
    water.released()
    water.settle(2)
    water.tell(ANA, "delivered")
    water.tell(BOB, "delivered", forged=True)
    water.settle(2)


def the_same_text_twice(water: Aquarium) -> None:
    water.released()
    water.settle(2)
    at = water.bank.time()
    for _ in range(2):
        water.bank.time.at = at  # a copy is the same to the letter
        water.call_back("sms", {"dedupe": "SM1", "channel": "sms", "sender": BOB, "text": "Call me."})
    water.settle(2)


def a_failure_that_is_told_twice(water: Aquarium) -> None:
    with water.sessions() as session:
        bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
        bob.contact_points.append(ContactPoint(channel="voice", address="+12025550109"))
        session.commit()
    water.released()
    water.settle(1)
    for event in ("e1", "e2"):
        water.tell(BOB, "failed", dedupe=event, decision="fall-back")
        water.settle(2)


def nobody_is_left_to_fall_back_on(water: Aquarium) -> None:
    water.lines["voice"].fates[CLEO] = ["refuse"]
    water.released()
    water.settle()


def edited_while_the_officer_reads(water: Aquarium) -> None:
    message_id = water.submitted()
    seen = water.digest(message_id)
    changed: dict[str, object] = {"text": "We raise LTMY to buy."}
    water.do(
        lambda session, runtime: submission.edit(
            session, runtime, water.bank.staff(session, "analyst"), message_id, changed
        )
    )
    with contextlib.suppress(DispatcherError):
        water.approve(message_id, seen)
    water.settle()


def added_while_the_officer_reads(water: Aquarium) -> None:
    message_id = water.submitted()
    with water.sessions() as session:
        seen = audience.fingerprint(session, session.get_one(Message, message_id).current)
    with water.sessions() as session:
        dan = Customer(key="dan", name="Dan", contact_points=[ContactPoint(channel="sms", address="+12025550103")])
        session.add(dan)
        session.flush()
        bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
        session.add(ListMember(list_id=bob.lists[0].id, customer_id=dan.id))
        session.commit()
    with contextlib.suppress(DispatcherError):
        water.approve(message_id, water.digest(message_id), audience_seen=seen)
    water.settle()


def approved_by_its_author(water: Aquarium) -> None:
    message_id = water.submitted(by="colleague")
    with contextlib.suppress(DispatcherError):
        water.approve(message_id, water.digest(message_id), by="colleague")
    water.settle()


def cancelled_while_some_wait(water: Aquarium) -> None:
    water.lines["sms"].fates[BOB] = ["busy"]
    message_id = water.released()
    for channel in ("email", "sms", "voice"):
        water.pump(channel)
    water.do(
        lambda session, runtime: submission.cancel(session, runtime, water.bank.staff(session, "officer"), message_id)
    )
    water.settle()


def stale_by_now(water: Aquarium) -> None:
    water.lines["sms"].fates[BOB] = ["busy"] * 3
    water.released(valid_for=60)
    water.settle()


def redis_forgets_everything(water: Aquarium) -> None:
    water.released()
    water.turn(lose_rings=True)  # what was rung at the release is gone
    water.settle(3)


def mail_that_is_dropped(water: Aquarium) -> None:
    """The vendor keeps a list of its own and drops what goes to it, and says so."""
    water.set(sendgrid_event_public_key=PUBLIC_KEY, sendgrid_inbound_secret=SecretStr("mail-secret"))
    water.add_source("sendgrid", SendGridWebhooks(water.runtime.settings))
    water.released()
    water.settle(2)
    event = {
        "event": "dropped", "email": ANA, "attempt_id": water.attempt(ANA), "sg_event_id": "e1",
        "sg_message_id": "m1", "timestamp": 1_795_000_000, "reason": "Bounced Address",
    }  # fmt: skip
    request = WebRequest("POST", "/webhooks/sendgrid/events", {}, json.dumps([event]).encode())
    row = callbacks.row_of(water.runtime, "sendgrid", "events", request)
    water.do(lambda session, runtime: callbacks.keep_all(session, [row]))
    water.read_callbacks()
    water.ledger[:] = [replace(one, told="failed") if one.address == ANA else one for one in water.ledger]
    water.settle(2)


def a_call_that_was_answered(water: Aquarium) -> None:
    water.released()
    water.settle(1)
    _ended(water, "delivered", "answered")
    water.settle(5)


def a_busy_line(water: Aquarium) -> None:
    """However often it is called."""
    water.released()
    for _ in range(8):
        water.settle(4)
        with water.sessions() as session:
            waits = session.scalars(select(Delivery.state).where(Delivery.address == CLEO)).one() == "accepted"
        if waits:
            _ended(water, "failed", "busy")


def _ended(water: Aquarium, state: str, outcome: str) -> None:
    """The carrier says what became of the last call to Cleo."""
    attempt = water.attempt(CLEO)
    told = "failed" if state == "failed" else state
    water.call_back("status", {"dedupe": attempt, "state": state, "attempt": attempt, "outcome": outcome})
    water.ledger[:] = [replace(one, told=told) if one.attempt == attempt else one for one in water.ledger]


def whoever_had_it_has_left(water: Aquarium) -> None:
    """However they went: the page would have asked for a hand-over first."""
    water.released()
    water.settle(1)

    def answers(session: Session, runtime: Runtime) -> None:
        mail = session.scalars(select(Delivery).where(Delivery.address == ANA)).one()
        page_replies.from_page(session, runtime, mail.id, "", True)

    water.do(answers)
    water.do(lambda session, runtime: setattr(session.get_one(Staff, water.bank.ids["rep"]), "active", False))
    water.settle(4)


def called_all_day(water: Aquarium) -> None:
    water.set(cap_calls_per_number_day=2)
    for _ in range(4):
        water.released(lists=["top"])
        water.settle(1)


def renamed_after_the_approval(water: Aquarium) -> None:
    water.set(customer_line="+12025550100")
    water.released()
    water.set(firm_name="Another Bank", public_url="https://elsewhere.example", customer_line="+12025550111")
    water.settle(3)


def with_a_line_to_call(water: Aquarium) -> None:
    water.set(customer_line="+12025550100")
    all_goes_well(water)


def all_goes_well(water: Aquarium) -> None:
    water.released()
    water.settle(3)
