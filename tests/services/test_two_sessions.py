"""Two transactions on PostgreSQL that cross where it matters: one waits for the other, or passes it by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from approvals import decisions
from dispatcher import jobs
from dispatcher.bells import commit
from dispatcher.model import (
    Attempt,
    Callback,
    ContactPoint,
    Conversation,
    Customer,
    Delivery,
    Grant,
    Message,
    Recipient,
    Recording,
    Reply,
    Staff,
    Suppression,
    Task,
)
from dispatcher.model.errors import NotFound
from dispatcher.services import directory, fallback, fan_out, handover, recall, recordings, suppressions, verify
from dispatcher.services import release as releasing
from dispatcher.services.holding import hold_what_waits
from dispatcher.services.oracle import Question
from dispatcher.services.oracle_approved import ALL
from dispatcher.storage import make_sessions
from tests.engines import engine_for
from tests.raw_mail import bring
from tests.services.test_bounces import MAILBOX, quoting, report
from tests.webhooks.world import World, world_of

ANA, BOB = "ana@simon.example", "+12025550101"


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    with engine_for(postgres_url) as engine:
        yield world_of(make_sessions(engine), tmp_path)


@contextmanager
def meanwhile(world: World, act: Callable[[], None]) -> Iterator[threading.Thread]:
    """Another session that acts until it has to wait for this one, or is done; both must end well."""
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # told to the test
            wrong.append(error)

    other = threading.Thread(target=run)
    other.start()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 60
    while other.is_alive() and time.monotonic() < until:
        with world.runtime.sessions() as session:
            if session.scalar(waiting):
                break
        time.sleep(0.02)
    yield other
    other.join(60)
    assert not other.is_alive()
    assert wrong == []


def claim(world: World, message_id: int) -> list[str]:
    """Whose deliveries by text message leave now."""
    with world.runtime.sessions() as session:
        claimed = fan_out.claim(session, world.runtime, message_id, "sms", "twilio", 10) or []
        commit(session, world.runtime.bells)
        return [one.address for one in claimed]


@pytest.mark.parametrize("first", ["claim", "opt-out"])
def test_no_attempt_starts_after_an_opt_out_has_committed(world: World, first: str) -> None:
    with world.runtime.sessions() as session:
        number = world.bank.released(session).id

    def stop() -> None:
        world.sms(BOB, "STOP", OptOutType="STOP")
        world.work()

    with world.runtime.sessions() as held:
        if first == "claim":
            assert [one.address for one in fan_out.claim(held, world.runtime, number, "sms", "twilio", 10) or []] == [
                BOB
            ]
            with meanwhile(world, stop) as other:
                assert other.is_alive(), "the opt-out waits for the claim"
                commit(held, world.runtime.bells)
        else:
            suppressions.suppress(held, world.runtime, "sms", BOB, "opt-out", "sms STOP", "customer bob")
            assert claim(world, number) == []
            commit(held, world.runtime.bells)
    assert claim(world, number) == []
    with world.runtime.sessions() as session:
        row = session.scalars(select(Delivery).where(Delivery.address == BOB)).one()
        assert (row.state, row.tries) == (("sending", 1) if first == "claim" else ("suppressed", 0))
        assert session.scalars(select(Suppression.reason).where(Suppression.address == BOB)).all() == ["opt-out"]
        assert [one for promise in ALL for one in promise(session, world.runtime, Question())] == []


def test_a_bounce_by_mail_takes_the_conversation_before_what_was_sent(world: World) -> None:
    """As whoever corrects an answer does: the other way round they would wait in a circle."""
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "Noted, thanks")
    world.work()
    quoted = quoting(world.attempt_of(ids["ana"]))
    with world.runtime.sessions() as session:
        session.get_one(Delivery, ids["ana"]).state = "deferred"
        session.commit()
    with world.runtime.sessions() as held:
        held.scalars(select(Conversation).with_for_update()).one()
        with meanwhile(world, lambda: bring(world, report(quoted=quoted), MAILBOX)) as other:
            assert other.is_alive(), "the bounce waits for the conversation"
            held.execute(text("SET LOCAL lock_timeout = '500ms'"))  # sooner than PostgreSQL sees the circle
            hold_what_waits(held, world.runtime, "email", ANA)
            held.commit()
    with world.runtime.sessions() as session:
        assert session.scalars(select(Reply.kind).order_by(Reply.id)).all() == ["other", "automatic"]
        assert session.scalars(select(Callback.state)).all() == ["applied", "applied"]
        assert session.scalars(select(Attempt.state).where(Attempt.delivery_id == ids["ana"])).one() == "accepted"


def test_a_silent_recording_takes_the_conversation_before_its_reply(world: World) -> None:
    """As whoever corrects an answer does: the other way round they would wait in a circle."""
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "Noted, thanks")
    world.work()
    with world.runtime.sessions() as session:
        reply = session.scalars(select(Reply)).one()
        reply.kind, reply.kind_by = "other", "key"
        number = recordings.expect(
            session, world.runtime, provider="a", ref="R1", call_ref="C1", purpose="reply", reply=reply
        ).id
        session.commit()

    def nothing() -> None:
        with world.runtime.sessions() as session:
            recordings.empty(session, world.runtime, session.get_one(Recording, number, with_for_update=True))
            commit(session, world.runtime.bells)

    with world.runtime.sessions() as held:
        held.scalars(select(Conversation).with_for_update()).one()
        with meanwhile(world, nothing) as other:
            assert other.is_alive(), "it waits for the conversation"
            held.execute(text("SET LOCAL lock_timeout = '500ms'"))  # sooner than PostgreSQL sees the circle
            held.scalars(select(Reply).with_for_update()).one()
            held.commit()
    with world.runtime.sessions() as session:
        assert session.scalars(select(Reply.kind)).one() == "automatic"
        assert session.scalars(select(Conversation.state)).one() == "closed"


def test_a_customer_is_given_away_before_somebody_changes_them_or_after(world: World) -> None:
    """Whoever was theirs a moment ago must not change how another's customer is reached."""
    with world.runtime.sessions() as session:
        colleague = Staff(email="new@bank.example", name="New", channels=["email"], grants=[Grant(role="rep")])
        session.add(colleague)
        session.commit()
        new, old = colleague.id, world.bank.ids["rep"]

    def give() -> None:
        with world.runtime.sessions() as session:
            session.execute(update(Customer).where(Customer.key == "bob").values(rep_id=new))
            session.commit()

    with world.runtime.sessions() as held:
        directory.customer_to_change(held, held.get_one(Staff, old), "bob")
        with meanwhile(world, give) as other:
            assert other.is_alive(), "to give them away waits for the change"
            held.commit()
    with world.runtime.sessions() as session, pytest.raises(NotFound):
        directory.customer_to_change(session, session.get_one(Staff, old), "bob")


