"""Who gets a message, by which channel, because of what; on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import correlation

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.model import (
    ContactPoint,
    Customer,
    Delivery,
    DistributionList,
    ListMember,
    Message,
    Preference,
    Recipient,
    Staff,
    Suppression,
    Version,
    VersionList,
)
from dispatcher.model.gate import Limits
from dispatcher.runtime import Runtime
from dispatcher.services import audience, forecast, imports
from dispatcher.services.channel_choice import ABSENT, INVALID, SUPPRESSED, UNWANTED, USABLE, choose
from dispatcher.services.shuffle import place_of
from dispatcher.storage import roomy
from tests.directory_runtime import ALL, WITHOUT_FAX, runtime_for, staff_without_pins

EXPECTED = json.loads(Path(__file__).parents[1].joinpath("samples", "expected.json").read_text())


def message_for(session: Session, keys: Iterable[str], topic: str = "", state: str = "pending") -> Message:
    author = session.scalar(select(Staff)) or Staff(email="ana@bank.example", name="Ana", channels=[])
    message = Message(author=author, state=state, seed=7)
    version = Version(
        message=message, number=1, editor=author, subject="Downgrade", text="Words.", topic=topic, digest="0" * 64
    )
    session.add_all([message, version])
    session.flush()
    lists = session.scalars(select(DistributionList).where(DistributionList.key.in_(list(keys))))
    session.add_all([VersionList(version_id=version.id, list_id=one.id) for one in lists])
    session.flush()
    session.expire(version)
    return message


# --- the samples


@pytest.fixture
def directory(session: Session, sessions: sessionmaker[Session], samples: Path) -> Session:
    runtime = runtime_for(sessions)
    imports.import_staff(session, runtime, staff_without_pins(samples), dry_run=False, actor="system")
    content = samples.joinpath("customers.csv").read_bytes()
    result = imports.import_customers(session, runtime, content, dry_run=False, actor="system")
    assert (result.rows, result.imported, len(result.refused)) == (
        EXPECTED["rows"],
        EXPECTED["imported"],
        EXPECTED["refused"],
    )
    return session


@pytest.mark.parametrize(
    ("carried", "name"), [(ALL, "audiences"), (WITHOUT_FAX, "audiences_without_a_fax_provider")], ids=["fax", "no fax"]
)
def test_the_samples_make_the_audiences_they_should(
    directory: Session, sessions: sessionmaker[Session], carried: tuple[str, ...], name: str
) -> None:
    runtime = runtime_for(sessions, carried)
    for right in EXPECTED[name]:
        message = message_for(directory, right["lists"])
        seen = audience.preview(directory, runtime, message.current)
        assert {
            "lists": right["lists"], "listed": seen.listed, "recipients": seen.recipients,
            "duplicates_removed": seen.duplicates_removed, "unreachable": seen.unreachable,
            "deliveries": seen.deliveries, "by_channel": seen.by_channel,
        } == right  # fmt: skip
        assert audience.snapshot(directory, runtime, message) == right["recipients"]
        made = audience.resolve(directory, runtime, message, fixed=True)
        assert (made.recipients, made.unreachable, made.by_channel) == (
            right["recipients"], right["unreachable"], right["by_channel"]
        )  # fmt: skip


# --- a small directory


@pytest.fixture
def runtime(sessions: sessionmaker[Session]) -> Runtime:
    return runtime_for(sessions)


def add(
    session: Session,
    key: str,
    points: dict[str, str],
    order: str = "",
    lists: tuple[str, ...] = ("semis",),
    language: str = "en",
) -> Customer:
    customer = Customer(key=key, name=f"Name of {key}", language=language)
    customer.contact_points = [ContactPoint(channel=name, address=address) for name, address in points.items()]
    steps = [step for step in order.split(">") if step]
    customer.preferences = [Preference(topic="", rank=rank, channel=name) for rank, name in enumerate(steps)]
    session.add(customer)
    session.flush()
    for name in lists:
        one = session.scalar(select(DistributionList).where(DistributionList.key == name))
        if one is None:
            one = DistributionList(key=name, name=name)
            session.add(one)
            session.flush()
        session.add(ListMember(list_id=one.id, customer_id=customer.id))
    session.flush()
    return customer


def released(session: Session, runtime: Runtime, message: Message) -> dict[str, Recipient]:
    """The recipients by customer key, after approval and release."""
    if not session.scalar(select(func.count()).where(Recipient.message_id == message.id)):
        audience.snapshot(session, runtime, message)
    audience.resolve(session, runtime, message, fixed=True)
    rows = session.scalars(select(Recipient).where(Recipient.message_id == message.id))
    return {row.customer.key: row for row in rows}


def mail(key: str) -> dict[str, str]:
    return {"email": f"{key}@firm.example"}


BOTH = {"email": "bo@firm.example", "sms": "+12125550101"}


@pytest.mark.parametrize(
    ("order", "points", "channel", "because"),
    [
        ("", BOTH, "email", "usual order"),
        ("sms>email", BOTH, "sms", "1st choice"),
        ("voice>sms", BOTH, "sms", "2nd choice: voice is not known"),
        (
            "fax>voice>sms",
            {**BOTH, "fax": "+12125550103"},
            "sms",
            "3rd choice: fax has no provider, voice is not known",
        ),
        ("voice", BOTH, "email", "none of their choices: voice is not known"),
        ("", {"voice": "+12125550102"}, "voice", "usual order: email is not known, sms is not known"),
        ("sms", {}, None, "unreachable: no contact point"),
        ("sms", {"fax": "+12125550103"}, None, "unreachable: no provider for fax"),
    ],
)
def test_the_channel_and_its_reason(
    session: Session, runtime: Runtime, order: str, points: dict[str, str], channel: str | None, because: str
) -> None:
    add(session, "bo", points, order)
    message = message_for(session, ["semis"])
    (person,) = audience.people(session, runtime, message.current)
    assert (person.channel, person.because, person.key) == (channel, because, "bo")
    (bo,) = released(session, runtime, message).values()
    assert (bo.channel, bo.because) == (channel, because)
    assert (bo.delivery.address if bo.delivery else "") == person.address == points.get(channel or "", "")


def test_what_is_not_valid_or_suppressed_is_passed_over(session: Session, runtime: Runtime) -> None:
    add(session, "ann", {**mail("ann"), "sms": "+12125550111"}, "email>sms").contact_points[0].valid = False
    add(session, "bob", {**mail("bob"), "sms": "+12125550112"}, "sms>email")
    add(session, "cat", {"sms": "+12125550113", "voice": "+12125550113"}, "sms>voice")
    add(session, "dan", {"sms": "+12125550114"})
    now = datetime.now(UTC)
    session.add_all(
        [
            Suppression(channel="sms", address="+12125550112", reason="opt-out", source="sms STOP"),
            Suppression(channel="sms", address="+12125550113", reason="opt-out", source="sms STOP", lifted_at=now),
            Suppression(channel="sms", address="+12125550114", reason="opt-out", source="sms STOP"),
        ]
    )
    session.flush()
    message = message_for(session, ["semis"])
    seen = audience.preview(session, runtime, message.current)
    assert (seen.by_channel, seen.excluded) == ({"email": 1, "sms": 2}, [("asked for nothing", 1)])
    got = released(session, runtime, message)
    assert {key: one.channel for key, one in got.items()} == {"ann": "sms", "bob": "email", "cat": "sms", "dan": None}
    assert got["ann"].because == "2nd choice: email is not valid"
    assert got["bob"].because == "2nd choice: sms is suppressed"


def test_a_shared_telephone_is_one_delivery_for_two_recipients(session: Session, runtime: Runtime) -> None:
    add(session, "ann", {"voice": "+12125550120", "sms": "+12125550120"}, "voice", language="de")
    add(session, "bob", {"voice": "+12125550120"}, "voice", language="fr")
    add(session, "cat", {"sms": "+12125550120"}, "sms")
    message = message_for(session, ["semis"])
    seen = audience.preview(session, runtime, message.current)
    assert (seen.recipients, seen.deliveries, seen.recipients_by_channel) == (3, 2, {"voice": 2, "sms": 1})
    got = released(session, runtime, message)
    assert got["ann"].delivery is got["bob"].delivery is not got["cat"].delivery
    assert got["ann"].delivery is not None
    assert got["ann"].delivery.language in ("de", "fr")  # whoever of the two was drawn first
    assert (got["ann"].delivery.state, got["ann"].delivery.tries) == ("queued", 0)
    assert got["ann"].delivery.due_at is not None
    assert got["ann"].delivery.due_at <= runtime.now()
    again = released(session, runtime, message_for(session, ["semis"]))
    assert again["ann"].delivery is again["bob"].delivery is not got["ann"].delivery


def test_a_topic_has_its_own_order(session: Session, runtime: Runtime) -> None:
    points = {**mail("ann"), "sms": "+12125550121"}
    ann = add(session, "ann", points, "email")
    session.add(Preference(customer_id=ann.id, topic="ratings", rank=0, channel="sms"))
    add(session, "bob", {**mail("bob"), "sms": "+12125550122"}, "email>sms")
    session.flush()
    for topic, channel in (("", "email"), ("ratings", "sms"), ("macro", "email")):
        got = released(session, runtime, message_for(session, ["semis"], topic))
        assert {key: one.channel for key, one in got.items()} == {"ann": channel, "bob": "email"}


# --- between approval and release


def test_removals_and_opt_outs_count_additions_do_not(session: Session, runtime: Runtime) -> None:
    for key in ("stays", "leaves", "switches", "gone", "stops"):
        add(session, key, {**mail(key), "sms": f"+1212555{len(key):04d}"}, "email")
    add(session, "elsewhere", mail("elsewhere"), lists=("other",))
    message = message_for(session, ["semis", "top"])
    assert audience.snapshot(session, runtime, message) == 5
    message.state = "approved"
    members = {row.key: row for row in session.scalars(select(Customer))}

    def leave(key: str) -> None:
        session.delete(session.scalars(select(ListMember).where(ListMember.customer_id == members[key].id)).one())
        session.flush()

    leave("leaves")
    leave("switches")
    top = DistributionList(key="top", name="Top")
    session.add(top)
    session.flush()
    session.add(VersionList(version_id=message.current.id, list_id=top.id))
    session.add(ListMember(list_id=top.id, customer_id=members["switches"].id))
    members["gone"].active = False
    session.add(Suppression(channel="email", address="stops@firm.example", reason="opt-out", source="one-click"))
    add(session, "late", mail("late"))

    seen = audience.preview(session, runtime, message.current)
    assert (seen.recipients, seen.by_channel) == (3, {"email": 2, "sms": 1})
    made = audience.resolve(session, runtime, message, fixed=True)
    assert (made.recipients, made.left, made.by_channel) == (3, 2, {"email": 2, "sms": 1})
    got = released_already(session, message)
    assert set(got) == {"stays", "leaves", "switches", "gone", "stops"}
    assert {key for key, one in got.items() if one.left_at} == {"leaves", "gone"}
    assert all(got[key].delivery is None and got[key].because.startswith("left") for key in ("leaves", "gone"))
    assert got["stops"].channel == "sms"


def released_already(session: Session, message: Message) -> dict[str, Recipient]:
    rows = session.scalars(select(Recipient).where(Recipient.message_id == message.id))
    return {row.customer.key: row for row in rows}


def test_a_later_approval_fixes_the_audience_anew(session: Session, runtime: Runtime) -> None:
    add(session, "ann", mail("ann"))
    message = message_for(session, ["semis"])
    assert audience.snapshot(session, runtime, message) == 1
    add(session, "bob", mail("bob"))
    assert audience.snapshot(session, runtime, message) == 2


def test_after_the_release_it_says_what_was(session: Session, runtime: Runtime) -> None:
    add(session, "ann", mail("ann"), lists=("semis", "top"))
    add(session, "bob", mail("bob"))
    add(session, "cat", {})
    message = message_for(session, ["semis", "top"])
    before = audience.preview(session, runtime, message.current)
    people = audience.people(session, runtime, message.current)
    released(session, runtime, message)
    message.state, message.released_at = "released", runtime.now()
    add(session, "dan", mail("dan"))
    session.add(Suppression(channel="email", address="ann@firm.example", reason="opt-out", source="one-click"))
    assert audience.preview(session, runtime, message.current) == before
    assert (before.listed, before.duplicates_removed, before.unreachable) == (4, 1, 1)
    assert audience.people(session, runtime, message.current) == people
    assert [one.key for one in people] == ["ann", "bob", "cat"]


def test_a_page_of_people_and_those_left_out(session: Session, runtime: Runtime) -> None:
    for key in ("ann", "bob", "cat", "dan"):
        add(session, key, mail(key) if key != "cat" else {})
    version = message_for(session, ["semis"]).current
    assert [one.key for one in audience.people(session, runtime, version, 2, 1)] == ["bob", "cat"]
    (cat,) = audience.people(session, runtime, version, unreachable=True)
    assert (cat.key, cat.channel, cat.address, cat.because) == ("cat", None, "", "unreachable: no contact point")


def test_nobody_on_the_lists(session: Session, runtime: Runtime) -> None:
    message = message_for(session, [])
    assert audience.preview(session, runtime, message.current).recipients == 0
    assert audience.snapshot(session, runtime, message) == 0
    made = audience.resolve(session, runtime, message, fixed=True)
    assert (made.recipients, made.by_channel) == (0, {})


def test_memory_is_lent_for_a_release_and_no_longer(session: Session) -> None:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    ask = text("PRAGMA cache_size" if on_sqlite else "SHOW work_mem")
    before = session.scalar(ask)
    with suppress(LookupError), roomy(session):
        assert session.scalar(ask) != before
        raise LookupError
    if not on_sqlite:
        session.rollback()
    assert session.scalar(ask) == before


# --- order, forecast


def order_of(session: Session, message: Message) -> list[str]:
    rows = session.execute(
        select(Delivery.address, Delivery.position).where(Delivery.message_id == message.id).order_by(Delivery.position)
    ).all()
    assert [row.position for row in rows] == sorted({row.position for row in rows})
    # What leaves together lies together.
    lies = session.scalars(select(Delivery.address).where(Delivery.message_id == message.id).order_by(Delivery.id))
    assert lies.all() == [row.address for row in rows]
    return [row.address for row in rows]


def test_the_order_is_shuffled_by_the_seed_alone(session: Session, runtime: Runtime) -> None:
    customers = [add(session, f"c{number:03d}", mail(f"c{number:03d}")) for number in range(200)]
    orders = []
    for seed in (1, 2, 1):
        message = message_for(session, ["semis"])
        message.seed = seed
        audience.snapshot(session, runtime, message)
        assert audience.resolve(session, runtime, message, fixed=True).by_channel == {"email": 200}
        orders.append(order_of(session, message))
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(f"{one.key}@firm.example" for one in customers)
    by_place = sorted(customers, key=lambda one: place_of(one.id, 1))
    assert orders[0] == [f"{one.key}@firm.example" for one in by_place]


@pytest.mark.parametrize("first", [1, 100_000, 2**31, 2**40])
def test_nobody_is_favoured_over_many_releases(first: int) -> None:
    ids = range(first, first + 1000)
    correlations, firsts = [], Counter[int]()
    for seed in range(200):
        places = [place_of(number, seed) for number in ids]
        correlations.append(correlation(ids, places))
        ranked = sorted(ids, key=lambda number, places=places: places[number - first])  # type: ignore[misc]  # bound now
        firsts.update((number - first) // 100 for number in ranked[:100])
        steps = Counter(b - a for a, b in pairwise(ranked))
        assert steps.most_common(1)[0][1] < 12, "even steps: the order could be told from the ids"
    assert abs(sum(correlations)) / len(correlations) < 0.01
    assert max(abs(one) for one in correlations) < 0.15
    assert all(1700 < count < 2300 for count in firsts.values())  # of 20,000 early places each tenth has 2,000


def test_the_forecast_follows_the_limits(sessions: sessionmaker[Session]) -> None:
    runtime = runtime_for(sessions, limits=Limits("idle", 100, a_second=2.0))
    assert forecast.seconds_for(runtime, "voice", 100) == 50.0
    assert forecast.seconds_for(runtime, "fax", 100) == 0.0  # no provider
    assert forecast.seconds_for(runtime, "voice", 0) == 0.0


def test_the_rule_by_itself() -> None:
    def situation(states: dict[str, int], order: tuple[str, ...] = ()) -> int:
        places = {name: place for place, name in enumerate(ALL)}
        points = sum(state << (3 * places[name]) for name, state in states.items())
        return points + sum((places[name] + 1) << (12 + 3 * rank) for rank, name in enumerate(order))

    everything = dict.fromkeys(ALL, USABLE)
    for name in ALL:
        assert choose(situation(everything, (name,)), ALL).channel == name
        assert choose(situation({**everything, name: SUPPRESSED}, (name,)), ALL).channel == next(
            one for one in ALL if one != name
        )
    assert choose(situation(dict.fromkeys(ALL, ABSENT)), ALL).reason == "no contact point"
    assert choose(situation(dict.fromkeys(ALL, INVALID)), ALL).reason == "contact points not valid"
    assert choose(situation({"email": INVALID, "sms": SUPPRESSED}), ALL).reason == "contact points suppressed"
    assert choose(situation({"email": UNWANTED, "sms": SUPPRESSED}), ALL).reason == "contact points suppressed"
    assert choose(situation({"email": UNWANTED, "sms": UNWANTED}), ALL).reason == "asked for nothing"
    longest = choose(situation({"email": USABLE}, ("sms", "voice", "fax")), ALL).because
    assert longest == "none of their choices: sms is not known, voice is not known, fax is not known"
