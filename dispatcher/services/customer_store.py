"""Writes customers into the directory: compares with what is there, and writes only what differs, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from dispatcher.model import ContactPoint, Customer, DistributionList, Firm, ListMember, Preference
from dispatcher.runtime import Runtime
from dispatcher.services import handover, list_numbers, new_points
from dispatcher.services.customer_fields import CustomerFields

CHUNK = 1000  # customers compared and written at a time


@dataclass(slots=True)
class Stored:
    """How many customers were new, changed, or already as they should be."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """A customer as the database has them; ids of contact points, so that their evidence survives."""

    id: int
    plain: tuple[Any, ...]
    points: dict[str, tuple[int, str]]
    channels: tuple[str, ...]
    lists: frozenset[str]


def store(session: Session, runtime: Runtime, customers: Sequence[CustomerFields], *, dry_run: bool = False) -> Stored:
    """Make the directory hold these customers; others stay as they are. Keys must be unique.

    Firms and lists are made as they are named. A contact point whose address stays keeps what was learnt about
    it. A new one of somebody who has stopped everything is stopped. With `dry_run` only counts.
    """
    session.flush()
    stored, unwanted = Stored(), list[new_points.NewPoint]()
    firms = {} if dry_run else _firms(session, {one.firm for one in customers if one.firm})
    lists = {} if dry_run else _lists(session, runtime, {key for one in customers for key in one.lists})
    for start in range(0, len(customers), CHUNK):
        chunk = customers[start : start + CHUNK]
        known = _load(session, [one.key for one in chunk])
        new = [one for one in chunk if one.key not in known]
        differing = [one for one in chunk if one.key in known and _differs(one, known[one.key])]
        stored.added += len(new)
        stored.changed += len(differing)
        stored.unchanged += len(chunk) - len(new) - len(differing)
        if not dry_run:
            keys = {known[one.key].id: one.key for one in differing}
            written = {known[one.key].id: one.points for one in differing}
            unwanted += new_points.to_stop(session, keys, written)
            known |= _insert(session, runtime, new, firms)
            _write(session, runtime, [(one, known[one.key]) for one in [*new, *differing]], firms, lists)
            handover.go_along(session, runtime, _given(session, differing, known))
    new_points.stop(session, runtime, unwanted)
    if not dry_run and (stored.added or stored.changed):
        session.expire_all()
    return stored


# --- what is there


def _plain(one: CustomerFields) -> tuple[Any, ...]:
    return (one.name, one.firm, one.rep_id, one.language, one.timezone, one.quiet_from, one.quiet_until, True)


def _differs(one: CustomerFields, known: _Known) -> bool:
    return (
        _plain(one) != known.plain
        or one.channels != known.channels
        or one.lists != known.lists
        or dict(one.points) != {channel: address for channel, (_, address) in known.points.items()}
    )


def _load(session: Session, keys: list[str]) -> dict[str, _Known]:
    customers = session.execute(
        select(
            Customer.key, Customer.id, Customer.name, Firm.name, Customer.rep_id, Customer.language,
            Customer.timezone, Customer.quiet_from, Customer.quiet_until, Customer.active,
        ).outerjoin(Firm, Firm.id == Customer.firm_id).where(Customer.key.in_(keys))
    ).all()  # fmt: skip
    ids = [row[1] for row in customers]
    points: dict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
    for of, point, channel, address in session.execute(
        select(ContactPoint.customer_id, ContactPoint.id, ContactPoint.channel, ContactPoint.address).where(
            ContactPoint.customer_id.in_(ids)
        )
    ):
        points[of][channel] = (point, address)
    order: dict[int, list[str]] = defaultdict(list)
    for of, channel in session.execute(
        select(Preference.customer_id, Preference.channel)
        .where(Preference.customer_id.in_(ids), Preference.topic == "")
        .order_by(Preference.customer_id, Preference.rank)
    ):
        order[of].append(channel)
    lists: dict[int, list[str]] = defaultdict(list)
    for of, key in session.execute(
        select(ListMember.customer_id, DistributionList.key)
        .join(DistributionList)
        .where(ListMember.customer_id.in_(ids))
    ):
        lists[of].append(key)
    return {
        key: _Known(of, (name, firm or "", *rest), points[of], tuple(order[of]), frozenset(lists[of]))
        for key, of, name, firm, *rest in customers
    }


def _given(
    session: Session, differing: Sequence[CustomerFields], known: Mapping[str, _Known]
) -> dict[int, tuple[int, int]]:
    """The customers that had a representative and have another, by id: both, their own or else their firm's."""
    moved = [one for one in differing if (one.firm, one.rep_id) != known[one.key].plain[1:3]]
    of_firm = {row.name: row.rep_id for row in session.execute(select(Firm.name, Firm.rep_id))} if moved else {}
    given = {}
    for one in moved:
        _, firm, rep_id, *_ = known[one.key].plain
        before, after = rep_id or of_firm.get(firm), one.rep_id or of_firm.get(one.firm)
        if before and after and before != after:
            given[known[one.key].id] = (before, after)
    return given


