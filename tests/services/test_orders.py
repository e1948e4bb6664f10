"""Orders are only requests: told at once, claimed by one, read back, confirmed or declined; never lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher import bells, jobs
from dispatcher.model import (
    AuditEntry,
    Conversation,
    Customer,
    Grant,
    Letter,
    OrderRequest,
    Reply,
    RoutingRule,
    Staff,
    Task,
)
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.services import (
    calls,
    conversations,
    correcting,
    handover,
    letter_sending,
    order_rings,
    order_warnings,
    orders,
    reply_store,
    suppressions,
    sweep,
    verify,
)
from dispatcher.services.order_words import is_verdict
from dispatcher.services.understanding import Understood
from tests.webhooks.world import World

BOB, ANA = "+12025550101", "ana@simon.example"
AT = datetime(2026, 11, 20, 9, 31, tzinfo=UTC)
WORDS = "Buy 5,000 LTMY at 42.10"


@pytest.fixture
def session(light: World) -> Iterator[Session]:
    with light.runtime.sessions() as session:
        yield session


def person(world: World, session: Session, name: str) -> Staff:
    return session.get_one(Staff, world.bank.ids[name])


def asked(
    world: World, session: Session, who: str = "bob", channel: str = "sms", sender: str = BOB, kind: str = "order",
    text: str = WORDS, **more: Any,
) -> Reply:  # fmt: skip
    """This customer has written something that is an order."""
    customer = session.get_one(Customer, world.bank.ids[who])
    reply = reply_store.keep(
        session, world.runtime, dedupe=f"{who}:{channel}:{world.runtime.now()}:{more}", channel=channel, sender=sender,
        understood=Understood(kind, "rule", text), text=text, person=customer, **more,
    )  # fmt: skip
    bells.commit(session, world.runtime.bells)
    return reply


def order_of(reply: Reply) -> OrderRequest:
    assert reply.order is not None
    return reply.order


def colleague(session: Session, name: str, *roles: str) -> Staff:
    made = Staff(
        email=f"{name}@bank.example", name=name.title(), channels=["email"], grants=[Grant(role=one) for one in roles]
    )
    session.add(made)
    session.commit()
    return made


def letters(session: Session, kind: str) -> list[Letter]:
    return list(session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.id)))


def acts(session: Session, order: OrderRequest) -> list[str]:
    return list(
        session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == f"order {order.id}").order_by(AuditEntry.seq)
        )
    )


def minute(world: World, seconds: float = 60) -> None:
    """Time passes; the clock's sweep rings, and the worker escalates."""
    world.bank.time.pass_by(seconds)
    world.bank.bells.rings.clear()
    with world.runtime.sessions() as session:
        sweep.sweep(session, world.runtime, "orders")
        bells.commit(session, world.runtime.bells)
    jobs.configure(world.runtime)
    for _, function, ids in [one for one in world.bank.bells.rings if one[1] == "escalate_orders"]:
        getattr(jobs, function)(*ids)


# --- from the request to the decision ---------------------------------------------------------------------


def test_an_order_is_told_claimed_read_back_and_confirmed(world: World) -> None:
    with world.runtime.sessions() as session:
        reply = asked(world, session)
        order, rep = order_of(reply), person(world, session, "rep")
        assert (order.state, order.escalations) == ("waiting", 0)
        told = [one for one in letters(session, "reply") if one.staff_id == rep.id]
        assert {one.channel for one in told} == {"email", "sms"}
        assert all((one.subject + one.text).startswith("ORDER REQUEST (not accepted yet)") for one in told)
        assert all("/inbox/" in one.text for one in told)
        (noted,) = letters(session, "order-noted")
        assert (noted.channel, noted.address) == ("sms", BOB)
        assert "NOT accepted until Rep has confirmed it" in noted.text
        assert "+18005550100" in noted.text
        assert WORDS not in noted.text
        world.bank.time.pass_by(30)
        assert orders.claim(session, world.runtime, rep, order.id).state == "claimed"
        with pytest.raises(StateConflict, match="not been read back"):
            orders.confirm(session, world.runtime, rep, order.id, via="page")
        orders.read_back(session, world.runtime, rep, order.id, "You buy 5,000 LTMY, limit 42.10", via="page")
        for _ in range(2):
            done = orders.confirm(session, world.runtime, rep, order.id, via="page")
        bells.commit(session, world.runtime.bells)
        assert (done.state, done.decided_by, done.due_at) == ("confirmed", rep.id, None)
        back, confirmed = letters(session, "response")
        assert "Not accepted yet" in back.text
        assert confirmed.text == ("Rep, Example Bank: Confirmed by Rep at 09:30 UTC: You buy 5,000 LTMY, limit 42.10")
        assert acts(session, order) == [
            "request order", "tell of order", "claim order", "read back order", "confirm order",
        ]  # fmt: skip
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "claim order")).one()
        assert json.loads(entry.detail)["waited_seconds"] == 30
    assert breaches(world) == ""


