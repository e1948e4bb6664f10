"""The directory by hand, who owns whom, and what was said to whom; on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    AuditEntry,
    Conversation,
    Customer,
    Delivery,
    DistributionList,
    Firm,
    Grant,
    Letter,
    ListMember,
    Message,
    Recipient,
    Reply,
    ReplyFile,
    Response,
    Staff,
    Version,
)
from dispatcher.model.errors import NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import directory, imports, ownership
from dispatcher.services.duplicates import alike, likely_duplicates
from tests.directory_runtime import runtime_for, staff_without_pins

ANN: dict[str, object] = {
    "name": "Ann Miller", "firm": "Simon LLC", "rep_email": "Rep@bank.example", "email": "ANN@simon.example",
    "sms": "tel:+1-212-555-0101", "voice": "0012125550101", "fax": None, "channels": ["sms", "email"],
    "language": "de", "timezone": "europe/berlin", "quiet_hours": "22:00-07:00", "lists": ["semis", "top"],
}  # fmt: skip


@pytest.fixture
def runtime(sessions: sessionmaker[Session]) -> Runtime:
    return runtime_for(sessions)


@pytest.fixture
def bank(session: Session) -> Session:
    session.add(Staff(email="rep@bank.example", name="Rep", channels=[], grants=[Grant(role="rep")]))
    session.flush()
    return session


def put(session: Session, runtime: Runtime, key: str = "C1", **changes: object) -> Customer:
    customer, _ = directory.put_customer(session, runtime, key, {**ANN, **changes}, "system")
    return customer


def acts(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


# --- customers


def test_a_customer_is_put_changed_and_put_again(bank: Session, runtime: Runtime) -> None:
    ann, created = directory.put_customer(bank, runtime, "C1", ANN, "system")
    assert created
    assert {one.channel: one.address for one in ann.contact_points} == {
        "email": "ann@simon.example", "sms": "+12125550101", "voice": "+12125550101"
    }  # fmt: skip
    assert (ann.timezone, ann.language, [one.channel for one in ann.preferences]) == (
        "Europe/Berlin", "de", ["sms", "email"]
    )  # fmt: skip
    assert {one.key: one.name for one in ann.lists} == {"semis": "Semis", "top": "Top"}
    again, created = directory.put_customer(bank, runtime, "C1", ANN, "system")
    assert (again is ann, created) == (True, False)
    as_text = {**ANN, "channels": "sms>email", "lists": "top;semis"}
    directory.put_customer(bank, runtime, "C1", as_text, "system")
    assert acts(bank) == ["add customer"], "what changes nothing is no act"
    put(bank, runtime, name="Ann M.", fax="+12125550109", lists=[])
    assert (ann.name, len(ann.contact_points), ann.lists) == ("Ann M.", 4, [])
    directory.put_customer(bank, runtime, "C1", {"name": "Ann"}, "system")
    assert (ann.contact_points, ann.preferences, ann.firm, ann.rep) == ([], [], None, None)
    assert acts(bank) == ["add customer", "change customer", "change customer"]


def test_every_wrong_field_at_once_and_nothing_is_kept(bank: Session, runtime: Runtime) -> None:
    wrong = {
        "name": " ", "rep_email": "nobody@bank.example", "email": "n/a", "sms": "555-01", "voice": "+1 900 555 0100",
        "channels": ["pigeon", "owl"], "language": "klingon", "timezone": "Mars/Olympus", "quiet_hours": "late",
        "lists": ["x" * 101], "colour": "red",
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        directory.put_customer(bank, runtime, "C1", wrong, "system")
    assert set(refused.value.fields) == set(wrong)
    assert "pigeon" in refused.value.fields["channels"]
    assert "owl" in refused.value.fields["channels"]
    assert bank.scalars(select(Customer)).all() == []
    with pytest.raises(Refused) as refused:
        directory.put_customer(bank, runtime, "C" * 101, {"name": "Ann"}, "system")
    assert set(refused.value.fields) == {"customer_id"}


def test_a_deleted_customer_is_off_all_lists_and_comes_back(bank: Session, runtime: Runtime) -> None:
    ann = put(bank, runtime)
    directory.delete_customer(bank, runtime, "C1", "system")
    assert not ann.active
    assert bank.scalars(select(ListMember)).all() == []
    directory.delete_customer(bank, runtime, "C1", "system")
    assert len(acts(bank)) == 2
    put(bank, runtime)
    assert ann.active
    with pytest.raises(NotFound):
        directory.delete_customer(bank, runtime, "C2", "system")


@pytest.mark.parametrize(
    ("own", "firms", "owner"),
    [
        (True, True, "own"), (True, False, "own"), (False, True, "firm"), (False, False, None),
        (None, True, "firm"), (None, None, None), (False, None, None),
    ],
)  # fmt: skip
def test_who_owns_a_customer(session: Session, own: bool | None, firms: bool | None, owner: str | None) -> None:
    """True: there and active; False: there, but gone; None: nobody is named."""

    def rep(name: str, active: bool | None) -> Staff | None:
        return None if active is None else Staff(email=f"{name}@bank.example", name=name, channels=[], active=active)

    firm = Firm(name="Simon LLC", rep=rep("firm", firms))
    ann = Customer(key="C1", name="Ann", firm=firm, rep=rep("own", own))
    session.add(ann)
    session.flush()
    found = ownership.owner_of(session, ann)
    assert (found.name if found else None) == owner


# --- lists


def test_a_list_is_made_named_owned_and_filled(bank: Session, runtime: Runtime) -> None:
    owner = bank.scalars(select(Staff)).one()
    for key in ("C1", "C2", "C3"):
        put(bank, runtime, key, lists=[])
    made = directory.put_list(bank, runtime, "semis-all", "", None, "system")
    assert (made.name, made.owner) == ("Semis all", None)
    assert directory.put_list(bank, runtime, "semis-all", "Semis all", None, "system") is made
    directory.put_list(bank, runtime, "semis-all", "  Semi\nconductors ", owner, "system")
    assert (made.name, made.owner) == ("Semi conductors", owner)
    for keys, now in ((["C2", "C1", "C2"], {"C1", "C2"}), (["C2", "C3"], {"C2", "C3"}), (["C2", "C3"], {"C2", "C3"})):
        directory.set_members(bank, runtime, "semis-all", keys, owner)
        assert set(bank.scalars(select(Customer.key).join(ListMember))) == now
    assert acts(bank)[3:] == ["add list", "change list", "change members", "change members"]


def test_what_a_list_cannot_be(bank: Session, runtime: Runtime) -> None:
    put(bank, runtime)
    for key, name in (
        ("", "x"),
        ("a;b", "x"),
        ("x" * 101, "x"),
        ("a", "x" * 201),
        ("a\nb", "x"),
        ("101", "x"),
        ("SEMIS", "x"),
    ):
        with pytest.raises(Refused):
            directory.put_list(bank, runtime, key, name, None, "system")
    with pytest.raises(NotFound):
        directory.set_members(bank, runtime, "nope", [], "system")
    put(bank, runtime, "C2", lists=[])
    directory.delete_customer(bank, runtime, "C2", "system")
    with pytest.raises(Refused) as refused:
        directory.set_members(bank, runtime, "top", ["C1", "C2", "C9"], "system")
    assert "C2" in refused.value.fields["members"]
    assert "C9" in refused.value.fields["members"]
    assert set(bank.scalars(select(DistributionList.key))) == {"semis", "top"}


# --- what was said, and who may be one person


def test_the_history_of_a_customer(bank: Session, runtime: Runtime) -> None:
    ann, rep = put(bank, runtime), bank.scalars(select(Staff)).one()
    begun = datetime(2030, 1, 31, 9, 30, tzinfo=UTC)
    later = [begun + timedelta(minutes=minute) for minute in range(6)]
    message = Message(author=rep, state="released", released_at=later[0])
    version = Version(message=message, number=1, editor=rep, subject="Downgrade", text="Words.", digest="0" * 64)
    unsent = Message(author=rep, state="approved")
    bank.add_all([message, version, unsent])
    bank.flush()
    delivery = Delivery(
        message=message, channel="sms", address="+12125550101", state="delivered", settled_at=later[1],
        recipients=[Recipient(message_id=message.id, customer_id=ann.id, channel="sms", because="1st choice")],
    )  # fmt: skip
    talk = Conversation(message=message, customer=ann, rep=rep, channel="sms")
    letter = Letter(
        kind="response", dedupe="r", channel="sms", address="+12125550101", text="Will do", state="accepted"
    )
    bank.add_all(
        [
            delivery,
            Recipient(message_id=unsent.id, customer_id=ann.id),
            Reply(dedupe="1", customer=ann, message=message, conversation=talk, channel="sms", sender="+12125550101",
                  text="Call me", received_at=later[2],
                  files=[ReplyFile(position=1, name="a.pdf"), ReplyFile(position=2, name="b.zip", note="empty")]),
            Letter(kind="confirmation", dedupe="stopped:1", channel="sms", address="+12125550101", customer=ann,
                   text="No more.", state="delivered", settled_at=later[5], created_at=later[5]),
            Reply(dedupe="2", customer=ann, message=message, conversation=talk, channel="voice",
                  sender="+12125550101", kind="call", received_at=later[3]),
            Response(dedupe="3", conversation=talk, staff=rep, letter=letter, text="Will do", created_at=later[4]),
        ]
    )  # fmt: skip
    bank.flush()
    told = directory.history(bank, ann)
    assert [(one["at"], one["kind"], one["text"]) for one in told] == [
        (later[5], "notice", "No more."),
        (later[4], "response", "Will do"),
        (later[3], "reply", "asked for a call"),
        (later[2], "reply", "Call me"),
        (later[0], "alert", "Downgrade"),
    ]
    notice, *told = told
    assert (notice["because"], notice["reached_at"]) == ("written by itself", later[5])
    assert all(one["message"] == message.id for one in told)
    assert told[2]["files"] == ["a.pdf", "b.zip (empty)"]
    assert (told[0]["by"], told[0]["state"], told[3]["because"]) == ("Rep", "accepted", "1st choice")
    assert (told[3]["channel"], told[3]["state"], told[3]["reached_at"]) == ("sms", "delivered", later[1])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann Miller", "ann miller", True),
        ("Ann Miller", "Miller, Ann", True),
        ("Dr. Ann Miller B.Sc.", "Ann Miller", True),
        ("Ann Miller", "A. Miller", True),
        ("Ann Margaret Miller", "Ann Miller", True),
        ("Jörg Süßebier", "Jorg Sussebier", True),
        ("Elizabeth Hutchinson", "Elisabeth Hutchinson", True),
        ("Ann Miller", "Bob Miller", False),
        ("Ann Miller", "Ann Baker", False),
        ("Miller", "Ann Miller", False),
        ("Dr.", "Prof.", False),
    ],
)
def test_names_that_are_alike(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is alike(other, one) is same


def test_likely_duplicates_are_proposed(bank: Session, runtime: Runtime) -> None:
    put(bank, runtime, "C1")
    put(bank, runtime, "C2", name="A. Miller", email="", sms="", voice="+12125550101")
    put(bank, runtime, "C3", name="Bob Baker", email="", sms="")  # shares the desk's telephone
    put(bank, runtime, "C4", name="Ann Miller", email="", sms="", voice="+12125550109")
    put(bank, runtime, "C5", email="")
    directory.delete_customer(bank, runtime, "C5", "system")
    (found,) = likely_duplicates(bank)
    assert ({found.one.key, found.other.key}, found.addresses) == ({"C1", "C2"}, ("+12125550101",))


def test_the_samples_hold_people_twice(session: Session, sessions: sessionmaker[Session], samples: Path) -> None:
    runtime = runtime_for(sessions)
    imports.import_staff(session, runtime, staff_without_pins(samples), dry_run=False, actor="system")
    content = samples.joinpath("customers.csv").read_bytes()
    imports.import_customers(session, runtime, content, dry_run=False, actor="system")
    twice = {
        one.key
        for one in session.scalars(select(Customer).where(Customer.key.startswith("D")))
        if one.contact_points  # of one of them no address could be read
    }
    proposed = {customer.key for one in likely_duplicates(session) for customer in (one.one, one.other)}
    assert len(twice) == 29
    assert twice <= proposed
