"""`verify` finds nothing where all is as promised, and names the row where it is not."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, submission
from dispatcher import bells
from dispatcher.model import (
    Attempt,
    AuditEntry,
    Callback,
    Conversation,
    Customer,
    Decision,
    Delivery,
    Message,
    ProviderEvent,
    Recipient,
    Reply,
    Staff,
    Suppression,
    Task,
    Version,
)
from dispatcher.runtime import Runtime
from dispatcher.services import sending, verify
from dispatcher.services.audit import record
from dispatcher.storage import make_engine, make_sessions
from dispatcher.watch import observe
from tests.postgres import connected
from tests.small_bank import SmallBank, small_bank


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One database for the module: every test takes back what it did."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("verify") / "db.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, name = request.getfixturevalue("postgres_server"), f"verify_{uuid.uuid4().hex}"
    with connected(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE dispatcher_template"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with connected(server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def busy_bank(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank that has released, withdrawn, cancelled and returned something; its record is anchored."""
    engine = make_engine(database)
    sessions = make_sessions(engine)
    bank = small_bank(sessions, tmp_path_factory.mktemp("var"))
    analyst, officer = "analyst", "officer"
    with sessions() as session:
        message = bank.submitted(session)
        bank.time.pass_by(60)
        decide(bank, session, message, "approve")
        bank.submitted(session)
        back = bank.submitted(session)
        decide(bank, session, back, "return", "name the source")
        gone = bank.submitted(session)
        submission.withdraw(session, bank.runtime, bank.staff(session, analyst), gone.id)
        stopped = bank.released(session, lists=["top"])
        submission.cancel(session, bank.runtime, bank.staff(session, officer), stopped.id)
        bells.commit(session, bank.runtime.bells)
    bank.time.pass_by(1)
    for channel in ("email", "sms", "voice"):
        asyncio.run(sending.Pump(bank.runtime, channel).run())
    observe(bank.runtime, anchors=True)
    yield bank
    engine.dispose()


@pytest.fixture
def bank(busy_bank: SmallBank) -> Iterator[SmallBank]:
    anchors = busy_bank.runtime.settings.var_dir / verify.ANCHORS
    kept = anchors.read_text()
    yield busy_bank
    anchors.write_text(kept)


def decide(bank: SmallBank, session: Session, message: Message, decision: str, comment: str = "") -> None:
    officer = bank.staff(session, "officer")
    decisions.decide(session, bank.runtime, officer, message.id, decision, message.current.digest, comment)
    bells.commit(session, bank.runtime.bells)


def tamper(
    bank: SmallBank, change: Callable[[Session], object] = lambda session: None, runtime: Runtime | None = None
) -> list[str]:
    """What is found after a change behind the product's back, which is then taken back."""
    with bank.sessions() as session:
        change(session)
        session.flush()
        session.expire_all()
        breaches = [str(one) for one in verify.check(session, runtime or bank.runtime)]
        session.rollback()
    return breaches


def found(bank: SmallBank) -> list[str]:
    return tamper(bank)


def test_nothing_is_found_where_nothing_is_wrong(bank: SmallBank) -> None:
    with bank.sessions() as session:
        assert session.query(Attempt).filter_by(state="accepted").count() == 3
    assert found(bank) == []


def test_an_empty_database_is_as_promised(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> None:
    assert found(small_bank(sqlite_sessions, tmp_path)) == []


def test_it_changes_nothing(bank: SmallBank) -> None:
    with bank.sessions() as session:
        before = session.query(AuditEntry).count()
    found(bank)
    with bank.sessions() as session:
        assert session.query(AuditEntry).count() == before


# --- the audit chain


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail", "previous", "hash"])
def test_a_changed_entry_is_named(bank: SmallBank, column: str) -> None:
    change = update(AuditEntry).where(AuditEntry.seq == 3).values({column: "2026-11-20T09:30:00.000001+00:00"})
    breaches = tamper(bank, lambda session: session.execute(change))
    assert any(one.startswith("P8 audit 3: was changed") for one in breaches)


def test_a_removed_entry_is_named(bank: SmallBank) -> None:
    breaches = tamper(bank, lambda session: session.execute(delete(AuditEntry).where(AuditEntry.seq == 4)))
    assert any(one.startswith("P8 audit 4: entry 4 is missing, before entry 5") for one in breaches)


def test_a_first_entry_that_is_gone_is_named(bank: SmallBank) -> None:
    breaches = tamper(bank, lambda session: session.execute(delete(AuditEntry).where(AuditEntry.seq <= 2)))
    assert any(one.startswith("P8 audit 1: entries 1 to 2 are missing") for one in breaches)


def swap(session: Session) -> None:
    for old, new in ((3, -1), (5, 3), (-1, 5)):
        session.execute(update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))