@pytest.mark.parametrize(
    ("language", "zone", "noted", "confirmed"),
    [
        ("en", "UTC", "of 09:30 UTC. It is NOT accepted until Rep", "Confirmed by Rep at 09:30 UTC: 500 SAP"),
        ("de", "Europe/Berlin", "von 10:30 CET notiert. Er ist NICHT", "Bestätigt von Rep um 10:30 CET: 500 SAP"),
        ("de-CH", "nowhere", "NICHT angenommen, bis Rep", "Bestätigt von Rep um 09:30 UTC: 500 SAP"),
        ("fr", "America/Sao_Paulo", "n'est PAS acceptée tant que", "Confirmé par Rep à 06:30 UTC-03 : 500 SAP"),
        ("ja", "Asia/Tokyo", "NOT accepted until Rep", "Confirmed by Rep at 18:30 JST: 500 SAP"),
    ],
)
def test_customers_read_it_in_their_language_and_by_their_clock(
    light: World, session: Session, language: str, zone: str, noted: str, confirmed: str
) -> None:
    bob = session.get_one(Customer, light.bank.ids["bob"])
    bob.language, bob.timezone = language, zone
    order, rep = order_of(asked(light, session)), person(light, session, "rep")
    orders.claim(session, light.runtime, rep, order.id)
    orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page")
    orders.confirm(session, light.runtime, rep, order.id, via="page")
    assert noted in letters(session, "order-noted")[0].text
    assert confirmed in letters(session, "response")[-1].text


def test_a_request_is_answered_in_its_own_language(light: World, session: Session) -> None:
    asked(light, session, text="Bitte verkaufen Sie heute 500 SAP, sobald Sie können.")
    assert "NICHT angenommen" in letters(session, "order-noted")[0].text


def test_declined_with_a_reason(light: World, session: Session) -> None:
    order, rep = order_of(asked(light, session)), person(light, session, "rep")
    orders.claim(session, light.runtime, rep, order.id)
    for empty in ("", "  \n", "\x00", "x" * 1001):
        with pytest.raises(Refused) as refused:
            orders.decline(session, light.runtime, rep, order.id, empty, via="api")
        assert set(refused.value.fields) == {"text"}
    assert orders.decline(session, light.runtime, rep, order.id, "The book is closed.", via="api").state == "declined"
    told = letters(session, "response")[0].text
    assert "Declined by Rep at 09:30 UTC: your order request of 09:30 UTC" in told
    assert "Why: The book is closed.\nNothing of it is bought or sold." in told
    for act in (orders.claim, orders.give_back):
        with pytest.raises(StateConflict, match="declined already by Rep"):
            act(session, light.runtime, rep, order.id)
    assert conversations.close(session, light.runtime, rep, order.conversation_id).state == "closed"


def test_only_who_claimed_it_decides(light: World, session: Session) -> None:
    order = order_of(asked(light, session))
    rep, admin = person(light, session, "rep"), person(light, session, "admin")
    stranger = colleague(session, "second", "rep")
    runtime = light.runtime
    with pytest.raises(StateConflict, match="claim it first"):
        orders.decline(session, runtime, rep, order.id, "no", via="page")
    with pytest.raises(NotFound):
        orders.claim(session, runtime, stranger, order.id)
    orders.claim(session, runtime, rep, order.id)
    with pytest.raises(StateConflict, match="Rep has claimed the order"):
        orders.claim(session, runtime, admin, order.id)
    others: list[Callable[[], object]] = [
        lambda: orders.read_back(session, runtime, admin, order.id, "x", via="page"),
        lambda: orders.confirm(session, runtime, admin, order.id, via="page"),
        lambda: orders.decline(session, runtime, admin, order.id, "no", via="page"),
        lambda: orders.give_back(session, runtime, admin, order.id),
    ]
    for other in others:
        with pytest.raises(StateConflict, match="Rep has claimed the order"):
            other()
    with pytest.raises(StateConflict, match="not decided"):
        conversations.close(session, runtime, rep, order.conversation_id)
    rep.active = False  # gone: an administrator takes over
    assert orders.claim(session, runtime, admin, order.id).claimed_by == admin.id


