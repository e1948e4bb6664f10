"""The directory by hand: one customer, one list at a time; who owns whom; what was said to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from dispatcher.model import (
    Customer,
    DistributionList,
    ListMember,
    Staff,
)
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import customer_store, list_numbers, ownership, sight
from dispatcher.services.audit import record
from dispatcher.services.customer_fields import COLUMNS, key_of, name_of, read_customer
from dispatcher.services.duplicates import likely_duplicates
from dispatcher.services.history import history
from dispatcher.services.imports import active_reps
from dispatcher.services.list_keys import ListKeys

__all__ = [
    "delete_customer", "history", "likely_duplicates", "may_keep", "put_customer", "put_list",
    "set_members",
]  # fmt: skip


def may_keep(staff: Staff, one: DistributionList | None) -> bool:
    """Who says who is on a list, None for a new one: administrators every list, analysts their own and the team's."""
    if staff.has("admin"):
        return True
    return staff.has("analyst") and (one is None or one.owner_id is None or one.owner_id == staff.id)


def customer_to_change(session: Session, staff: Staff, key: str) -> Customer:
    """The customer with this key, also one taken out of the directory, held so that they are given to nobody meanwhile.

    Raises NotFound as `sight.customer` does, and NotAllowed where they are somebody else's to change.
    """
    customer = sight.customer(session, staff, key, removed=True, hold=True)
    if not ownership.may_change(session, staff, customer):
        raise NotAllowed("only their own representative or an administrator changes a customer")
    return customer


def put_customer(
    session: Session, runtime: Runtime, key: str, fields: Mapping[str, object], actor: Staff | str
) -> tuple[Customer, bool]:
    """The customer with this key, made to have these fields (named as in the CSV), and whether they are new.

    `channels` and `lists` may be lists or texts as in the CSV. What is not given is emptied. Raises Refused with
    every wrong field at once; nothing is left out in silence here. On lists that the actor may not keep the
    customer stays as they are: to name another one of those is refused, to name none takes them off none.
    """
    wrong = {name: "is not a field of a customer" for name in fields if name not in COLUMNS}
    row = {name: _as_cell(name, fields.get(name)) for name in COLUMNS} | {"customer_id": key}
    read, problems = read_customer(runtime, active_reps(session), ListKeys(session), row)
    # Who may change them was asked of the key as it was given: it must not become another customer's on the way.
    if read.key != key and not any(one.column == "customer_id" for one in problems):
        wrong["customer_id"] = "has blanks or marks around it that nobody sees: leave them out"
    for one in problems:
        wrong[one.column] = f"{wrong[one.column]}; {one.text}" if one.column in wrong else one.text
    if isinstance(actor, Staff):
        lists, others = _lists_kept(session, actor, key, read.lists)
        read = replace(read, lists=lists)
        if others:
            text = f"names what is not yours to fill: {', '.join(others)}; ask the list's owner or an administrator"
            wrong["lists"] = f"{wrong['lists']}; {text}" if "lists" in wrong else text
    if wrong:
        raise Refused(wrong)
    stored = customer_store.store(session, runtime, [read])
    customer = session.scalars(select(Customer).where(Customer.key == read.key)).one()
    if not stored.unchanged:
        record(
            session, runtime, actor, "add customer" if stored.added else "change customer",
            f"customer {read.key}"[:120],
        )  # fmt: skip
    return customer, bool(stored.added)


def _lists_kept(session: Session, actor: Staff, key: str, named: frozenset[str]) -> tuple[frozenset[str], list[str]]:
    """The lists a customer shall be on when `actor` names these, and those named that are not theirs to fill."""
    query = select(DistributionList).join(ListMember).join(Customer).where(Customer.key == key)
    present = {one.key: one for one in session.scalars(query)}
    known = {one.key: one for one in session.scalars(select(DistributionList).where(DistributionList.key.in_(named)))}
    kept = {name for name, one in present.items() if not may_keep(actor, one)}
    others = [name for name in sorted(named - present.keys()) if not may_keep(actor, known.get(name))]
    return named | kept, others


def _as_cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return (">" if name == "channels" else ";").join(str(one) for one in value)
    return str(value)


