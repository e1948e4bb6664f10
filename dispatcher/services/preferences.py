"""What customers themselves decide: the order of their channels, and which of them we may use at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import (
    CHANNELS,
    ContactPoint,
    Customer,
    Delivery,
    ListMember,
    Message,
    Preference,
    Recipient,
    Suppression,
    Version,
    VersionList,
)
from dispatcher.model.errors import NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import confirmations, suppressions
from dispatcher.services.audit import record
from dispatcher.services.holding import hold_what_waits
from dispatcher.services.suppressions import EVERYWHERE

MOST_TOPICS = 100
ON_THE_PAGE = "preferences page"


@dataclass(frozen=True, slots=True)
class Way:
    """One contact point as its owner sees it: where it stands in their order, and what it is not used for.

    `stopped` is the order for everything, `topics` holds those for one topic.
    """

    point: ContactPoint
    stopped: Suppression | None
    topics: Mapping[str, Suppression] = field(default_factory=dict)

    @property
    def theirs(self) -> bool:
        """True when the owner may take the stop back here; else it is the bank's own, or the carrier's."""
        return self.stopped is None or (self.stopped.reason in suppressions.THEIR_OWN and not self.by_carrier)

    @property
    def in_doubt(self) -> bool:
        """True while it is only held, until a person has said what they meant: they may still stop it, or resume."""
        return self.stopped is not None and self.stopped.reason == "doubt"

    @property
    def by_carrier(self) -> bool:
        """True where only a START, sent as a text message, brings our messages back: the carrier holds them."""
        order = self.stopped
        return order is not None and order.mirror == "theirs" and order.reason in suppressions.THEIR_OWN

    @property
    def kept(self) -> list[str]:
        """The topics that their owner has stopped one by one, which a stop of everything leaves as they are."""
        return sorted(topic for topic, order in self.topics.items() if order.reason in suppressions.THEIR_OWN)

    def order_about(self, topic: str) -> Suppression | None:
        """What keeps messages of this topic from it for certain, if anything does."""
        return self.topics.get(topic) if self.in_doubt else self.stopped or self.topics.get(topic)


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Whether there is anything left that one press could stop, anything that such a press has stopped, and any way
    that stays stopped when that is taken back.
    """

    may_stop: bool
    may_return: bool
    some_stay: bool


def by_id(session: Session, customer_id: int | None, *, left: bool = False) -> Customer:
    """The customer whom a token was made for, with `left` also one who is no longer active. Raises NotFound, the same
    for every reason."""
    customer = session.get(Customer, customer_id) if customer_id is not None else None
    if customer is None or not (customer.active or left):
        raise NotFound("there is no such page")
    return customer


def ways(session: Session, customer: Customer) -> list[Way]:
    """The customer's contact points in the order in which they are tried."""
    order = [step.channel for step in customer.preferences if step.topic == ""]
    places = {channel: place for place, channel in enumerate(dict.fromkeys([*order, *CHANNELS]))}
    points = sorted(customer.contact_points, key=lambda point: places.get(point.channel, len(places)))
    found = []
    for point in points:
        orders = {one.topic: one for one in suppressions.all_in_force(session, point.channel, point.address)}
        found.append(Way(point, orders.pop("", None), orders))
    return found


def seen(session: Session, customer: Customer, alert_id: int | None) -> tuple[list[Way], list[str], str]:
    """What a page shows, each looked up once: the ways, the topics, and the topic of the alert they come from."""
    some, first = ways(session, customer), about(session, customer, alert_id)
    return some, _topics(session, customer, some, first), first


def topics(session: Session, customer: Customer, alert_id: int | None = None) -> list[str]:
    """What the customer gets messages about: they did, their lists do, they chose ways for it, or have stopped it.

    First what the alert they come from was about, then the latest, of messages at most MOST_TOPICS.
    """
    return seen(session, customer, alert_id)[1]


