"""Who may end our alerts to whom, and that no wish to end them is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from dispatcher.bells import commit
from dispatcher.model import Attempt, ContactPoint, Customer, Delivery, Reply, Suppression
from dispatcher.services import calls, correcting, letters, preferences, suppressions
from tests.webhooks.world import World

ANA, BOB, ELSEWHERE = "ana@simon.example", "+12025550101", "a.s@home.example"


@pytest.fixture
def world(light: World) -> World:
    return light


def orders(world: World) -> list[tuple[str, str, str]]:
    with world.runtime.sessions() as session:
        standing = select(Suppression).where(Suppression.lifted_at.is_(None)).order_by(Suppression.id)
        return [(one.channel, one.address, one.reason) for one in session.scalars(standing)]


@pytest.mark.parametrize(
    ("known_by", "state"), [("", "unmatched"), ("suppression", "settled"), ("letter", "settled"), ("two", "settled")]
)
def test_an_opt_out_from_an_address_that_nobody_knows_is_seen_by_a_person(
    world: World, known_by: str, state: str
) -> None:
    """Who reads alerts in another mailbox would get them on and on, and nobody would know."""
    with world.runtime.sessions() as session:
        if known_by == "suppression":
            suppressions.suppress(session, world.runtime, "email", ELSEWHERE, "bounce", "mail")
            suppressions.lift(session, world.runtime, "email", ELSEWHERE)
        elif known_by == "letter":
            letters.write(
                session, world.runtime, kind="response", dedupe="x", channel="email", address=ELSEWHERE, subject="",
                text="x", customer=session.get_one(Customer, world.bank.ids["ana"]),
            )  # fmt: skip
        elif known_by == "two":
            for name in ("dora", "emil"):
                session.add(ContactPoint(customer_id=world.bank.ids[name], channel="email", address=ELSEWHERE))
        commit(session, world.runtime.bells)
    world.mail(ELSEWHERE, "alerts@in.bank.example", "unsubscribe")
    world.work()
    (reply,) = world.replies()
    assert (reply.kind, reply.state) == ("opt-out", state)
    assert orders(world) == [("email", ELSEWHERE, "opt-out")]
    told = [one.subject for one in world.letters() if one.subject == "A reply belongs to nobody yet"]
    assert bool(told) is (state == "unmatched")


# --- locks ------------------------------------------------------------------------------------------------


def by_sms(world: World, text: str) -> None:
    world.sms(BOB, text)
    world.work()


def by_key(world: World) -> None:
    with world.runtime.sessions() as session:
        called = select(Attempt.id).join(Attempt.delivery).where(Delivery.channel == "voice")
        caller = calls.by_attempt(session, world.runtime, session.scalars(called).one())
        assert caller is not None
        calls.wants_no_calls(session, world.runtime, "twilio", "CA1", caller)
        commit(session, world.runtime.bells)


def by_person(world: World, kind: str = "opt-out") -> None:
    with world.runtime.sessions() as session:
        number = session.scalars(select(Reply.id)).one()
        correcting.correct(session, world.runtime, world.bank.staff(session, "rep"), number, kind)
        commit(session, world.runtime.bells)


def back_by_person(world: World) -> None:
    by_person(world, "opt-in")


def by_page(world: World) -> None:
    with world.runtime.sessions() as session:
        preferences.stop_everywhere(session, world.runtime, session.get_one(Customer, world.bank.ids["bob"]))
        commit(session, world.runtime.bells)


@pytest.mark.parametrize(
    "act",
    [
        lambda world: by_sms(world, "stop texting me"),
        lambda world: by_sms(world, "no more texts and no more mails please"),
        by_page,
        lambda world: by_sms(world, "I am not Bob, wrong number"),
        lambda world: by_sms(world, "take me off maybe, I get too many of these"),
        by_key,
        by_person,
        back_by_person,
    ],
    ids=["opt-out", "two ways", "every way", "wrong person", "doubt", "key", "corrected", "corrected to a return"],
)
def test_what_waits_is_held_before_the_record(world: World, act: Callable[[World], None]) -> None:
    """A cancellation takes what waits first and the record last: the other way round they would wait in a circle."""
    world.alert()
    if act in (by_person, back_by_person):
        by_sms(world, "sell 500 SAP at market")
    said: list[str] = []

    def hear(connection: object, cursor: object, statement: str, given: object, *rest: object) -> None:
        said.append(f"{' '.join(statement.split())} {given}")

    with world.runtime.sessions() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", hear)
    act(world)
    event.remove(engine, "before_cursor_execute", hear)
    assert bool(orders(world)) is (act is not back_by_person)
    held = max(
        next(at for at, one in enumerate(said) if one.startswith("UPDATE letters SET due_at") and address in one)
        for address in [order[1] for order in orders(world)] or [BOB]
    )
    recorded = next(at for at, one in enumerate(said) if one.startswith("INSERT INTO audit"))
    assert held < recorded


@pytest.mark.parametrize("act", [lambda world: by_sms(world, "START"), back_by_person], ids=["START", "corrected"])
def test_who_comes_back_gets_nothing_sooner_that_waits_for_something_else(
    world: World, act: Callable[[World], None]
) -> None:
    ids = world.alert()
    if act is back_by_person:
        by_sms(world, "sell 500 SAP at market")
    due = world.runtime.now() + timedelta(minutes=3)
    with world.runtime.sessions() as session:
        asked_to_wait = session.get_one(Delivery, ids["bob"])
        asked_to_wait.state, asked_to_wait.due_at, asked_to_wait.error = "deferred", due, "busy"
        session.commit()
    act(world)
    assert world.replies()[-1].kind == "opt-in"
    with world.runtime.sessions() as session:
        assert session.get_one(Delivery, ids["bob"]).due_at == due