@pytest.mark.parametrize("by", ["conversation", "order"])
def test_a_conversation_and_the_orders_in_it_are_claimed_in_one_act(light: World, session: Session, by: str) -> None:
    rep, first = person(light, session, "rep"), order_of(asked(light, session))
    light.bank.time.pass_by(1)
    second = order_of(asked(light, session))
    if by == "order":
        orders.claim(session, light.runtime, rep, second.id)
    else:
        orders.claim_conversation(session, light.runtime, rep, first.conversation_id)
    assert {(one.state, one.claimer) for one in (first, second)} == {("claimed", rep)}
    assert first.conversation.claimed_by == rep.id
    subjects = session.scalars(select(AuditEntry.subject).where(AuditEntry.action.startswith("claim "))).all()
    said = {f"order {first.id}", f"order {second.id}", f"conversation {first.conversation_id}"}
    assert (len(subjects), set(subjects)) == (3, said)


def test_of_two_who_claim_at_once_one_has_it(world: World) -> None:
    with world.runtime.sessions() as session:
        order_id = order_of(asked(world, session)).id
    together = Barrier(2)

    def take(name: str) -> str:
        with world.runtime.sessions() as mine:
            staff = person(world, mine, name)
            mine.rollback()
            together.wait(60)
            try:
                orders.claim(mine, world.runtime, person(world, mine, name), order_id)
                mine.commit()
            except StateConflict as conflict:
                return str(conflict)
            return staff.name

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(take, ("rep", "admin")), key=len)
    assert said[0] in ("Rep", "Admin")
    assert said[1] == f"{said[0]} has claimed the order"


@pytest.mark.parametrize("deed", ["claim", "correct"])
def test_what_is_given_away_meanwhile_is_touched_no_more(world: World, deed: str) -> None:
    """They saw it, and waited while an administrator gave it to a colleague."""
    with world.runtime.sessions() as session:
        reply = asked(world, session)
        order_id, reply_id = order_of(reply).id, reply.id
        second = Staff(email="second@bank.example", name="Second", channels=["email"], grants=[Grant(role="rep")])
        session.add(second)
        session.commit()
        new = second.id

    def act() -> str:
        with world.runtime.sessions() as mine:
            rep = person(world, mine, "rep")
            try:
                if deed == "claim":
                    orders.claim(mine, world.runtime, rep, order_id)
                else:
                    correcting.correct(mine, world.runtime, rep, reply_id, "question")
                mine.commit()
            except NotFound:
                return "not found"
        return "done"

    with world.runtime.sessions() as giving, ThreadPoolExecutor(1) as pool:
        order_rings.locked(giving, order_id)
        given = pool.submit(act)
        time.sleep(0.5)
        handover.hand_over(giving, world.runtime, person(world, giving, "admin"), world.bank.ids["rep"], new)
        giving.commit()
        assert given.result(60) == "not found"


def test_analysts_and_compliance_take_no_orders(light: World, session: Session) -> None:
    order = order_of(asked(light, session))
    conversation = session.get_one(Conversation, order.conversation_id)
    analyst = person(light, session, "analyst")
    conversation.rep_id = analyst.id
    session.flush()
    with pytest.raises(NotAllowed):
        orders.claim(session, light.runtime, analyst, order.id)


@pytest.mark.parametrize("by_claim", [True, False])
def test_an_order_with_an_analyst_is_told_to_who_may_take_it(light: World, session: Session, by_claim: bool) -> None:
    rep, analyst = person(light, session, "rep"), colleague(session, "ana", "analyst")
    conversation = asked(light, session, kind="question").conversation
    assert conversation is not None
    conversation.rep_id = analyst.id
    if by_claim:
        conversation.state, conversation.claimed_by = "claimed", analyst.id
    else:
        session.add(RoutingRule(position=1, name="All", target="person", staff_id=analyst.id, minutes=30))
        session.add(RoutingRule(position=2, name="Orders", kind="order", target="rep", minutes=3))
    session.commit()
    light.bank.time.pass_by(1)
    order = order_of(asked(light, session))
    assert (order.conversation, conversation.rep_id) == (conversation, analyst.id)
    assert {one.staff for one in letters(session, "order")} == {rep}
    assert rep.name in letters(session, "order-noted")[0].text
    assert orders.claim(session, light.runtime, rep, order.id).claimed_by == rep.id
    orders.decline(session, light.runtime, rep, order.id, "The book is closed.", via="page")


