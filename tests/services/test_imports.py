"""The directory from CSV, on SQLite and PostgreSQL: what is taken, changed, refused, and what a second run does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Customer,
    DistributionList,
    Firm,
    Grant,
    ListMember,
    Preference,
    Staff,
)
from dispatcher.model.errors import Refused
from dispatcher.runtime import Runtime
from dispatcher.services import imports, pins, preferences
from dispatcher.services.imports import ImportResult
from tests.directory_runtime import runtime_for, staff_without_pins

CUSTOMERS = "customer_id,name,firm,rep_email,email,sms,voice,fax,channels,language,timezone,quiet_hours,lists"
STAFF = "email,name,roles,phone,pin,channels"
ANN = (
    "C1,Ann Miller,Simon LLC,rep@bank.example,ann@simon.example,+12125550101,,,sms>email,de,Europe/Berlin,"
    "22:00-07:00,a;b"
)
SAMPLES = json.loads(Path(__file__).parents[1].joinpath("samples", "expected.json").read_text())


@pytest.fixture
def runtime(sessions: sessionmaker[Session]) -> Runtime:
    return runtime_for(sessions)


@pytest.fixture
def bank(session: Session) -> Session:
    """A database with two reps."""
    for name in ("rep", "other"):
        rep = Staff(email=f"{name}@bank.example", name=name, channels=[], grants=[Grant(role="rep")])
        session.add(rep)
    session.flush()
    return session


def take(
    session: Session, runtime: Runtime, *lines: str, dry_run: bool = False, header: str = CUSTOMERS
) -> ImportResult:
    content = "\n".join([header, *lines]).encode()
    return imports.import_customers(session, runtime, content, dry_run=dry_run, actor="system")


def line(key: str, email: str, sms: str) -> str:
    return f"{key},Ann,,,{email},{sms},,,,,,,"


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return (result.added, result.changed, result.unchanged, len(result.refused))


def everything(session: Session) -> list[object]:
    """All that the directory holds, to compare before and after."""
    session.flush()
    tables = (Customer, ContactPoint, Preference, DistributionList, ListMember, Firm, Staff, Grant)
    return [sorted(map(repr, session.execute(select(*table.__table__.c)).all())) for table in tables]


def only(session: Session, key: str = "C1") -> Customer:
    return session.scalars(select(Customer).where(Customer.key == key)).one()


# --- the samples


def test_the_samples_and_a_second_run(session: Session, runtime: Runtime, samples: Path) -> None:
    staff, customers = staff_without_pins(samples), samples.joinpath("customers.csv").read_bytes()
    found = imports.import_staff(session, runtime, staff, dry_run=False, actor="system")
    assert (counts(found), found.warnings) == ((16, 0, 0, 0), [])
    before = everything(session)
    tried = imports.import_customers(session, runtime, customers, dry_run=True, actor="system")
    assert everything(session) == before
    begun = time.monotonic()
    done = imports.import_customers(session, runtime, customers, dry_run=False, actor="system")
    assert time.monotonic() - begun < 120, "it takes less than a second on a machine with nothing else to do"
    assert (done.rows, done.imported, len(done.refused)) == (SAMPLES["rows"], SAMPLES["imported"], SAMPLES["refused"])
    assert (tried.as_dict() | {"dry_run": False}) == done.as_dict()
    assert counts(done) == (1230, 0, 0, 3)
    assert done.repeated == 1
    assert [(one.row, one.column) for one in done.refused] == [
        (1232, "customer_id"), (1233, "name"), (1234, "rep_email")
    ]  # fmt: skip
    after = everything(session)
    again = imports.import_customers(session, runtime, customers, dry_run=False, actor="system")
    assert counts(again) == (0, 0, 1230, 3)
    again = imports.import_staff(session, runtime, staff, dry_run=False, actor="system")
    assert counts(again) == (0, 0, 16, 0)
    assert everything(session) == after
    assert session.scalar(select(func.count()).select_from(Firm).where(Firm.rep_id.is_not(None)))


# --- what a file may look like


@pytest.mark.parametrize(
    "content",
    [
        f"{CUSTOMERS}\n{ANN}\n",
        f"\ufeff{CUSTOMERS}\r\n{ANN}\r\n",
        f"{CUSTOMERS}\r{ANN}",
        f"\n\n{CUSTOMERS}\n\n{ANN}\n,,,,,,,,,,,,\n",
        f"{CUSTOMERS.upper()}\n{ANN}",
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in (CUSTOMERS, ANN)),
        CUSTOMERS.replace(",", ";") + "\n" + ";".join(f'"{cell}"' if ";" in cell else cell for cell in ANN.split(",")),
        f"{CUSTOMERS}\n" + ANN.replace("Ann Miller", '"Ann\n Miller"').replace("ann@", " ANN@"),
        ",".join(reversed(CUSTOMERS.split(","))) + "\n" + ",".join(reversed(ANN.split(","))),
    ],
    ids=["plain", "bom, crlf", "old mac", "empty rows", "upper case", "quoted", "semicolon", "spaces", "other order"],
)  # fmt: skip
def test_files_as_programs_write_them(bank: Session, runtime: Runtime, content: str) -> None:
    result = imports.import_customers(bank, runtime, content.encode(), dry_run=False, actor="system")
    assert (counts(result), result.warnings) == ((1, 0, 0, 0), [])
    ann = only(bank)
    assert (ann.name, ann.firm and ann.firm.name, ann.rep and ann.rep.email) == (
        "Ann Miller", "Simon LLC", "rep@bank.example"
    )  # fmt: skip
    assert {one.channel: one.address for one in ann.contact_points} == {
        "email": "ann@simon.example", "sms": "+12125550101"
    }  # fmt: skip
    assert [(step.rank, step.channel, step.topic) for step in ann.preferences] == [(0, "sms", ""), (1, "email", "")]
    assert (ann.language, ann.timezone, str(ann.quiet_from), str(ann.quiet_until)) == (
        "de", "Europe/Berlin", "22:00:00", "07:00:00"
    )  # fmt: skip
    assert sorted(one.key for one in ann.lists) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ((CUSTOMERS + "\n").encode("utf-16"), "UTF-16"),
        ((CUSTOMERS + "\n").encode("utf-32"), "UTF-32"),
        ((CUSTOMERS + "\nC1,Süß").encode("cp1252"), "Windows-1252 (row 2)"),
        (CUSTOMERS.encode("utf-16-le"), "UTF-16"),
        (b"RIFF$\x00\x00\x00WAVEfmt \xff\xfe", "no table at all"),
        (CUSTOMERS.replace("email,", "mail,").encode(), "lacks the columns"),
        (CUSTOMERS.replace(",fax", "").replace(",lists", "").encode(), "lacks the columns fax, lists"),
        ((CUSTOMERS + ",colour,size").encode(), "unknown columns colour, size"),
        ((CUSTOMERS + ",fax").encode(), "has the columns fax twice"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(bank: Session, runtime: Runtime, content: bytes, says: str) -> None:
    with pytest.raises(Refused) as refused:
        imports.import_customers(bank, runtime, content, dry_run=False, actor="system")
    assert says in refused.value.fields["file"]


def test_a_bad_row_never_stops_the_good_ones(bank: Session, runtime: Runtime) -> None:
    result = take(
        bank,
        runtime,
        "C1,Ann,,,,,,,,,,,",
        "C2,Bob,too,few",
        'C3,"Cat,,,,,,,,,,,',  # the quotation mark is never closed
        "C4,Dan,,,,,,,,,,,",
        'C5,Eve,,,,,,,"x"y,,,,',
        "C6,Fay,,,,,,,,,,,,,too many",
        ",No key,,,,,,,,,,,",
        "C8,,,nobody@bank.example,,,,,,,,,",
        f"{'C' * 101},Long,,,,,,,,,,,",
        "C10,Gus,,,,,,,,,,,",
    )
    assert result.rows == 10
    assert set(bank.scalars(select(Customer.key))) == {"C1", "C4", "C10"}
    assert [(one.row, one.column) for one in result.refused] == [
        (3, ""), (4, ""), (6, ""), (7, ""), (8, "customer_id"), (9, "name"), (10, "customer_id")
    ]  # fmt: skip
    assert "rep_email" in result.refused[5].text, "everything wrong with a row is said at once"
    assert str(result.refused[4]) == "row 8, customer_id: is missing"


def test_what_is_wrong_is_left_out_with_a_warning(bank: Session, runtime: Runtime) -> None:
    row = "C1,Ann,,,n/a,555-01,+1 212 555 0101,+19005550100,pigeon>fax>voice>fax,klingon,Mars/Olympus,late,a"
    result = take(bank, runtime, row)
    assert counts(result) == (1, 0, 0, 0)
    assert {(one.row, one.column) for one in result.warnings} == {
        (2, name) for name in ("email", "sms", "fax", "channels", "language", "timezone", "quiet_hours")
    }
    assert all(one.text.endswith("; left out") for one in result.warnings)
    ann = only(bank)
    assert {one.channel: one.address for one in ann.contact_points} == {"voice": "+12125550101"}
    assert [step.channel for step in ann.preferences] == ["fax", "voice"]
    assert (ann.language, ann.timezone, ann.quiet_from) == ("en", "UTC", None)


@pytest.mark.parametrize("bad", ["25:00-07:00", "22-7", "22:00-22:00", "22:00", "22:60-07:00"])
def test_quiet_hours_that_are_none(bank: Session, runtime: Runtime, bad: str) -> None:
    (warning,) = take(bank, runtime, f"C1,Ann,,,,,,,,,,{bad},").warnings
    assert warning.column == "quiet_hours"


def test_of_a_key_twice_the_later_row_wins(bank: Session, runtime: Runtime) -> None:
    result = take(bank, runtime, "C1,First,,,,,,,,,,,", "C2,Bob,,,,,,,,,,,", "C1,Second,,,,,,,,,,,", "C1,,,,,,,,,,,,")
    assert counts(result) == (2, 0, 0, 1)
    assert only(bank).name == "Second"
    assert result.warnings == [(2, "customer_id", "C1 comes again in row 4, which wins")]


# --- what an import changes


def test_empty_cells_take_away_and_the_rest_is_kept(bank: Session, runtime: Runtime) -> None:
    take(bank, runtime, ANN, "C2,Bob,,,bob@simon.example,,,,,,,,a")
    by_hand = Preference(customer_id=only(bank).id, topic="ratings", rank=0, channel="voice")
    bank.add(by_hand)
    bank.flush()
    points = {one.channel: one.id for one in only(bank).contact_points}
    result = take(bank, runtime, "C1,Ann Miller,,,ann@simon.example,,,,,,,,b;c")
    assert counts(result) == (0, 1, 0, 0)
    ann = only(bank)
    assert [(one.id, one.channel) for one in ann.contact_points] == [(points["email"], "email")]
    assert [(step.topic, step.channel) for step in ann.preferences] == [("ratings", "voice")]
    assert (ann.firm, ann.rep, ann.language, ann.timezone, ann.quiet_from) == (None, None, "en", "UTC", None)
    assert sorted(one.key for one in ann.lists) == ["b", "c"]
    assert [one.key for one in only(bank, "C2").lists] == ["a"], "who is not in the file stays as they are"


def test_what_was_learnt_about_an_address_survives_until_it_changes(bank: Session, runtime: Runtime) -> None:
    take(bank, runtime, ANN)
    point = next(one for one in only(bank).contact_points if one.channel == "email")
    point.valid, point.invalid_because = False, "no such mailbox"
    bank.flush()
    assert counts(take(bank, runtime, ANN)) == (0, 0, 1, 0)
    assert not point.valid
    take(bank, runtime, ANN.replace("ann@", "ann.miller@"))
    assert (point.address, point.valid, point.invalid_because) == ("ann.miller@simon.example", True, None)


@pytest.mark.parametrize(
    ("first", "press", "then", "stopped"),
    [
        # All is stopped: a changed address, and a way that is new.
        (("a@firm.example", ""), "all", ("b@firm.example", "+12125550101"), ["email", "sms"]),
        # They have one way back: the changed address of what is still stopped, and no other.
        (("a@firm.example", "+12125550101"), "but sms", ("b@firm.example", "+12125550102"), ["email"]),
        # It was another customer at the same address, or only the one way.
        (("a@firm.example", ""), "another", ("b@firm.example", "+12125550101"), []),
        (("a@firm.example", ""), "email", ("b@firm.example", "+12125550101"), []),
    ],
)
def test_who_has_stopped_everything_gets_nothing_at_a_new_address(
    bank: Session, runtime: Runtime, first: tuple[str, str], press: str, then: tuple[str, str], stopped: list[str]
) -> None:
    take(bank, runtime, line("C1", *first), line("C2", *first))
    if press == "email":
        preferences.stop(bank, runtime, only(bank), "email", preferences.ON_THE_PAGE)
    else:
        preferences.stop_everywhere(bank, runtime, only(bank, "C2" if press == "another" else "C1"))
    if press == "but sms":
        preferences.resume(bank, runtime, only(bank), "sms")
    for _ in range(2):
        take(bank, runtime, line("C1", *then))
    assert sorted(way.point.channel for way in preferences.ways(bank, only(bank)) if way.stopped) == stopped
    if press == "all":
        preferences.resume_everywhere(bank, runtime, only(bank))
        assert not any(way.stopped for way in preferences.ways(bank, only(bank)))


def test_who_was_taken_out_comes_back_with_the_file(bank: Session, runtime: Runtime) -> None:
    take(bank, runtime, ANN)
    only(bank).active = False
    assert counts(take(bank, runtime, ANN)) == (0, 1, 0, 0)
    assert only(bank).active


def test_a_dry_run_changes_nothing_and_says_the_same(bank: Session, runtime: Runtime) -> None:
    take(bank, runtime, ANN)
    lines = (ANN.replace("Ann Miller", "Ann M."), "C2,Bob,New firm,,,,,,,,,,new-list", ",,,,,,,,,,,,x")
    before, audit = everything(bank), bank.scalar(select(func.count()).select_from(AuditEntry))
    tried = take(bank, runtime, *lines, dry_run=True)
    assert counts(tried) == (1, 1, 0, 1)
    assert everything(bank) == before
    assert bank.scalar(select(func.count()).select_from(AuditEntry)) == audit
    assert "1 would be added" in tried.summary()
    assert counts(take(bank, runtime, *lines)) == counts(tried)


def test_a_firm_gets_the_rep_its_people_agree_on(bank: Session, runtime: Runtime) -> None:
    take(
        bank, runtime,
        "C1,Ann,Agreed,rep@bank.example,,,,,,,,,", "C2,Bob,Agreed,,,,,,,,,,",
        "C3,Cat,Agreed,REP@BANK.EXAMPLE,,,,,,,,,", "C4,Dan,Divided,rep@bank.example,,,,,,,,,",
        "C5,Eve,Divided,other@bank.example,,,,,,,,,", "C6,Fay,Nobody,,,,,,,,,,",
    )  # fmt: skip
    reps = {firm.name: firm.rep and firm.rep.email for firm in bank.scalars(select(Firm))}
    assert reps == {"Agreed": "rep@bank.example", "Divided": None, "Nobody": None}
    assert only(bank, "C2").owner is only(bank, "C1").rep
    take(bank, runtime, "C1,Ann,Agreed,other@bank.example,,,,,,,,,")
    assert only(bank, "C2").owner is only(bank, "C3").rep, "a firm keeps the rep it has"


@pytest.mark.parametrize("change", ["inactive", "no rep"])
def test_a_rep_must_be_one_now(bank: Session, runtime: Runtime, change: str) -> None:
    rep = bank.scalars(select(Staff).where(Staff.email == "rep@bank.example")).one()
    if change == "inactive":
        rep.active = False
    else:
        rep.grants = [Grant(role="analyst")]
    bank.flush()
    assert [one.column for one in take(bank, runtime, ANN).refused] == ["rep_email"]


def test_the_record_says_how_many_and_names_nobody(bank: Session, runtime: Runtime) -> None:
    take(bank, runtime, ANN, "C2,Bob,,nobody@bank.example,,,,,,,,,")
    entry = bank.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("import customers", "system")
    told = json.loads(entry.detail)
    assert (told["rows"], told["added"], told["refused"]) == (2, 1, 1)
    assert "ann" not in entry.detail.lower()


def test_capitals_make_no_second_list(bank: Session, runtime: Runtime) -> None:
    """In the address of a mail they would be one; digits alone are a list's number."""
    bank.add(DistributionList(key="Semis", name="Semis", number=101, created_at=runtime.now()))
    bank.flush()
    lines = [
        f"C{n},Ann,,,a{n}@b.example,,,,,,,,{lists}" for n, lists in enumerate(["semis;Oil", "SEMIS;oil", "12;Oil"])
    ]
    for dry_run in (True, False):
        found = take(bank, runtime, *lines, dry_run=dry_run)
        assert counts(found) == (3, 0, 0, 0)
        assert [(one.row, one.column) for one in found.warnings] == [(4, "lists")]
        assert '"12" must not be digits alone' in found.warnings[0].text
    assert set(bank.scalars(select(DistributionList.key))) == {"Semis", "Oil"}
    assert bank.scalar(select(func.count()).select_from(ListMember)) == 5
    assert counts(take(bank, runtime, *lines)) == (0, 0, 3, 0)


