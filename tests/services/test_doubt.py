"""What nobody knows, and what a person says of it; what workers die over; what is ordered again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session, sessionmaker

from dispatcher.bells import commit
from dispatcher.clock import Clock
from dispatcher.model import (
    Attempt,
    AuditEntry,
    ContactPoint,
    Customer,
    Delivery,
    DistributionList,
    Letter,
    ListMember,
    Preference,
    Recipient,
    Task,
)
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.model.ports import Event, Found, Outbound, Outcome, Probe
from dispatcher.services import (
    fan_out,
    letter_sending,
    letters,
    pause,
    poison,
    reconcile,
    renditions,
    resend,
    status,
    suppressions,
    tasks,
    verify,
)
from dispatcher.services.sending import Pump
from dispatcher.storage import make_engine, make_sessions
from tests.small_bank import SmallBank, ref_of, small_bank


@pytest.fixture
def bank(sessions: sessionmaker[Session], tmp_path: Path) -> SmallBank:
    return small_bank(sessions, tmp_path)


def send(bank: SmallBank, channel: str) -> int:
    return asyncio.run(Pump(bank.runtime, channel).run())


def accepting(one: Outbound) -> Outcome:
    return Outcome(one.attempt, "accepted", provider_ref=ref_of(one))


def delivery(session: Session, channel: str) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.channel == channel)).one()


def in_doubt(bank: SmallBank, channel: str = "sms") -> int:
    """A delivery that six look-ups could not settle; its task."""
    with bank.sessions() as session:
        bank.released(session)
    bank.providers[channel].answer = lambda one: None
    send(bank, channel)
    bank.providers[channel].answer = accepting
    look_up(bank, reconcile.GIVE_UP_AFTER)
    with bank.sessions() as session:
        return session.scalars(select(Task.id).where(Task.kind == "unknown")).one()


def look_up(bank: SmallBank, times: int) -> list[str]:
    said = []
    for _ in range(times):
        bank.time.pass_by(121)
        with bank.sessions() as session:
            due = reconcile.due(session, bank.runtime)
        said += [asyncio.run(reconcile.look_up(bank.runtime, one)) for one in due]
    return said


def answer(bank: SmallBank, task_id: int, word: str, who: str = "admin", **more: bool) -> None:
    with bank.sessions() as session:
        resend.answer(session, bank.runtime, bank.staff(session, who), task_id, word, **more)
        commit(session, bank.runtime.bells)


def breaches(bank: SmallBank) -> list[str]:
    with bank.sessions() as session:
        found = [str(one) for one in verify.check(session, bank.runtime)]
    return [one for one in found if "audit-anchors" not in one]  # no clock runs here


# --- the four answers -------------------------------------------------------------------------------------


def test_six_look_ups_that_cannot_say_become_the_representatives_task(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    assert look_up(bank, 3) == [], "a person is asked, not the provider"
    with bank.sessions() as session:
        task = session.get_one(Task, task_id)
        row = delivery(session, "sms")
        assert (row.state, row.due_at) == ("unknown", None)
        assert (task.rep_id, task.customer_id, task.delivery_id) == (bank.ids["rep"], bank.ids["bob"], row.id)
        assert resend.answers_to(task) == ("arrived", "again", "next", "leave")
    assert breaches(bank) == []


def test_only_absences_make_absent(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")
    assert look_up(bank, 1) == ["cannot say"]
    bank.providers["sms"].found = Found("absent")
    assert look_up(bank, 1) == ["absent"]
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "unknown", "one look-up that found nothing is not two"
    assert look_up(bank, 1) == ["absent"]
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "deferred"


def test_one_job_asks_about_several_at_a_time(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    with bank.sessions() as session:
        bank.released(session)
    both, asked = asyncio.Event(), []

    async def find(probe: Probe) -> Found:
        asked.append(probe.address)
        if len(asked) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 60)
        return Found("accepted", provider_ref=probe.address)

    for channel in ("sms", "email"):
        bank.providers[channel].answer = lambda one: None
        send(bank, channel)
        monkeypatch.setattr(bank.providers[channel], "find", find)
    bank.time.pass_by(121)
    bank.bells.rings.clear()
    Clock(bank.runtime).tick()
    assert [one for one in bank.bells.rings if one[0] == "lookups"] == [("lookups", "look_ups", ())]
    assert asyncio.run(reconcile.look_ups(bank.runtime)) == 2
    with bank.sessions() as session:
        assert (delivery(session, "sms").state, delivery(session, "email").state) == ("accepted", "accepted")


def test_looking_for_doubts_does_not_walk_all_that_was_ever_sent(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    bank = small_bank(make_sessions(engine), tmp_path)
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
    with bank.sessions() as session:
        bank.released(session)
        row = delivery(session, "sms")
        row.state, row.lease_until = "sending", bank.runtime.now()
        session.commit()
        bank.time.pass_by(1)
        asked.clear()
        reconcile.doubt_dead_leases(session, bank.runtime)
        reconcile.due(session, bank.runtime)
    reads = [one for one in asked if one[0].startswith("SELECT")]
    with engine.connect() as connection:
        for statement, values in reads:
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
                assert not re.match(r"SCAN (attempts|letters|tasks|deliveries$)", line.detail), (line.detail, statement)
    assert len(reads) >= 5
    engine.dispose()


def test_it_arrived(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    for _ in range(2):  # twice is once
        answer(bank, task_id, "arrived", "rep")
    with bank.sessions() as session:
        row = delivery(session, "sms")
        attempt = row.attempts[0]
        assert (row.state, row.accepted_at) == ("accepted", attempt.started_at)
        assert (attempt.state, attempt.code) == ("accepted", resend.BY_PERSON)
        assert session.get_one(Task, task_id).answer == "arrived"
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action == "answer task")).all()
        assert [(one.actor, one.subject) for one in acts] == [("rep@bank.example", f"delivery {row.id}")]
    send(bank, "sms")
    assert len(bank.providers["sms"].got) == 1
    assert breaches(bank) == []


def test_it_did_not_send_it_again(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    bank.bells.rings.clear()
    answer(bank, task_id, "again", "rep")
    assert ("sms", "fan_out", ("sms",)) in bank.bells.rings
    send(bank, "sms")
    first, second = bank.providers["sms"].got
    assert (first.address, first.attempt == second.attempt) == (second.address, False)
    with bank.sessions() as session:
        row = delivery(session, "sms")
        assert row.state == "accepted"
        assert [(one.n, one.state, one.resent_by) for one in row.attempts] == [
            (1, "failed", "rep@bank.example"),
            (2, "accepted", None),
        ]
    assert breaches(bank) == []


def test_it_did_not_next_channel(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    answer(bank, task_id, "next")
    with bank.sessions() as session:
        row = delivery(session, "sms")
        assert (row.state, row.attempts[0].state) == ("failed", "failed")
        bob = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["bob"])).one()
        assert (bob.channel, bob.because) == ("email", "fallback: sms a person says that it did not arrive")
    assert breaches(bank) == []


def test_leave_it(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    answer(bank, task_id, "leave")
    assert look_up(bank, 2) == []
    with bank.sessions() as session:
        assert delivery(session, "sms").state == "unknown"
        assert session.get_one(Task, task_id).state == "closed"
    assert breaches(bank) == []


def test_where_no_channel_is_left_the_representative_is_asked_to_reach_them(bank: SmallBank) -> None:
    task_id = in_doubt(bank, "voice")
    answer(bank, task_id, "next")
    with bank.sessions() as session:
        found = {one.kind: one.state for one in session.scalars(select(Task))}
        assert found == {"unknown": "closed", "failed": "open"}
    assert breaches(bank) == []


def test_a_call_is_made_again_only_when_it_is_said_twice(bank: SmallBank) -> None:
    task_id = in_doubt(bank, "voice")
    with pytest.raises(Refused, match="call_again"):
        answer(bank, task_id, "again")
    send(bank, "voice")
    assert len(bank.providers["voice"].got) == 1
    answer(bank, task_id, "again", call_again=True)
    send(bank, "voice")
    assert len(bank.providers["voice"].got) == 2


def test_doubt_after_an_order_to_send_again_asks_anew(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    answer(bank, task_id, "again")
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")
    look_up(bank, reconcile.GIVE_UP_AFTER)
    with bank.sessions() as session:
        assert [one.state for one in session.scalars(select(Task).order_by(Task.id))] == ["closed", "open"]
    assert breaches(bank) == []


# --- who, and when not ------------------------------------------------------------------------------------


def test_only_those_whose_it_is_may_answer(bank: SmallBank) -> None:
    task_id = in_doubt(bank)
    for who in ("analyst", "officer"):
        with pytest.raises(NotFound):
            answer(bank, task_id, "arrived", who)
    with bank.sessions() as session:  # the customer was given to somebody else meanwhile
        session.execute(update(Customer).where(Customer.key == "bob").values(rep_id=bank.ids["admin"]))
        session.commit()
    with pytest.raises(NotAllowed):
        answer(bank, task_id, "arrived", "rep")


def settled(bank: SmallBank, state: str) -> None:
    with bank.sessions() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.delivery_id.is_not(None), Attempt.n == 1)).first()
        assert attempt is not None
        event = Event("e", state, bank.runtime.now(), attempt=attempt.id)
        assert status.apply(session, bank.runtime, "scripted", event)
        commit(session, bank.runtime.bells)


@pytest.mark.parametrize("word", ["arrived", "again", "next", "leave"])
def test_a_callback_that_was_quicker_settles_it(bank: SmallBank, word: str) -> None:
    task_id = in_doubt(bank)
    settled(bank, "delivered")
    with pytest.raises(StateConflict, match="delivered now"):
        answer(bank, task_id, word)
    with bank.sessions() as session:
        reconcile.doubt_dead_leases(session, bank.runtime)
        session.commit()
        task = session.get_one(Task, task_id)
        assert (task.state, task.answer, task.closed_by) == ("closed", tasks.SETTLED, None)
    with pytest.raises(StateConflict, match="settled already"):
        answer(bank, task_id, word)


@pytest.mark.parametrize("word", ["", "nonsense", "Arrived"])
def test_other_words_are_refused(bank: SmallBank, word: str) -> None:
    task_id = in_doubt(bank)
    with pytest.raises(Refused, match="arrived, again, next, leave"):
        answer(bank, task_id, word)


def opted_out(bank: SmallBank, session: Session) -> None:
    suppressions.suppress(session, bank.runtime, "sms", "+12025550101", "opt-out", "sms STOP")


def cancelled(bank: SmallBank, session: Session) -> None:
    row = delivery(session, "sms")
    session.execute(update(Delivery).where(Delivery.id == row.id).values(state="unknown"))
    row.message.state = "cancelled"


def too_late(bank: SmallBank, session: Session) -> None:
    delivery(session, "sms").message.valid_for = 60


@pytest.mark.parametrize("become", [opted_out, cancelled, too_late], ids=lambda one: one.__name__)
def test_what_may_not_leave_any_more_is_not_sent_again(
    bank: SmallBank, become: Callable[[SmallBank, Session], None]
) -> None:
    task_id = in_doubt(bank)
    with bank.sessions() as session:
        become(bank, session)
        session.commit()
    with pytest.raises(StateConflict):
        answer(bank, task_id, "again")
    send(bank, "sms")
    assert len(bank.providers["sms"].got) == 1


# --- a resend that nobody was asked about -----------------------------------------------------------------


def failed_call(bank: SmallBank) -> int:
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["voice"].answer = lambda one: Outcome(one.attempt, "rejected", "fall-back", code="21211")
    send(bank, "voice")
    bank.providers["voice"].answer = accepting
    with bank.sessions() as session:
        return delivery(session, "voice").id


def order(bank: SmallBank, number: int, who: str = "rep", call_again: bool = True) -> None:
    with bank.sessions() as session:
        resend.resend(session, bank.runtime, bank.staff(session, who), number, call_again=call_again)
        commit(session, bank.runtime.bells)


def test_a_failed_delivery_is_sent_again_by_order(bank: SmallBank) -> None:
    number = failed_call(bank)
    with bank.sessions() as session:
        assert session.scalars(select(Task.state)).all() == ["open"]
    with pytest.raises(Refused, match="call_again"):
        order(bank, number, call_again=False)
    order(bank, number)
    with pytest.raises(StateConflict, match="deferred now"):
        order(bank, number)
    send(bank, "voice")
    with bank.sessions() as session:
        assert delivery(session, "voice").state == "accepted"
        task = session.scalars(select(Task)).one()
        assert (task.state, task.answer) == ("closed", "again")
    with pytest.raises(StateConflict, match="accepted now"):
        order(bank, number)
    assert breaches(bank) == []


def test_one_that_fails_again_asks_again(bank: SmallBank) -> None:
    number = failed_call(bank)
    order(bank, number)
    bank.providers["voice"].answer = lambda one: Outcome(one.attempt, "rejected", "fall-back", code="21211")
    send(bank, "voice")
    with bank.sessions() as session:
        task = session.scalars(select(Task)).one()
        assert (task.state, task.answer, task.closed_at) == ("open", None, None)
    assert breaches(bank) == []


def test_what_went_on_to_the_next_channel_is_not_sent_again(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = lambda one: Outcome(one.attempt, "rejected", "fall-back", code="21211")
    send(bank, "sms")
    with bank.sessions() as session:
        number = delivery(session, "sms").id
        assert not resend.can_resend(session.get_one(Delivery, number))
    with pytest.raises(StateConflict, match="next channel"):
        order(bank, number, "admin")
    for who, error in (("rep", NotFound), ("analyst", NotFound)):
        with pytest.raises(error):
            order(bank, number, who)


def test_a_shared_address_is_the_administrators(bank: SmallBank) -> None:
    with bank.sessions() as session:
        stranger = Customer(
            key="dora", name="Dora", rep_id=bank.ids["admin"],
            contact_points=[ContactPoint(channel="voice", address="+12025550102")],
        )  # fmt: skip
        session.add(stranger)
        session.commit()
        number = stranger.id
    call = failed_call(bank)
    with bank.sessions() as session:
        row = session.get_one(Delivery, call)
        session.add(Recipient(message_id=row.message_id, customer_id=number, delivery_id=call, channel="voice"))
        session.commit()
    with pytest.raises(NotAllowed, match="share"):
        order(bank, call, "rep")
    order(bank, call, "admin")


# --- poison -----------------------------------------------------------------------------------------------


def die_over(bank: SmallBank, channel: str) -> None:
    """A worker claims, and is gone; then the provider is asked twice, and never got it."""
    bank.providers[channel].found = Found("absent")
    with bank.sessions() as session:
        row = delivery(session, channel)
        session.execute(
            update(Delivery)
            .where(Delivery.id == row.id)
            .values(state="sending", tries=Delivery.tries + 1, lease_until=bank.runtime.now(), due_at=None)
            .execution_options(synchronize_session=False)
        )
        session.add(
            Attempt(
                id=f"{row.id:016x}{row.tries:016x}", delivery_id=row.id, n=row.tries + 1, provider="scripted",
                started_at=bank.runtime.now(),
            )
        )  # fmt: skip
        session.commit()
    bank.time.pass_by(61)
    with bank.sessions() as session:
        assert reconcile.doubt_dead_leases(session, bank.runtime) == 1
        assert reconcile.doubt_dead_leases(session, bank.runtime) == 0
        session.commit()
    assert look_up(bank, 3)[:2] == ["absent", "absent"]


def test_what_three_workers_died_over_is_set_aside_and_the_rest_go_on(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    for _ in range(2):
        die_over(bank, "sms")
        with bank.sessions() as session:
            assert delivery(session, "sms").state == "deferred"
    die_over(bank, "sms")
    with bank.sessions() as session:
        row = delivery(session, "sms")
        assert (row.state, row.due_at, row.mishaps) == ("failed", None, poison.MOST_MISHAPS)
        task = session.scalars(select(Task).where(Task.kind == "poison")).one()
        assert (task.customer_id, task.rep_id, resend.answers_to(task)) == (
            bank.ids["bob"],
            None,
            ("again", "next", "leave"),
        )
        assert session.scalars(select(Task).where(Task.kind == "alarm")).one()
        bob = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["bob"])).one()
        assert bob.delivery_id == row.id, "nothing follows by itself"
        number = task.id
    assert send(bank, "email") == 1
    assert breaches(bank) == []
    answer(bank, number, "next")
    with bank.sessions() as session:
        bob = session.scalars(select(Recipient).where(Recipient.customer_id == bank.ids["bob"])).one()
        assert bob.channel == "email"
    assert breaches(bank) == []


def test_what_a_worker_died_over_goes_alone(bank: SmallBank) -> None:
    with bank.sessions() as session:
        semis = session.scalars(select(DistributionList.id).where(DistributionList.key == "semis")).one()
        for n in range(4):
            one = Customer(
                key=f"c{n}", name=f"C{n}", firm_id=session.get_one(Customer, bank.ids["bob"]).firm_id,
                contact_points=[ContactPoint(channel="sms", address=f"+1202555011{n}")],
                preferences=[Preference(rank=0, channel="sms")],
            )  # fmt: skip
            session.add(one)
            session.flush()
            session.add(ListMember(list_id=semis, customer_id=one.id))
        session.commit()
        number = bank.released(session).id
        query = select(Delivery).where(Delivery.channel == "sms").order_by(Delivery.position)
        suspects = session.scalars(query).all()[1:3]
        for row in suspects:
            row.mishaps = 1
        session.commit()
        taken = []
        while claimed := fan_out.claim(session, bank.runtime, number, "sms", "scripted", 10):
            taken.append({made.delivery_id for made in claimed})
            session.commit()
    assert [len(some) for some in taken] == [3, 1, 1]
    assert set.union(*taken[1:]) == {row.id for row in suspects}


def test_suspects_leave_apart(bank: SmallBank) -> None:
    with bank.sessions() as session:
        bank.released(session)
    for _ in range(2):
        die_over(bank, "sms")
    with bank.sessions() as session:
        row = delivery(session, "sms")
        assert row.mishaps == 2
        settled_at = row.attempts[-1].settled_at
        assert row.due_at is not None
        assert settled_at is not None
        assert 0 < (row.due_at - settled_at).total_seconds() <= 1.25 * reconcile.APART


def a_letter(bank: SmallBank, **more: object) -> int:
    with bank.sessions() as session:
        letter = letters.write(
            session, bank.runtime, kind="response", dedupe="a", channel="email", address="ana@simon.example",
            subject="Re", text="I ring you.", customer=session.get_one(Customer, bank.ids["ana"]),
        )  # fmt: skip
        for name, value in more.items():
            setattr(letter, name, value)
        commit(session, bank.runtime.bells)
        return letter.id


def test_a_letter_that_always_raises_is_set_aside(bank: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    number = a_letter(bank)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(letter_sending, "content_of", broken)
    for _ in range(6):
        assert not asyncio.run(letter_sending.send_letter(bank.runtime, number))
        bank.time.pass_by(120)
    with bank.sessions() as session:
        letter = session.get_one(Letter, number)
        assert (letter.state, letter.mishaps, letter.due_at) == ("failed", 3, None)
        task = session.scalars(select(Task).where(Task.kind == "poison")).one()
        assert (task.letter_id, task.customer_id) == (number, bank.ids["ana"])
        assert session.scalars(select(Attempt)).all() == []
    monkeypatch.undo()
    answer(bank, task.id, "again")
    assert asyncio.run(letter_sending.send_letter(bank.runtime, number))
    with bank.sessions() as session:
        assert session.get_one(Letter, number).state == "accepted"


def test_letters_to_customers_wait_for_the_end_of_a_pause(bank: SmallBank) -> None:
    number = a_letter(bank)
    with bank.sessions() as session:
        pause.begin(session, bank.runtime, "system", "A rehearsal.")
        commit(session, bank.runtime.bells)
        told = session.scalars(select(Letter.id).where(Letter.kind == "alarm")).one()
    assert not asyncio.run(letter_sending.send_letter(bank.runtime, number))
    assert asyncio.run(letter_sending.send_letter(bank.runtime, told)), "administrators are told of it"
    with bank.sessions() as session:
        assert session.get_one(Letter, number).error == "held: sending is paused"
        pause.resume(session, bank.runtime, "system")
        commit(session, bank.runtime.bells)
    assert asyncio.run(letter_sending.send_letter(bank.runtime, number))


def test_doubt_about_a_letter_is_answered_too(bank: SmallBank) -> None:
    number = a_letter(bank)
    bank.providers["email"].answer = lambda one: None
    asyncio.run(letter_sending.send_letter(bank.runtime, number))
    bank.providers["email"].answer = accepting
    look_up(bank, reconcile.GIVE_UP_AFTER)
    with bank.sessions() as session:
        task = session.scalars(select(Task)).one()
        assert resend.answers_to(task) == ("arrived", "again", "leave")
    answer(bank, task.id, "again")
    asyncio.run(letter_sending.send_letter(bank.runtime, number))
    with bank.sessions() as session:
        assert session.get_one(Letter, number).state == "accepted"


def test_a_release_that_cannot_be_composed_waits_with_one_alarm(bank: SmallBank) -> None:
    with bank.sessions() as session:
        message_id = bank.released(session).id
    for _ in range(5):
        with bank.sessions() as session:
            poison.no_content(session, bank.runtime, message_id, "sms", "the attachment is not what was approved")
            commit(session, bank.runtime.bells)
        assert send(bank, "sms") == 0
        bank.time.pass_by(20)
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind)).all() == ["alarm"]
    bank.time.pass_by(300)
    assert send(bank, "sms") == 1


def test_a_look_up_whose_content_cannot_be_made_comes_to_an_end(
    bank: SmallBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bank.sessions() as session:
        bank.released(session)
    bank.providers["sms"].answer = lambda one: None
    send(bank, "sms")

    def broken(*_: object) -> None:
        raise StateConflict("not what was approved")

    monkeypatch.setattr(renditions, "content_for", broken)
    assert look_up(bank, 8) == ["cannot say"] * 6
    with bank.sessions() as session:
        assert session.scalars(select(Task.kind)).all() == ["unknown"]
