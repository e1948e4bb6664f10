"""Carrying a batch: one outcome for each, whatever the vendor's code does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from channels.http import InDoubt, NeverSent
from channels.sending import ENOUGH, Unit, each
from dispatcher.model.gate import OpenGate
from dispatcher.model.ports import Outbound, Outcome
from tests.channels.stub import attempt


def batch(count: int, size: int = 1) -> list[list[Outbound]]:
    return [[Outbound(attempt(), f"a{n}@firm.example") for n in range(size)] for _ in range(count)]


def run(units: Sequence[Unit], carry: object, limit: int = 4) -> list[Outcome]:
    async def go() -> list[Outcome]:
        return [outcome async for outcome in each(units, carry, limit, OpenGate())]  # type: ignore[arg-type]  # of any kind

    outcomes = asyncio.run(go())
    assert sorted(o.attempt for o in outcomes) == sorted(o.attempt for unit in units for o in unit)
    return outcomes


def test_an_outcome_forgotten_or_told_twice_or_of_another_is_one_for_each() -> None:
    async def carry(unit: Unit) -> list[Outcome]:
        first = Outcome(unit[0].attempt, "accepted")
        return [first, first, Outcome("f" * 32, "accepted")]

    outcomes = run(batch(3, 2), carry)
    assert sorted(outcome.state for outcome in outcomes) == ["accepted"] * 3 + ["unknown"] * 3


@pytest.mark.parametrize(("error", "state"), [(NeverSent("x"), "deferred"), (InDoubt("x"), "unknown")])
def test_an_error_is_an_outcome_for_each_of_its_unit(error: Exception, state: str) -> None:
    async def carry(unit: Unit) -> list[Outcome]:
        raise error

    assert {outcome.state for outcome in run(batch(3, 2), carry)} == {state}


def test_a_fault_of_ours_is_in_doubt_and_says_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    async def carry(unit: Unit) -> list[Outcome]:
        raise KeyError(unit[0].address)

    with caplog.at_level(logging.DEBUG):
        outcomes = run(batch(2), carry)
    assert {outcome.state for outcome in outcomes} == {"unknown"}
    assert "KeyError" in caplog.text
    assert "firm.example" not in caplog.text
    assert not any("firm.example" in outcome.error for outcome in outcomes)


@pytest.mark.parametrize(("retry_after", "asked"), [(5.0, ENOUGH), (None, 3 * ENOUGH)])
def test_a_vendor_who_cannot_now_is_spared_but_not_for_a_recipient_s_sake(
    retry_after: float | None, asked: int
) -> None:
    calls: list[Unit] = []

    async def carry(unit: Unit) -> list[Outcome]:
        calls.append(unit)
        return [Outcome(o.attempt, "deferred", "retry", retry_after=retry_after) for o in unit]

    outcomes = run(batch(3 * ENOUGH), carry, limit=1)
    assert {(outcome.state, outcome.retry_after) for outcome in outcomes} == {("deferred", retry_after)}
    assert len(calls) == asked


def test_a_reference_and_a_mark_are_nobody_else_s() -> None:
    async def carry(unit: Unit) -> list[Outcome]:
        return [Outcome(o.attempt, "failed", "stop-channel", "ref", mark="invalid") for o in unit]

    outcomes = run(batch(5), carry, limit=1)
    assert sorted((outcome.provider_ref, outcome.mark) for outcome in outcomes) == [("", "")] * 4 + [("ref", "invalid")]


def test_who_stops_listening_stops_the_sending() -> None:
    calls: list[Unit] = []

    async def carry(unit: Unit) -> list[Outcome]:
        calls.append(unit)
        await asyncio.sleep(0.01)
        return [Outcome(o.attempt, "accepted") for o in unit]

    async def go() -> None:
        outcomes = each(batch(20), carry, 1, OpenGate())
        await anext(outcomes)
        await outcomes.aclose()  # type: ignore[attr-defined]  # it is a generator
        await asyncio.sleep(0.05)

    asyncio.run(go())
    assert len(calls) <= 2