def test_an_older_order_waits_for_what_was_asked_since(light: World, session: Session) -> None:
    rep, older = person(light, session, "rep"), order_of(asked(light, session))
    light.bank.time.pass_by(5)
    newer = order_of(asked(light, session))
    newer.reply.text = "Cancel my order"
    for one in (older, newer):
        orders.claim(session, light.runtime, rep, one.id)
        orders.read_back(session, light.runtime, rep, one.id, "500 SAP", via="page")
    assert "“Cancel my order”" in " ".join(order_warnings.against(session, older).warnings)
    assert order_warnings.against(session, older).newer is newer
    assert order_warnings.against(session, newer).warnings == ()
    with pytest.raises(StateConflict, match="something else since: “Cancel my order”"):
        orders.confirm(session, light.runtime, rep, older.id, via="page")
    orders.confirm(session, light.runtime, rep, newer.id, via="page")
    assert "confirmed: “Cancel my order”. Confirm this one only if" in " ".join(
        order_warnings.against(session, older).warnings
    )
    assert orders.confirm(session, light.runtime, rep, older.id, via="page").state == "confirmed"


def test_an_order_that_may_have_come_twice_is_marked(light: World, session: Session) -> None:
    rep, first = person(light, session, "rep"), order_of(asked(light, session, text="Sell 500 at 42"))
    assert order_warnings.against(session, first).warnings == ()
    light.bank.time.pass_by(5)
    again = order_of(asked(light, session, text="sell 500, at 42!", channel="email", sender="bob@kohler.example"))
    light.bank.time.pass_by(5)
    another = order_of(asked(light, session, text="Sell 500 at 43"))

    def twice(order: OrderRequest) -> list[str]:
        return [one for one in order_warnings.against(session, order).warnings if "may have come twice" in one]

    assert twice(first) == twice(another) == []
    assert "“Sell 500 at 42”, not decided yet" in twice(again)[0]
    for one in (another, again):
        orders.claim(session, light.runtime, rep, one.id)
        orders.decline(session, light.runtime, rep, one.id, "Not today.", via="page")
    orders.claim(session, light.runtime, rep, first.id)
    orders.read_back(session, light.runtime, rep, first.id, "500 at 42", via="page")
    orders.confirm(session, light.runtime, rep, first.id, via="page")
    light.bank.time.pass_by(24 * 3600 - 20)
    assert "“Sell 500 at 42”, confirmed" in twice(order_of(asked(light, session, text="Sell 500 at 42")))[0]
    light.bank.time.pass_by(24 * 3600 + 5)
    assert twice(order_of(asked(light, session, text="Sell 500 at 42"))) == []
    assert twice(order_of(asked(light, session, who="ana", sender=ANA, channel="email", text="Sell 500 at 42"))) == []


def test_what_they_say_after_the_read_back_is_read_before_it_is_confirmed(light: World, session: Session) -> None:
    rep, order = person(light, session, "rep"), order_of(asked(light, session))
    orders.claim(session, light.runtime, rep, order.id)
    orders.read_back(session, light.runtime, rep, order.id, "Buy 10,000 LTMY", via="page")
    light.bank.time.pass_by(5)
    said = asked(light, session)
    said.text, said.kind = "No, wrong: one thousand, not ten.", "other"
    session.delete(order_of(said))
    session.flush()
    assert "said: “No, wrong: one thousand" in " ".join(order_warnings.against(session, order).warnings)
    with pytest.raises(StateConflict, match=r"they have said .*: “No, wrong"):
        orders.confirm(session, light.runtime, rep, order.id, via="page", heard=order.reply_id)
    light.bank.time.pass_by(5)
    orders.read_back(session, light.runtime, rep, order.id, "Buy 1,000 LTMY", via="page")
    assert order_warnings.against(session, order).warnings == ()
    light.bank.time.pass_by(5)
    agreed = asked(light, session)
    agreed.text, agreed.kind = "Yes", "other"
    session.delete(order_of(agreed))
    session.flush()
    done = orders.confirm(session, light.runtime, rep, order.id, via="page", heard=agreed.id)
    assert done.state == "confirmed"