def test_swapped_entries_are_named(bank: SmallBank) -> None:
    breaches = tamper(bank, swap)
    assert {one.split(":")[0] for one in breaches} >= {"P8 audit 3", "P8 audit 5"}


def test_an_entry_put_in_is_named(bank: SmallBank) -> None:
    def insert(session: Session) -> None:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        session.add(
            AuditEntry(
                seq=last.seq + 1, at=last.at, actor="system", action="x", subject="x", detail="{}",
                previous=last.hash, hash="0" * 64,
            )
        )  # fmt: skip

    assert any("was changed after it was written (x, x)" in one for one in tamper(bank, insert))


def cut(session: Session, keep: int) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.seq > keep))


def last_seq(bank: SmallBank) -> int:
    with bank.sessions() as session:
        return session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq.desc()).limit(1)).one()


def test_a_cut_off_end_is_seen_by_the_anchor(bank: SmallBank) -> None:
    last = last_seq(bank)
    breaches = tamper(bank, lambda session: cut(session, last - 1))
    assert any(one.startswith(f"P8 audit {last}: entries {last} to {last} are missing") for one in breaches)


def test_a_cut_off_end_is_seen_without_an_anchor_too(bank: SmallBank) -> None:
    (bank.runtime.settings.var_dir / verify.ANCHORS).unlink()
    breaches = tamper(bank, lambda session: cut(session, 2))
    for act in ("approve message", "release message", "withdraw message", "return message", "cancel message"):
        assert any(f'no entry "{act}"' in one for one in breaches), act


def test_a_record_written_anew_after_the_cut_differs_from_the_anchor(bank: SmallBank) -> None:
    last = last_seq(bank)

    def rewrite(session: Session) -> None:
        cut(session, last - 1)
        record(session, bank.runtime, "system", "nothing happened", "nothing")

    assert tamper(bank, rewrite)[0] == f"P8 audit {last}: is not the entry that was anchored outside the database"


def test_anchors_that_cannot_be_read_are_named_but_a_cut_off_line_is_none(bank: SmallBank) -> None:
    path = bank.runtime.settings.var_dir / verify.ANCHORS
    good = path.read_text()
    path.write_text(good + '{"seq": 1, "ha')
    assert found(bank) == []
    path.write_text("not an anchor\n" + good + '{"seq": 1, "hash": "0"}\n')
    assert [one.split(":")[0] for one in found(bank)] == ["P8 audit-anchors.jsonl line 1", "P8 audit 1"]


def test_another_secret_key_is_one_fault_with_a_reason(bank: SmallBank) -> None:
    def many(session: Session) -> None:
        for number in range(60):
            record(session, bank.runtime, "system", "note", f"thing {number}")

    settings = bank.runtime.settings.model_copy(update={"secret_key": SecretStr("z" * 40)})
    breaches = tamper(bank, many, dataclasses.replace(bank.runtime, settings=settings))
    assert len(breaches) == verify.MOST_CHANGED + 1
    assert "is SECRET_KEY the one of before?" in breaches[-1]


# --- the promises


def first(session: Session, table: type, **where: object) -> object:
    return session.scalars(select(table).filter_by(**where).limit(1)).one()


def set_delivery(**values: object) -> Callable[[Session], None]:
    return lambda session: session.execute(update(Delivery).where(Delivery.id == 1).values(**values)) and None


def out_of_reach(session: Session) -> None:
    session.execute(delete(Attempt).where(Attempt.delivery_id == 1))
    session.execute(update(Recipient).where(Recipient.delivery_id == 1).values(delivery_id=None, channel=None))


def twice_accepted(session: Session) -> None:
    one = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
    session.add(Attempt(id="0" * 32, delivery_id=1, n=2, provider="x", state="delivered", started_at=one.started_at))


def tried_again(session: Session) -> None:
    one = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
    later = one.started_at + timedelta(minutes=5)
    session.add(Attempt(id="0" * 32, delivery_id=1, n=2, provider="x", state="unknown", started_at=later))


