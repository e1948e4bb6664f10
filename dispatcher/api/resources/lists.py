"""Distribution lists, and imports of the whole directory from CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from dispatcher.api.calls import CSV, MULTIPART, Act, Answer, call
from dispatcher.api.paging import page
from dispatcher.api.problems import Problem
from dispatcher.api.resources.customers import OWNED, line
from dispatcher.api.shapes.common import Page, PageQuery
from dispatcher.api.shapes.directory import (
    CustomerLine,
    ImportInfo,
    ImportQuery,
    ListFields,
    ListInfo,
    ListLine,
    Members,
)
from dispatcher.model import Customer, DistributionList, ListMember, Staff
from dispatcher.model.errors import NotAllowed, Refused
from dispatcher.services import directory, imports, sight

TAG = "Directory"


def _counts(act: Act, lists: Sequence[DistributionList]) -> dict[int, int]:
    """How many active customers each has."""
    rows = act.session.execute(
        select(ListMember.list_id, func.count())
        .join(Customer, Customer.id == ListMember.customer_id)
        .where(ListMember.list_id.in_([one.id for one in lists]), Customer.active)
        .group_by(ListMember.list_id)
    )
    return {row[0]: row[1] for row in rows}


def _find(act: Act, key: str) -> DistributionList:
    found = act.session.scalar(select(DistributionList).where(DistributionList.key == key))
    if found is None:
        raise Problem("not-found", f"There is no list {key}")
    return found


def _may_keep(act: Act, found: DistributionList | None) -> None:
    if not directory.may_keep(act.staff, found):
        raise NotAllowed("this list belongs to another analyst")


@call("GET", "/lists", title="Lists", tag=TAG, answers={200: Page[ListLine]})
def list_lists(act: Act, query: PageQuery) -> Page[ListLine]:
    chosen: Select[DistributionList] = select(DistributionList).options(selectinload(DistributionList.owner))
    some, following = page(act.session, chosen, DistributionList.id, limit=query.limit, cursor=query.cursor)
    counts = _counts(act, some)
    return Page(items=[ListLine(**_outline(one, counts.get(one.id, 0))) for one in some], next_cursor=following)


@call(
    "GET", "/lists/<key>",
    title="One list",
    about="Its size counts everybody on it; of the members representatives see their own customers.",
    tag=TAG, answers={200: ListInfo},
)  # fmt: skip
def get_list(act: Act, key: str) -> ListInfo:
    return _told(act, _find(act, key))


@call(
    "PUT", "/lists/<key>", "analyst", "admin",
    title="Make a list, or change its name and owner",
    about="Analysts keep their own lists and the team's, which have no owner. Owner and number of the team's lists "
    "are for administrators to change.",
    tag=TAG, answers={200: ListInfo, 201: ListInfo}, trial=True, location="/lists/{key}",
)  # fmt: skip
def put_list(act: Act, key: str, body: ListFields) -> Answer:
    known = act.session.scalar(select(DistributionList).where(DistributionList.key == key))
    _may_keep(act, known)
    owner = _owner(act, body.owner)
    made = directory.put_list(act.session, act.runtime, key, body.name, owner, act.staff, number=body.number)
    if body.members is not None:
        directory.set_members(act.session, act.runtime, key, body.members, act.staff)
    act.session.flush()
    return Answer(200 if known is not None else 201, _told(act, made))


def _owner(act: Act, email: str | None) -> Staff | None:
    if not email:
        return None
    owner = act.session.scalar(select(Staff).where(Staff.email == email.strip().lower()))
    if owner is None or not owner.has("analyst"):
        raise Refused({"owner": "is no analyst's mail address"})
    return owner


@call(
    "GET", "/lists/<key>/members", "admin", "officer", "analyst",
    title="Who is on a list",
    tag=TAG, answers={200: Page[CustomerLine]},
)  # fmt: skip
def list_members(act: Act, key: str, query: PageQuery) -> Page[CustomerLine]:
    on_it = select(ListMember.customer_id).where(ListMember.list_id == _find(act, key).id)
    chosen = select(Customer).where(Customer.id.in_(on_it), Customer.active).options(*OWNED)
    some, following = page(act.session, chosen, Customer.id, limit=query.limit, cursor=query.cursor)
    return Page(items=[line(act.session, one) for one in some], next_cursor=following)


@call(
    "PUT", "/lists/<key>/members", "analyst", "admin",
    title="Say who is on a list",
    about="All of them: whoever is not named leaves.",
    tag=TAG, answers={200: ListInfo},
)  # fmt: skip
def put_members(act: Act, key: str, body: Members) -> ListInfo:
    found = _find(act, key)
    _may_keep(act, found)
    directory.set_members(act.session, act.runtime, key, body.members, act.staff)
    act.session.flush()
    return _told(act, found)


def _told(act: Act, one: DistributionList) -> ListInfo:
    on_it = select(ListMember.customer_id).where(ListMember.list_id == one.id)
    seen = sight.customers(act.staff).where(Customer.id.in_(on_it), Customer.active).order_by(Customer.id)
    members = list(act.session.scalars(seen.with_only_columns(Customer.key)))
    return ListInfo(**_outline(one, _counts(act, [one]).get(one.id, 0)), members=members)


def _outline(one: DistributionList, size: int) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "number": one.number,
        "owner": one.owner.email if one.owner else None,
        "size": size,
        "created_at": one.created_at,
    }


# --- imports ----------------------------------------------------------------------------------------------

_ABOUT = (
    "The file as text/csv, or as the part `file` of multipart/form-data. A bad row never stops the good ones; the "
    "answer names each with its number. A second import of the same file changes nothing."
)


@call(
    "POST", "/imports/customers", "admin",
    title="Import customers.csv", about=_ABOUT,
    tag=TAG, answers={200: ImportInfo}, kinds=(CSV, MULTIPART), uploads={"file": "one"},
)  # fmt: skip
def import_customers(act: Act, query: ImportQuery) -> ImportInfo:
    done = imports.import_customers(act.session, act.runtime, _file(act), dry_run=query.dry_run, actor=act.staff)
    return ImportInfo.model_validate(done.as_dict())


@call(
    "POST", "/imports/staff", "admin",
    title="Import staff.csv", about=_ABOUT,
    tag=TAG, answers={200: ImportInfo}, kinds=(CSV, MULTIPART), uploads={"file": "one"},
)  # fmt: skip
def import_staff(act: Act, query: ImportQuery) -> ImportInfo:
    done = imports.import_staff(act.session, act.runtime, _file(act), dry_run=query.dry_run, actor=act.staff)
    return ImportInfo.model_validate(done.as_dict())


def _file(act: Act) -> bytes:
    found = act.files.one("file")
    if found is None:
        raise Refused({"file": "is missing: send it as text/csv, or as the part `file` of multipart/form-data"})
    return found.content
