"""What becomes of a message: its audience beforehand; recipients, deliveries and the report afterwards."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, selectinload

from approvals import submission
from dispatcher.api.calls import Act, call
from dispatcher.api.paging import page
from dispatcher.api.resources.customers import OWNED
from dispatcher.api.resources.messages import for_whom
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.messages import (
    AttemptInfo,
    Audience,
    ChannelForecast,
    DeliveryInfo,
    DeliveryQuery,
    Excluded,
    RecipientInfo,
    RecipientQuery,
)
from dispatcher.api.shapes.report import Report
from dispatcher.model import ContactPoint, Delivery, Message, Recipient
from dispatcher.services import audience, forecast, lag, report, sight

TAG = "Messages"


@call(
    "GET", "/messages/<row:message_id>/audience", "analyst", "officer", "admin",
    title="Whom it would reach, by which channel, how fast",
    about="Before anything is sent. The forecast is made from the configured limits and what already waits.",
    tag=TAG, answers={200: Audience},
)  # fmt: skip
def get_audience(act: Act, message_id: int) -> Audience:
    message = submission.get(act.session, act.staff, message_id)
    # Before they are counted: a list that changes in between makes an approval fail, and not somebody unseen get it.
    whom = for_whom(act, message)
    seen = audience.preview(act.session, act.runtime, message.current)
    start = forecast.begin(act.runtime, message)
    return Audience(
        audience=whom,
        recipients=seen.recipients,
        listed=seen.listed,
        duplicates_removed=seen.duplicates_removed,
        deliveries=seen.deliveries,
        by_channel=seen.by_channel,
        excluded=[Excluded(reason=reason, count=count) for reason, count in seen.excluded],
        forecast=seen.forecast,
        forecast_detail={
            channel: ChannelForecast(last_at=start + timedelta(seconds=one.seconds), **asdict(one))
            for channel, one in seen.foretold.items()
        },
        warning=lag.plan_of(act.runtime, seen.foretold).warning,
    )


@call(
    "GET", "/messages/<row:message_id>/deliveries",
    title="Deliveries with their attempts",
    about="Representatives see those to their own customers.",
    tag=TAG, answers={200: Page[DeliveryInfo]},
)  # fmt: skip
def list_deliveries(act: Act, message_id: int, query: DeliveryQuery) -> Page[DeliveryInfo]:
    message = submission.get(act.session, act.staff, message_id)
    chosen = sight.deliveries(act.staff, message).options(
        selectinload(Delivery.recipients).selectinload(Recipient.customer).options(*OWNED),
        selectinload(Delivery.attempts),
    )
    if query.state:
        chosen = chosen.where(Delivery.state == query.state)
    if query.channel:
        chosen = chosen.where(Delivery.channel == query.channel)
    some, following = page(act.session, chosen, Delivery.id, limit=query.limit, cursor=query.cursor)
    moved = _moved_on(act.session, message, [one for one in some if not one.recipients])
    items = [_delivery(act, message, one, moved.get((one.channel, one.address), [])) for one in some]
    return Page(items=items, next_cursor=following)


@call(
    "GET", "/messages/<row:message_id>/recipients",
    title="Who is owed the message",
    about="Fixed when it is approved. `reachable=false` names those without a usable contact point. Representatives "
    "see their own customers.",
    tag=TAG, answers={200: Page[RecipientInfo]},
)  # fmt: skip
def list_recipients(act: Act, message_id: int, query: RecipientQuery) -> Page[RecipientInfo]:
    message = submission.get(act.session, act.staff, message_id)
    chosen = sight.recipients(act.staff, message).options(
        selectinload(Recipient.customer), selectinload(Recipient.delivery)
    )
    if query.reachable is not None:
        chosen = chosen.where(Recipient.channel.is_not(None) if query.reachable else Recipient.channel.is_(None))
    some, following = page(act.session, chosen, Recipient.customer_id, limit=query.limit, cursor=query.cursor)
    return Page(items=[_recipient(one) for one in some], next_cursor=following)


@call(
    "GET", "/messages/<row:message_id>/report",
    title="The release report",
    about="Measured: when it was approved, released and accepted, how far the first and the last lie apart by channel, "
    "firm and list, and whether anybody was favoured.",
    tag=TAG, answers={200: Report},
)  # fmt: skip
def get_report(act: Act, message_id: int) -> Report:
    message = submission.get(act.session, act.staff, message_id)
    figures = report.release_report(act.session, message.id)
    return Report.model_validate(report.for_eyes_of(act.session, act.staff, message, figures))


def _moved_on(session: Session, message: Message, left: list[Delivery]) -> dict[tuple[str, str], list[Recipient]]:
    """Of deliveries whose recipients went on to their next channel: who they were, by channel and address."""
    found: dict[tuple[str, str], list[Recipient]] = defaultdict(list)
    if left:
        places = [(one.channel, one.address) for one in left]
        rows = session.execute(
            select(Recipient, ContactPoint.channel, ContactPoint.address)
            .join(ContactPoint, ContactPoint.customer_id == Recipient.customer_id)
            .where(Recipient.message_id == message.id, tuple_(ContactPoint.channel, ContactPoint.address).in_(places))
            .options(selectinload(Recipient.customer))
            .order_by(Recipient.customer_id)
        )
        for recipient, channel, address in rows:
            found[channel, address].append(recipient)
    return found


def _delivery(act: Act, message: Message, one: Delivery, moved: list[Recipient]) -> DeliveryInfo:
    owed = sight.among(act.session, act.staff, message, one.recipients or moved)
    return DeliveryInfo.model_validate(
        {
            "id": one.id,
            "customers": [each.customer.key for each in owed],
            "channel": one.channel,
            "address": one.address if sight.sees_addresses(act.staff, message) else sight.masked(one.address),
            "state": one.state,
            "outcome": one.outcome,
            "because": "; ".join(dict.fromkeys(each.because for each in owed if each.because)),
            "accepted_at": one.accepted_at,
            "settled_at": one.settled_at,
            "attempts": [
                AttemptInfo(
                    n=attempt.n,
                    provider=attempt.provider,
                    provider_ref=attempt.provider_ref,
                    state=attempt.state,
                    error=attempt.error or attempt.code,
                    started_at=attempt.started_at,
                    settled_at=attempt.settled_at,
                )
                for attempt in one.attempts
            ],
        }
    )


def _recipient(one: Recipient) -> RecipientInfo:
    return RecipientInfo(
        customer=one.customer.key,
        name=one.customer.name,
        channel=one.channel,
        because=one.because,
        delivery=one.delivery_id,
        state=one.delivery.state if one.delivery else None,
        left_at=one.left_at,
    )
