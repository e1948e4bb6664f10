"""Kept callbacks in bulk: any order, number and grouping ends alike, and a bad one takes nothing with it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from channels.sendgrid import ATTEMPT
from dispatcher.model import Attempt, Callback, Delivery, ProviderEvent, Recipient, Task
from dispatcher.model.delivery import NEWS, after
from dispatcher.services import callbacks, good_news, news, status, sweep
from tests.webhooks.world import World

BOB = "+12025550101"
TEXT = {"queued": "accepted", "sent": "accepted", "delivered": "delivered", "undelivered": "failed", "failed": "failed"}
MAIL = {"processed": "accepted", "deferred": "", "delivered": "delivered", "bounce": "bounced", "dropped": "failed"}


def text_status(world: World, delivery_id: int, word: str) -> None:
    form = {"MessageSid": f"SM{delivery_id:032d}", "MessageStatus": word, "To": BOB}
    answer = world.twilio(f"sms-status?attempt={world.attempt_of(delivery_id)}", form)
    assert answer.status_code == 204


def mail_event(world: World, delivery_id: int, word: str) -> dict[str, Any]:
    attempt = world.attempt_of(delivery_id)
    return {
        "event": word, "email": "ana@simon.example", "timestamp": 1795168705, "sg_event_id": f"{attempt}-{word}",
        ATTEMPT: attempt,
    }  # fmt: skip


def picture(world: World, delivery_id: int) -> tuple[Any, ...]:
    """What must be the same whatever the order: the states, who is owed what by which delivery, what is kept."""
    with world.runtime.sessions() as session:
        delivery = session.get_one(Delivery, delivery_id)
        message = delivery.message_id
        others = session.scalars(
            select(Delivery.channel).where(Delivery.message_id == message, Delivery.position == -1)
        ).all()
        owed = session.execute(
            select(Recipient.channel, Recipient.delivery_id == delivery_id)
            .where(Recipient.message_id == message)
            .order_by(Recipient.customer_id)
        ).all()
        attempt = session.scalars(select(Attempt).where(Attempt.delivery_id == delivery_id)).one()
        events = select(func.count()).select_from(ProviderEvent).where(ProviderEvent.attempt_id == attempt.id)
        tasks = session.scalar(select(func.count()).where(Task.message_id == message, Task.state == "open"))
        return (
            delivery.state, delivery.accepted_at is not None, delivery.due_at, delivery.settled_at is not None,
            attempt.state, attempt.provider_ref is not None, sorted(others), [tuple(row) for row in owed],
            session.scalar(events), tasks,
        )  # fmt: skip


def ends(states: Iterable[str], start: str = "accepted") -> str:
    for one in states:
        start = after(start, one) if one else start
    return start


# --- P5 ---------------------------------------------------------------------------------------------------


ORDERS = st.lists(st.sampled_from(sorted(TEXT)), min_size=1, max_size=7)
ARRAYS = st.lists(st.lists(st.sampled_from(sorted(MAIL)), min_size=1, max_size=4), min_size=1, max_size=4)
QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@QUICK
@given(words=ORDERS, at_once=st.booleans(), seed=st.integers(0, 99))
def test_any_order_and_number_of_posts_ends_alike(light: World, words: list[str], at_once: bool, seed: int) -> None:
    """Through the real door and job: applied together or each at once, repeated, shuffled."""
    pictures = []
    shuffled = words + words[: seed % 3]
    random.Random(seed).shuffle(shuffled)
    for order, together in ((words, True), (shuffled, at_once), (sorted(words), False)):
        bob = light.alert()["bob"]
        for word in order:
            text_status(light, bob, word)
            if not together:
                light.work()
        light.work()
        pictures.append(picture(light, bob))
    assert pictures[0] == pictures[1] == pictures[2]
    assert pictures[0][0] == ends(TEXT[word] for word in words)


@QUICK
@given(arrays=ARRAYS, seed=st.integers(0, 99))
def test_any_cut_of_the_same_events_into_arrays_ends_alike(light: World, arrays: list[list[str]], seed: int) -> None:
    flat = [word for array in arrays for word in array]
    shuffled = flat + flat[: seed % 4]
    random.Random(seed).shuffle(shuffled)
    pictures = []
    for cut, together in ((arrays, True), ([[word] for word in shuffled], False), ([shuffled], True)):
        ana = light.alert()["ana"]
        for array in cut:
            light.events(*[mail_event(light, ana, word) for word in array])
            if not together:
                light.work()
        light.work()
        pictures.append(picture(light, ana))
    assert pictures[0] == pictures[1] == pictures[2]
    assert pictures[0][0] == ends(MAIL[word] for word in flat)


@pytest.mark.parametrize("start", sorted(NEWS))
def test_good_news_in_bulk_is_the_same_as_one_by_one(world: World, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []
    for bulk in (True, False):
        found = []
        for attempt_state, words in itertools.product(
            ("sending", "unknown", "accepted"), (["sent"], ["delivered"], ["delivered", "sent"], ["sent", "delivered"])
        ):
            bob = world.alert()["bob"]
            with world.runtime.sessions() as session:
                session.execute(
                    update(Delivery).where(Delivery.id == bob).values(state=start, accepted_at=None, error="before")
                )
                session.execute(
                    update(Attempt)
                    .where(Attempt.delivery_id == bob)
                    .values(state=attempt_state, provider_ref=None, settled_at=None)
                )
                session.commit()
            for word in words:
                text_status(world, bob, word)
            found.append(bob)
        with monkeypatch.context() as patch:
            if not bulk:
                patch.setattr(good_news, "is_good", lambda _: False)
            world.work()
        with world.runtime.sessions() as session:
            rows = session.execute(
                select(
                    Delivery.state, Delivery.accepted_at, Delivery.settled_at, Delivery.lease_until, Delivery.error,
                    Delivery.due_at, Attempt.state, Attempt.settled_at,
                )
                .join(Attempt, Attempt.delivery_id == Delivery.id)
                .where(Delivery.id.in_(found))
                .order_by(Delivery.id)
            ).all()  # fmt: skip
        pictures.append([tuple(row) for row in rows])
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("order", [["undelivered", "delivered"], ["delivered", "undelivered"]])
def test_a_fallback_that_has_not_left_is_called_back(world: World, order: list[str]) -> None:
    bob = world.alert()["bob"]
    for word in order:
        text_status(world, bob, word)
        world.work()
    assert picture(world, bob)[0] == "delivered"
    with world.runtime.sessions() as session:
        assert session.scalars(select(Delivery).where(Delivery.position == -1)).all() == []
        owed = session.scalars(select(Recipient).where(Recipient.delivery_id == bob)).one()
        assert owed.channel == "sms"
    text_status(world, bob, "undelivered")
    world.work()
    assert picture(world, bob)[0] == "delivered"


def test_a_fallback_that_has_left_stays(world: World) -> None:
    bob = world.alert()["bob"]
    text_status(world, bob, "undelivered")
    world.work()
    with world.runtime.sessions() as session:
        session.execute(update(Delivery).where(Delivery.position == -1).values(state="sending", tries=1))
        session.commit()
    text_status(world, bob, "delivered")
    world.work()
    with world.runtime.sessions() as session:
        other = session.scalars(select(Delivery).where(Delivery.position == -1)).one()
        assert (other.state, len(other.recipients)) == ("sending", 1)


def test_a_task_to_reach_somebody_is_closed_when_the_alert_arrived(world: World) -> None:
    dora = world.alert()["dora"]  # she and Emil have nothing but this telephone
    text_status(world, dora, "undelivered")
    world.work()
    text_status(world, dora, "delivered")
    world.work()
    with world.runtime.sessions() as session:
        tasks = session.scalars(select(Task).where(Task.kind == "failed")).all()
        assert [(one.state, one.answer) for one in tasks] == [("closed", "settled")] * 2


@pytest.mark.parametrize("order", list(itertools.permutations(["busy", "no-answer", "completed"])))
def test_the_outcome_of_a_call_does_not_depend_on_the_order(light: World, order: Sequence[str]) -> None:
    cleo = light.alert()["cleo"]
    for number, word in enumerate(order):
        light.twilio(
            f"call-status?attempt={light.attempt_of(cleo)}",
            {"CallSid": "CA" + "1" * 32, "CallStatus": word, "To": "+12025550102", "SequenceNumber": str(number)},
        )
        light.work()
    with light.runtime.sessions() as session:
        delivery = session.get_one(Delivery, cleo)
        assert (delivery.state, delivery.outcome) == ("delivered", "answered")


# --- what goes wrong ----------------------------------------------------------------------------------------


def states(world: World) -> dict[str, int]:
    with world.runtime.sessions() as session:
        found = session.execute(select(Callback.state, func.count()).group_by(Callback.state))
        return dict(found.all())


def break_status(patch: pytest.MonkeyPatch, attempt: str) -> None:
    """Applying bad news of this attempt always raises."""
    real = status.apply

    def broken(session: Session, runtime: Any, provider: str, event: Any) -> bool:
        if event.attempt == attempt:
            raise ZeroDivisionError
        return real(session, runtime, provider, event)

    patch.setattr(status, "apply", broken)


def test_one_that_always_raises_is_set_aside_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [world.alert()["bob"] for _ in range(12)]
    with monkeypatch.context() as patch:
        break_status(patch, world.attempt_of(ids[5]))
        for one in ids:
            text_status(world, one, "undelivered")
        world.work()
        assert states(world) == {"applied": 11, "new": 1}
        for _ in range(3):
            world.bank.time.pass_by(60)
            world.apply_due()
    assert states(world) == {"applied": 11, "poison": 1}
    with world.runtime.sessions() as session:
        kinds = session.scalars(select(Task.kind).where(Task.kind.in_(("poison", "alarm"))).order_by(Task.kind)).all()
        assert kinds == ["alarm", "poison"]
        poison = session.scalars(select(Callback).where(Callback.state == "poison")).one()
        assert news.replay(session, world.runtime, [poison.id]) == 1
        session.commit()
    assert states(world) == {"applied": 12}
    assert {picture(world, one)[0] for one in ids} == {"failed"}


def test_one_bad_event_of_an_array_does_not_hold_up_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [world.alert()["ana"] for _ in range(8)]
    break_status(monkeypatch, world.attempt_of(ids[3]))
    world.events(*[mail_event(world, one, "bounce" if number % 2 else "delivered") for number, one in enumerate(ids)])
    world.work()
    assert [picture(world, one)[0] for one in ids] == [
        "accepted" if number == 3 else "bounced" if number % 2 else "delivered" for number in range(8)
    ]
    assert states(world) == {"new": 1}


def test_what_ends_its_worker_is_claimed_alone_and_set_aside(world: World) -> None:
    ids = [world.alert()["bob"] for _ in range(5)]
    for one in ids:
        text_status(world, one, "delivered")

    def work_and_die() -> list[list[int]]:
        chunks = []
        while True:
            with world.runtime.sessions() as session:
                chunk = callbacks.claim(session, world.runtime)
                session.commit()
            chunks += [chunk]
            if not chunk or 1 in chunk:
                return chunks
            with world.runtime.sessions() as session:
                news.apply_all(session, world.runtime, chunk)
                session.commit()

    assert work_and_die() == [[1, 2, 3, 4, 5]]
    assert work_and_die() == [[]]
    world.bank.time.pass_by(31)
    assert work_and_die() == [[1]]
    assert work_and_die() == [[2], [3], [4], [5], []]
    world.bank.time.pass_by(31)
    assert work_and_die() == [[1]]
    world.bank.time.pass_by(31)
    assert work_and_die() == [[]]
    assert states(world) == {"applied": 4, "poison": 1}


def test_a_chunk_whose_transaction_fails_is_applied_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [world.alert()["bob"] for _ in range(5)]
    for one in ids:
        text_status(world, one, "delivered")
    real = news.apply_all

    def broken(session: Session, runtime: Any, chunk: Sequence[int]) -> None:
        real(session, runtime, chunk)
        if 3 in chunk:
            raise OperationalError("", {}, Exception("too large"))

    monkeypatch.setattr(news, "apply_all", broken)
    world.apply_due()
    assert states(world) == {"applied": 4, "new": 1}
    with world.runtime.sessions() as session:
        left = session.get_one(Callback, 3)
        assert (left.tries, left.error) == (1, "OperationalError")


def test_news_that_waits_for_our_commit_holds_up_nobody(world: World) -> None:
    ids = [world.alert()["bob"] for _ in range(3)]
    for one in ids:
        text_status(world, one, "delivered")
    world.twilio("sms-status?attempt=" + "f" * 32, {"MessageSid": "SMlate", "MessageStatus": "delivered", "To": BOB})
    world.work()
    assert states(world) == {"applied": 3, "new": 1}
    bob = world.alert()["bob"]
    with world.runtime.sessions() as session:
        session.execute(update(Attempt).where(Attempt.delivery_id == bob).values(id="f" * 32))
        session.commit()
    world.bank.time.pass_by(3)
    world.apply_due()
    assert states(world) == {"applied": 4}
    assert picture(world, bob)[0] == "delivered"


# --- the bell ---------------------------------------------------------------------------------------------


def test_one_ring_for_all_that_is_kept_until_it_is_heard(light: World, valkey: str) -> None:
    object.__setattr__(light.runtime, "redis", Redis.from_url(valkey))
    ids = [light.alert()["bob"] for _ in range(4)]
    for one in ids:
        text_status(light, one, "sent")
    assert light.bank.bells.rings == [callbacks.RING]
    light.work()
    text_status(light, ids[0], "delivered")
    assert light.bank.bells.rings == [callbacks.RING]


def test_the_sweep_rings_for_what_no_ring_was_heard_of(light: World) -> None:
    for _ in range(3):
        text_status(light, light.alert()["bob"], "sent")
    light.bank.bells.rings.clear()
    light.bank.time.pass_by(6)
    with light.runtime.sessions() as session:
        assert sweep.sweep(session, light.runtime)["callbacks"] == 3
        assert [ring for ring in session.info["rings"] if ring[0] == "events"] == [("events", "apply_callbacks", (1,))]


def test_a_large_body_makes_a_chunk_of_its_own(light: World) -> None:
    for size in (10, 400_000, 400_000, 10):
        light.mail("ana@simon.example", "x@in.bank.example", "x" * size)
    chunks = []
    with light.runtime.sessions() as session:
        assert callbacks.waiting(session, light.runtime) > 1
    with light.runtime.sessions() as session:
        while chunk := callbacks.claim(session, light.runtime):
            chunks.append(chunk)
    assert chunks == [[1, 2], [3, 4]]
