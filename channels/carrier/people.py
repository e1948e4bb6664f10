"""Who owns which telephone and mailbox, from the directory's CSV files; names for the page only."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Person:
    name: str
    firm: str
    staff: bool
    roles: tuple[str, ...] = ()
    pin: str = ""


def number(text: str) -> str:
    """A telephone number in any common writing as E.164, or an empty string."""
    text = text.strip().removeprefix("tel:")
    digits = re.sub(r"[^\d+]", "", text.replace("(0)", ""))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if re.fullmatch(r"\+[1-9]\d{7,14}", digits) else ""


class People:
    """`phones`, `faxes` and `mailboxes`: address → the people who share it."""

    def __init__(self, files: list[str]) -> None:
        self.phones: dict[str, list[Person]] = {}
        self.faxes: dict[str, list[Person]] = {}
        self.mailboxes: dict[str, list[Person]] = {}
        for file in files:
            if Path(file).is_file():
                self._read(Path(file))

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        first = text.partition("\n")[0]
        delimiter = ";" if first.count(";") > first.count(",") else ","
        for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
            name = (row.get("name") or "").strip()
            if not name:
                continue
            roles = tuple(filter(None, (row.get("roles") or "").replace(" ", "").split(";")))
            pin = (row.get("pin") or "").strip()
            who = Person(name, (row.get("firm") or "").strip(), "roles" in row, roles, pin)
            for column in ("phone", "sms", "voice"):
                if found := number(row.get(column) or ""):
                    self._add(self.phones, found, who)
            if found := number(row.get("fax") or ""):
                self._add(self.faxes, found, who)
            mail = (row.get("email") or "").strip().lower()
            if "@" in mail:
                self._add(self.mailboxes, mail, who)

    @staticmethod
    def _add(table: dict[str, list[Person]], address: str, who: Person) -> None:
        owners = table.setdefault(address, [])
        if who not in owners:
            owners.append(who)

    def describe(self, address: str, *, fax: bool = False) -> dict[str, Any]:
        """`{name, firm, kind, roles}`; kind is customer, staff or unknown. A number is a telephone's, or a `fax`'s."""
        owners = self.faxes.get(address) if fax else self.phones.get(address) or self.mailboxes.get(address.lower())
        if not owners:
            return {"name": "", "firm": "", "kind": "unknown", "roles": []}
        return {
            "name": ", ".join(dict.fromkeys(owner.name for owner in owners)),
            "firm": ", ".join(dict.fromkeys(owner.firm for owner in owners if owner.firm)),
            "kind": "staff" if any(owner.staff for owner in owners) else "customer",
            "roles": list(dict.fromkeys(role for owner in owners for role in owner.roles)),
        }

    def pins(self, number: str) -> dict[str, str]:
        """Name → PIN of the members of staff with this telephone, as the directory's file gives them."""
        return {owner.name: owner.pin for owner in self.phones.get(number, []) if owner.pin}