def same_address(session: Session) -> None:
    one = session.scalars(select(Delivery).where(Delivery.message_id == 1, Delivery.channel == "email")).one()
    session.add(Delivery(message_id=1, channel="email", address=one.address.upper(), state="failed"))


def other_words(session: Session) -> None:
    session.execute(update(Version).where(Version.message_id == 1).values(text="Buy everything."))


def other_words_with_digest(session: Session) -> None:
    other_words(session)
    session.execute(update(Version).where(Version.message_id == 1).values(digest="f" * 64))


def other_renditions(session: Session) -> None:
    version = session.scalars(select(Version).where(Version.message_id == 1)).one()
    kept = version.renditions or {}
    version.renditions = {**kept, "sms": {**kept["sms"], "text": "Buy everything."}}


def no_renditions(session: Session) -> None:
    session.execute(text("UPDATE versions SET renditions = NULL WHERE message_id = 1"))


def own_approval(session: Session) -> None:
    author = session.get_one(Message, 1).author_id
    session.execute(update(Decision).where(Decision.message_id == 1).values(officer_id=author))


def no_approval(session: Session) -> None:
    session.execute(delete(Decision).where(Decision.message_id == 1))


def late_approval(session: Session) -> None:
    one = session.scalars(select(Decision).where(Decision.message_id == 1)).one()
    one.decided_at += timedelta(hours=1)


def one_more_recipient(session: Session) -> None:
    customer = Customer(key="dan", name="Dan")
    session.add(customer)
    session.flush()
    session.add(Recipient(message_id=1, customer_id=customer.id, delivery_id=1, channel="email"))


def one_more_delivery(session: Session) -> None:
    session.add(Delivery(message_id=1, channel="email", address="dan@x.example", state="delivered"))


def before_its_release(session: Session) -> None:
    session.add(Delivery(message_id=2, channel="email", address="dan@x.example", state="delivered"))


def against_an_order(session: Session) -> None:
    one = session.get_one(Delivery, 1)
    attempt = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
    since = attempt.started_at - timedelta(minutes=1)
    session.add(
        Suppression(channel=one.channel, address=one.address, reason="opt-out", source="STOP", created_at=since)
    )


def strayed_reply(state: str, *, talk: bool, same: bool = True) -> Callable[[Session], None]:
    def stray(session: Session) -> None:
        ana, bob = (first(session, Customer, key=key) for key in ("ana", "bob"))
        rep = first(session, Staff, email="rep@bank.example")
        thread = Conversation(customer_id=ana.id, rep_id=rep.id, channel="sms")  # type: ignore[attr-defined]
        session.add(thread)
        session.flush()
        whose = ana if same else bob
        session.add(
            Reply(
                dedupe="r", conversation_id=thread.id if talk else None, customer_id=whose.id,  # type: ignore[attr-defined]
                channel="sms", sender="x", state=state,
            )
        )  # fmt: skip

    return stray


def two_attempts(first: str, second: str, **more: object) -> Callable[[Session], None]:
    """Another attempt of delivery 1, after the one that there is."""

    def change(session: Session) -> None:
        one = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
        one.state, later = first, one.started_at + timedelta(minutes=5)
        session.add(Attempt(id="0" * 32, delivery_id=1, n=2, provider="x", state=second, started_at=later, **more))
        session.execute(update(Delivery).where(Delivery.id == 1).values(tries=2))

    return change


def a_call_again(session: Session) -> None:
    session.execute(update(Delivery).where(Delivery.id == 1).values(channel="voice", address="+12025550177"))
    one = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
    one.state, one.code, one.looked_up, one.absences = "failed", "absent", 2, 2
    session.add(Attempt(id="0" * 32, delivery_id=1, n=2, provider="x", state="accepted", started_at=one.started_at))


def news(state: str, is_now: str) -> Callable[[Session], None]:
    """Applied news of delivery 1, and the state that it has all the same."""

    def change(session: Session) -> None:
        one = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
        callback = Callback(provider="x", what="status", dedupe="c", headers={}, body=b"", state="applied")
        session.add(callback)
        session.flush()
        session.add(
            ProviderEvent(
                callback_id=callback.id, provider="x", dedupe="e", attempt_id=one.id, state=state, at=one.started_at
            )
        )
        session.execute(update(Delivery).where(Delivery.id == 1).values(state=is_now))

    return change


