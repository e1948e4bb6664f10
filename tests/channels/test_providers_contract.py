"""One set of cases for every provider: what an adapter may claim about a message, and what it may never do."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from channels.http import Pool
from channels.twilio_sms import TwilioSms
from dispatcher.model.base import now
from dispatcher.model.ports import Outcome, Probe, Provider
from tests.channels.stub import NO_END
from tests.channels.vendors import (
    BRIEF,
    PATIENT,
    Vendor,
    an_hour_passes,
    collect,
    content,
    days_of,
    outbounds,
    settings,
    until,
    vendor_of,
)

ONE_A_REQUEST = ["twilio sms", "twilio voice", "telnyx", "smtp"]
ALL = [*ONE_A_REQUEST, "sendgrid"]


@pytest.fixture(params=ALL)
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    with vendor_of(request.param) as found:
        yield found


@asynccontextmanager
async def adapter(vendor: Vendor, limit: int = 10, in_vain: bool = False) -> AsyncIterator[Provider]:
    provider = vendor.provider(limit, BRIEF if in_vain else PATIENT)
    try:
        yield provider
    finally:
        await provider.aclose()


def sent(vendor: Vendor, count: int, limit: int = 10, in_vain: bool = False, **more: object) -> list[Outcome]:
    """Outcomes of a batch, in the order of its addresses; there is exactly one for each.

    `in_vain`: nobody waits for long, and an hour passes when all have arrived.
    """
    batch = outbounds([vendor.address() for _ in range(count)])

    async def send() -> list[Outcome]:
        async with adapter(vendor, limit, in_vain) as provider:
            sending = asyncio.create_task(collect(provider, content(**more), batch))
            if in_vain:
                await until(lambda: vendor.arrived().total() == count or sending.done())
                an_hour_passes()
            return await sending

    return in_order(asyncio.run(send()), [outbound.attempt for outbound in batch])


def in_order(outcomes: list[Outcome], attempts: list[str]) -> list[Outcome]:
    by_attempt = {outcome.attempt: outcome for outcome in outcomes}
    assert len(outcomes) == len(attempts)
    assert set(by_attempt) == set(attempts)
    return [by_attempt[attempt] for attempt in attempts]


def test_each_is_accepted_with_a_reference(vendor: Vendor) -> None:
    outcomes = sent(vendor, 25)
    assert {outcome.state for outcome in outcomes} == {"accepted"}
    assert all(outcome.provider_ref and not outcome.decision and not outcome.mark for outcome in outcomes)
    assert set(vendor.arrived().values()) == {1}


def test_a_bad_address_is_refused_alone(vendor: Vendor) -> None:
    batch = outbounds([vendor.address() for _ in range(9)])
    bad = [batch[2].address, batch[7].address]
    vendor.day("good", bad)

    async def send() -> list[Outcome]:
        async with adapter(vendor) as provider:
            return await collect(provider, content(), batch)

    outcomes = in_order(asyncio.run(send()), [outbound.attempt for outbound in batch])
    for outbound, outcome in zip(batch, outcomes, strict=True):
        if outbound.address in bad:
            assert (outcome.state, outcome.decision, outcome.mark) == ("rejected", "fall-back", "invalid")
            assert outcome.error
        else:
            assert outcome.state == "accepted"
            assert vendor.arrived()[outbound.address] == 1


def test_refused_credentials_stop_the_channel_and_burn_nothing(vendor: Vendor) -> None:
    vendor.day("unauthorized")
    outcomes = sent(vendor, 40, limit=4)
    assert {(outcome.state, outcome.decision, outcome.mark) for outcome in outcomes} == {("failed", "stop-channel", "")}
    assert vendor.requests() <= 4


def test_too_many_is_deferred_until_the_vendor_says(vendor: Vendor) -> None:
    vendor.day("busy")
    outcomes = sent(vendor, 3)
    assert {(outcome.state, outcome.decision) for outcome in outcomes} == {("deferred", "retry")}
    if vendor.name != "smtp":
        assert all(outcome.retry_after and 5 <= outcome.retry_after <= 8 for outcome in outcomes)


def test_too_many_again_and_again_spares_the_rest(vendor: Vendor) -> None:
    vendor.day("busy")
    outcomes = sent(vendor, 80, limit=2)
    assert {outcome.state for outcome in outcomes} == {"deferred"}
    assert vendor.requests() <= 25


def test_no_connection_means_certainly_not_sent(vendor: Vendor) -> None:
    vendor.close()
    outcomes = sent(vendor, 30, limit=3)
    assert {(outcome.state, outcome.decision) for outcome in outcomes} == {("deferred", "retry")}


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [(name, kind) for name in ALL for kind in ("broken", "hang", "reset", "html") if kind in days_of(name)],
    indirect=["vendor"],
)
def test_what_may_have_been_sent_is_in_doubt_and_never_repeated(vendor: Vendor, kind: str) -> None:
    vendor.day(kind)
    outcomes = sent(vendor, 6, in_vain=kind == "hang")
    assert {(outcome.state, outcome.decision, outcome.mark) for outcome in outcomes} == {("unknown", "", "")}
    vendor.day("good")
    assert set(vendor.arrived().values()) == {1}


def test_an_unresolvable_host_means_certainly_not_sent() -> None:
    async def send() -> list[Outcome]:
        pool = Pool(connect=1)
        try:
            provider = TwilioSms(settings("http://nowhere.invalid"), pool)
            return await collect(provider, content(), outbounds(["+12025550143"]))
        finally:
            await pool.aclose()

    assert [outcome.state for outcome in asyncio.run(send())] == ["deferred"]


@pytest.mark.parametrize("vendor", ONE_A_REQUEST, indirect=True)
def test_outcomes_come_as_they_become_known(vendor: Vendor) -> None:
    """Not all at the end: what was accepted is committed while the rest is under way."""
    vendor.answers(2)
    batch = outbounds([vendor.address() for _ in range(6)])

    async def send() -> list[Outcome]:
        outcomes = []
        async with adapter(vendor, limit=2) as provider:
            async for outcome in provider.send(content(), batch):
                outcomes.append(outcome)
                if len(outcomes) == 2:
                    vendor.answers(NO_END)
        return outcomes

    assert [outcome.state for outcome in asyncio.run(send())] == ["accepted"] * 6


def test_a_cancelled_send_still_says_what_it_knows(vendor: Vendor) -> None:
    vendor.answers(2)
    batch = outbounds([vendor.address() for _ in range(6)])
    if vendor.name == "sendgrid":
        batch = outbounds([vendor.address()] * 6)  # one address six times: six requests
    told: list[Outcome] = []

    async def send() -> None:
        async with adapter(vendor, limit=2) as provider:
            async for outcome in provider.send(content(), batch):
                told.append(outcome)

    async def stopped() -> None:
        task = asyncio.create_task(send())
        await until(lambda: len(told) == 2 and vendor.arrived().total() == 4)  # the next two are under way
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    outcomes = in_order(told, [outbound.attempt for outbound in batch])
    states = [outcome.state for outcome in outcomes]
    assert states.count("accepted") == 2
    assert states.count("unknown") == 2
    assert states.count("deferred") == 2
    vendor.answers(NO_END)
    sent(vendor, 1)  # what had left before has arrived by now
    unasked = {o.attempt for o in outcomes if o.state == "deferred"}
    if vendor.name != "sendgrid":
        assert all(vendor.arrived()[o.address] == 0 for o in batch if o.attempt in unasked)


def test_one_loop_serves_job_after_job_and_another_loop_is_no_trouble(vendor: Vendor) -> None:
    provider = vendor.provider()
    for _ in range(2):
        loop = asyncio.new_event_loop()
        for _ in range(2):
            batch = outbounds([vendor.address() for _ in range(3)])
            outcomes = loop.run_until_complete(collect(provider, content(), batch))
            assert {outcome.state for outcome in outcomes} == {"accepted"}
        loop.run_until_complete(provider.aclose())
        loop.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_left_without_closing_is_no_trouble(vendor: Vendor) -> None:
    provider = vendor.provider()
    for _ in range(2):
        loop = asyncio.new_event_loop()
        outcomes = loop.run_until_complete(collect(provider, content(), outbounds([vendor.address()])))
        assert [outcome.state for outcome in outcomes] == ["accepted"]
        loop.close()
    del provider, loop
    gc.collect()  # what was left open is complained about here


def test_connections_that_died_between_two_jobs_put_nothing_in_doubt(vendor: Vendor) -> None:
    """The vendor goes away while the worker's loop stands still between two jobs."""
    provider = vendor.provider()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(collect(provider, content(), outbounds([vendor.address() for _ in range(5)])))
    vendor.close()
    outcomes = loop.run_until_complete(collect(provider, content(), outbounds([vendor.address() for _ in range(5)])))
    assert {outcome.state for outcome in outcomes} == {"deferred"}
    loop.run_until_complete(provider.aclose())
    loop.close()