def _topics(session: Session, customer: Customer, some: Sequence[Way], first: str) -> list[str]:
    last = func.max(Message.released_at)
    released = (
        select(Version.topic, last.label("last"))
        .join(Message, (Version.message_id == Message.id) & (Version.number == Message.version))
        .where(Version.topic != "", Message.released_at.is_not(None))
        .group_by(Version.topic)
    )
    theirs = select(Recipient.message_id).where(Recipient.customer_id == customer.id)
    on = select(ListMember.list_id).where(ListMember.customer_id == customer.id)
    meant = select(VersionList.version_id).where(VersionList.list_id.in_(on))
    rows = session.execute(
        released.where(Message.id.in_(theirs) | Version.id.in_(meant)).order_by(last.desc()).limit(MOST_TOPICS)
    )
    got = [topic for topic, _ in rows]
    chosen = sorted({step.topic for step in customer.preferences if step.topic})
    stopped = sorted(topic for way in some for topic in way.topics)
    return list(dict.fromkeys([*([first] if first else []), *got, *chosen, *stopped]))


def about(session: Session, customer: Customer, alert_id: int | None) -> str:
    """The topic of an alert that this customer was meant to get; "" for any other, and for one without."""
    if alert_id is None:
        return ""
    topic = session.scalar(
        select(Version.topic)
        .join(Message, (Version.message_id == Message.id) & (Version.number == Message.version))
        .join(Recipient, Recipient.message_id == Message.id)
        .where(Recipient.customer_id == customer.id, Message.id == alert_id, Message.released_at.is_not(None))
    )
    return topic or ""


def set_order(session: Session, runtime: Runtime, customer: Customer, order: Sequence[str]) -> None:
    """Try these channels in this order, for all topics without an order of their own. Raises Refused."""
    wanted = list(dict.fromkeys(order))
    if set(wanted) - set(CHANNELS) or len(wanted) != len(order):
        raise Refused({"order": "must name each way once"})
    before = [step.channel for step in customer.preferences if step.topic == ""]
    if before == wanted:
        return
    customer.preferences = [step for step in customer.preferences if step.topic != ""]
    session.flush()  # the old ranks go before the new ones come
    customer.preferences += [Preference(topic="", rank=rank, channel=channel) for rank, channel in enumerate(wanted)]
    record(
        session, runtime, f"customer {customer.key}", "change order", f"customer {customer.key}"[:120],
        before=before, after=wanted,
    )  # fmt: skip


def allow_urgent(session: Session, runtime: Runtime, customer: Customer, allowed: bool) -> None:
    """Whether urgent messages may reach the customer in their quiet hours."""
    if customer.urgent_when_quiet != allowed:
        customer.urgent_when_quiet = allowed
        record(
            session, runtime, f"customer {customer.key}", "change quiet hours", f"customer {customer.key}"[:120],
            urgent_when_quiet=allowed,
        )  # fmt: skip


def stop(
    session: Session, runtime: Runtime, customer: Customer, channel: str, source: str, topic: str = "",
    language: str = "",
) -> ContactPoint:  # fmt: skip
    """Do not use this way any more, or not for messages of `topic`; confirmed by that way, where it carries words, in
    the `language` of the page where the button was, else in the directory's.

    `source` says how they told us, e.g. "preferences page". Raises NotFound.
    """
    point = _point(customer, channel)
    if topic and topic not in topics(session, customer):
        raise NotFound("you get nothing about that")
    _stop(session, runtime, customer, channel, point.address, source, topic, language)
    return point


def one_click(session: Session, runtime: Runtime, customer: Customer, alert_id: int | None) -> None:
    """No more mail to where the alert went that they come from, else to the address that they have now.

    Works for whoever has left the directory since, as long as we know where the mail went. Raises NotFound.
    """
    address = session.scalar(
        select(Delivery.address)
        .join(Delivery.recipients)
        .where(Recipient.customer_id == customer.id, Delivery.message_id == alert_id, Delivery.channel == "email")
    )
    _stop(session, runtime, customer, "email", address or _point(customer, "email").address, "one-click")


