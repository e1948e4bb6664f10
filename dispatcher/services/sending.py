"""Sends: claims in one transaction, calls the provider with none open, writes outcomes in chunks as they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Delivery, Message
from dispatcher.model.delivery import GOING
from dispatcher.model.errors import StateConflict
from dispatcher.model.gate import Limits
from dispatcher.model.ports import CODE_TAG, PREFS_TAG, REPLY_TAG, Content, Outbound, Outcome, Provider
from dispatcher.runtime import Runtime
from dispatcher.services import codes, fan_out, outcomes, poison, release, renditions, tasks
from dispatcher.services.circuit import Choice, Circuit
from dispatcher.services.fan_out import Claimed, OpenRelease
from dispatcher.services.lease import Lease
from dispatcher.services.limits import Rate, channel_rate
from dispatcher.services.places import Passage, Places
from dispatcher.services.recorder import Recorder
from dispatcher.services.speed import Speed
from dispatcher.services.turns import Turns

log = logging.getLogger(__name__)

JOB_SECONDS = 300.0  # well under the limit for a job
TICK = 0.1  # how often a busy worker looks for something more urgent
AHEAD_SECONDS = 0.15  # what is claimed beyond the places leaves within so long
MOST_AT_ONCE = 500  # deliveries a claim, so that a claim is short and others get their turn
FIRST_CLAIM = 50  # of a run, so that the first customers need not wait while hundreds are claimed
# How long all of a channel's providers may be out before its customers get theirs by their next channel.
OUTAGE, URGENT_OUTAGE = timedelta(minutes=15), timedelta(minutes=2)


class Pump:
    """Sends what is due on one channel, in one worker process, for as long as there is something.

    Urgent messages pass ordinary ones; releases of one urgency take turns.
    """

    def __init__(self, runtime: Runtime, channel: str) -> None:
        self._runtime, self._channel = runtime, channel
        self._circuit = Circuit(runtime, channel)

    async def run(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Send until nothing is due; how many deliveries were handed over.

        Where time is up, or `stopping` says so, it ends what is under way, and rings for a colleague.
        """
        choice = await self._circuit.choose()
        if choice.provider is None:
            await self._runtime.aside(self._without_provider, choice)
            return 0
        limits = choice.provider.limits
        expected = await self._runtime.aside(self._runtime.bells.workers_on, self._channel)
        async with Places(self._runtime, limits, expected).held(_wanted(limits)) as places:
            run = _Run(self._runtime, self._channel, self._circuit, choice, choice.provider, places)
            return await run.send(stopping)

    def _without_provider(self, choice: Choice) -> None:
        """All are out: what waits stays, until it has waited too long. There is none: it goes on at once."""
        runtime, channel, now = self._runtime, self._channel, self._runtime.now()
        with runtime.reader() as session:
            due = fan_out.open_releases(session, channel, now)
        for one in due:
            if choice.out is None:
                why = f"no provider is configured for {channel}"
            else:
                patience = URGENT_OUTAGE if one.urgent else OUTAGE
                if now.timestamp() - choice.out.since < patience.total_seconds():
                    continue
                why = f"{channel} is out: {choice.out.why}"
            given = MOST_AT_ONCE
            while given == MOST_AT_ONCE:
                with runtime.sessions() as session:
                    given = fan_out.give_back(session, runtime, one.message_id, channel, why, MOST_AT_ONCE)
                    tasks.alarm(session, runtime, channel, why)
                    fan_out.finish(session, one.message_id)
                    commit(session, runtime.bells)


def _wanted(limits: Limits) -> int:
    """Places that can be used: those of three seconds' starts where starts are limited."""
    return limits.requests if limits.a_second is None else max(2, math.ceil(3 * limits.a_second))


