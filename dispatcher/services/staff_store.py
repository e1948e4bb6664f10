"""Staff from a file: read, judged, compared with what is there, and written where they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, ROLES, Grant, Staff
from dispatcher.runtime import Runtime
from dispatcher.services.customer_fields import Cells, Problem, address_of, name_of

STAFF_COLUMNS = ("email", "name", "roles", "phone", "pin", "channels")

_hasher = PasswordHasher()
_PIN = re.compile(r"^[0-9]{4,12}$")
_RUNS = "01234567890 09876543210"


@dataclass(frozen=True, slots=True)
class StaffFields:
    """A member of staff as the directory is to hold them. The PIN is never shown again, not even in a complaint."""

    key: str  # the mail address
    name: str
    roles: frozenset[str] = frozenset()
    phone: str | None = None
    pin: str = field(default="", repr=False)
    channels: tuple[str, ...] = ()


@dataclass(slots=True)
class StoredStaff:
    """What `store_staff` did or would do; of whom the roles changed, and who stays deactivated, by mail address."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    roles_changed: list[str] = field(default_factory=list)
    inactive: list[str] = field(default_factory=list)


def read_staff(runtime: Runtime, row: Mapping[str, str]) -> tuple[StaffFields, list[Problem]]:
    """One person's fields and everything that is wrong with them. An unknown role refuses: it must not be guessed."""
    cells = Cells(row)
    fields = StaffFields(
        key=cells.need("email", address_of(runtime, "email")),
        name=cells.need("name", name_of),
        roles=frozenset(cells.take_names("roles", ";", ROLES, refuses=True)),
        phone=cells.take("phone", address_of(runtime, "voice"), "") or None,
        pin=_pin(cells),
        channels=cells.take_names("channels", ";", CHANNELS),
    )
    if not cells.text("roles"):
        cells.wrong("roles", "are missing", refuses=True)
    return fields, cells.problems


def _pin(cells: Cells) -> str:
    pin = cells.text("pin")
    if pin and not _PIN.match(pin):
        cells.wrong("pin", "is not 4 to 12 digits; without a PIN the person cannot use the telephone line")
        return ""
    if pin and (pin in _RUNS or len(set(pin)) == 1):
        cells.wrong("pin", "is too easy to guess; without a PIN the person cannot use the telephone line")
        return ""
    return pin


def store_staff(
    session: Session, runtime: Runtime, people: Sequence[StaffFields], *, dry_run: bool = False
) -> StoredStaff:
    """Make the directory hold these people; others stay as they are, and so do passwords.

    Who was deactivated stays so: a file must not let somebody in again whom an administrator put out.
    """
    stored = StoredStaff()
    known = {one.email.lower(): one for one in session.scalars(select(Staff))}
    for fields in people:
        person = known.get(fields.key)
        if person is None:
            stored.added += 1
            if not dry_run:
                _add(session, runtime, fields)
            continue
        if not person.active:
            stored.inactive.append(fields.key)
        if person.roles != fields.roles:
            stored.roles_changed.append(fields.key)
        if _same(person, fields):
            stored.unchanged += 1
            continue
        stored.changed += 1
        if not dry_run:
            _change(person, fields)
    session.flush()
    return stored


def _same(person: Staff, fields: StaffFields) -> bool:
    return (
        person.name == fields.name
        and person.phone == fields.phone
        and tuple(person.channels) == fields.channels
        and person.roles == fields.roles
        and _same_pin(person, fields.pin)
    )


def _same_pin(person: Staff, pin: str) -> bool:
    if not pin or not person.pin_hash:
        return not pin and not person.pin_hash
    try:
        return _hasher.verify(person.pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


def _add(session: Session, runtime: Runtime, fields: StaffFields) -> None:
    session.add(
        Staff(
            email=fields.key,
            name=fields.name,
            phone=fields.phone,
            channels=list(fields.channels),
            pin_hash=_hasher.hash(fields.pin) if fields.pin else None,
            created_at=runtime.now(),
            grants=[Grant(role=role) for role in sorted(fields.roles)],
        )
    )


def _change(person: Staff, fields: StaffFields) -> None:
    person.name, person.phone, person.channels = fields.name, fields.phone, list(fields.channels)
    if not _same_pin(person, fields.pin):
        person.pin_hash = _hasher.hash(fields.pin) if fields.pin else None
    person.grants = [grant for grant in person.grants if grant.role in fields.roles] + [
        Grant(role=role) for role in sorted(fields.roles - person.roles)
    ]
