"""Asks what became of texts that were accepted and of which no news came: while we are away, callbacks are lost.

What is found is kept as the callback that its webhook would have been, under the same key. Nothing is ever sent again.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery, Letter, Message
from dispatcher.model.delivery import ALIKES, in_states
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import NewsLog, WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks

log = logging.getLogger(__name__)

# Some carriers tell of no receipt: after two answers without news, so far apart, there will be none.
LOOKS, FIRST, APART = 2, timedelta(minutes=10), timedelta(minutes=30)
OLDEST = timedelta(days=2)
# In one turn: a provider that hangs must not hold up what else is asked of it.
MOST, AT_ONCE, SECONDS = 200, 20, 60


async def look(runtime: Runtime, provider: str) -> int:
    """Ask one provider about those that are due; of how many there was news that no webhook had brought."""
    own = [one for one in runtime.adapters.providers.get("sms", ()) if one.name == provider]
    source = own[0] if own and provider in runtime.adapters.sources else None
    if not isinstance(source, NewsLog):
        return 0
    asked = await runtime.aside(_begin, runtime, provider)
    places = asyncio.Semaphore(AT_ONCE)
    said: dict[str, WebRequest | None] = {}

    async def ask(ref: str, attempt: str) -> None:
        async with places:
            try:
                said[attempt] = await source.news_of(ref, attempt)
            except ProviderError as error:
                log.warning("%s could not be asked what became of a text: %s", provider, error)
            except Exception:  # what cannot be read of one must not take the others' news
                log.exception("what %s says became of a text cannot be read", provider)
                said[attempt] = None

    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(ask(ref, attempt) for ref, attempt in asked))
    except TimeoutError:
        log.warning("%s did not say in time what became of texts", provider)
    unsaid = [attempt for _, attempt in asked if attempt not in said]
    new: int = await runtime.aside(_keep, runtime, provider, [one for one in said.values() if one is not None], unsaid)
    return new


def _begin(runtime: Runtime, provider: str) -> list[tuple[str, str]]:
    """References and ids of the attempts to ask about. That they are asked about is on their rows first."""
    with runtime.sessions() as session:
        some = [one for table in (Delivery, Letter) for one in _due(session, runtime, provider, table)]
        for attempt in some:
            attempt.looked_up, attempt.looked_up_at = attempt.looked_up + 1, runtime.now()
        found = [(attempt.provider_ref or "", attempt.id) for attempt in some]
        session.commit()
        return found


def _due(session: Session, runtime: Runtime, provider: str, table: type[Delivery] | type[Letter]) -> list[Attempt]:
    now, column = runtime.now(), Attempt.delivery_id if table is Delivery else Attempt.letter_id
    recent: ColumnElement[bool] = true()
    if table is Delivery:  # by the index of a message's deliveries
        recent = Delivery.message_id.in_(select(Message.id).where(Message.released_at > now - OLDEST))
    query = (
        select(Attempt)
        .join(table, (table.id == column) & (table.tries <= Attempt.n))
        .where(
            recent,
            table.channel == "sms",
            in_states(table.state, "accepted"),
            table.accepted_at.between(now - OLDEST, now - FIRST),
            Attempt.provider == provider,
            Attempt.provider_ref.is_not(None),
            # What was only taken for it by its looks would come back as certain, under our own id.
            or_(Attempt.code.is_(None), Attempt.code.not_in(ALIKES)),
            Attempt.looked_up < LOOKS,
            or_(Attempt.looked_up_at.is_(None), Attempt.looked_up_at <= now - APART),
        )
        .order_by(Attempt.looked_up_at.nulls_first(), Attempt.id)
        .limit(MOST)
        .with_for_update(of=Attempt, skip_locked=True)
    )
    return list(session.scalars(query))


def _keep(runtime: Runtime, provider: str, found: list[WebRequest], unsaid: list[str]) -> int:
    """Keep what was found; a question that got no answer was no look, or an outage would use them all up."""
    if not found and not unsaid:
        return 0
    with runtime.sessions() as session:
        session.execute(
            update(Attempt)
            .where(Attempt.id.in_(unsaid), Attempt.looked_up > 0)
            .values(looked_up=Attempt.looked_up - 1)
            .execution_options(synchronize_session=False)
        )
        new = callbacks.keep_all(session, [callbacks.row_of(runtime, provider, "sms-status", one) for one in found])
        commit(session, runtime.bells)
    if new and callbacks.must_ring(runtime):
        runtime.bells.ring([callbacks.RING])
    return new
