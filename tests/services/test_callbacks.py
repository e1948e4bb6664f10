"""Kept callbacks: applied once, in any order; what cannot be read is tried again, then set aside for a person."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from dispatcher.bells import commit
from dispatcher.model import Attempt, Callback, ContactPoint, Delivery, ProviderEvent, Task
from dispatcher.services import news, replies, suppressions
from tests.webhooks.world import World

BOB = "+12025550101"


def status(world: World, delivery_id: int, word: str, code: str = "", number: str = BOB) -> None:
    fields = {"MessageSid": f"SM{delivery_id:032d}", "MessageStatus": word, "To": number, "ErrorCode": code}
    world.twilio(f"sms-status?attempt={world.attempt_of(delivery_id)}", {k: v for k, v in fields.items() if v})


def delivery(world: World, number: int) -> Delivery:
    with world.runtime.sessions() as session:
        return session.get_one(Delivery, number)


def test_every_order_of_the_same_news_ends_alike(light: World) -> None:
    ends = set()
    for order in itertools.permutations(["sent", "delivered", "queued"]):
        ids = light.alert()
        for word in order:
            for _ in range(2):
                status(light, ids["bob"], word)
        light.work()
        ends.add(delivery(light, ids["bob"]).state)
    assert ends == {"delivered"}


def test_an_event_counts_once_though_it_comes_in_two_callbacks(world: World) -> None:
    ids = world.alert()
    attempt = world.attempt_of(ids["ana"])
    event = {"event": "delivered", "email": "ana@simon.example", "timestamp": 1795168705, "sg_event_id": "e1"}
    other = {**event, "event": "open", "sg_event_id": "e2"}
    key = _attempt_key()
    world.events({**event, key: attempt})
    world.events({**event, key: attempt}, {**other, key: attempt})
    world.work()
    assert delivery(world, ids["ana"]).state == "delivered"
    with world.runtime.sessions() as session:
        assert sorted(session.scalars(select(ProviderEvent.dedupe))) == ["e1", "e2"]
        assert set(session.scalars(select(Callback.state))) == {"applied"}


def _attempt_key() -> str:
    from channels.sendgrid import ATTEMPT

    return ATTEMPT


@pytest.mark.parametrize(
    ("event", "reason", "valid"),
    [
        ({"event": "spamreport"}, "complaint", True),
        ({"event": "group_unsubscribe"}, "opt-out", True),
        ({"event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"}, None, False),
        ({"event": "bounce", "status": "5.2.2", "reason": "552 5.2.2 mailbox full"}, None, True),
        ({"event": "deferred"}, None, True),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_events_teach(light: World, event: dict[str, str], reason: str | None, valid: bool, known: bool) -> None:
    """An address is called invalid only on news of an attempt of ours; an opt-out counts whoever it names."""
    ids = light.alert()
    attempt = light.attempt_of(ids["ana"]) if known else "0" * 32
    whole = {"email": "ana@simon.example", "timestamp": 1795168705, "sg_event_id": "e1", _attempt_key(): attempt}
    light.events({**whole, **event})
    light.work()
    with light.runtime.sessions() as session:
        order = suppressions.in_force(session, "email", "ana@simon.example")
        assert (order.reason if order else None) == reason
        point = session.scalars(select(ContactPoint).where(ContactPoint.address == "ana@simon.example")).one()
        assert point.valid == (valid or not known)


def test_news_about_another_address_of_an_attempt_invalidates_nothing(light: World) -> None:
    ids = light.alert()
    event = {"event": "bounce", "status": "5.1.1", "timestamp": 1795168705, "sg_event_id": "e1"}
    light.events({**event, "email": "bob@simon.example", _attempt_key(): light.attempt_of(ids["ana"])})
    light.work()
    with light.runtime.sessions() as session:
        assert all(session.scalars(select(ContactPoint.valid)))


def test_a_refused_text_message_and_a_number_that_does_not_exist(light: World) -> None:
    ids = light.alert()
    status(light, ids["bob"], "undelivered", "30005")
    light.work()
    with light.runtime.sessions() as session:
        point = session.scalars(select(ContactPoint).where(ContactPoint.address == BOB)).one()
        assert (point.valid, point.invalid_because) == (False, "twilio 30005")


def test_news_that_outruns_our_own_commit_waits(world: World) -> None:
    ids = world.alert()
    attempt = world.attempt_of(ids["bob"])
    fields = {"MessageSid": "SMlate", "MessageStatus": "delivered", "To": BOB}
    world.twilio("sms-status", fields)
    world.work()
    with world.runtime.sessions() as session:
        callback = session.scalars(select(Callback)).one()
        assert (callback.state, callback.error) == ("new", "waiting for what it is about")
        assert session.scalars(select(ProviderEvent.parked)).one()
        session.execute(update(Attempt).where(Attempt.id == attempt).values(provider_ref="SMlate"))
        session.commit()
    world.bank.time.pass_by(3)
    world.apply_due()
    assert delivery(world, ids["bob"]).state == "delivered"
    with world.runtime.sessions() as session:
        assert session.scalars(select(Callback.state)).one() == "applied"
        assert not session.scalars(select(ProviderEvent.parked)).one()


def test_news_of_nothing_of_ours_is_set_aside_after_an_hour(light: World) -> None:
    light.twilio("sms-status", {"MessageSid": "SMnobody", "MessageStatus": "delivered", "To": BOB})
    light.work()
    waits = []
    for _ in range(20):
        with light.runtime.sessions() as session:
            callback = session.scalars(select(Callback)).one()
            if callback.state != "new":
                break
            assert callback.due_at is not None
            waits.append((callback.due_at - light.runtime.now()).total_seconds())
            light.bank.time.at = callback.due_at
        light.apply_due()
    assert callback.state == "unrecognised"
    assert waits[0] == 2
    assert waits == sorted(waits)
    assert len(waits) < 15


def break_replies(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(replies, "receive", broken)


def test_what_cannot_be_read_is_tried_three_times_and_then_a_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert()
    world.sms(BOB, "Sell")
    with monkeypatch.context() as broken:
        break_replies(broken, ValueError("Sell is a secret"))
        for _ in range(5):
            world.apply_due()
            world.bank.time.pass_by(40)
    with world.runtime.sessions() as session:
        callback = session.get_one(Callback, 1)
        assert (callback.state, callback.tries, callback.error, callback.due_at) == ("poison", 3, "ValueError", None)
        task = session.scalars(select(Task).where(Task.kind == "poison")).one()
        assert "secret" not in task.text
        assert news.replay(session, world.runtime, [1, 1, 999]) == 2
        commit(session, world.runtime.bells)
    assert [one.text for one in world.replies()] == ["Sell"]
    assert len(world.letters()) == 2


def test_a_database_that_goes_away_is_not_the_callbacks_fault(light: World, monkeypatch: pytest.MonkeyPatch) -> None:
    light.sms(BOB, "Sell")
    break_replies(monkeypatch, OperationalError("", {}, Exception("gone")))
    with light.runtime.sessions() as session, pytest.raises(OperationalError):
        news.apply_all(session, light.runtime, [1])
    with light.runtime.sessions() as session:
        assert session.get_one(Callback, 1).tries == 0


def test_a_failed_one_leaves_nothing_behind(light: World, monkeypatch: pytest.MonkeyPatch) -> None:
    light.alert()
    light.sms(BOB, "STOP")
    light.bank.bells.rings.clear()
    real = suppressions.suppress

    def half(*args: object, **more: object) -> None:
        real(*args, **more)  # type: ignore[arg-type]  # handed on as it came
        raise ValueError

    monkeypatch.setattr(suppressions, "suppress", half)
    light.apply_due()
    with light.runtime.sessions() as session:
        assert suppressions.in_force(session, "sms", BOB) is None
    assert light.bank.bells.rings == []


def test_replaying_everything_changes_nothing(world: World) -> None:
    ids = world.alert()
    world.sms(BOB, "Sell")
    world.sms(BOB, "STOP")
    world.mail("ana@simon.example", world.reply_to(ids["ana"]), "Sell")
    status(world, ids["bob"], "delivered")
    world.work()

    def picture() -> tuple[object, ...]:
        found = world.replies()
        return (
            [(one.id, one.text, one.kind, one.conversation_id) for one in found],
            [(one.id, one.text, one.due_at) for one in world.letters()],
            delivery(world, ids["bob"]).state,
        )

    before = picture()
    for order in ([1, 2, 3, 4], [4, 3, 2, 1, 1]):
        with world.runtime.sessions() as session:
            assert news.replay(session, world.runtime, order) == len(order)
            commit(session, world.runtime.bells)
        assert picture() == before
