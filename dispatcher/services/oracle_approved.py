"""P3, four eyes, and P4, only the approved and never the opted-out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, AuditEntry, Decision, Delivery, Message, Recipient, Suppression, Version
from dispatcher.runtime import Runtime
from dispatcher.services.evidence import entries
from dispatcher.services.oracle import MOST, Breach, Promise, Question

# --- P3 ---------------------------------------------------------------------------------------------------


def four_eyes(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Before each attempt, an approval of exactly what the message says and its channels carry, by somebody who did not
    write it. What is approved and waits for its time is held against it as well."""
    started = (
        select(Delivery.message_id, func.min(Attempt.started_at).label("first"))
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .group_by(Delivery.message_id)
        .subquery()
    )
    rows = session.execute(
        select(Message, started.c.first)
        .outerjoin(started, started.c.message_id == Message.id)
        .where(or_(started.c.first.is_not(None), Message.released_at.is_not(None), Message.state == "approved"))
        .order_by(Message.id)
        .execution_options(yield_per=100)
    )
    for message, first in rows:
        for text in _approval_faults(session, message):
            yield Breach("P3", f"message {message.id}", text)
        approval = _approval(session, message)
        if approval is None or first is None or first + asked.skew >= approval.decided_at:
            continue
        early = (
            select(Attempt.id)
            .join(Delivery, Attempt.delivery_id == Delivery.id)
            .where(Delivery.message_id == message.id, Attempt.started_at < approval.decided_at - asked.skew)
            .limit(MOST)
        )
        for attempt_id in session.scalars(early):
            yield Breach("P3", f"attempt {attempt_id}", f"started before message {message.id} was approved")


def _approval(session: Session, message: Message) -> Decision | None:
    return session.scalar(
        select(Decision)
        .join(Version)
        .where(Decision.message_id == message.id, Decision.decision == "approve", Version.number == message.version)
    )


def _approval_faults(session: Session, message: Message) -> Iterator[str]:
    version = next((one for one in message.versions if one.number == message.version), None)
    if version is None:
        yield f"{_stands(message)}, and its version {message.version} is not there"
        return
    approval = _approval(session, message)
    if approval is None:
        yield f"{_stands(message)}, and version {message.version} was never approved"
        return
    wrote = {message.author_id} | {one.editor_id for one in message.versions if one.number <= message.version}
    if approval.officer_id in wrote:
        yield f"decision {approval.id} is by somebody who wrote or edited it"
    if approval.digest != version.digest:
        yield f"decision {approval.id} approves another digest than that of version {version.number}"
    if _digest(version) != version.digest:
        yield f"version {version.number} no longer holds what was submitted"
    if (message.release_at, message.valid_for) != (version.release_at, version.valid_for):
        yield f"version {version.number} was approved with other times than it was released with"


def _stands(message: Message) -> str:
    return "is called approved" if message.state == "approved" else "went out"