class _Run:
    """One run of the pump with one provider."""

    def __init__(
        self, runtime: Runtime, channel: str, circuit: Circuit, choice: Choice, provider: Provider, places: Places
    ) -> None:
        self.runtime, self.channel, self.circuit = runtime, channel, circuit
        self.provider, self.trial, self.places = provider, choice.trial, places
        self.turns, self.rate = Turns(), channel_rate(runtime, channel, provider.limits)
        self.paces: dict[int, Rate] = {}
        self.contents: dict[int, Content | None] = {}
        self.leases: dict[str, Lease] = {}
        self.claims: dict[str, Claimed] = {}
        self.under_way: set[asyncio.Task[None]] = set()
        self.ahead = {True: 0, False: 0}  # claimed and not yet answered, by urgency
        self.less_ahead = asyncio.Event()
        self.answered = Speed(runtime)
        self.alarms: list[str] = []
        self.barren: set[int] = set()  # messages of which the last look found nothing that may leave
        self.recorder = Recorder(runtime, self._write, self._keep)
        self.handed_over = 0

    async def send(self, stopping: Callable[[], bool]) -> int:
        until, colleague_rung = self.runtime.monotonic() + JOB_SECONDS, False
        async with self.recorder:
            try:
                while not self._is_out():
                    due = await self.runtime.aside(self._open_releases)
                    if not due:
                        if not self.under_way:
                            break
                        # Answers make room that nothing waits for: the end of a claim is all there is to see.
                        await asyncio.wait(self.under_way, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                        continue
                    if stopping() or self.runtime.monotonic() > until:
                        # A job that runs too long is broken off, perhaps between a call and its outcome.
                        self.runtime.bells.ring([(self.channel, "fan_out", (self.channel,))])
                        break
                    if not colleague_rung and not self.trial:
                        # There may be more than one claim of work: whoever is free comes and helps, and calls the next,
                        # before this worker's own first claim, which is over some ten milliseconds from now.
                        colleague_rung = True
                        self.runtime.bells.ring([(self.channel, "fan_out", (self.channel,))])
                    wait = await self._claim_next(due)
                    if self.trial:
                        break
                    if wait or not any(self._room(one.urgent) for one in due):
                        # Whether anything more urgent has come was looked a moment ago.
                        await self._pause(wait or TICK)
            except asyncio.CancelledError:
                # Anything else, such as a database that is away, leaves alone what is on its way.
                for task in self.under_way:
                    task.cancel()
                raise
            finally:
                await asyncio.gather(*self.under_way, return_exceptions=True)
        await self.runtime.aside(self._finish)
        return self.handed_over

    async def _claim_next(self, due: Sequence[OpenRelease]) -> float:
        """Claim for the release whose turn it is and may; 0 where that was done, else the seconds to wait."""
        wait = TICK
        for one in self.turns.order(due):
            claimed, asked_to_wait = await self._claim(one)
            if claimed is not None:
                self.turns.took(one, len(claimed))
                if claimed:
                    self._begin(one, claimed)
                return 0.0
            wait = min(wait, asked_to_wait) if asked_to_wait else wait
        return wait

    async def _claim(self, one: OpenRelease) -> tuple[list[Claimed] | None, float]:
        """What was claimed, nothing where none that was looked at may leave; or None, and how long to wait."""
        room = 1 if self.trial else self._room(one.urgent)
        if not room:
            return None, TICK
        if one.pace:
            pace = self.paces.setdefault(
                one.message_id, Rate(self.runtime, f"pace:{one.message_id}:{self.channel}", one.pace)
            )
            room, wait = await pace.take(room)
            if not room:
                return None, wait
        slots, wait = await self.rate.take(room)
        if not slots or await self._content(one.message_id) is None:
            return None, wait
        lease = Lease(self.runtime)
        claimed = await self.runtime.aside(self._claim_rows, one.message_id, slots)
        if claimed is not None:
            self.leases.update((made.attempt_id, lease) for made in claimed)
        return claimed, 0.0

    def _room(self, urgent: bool) -> int:
        """How many deliveries may be claimed: what fits into the places, and what leaves while the next are claimed.

        What is claimed ahead is in doubt when this worker dies, so it is little. Urgent ones need not wait for it.
        """
        fits = self.places.granted * self.provider.limits.recipients_a_request
        spare = min(MOST_AT_ONCE, max(fits, int(self.answered.a_second() * AHEAD_SECONDS)))
        room = min(MOST_AT_ONCE, fits + spare - self.ahead[True] - (0 if urgent else self.ahead[False]))
        if not self.handed_over:
            return min(room, FIRST_CLAIM)
        return room if 2 * room >= spare else 0

    async def _content(self, message_id: int) -> Content | None:
        if message_id not in self.contents:
            self.contents[message_id] = await self.runtime.aside(self._approved_content, message_id)
        return self.contents[message_id]

    def _begin(self, one: OpenRelease, claimed: Sequence[Claimed]) -> None:
        self.handed_over += len(claimed)
        self.ahead[one.urgent] += len(claimed)
        task = asyncio.create_task(self._deliver(one, claimed))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def _deliver(self, one: OpenRelease, claimed: Sequence[Claimed]) -> None:
        runtime, content = self.runtime, self.contents[one.message_id]
        assert content is not None
        gate = Passage(self.places, self.leases[claimed[0].attempt_id], one.urgent, self._is_out, self._learn)
        # How long it is good for, told to the provider as it is now, not as it was when the run began.
        content = replace(content, gate=gate, valid_for=renditions.seconds_left(runtime, one.until))
        # A token is not for nothing to make, and most texts need only some of them.
        reply, prefs, code = (content.holds(tag) for tag in (REPLY_TAG, PREFS_TAG, CODE_TAG))
        batch = [
            Outbound(
                attempt=each.attempt_id,
                address=each.address,
                reply_token=runtime.token("delivery", each.delivery_id) if reply else "",
                prefs_token=runtime.token("customer", each.customer_id) if prefs else "",
                code=codes.make(runtime, each.delivery_id) if code else "",
                language=each.language,
            )
            for each in claimed
        ]
        self.claims.update((each.attempt_id, each) for each in claimed)
        left = len(claimed)

        def seen(outcome: Outcome) -> None:
            nonlocal left
            left -= 1
            self.ahead[one.urgent] -= 1
            self.answered.count += 1
            if not self.less_ahead.is_set() and self._room(one.urgent):
                self.less_ahead.set()

        try:
            attempts = [each.attempt_id for each in claimed]
            await self.recorder.follow(attempts, lambda: self.provider.send(content, batch), seen)
        finally:
            self.ahead[one.urgent] -= left
            self.less_ahead.set()

    async def _pause(self, seconds: float) -> None:
        """Until there is room again, or for so long."""
        self.less_ahead.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.less_ahead.wait()

    def _learn(self, request: Sequence[Outcome]) -> None:
        if out := self.circuit.learn(self.provider.name, request):
            self.alarms.append(f"{self.provider.name} is out: {out}")

    def _is_out(self) -> bool:
        return self.circuit.is_out(self.provider.name) and not self.trial

    # --- with the database, off the loop

    def _open_releases(self) -> list[OpenRelease]:
        with self.runtime.reader() as session:
            found = fan_out.open_releases(session, self.channel, self.runtime.now())
        return [one for one in found if self.contents.get(one.message_id, ...) is not None]

    def _approved_content(self, message_id: int) -> Content | None:
        """What was approved, as this channel carries it. The gate: nothing else is ever sent."""
        runtime = self.runtime
        with runtime.sessions() as session:
            message = session.get(Message, message_id)
            if message is None or message.state not in GOING:
                return None
            try:
                release.approval_of(session, message)
                return renditions.content_for(session, runtime, message, self.channel)
            except StateConflict as error:
                why = str(error)
            except Exception as error:
                # A fault of ours. Its text may repeat what was to be sent.
                log.exception("message %d cannot be composed for %s", message_id, self.channel)
                why = f"it cannot be composed ({type(error).__name__})"
            poison.no_content(session, runtime, message_id, self.channel, why)
            commit(session, runtime.bells)
            return None

    def _claim_rows(self, message_id: int, limit: int) -> list[Claimed] | None:
        # Where the last look found none that may leave, such as ten thousand in their quiet hours, the next is wider.
        look = MOST_AT_ONCE if message_id in self.barren else limit
        with self.runtime.sessions() as session:
            claimed = fan_out.claim(session, self.runtime, message_id, self.channel, self.provider.name, limit, look)
            commit(session, self.runtime.bells)
        (self.barren.discard if claimed else self.barren.add)(message_id)
        return claimed

    def _write(self, session: Session, some: list[Outcome]) -> None:
        outcomes.settle(session, self.runtime, self.channel, Delivery, some)
        for one in some:
            self.leases.pop(one.attempt, None)
            self.claims.pop(one.attempt, None)

    def _keep(self, session: Session, left: list[str]) -> None:
        fan_out.extend(session, self.runtime, [self.claims[one].delivery_id for one in left])

    def _finish(self) -> None:
        with self.runtime.sessions() as session:
            for message_id in self.contents:
                fan_out.finish(session, message_id)
            for text in self.alarms:
                tasks.alarm(session, self.runtime, self.channel, text)
            commit(session, self.runtime.bells)
