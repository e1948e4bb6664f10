"""Who gets a message, by which channel, and because of what: foretold, fixed at the approval, resolved at the release.

Everything is set-based, so that a hundred thousand recipients cost no more memory than ten.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sqlalchemy import Select, String, case, cast, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Message, Recipient, Version
from dispatcher.runtime import Runtime
from dispatcher.services.audience_lists import audience_of, inactive, listed_customers, staying
from dispatcher.services.audience_preview import AudiencePreview, Person, people, preview
from dispatcher.services.drawing import drawn, insert_deliveries, insert_recipients
from dispatcher.services.situations import gathered

__all__ = [
    "AudiencePreview", "Person", "Resolution", "fingerprint", "fingerprint_of_fixed", "people", "preview", "resolve",
    "snapshot",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a release made: deliveries by channel, counts of recipients."""

    recipients: int
    unreachable: int
    left: int
    by_channel: dict[str, int] = field(default_factory=dict)


def fingerprint(session: Session, version: Version) -> str:
    """Who would get it now, as a text that changes with them: an officer decides on those whom they have seen."""
    return _fingerprint(session, audience_of(version))


def fingerprint_of_fixed(session: Session, message: Message) -> str:
    """The same of those for whom the approval has fixed it."""
    fixed = select(Recipient.customer_id).where(Recipient.message_id == message.id, Recipient.left_at.is_(None))
    return _fingerprint(session, fixed)


def _fingerprint(session: Session, customers: Select[int]) -> str:
    """Their count, and a SHA-256 over their ids: of sums in SQL one could look for others that make the same."""
    who = customers.order_by("customer_id").subquery()
    # As one text: to fetch a hundred thousand rows takes eight times as long.
    ids = func.aggregate_strings(cast(who.c.customer_id, String), " ")
    count, text = session.execute(select(func.count(), func.coalesce(ids, "")).select_from(who)).one()
    return f"{count}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def snapshot(session: Session, runtime: Runtime, message: Message) -> int:
    """Fix the audience at an approval for later; how many recipients. What an earlier approval fixed is forgotten."""
    session.flush()
    session.execute(
        delete(Recipient).where(Recipient.message_id == message.id), execution_options={"synchronize_session": False}
    )
    chosen = listed_customers(message.current).subquery()
    session.execute(
        insert(Recipient).from_select(
            ["message_id", "customer_id", "because"],
            select(literal(message.id), chosen.c.customer_id, literal("")).order_by(chosen.c.customer_id),
        )
    )
    _forget(session)
    return session.scalar(select(func.count()).where(Recipient.message_id == message.id)) or 0


def resolve(session: Session, runtime: Runtime, message: Message, *, fixed: bool) -> Resolution:
    """Make the recipients and deliveries of a release: everybody gets a channel or is unreachable.

    Where the audience was `fixed` by a snapshot, it loses those who left since, and gains nobody. The order within a
    channel is shuffled by `message.seed`, which must be set.
    """
    session.flush()
    version = message.current
    left = _leave(session, runtime, message, version) if fixed else 0
    mine = (Recipient.message_id == message.id, Recipient.left_at.is_(None))
    audience = select(Recipient.customer_id.label("customer_id")).where(*mine) if fixed else listed_customers(version)
    with gathered(session, runtime, audience, version.topic) as situations, drawn(session, message) as own:
        insert_deliveries(session, message, runtime.now(), own)
        if fixed:
            # Written anew, which is quicker than to change every one of them and its place in the indexes.
            session.execute(delete(Recipient).where(*mine), execution_options={"synchronize_session": False})
        insert_recipients(session, message, own)
    _forget(session)
    by_channel = session.execute(
        select(Delivery.channel, func.count()).where(Delivery.message_id == message.id).group_by(Delivery.channel)
    ).all()
    return Resolution(
        recipients=sum(count for _, count in situations.values()),
        unreachable=sum(count for choice, count in situations.values() if choice.channel is None),
        left=left,
        by_channel=dict(by_channel),
    )


def _leave(session: Session, runtime: Runtime, message: Message, version: Version) -> int:
    done = session.execute(
        update(Recipient)
        .where(Recipient.message_id == message.id, Recipient.left_at.is_(None), ~staying(version))
        .values(
            left_at=runtime.now(),
            because=case(
                (Recipient.customer_id.in_(inactive()), "left: no longer a customer"),
                else_="left: no longer on any of the lists",
            ),
        ),
        execution_options={"synchronize_session": False},
    )
    return int(getattr(done, "rowcount", 0))


def _forget(session: Session) -> None:
    """Rows that statements changed behind the session's back are read again when they are looked at."""
    for loaded in session.identity_map.values():
        if isinstance(loaded, Recipient | Delivery):
            session.expire(loaded)