# --- staff


def take_staff(session: Session, runtime: Runtime, *lines: str, dry_run: bool = False) -> ImportResult:
    content = "\n".join([STAFF, *lines]).encode()
    return imports.import_staff(session, runtime, content, dry_run=dry_run, actor="system")


def test_a_file_does_not_take_away_the_last_administrator(session: Session, runtime: Runtime) -> None:
    ada, ben = "ada@bank.example,Ada,{},,,email", "ben@bank.example,Ben,{},,,email"
    take_staff(session, runtime, ada.format("admin;compliance"), ben.format("admin"))
    assert take_staff(session, runtime, ada.format("analyst")).warnings == []
    found = take_staff(session, runtime, ben.format("analyst"))
    assert [(one.row, one.column, one.text) for one in found.warnings] == [
        (2, "roles", "admin stays: there would be no administrator left")
    ]
    roles = {one.name: one.roles for one in session.scalars(select(Staff))}
    assert roles == {"Ada": {"analyst"}, "Ben": {"admin", "analyst"}}
    handed_over = take_staff(session, runtime, ben.format("analyst"), ada.format("admin"))
    assert handed_over.warnings == []
    assert {one.name: one.roles for one in session.scalars(select(Staff))} == {"Ada": {"admin"}, "Ben": {"analyst"}}


