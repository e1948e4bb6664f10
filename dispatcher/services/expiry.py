"""Expiry before the release: what could not leave in time never leaves late.

A message may leave from its `release_at` until `valid_for` later; where it has none, until an hour later, so that an
outage, or an officer who was at lunch, does not cost a customer the alert, and nobody gets yesterday's. What is then
still waiting for its decision, or for its release, expires, and its author is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Message
from dispatcher.runtime import Runtime
from dispatcher.services import letters, tasks
from dispatcher.services.audit import record

LATEST = timedelta(hours=1)


def last_moment(message: Message) -> datetime | None:
    """Until when it may be released; None where it has no time of its own."""
    if message.release_at is None:
        return None
    return message.release_at + (timedelta(seconds=message.valid_for) if message.valid_for else LATEST)


def expire_late(session: Session, runtime: Runtime) -> int:
    """Expire what is too late to be released; how many. Called before what is due is released."""
    now, count = runtime.now(), 0
    query = (
        select(Message)
        .where(Message.state.in_(("pending", "approved")), Message.release_at < now)
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    for message in session.scalars(query).all():
        until = last_moment(message)
        if until is not None and until < now:
            _expire(session, runtime, message)
            count += 1
    return count


def _expire(session: Session, runtime: Runtime, message: Message) -> None:
    was = message.state
    message.advance("expire")
    record(
        session, runtime, "system", "expire message", f"message {message.id}",
        was=was, release_at=message.release_at, valid_for=message.valid_for,
    )  # fmt: skip
    why = "nobody decided on it in time" if was == "pending" else "it was approved, but could not be released in time"
    if was == "approved":
        text = f"message {message.id} was approved for {message.release_at:%d %b %H:%M} UTC and expired unreleased"
        tasks.alarm(session, runtime, "release", text, about=f"message {message.id}", tell=True)
    letters.tell_staff(
        session,
        runtime,
        message.author,
        kind="decision",
        dedupe=f"expired:{message.id}:{message.version}",
        subject=f"Alert {message.id} has expired, nothing was sent",
        text=(
            f"Alert {message.id} was to be released at {message.release_at:%d %b %Y %H:%M} UTC. It has expired: {why}. "
            "Nothing of it was sent to anybody. If it still matters, write it anew:\n"
            f"{runtime.settings.public_url}/messages/{message.id}"
        ),
        short_text=f"Alert {message.id} has expired, nothing was sent: {why}.",
        message_id=message.id,
    )