@pytest.mark.parametrize("state", ["failed", "bounced", "rejected", "suppressed", "expired"])
def test_what_was_not_read_is_not_confirmed(light: World, session: Session, state: str) -> None:
    rep, order = person(light, session, "rep"), order_of(asked(light, session))
    orders.claim(session, light.runtime, rep, order.id)
    orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page")
    letters(session, "response")[0].state = state
    session.flush()
    assert "has not arrived" in " ".join(order_warnings.against(session, order).warnings)
    assert order_warnings.against(session, order).lost
    with pytest.raises(StateConflict, match=r"not arrived .*by telephone"):
        orders.confirm(session, light.runtime, rep, order.id, via="page")
    by_telephone = state in ("failed", "bounced")
    orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page", by_telephone=by_telephone)
    assert len(letters(session, "response")) == (1 if by_telephone else 2)
    assert order_warnings.against(session, order).warnings == ()
    assert orders.confirm(session, light.runtime, rep, order.id, via="page").state == "confirmed"


def test_the_box_says_who_may_not_have_written_it(light: World, session: Session) -> None:
    theirs = order_of(asked(light, session))
    assert order_warnings.against(session, theirs).warnings == ()
    suppressions.suppress(session, light.runtime, "sms", BOB, "wrong-person", "sms not me")
    assert "said it is not theirs" in " ".join(order_warnings.against(session, theirs).warnings)
    light.bank.time.pass_by(5)
    forged = order_of(
        asked(
            light,
            session,
            sender="x@y.example",
            channel="email",
            text="All of it",
            note="sender not verified: spf=fail",
        )
    )
    first, second = order_warnings.against(session, forged).warnings
    assert "another's address" in first
    assert "forged" in second


def test_by_telephone_there_is_a_note_and_no_letter(light: World, session: Session) -> None:
    """Cleo has a telephone only: what she was told there is written down."""
    order = order_of(asked(light, session, "cleo", "voice", "+12025550102"))
    assert letters(session, "order-noted") == []  # it was said in the call
    rep = person(light, session, "rep")
    orders.claim(session, light.runtime, rep, order.id)
    with pytest.raises(Refused, match="telephone them"):
        orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page")
    orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page", by_telephone=True)
    orders.confirm(session, light.runtime, rep, order.id, via="page", by_telephone=True)
    assert letters(session, "response") == []
    said = session.get_one(Conversation, order.conversation_id).responses
    assert [(one.letter_id, one.text.partition(":")[0]) for one in said] == [
        (None, "Rep hat verstanden"), (None, "Bestätigt von Rep um 09"),
    ]  # fmt: skip


# --- nobody claims it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_cover", [True, False])
def test_unclaimed_it_goes_to_more_people_by_the_minute(world: World, has_cover: bool) -> None:
    with world.runtime.sessions() as session:
        cover = colleague(session, "cover", "rep")
        if has_cover:
            person(world, session, "rep").cover_id = cover.id
        order_id = order_of(asked(world, session)).id
    minute(world, 60)
    rung: list[list[str]] = []
    with world.runtime.sessions() as session:
        assert letters(session, "order") == []
    for _ in range(9):
        minute(world)
        with world.runtime.sessions() as session:
            rung.append([one.address for one in letters(session, "order")])
    new = [after[len(before) :] for before, after in zip([[], *rung], rung, strict=False)]
    desk = [["admin@bank.example"]] * order_rings.MOST_RINGS
    assert new == [*([["cover@bank.example"]] if has_cover else []), *desk, *[[]] * (4 - has_cover)]
    with world.runtime.sessions() as session:
        order = session.get_one(OrderRequest, order_id)
        assert (order.state, order.due_at) == ("waiting", None)
        task = session.scalars(select(Task).where(Task.kind == "order")).one()
        assert (task.state, task.rep_id) == ("open", None)
        assert acts(session, order).count("escalate order") == order_rings.MOST_RINGS + has_cover + 1
        cover = session.scalars(select(Staff).where(Staff.email == "cover@bank.example")).one()
        if has_cover:  # who was asked may see and claim it, though the customer is a colleague's
            assert orders.claim(session, world.runtime, cover, order.id).claimed_by == cover.id
            assert task.state == "closed"
            orders.decline(session, world.runtime, cover, order.id, "too late", via="page")
            assert session.get_one(Conversation, order.conversation_id).claimed_by == cover.id
        else:
            with pytest.raises(NotFound):
                orders.claim(session, world.runtime, cover, order.id)