def _stop(
    session: Session, runtime: Runtime, customer: Customer, channel: str, address: str, source: str, topic: str = "",
    language: str = "",
) -> None:  # fmt: skip
    order = suppressions.suppress(
        session, runtime, channel, address, "opt-out", source, f"customer {customer.key}", topic=topic
    )
    confirmations.of_stop(session, runtime, order, customer, language=language)


def everywhere(some: Sequence[Way]) -> Everywhere:
    """What one press could do about all of these ways."""
    return Everywhere(
        may_stop=any(way.stopped is None or way.in_doubt for way in some),
        may_return=any(_by_one_press(way) for way in some),
        some_stay=any(_stays(way) for way in some),
    )


def _by_one_press(way: Way) -> bool:
    return way.stopped is not None and way.stopped.source == EVERYWHERE and way.theirs


def _stays(way: Way) -> bool:
    return way.stopped is not None and not way.in_doubt and not _by_one_press(way)


def stop_everywhere(session: Session, runtime: Runtime, customer: Customer, language: str = "") -> None:
    """Use no way of theirs any more, for nothing: also those that we had stopped or held. Confirmed by one letter, as
    in `stop`.
    """
    actor, given = f"customer {customer.key}", []
    for channel, address in sorted((one.channel, one.address) for one in customer.contact_points):
        hold_what_waits(session, runtime, channel, address)
    for way in ways(session, customer):
        pressed = _by_one_press(way)
        order = suppressions.suppress(
            session, runtime, way.point.channel, way.point.address, "opt-out", EVERYWHERE, actor
        )
        if order.source == EVERYWHERE and not pressed:
            given.append(order)
    confirmations.of_stop_everywhere(session, runtime, given, customer, language)


def resume_everywhere(session: Session, runtime: Runtime, customer: Customer, language: str = "") -> None:
    """As it was before that press: what they stopped by itself, before or since, stays stopped. Confirmed by one letter
    that says so.
    """
    lifted: list[Suppression] = []
    stay: list[Way] = []
    for way in ways(session, customer):
        if _stays(way):
            stay.append(way)
        elif _by_one_press(way):
            lifted += suppressions.take_back(
                session, runtime, way.point.channel, way.point.address, f"customer {customer.key}",
                reasons=suppressions.THEIR_OWN,
            )  # fmt: skip
    confirmations.of_return_everywhere(
        session, runtime, lifted, customer, language,
        stay=[way.point.channel for way in stay], by_start=any(way.by_carrier for way in stay),
    )  # fmt: skip


def resume(
    session: Session, runtime: Runtime, customer: Customer, channel: str, topic: str | None = "", language: str = ""
) -> ContactPoint:
    """Use this way again, as before everything was stopped, or for messages of `topic`, or with None for every topic.

    Confirmed as in `stop`. Raises NotFound, StateConflict where it is not theirs to say.
    """
    point = _point(customer, channel)
    way = next(one for one in ways(session, customer) if one.point is point)
    if way.by_carrier and not topic:
        raise StateConflict("your carrier holds our texts: send START to the number they come from", state="stopped")
    if not way.theirs:
        raise StateConflict("this was stopped by us: please ask your representative", state="suppressed")
    lifted = suppressions.take_back(
        session, runtime, channel, point.address, f"customer {customer.key}",
        reasons=suppressions.THEIR_OWN, topic=topic,
    )  # fmt: skip
    if lifted:  # the first is the widest, and one letter says it
        confirmations.of_return(session, runtime, lifted[0], customer, language=language, alone=topic is not None)
    return point


def _point(customer: Customer, channel: str) -> ContactPoint:
    for point in customer.contact_points:
        if point.channel == channel:
            return point
    raise NotFound("there is no such way to reach you")
