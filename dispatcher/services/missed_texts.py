"""Finds texts and faxes that no webhook brought, by asking the provider for its list, and merges them by their id.

What is found is kept as the callback that its webhook would have been, under the same key: whichever comes first, and
also at the same moment, it is one callback and has one effect.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Poll
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import TextLog, WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks, missed_news, tasks
from dispatcher.services.once import insert_once

log = logging.getLogger(__name__)

# Lists lag, and clocks differ: what was asked for already is asked for again. What has just come, its webhook brings.
OVERLAP, FRESH = timedelta(hours=3), timedelta(minutes=1)
# Without an answer for so long, somebody is told: what was lost meanwhile waits at the provider.
SILENT = timedelta(hours=1)
CHUNK = 500
_CALLED = {"sms": ("text message", "text messages"), "fax": ("fax", "faxes")}


def due(session: Session, runtime: Runtime) -> list[str]:
    """Names of the providers that are to be asked now."""
    names = list(_logs(runtime)) if runtime.settings.missed_texts_minutes else []
    if not names:
        return []
    later = set(session.scalars(select(Poll.provider).where(Poll.due_at > runtime.now())))
    return [one for one in names if one not in later]


def ask_at_once(session: Session, runtime: Runtime) -> None:
    """We have been away: what came meanwhile is asked for now, not when its minutes are over."""
    session.execute(update(Poll).where(Poll.due_at > runtime.now()).values(due_at=runtime.now()))


async def look(runtime: Runtime, provider: str) -> int:
    """Ask one provider, as far back as it was last asked with success; how many no webhook had brought."""
    source = _logs(runtime).get(provider)
    since = await runtime.aside(_begin, runtime, provider) if source is not None else None
    if source is None or since is None:
        return 0
    new = await _received(runtime, provider, source, since)
    # After it: an opt-out among what was received must not wait for what became of texts.
    await missed_news.look(runtime, provider)
    return new


async def _received(runtime: Runtime, provider: str, source: TextLog, since: datetime) -> int:
    until = runtime.now() - FRESH
    try:
        found = await source.received_between(since, until)
    except ProviderError as error:
        log.warning("%s could not be asked for texts that were missed: %s", provider, error)
        await runtime.aside(_failed, runtime, provider)
        return 0
    new: int = await runtime.aside(_keep, runtime, provider, found, until)
    return new


def _logs(runtime: Runtime) -> dict[str, TextLog]:
    """The providers of text messages and faxes that can be asked and whose webhooks are read."""
    return {
        one.name: one
        for channel in _CALLED
        for one in runtime.adapters.providers.get(channel, ())
        if isinstance(one, TextLog) and one.name in runtime.adapters.sources
    }


def _channel(runtime: Runtime, provider: str) -> str:
    """What this provider's list is of."""
    return next(one for one in _CALLED if any(p.name == provider for p in runtime.adapters.providers.get(one, ())))


def _begin(runtime: Runtime, provider: str) -> datetime | None:
    """From when on to ask; None where somebody else has just begun, or it is not due. The next time is set first."""
    with runtime.sessions() as session:
        now = runtime.now()
        insert_once(session, Poll, provider=provider, asked_to=now, due_at=now)
        poll = session.get_one(Poll, provider, with_for_update=True, populate_existing=True)
        minutes = runtime.settings.missed_texts_minutes
        if not minutes or poll.due_at > now:
            return None
        poll.due_at = now + timedelta(minutes=minutes)
        since = poll.asked_to - OVERLAP
        session.commit()
        return since


def _keep(runtime: Runtime, provider: str, found: Sequence[WebRequest], until: datetime) -> int:
    new = 0
    with runtime.sessions() as session:
        rows = [callbacks.row_of(runtime, provider, _what(one), one) for one in found]
        for start in range(0, len(rows), CHUNK):
            new += callbacks.keep_all(session, rows[start : start + CHUNK])
        poll = session.get_one(Poll, provider, with_for_update=True, populate_existing=True)
        poll.asked_to = max(poll.asked_to, until)
        if new:
            channel = _channel(runtime, provider)
            text = (
                f"{new} {_CALLED[channel][new > 1]} came to us by no webhook and had to be asked for: "
                "look whether the webhook's address is right and reachable"
            )
            tasks.alarm(session, runtime, channel, text, about="missed texts")
        commit(session, runtime.bells)
    if new and callbacks.must_ring(runtime):
        runtime.bells.ring([callbacks.RING])
    return new


def _what(request: WebRequest) -> str:
    """The last part of its webhook's address."""
    return request.target.partition("?")[0].rpartition("/")[2]


def _failed(runtime: Runtime, provider: str) -> None:
    with runtime.sessions() as session:
        poll = session.get_one(Poll, provider)
        if poll.asked_to < runtime.now() - SILENT:
            channel = _channel(runtime, provider)
            text = f"the provider cannot be asked for {_CALLED[channel][1]} that its webhooks may have failed to bring"
            tasks.alarm(session, runtime, channel, text, about="missed texts")
        commit(session, runtime.bells)
