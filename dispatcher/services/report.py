"""The release report: how far apart the first and the last customer were, measured, by channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, case, cast, func, select
from sqlalchemy.orm import Session

from dispatcher.model import Delivery, ListMember, Message, Recipient, Reply, VersionList
from dispatcher.model.errors import NotFound

FAILED = ("bounced", "rejected", "failed", "expired")


def release_report(session: Session, message_id: int) -> dict[str, Any]:
    """The figures of one message; times are datetimes in UTC, None for what has not happened.

    `by_channel` has for each channel `deliveries`, `accepted`, `delivered`, `failed`, and `p50`, `p95` and `last`:
    seconds from the release to the acceptance by the provider (nearest rank). `replies` counts what people said;
    machines' mail is `automatic_replies`. `duplicates_removed` counts entries on its lists beyond one a customer, as
    the lists are now. Raises NotFound.
    """
    message = session.get(Message, message_id)
    if message is None:
        raise NotFound(f"there is no message {message_id}")
    first, last = session.execute(
        select(func.min(Delivery.accepted_at), func.max(Delivery.accepted_at)).where(Delivery.message_id == message.id)
    ).one()
    by_channel = _by_channel(session, message)
    return {
        "id": message.id,
        "subject": message.current.subject,
        "state": message.state,
        "approved_at": message.approved_at,
        "released_at": message.released_at,
        "first_accepted_at": first,
        "last_accepted_at": last,
        "spread_seconds": _seconds(first, last),
        "by_channel": by_channel,
        **_people(session, message),
        "deliveries": sum(one["deliveries"] for one in by_channel.values()),
        "duplicates_removed": _duplicates(session, message),
        **_replies(session, message),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start is not None and end is not None else None


def _by_channel(session: Session, message: Message) -> dict[str, dict[str, Any]]:
    found = {}
    marks = {row.channel: row for row in session.execute(_percentiles(message.id))}
    counts = select(
        Delivery.channel,
        func.count().label("deliveries"),
        func.count(Delivery.accepted_at).label("accepted"),
        func.count(case((Delivery.state == "delivered", 1))).label("delivered"),
        func.count(case((Delivery.state.in_(FAILED), 1))).label("failed"),
    ).where(Delivery.message_id == message.id)
    for row in session.execute(counts.group_by(Delivery.channel).order_by(Delivery.channel)):
        mark = marks.get(row.channel)
        found[row.channel] = {
            "deliveries": row.deliveries,
            "accepted": row.accepted,
            "delivered": row.delivered,
            "failed": row.failed,
            "p50": _seconds(message.released_at, mark.p50) if mark else None,
            "p95": _seconds(message.released_at, mark.p95) if mark else None,
            "last": _seconds(message.released_at, mark.last) if mark else None,
        }
    return found


def _percentiles(message_id: int) -> Select[Any]:
    """The acceptance at which half, and 95 in a hundred, of a channel's acceptances had come; and the last."""
    ranked = (
        select(
            Delivery.channel,
            Delivery.accepted_at,
            func.row_number().over(partition_by=Delivery.channel, order_by=Delivery.accepted_at).label("rank"),
            func.count().over(partition_by=Delivery.channel).label("total"),
        )
        .where(Delivery.message_id == message_id, Delivery.accepted_at.is_not(None))
        .subquery()
    )
    total = cast(ranked.c.total, Integer)

    def at(percent: int) -> Any:
        # Nearest rank, rounded up, in whole numbers: both databases divide them alike.
        return func.max(case((ranked.c.rank == (total * percent + 99) // 100, ranked.c.accepted_at)))

    return select(
        ranked.c.channel, at(50).label("p50"), at(95).label("p95"), func.max(ranked.c.accepted_at).label("last")
    ).group_by(ranked.c.channel)


def _people(session: Session, message: Message) -> dict[str, int]:
    row = session.execute(
        select(
            func.count().label("all"),
            func.count(Recipient.left_at).label("left"),
            func.count(case((Recipient.channel.is_(None) & Recipient.left_at.is_(None), 1))).label("unreachable"),
        ).where(Recipient.message_id == message.id)
    ).one()
    # Until the release nobody has a channel yet.
    unreachable = row.unreachable if message.released_at else 0
    return {"recipients": row.all - row.left, "unreachable": unreachable, "left": row.left}


def _duplicates(session: Session, message: Message) -> int:
    row = session.execute(
        select(func.count(), func.count(ListMember.customer_id.distinct()))
        .join(VersionList, VersionList.list_id == ListMember.list_id)
        .where(VersionList.version_id == message.current.id)
    ).one()
    return int(row[0] - row[1])


def _replies(session: Session, message: Message) -> dict[str, int]:
    row = session.execute(
        select(
            func.count(case((Reply.kind != "automatic", 1))), func.count(case((Reply.kind == "automatic", 1)))
        ).where(Reply.message_id == message.id)
    ).one()
    return {"replies": row[0], "automatic_replies": row[1]}