def _digest(version: Version) -> str:
    """What the digest ought to be, from the bytes themselves: worked out here, so that one fault cannot hide itself."""

    def content(found: bytes) -> str:
        return hashlib.sha256(found).hexdigest()

    when = version.release_at
    canonical = json.dumps(
        [
            version.subject,
            version.text,
            content(version.recording.content) if version.recording else None,
            [[part.name, content(part.media.content)] for part in version.attachments],
            sorted(one.key for one in version.lists),
            version.topic,
            version.urgency,
            when.astimezone(UTC).isoformat(timespec="microseconds") if when else None,
            version.valid_for,
            *([] if version.renditions is None else [version.renditions]),
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return content(canonical.encode())


# --- P4 ---------------------------------------------------------------------------------------------------


def never_the_opted_out(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """No attempt of a release started against a standing order."""
    against = (
        select(Attempt.id, Suppression.id, Suppression.created_at, Attempt.started_at)
        .join(Delivery, Attempt.delivery_id == Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .join(Version, and_(Version.message_id == Message.id, Version.number == Message.version))
        .join(
            Suppression,
            and_(
                Suppression.channel == Delivery.channel,
                Suppression.address == Delivery.address,
                Suppression.topic.in_(("", Version.topic)),
            ),
        )
        .where(
            Suppression.created_at < Attempt.started_at,
            or_(Suppression.lifted_at.is_(None), Suppression.lifted_at > Attempt.started_at),
        )
        .order_by(Attempt.started_at)
        .limit(MOST)
    )
    for attempt_id, order_id, since, started in session.execute(against):
        if since + asked.skew < started:
            yield Breach("P4", f"attempt {attempt_id}", f"started although suppression {order_id} was in force")


def only_the_approved(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Nobody was added after the release."""
    recipients: dict[int, int] = {
        row[0]: row[1]
        for row in session.execute(
            select(Recipient.message_id, func.count()).where(Recipient.left_at.is_(None)).group_by(Recipient.message_id)
        )
    }
    deliveries: dict[int, Counter[str]] = defaultdict(Counter)
    for message_id, channel, count in session.execute(
        select(Delivery.message_id, Delivery.channel, func.count())
        .where(Delivery.position >= 0)  # the others are fallbacks of these
        .group_by(Delivery.message_id, Delivery.channel)
    ):
        deliveries[message_id][channel] = count
    for _, _, subject, noted in entries(session, "release message"):
        yield from _as_released(subject, noted, recipients, deliveries)
    beside = select(Delivery.id, Delivery.message_id).join(Delivery.message).where(Message.released_at.is_(None))
    for row in session.execute(beside.limit(MOST)):
        yield Breach("P4", f"delivery {row.id}", f"belongs to message {row.message_id}, which was never released")


def _as_released(
    subject: str, noted: dict[str, Any], recipients: dict[int, int], deliveries: dict[int, Counter[str]]
) -> Iterator[Breach]:
    """The numbers of today against those on record."""
    number = subject.removeprefix("message ")
    if not number.isdecimal():
        return
    message_id = int(number)
    if recipients.get(message_id, 0) != noted.get("recipients", recipients.get(message_id, 0)):
        text = f"has {recipients.get(message_id, 0)} recipients; {noted['recipients']} were released"
        yield Breach("P4", subject, text)
    for channel in sorted({*noted.get("deliveries", {}), *deliveries[message_id]}):
        now, then = deliveries[message_id][channel], noted.get("deliveries", {}).get(channel, 0)
        if now != then:
            yield Breach("P4", subject, f"has {now} first deliveries by {channel}; {then} were released")


def for_those_who_were_seen(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Where the approval's entry tells for whom it was, these are its recipients, and nobody else ever."""
    for _, _, subject, noted in entries(session, "approve message"):
        number = subject.removeprefix("message ")
        message = session.get(Message, int(number)) if noted.get("audience") and number.isdecimal() else None
        if message is None or message.version != noted.get("version"):
            continue
        if (message.released_at or message.state == "approved") and _recipients(session, message) != noted["audience"]:
            yield Breach("P4", subject, "its recipients are not the customers for whom it was approved")


def _recipients(session: Session, message: Message) -> str:
    """As officers' approvals name them: their count, and a digest of their ids. Worked out here, as `_digest` is."""
    ids = session.scalars(
        select(Recipient.customer_id).where(Recipient.message_id == message.id).order_by(Recipient.customer_id)
    ).all()
    return f"{len(ids)}-{hashlib.sha256(' '.join(map(str, ids)).encode()).hexdigest()[:40]}"


def nothing_after_its_end(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """No attempt started after a cancel, or after the time was up in which the message was valid."""
    for subject, at in session.execute(
        select(AuditEntry.subject, AuditEntry.at).where(AuditEntry.action == "cancel message")
    ):
        try:
            message_id, cancelled_at = int(subject.removeprefix("message ")), datetime.fromisoformat(at)
        except ValueError:
            continue  # a changed entry, which the chain has named
        for number in _started_after(session, message_id, cancelled_at + asked.skew):
            yield Breach("P4", f"attempt {number}", f"started after message {message_id} was cancelled")
        waiting = select(Delivery.id, Delivery.state).where(
            Delivery.message_id == message_id, Delivery.state.in_(("queued", "deferred"))
        )
        for row in session.execute(waiting.limit(MOST)):
            yield Breach("P4", f"delivery {row.id}", f"is {row.state}, though message {message_id} was cancelled")
    limited = select(Message.id, Message.released_at, Message.valid_for).where(
        Message.valid_for.is_not(None), Message.released_at.is_not(None)
    )
    for message_id, released_at, seconds in session.execute(limited):
        assert released_at is not None
        for number in _started_after(session, message_id, released_at + timedelta(seconds=seconds or 0) + asked.skew):
            yield Breach("P4", f"attempt {number}", f"started when the time of message {message_id} was up")


def _started_after(session: Session, message_id: int, moment: datetime) -> list[str]:
    late = (
        select(Attempt.id)
        .join(Delivery, Attempt.delivery_id == Delivery.id)
        .where(Delivery.message_id == message_id, Attempt.started_at > moment)
        .limit(MOST)
    )
    return list(session.scalars(late))


ALL: tuple[Promise, ...] = (
    four_eyes,
    never_the_opted_out,
    only_the_approved,
    for_those_who_were_seen,
    nothing_after_its_end,
)
