"""What a release would do, or did: counts, forecast, and the people one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, Delivery, Firm, ListMember, Message, Recipient, Version
from dispatcher.model.delivery import MAY_HAVE_LEFT
from dispatcher.runtime import Runtime
from dispatcher.services.audience_lists import audience_of, lists_of
from dispatcher.services.forecast import Forecast, Resting, foretell, resting_of
from dispatcher.services.situations import CHOICES, SITUATIONS, gathered


@dataclass(frozen=True, slots=True)
class AudiencePreview:
    """What a release now would do. `excluded` are recipients out of reach, counted by reason."""

    recipients: int
    listed: int
    deliveries: int
    by_channel: dict[str, int] = field(default_factory=dict)  # deliveries
    recipients_by_channel: dict[str, int] = field(default_factory=dict)
    excluded: list[tuple[str, int]] = field(default_factory=list)
    foretold: dict[str, Forecast] = field(default_factory=dict)

    @property
    def duplicates_removed(self) -> int:
        """How many entries on lists named somebody again."""
        return self.listed - self.recipients

    @property
    def forecast(self) -> dict[str, float]:
        """Seconds until the last one of each channel is reached."""
        return {channel: one.seconds for channel, one in self.foretold.items()}

    @property
    def unreachable(self) -> int:
        return sum(count for _, count in self.excluded)


@dataclass(frozen=True, slots=True)
class Person:
    """One recipient as the page of the approval shows them; without a channel `because` says why."""

    customer_id: int
    key: str
    name: str
    firm: str
    channel: str | None
    address: str
    because: str


def preview(session: Session, runtime: Runtime, version: Version) -> AudiencePreview:
    """Counts and forecast before anything is sent; after the release, what it was."""
    session.flush()
    if version.message.state in MAY_HAVE_LEFT and version.message.released_at:
        return _review(session, runtime, version)
    with gathered(session, runtime, audience_of(version), version.topic) as situations:
        listed = session.scalar(
            select(func.count())
            .select_from(ListMember)
            .join(SITUATIONS, SITUATIONS.c.customer_id == ListMember.customer_id)
            .where(ListMember.list_id.in_(lists_of(version)))
        )
        by_channel = _counts(
            session,
            select(CHOICES.c.channel, func.count(ContactPoint.address.distinct()))
            .select_from(SITUATIONS)
            .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
            .join(
                ContactPoint,
                (ContactPoint.customer_id == SITUATIONS.c.customer_id) & (ContactPoint.channel == CHOICES.c.channel),
            )
            .group_by(CHOICES.c.channel),
        )
        resting = _resting(session)
    recipients: Counter[str] = Counter()
    excluded: Counter[str] = Counter()
    for choice, count in situations.values():
        if choice.channel:
            recipients[choice.channel] += count
        else:
            excluded[choice.reason] += count
    return AudiencePreview(
        recipients=recipients.total() + excluded.total(),
        listed=listed or 0,
        deliveries=sum(by_channel.values()),
        by_channel=by_channel,
        recipients_by_channel=dict(recipients),
        excluded=excluded.most_common(),
        foretold=foretell(session, runtime, version.message, by_channel, resting),
    )


def _resting(session: Session) -> list[Resting]:
    """Those of the gathered customers who have quiet hours, summed up."""
    query = (
        select(
            CHOICES.c.channel, Customer.timezone, Customer.quiet_from, Customer.quiet_until, Customer.urgent_when_quiet,
            func.count(ContactPoint.address.distinct()),
        )
        .select_from(SITUATIONS)
        .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
        .join(Customer, Customer.id == SITUATIONS.c.customer_id)
        .join(
            ContactPoint, (ContactPoint.customer_id == Customer.id) & (ContactPoint.channel == CHOICES.c.channel)
        )
        .where(Customer.quiet_from.is_not(None))
        .group_by(
            CHOICES.c.channel, Customer.timezone, Customer.quiet_from, Customer.quiet_until, Customer.urgent_when_quiet
        )
    )  # fmt: skip
    return [tuple(row) for row in session.execute(query)]


def people(
    session: Session, runtime: Runtime, version: Version, limit: int = 50, offset: int = 0, *, unreachable: bool = False
) -> list[Person]:
    """A page of the audience by name: who gets it by which channel and because of what.

    With `unreachable` only those who are left out, and why.
    """
    session.flush()
    message = version.message
    if message.released_at is not None:
        return _people_reached(session, message, limit, offset, unreachable)
    with gathered(session, runtime, audience_of(version), version.topic):
        rows = session.execute(
            select(
                Customer.id, Customer.key, Customer.name, func.coalesce(Firm.name, ""), CHOICES.c.channel,
                func.coalesce(ContactPoint.address, ""), CHOICES.c.because,
            )
            .select_from(SITUATIONS)
            .join(CHOICES, CHOICES.c.situation == SITUATIONS.c.situation)
            .join(Customer, Customer.id == SITUATIONS.c.customer_id)
            .outerjoin(Firm, Firm.id == Customer.firm_id)
            .outerjoin(
                ContactPoint, (ContactPoint.customer_id == Customer.id) & (ContactPoint.channel == CHOICES.c.channel)
            )
            .where(CHOICES.c.channel.is_(None) if unreachable else true())
            .order_by(Customer.name, Customer.key)
            .limit(limit)
            .offset(offset)
        ).all()  # fmt: skip
    return [Person(*row) for row in rows]


def _people_reached(session: Session, message: Message, limit: int, offset: int, unreachable: bool) -> list[Person]:
    rows = session.execute(
        select(
            Customer.id, Customer.key, Customer.name, func.coalesce(Firm.name, ""), Recipient.channel,
            func.coalesce(Delivery.address, ""), Recipient.because,
        )
        .select_from(Recipient)
        .join(Customer, Customer.id == Recipient.customer_id)
        .outerjoin(Firm, Firm.id == Customer.firm_id)
        .outerjoin(Delivery, Delivery.id == Recipient.delivery_id)
        .where(
            Recipient.message_id == message.id,
            (Recipient.delivery_id.is_(None) | Recipient.left_at.is_not(None)) if unreachable else true(),
        )
        .order_by(Customer.name, Customer.key)
        .limit(limit)
        .offset(offset)
    )  # fmt: skip
    return [Person(*row) for row in rows]


def _review(session: Session, runtime: Runtime, version: Version) -> AudiencePreview:
    """What the release was: its first deliveries, without those that took over from failed ones."""
    message_id = version.message_id
    mine = (Recipient.message_id == message_id, Recipient.left_at.is_(None))
    by_channel = _counts(
        session,
        select(Delivery.channel, func.count())
        .where(Delivery.message_id == message_id, Delivery.position >= 0)
        .group_by(Delivery.channel),
    )
    out_of_reach = _counts(
        session,
        select(Recipient.because, func.count())
        .where(*mine, Recipient.delivery_id.is_(None))
        .group_by(Recipient.because),
    )
    recipients = session.scalar(select(func.count()).where(*mine)) or 0
    listed = session.scalar(
        select(func.count())
        .select_from(ListMember)
        .where(
            ListMember.list_id.in_(lists_of(version)),
            ListMember.customer_id.in_(select(Recipient.customer_id).where(*mine)),
        )
    )
    return AudiencePreview(
        recipients=recipients,
        listed=max(listed or 0, recipients),
        deliveries=sum(by_channel.values()),
        by_channel=by_channel,
        recipients_by_channel=_counts(
            session,
            select(Recipient.channel, func.count())
            .where(*mine, Recipient.channel.is_not(None))
            .group_by(Recipient.channel),
        ),
        excluded=[(reason.removeprefix("unreachable: "), count) for reason, count in out_of_reach.items()],
        foretold=foretell(
            session, runtime, version.message, by_channel, resting_of(session, version.message), alone=True
        ),
    )


def _counts(session: Session, query: Select[*tuple[Any, ...]]) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(query)}