def test_nothing_to_send_is_nothing_sent(vendor: Vendor) -> None:
    assert sent(vendor, 0) == []
    assert vendor.requests() == 0


def test_a_look_up_that_fails_cannot_say(vendor: Vendor) -> None:
    probe = Probe("a" * 32, vendor.address(), "text", "message-7", now())

    asked = 0

    def is_asked_again() -> bool:
        return vendor.requests() > asked

    async def look(in_vain: bool = False) -> str:
        nonlocal asked
        asked = vendor.requests()
        async with adapter(vendor, in_vain=in_vain) as provider:
            looking = asyncio.create_task(provider.find(probe))
            while in_vain and not looking.done():
                await until(lambda: looking.done() or is_asked_again())
                asked = vendor.requests()
                an_hour_passes()
            return (await looking).verdict

    for kind in ("broken", "html", "unauthorized", "hang"):
        if kind in vendor.days:
            vendor.day(kind)
            assert asyncio.run(look(in_vain=kind == "hang")) == "cannot say", kind
    vendor.close()
    assert asyncio.run(look()) == "cannot say"


def test_a_check_names_the_setting_to_look_at(vendor: Vendor) -> None:
    async def check() -> str:
        async with adapter(vendor) as provider:
            return await provider.check()

    names = {"twilio": "TWILIO_", "sendgrid": "SENDGRID_", "smtp": "SMTP_URL", "telnyx": "TELNYX_"}
    words = names[vendor.name.split()[0]]
    if vendor.name != "smtp":
        vendor.day("unauthorized")
        assert words in asyncio.run(check())
    vendor.close()
    assert words in asyncio.run(check())