def moved_on(session: Session) -> None:
    one = session.scalars(select(Recipient).where(Recipient.delivery_id == 1)).one()
    other = Delivery(message_id=1, channel="voice", address="+12025550178", state="accepted", position=-1)
    session.add(other)
    session.flush()
    one.delivery_id, one.because = other.id, "fallback: too early"


def closed_task(**values: object) -> Callable[[Session], None]:
    return lambda session: session.add(Task(kind="failed", dedupe="t", text="ring", state="closed", **values))


def after_the_cancel(session: Session) -> None:
    stopped = session.scalars(select(Message).where(Message.state == "cancelled")).one()
    one = session.scalars(select(Delivery).where(Delivery.message_id == stopped.id).limit(1)).one()
    later = datetime(2026, 11, 21, tzinfo=UTC)
    session.add(Attempt(id="0" * 32, delivery_id=one.id, n=1, provider="x", state="accepted", started_at=later))
    one.tries, one.state = 1, "accepted"


def another_message_s(session: Session) -> None:
    other = session.scalars(select(Delivery.id).where(Delivery.message_id != 1).limit(1)).one()
    session.execute(update(Recipient).where(Recipient.delivery_id == 1).values(delivery_id=other))


def nobody_s(**values: int) -> Callable[[Session], None]:
    """What a recipient names is not there."""

    def change(session: Session) -> None:
        session.execute(update(Recipient).where(Recipient.delivery_id == 1).values(**values))

    return change


def of_no_message(session: Session) -> None:
    session.execute(update(Delivery).where(Delivery.id == 1).values(message_id=404))


def of_no_delivery(session: Session) -> None:
    session.execute(update(Attempt).where(Attempt.delivery_id == 1).values(delivery_id=404))


def calls_in_a_day(session: Session) -> None:
    one = session.scalars(select(Delivery).where(Delivery.message_id == 1, Delivery.channel == "voice")).one()
    at = session.scalars(select(Attempt.started_at).where(Attempt.delivery_id == one.id)).one()
    for number in range(2, 9):
        attempt = Attempt(id=f"{number:032x}", delivery_id=one.id, n=number, provider="x", state="accepted")
        attempt.started_at, attempt.resent_by = at, "somebody"
        session.add(attempt)