def test_a_dry_run_does_not_tell_a_pin(session: Session, runtime: Runtime) -> None:
    """Whoever may try files out would find PINs by trying. That there is none yet, or none any more, is no secret."""
    row = "ana@bank.example,Ana Horton,analyst,,{},email"
    take_staff(session, runtime, row.format("073623"))
    right, wrong = (take_staff(session, runtime, row.format(pin), dry_run=True) for pin in ("073623", "184650"))
    assert right == wrong
    assert counts(take_staff(session, runtime, row.format(""), dry_run=True)) == (0, 1, 0, 0)
    assert counts(take_staff(session, runtime, row.format("184650"))) == (0, 1, 0, 0)
    assert pins.is_theirs(session.scalars(select(Staff)).one(), "184650")
    take_staff(session, runtime, row.format(""))
    assert counts(take_staff(session, runtime, row.format("184650"), dry_run=True)) == (0, 1, 0, 0)


def test_staff_are_taken_and_changed(session: Session, runtime: Runtime) -> None:
    row = "Ana@Bank.example,Ana Horton,analyst;officer,tel:+1 212 555 0150,073623,sms;email"
    assert counts(take_staff(session, runtime, row)) == (1, 0, 0, 0)
    ana = session.scalars(select(Staff)).one()
    assert (ana.email, ana.name, ana.phone, ana.channels) == (
        "ana@bank.example", "Ana Horton", "+12125550150", ["sms", "email"]
    )  # fmt: skip
    assert ana.roles == {"analyst", "officer"}
    assert ana.pin_hash
    assert "073623" not in ana.pin_hash
    ana.password_hash, first = "kept", ana.pin_hash
    assert counts(take_staff(session, runtime, row)) == (0, 0, 1, 0)
    assert ana.pin_hash == first, "a PIN that is the same is not hashed again"
    changed = row.replace("analyst;officer", "rep").replace("073623", "184650").replace("tel:+1 212 555 0150", "")
    assert counts(take_staff(session, runtime, changed, dry_run=True)) == (0, 1, 0, 0)
    assert ana.roles == {"analyst", "officer"}
    assert counts(take_staff(session, runtime, changed)) == (0, 1, 0, 0)
    assert (ana.roles, ana.phone, ana.password_hash) == ({"rep"}, None, "kept")
    assert ana.pin_hash != first
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first()
    assert entry is not None
    assert json.loads(entry.detail)["roles_changed"] == ["ana@bank.example"]


