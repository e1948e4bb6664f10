"""The directory: customers, how they may be reached and why not, the lists they are on."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import selectinload

from dispatcher import door
from dispatcher.door import may
from dispatcher.model import ContactPoint, Customer, DistributionList, Firm, ListMember, Staff
from dispatcher.model.errors import NotFound, Refused
from dispatcher.services import (
    directory,
    directory_marks,
    engagement,
    exports,
    list_numbers,
    ordered,
    ownership,
    preferences,
    remembered,
    sight,
    suppressions,
)
from dispatcher.web import lists, paging

bp = Blueprint("directory", __name__, url_prefix="/directory")
ALL = ("analyst", "officer", "rep", "admin")


@bp.get("")
@may(*ALL)
def customers() -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    words = request.args.get("q", "").strip()[:200]
    mine = "mine" in request.args
    query = (
        sight.customers(staff)
        .where(Customer.active)
        .options(selectinload(Customer.firm), selectinload(Customer.rep), selectinload(Customer.contact_points))
        .order_by(Customer.name, Customer.id)
    )
    for word in words.split()[:5]:
        query = query.where(_named(word))
    if mine:
        query = query.where(sight.owned_by(staff))
    return render_template(
        "directory/customers.html",
        page=paging.things(session, query),
        q=words,
        mine=mine,
        chooses=staff.has("rep") and sight.sees_everybody(staff),
    )


def _named(word: str) -> ColumnElement[bool]:
    like = paging.contains(word)
    address = select(ContactPoint.customer_id).where(ContactPoint.address.ilike(like, escape="/"))
    return or_(
        Customer.name.ilike(like, escape="/"),
        Customer.key.ilike(like, escape="/"),
        Firm.name.ilike(like, escape="/"),
        Customer.id.in_(address),
    )


@bp.get("/customers/<key>")
@may(*ALL)
def show(key: str) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    customer = sight.customer(session, staff, key, removed=True)
    return render_template(
        "directory/customer.html",
        customer=customer,
        ways=preferences.ways(session, customer),
        topics=sorted({step.topic for step in customer.preferences if step.topic}),
        # What was said between the bank and a customer is for those who talk to them, and their overseers.
        history=paging.of(remembered.of_customer(session, staff, customer)) if staff.has(*exports.HISTORY) else None,
        listens=engagement.of_customer(session, door.runtime(), customer),
        definition=engagement.DEFINITION,
        mends=ownership.may_change(session, staff, customer),
        ended=partial(ordered.ended_by_them, session),
    )


@bp.post("/customers/<key>/<channel>/suppress")
@may("rep", "admin")
def suppress(key: str, channel: str) -> ResponseReturnValue:
    point, staff = _address_to_mend(key, channel)
    why = request.form.get("why", "").strip()[:150]
    source = f"by {staff.email}" + (f": {why}" if why else "")
    suppressions.suppress(door.db(), door.runtime(), channel, point.address, "by-hand", source, staff)
    door.commit()
    flash("It will not be used any more.")
    return redirect(url_for(".show", key=key))


@bp.post("/customers/<key>/<channel>/lift")
@may("rep", "admin")
def lift(key: str, channel: str) -> ResponseReturnValue:
    point, staff = _address_to_mend(key, channel)
    topic, said = request.form.get("topic", ""), request.form.get("said", "").strip()[:150]
    try:
        ordered.lift_by_hand(door.db(), door.runtime(), channel, point.address, staff, said, topic)
    except Refused as refused:
        flash(f"Not changed: {refused.fields['said']}.")
    else:
        door.commit()
        flash("It will be used again.")
    return redirect(url_for(".show", key=key))


@bp.post("/customers/<key>/<channel>/valid")
@may("rep", "admin")
def valid(key: str, channel: str) -> ResponseReturnValue:
    """Take back that a contact point was marked as not valid."""
    point, staff = _point_to_mend(key, channel)
    directory_marks.set_valid(door.db(), door.runtime(), staff, point.id)
    door.commit()
    flash("It counts as valid again.")
    return redirect(url_for(".show", key=key))


def _point_to_mend(key: str, channel: str) -> tuple[ContactPoint, Staff]:
    staff = door.me()
    customer = directory.customer_to_change(door.db(), staff, key)
    for point in customer.contact_points:
        if point.channel == channel:
            return point, staff
    raise NotFound(f"{customer.name} has no such contact point")


def _address_to_mend(key: str, channel: str) -> tuple[ContactPoint, Staff]:
    """A stop is of an address, whoever has it: what a representative says of it is said of nobody else's customer."""
    point, staff = _point_to_mend(key, channel)
    ownership.require_address(door.db(), staff, point)
    return point, staff


@bp.get("/lists")
@may(*ALL)
def all_lists() -> ResponseReturnValue:
    return render_template("directory/lists.html", lists=lists.with_counts(door.db(), door.me()))


@bp.get("/lists/<key>")
@may(*ALL)
def show_list(key: str) -> ResponseReturnValue:
    session, staff = door.db(), door.me()
    one = session.scalar(select(DistributionList).where(DistributionList.key == key))
    if one is None:
        raise NotFound(f"there is no list {key}")
    query = (
        sight.customers(staff)
        .join(ListMember, ListMember.customer_id == Customer.id)
        .where(ListMember.list_id == one.id, Customer.active)
        .options(selectinload(Customer.firm), selectinload(Customer.rep), selectinload(Customer.contact_points))
        .order_by(Customer.name, Customer.id)
    )
    page = paging.things(session, query)
    return render_template(
        "directory/list.html",
        one=one,
        page=page,
        whole=sight.sees_everybody(staff),
        numbers=staff.has("admin") or one.owner_id == staff.id,
    )


@bp.post("/lists/<key>/number")
@may("analyst", "admin")
def number_list(key: str) -> ResponseReturnValue:
    """Another number for the telephone."""
    session = door.db()
    one = session.scalar(select(DistributionList).where(DistributionList.key == key))
    if one is None:
        raise NotFound(f"there is no list {key}")
    wanted = request.form.get("number", "").strip()
    try:
        digits = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 16 else 0
        list_numbers.give(session, door.runtime(), door.me(), one, digits)
    except Refused as refused:
        flash(f"Not changed: the number {refused.fields['number']}.")
    else:
        door.commit()
        flash("The list has its number.")
    return redirect(url_for(".show_list", key=key))