def test_an_answer_that_comes_while_its_representative_leaves_is_somebodys(world: World) -> None:
    world.alert()
    with world.runtime.sessions() as session:
        colleague = Staff(email="new@bank.example", name="New", channels=["email"], grants=[Grant(role="rep")])
        session.add(colleague)
        session.commit()
        new, old = colleague.id, world.bank.ids["rep"]

    def answer() -> None:
        world.sms(BOB, "Should we sell?")
        world.work()

    with world.runtime.sessions() as held:
        admin = world.bank.staff(held, "admin")
        handover.hand_over(held, world.runtime, admin, old, new)
        with meanwhile(world, answer):
            commit(held, world.runtime.bells)
    with world.runtime.sessions() as session:
        session.get_one(Staff, old).active = False  # as whoever does not ask what they still have
        commit(session, world.runtime.bells)
    jobs.configure(world.runtime)
    jobs.pass_on()
    with world.runtime.sessions() as session:
        talk = session.scalars(select(Conversation)).one()
        assert (talk.rep_id, talk.state) == (new, "open")
        assert session.scalars(select(Customer.rep_id).where(Customer.key == "bob")).one() in (new, None)


def test_two_releases_at_once_open_one_task_to_reach_a_customer(world: World) -> None:
    runtime, officer = world.runtime, world.bank.ids["officer"]
    with runtime.sessions() as session:
        session.execute(update(ContactPoint).where(ContactPoint.channel == "voice").values(valid=False))  # Cleo's only
        soon = world.bank.time.at + timedelta(minutes=1)
        numbers = [world.bank.submitted(session, subject=one, release_at=soon).id for one in ("One", "Two")]
        for number in numbers:
            digest = session.get_one(Message, number).current.digest
            decisions.decide(session, runtime, session.get_one(Staff, officer), number, "approve", digest)
        session.commit()
    world.bank.time.pass_by(61)
    jobs.configure(runtime)
    with runtime.sessions() as held:
        assert releasing.release_due(held, runtime, numbers[0])
        with meanwhile(world, lambda: jobs.release(numbers[1])) as other:
            assert other.is_alive(), "the second waits for the first"
            commit(held, runtime.bells)
    with runtime.sessions() as session:
        assert session.scalars(select(Task.customer_id)).all() == [world.bank.ids["cleo"]]
        out = select(func.count()).where(Recipient.customer_id == world.bank.ids["cleo"])
        assert session.scalar(out) == 2
        assert [one for one in verify.check(session, runtime) if one.promise == "P1"] == []


def test_a_fallback_that_another_takes_back_is_begun_anew(world: World) -> None:
    runtime, shared = world.runtime, "+12025550177"
    with runtime.sessions() as session:
        number = world.bank.released(session).id
        session.add_all(
            ContactPoint(customer_id=world.bank.ids[one], channel="sms", address=shared) for one in ("ana", "cleo")
        )
        first = delivery_of(session, number, "email")
        fallback.fail(session, runtime, first, "bounced")
        session.commit()
    with runtime.sessions() as held:
        first = delivery_of(held, number, "email")
        first.state = "delivered"
        recall.fallback(held, runtime, first)  # it had arrived after all, and nobody else needs the text message

        def fails_too() -> None:
            with runtime.sessions() as session:
                fallback.fail(session, runtime, delivery_of(session, number, "voice"), "no answer")
                session.commit()

        with meanwhile(world, fails_too) as other:
            assert other.is_alive(), "who needs it waits until it is gone"
            held.commit()
    with runtime.sessions() as session:
        cleo = session.scalars(select(Recipient).where(Recipient.customer_id == world.bank.ids["cleo"])).one()
        assert cleo.delivery is not None
        assert (cleo.delivery.address, cleo.delivery.state) == (shared, "queued")
        assert [one for one in verify.check(session, runtime) if one.promise == "P1"] == []


def delivery_of(session: Session, message_id: int, channel: str) -> Delivery:
    return session.scalars(
        select(Delivery).where(Delivery.message_id == message_id, Delivery.channel == channel).with_for_update()
    ).one()
