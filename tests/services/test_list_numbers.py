"""Numbers of lists for the telephone: given once, unique, changed by who keeps the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import AuditEntry, DistributionList
from dispatcher.model.errors import NotAllowed, Refused
from dispatcher.services import directory, imports, list_numbers
from tests.directory_runtime import runtime_for
from tests.small_bank import SmallBank, small_bank

CSV = (
    b"customer_id,name,firm,rep_email,email,sms,voice,fax,channels,language,timezone,quiet_hours,lists\n"
    b"C1,One,,,one@firm.example,,,,,,,,tech;oil;gas\nC2,Two,,,two@firm.example,,,,,,,,oil;tech\n"
)


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def numbers(session: Session) -> dict[str, int | None]:
    return {one.key: one.number for one in session.scalars(select(DistributionList))}


def test_an_import_numbers_its_lists_and_a_second_changes_nothing(bank: SmallBank) -> None:
    runtime = runtime_for(bank.sessions)
    with bank.sessions() as session:
        imports.import_customers(session, runtime, CSV, dry_run=False, actor="system")
        first = numbers(session)
        assert {first[key] for key in ("gas", "oil", "tech")} == {101, 102, 103}
        imports.import_customers(session, runtime, CSV, dry_run=False, actor="system")
        assert numbers(session) == first


def test_a_new_list_gets_the_next_number_or_the_one_asked_for(bank: SmallBank) -> None:
    with bank.sessions() as session:
        analyst = bank.staff(session, "analyst")
        assert directory.put_list(session, bank.runtime, "one", "", None, analyst).number == 101
        assert directory.put_list(session, bank.runtime, "two", "", None, analyst, number=7).number == 7
        assert directory.put_list(session, bank.runtime, "three", "", None, analyst).number == 102
        assert directory.put_list(session, bank.runtime, "two", "Second", None, analyst).number == 7
        with pytest.raises(Refused, match=r"number: is that of Second \(two\)"):
            directory.put_list(session, bank.runtime, "four", "", None, analyst, number=7)


@pytest.mark.parametrize(
    ("who", "owner", "number", "fault"),
    [
        ("admin", None, 12, None),
        ("admin", "analyst", 12, None),
        ("analyst", "analyst", 12, None),
        ("analyst", None, 12, NotAllowed),
        ("colleague", "analyst", 12, NotAllowed),
        ("admin", None, 0, Refused),
        ("admin", None, 10**9, Refused),
        ("admin", None, 55, Refused),
    ],
)
def test_who_changes_a_number(
    bank: SmallBank, who: str, owner: str | None, number: int, fault: type[Exception] | None
) -> None:
    with bank.sessions() as session:
        one = session.scalars(select(DistributionList).where(DistributionList.key == "top")).one()
        other = session.scalars(select(DistributionList).where(DistributionList.key == "semis")).one()
        one.number, other.number, one.owner_id = 11, 55, bank.ids[owner] if owner else None
        session.flush()
        if fault:
            with pytest.raises(fault):
                list_numbers.give(session, bank.runtime, bank.staff(session, who), one, number)
        else:
            list_numbers.give(session, bank.runtime, bank.staff(session, who), one, number)
            list_numbers.give(session, bank.runtime, bank.staff(session, who), one, number)
            entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "number list")).all()
            assert [(entry.subject, entry.detail) for entry in entries] == [
                ("list top", '{"before": 11, "number": 12}')
            ]


@pytest.mark.parametrize(
    ("digits", "key"),
    [
        ("55", "semis"),
        ("055", "semis"),
        ("5", None),
        ("", None),
        ("*", None),
        ("٥٥", None),
        ("9" * 40, None),
        ("0", None),
    ],
)
def test_the_list_with_a_number(bank: SmallBank, digits: str, key: str | None) -> None:
    with bank.sessions() as session:
        session.scalars(select(DistributionList).where(DistributionList.key == "semis")).one().number = 55
        found = list_numbers.list_with(session, digits)
        assert (found.key if found else None) == key
