"""Sends: claims in one transaction, calls the provider with none open, writes outcomes in chunks as they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Message
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import Content, Outbound, Outcome, Provider
from dispatcher.runtime import Runtime
from dispatcher.services import fan_out, limits, outcomes, release, renditions, tasks
from dispatcher.services.fan_out import Claimed, Lease
from dispatcher.services.recorder import Recorder

JOB_SECONDS = 300.0  # well under the limit for a job
MOST_AT_ONCE = 50  # claims of one job that wait for their answers


async def send_batch(runtime: Runtime, message_id: int, channel: str, batch: int | None) -> int:
    """Send one batch of a release, or with `batch` None what is due on the channel; how many were handed over.

    Where the channel has a limit of starts a second, only as many are claimed as may start now, so that a
    worker that dies leaves few in doubt.
    """
    provider = next(iter(runtime.adapters.providers.get(channel, ())), None)
    content = await asyncio.to_thread(_approved_content, runtime, message_id, channel, provider is not None)
    if provider is None or content is None:
        return 0
    limiter = limits.Limiter(runtime, channel)
    handed_over = 0
    started = time.monotonic()
    under_way: set[asyncio.Task[None]] = set()
    while True:
        if time.monotonic() - started > JOB_SECONDS:
            # A job that runs too long is broken off, perhaps between a call and its outcome.
            runtime.bells.ring([(channel, "fan_out_due", (message_id, channel))])
            break
        slots, wait = limiter.take(provider.batch_size)
        if slots == 0:
            await asyncio.sleep(min(wait, 1.0))
            continue
        lease = Lease()
        claimed = await asyncio.to_thread(_claim, runtime, message_id, channel, batch, provider.name, slots)
        if not claimed:
            break
        handed_over += len(claimed)
        leased = replace(content, may_start=lease.holds)
        under_way.add(asyncio.create_task(_deliver(runtime, channel, provider, leased, claimed, lease)))
        # Under a limit the next ones start while the last are still answered; without one, one batch at a time.
        if len(under_way) >= (MOST_AT_ONCE if limiter.rate else 1):
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        if len(claimed) < slots and limiter.rate is None:
            break
    await asyncio.gather(*under_way)
    await asyncio.to_thread(_finish, runtime, message_id)
    return handed_over


def _approved_content(runtime: Runtime, message_id: int, channel: str, carried: bool) -> Content | None:
    """What was approved, as this channel carries it. The gate: nothing else is ever sent."""
    with runtime.sessions() as session:
        message = session.get(Message, message_id)
        if message is None or message.state not in ("releasing", "released"):
            return None
        try:
            release.approval_of(session, message)
            if carried:
                return renditions.content_for(session, runtime, message, channel)
            why = f"no provider is configured for {channel}"
            fan_out.give_back(session, runtime, message_id, channel, why)
            tasks.alarm(session, runtime, channel, why)
        except StateConflict as error:
            tasks.alarm(session, runtime, channel, f"message {message_id} was not sent: {error}")
        commit(session, runtime.bells)
        return None


def _claim(
    runtime: Runtime, message_id: int, channel: str, batch: int | None, provider: str, limit: int
) -> list[Claimed]:
    with runtime.sessions() as session:
        which = (
            fan_out.waiting_and_due(message_id, channel, runtime.now())
            if batch is None
            else fan_out.waiting_in_batch(message_id, channel, batch)
        )
        claimed = fan_out.claim(session, runtime, message_id, which, provider, limit)
        commit(session, runtime.bells)
        return claimed


def _finish(runtime: Runtime, message_id: int) -> None:
    with runtime.sessions() as session:
        fan_out.finish(session, message_id)
        session.commit()


async def _deliver(
    runtime: Runtime, channel: str, provider: Provider, content: Content, claimed: Sequence[Claimed], lease: Lease
) -> None:
    by_attempt = {one.attempt_id: one for one in claimed}
    batch = [
        Outbound(
            attempt=one.attempt_id,
            address=one.address,
            reply_token=runtime.token("delivery", one.delivery_id),
            prefs_token=runtime.token("customer", one.customer_id),
            language=one.language,
        )
        for one in claimed
    ]

    def write(session: Session, some: list[Outcome]) -> None:
        outcomes.settle(session, runtime, channel, some)

    def keep(session: Session, left: list[str]) -> None:
        fan_out.extend(session, runtime, [by_attempt[one] for one in left])
        lease.renew()

    await Recorder(runtime, list(by_attempt), write, keep).run(provider.send(content, batch))