@pytest.mark.parametrize(
    ("row", "refused", "warned"),
    [
        (",Ana,rep,,,", ["email"], []),
        ("ana at bank,Ana,rep,,,", ["email"], []),
        ("ana@bank.example,,rep,,,", ["name"], []),
        ("ana@bank.example,Ana,,,,", ["roles"], []),
        ("ana@bank.example,Ana,oficer,,,", ["roles"], []),
        ("ana@bank.example,Ana,Rep; ADMIN,555-01,993,pigeon;sms", [], ["phone", "pin", "channels"]),
        ("ana@bank.example,Ana,rep,,1234,email", [], ["pin"]),
        ("ana@bank.example,Ana,rep,,000000,email", [], ["pin"]),
        ("ana@bank.example,Ana,rep,,7e3623,email", [], ["pin"]),
    ],
)
def test_staff_that_are_refused_or_warned_about(
    session: Session, runtime: Runtime, row: str, refused: list[str], warned: list[str]
) -> None:
    result = take_staff(session, runtime, row)
    assert [one.column for one in result.refused] == refused
    assert sorted(one.column for one in result.warnings) == sorted(warned)
    pin = row.split(",")[4]
    assert not pin or all(pin not in one.text for one in result.warnings), "a PIN is never shown"


def test_a_telephone_of_two_is_warned_about(session: Session, runtime: Runtime) -> None:
    """A file is taken in nevertheless: both can be rung there."""
    row = "{}@bank.example,{},officer,+12125550150,073623,voice"
    take_staff(session, runtime, row.format("ana", "Ana"))
    both = (row.format("ben", "Ben"), row.format("cy", "Cy").replace("0150", "0151"))
    result = take_staff(session, runtime, *both)
    assert [(one.row, one.column, one.text) for one in result.warnings] == [
        (2, "phone", "is ana@bank.example's, too: the staff line knows neither of them by it when it is called")
    ]
    assert result.imported == 2
    session.scalars(select(Staff).where(Staff.email == "ana@bank.example")).one().active = False
    session.flush()
    assert take_staff(session, runtime, *both).warnings == []


def test_marks_that_turn_a_line_round_are_left_out(bank: Session, runtime: Runtime) -> None:
    """Address books copy them along, seen by nobody; in a name they would turn the rest of a page's line."""
    turned = "\u202eAnn\u202c \u2067Miller\u2069,Firm\u200f,,,\u202a+12125550101\u202c,,,sms,en,UTC,,\u200esemis"
    result = take(bank, runtime, f"\u202aC9,{turned}")
    assert (result.added, result.refused, result.warnings) == (1, [], [])
    ann = only(bank, "C9")
    assert (ann.name, ann.firm.name if ann.firm else "", ann.contact_points[0].address) == (
        "Ann Miller", "Firm", "+12125550101"
    )  # fmt: skip
    assert [one.key for one in ann.lists] == ["semis"]


def test_a_file_lets_nobody_in_again(session: Session, runtime: Runtime) -> None:
    row = "ana@bank.example,Ana,admin,,,email"
    take_staff(session, runtime, row)
    session.scalars(select(Staff)).one().active = False
    result = take_staff(session, runtime, row)
    assert (counts(result), [one.row for one in result.warnings]) == ((0, 0, 1, 0), [2])
    assert not session.scalars(select(Staff)).one().active