def test_of_many_orders_an_administrator_hears_once_a_minute(light: World) -> None:
    with light.runtime.sessions() as session:
        admin = person(light, session, "admin")
        admin.channels, admin.phone = ["sms"], "+12025550177"
        for _ in range(13):
            light.bank.time.pass_by(1)
            asked(light, session)
        session.commit()
    minute(light, 60 * light.runtime.settings.order_claim_minutes)
    for _ in range(5):
        minute(light)
    with light.runtime.sessions() as session:
        texts = [one for one in letters(session, "order") if one.address == "+12025550177"]
        assert 13 + 4 <= len(texts) <= 13 + 6
        assert texts[-1].text.startswith("13 order requests (not accepted yet) are not claimed: #")
        assert all(len(one.text) <= 320 for one in texts)


def test_after_an_urgent_alert_there_is_less_time(light: World, session: Session) -> None:
    message = light.alert()["message"]
    reply = asked(light, session, message_id=message)
    assert reply.message is not None
    assert (order_of(reply).due_at or light.runtime.now()) - light.runtime.now() == order_rings.patience(
        light.runtime, session.get_one(Conversation, reply.conversation_id)
    )
    assert order_rings.patience(light.runtime, session.get_one(Conversation, reply.conversation_id)).seconds == 120
    reply.message.current.urgency = "urgent"
    assert order_rings.patience(light.runtime, session.get_one(Conversation, reply.conversation_id)).seconds == 60


def test_claimed_and_forgotten_it_is_asked_for(light: World) -> None:
    with light.runtime.sessions() as session:
        order_id = order_of(asked(light, session)).id
        orders.claim(session, light.runtime, person(light, session, "rep"), order_id)
        session.commit()
    for _ in range(12):
        minute(light)
    with light.runtime.sessions() as session:
        assert [one.channel for one in letters(session, "order")] == ["email", "sms"]
        assert all("claimed by you, and not decided" in one.text for one in letters(session, "order"))
        assert session.scalars(select(Task).where(Task.kind == "order")).one().rep_id == light.bank.ids["rep"]
        orders.give_back(session, light.runtime, person(light, session, "rep"), order_id)
        assert "waits again" in letters(session, "order")[-1].text
        assert session.scalars(select(Task).where(Task.kind == "order")).one().state == "closed"


# --- what the customer gets by itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "sender", "more", "letter"),
    [
        ("email", ANA, {}, True),
        ("sms", BOB, {}, True),
        ("email", ANA, {"proven": False}, False),  # may be forged: nothing goes to whoever is named
        ("page", ANA, {}, False),  # the page says it
        ("voice", BOB, {}, False),  # the call has said it
    ],
)
def test_the_note_is_written_once_and_to_nobody_unproven(
    light: World, session: Session, channel: str, sender: str, more: dict[str, Any], letter: bool
) -> None:
    reply = asked(light, session, "ana" if sender == ANA else "bob", channel, sender, **more)
    conversation = session.get_one(Conversation, reply.conversation_id)
    orders.request(session, light.runtime, conversation, reply, "system")
    assert [one.address for one in letters(session, "order-noted")] == [sender] * letter
    assert order_of(reply).state == "waiting"


@pytest.mark.parametrize("reason", ["doubt", "opt-out"])
def test_a_doubt_keeps_no_note_back_and_a_stop_has_them_told_by_telephone(world: World, reason: str) -> None:
    with world.runtime.sessions() as session:
        rep = person(world, session, "rep")
        suppressions.suppress(session, world.runtime, "sms", BOB, reason, "sms STOP")
        order = order_of(asked(world, session))
        noted = letters(session, "order-noted")
        tasked = session.scalars(select(Task).where(Task.customer_id == world.bank.ids["bob"])).all()
        if reason == "doubt":
            assert (len(noted), tasked) == (1, [])
            session.commit()
            assert asyncio.run(letter_sending.send_letter(world.runtime, noted[0].id))
            session.refresh(noted[0])
            assert noted[0].state == "accepted"
            return
        (task,) = tasked
        assert (noted, task.rep_id, task.state) == ([], rep.id, "open")
        assert task.text.startswith("Tell them by telephone that their order is not accepted yet: the text message ")
        orders.claim(session, world.runtime, rep, order.id)
        assert task.state == "open", "to claim it is not to tell them"
        orders.decline(session, world.runtime, rep, order.id, "no", via="page", by_telephone=True)
        assert (task.state, task.closed_by) == ("closed", rep.id)


