"""The directory from CSV: what was added, changed, refused, with row numbers. A bad row never stops the good ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Firm, Grant, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import csv_rows, staff_letters
from dispatcher.services.audit import record
from dispatcher.services.customer_fields import COLUMNS, CustomerFields, Problem, read_customer
from dispatcher.services.customer_store import store
from dispatcher.services.list_keys import ListKeys
from dispatcher.services.staff_store import STAFF_COLUMNS, STAFF_MAY_HAVE, StoredStaff, read_staff, store_staff


class Remark(NamedTuple):
    """Something about one row; the header is row 1. `column` is "" when it is about the whole row."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.text}" if self.column else f"row {self.row}: {self.text}"


@dataclass(slots=True)
class ImportResult:
    """What an import did or, as a dry run, would do.

    `refused` has one remark a refused row. The rest of the rows are added, changed, unchanged or `repeated`.
    """

    what: str  # staff or customers
    dry_run: bool = False
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0  # rows whose key comes again below
    refused: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)

    @property
    def imported(self) -> int:
        """How many people the directory now holds from this file."""
        return self.added + self.changed + self.unchanged

    def summary(self) -> str:
        """One line with the counts."""
        would = "would be " if self.dry_run else ""
        return (
            f"{self.rows} rows of {self.what}: {self.added} {would}added, {self.changed} {would}changed, "
            f"{self.unchanged} unchanged, {len(self.refused)} refused, {len(self.warnings)} warnings"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "what": self.what, "dry_run": self.dry_run, "rows": self.rows, "added": self.added,
            "changed": self.changed, "unchanged": self.unchanged,
            "refused": [remark._asdict() for remark in self.refused],
            "warnings": [remark._asdict() for remark in self.warnings],
        }  # fmt: skip

    def note(self, row: int, problems: Sequence[Problem]) -> bool:
        """Keep what is wrong with a row; True when it is refused."""
        grave = [one for one in problems if one.refuses]
        self.warnings += [Remark(row, one.column, f"{one.text}; left out") for one in problems if not one.refuses]
        if grave:
            more = "".join(f"; {one.column} {one.text}" for one in grave[1:])
            self.refused.append(Remark(row, grave[0].column, grave[0].text + more))
        return bool(grave)


def import_staff(session: Session, runtime: Runtime, text: bytes, *, dry_run: bool, actor: Staff | str) -> ImportResult:
    """Take staff.csv in. Raises Refused when the file as a whole cannot be read; the caller commits."""
    result, rows = _read("staff", text, STAFF_COLUMNS, lambda cells: read_staff(runtime, cells), STAFF_MAY_HAVE)
    by = actor.id if isinstance(actor, Staff) else None
    stored = store_staff(session, runtime, [fields for _, fields in rows.values()], by=by, dry_run=dry_run)
    result.added, result.changed, result.unchanged = stored.added, stored.changed, stored.unchanged
    if isinstance(actor, Staff) and not dry_run:
        _tell_people(session, runtime, actor, stored)
    for email in stored.inactive:
        result.warnings.append(Remark(rows[email][0], "email", f"{email} has been deactivated, and stays so"))
    for email, needed in stored.still_needed.items():
        why = f"{', '.join(sorted(needed))} stays: hand over first, on their page, what they have of customers"
        result.warnings.append(Remark(rows[email][0], "roles", why))
    for email in stored.still_administrators:
        result.warnings.append(Remark(rows[email][0], "roles", "admin stays: there would be no administrator left"))
    for email, other in stored.same_phone.items():
        shared = f"is {other}'s, too: the staff line knows neither of them by it when it is called"
        result.warnings.append(Remark(rows[email][0], "phone", shared))
    for email in stored.own_pins:
        result.warnings.append(Remark(rows[email][0], "pin", "its owner has chosen one; left out"))
    return _finished(session, runtime, result, actor, dry_run, roles_changed=stored.roles_changed)


def _tell_people(session: Session, runtime: Runtime, actor: Staff, stored: StoredStaff) -> None:
    """What somebody has changed by a page or a program; whoever has the host's command has the database as well."""
    keys = {*stored.reached_anew, *stored.new_officers}
    some = session.scalars(select(Staff).where(func.lower(Staff.email).in_(keys), Staff.active))
    people = {one.email.lower(): one for one in some}
    for email, what in stored.reached_anew.items():
        if email in people:
            staff_letters.tell_changed(session, runtime, actor, people[email], what)
    made = [people[email] for email in stored.new_officers if email in people]
    staff_letters.tell_of_officers(session, runtime, actor, made)


def import_customers(
    session: Session, runtime: Runtime, text: bytes, *, dry_run: bool, actor: Staff | str
) -> ImportResult:
    """Take customers.csv in. Raises Refused when the file as a whole cannot be read; the caller commits."""
    reps, keys = active_reps(session), ListKeys(session)
    result, rows = _read("customers", text, COLUMNS, lambda cells: read_customer(runtime, reps, keys, cells))
    customers = [fields for _, fields in rows.values()]
    stored = store(session, runtime, customers, dry_run=dry_run)
    result.added, result.changed, result.unchanged = stored.added, stored.changed, stored.unchanged
    if not dry_run:
        _give_firms_their_rep(session, customers)
    return _finished(session, runtime, result, actor, dry_run)


def active_reps(session: Session) -> dict[str, int]:
    """The representatives who may own customers: id by mail address."""
    found = session.execute(select(Staff.email, Staff.id).join(Grant).where(Staff.active, Grant.role == "rep"))
    return {row.email: row.id for row in found}


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


F = TypeVar("F", bound=_Keyed)


def _read(
    what: str,
    content: bytes,
    columns: Sequence[str],
    read: Callable[[Mapping[str, str]], tuple[F, list[Problem]]],
    may_have: Sequence[str] = (),
) -> tuple[ImportResult, dict[str, tuple[int, F]]]:
    """The rows to take, with their numbers, by key, which is the first column; of a key twice, the later one."""
    result = ImportResult(what)
    rows: dict[str, tuple[int, F]] = {}
    for row in csv_rows.read(content, columns, may_have):
        result.rows += 1
        if row.fault:
            result.refused.append(Remark(row.number, "", row.fault))
            continue
        fields, problems = read(row.cells)
        if result.note(row.number, problems):
            continue
        if fields.key in rows:
            result.repeated += 1
            earlier, _ = rows.pop(fields.key)
            result.warnings.append(
                Remark(earlier, columns[0], f"{fields.key} comes again in row {row.number}, which wins")
            )
        rows[fields.key] = (row.number, fields)
    return result, rows


def _give_firms_their_rep(session: Session, customers: Sequence[CustomerFields]) -> None:
    """A firm without a rep gets one when the file names the same one for all of its people who have one."""
    named: dict[str, set[int]] = defaultdict(set)
    for one in customers:
        if one.firm and one.rep_id:
            named[one.firm].add(one.rep_id)
    for firm in session.scalars(select(Firm).where(Firm.rep_id.is_(None))):
        if len(named[firm.name]) == 1:
            (firm.rep_id,) = named[firm.name]
    session.flush()


def _finished(
    session: Session, runtime: Runtime, result: ImportResult, actor: Staff | str, dry_run: bool, **detail: object
) -> ImportResult:
    result.dry_run = dry_run
    result.refused.sort()
    result.warnings.sort()
    if not dry_run:
        record(
            session, runtime, actor, f"import {result.what}", "directory",
            rows=result.rows, added=result.added, changed=result.changed, unchanged=result.unchanged,
            refused=len(result.refused), warnings=len(result.warnings), **detail,
        )  # fmt: skip
    return result