# --- what is written


def _firms(session: Session, names: set[str]) -> dict[str, int]:
    known = {row.name: row.id for row in session.execute(select(Firm.name, Firm.id))}
    if missing := sorted(names - known.keys()):
        made = session.execute(insert(Firm).returning(Firm.name, Firm.id), [{"name": name} for name in missing])
        known |= {row.name: row.id for row in made}
    return known


def _lists(session: Session, runtime: Runtime, keys: set[str]) -> dict[str, int]:
    known = {row.key: row.id for row in session.execute(select(DistributionList.key, DistributionList.id))}
    if missing := sorted(keys - known.keys()):
        rows = [
            {"key": key, "name": list_name(key), "number": number, "created_at": runtime.now()}
            for number, key in enumerate(missing, list_numbers.next_free(session))
        ]
        made = session.execute(insert(DistributionList).returning(DistributionList.key, DistributionList.id), rows)
        known |= {row.key: row.id for row in made}
    return known


def list_name(key: str) -> str:
    """A name for people, from a list's key: "semis-all" is Semis all."""
    words = " ".join(key.replace("-", " ").replace("_", " ").split())
    return (words[:1].upper() + words[1:]) or key


def _insert(
    session: Session, runtime: Runtime, new: list[CustomerFields], firms: Mapping[str, int]
) -> dict[str, _Known]:
    if not new:
        return {}
    rows = [{"key": one.key, "created_at": runtime.now(), **_columns(runtime, one, firms)} for one in new]
    made = session.execute(insert(Customer).returning(Customer.key, Customer.id), rows)
    plain = {one.key: _plain(one) for one in new}
    return {key: _Known(number, plain[key], {}, (), frozenset()) for key, number in made}


def _columns(runtime: Runtime, one: CustomerFields, firms: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": one.name,
        "firm_id": firms[one.firm] if one.firm else None,
        "rep_id": one.rep_id,
        "language": one.language,
        "timezone": one.timezone,
        "quiet_from": one.quiet_from,
        "quiet_until": one.quiet_until,
        "active": True,
        "updated_at": runtime.now(),
    }


def _write(
    session: Session,
    runtime: Runtime,
    pairs: list[tuple[CustomerFields, _Known]],
    firms: Mapping[str, int],
    lists: Mapping[str, int],
) -> None:
    changed = [{"id": known.id, **_columns(runtime, one, firms)} for one, known in pairs if _plain(one) != known.plain]
    if changed:
        session.execute(update(Customer), changed)
    _write_points(session, runtime, pairs)
    _write_order(session, [(known.id, one.channels) for one, known in pairs if one.channels != known.channels])
    _write_members(session, pairs, lists)


def _write_points(session: Session, runtime: Runtime, pairs: list[tuple[CustomerFields, _Known]]) -> None:
    new, moved, gone = [], [], []
    for one, known in pairs:
        gone += [number for channel, (number, _) in known.points.items() if channel not in one.points]
        for channel, address in one.points.items():
            row = {"address": address, "valid": True, "invalid_because": None, "updated_at": runtime.now()}
            if channel not in known.points:
                new.append({"customer_id": known.id, "channel": channel, **row})
            elif known.points[channel][1] != address:
                moved.append({"id": known.points[channel][0], **row})
    if gone:
        session.execute(delete(ContactPoint).where(ContactPoint.id.in_(gone)))
    if moved:
        session.execute(update(ContactPoint), moved)
    if new:
        session.execute(insert(ContactPoint), new)


def _write_order(session: Session, orders: list[tuple[int, tuple[str, ...]]]) -> None:
    if not orders:
        return
    session.execute(
        delete(Preference).where(Preference.customer_id.in_([number for number, _ in orders]), Preference.topic == "")
    )
    rows = [
        {"customer_id": number, "topic": "", "rank": rank, "channel": channel}
        for number, channels in orders
        for rank, channel in enumerate(channels)
    ]
    if rows:
        session.execute(insert(Preference), rows)


def _write_members(session: Session, pairs: list[tuple[CustomerFields, _Known]], lists: Mapping[str, int]) -> None:
    left: dict[str, list[int]] = defaultdict(list)
    for one, known in pairs:
        for key in known.lists - one.lists:
            left[key].append(known.id)
    for key, customers in left.items():
        session.execute(
            delete(ListMember).where(
                ListMember.customer_id.in_(customers),
                ListMember.list_id.in_(select(DistributionList.id).where(DistributionList.key == key)),
            )
        )
    joined = [
        {"list_id": lists[key], "customer_id": known.id} for one, known in pairs for key in one.lists - known.lists
    ]
    if joined:
        session.execute(insert(ListMember), joined)
