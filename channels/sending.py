"""Carries a batch: several requests at once, and one Outcome per Outbound whatever happens on the way.

A provider's `send` cuts its batch into units, one a request, and gives them to `each` with a function that carries
one unit. That function turns every refusal and every broken connection into Outcomes; it is the only vendor code here.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from channels.http import InDoubt, NeverSent
from dispatcher.model.gate import BARRED, Gate
from dispatcher.model.ports import Outbound, Outcome

log = logging.getLogger(__name__)

Unit = Sequence[Outbound]
Carry = Callable[[Unit], Awaitable[Sequence[Outcome]]]

# After so many certain failures in a row, the rest of the batch is not tried: it would fail the same way.
ENOUGH = 20
RETRY_SECONDS = 15.0


def never_sent(outbound: Outbound, error: NeverSent) -> Outcome:
    """Certainly not sent: try again."""
    return Outcome(
        outbound.attempt, "deferred", "retry", error=str(error), code="no-connection", retry_after=RETRY_SECONDS
    )


def in_doubt(outbound: Outbound, text: str, code: str = "in-doubt") -> Outcome:
    """May have been sent: to be looked up, never to be repeated."""
    return Outcome(outbound.attempt, "unknown", code=code, error=text[:300])


class _Rest:
    """Decides whether the units that have not left yet should leave at all."""

    def __init__(self) -> None:
        self.because: Outcome | None = None
        self._in_a_row = 0

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            # With a time to come back it is the vendor who cannot now; without, it is about that recipient alone.
            vendor = outcome.state == "deferred" and outcome.retry_after is not None
            self._in_a_row = self._in_a_row + 1 if vendor else 0
            if outcome.decision == "stop-channel" or self._in_a_row >= ENOUGH:
                self.because = outcome

    def told(self, outbound: Outbound) -> Outcome:
        assert self.because is not None
        return self.because._replace(attempt=outbound.attempt, provider_ref="", mark="")


async def each(
    units: Sequence[Unit],
    carry: Carry,
    at_once: int,
    gate: Gate,
    known: Iterable[Outcome] = (),
) -> AsyncIterator[Outcome]:
    """The outcomes of all units, as they become known; `known` first. Where `gate` says no, nothing more leaves.

    When the task is cancelled while it waits here, what is under way is given up: the outcomes still owed follow
    (unknown for what had left, deferred for what had not), and then the cancellation.
    """
    for outcome in known:
        yield outcome
    if not units:
        return
    waiting = deque(units)
    owed = {outbound.attempt: outbound for unit in units for outbound in unit}
    # One request may tell of hundreds: a queue that is awaited for each costs as much as all the rest of it.
    told: deque[Outcome] = deque()
    news = asyncio.Event()
    rest = _Rest()

    async def work() -> None:
        while waiting and rest.because is None:
            barred = await gate.enter()
            if barred:
                rest.because = Outcome("", "deferred", code=barred, error=BARRED[barred])
                break
            outcomes: Sequence[Outcome] = ()
            try:
                if not waiting or rest.because is not None:
                    break
                unit = waiting.popleft()
                outcomes = await _carried(carry, unit)
            finally:
                gate.leave(outcomes)
            rest.learn(outcomes)
            told.extend(outcomes)
            news.set()
        while waiting and rest.because is not None:
            told.extend(rest.told(outbound) for outbound in waiting.popleft())
            news.set()

    workers = [asyncio.create_task(work()) for _ in range(min(at_once, len(units)))]
    try:
        while owed:
            if not told:
                news.clear()
                await news.wait()
            outcome = told.popleft()
            del owed[outcome.attempt]
            yield outcome
    except asyncio.CancelledError:
        await _stop(workers)
        while told:
            outcome = told.popleft()
            del owed[outcome.attempt]
            yield outcome
        stayed = {outbound.attempt for unit in waiting for outbound in unit}
        for attempt, outbound in owed.items():
            if attempt in stayed:
                yield Outcome(attempt, "deferred", code="stopped", error=BARRED["stopped"])
            else:
                yield in_doubt(outbound, "stopped while it was under way")
        raise
    finally:
        for worker in workers:
            worker.cancel()


async def _carried(carry: Carry, unit: Unit) -> Sequence[Outcome]:
    """The unit's outcomes, exactly one per Outbound."""
    try:
        outcomes = await carry(unit)
    except NeverSent as error:
        return [never_sent(outbound, error) for outbound in unit]
    except InDoubt as error:
        return [in_doubt(outbound, str(error)) for outbound in unit]
    except Exception as error:
        # A fault of ours, at a moment that nobody knows. Its text may repeat what was sent, so it stays out of the log.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("carrying a unit of %d failed: %s\n%s", len(unit), type(error).__name__, where)
        return [in_doubt(outbound, f"fault while sending: {type(error).__name__}") for outbound in unit]
    if [outcome.attempt for outcome in outcomes] == [outbound.attempt for outbound in unit]:
        return outcomes
    found = {outcome.attempt: outcome for outcome in outcomes}
    return [found.get(o.attempt) or in_doubt(o, "the provider did not say what became of it") for o in unit]


async def _stop(workers: Sequence[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