def test_a_loop_is_cut(light: World, session: Session) -> None:
    for _ in range(15):
        light.bank.time.pass_by(1)
        asked(light, session)
    assert len(letters(session, "order-noted")) == light.runtime.settings.cap_answers_per_sender_day
    assert len(session.scalars(select(OrderRequest)).all()) == 15


# --- said to be something else ----------------------------------------------------------------------------


def test_corrected_it_is_withdrawn_and_comes_back(light: World, session: Session) -> None:
    reply, rep = asked(light, session), person(light, session, "rep")
    corrected = correcting.correct(session, light.runtime, rep, reply.id, "question")
    assert (corrected.kind, corrected.kind_by) == ("question", "person")
    assert corrected.kind_because == f"Rep said so; before: order (rule: {WORDS})"
    assert order_of(reply).state == "withdrawn"
    assert letters(session, "order-noted")[0].state == "cancelled"  # it had not left: nothing to take back
    correcting.correct(session, light.runtime, rep, reply.id, "order")
    assert order_of(reply).state == "waiting"
    order = orders.claim(session, light.runtime, rep, order_of(reply).id)
    with pytest.raises(StateConflict, match="Rep has claimed the order"):
        correcting.correct(session, light.runtime, person(light, session, "admin"), reply.id, "other")
    orders.decline(session, light.runtime, rep, order.id, "no", via="page")
    with pytest.raises(StateConflict, match="declined already"):
        correcting.correct(session, light.runtime, rep, reply.id, "other")


def test_who_has_read_that_it_was_noted_reads_that_it_is_none(light: World, session: Session) -> None:
    reply, rep = asked(light, session), person(light, session, "rep")
    letters(session, "order-noted")[0].state = "delivered"
    correcting.correct(session, light.runtime, rep, reply.id, "other")
    _, back = letters(session, "order-noted")
    assert "Rep has read it: it is not treated as an order" in back.text
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "correct reply")).one()
    assert json.loads(entry.detail) == {"before": {"kind": "order", "by": "rule", "doubt": ""}, "after": "other"}


def test_an_answer_that_is_an_order_after_all(light: World, session: Session) -> None:
    reply, rep = asked(light, session, kind="other"), person(light, session, "rep")
    assert reply.order is None
    correcting.correct(session, light.runtime, rep, reply.id, "order")
    assert order_of(reply).state == "waiting"
    assert len(letters(session, "order-noted")) == 1
    for kind in ("alert", "nonsense", ""):
        with pytest.raises(Refused) as refused:
            correcting.correct(session, light.runtime, rep, reply.id, kind)
        assert set(refused.value.fields) == {"kind"}
    with pytest.raises(NotFound):
        correcting.correct(session, light.runtime, colleague(session, "second", "rep"), reply.id, "other")


@pytest.mark.parametrize(
    ("kind", "doubt", "is_so", "after", "stopped", "state"),
    [
        ("order", "opt-out", True, "order", True, "waiting"),
        ("order", "opt-out", False, "order", False, "waiting"),
        ("order", "question", True, "question", False, "withdrawn"),
        ("other", "opt-out", True, "opt-out", True, None),
        ("other", "order", True, "order", False, "waiting"),
        ("other", "order", False, "other", False, None),
    ],
)
def test_a_doubt_is_settled(
    light: World, session: Session, kind: str, doubt: str, is_so: bool, after: str, stopped: bool, state: str | None
) -> None:
    reply = asked(light, session, kind=kind)
    reply.doubt = doubt
    session.flush()
    done = correcting.settle_doubt(session, light.runtime, person(light, session, "rep"), reply.id, is_so)
    assert (done.kind, done.doubt) == (after, "")
    assert (suppressions.in_force(session, "sms", BOB) is not None) is stopped
    assert (reply.order.state if reply.order else None) == state
    with pytest.raises(StateConflict):
        correcting.settle_doubt(session, light.runtime, person(light, session, "rep"), reply.id, True)