def delete_customer(session: Session, runtime: Runtime, key: str, actor: Staff | str) -> Customer:
    """Reach this customer no more: off all lists, inactive. What was said to them stays. Raises NotFound."""
    customer = session.scalar(select(Customer).where(Customer.key == key))
    if customer is None:
        raise NotFound(f"there is no customer {key}")
    if customer.active:
        customer.active = False
        session.execute(delete(ListMember).where(ListMember.customer_id == customer.id))
        record(session, runtime, actor, "remove customer", f"customer {key}"[:120])
    return customer


def put_list(
    session: Session,
    runtime: Runtime,
    key: str,
    name: str,
    owner: Staff | None,
    actor: Staff | str,
    *,
    number: int | None = None,
) -> DistributionList:
    """The list with this key, made to have this name, owner and, where given, number; a new one gets a free number.

    Raises Refused, and NotAllowed for an analyst who would make the team's list their own.
    """
    try:
        key, name = key_of(key), name_of(name) or customer_store.list_name(key)
    except ValueError as error:
        raise Refused({"name": str(error)}) from None
    if not key or ";" in key:
        raise Refused({"key": "must not be empty or hold a semicolon"})
    known = session.scalar(select(DistributionList).where(DistributionList.key == key).with_for_update())
    if known is None:
        _require_distinct(session, key)
    elif known.owner_id is None and owner is not None and isinstance(actor, Staff) and not actor.has("admin"):
        raise NotAllowed("this list is the team's: only an administrator gives it to one analyst")
    one = known or DistributionList(key=key, name=name, number=_first_number(session, number), owner_id=None)
    if known is None or (one.name, one.owner_id) != (name, owner.id if owner else None):
        one.name, one.owner_id = name, owner.id if owner else None
        session.add(one)
        session.flush()
        session.expire(one, ["owner"])
        record(session, runtime, actor, "change list" if known else "add list", f"list {key}"[:120], name=name)
    if number is not None:
        list_numbers.give(session, runtime, actor, one, number)
    return one


def _require_distinct(session: Session, key: str) -> None:
    """Raises Refused for a key that is another list's, or no list's."""
    try:
        known = ListKeys(session).named(key)
    except ValueError as error:
        raise Refused({"key": str(error)}) from None
    if known != key:
        raise Refused({"key": f"is that of the list {known} but for capitals: choose another"})


def _first_number(session: Session, wanted: int | None) -> int:
    return list_numbers.next_free(session) if wanted is None else list_numbers.require_free(session, wanted)


def set_members(session: Session, runtime: Runtime, key: str, customer_keys: Iterable[str], actor: Staff | str) -> int:
    """Make the list hold exactly these customers; how many. Raises Refused naming keys of no active customer."""
    one = session.scalar(select(DistributionList).where(DistributionList.key == key).with_for_update())
    if one is None:
        raise NotFound(f"there is no list {key}")
    wanted = list(dict.fromkeys(customer_keys))
    ids: dict[str, int] = {}
    for start in range(0, len(wanted), 5000):
        part = wanted[start : start + 5000]
        rows = session.execute(select(Customer.key, Customer.id).where(Customer.active, Customer.key.in_(part)))
        ids |= {row.key: row.id for row in rows}
    unknown = [one for one in wanted if one not in ids]
    if unknown:
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise Refused({"members": f"there is no customer {', '.join(unknown[:10])}{more}"})
    now = set(session.scalars(select(ListMember.customer_id).where(ListMember.list_id == one.id)))
    left, joined = now - set(ids.values()), set(ids.values()) - now
    for start in range(0, len(left), 5000):
        part_ids = sorted(left)[start : start + 5000]
        session.execute(
            delete(ListMember).where(ListMember.list_id == one.id, ListMember.customer_id.in_(part_ids)),
            execution_options={"synchronize_session": False},
        )
    if joined:
        session.execute(insert(ListMember), [{"list_id": one.id, "customer_id": of} for of in sorted(joined)])
    if left or joined:
        record(session, runtime, actor, "change members", f"list {key}"[:120], joined=len(joined), left=len(left))
    return len(ids)
