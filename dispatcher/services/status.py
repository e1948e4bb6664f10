"""Provider news about an attempt: in any order and any number of copies, the same final state."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery
from dispatcher.model.delivery import ALIKES, NOBODY, after
from dispatcher.model.ports import Event, Outcome
from dispatcher.runtime import Runtime
from dispatcher.services import likeness, recall, redial, staff_calls, tasks
from dispatcher.services.outcomes import apply_state, target_of

# A late bounce carries neither our id nor the provider's; then address and time must do.
LATE_BOUNCE = timedelta(hours=72)
# What became of a call: where news differs, the first of these counts, in whatever order it came.
OUTCOMES = ("passed", "answered", "machine", "busy", "no-answer")


def apply(session: Session, runtime: Runtime, provider: str, event: Event) -> bool:
    """Apply one event to the delivery or letter it is about; False when none of ours answers to it (yet)."""
    if event.decision == "stop-channel":
        tasks.alarm(session, runtime, provider, event.detail or event.code or "the account was stopped")
        return True
    if event.hung_up:
        staff_calls.hung_up(session, runtime, provider, event.provider_ref)
        return True
    found = _attempt_of(session, runtime, provider, event)
    if found is None:
        return False
    attempt = session.get_one(Attempt, found.id, with_for_update=True, populate_existing=True)
    target = target_of(session, attempt)
    if event.provider_ref and event.attempt and (attempt.code in ALIKES or not attempt.provider_ref):
        likeness.learn(session, runtime, attempt, target.address, event.provider_ref[:100])
    if event.outcome:
        target.outcome = min(target.outcome or event.outcome, event.outcome, key=_rank)
    if event.state in ("", "unrecognised"):
        return True
    if attempt.n < target.tries and event.state not in ("accepted", "delivered"):
        return True  # the latest attempt decides; of an earlier one only good news counts
    # News of an attempt is proof that the provider took it, whatever our own look-ups said.
    if event.state in ("accepted", "delivered", "bounced") and target.accepted_at is None:
        target.accepted_at = runtime.now()
    if attempt.state in ("sending", "unknown"):
        attempt.state, attempt.settled_at = "accepted", runtime.now()
    if event.state == "accepted" and attempt.code in NOBODY:
        return True  # it rang, and nobody took it: what comes of that is decided
    if after(target.state, event.state) == target.state:
        return True  # old news; its words must not take the place of those that count
    if isinstance(target, Delivery) and redial.put_off(session, runtime, attempt, target, event):
        return True
    bad = event.state not in ("accepted", "delivered")
    words = Outcome(
        attempt.id,
        event.state,
        decision=event.decision,
        code=event.code if bad else "",
        error=event.detail if bad else "",
    )
    ended_badly = target.state in ("failed", "rejected")
    apply_state(session, runtime, target, event.state, words)
    if isinstance(target, Delivery) and ended_badly and target.state == "delivered":
        recall.fallback(session, runtime, target)
    return True


def _rank(outcome: str) -> int:
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)


def _attempt_of(session: Session, runtime: Runtime, provider: str, event: Event) -> Attempt | None:
    if event.attempt:
        return session.get(Attempt, event.attempt)
    if event.provider_ref:
        # One mail request carries many recipients under one reference: the address tells them apart.
        query = select(Attempt).where(Attempt.provider == provider, Attempt.provider_ref == event.provider_ref)
        if event.address:
            query = query.join(Attempt.delivery).where(Delivery.address == event.address)
        found = session.scalars(query.limit(2)).all()
        return found[0] if len(found) == 1 else None
    if event.address and event.state in ("bounced", "failed"):
        return session.scalar(
            select(Attempt)
            .join(Attempt.delivery)
            .where(
                Attempt.provider == provider,
                Attempt.state == "accepted",
                Delivery.address == event.address,
                Delivery.accepted_at > runtime.now() - LATE_BOUNCE,
            )
            .order_by(Attempt.started_at.desc())
            .limit(1)
        )
    return None