BREACHES = {
    "queued, never due": (set_delivery(state="queued", due_at=None), "P1 delivery 1: is queued without a due time"),
    "sending, no lease": (set_delivery(state="sending", lease_until=None), "P1 delivery 1: is sending without"),
    "unknown, nobody asked": (set_delivery(state="unknown", due_at=None), "P1 delivery 1: is unknown without"),
    "failed, nobody told": (set_delivery(state="failed"), "P1 customer"),
    "bounced, nobody told": (set_delivery(state="bounced"), "nobody has a task to reach them"),
    "out of reach, nobody told": (out_of_reach, "is out of reach, and nobody has a task"),
    "suppressed by nothing": (set_delivery(state="suppressed"), "P1 delivery 1: is suppressed, and no suppression"),
    "accepted twice": (twice_accepted, "P2 delivery 1: was accepted 2 times"),
    "tried again after that": (tried_again, "started after delivery 1 had been accepted"),
    "one address twice": (same_address, "P2 delivery"),
    "sent while in doubt": (two_attempts("unknown", "accepted"), "started while another of delivery 1 was in doubt"),
    "a try without an attempt": (set_delivery(tries=5), "P2 delivery 1: was tried 5 times, and has 1 attempts"),
    "a call repeated on doubt": (a_call_again, "repeats a call of delivery 1 that was in doubt"),
    "absent after one look": (two_attempts("deferred", "deferred", code="absent", absences=1), "after 1 look-up"),
    "resent by nobody": (two_attempts("failed", "accepted", resent_by="x"), "the record names nobody who ordered it"),
    "delivered, nobody said so": (set_delivery(state="delivered"), "P5 delivery 1: is delivered, and no callback"),
    "news that did not count": (news("delivered", "accepted"), "P5 delivery 1: is accepted, though its news said"),
    "a bounce that did not": (
        news("bounced", "delivered"),
        "P5 delivery 1: is delivered, though its news said bounced",
    ),
    "moved on too early": (moved_on, "P7 delivery 1: is accepted, but everybody moved on"),
    "a task closed by nobody": (closed_task(), "was closed by nobody"),
    "sent after the cancel": (after_the_cancel, "was cancelled"),
    "another message's delivery": (another_message_s, "has a delivery of message"),
    "a message that is not there": (nobody_s(message_id=404), "is of message 404, which is not there"),
    "a customer who is not there": (nobody_s(customer_id=404), "is of customer 404, which is not there"),
    "a delivery that is not there": (nobody_s(delivery_id=404), "is of delivery 404, which is not there"),
    "an attempt of no delivery": (of_no_delivery, "is of delivery 404, which is not there"),
    "a delivery of no message": (of_no_message, "P1 delivery 1: is of message 404, which is not there"),
    "called all day": (calls_in_a_day, "P9 delivery"),
    "changed after approval": (other_words, "P3 message 1: version 1 no longer holds what was submitted"),
    "changed with its digest": (other_words_with_digest, "approves another digest"),
    "other renditions": (other_renditions, "P3 message 1: version 1 no longer holds what was submitted"),
    "renditions taken away": (no_renditions, "P3 message 1: version 1 no longer holds what was submitted"),
    "approved by its author": (own_approval, "is by somebody who wrote or edited it"),
    "not approved": (no_approval, "P3 message 1: went out, and version 1 was never approved"),
    "approved afterwards": (late_approval, "started before message 1 was approved"),
    "one recipient more": (one_more_recipient, "P4 message 1: has 4 recipients; 3 were released"),
    "one delivery more": (one_more_delivery, "P4 message 1: has 2 first deliveries by email; 1 were released"),
    "before its release": (before_its_release, "belongs to message 2, which was never released"),
    "against an opt-out": (against_an_order, "was in force"),
    "a reply in no inbox": (strayed_reply("matched", talk=False), "is matched, but not"),
    "a reply in another's": (strayed_reply("matched", talk=True, same=False), "is matched, but not"),
    "unmatched in an inbox": (strayed_reply("unmatched", talk=True), "is unmatched, but not"),
    "of no known state": (strayed_reply("lost", talk=False), "is lost, but not in exactly one inbox"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_broken_promise_is_named(bank: SmallBank, name: str) -> None:
    change, expected = BREACHES[name]
    breaches = tamper(bank, change)
    assert any(expected in one for one in breaches), breaches


FINE = {
    "a task that news closed": closed_task(answer="settled"),
    "delivered, and told so": news("delivered", "delivered"),
    "a reply with its customer": strayed_reply("matched", talk=True),
    "an unmatched one": strayed_reply("unmatched", talk=False),
    "a settled one": strayed_reply("settled", talk=False),
    "waiting for its time": set_delivery(state="deferred", due_at=datetime(2026, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_in_order_is_no_breach(bank: SmallBank, name: str) -> None:
    assert tamper(bank, FINE[name]) == []


def test_a_failure_with_a_task_and_one_that_went_on_are_in_order(bank: SmallBank) -> None:
    def hand_over(session: Session) -> None:
        recipient = session.scalars(select(Recipient).where(Recipient.delivery_id == 1)).one()
        session.add(Task(kind="failed", dedupe="t", message_id=1, customer_id=recipient.customer_id, text="ring them"))
        session.execute(update(Delivery).where(Delivery.id == 1).values(state="failed"))

    assert tamper(bank, hand_over) == []


def test_an_opt_out_after_the_send_or_lifted_before_it_is_in_order(bank: SmallBank) -> None:
    def opt_out(session: Session) -> None:
        one = session.get_one(Delivery, 1)
        attempt = session.scalars(select(Attempt).where(Attempt.delivery_id == 1)).one()
        before = attempt.started_at - timedelta(minutes=2)
        order = {"channel": one.channel, "address": one.address, "reason": "opt-out", "source": "STOP"}
        session.add(Suppression(**order, created_at=before, lifted_at=before + timedelta(minutes=1)))
        session.add(Suppression(**order, created_at=attempt.started_at + timedelta(minutes=1)))

    assert tamper(bank, opt_out) == []


def test_a_breach_says_which_promise_and_which_row(bank: SmallBank) -> None:
    with bank.sessions() as session:
        session.execute(update(Delivery).where(Delivery.id == 2).values(state="queued", due_at=None))
        (breach,) = verify.check(session, bank.runtime)
    assert (breach.promise, breach.subject) == ("P1", "delivery 2")
    assert str(breach).startswith("P1 delivery 2: ")
