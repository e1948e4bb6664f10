"""A call or fax that met a busy line, or that nobody answered, is made again by policy; then comes the next channel.

Only on the provider's own word about this very attempt: it reached nobody, so nobody is called twice. What is in
doubt is never called again. Quiet hours, caps, opt-outs and the end of validity count when it is claimed, as ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery
from dispatcher.model.delivery import GOING, NOBODY
from dispatcher.model.ports import Event
from dispatcher.runtime import Runtime

# States of a delivery whose call can turn out to have reached nobody.
_UNDER_WAY = ("sending", "unknown", "accepted")
_WORDS = {"busy": "busy", "no-answer": "no answer"}
_AGAIN = {"voice": "called again", "fax": "sent again"}  # by channel; by no other is a line busy


def put_off(session: Session, runtime: Runtime, attempt: Attempt, delivery: Delivery, event: Event) -> bool:
    """Put a call off that reached nobody, and say so at the attempt; False where it has failed.

    Of busy and no answer said of one attempt the first of NOBODY counts, in whatever order they came. The caller
    holds both rows, and has seen that the attempt is the delivery's latest.
    """
    if delivery.channel not in _AGAIN or event.outcome not in NOBODY or event.attempt != attempt.id:
        return False
    before, known = attempt.error, attempt.code in NOBODY
    attempt.code = min(event.outcome, attempt.code or "", key=_rank)
    if known and delivery.state == "deferred":
        attempt.error = _said(runtime, attempt, delivery, delivery.due_at)
        delivery.error = attempt.error if delivery.error == before else delivery.error
        return True
    due_at = _due(session, runtime, delivery) if delivery.state in _UNDER_WAY else None
    attempt.error = _said(runtime, attempt, delivery, due_at)
    if due_at is None:
        return False
    delivery.state, delivery.due_at, delivery.lease_until, delivery.error = "deferred", due_at, None, attempt.error
    return True


def _due(session: Session, runtime: Runtime, delivery: Delivery) -> datetime | None:
    """When it is called again; None where the policy has no more calls, or the message has come to its end by then."""
    session.flush()
    in_vain = session.scalar(select(func.count()).where(Attempt.delivery_id == delivery.id, Attempt.code.in_(NOBODY)))
    waits = runtime.settings.call_again_minutes
    if not in_vain or in_vain > len(waits):
        return None
    message, due_at = delivery.message, runtime.now() + timedelta(minutes=waits[in_vain - 1])
    if message.state not in GOING or (message.valid_until is not None and due_at >= message.valid_until):
        return None
    return due_at


def _rank(outcome: str) -> int:
    return NOBODY.index(outcome) if outcome in NOBODY else len(NOBODY)


def _said(runtime: Runtime, attempt: Attempt, delivery: Delivery, due_at: datetime | None) -> str:
    """busy at 09:31 UTC, called again at 09:34."""
    words = f"{_WORDS[attempt.code or NOBODY[0]]} at {runtime.now():%H:%M} UTC"
    return f"{words}, {_AGAIN[delivery.channel]} at {due_at:%H:%M}" if due_at else words
