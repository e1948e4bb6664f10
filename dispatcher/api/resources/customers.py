"""Customers: how each may be reached, and all that was said between them and the bank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from dispatcher.api.calls import Act, Answer, call
from dispatcher.api.paging import page, page_of
from dispatcher.api.shapes.common import Page, PageQuery
from dispatcher.api.shapes.directory import (
    ContactPointInfo,
    CustomerFields,
    CustomerInfo,
    CustomerLine,
    CustomerQuery,
    HistoryEntry,
)
from dispatcher.model import ContactPoint, Customer, DistributionList, Firm, ListMember, Staff, Suppression
from dispatcher.model.errors import NotAllowed, Refused
from dispatcher.services import directory, ownership, remembered, sight

TAG = "Directory"
# What it takes to tell whose a customer is, without a query for each.
OWNED = (selectinload(Customer.rep), selectinload(Customer.firm).selectinload(Firm.rep))


@call(
    "GET", "/customers",
    title="Customers",
    about="Representatives see their own.",
    tag=TAG, answers={200: Page[CustomerLine]},
)  # fmt: skip
def list_customers(act: Act, query: CustomerQuery) -> Page[CustomerLine]:
    chosen = sight.customers(act.staff).where(Customer.active).options(*OWNED)
    if query.q:
        chosen = chosen.where(_holds(query.q))
    if query.list:
        on_it = select(ListMember.customer_id).join(DistributionList).where(DistributionList.key == query.list)
        chosen = chosen.where(Customer.id.in_(on_it))
    if query.rep:
        rep = act.session.scalar(select(Staff).where(Staff.email == query.rep.strip().lower()))
        if rep is None:
            raise Refused({"rep": "is nobody's mail address here"})
        chosen = chosen.where(sight.owned_by(rep))
    some, following = page(act.session, chosen, Customer.id, limit=query.limit, cursor=query.cursor)
    return Page(items=[line(act.session, one) for one in some], next_cursor=following)


def _holds(words: str) -> ColumnElement[bool]:
    """Every place in which a person would look for these words; % and _ are only letters."""
    addresses = select(ContactPoint.customer_id).where(ContactPoint.address.icontains(words, autoescape=True))
    return or_(
        Customer.key.icontains(words, autoescape=True),
        Customer.name.icontains(words, autoescape=True),
        Firm.name.icontains(words, autoescape=True),
        Customer.id.in_(addresses),
    )


@call("GET", "/customers/<key>", title="One customer", tag=TAG, answers={200: CustomerInfo})
def get_customer(act: Act, key: str) -> CustomerInfo:
    return customer_info(act.session, sight.customer(act.session, act.staff, key))


@call(
    "PUT", "/customers/<key>", "admin", "rep",
    title="Add a customer, or change one",
    about="The whole customer: what is left out is empty afterwards. Representatives keep their own customers, who "
    "stay on the lists they are on: a list is filled by its owner, the team's by every analyst.",
    tag=TAG, answers={200: CustomerInfo, 201: CustomerInfo}, trial=True, location="/customers/{customer_id}",
)  # fmt: skip
def put_customer(act: Act, key: str, body: CustomerFields) -> Answer:
    fields = body.model_dump()
    known = act.session.scalar(select(Customer).where(Customer.key == key))
    was_there = known is not None and known.active
    if not act.staff.has("admin"):
        _own_only(act, known, fields)
    customer, _ = directory.put_customer(act.session, act.runtime, key, fields, act.staff)
    act.session.flush()
    if not act.staff.has("admin"):
        _still_own(act, customer)
    return Answer(200 if was_there else 201, customer_info(act.session, customer))


def _own_only(act: Act, known: Customer | None, fields: dict[str, object]) -> None:
    """A representative changes and adds customers of their own, and gives none away.

    Who is an analyst or an officer besides sees everybody: to see is not to own.
    """
    if known is not None:
        directory.customer_to_change(act.session, act.staff, known.key)
    if not fields["rep_email"] and (known is None or known.rep_id is not None):
        fields["rep_email"] = act.staff.email
    if fields["rep_email"] and str(fields["rep_email"]).strip().lower() != act.staff.email:
        raise NotAllowed("only an administrator gives a customer to another representative")


def _still_own(act: Act, customer: Customer) -> None:
    """Another firm may have another representative."""
    act.session.expire(customer, ["firm", "rep"])
    if not ownership.may_change(act.session, act.staff, customer):
        raise NotAllowed("only an administrator gives a customer to another representative")


@call(
    "DELETE", "/customers/<key>", "admin",
    title="Take a customer out of the directory",
    about="They are no longer reached, and on no list; what was said with them stays on record, and so does their "
    "history.",
    tag=TAG, answers={204: None},
)  # fmt: skip
def delete_customer(act: Act, key: str) -> Answer:
    sight.customer(act.session, act.staff, key)
    directory.delete_customer(act.session, act.runtime, key, act.staff)
    return Answer(204)


@call(
    "GET", "/customers/<key>/history", "admin", "officer", "rep",
    title="All that was said between a customer and the bank",
    about="Newest first. Representatives see their own customers'.",
    tag=TAG, answers={200: Page[HistoryEntry]},
)  # fmt: skip
def get_history(act: Act, key: str, query: PageQuery) -> Page[HistoryEntry]:
    customer = sight.customer(act.session, act.staff, key, removed=True)
    everything = remembered.of_customer(act.session, act.staff, customer)
    some, following = page_of(everything, limit=query.limit, cursor=query.cursor)
    return Page(items=[HistoryEntry.model_validate(one) for one in some], next_cursor=following)


def line(session: Session, one: Customer) -> CustomerLine:
    """A customer in a list."""
    owner = ownership.owner_of(session, one)
    return CustomerLine(
        customer_id=one.key,
        name=one.name,
        firm=one.firm.name if one.firm else None,
        rep=owner.email if owner else None,
        active=one.active,
    )


def customer_info(session: Session, one: Customer) -> CustomerInfo:
    """A customer as they are told, with the standing orders on their contact points."""
    points = sorted(one.contact_points, key=lambda point: point.channel)
    orders, owner = _orders(session, points), ownership.owner_of(session, one)
    by_channel = {point.channel: point.address for point in points}
    quiet = f"{one.quiet_from:%H:%M}-{one.quiet_until:%H:%M}" if one.quiet_from and one.quiet_until else None
    lists = select(DistributionList.key).join(ListMember).where(ListMember.customer_id == one.id)
    return CustomerInfo(
        customer_id=one.key,
        name=one.name,
        firm=one.firm.name if one.firm else None,
        rep_email=one.rep.email if one.rep else None,
        rep=owner.email if owner else None,
        email=by_channel.get("email"),
        sms=by_channel.get("sms"),
        voice=by_channel.get("voice"),
        fax=by_channel.get("fax"),
        channels=[step.channel for step in one.preferences if step.topic == ""],
        language=one.language,
        timezone=one.timezone,
        quiet_hours=quiet,
        urgent_when_quiet=one.urgent_when_quiet,
        lists=sorted(session.scalars(lists)),
        contact_points=[_point(point, orders.get((point.channel, point.address), {})) for point in points],
        active=one.active,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _orders(session: Session, points: Iterable[ContactPoint]) -> dict[tuple[str, str], dict[str, Suppression]]:
    """The standing orders of each contact point, by their topic, "" for all."""
    places = [(point.channel, point.address) for point in points]
    found: dict[tuple[str, str], dict[str, Suppression]] = {}
    if not places:
        return found
    standing = select(Suppression).where(
        tuple_(Suppression.channel, Suppression.address).in_(places), Suppression.lifted_at.is_(None)
    )
    for one in session.scalars(standing):
        found.setdefault((one.channel, one.address), {})[one.topic] = one
    return found


def _point(point: ContactPoint, orders: Mapping[str, Suppression]) -> ContactPointInfo:
    order = orders.get("")
    return ContactPointInfo(
        channel=point.channel,
        address=point.address,
        valid=point.valid,
        invalid_because=point.invalid_because,
        suppressed=order is not None,
        suppressed_because=f"{order.reason} ({order.source})" if order else None,
        suppressed_at=order.created_at if order else None,
        stopped_topics=sorted(topic for topic in orders if topic),
    )
