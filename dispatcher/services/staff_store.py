"""Staff from a file: read, judged, compared with what is there, and written where they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, ROLES, Grant, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import handover, own_line, pins
from dispatcher.services.customer_fields import Cells, Problem, address_of, name_of

STAFF_COLUMNS = ("email", "name", "roles", "phone", "pin", "channels")
STAFF_MAY_HAVE = ("language",)


@dataclass(frozen=True, slots=True)
class StaffFields:
    """A member of staff as the directory is to hold them. The PIN is never shown again, not even in a complaint."""

    key: str  # the mail address
    name: str
    roles: frozenset[str] = frozenset()
    phone: str | None = None
    pin: str = field(default="", repr=False)
    channels: tuple[str, ...] = ()
    language: str = ""  # "": as it is


@dataclass(slots=True)
class StoredStaff:
    """What `store_staff` did or would do; by mail address whose roles changed, who stays deactivated, who keeps the
    PIN of their own whatever the file says, which roles stay because of what they have, who remains an administrator
    because nobody else would be one, and with whom somebody shares a telephone; whose telephone or PIN is another now,
    and who is an officer now and was none.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    roles_changed: list[str] = field(default_factory=list)
    still_administrators: list[str] = field(default_factory=list)
    inactive: list[str] = field(default_factory=list)
    own_pins: list[str] = field(default_factory=list)
    still_needed: dict[str, set[str]] = field(default_factory=dict)
    same_phone: dict[str, str] = field(default_factory=dict)
    reached_anew: dict[str, set[str]] = field(default_factory=dict)
    new_officers: list[str] = field(default_factory=list)


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
        language=cells.take("language", own_line.language_of, ""),
    )
    if not cells.text("roles"):
        cells.wrong("roles", "are missing", refuses=True)
    return fields, cells.problems


def _pin(cells: Cells) -> str:
    pin = cells.text("pin")
    if pin and (wrong := pins.weakness(pin)):
        cells.wrong("pin", f"{wrong}; without a PIN the person cannot use the telephone line")
        return ""
    return pin


def store_staff(
    session: Session, runtime: Runtime, people: Sequence[StaffFields], *, by: int | None = None, dry_run: bool = False
) -> StoredStaff:
    """Make the directory hold these people; others stay as they are, and so do passwords.

    Who was deactivated stays so: a file must not let somebody in again whom an administrator put out. Nor does it take
    the place of a PIN that its owner has chosen: whoever has the file would know it again. `by` is whose file it is.
    A dry run takes a PIN in it for the one that is there: else whoever may try files out could find PINs by trying.
    """
    stored = StoredStaff()
    known = {one.email.lower(): one for one in session.scalars(select(Staff))}
    last = _last_administrators(known, people)
    stored.same_phone = _same_phone(known, people)
    for wanted in people:
        person = known.get(wanted.key)
        fields = wanted
        if person is not None and (needed := handover.must_keep(session, person, wanted.roles)):
            fields = replace(wanted, roles=wanted.roles | needed)
            stored.still_needed[fields.key] = needed
        if fields.key in last:
            fields = replace(fields, roles=fields.roles | {"admin"})
            stored.still_administrators.append(fields.key)
        if "officer" in fields.roles - (person.roles if person else frozenset()):
            stored.new_officers.append(fields.key)
        if person is None:
            stored.added += 1
            if not dry_run:
                _add(session, runtime, fields, by)
            continue
        if not person.active:
            stored.inactive.append(fields.key)
        if fields.pin and person.pin_chosen_at is not None:  # never compared: the answer would tell who guesses it
            stored.own_pins.append(fields.key)
        if person.roles != fields.roles:
            stored.roles_changed.append(fields.key)
        same_pin = _keeps_pin(person, fields.pin, compare=not dry_run)
        if same_pin and _same(person, fields):
            stored.unchanged += 1
            continue
        stored.changed += 1
        is_new = {"phone": person.phone != fields.phone, "pin": not same_pin}
        if any(is_new.values()):
            stored.reached_anew[fields.key] = {name for name, new in is_new.items() if new}
        if not dry_run:
            _change(person, fields)
            if not same_pin:
                pins.give(person, fields.pin, by)
    session.flush()
    return stored


def _last_administrators(known: Mapping[str, Staff], people: Sequence[StaffFields]) -> set[str]:
    """Who the file would take the role from so that nobody had it: alarms and escalations would reach nobody, and
    nobody could give it back but by the command on the host.
    """
    had = {key for key, one in known.items() if one.active and one.has("admin")}
    given = {one.key for one in people if "admin" in one.roles and (one.key not in known or known[one.key].active)}
    taken = had & {one.key for one in people} - given
    return taken if taken and not (had - taken) | given else set()


def _same_phone(known: Mapping[str, Staff], people: Sequence[StaffFields]) -> dict[str, str]:
    """Of the file's people another who has the same telephone: by a call from there the line knows neither of them."""
    phones = {key: one.phone for key, one in known.items() if one.active} | {one.key: one.phone for one in people}
    owners: dict[str, list[str]] = defaultdict(list)
    for key, phone in phones.items():
        if phone and (key not in known or known[key].active):
            owners[phone].append(key)
    found = {one.key: [key for key in owners[one.phone] if key != one.key] for one in people if one.phone}
    return {key: others[0] for key, others in found.items() if others}


def _same(person: Staff, fields: StaffFields) -> bool:
    return (
        person.name == fields.name
        and person.phone == fields.phone
        and tuple(person.channels) == fields.channels
        and person.roles == fields.roles
        and fields.language in ("", person.language)
    )


def _keeps_pin(person: Staff, pin: str, *, compare: bool) -> bool:
    if person.pin_chosen_at is not None:
        return True
    return pins.is_theirs(person, pin) if compare else bool(pin) == bool(person.pin_hash)


def _add(session: Session, runtime: Runtime, fields: StaffFields, by: int | None) -> None:
    person = Staff(
        email=fields.key,
        name=fields.name,
        phone=fields.phone,
        channels=list(fields.channels),
        language=fields.language or "en",
        created_at=runtime.now(),
        grants=[Grant(role=role) for role in sorted(fields.roles)],
    )
    pins.give(person, fields.pin, by)
    session.add(person)


def _change(person: Staff, fields: StaffFields) -> None:
    person.name, person.phone, person.channels = fields.name, fields.phone, list(fields.channels)
    person.language = fields.language or person.language
    person.grants = [grant for grant in person.grants if grant.role in fields.roles] + [
        Grant(role=role) for role in sorted(fields.roles - person.roles)
    ]