# --- answers by mail and text message confirm nothing -----------------------------------------------------


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("CONFIRM", True), ("Confirmed.", True), ("ok, confirmed", True), ("order accepted", True), ("Done!", True),
        ("bestätigt", True), ("Auftrag angenommen", True), ("DECLINE", True), ("we accept", True),
        ("Confirmed with the desk that they are closed", False), ("I ring you", False), ("", False),
        ("Done for the day, call you tomorrow", False), ("What limit?", False),
    ],
)  # fmt: skip
def test_verdicts(words: str, verdict: bool) -> None:
    assert is_verdict(words) is verdict


def test_a_reps_word_by_text_message_confirms_nothing(light: World) -> None:
    light.alert()
    with light.runtime.sessions() as session:
        order = order_of(asked(light, session, message_id=1))
    rep = "+12025550199"
    light.sms(rep, f"{light.reference(order.conversation_id)} CONFIRM")
    light.work()
    assert light.letters("response") == []
    assert (
        "page alone"
        in next(one for one in light.letters() if "NOT passed on" in one.text and one.channel == "email").text
    )
    light.sms(rep, f"{light.reference(order.conversation_id)} At what limit?")
    light.work()
    (response,) = light.letters("response")
    assert response.text.startswith("Rep, Example Bank: At what limit?")
    assert "not accepted until it is confirmed to you as such" in response.text
    with light.runtime.sessions() as session:
        assert session.get_one(OrderRequest, order.id).state == "waiting"


# --- `verify` -----------------------------------------------------------------------------------------------


def breaches(world: World) -> str:
    with world.runtime.sessions() as looking:
        return "; ".join(map(str, verify.check(looking, world.runtime)))


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "nobody is told": ({"state": "waiting", "due_at": None}, "nobody will be told of it again"),
    "claimed by nobody": ({"claimed_by": None}, "nobody will be told of it again"),
    "confirmed without a word": ({"state": "confirmed", "decided_by": 5, "decided_at": AT}, "never read back"),
    "confirmed by another": ({"state": "confirmed", "decided_by": 6, "decided_at": AT}, "not by who had claimed it"),
    "not on record": (
        {"state": "confirmed", "decided_by": 5, "decided_at": AT, "read_back": "x"}, "the record does not say so",
    ),
    "withdrawn behind everybody's back": ({"state": "withdrawn"}, "no request was made of it"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_done_to_an_order_behind_our_back_is_found(light: World, name: str) -> None:
    change, caught = FAULTS[name]
    with light.runtime.sessions() as session:
        order = order_of(asked(light, session))
        orders.claim(session, light.runtime, person(light, session, "rep"), order.id)
        session.commit()
        assert breaches(light) == ""
        for column, value in change.items():
            setattr(order, column, value)
        session.commit()
    assert caught in breaches(light)


def test_other_words_than_those_accepted_are_found(light: World) -> None:
    with light.runtime.sessions() as session:
        reply = asked(light, session)
        order, rep = order_of(reply), person(light, session, "rep")
        orders.claim(session, light.runtime, rep, order.id)
        orders.read_back(session, light.runtime, rep, order.id, "500 SAP", via="page")
        orders.confirm(session, light.runtime, rep, order.id, via="page")
        session.commit()
        assert breaches(light) == ""
        order.read_back = "5,000 SAP"
        session.commit()
    assert "in other words than it holds" in breaches(light)


# --- by telephone -----------------------------------------------------------------------------------------


def test_a_spoken_answer_may_be_an_order_and_waits_no_longer_than_one(light: World) -> None:
    """Key 2 is for orders and questions: until somebody has heard which, it is passed on as quickly as an order."""
    ids = light.alert()
    with light.runtime.sessions() as session:
        caller = calls.by_attempt(session, light.runtime, light.attempt_of(ids["cleo"]))
        assert caller is not None
        reply = calls.leaves_recording(session, light.runtime, "twilio", caller, "RE1", 7)
        assert (reply.kind, reply.doubt, reply.order) == ("other", "order", None)
        conversation = session.get_one(Conversation, reply.conversation_id)
        assert "Orders" in conversation.routed_by
        assert (conversation.claim_by or AT) - light.runtime.now() <= timedelta(minutes=3)
        correcting.correct(session, light.runtime, person(light, session, "rep"), reply.id, "order")
        assert order_of(reply).state == "waiting"
        assert letters(session, "order-noted") == []  # the call has said that it is not accepted yet
