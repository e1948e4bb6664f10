"""Doubt: attempts whose outcome is unknown are looked up at the provider, never repeated blindly.

Two look-ups that find nothing, minutes apart, make it absent: a text or a mail is then tried again. A call
never is; its recipient goes on to the next channel, or a person looks.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.ports import Found, Outcome, Probe, Provider
from dispatcher.runtime import Runtime
from dispatcher.services import letter_sending, outcomes, renditions, tasks

log = logging.getLogger(__name__)

BETWEEN_LOOK_UPS = timedelta(seconds=130)
GIVE_UP_AFTER = 6


def doubt_dead_leases(session: Session, runtime: Runtime) -> int:
    """What a dead worker was sending is in doubt from now on; how many there were."""
    now = runtime.now()
    count = 0
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        rows = session.scalars(
            update(table)
            .where(table.state == "sending", table.lease_until < now)
            .values(state="unknown", lease_until=None, due_at=now, error="the worker died while sending")
            .returning(table.id)
            .execution_options(synchronize_session=False)
        ).all()
        if rows:
            count += len(rows)
            session.execute(
                update(Attempt)
                .where(column.in_(rows), Attempt.state == "sending")
                .values(state="unknown", error="the worker died while sending")
                .execution_options(synchronize_session=False)
            )
    return count


def due(session: Session, runtime: Runtime, limit: int = 200) -> list[str]:
    """Ids of unknown attempts that should be looked up now."""
    now = runtime.now()
    waiting = or_(
        and_(Delivery.state == "unknown", Delivery.due_at <= now), and_(Letter.state == "unknown", Letter.due_at <= now)
    )
    return list(
        session.scalars(
            select(Attempt.id)
            .outerjoin(Delivery, Attempt.delivery_id == Delivery.id)
            .outerjoin(Letter, Attempt.letter_id == Letter.id)
            .where(Attempt.state == "unknown", waiting)
            .order_by(Attempt.started_at)
            .limit(limit)
        )
    )


async def look_up(runtime: Runtime, attempt_id: str) -> str:
    """Ask the provider about one attempt and act on the answer: accepted, absent, cannot say, or "" (not due)."""
    asked = await asyncio.to_thread(_begin, runtime, attempt_id)
    if asked is None:
        return ""
    provider, probe = asked
    found = Found("cannot say")
    if provider is not None:
        try:
            found = await provider.find(probe)
        except Exception:
            log.exception("a look-up at %s broke off", provider.name)
    await asyncio.to_thread(_conclude, runtime, attempt_id, found)
    return found.verdict


def _begin(runtime: Runtime, attempt_id: str) -> tuple[Provider | None, Probe] | None:
    with runtime.sessions() as session:
        attempt = session.get(Attempt, attempt_id, with_for_update=True)
        if attempt is None or attempt.state != "unknown":
            return None
        target = _target(session, attempt)
        now = runtime.now()
        if target.due_at is None or target.due_at > now:
            return None
        # Set forward first: two sweeps at once ask once, and two look-ups are minutes apart.
        target.due_at = now + BETWEEN_LOOK_UPS
        attempt.looked_up, attempt.looked_up_at = attempt.looked_up + 1, now
        providers = runtime.adapters.providers.get(target.channel, ())
        provider = next((one for one in providers if one.name == attempt.provider), None)
        probe = _probe(session, runtime, attempt, target)
        commit(session, runtime.bells)
        return provider, probe


def _target(session: Session, attempt: Attempt) -> Delivery | Letter:
    if attempt.delivery_id:
        return session.get_one(Delivery, attempt.delivery_id, with_for_update=True, populate_existing=True)
    return session.get_one(Letter, attempt.letter_id, with_for_update=True, populate_existing=True)


def _probe(session: Session, runtime: Runtime, attempt: Attempt, target: Delivery | Letter) -> Probe:
    content = (
        renditions.content_for(session, runtime, target.message, target.channel)
        if isinstance(target, Delivery)
        else letter_sending.content_of(runtime, target)
    )
    rendition = content.rendition
    return Probe(
        attempt=attempt.id,
        address=target.address,
        text=rendition.subject if target.channel == "email" else rendition.text,
        category=content.category,
        started_at=attempt.started_at,
        provider_ref=attempt.provider_ref or "",
    )


def _conclude(runtime: Runtime, attempt_id: str, found: Found) -> None:
    with runtime.sessions() as session:
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
        target = _target(session, attempt)
        if attempt.state != "unknown" or target.state != "unknown":
            return
        if found.verdict == "accepted" and not _belongs_to_another(session, attempt, found):
            outcomes.settle(
                session, runtime, target.channel, [Outcome(attempt.id, "accepted", provider_ref=found.provider_ref)]
            )
        elif found.verdict == "absent" and attempt.looked_up >= 2:
            news = "failed" if target.channel == "voice" else "deferred"
            outcomes.settle_one(
                session, runtime, target.channel,
                Outcome(attempt.id, news, code="absent", error="the provider never got it", retry_after=0),
            )  # fmt: skip
        elif attempt.looked_up >= GIVE_UP_AFTER:
            _ask_a_person(session, target)
        commit(session, runtime.bells)


def _belongs_to_another(session: Session, attempt: Attempt, found: Found) -> bool:
    """A call can only be found by number and time: what another attempt of ours made is not taken for this one."""
    return bool(found.provider_ref) and (
        session.scalar(
            select(Attempt.id).where(
                Attempt.provider == attempt.provider,
                Attempt.provider_ref == found.provider_ref,
                Attempt.id != attempt.id,
                # One mail request carries many recipients under one reference.
                Attempt.delivery.has(Delivery.channel != "email"),
            )
        )
        is not None
    )


def _ask_a_person(session: Session, target: Delivery | Letter) -> None:
    """Nobody knows. Nothing is sent to that address for this message until a person has decided."""
    target.due_at = None
    tasks.open_task(
        session,
        kind="unknown",
        dedupe=f"unknown:{type(target).__name__}:{target.id}",
        text=f"The provider cannot say whether {target.channel} {type(target).__name__.lower()} {target.id} went out",
        message_id=target.message_id,
        delivery_id=target.id if isinstance(target, Delivery) else None,
    )
