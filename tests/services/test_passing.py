"""Nobody claims it in time, or whoever had it has left: it is passed on, told, and ends with somebody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher import jobs
from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Conversation, Customer, Firm, Grant, Letter, OrderRequest, Staff, Task
from dispatcher.model.directory import DistributionList
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.services import (
    accounts,
    conversations,
    customer_store,
    handover,
    imports,
    orders,
    reply_store,
    responses,
    sweep,
    tasks,
    unclaimed,
    verify,
)
from dispatcher.services.customer_fields import CustomerFields
from dispatcher.services.handover import Held
from dispatcher.services.understanding import Understood
from tests.webhooks.world import World


@pytest.fixture
def session(light: World) -> Iterator[Session]:
    with light.runtime.sessions() as session:
        yield session


def hired(session: Session, name: str, *roles: str) -> Staff:
    made = Staff(
        email=f"{name.lower()}@bank.example", name=name, channels=["email"], grants=[Grant(role=one) for one in roles]
    )
    session.add(made)
    session.commit()
    return made


def one(world: World, session: Session, name: str) -> Staff:
    return session.get_one(Staff, world.bank.ids[name])


def says(world: World, session: Session, text: str = "hello", kind: str = "other", key: str = "bob") -> Conversation:
    customer = session.scalars(select(Customer).where(Customer.key == key)).one()
    number = session.info["said"] = session.info.get("said", 0) + 1
    reply = reply_store.keep(
        session, world.runtime, dedupe=f"said:{number}", channel="sms", sender="+12025550101",
        understood=Understood(kind, "rule", text), text=text, person=customer,
    )  # fmt: skip
    commit(session, world.runtime.bells)
    return session.get_one(Conversation, reply.conversation_id)


def pass_by(world: World, session: Session, minutes: float) -> int:
    """Time passes; the sweep and the jobs it rings for do their work. How many were passed on."""
    world.bank.time.pass_by(minutes * 60)
    world.bank.bells.rings.clear()
    sweep.sweep(session, world.runtime, "passing")
    commit(session, world.runtime.bells)
    rung = [one for one in world.bank.bells.rings if one[1] == "pass_on"]
    done = [
        unclaimed.pass_on(session, world.runtime, number) for number in unclaimed.due(session, world.runtime) if rung
    ]
    commit(session, world.runtime.bells)
    return sum(done)


def how(talk: Conversation) -> tuple[object, ...]:
    return talk.rep_id, talk.passes, talk.claim_by


def told(session: Session, person: Staff) -> list[str]:
    query = select(Letter.text).where(Letter.staff_id == person.id, Letter.kind == "reply", Letter.channel == "email")
    return list(session.scalars(query.order_by(Letter.id)))


def test_unclaimed_it_goes_to_the_cover_then_to_the_desk_and_stays_there(world: World) -> None:
    with world.runtime.sessions() as session:
        rep, admin, second = one(world, session, "rep"), one(world, session, "admin"), hired(session, "Second", "rep")
        other = hired(session, "Admin2", "admin")
        rep.cover_id = second.id
        talk = says(world, session)
        assert pass_by(world, session, 29) == 0
        assert pass_by(world, session, 1) == 1
        assert (talk.rep_id, talk.passes, talk.state) == (second.id, 1, "open")
        assert talk.routed_by == "rule 7, Everything else: the representative; not claimed by Rep: Second"
        assert talk.claim_by == world.runtime.now() + timedelta(minutes=30)
        assert [
            "This is with you now: not claimed by Rep." in text and "hello" in text for text in told(session, second)
        ]
        says(world, session, "are you there?")
        assert (talk.rep_id, talk.passes) == (second.id, 1), "another word does not send it back"
        assert pass_by(world, session, 30) == 1
        assert how(talk) == (admin.id, 2, None)
        assert talk.routed_by.endswith("not claimed by Rep: Second; not claimed by Second: the desk")
        for person in (admin, other):
            assert ["are you there?" in text for text in told(session, person)] == [True]
        [task] = session.scalars(select(Task).where(Task.kind == unclaimed.UNCLAIMED))
        assert (task.state, task.rep_id, task.customer_id) == ("open", None, talk.customer_id)
        assert pass_by(world, session, 600) == 0, "no further"
        says(world, session, "hello??")
        assert how(talk) == (admin.id, 2, None)
        assert "hello??" in told(session, other)[-1]
        acts = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject == f"conversation {talk.id}").order_by(AuditEntry.seq)
        )
        assert [act for act in acts if "pass" in act] == ["pass conversation on"] * 2
        conversations.claim(session, world.runtime, other, talk.id)
        assert pass_by(world, session, 1) == 0
        session.refresh(task)
        assert (task.state, task.answer) == ("closed", tasks.SETTLED)
        conversations.close(session, world.runtime, other, talk.id)
        says(world, session, "something new")
        assert (talk.rep_id, talk.passes, talk.state) == (rep.id, 0, "open"), "from the beginning"
        assert [str(one) for one in verify.check(session, world.runtime) if one.promise == "P6"] == []


def test_without_a_cover_it_goes_to_the_desk_at_once(light: World, session: Session) -> None:
    talk = says(light, session)
    assert pass_by(light, session, 30) == 1
    assert how(talk) == (light.bank.ids["admin"], 2, None)


def test_a_cover_who_is_away_is_passed_over(light: World, session: Session) -> None:
    rep, second, third = one(light, session, "rep"), hired(session, "Second", "rep"), hired(session, "Third", "rep")
    rep.cover_id, second.cover_id = second.id, third.id
    second.away_until = light.runtime.now() + timedelta(days=1)
    talk = says(light, session)
    assert pass_by(light, session, 30) == 1
    assert talk.rep_id == third.id


def test_complaints_are_passed_among_compliance_before_the_desk(light: World, session: Session) -> None:
    carla, dan = hired(session, "Carla", "compliance"), hired(session, "Dan", "compliance")
    talk = says(light, session, "a complaint", "complaint")
    assert talk.rep_id == carla.id
    assert pass_by(light, session, 15) == 1
    assert (talk.rep_id, talk.routed_to) == (dan.id, "compliance")
    assert pass_by(light, session, 15) == 1
    assert talk.rep_id == light.bank.ids["admin"]


@pytest.mark.parametrize("act", ["claim", "respond", "close"])
def test_what_somebody_has_seen_to_is_not_passed_on(light: World, session: Session, act: str) -> None:
    talk, rep = says(light, session), one(light, session, "rep")
    if act == "respond":
        responses.respond(session, light.runtime, rep, talk.id, "I call you.", via="page")
    else:
        (conversations.claim if act == "claim" else conversations.close)(session, light.runtime, rep, talk.id)
    assert pass_by(light, session, 120) == 0
    assert (talk.passes, talk.rep_id) == (0, rep.id)


def test_a_stronger_word_begins_anew(light: World, session: Session) -> None:
    carla = hired(session, "Carla", "compliance")
    talk = says(light, session)
    pass_by(light, session, 30)
    says(light, session, "I complain", "complaint")
    assert (talk.rep_id, talk.passes, talk.routed_to) == (carla.id, 0, "compliance")
    assert talk.claim_by == light.runtime.now() + timedelta(minutes=15)


def test_a_step_is_taken_once_however_many_ring_for_it(light: World, session: Session) -> None:
    talk = says(light, session)
    light.bank.time.pass_by(1800)
    assert [unclaimed.pass_on(session, light.runtime, talk.id) for _ in range(3)] == [True, False, False]
    assert not unclaimed.pass_on(session, light.runtime, 999)


def test_the_inbox_of_somebody_who_is_gone_is_inherited_by_rule(light: World, session: Session) -> None:
    """However they went: not by the page, which asks for a hand-over first."""
    rep, firm = one(light, session, "rep"), session.scalars(select(Firm)).one()
    second = hired(session, "Second", "rep")
    talk, claimed = says(light, session), says(light, session, key="ana")
    conversations.claim(session, light.runtime, rep, claimed.id)
    rep.active, firm.rep = False, second
    session.commit()
    found = [str(one) for one in verify.check(session, light.runtime) if one.promise == "P6"]
    assert len([line for line in found if "in the inbox of nobody who works here" in line]) == 2
    assert pass_by(light, session, 0) == 2
    assert [(one.rep_id, one.state, one.claimed_by) for one in (talk, claimed)] == [(second.id, "open", None)] * 2
    assert len(told(session, second)) == 2
    assert [one for one in verify.check(session, light.runtime) if one.promise == "P6"] == []
    assert pass_by(light, session, 0) == 0
    conversations.claim(session, light.runtime, one(light, session, "admin"), talk.id)
    one(light, session, "admin").active = False
    session.commit()
    assert pass_by(light, session, 0) == 1, "claimed by nobody who works here"
    assert (talk.rep_id, talk.state, talk.claimed_by) == (second.id, "open", None)


# --- handing over -----------------------------------------------------------------------------------------


def test_everything_goes_over_in_one_act(world: World) -> None:
    with world.runtime.sessions() as session:
        rep, admin, second = one(world, session, "rep"), one(world, session, "admin"), hired(session, "Second", "rep")
        third = hired(session, "Third", "rep")
        third.cover_id = second.cover_id = rep.id
        bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
        bob.rep_id = rep.id
        session.add(DistributionList(key="own", name="Own", owner_id=rep.id))
        tasks.open_task(session, kind="failed", dedupe="t", text="ask", rep_id=rep.id, customer_id=bob.id)
        talk = says(world, session)
        claimed, done = says(world, session, "sell 5", "order", key="ana"), says(world, session, key="cleo")
        conversations.claim(session, world.runtime, rep, claimed.id)
        conversations.close(session, world.runtime, rep, done.id)
        orders.claim(session, world.runtime, rep, session.scalars(select(OrderRequest.id)).one())
        session.commit()
        with pytest.raises(StateConflict, match="Rep still has 3 customers, 1 firm, 2 open conversations"):
            accounts.set_active(session, world.runtime, admin, rep.id, False)
        theirs = handover.hand_over(session, world.runtime, admin, rep.id, second.id)
        assert theirs == Held(3, 1, 2, 1, 1, 1, 0, 2)
        commit(session, world.runtime.bells)
        session.expire_all()
        assert {one.rep_id for one in session.scalars(select(Customer)) if one.rep_id} == {second.id}
        assert session.scalars(select(Firm.rep_id)).all() == [second.id]
        assert (talk.rep_id, talk.state) == (second.id, "open")
        assert talk.routed_by == "handed over by Admin: Rep to Second"
        assert (claimed.rep_id, claimed.state, claimed.claimed_by) == (second.id, "claimed", second.id)
        assert done.rep_id == rep.id, "what is closed stays as it was"
        assert session.scalars(select(OrderRequest.claimed_by)).all() == [second.id]
        assert session.scalars(select(Task.rep_id)).all() == [second.id]
        assert session.scalars(select(DistributionList.owner_id).where(DistributionList.key == "own")).all() == [None]
        assert [one.cover_id for one in (third, second)] == [second.id, None]
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "hand over"))
        assert (entry.actor, entry.subject) == ("admin@bank.example", "staff rep@bank.example")
        assert '"to": "second@bank.example"' in entry.detail
        assert (
            session.scalars(select(Letter.text).where(Letter.kind == "handover"))
            .one()
            .startswith("You have been given what was Rep's: 3 customers, 1 firm, 2 open conversations")
        )
        accounts.set_active(session, world.runtime, admin, rep.id, False)
        says(world, session, "and now?", key="cleo")
        assert done.rep_id == second.id
        assert handover.held(session, rep.id) == Held()
        assert [one for one in verify.check(session, world.runtime) if one.promise == "P6"] == []


def test_what_is_said_of_a_conversation_is_how_it_came_to_where_it_is(light: World, session: Session) -> None:
    rep, admin, cover = one(light, session, "rep"), one(light, session, "admin"), hired(session, "Cover", "rep")
    second, third = hired(session, "Second", "rep"), hired(session, "Third", "rep")
    rep.cover_id = cover.id
    talk, taken = says(light, session), says(light, session, key="ana")
    light.bank.time.pass_by(86400)
    pass_by(light, session, 0)
    assert (talk.rep_id, talk.routed_by.partition("; ")[2]) == (cover.id, "not claimed by Rep: Cover")
    conversations.claim(session, light.runtime, admin, taken.id)
    for person, to, claimer in ((cover, second, admin), (second, third, admin), (admin, second, second)):
        handover.hand_over(session, light.runtime, admin, person.id, to.id)
        session.expire_all()
        how = f"handed over by Admin: {person.name} to {to.name}"
        assert (taken.rep_id, taken.routed_by, taken.claimed_by) == (to.id, how, claimer.id)
        if person != admin:
            assert (talk.rep_id, talk.routed_by, talk.passes) == (to.id, how, 0)


def test_who_is_offered_may_take_it_over(light: World, session: Session) -> None:
    rep, admin = one(light, session, "rep"), one(light, session, "admin")
    second, gone, away = (hired(session, name, "rep") for name in ("Second", "Gone", "Away"))
    gone.active, away.away_until = False, light.runtime.now() + timedelta(days=3)
    session.commit()
    assert handover.successors(session, light.runtime, rep) == [second]
    for one_of_them in handover.successors(session, light.runtime, admin):
        handover.hand_over(session, light.runtime, admin, admin.id, one_of_them.id)


def test_to_whom_it_cannot_go(light: World, session: Session) -> None:
    rep, admin = one(light, session, "rep"), one(light, session, "admin")
    gone = hired(session, "Gone", "rep")
    gone.active = False
    session.commit()
    for to in (rep.id, gone.id, 999, light.bank.ids["officer"], light.bank.ids["analyst"]):
        with pytest.raises(Refused) as refused:
            handover.hand_over(session, light.runtime, admin, rep.id, to)
        assert set(refused.value.fields) == {"to"}
    with pytest.raises(NotFound):
        handover.hand_over(session, light.runtime, admin, 999, rep.id)
    with pytest.raises(NotAllowed):
        handover.hand_over(session, light.runtime, rep, rep.id, admin.id)


def test_a_claimed_order_goes_to_whoever_may_decide_it(light: World, session: Session) -> None:
    """What an analyst got could be decided by nobody."""
    admin, second = one(light, session, "admin"), hired(session, "Second", "rep")
    says(light, session, "sell 5", "order")
    orders.claim(session, light.runtime, admin, session.scalars(select(OrderRequest.id)).one())
    with pytest.raises(Refused, match="may claim no orders"):
        handover.hand_over(session, light.runtime, admin, admin.id, light.bank.ids["analyst"])
    handover.hand_over(session, light.runtime, admin, admin.id, second.id)
    assert session.scalars(select(OrderRequest.claimed_by)).all() == [second.id]


def test_complaints_stay_with_compliance(light: World, session: Session) -> None:
    carla, admin = hired(session, "Carla", "compliance"), one(light, session, "admin")
    talk = says(light, session, "I complain", "complaint")
    with pytest.raises(Refused, match="not of compliance"):
        handover.hand_over(session, light.runtime, admin, carla.id, light.bank.ids["rep"])
    dan = hired(session, "Dan", "compliance")
    handover.hand_over(session, light.runtime, admin, carla.id, dan.id)
    session.expire_all()
    assert talk.rep_id == dan.id


def give(world: World, session: Session, customer: Customer, firm: str, rep_id: int | None) -> None:
    fields = CustomerFields(
        key=customer.key, name=customer.name, firm=firm, rep_id=rep_id, points={"sms": "+12025550101"},
        channels=("sms",), language="en", timezone="UTC", quiet_from=None, quiet_until=None, lists=frozenset(),
    )  # fmt: skip
    customer_store.store(session, world.runtime, [fields])


@pytest.mark.parametrize("how", ["own", "firm", "none before"])
def test_what_is_open_goes_along_with_a_customer(light: World, session: Session, how: str) -> None:
    """Who is given to another representative is answered by that one, whatever the former had claimed."""
    rep, second = one(light, session, "rep"), hired(session, "Second", "rep")
    bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
    if how == "firm":
        bob.rep_id, bob.firm = None, Firm(name="Old", rep_id=rep.id)
        session.add(Firm(name="New", rep_id=second.id))
    elif how == "none before":
        bob.rep_id = bob.firm_id = None
    session.commit()
    talk, other = says(light, session, "Sell", "order"), says(light, session, "hello", key="ana")
    if how != "none before":
        orders.claim(session, light.runtime, rep, session.scalars(select(OrderRequest)).one().id)
    tasks.open_task(session, kind="unreachable", dedupe="bob", text="x", rep_id=rep.id, customer_id=bob.id)
    tasks.open_task(session, kind="unreachable", dedupe="ana", text="x", rep_id=rep.id, customer_id=other.customer_id)
    session.commit()
    give(light, session, bob, "New" if how == "firm" else "", None if how == "firm" else second.id)
    commit(session, light.runtime.bells)
    session.expire_all()
    given = how != "none before"
    assert (talk.rep_id == second.id) is given
    assert other.rep_id == rep.id
    assert session.scalars(select(Task.rep_id).order_by(Task.dedupe)).all()[-2:] == [
        rep.id,
        second.id if given else rep.id,
    ]
    told = [each for each in session.scalars(select(Letter)) if each.kind == "handover"]
    assert [each.staff_id for each in told] == [second.id] * given
    if given:
        assert (talk.claimed_by, session.scalars(select(OrderRequest.claimed_by)).one()) == (second.id, second.id)
        says(light, session, "and?")
        assert talk.rep_id == second.id
        with pytest.raises(NotFound):
            conversations.get(session, rep, talk.id)


@pytest.mark.parametrize(
    ("state", "passes", "goes"), [("open", 0, True), ("open", 1, True), ("open", 2, False), ("claimed", 0, False)]
)
def test_what_waits_with_a_stand_in_goes_along(
    light: World, session: Session, state: str, passes: int, goes: bool
) -> None:
    """A cover answers for the representative; once the customer is another's, that one does. A claim holds it."""
    rep, cover, second = (
        one(light, session, "rep"), hired(session, "Cover", "rep"), hired(session, "Second", "rep")
    )  # fmt: skip
    rep.away_until, rep.cover_id = light.runtime.now() + timedelta(days=2), cover.id
    session.commit()
    talk = says(light, session, "Why?")
    assert talk.rep_id == cover.id
    if state == "claimed":
        conversations.claim(session, light.runtime, cover, talk.id)
    talk.passes = passes
    session.commit()
    give(light, session, session.scalars(select(Customer).where(Customer.key == "bob")).one(), "", second.id)
    session.commit()
    session.expire_all()
    assert talk.rep_id == (second.id if goes else cover.id)
    told = [each.staff_id for each in session.scalars(select(Letter)) if each.kind == "handover"]
    assert told == [second.id] * goes


def test_a_complaint_does_not_go_along(light: World, session: Session) -> None:
    carla, second = hired(session, "Carla", "compliance", "rep"), hired(session, "Second", "rep")
    bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
    bob.rep_id = carla.id
    session.commit()
    talk = says(light, session, "I complain", "complaint")
    assert talk.rep_id == carla.id
    give(light, session, bob, "", second.id)
    session.expire_all()
    assert talk.rep_id == carla.id


def test_whoever_has_nothing_may_go(light: World, session: Session) -> None:
    second, admin = hired(session, "Second", "rep"), one(light, session, "admin")
    assert handover.held(session, second.id).in_words() == "nothing"
    assert not accounts.set_active(session, light.runtime, admin, second.id, False).active


def test_the_role_stays_while_there_are_customers(light: World, session: Session) -> None:
    """Neither a page nor a file of staff leaves customers to somebody who has no inbox."""
    rep, admin = one(light, session, "rep"), one(light, session, "admin")
    with pytest.raises(Refused, match=r"must hold rep: they have .*customer.* Hand that over first"):
        accounts.set_roles(session, light.runtime, admin, rep.id, ["officer"])
    rows = b"email,name,roles,phone,pin,channels\nrep@bank.example,Rep,officer,,,email\n"
    for dry_run in (True, False):
        found = imports.import_staff(session, light.runtime, rows, dry_run=dry_run, actor=admin)
        assert [(one.row, one.column) for one in found.warnings] == [(2, "roles")]
        assert "rep stays" in found.warnings[0].text
    session.expire_all()
    assert rep.roles == {"rep", "officer"}
    handover.hand_over(session, light.runtime, admin, rep.id, hired(session, "Second", "rep").id)
    found = imports.import_staff(session, light.runtime, rows, dry_run=False, actor=admin)
    assert (found.changed, found.warnings) == (1, [])
    session.expire_all()
    assert rep.roles == {"officer"}


@pytest.mark.parametrize(
    ("kind", "had", "wanted", "kept"),
    [
        ("other", {"analyst"}, {"officer"}, {"analyst"}),
        ("other", {"analyst", "rep"}, {"analyst"}, set()),
        ("order", {"admin", "analyst"}, {"analyst"}, {"admin"}),
        ("complaint", {"compliance", "analyst"}, {"analyst"}, {"compliance"}),
    ],
)
def test_roles_stay_while_what_they_are_for_is_open(
    light: World, session: Session, kind: str, had: set[str], wanted: set[str], kept: set[str]
) -> None:
    admin, person = one(light, session, "admin"), hired(session, "Second", *had)
    talk = says(light, session, "please", kind)
    talk.rep_id = person.id
    session.commit()
    conversations.claim(session, light.runtime, person, talk.id)
    if kind == "order":
        order = session.scalars(select(OrderRequest)).one()
        order.state, order.claimed_by = "claimed", person.id
    session.commit()
    if kept:
        with pytest.raises(Refused, match=f"must hold {min(kept)}"):
            accounts.set_roles(session, light.runtime, admin, person.id, wanted)
    row = f"email,name,roles,phone,pin,channels\n{person.email},Second,{';'.join(wanted)},,,email\n"
    found = imports.import_staff(session, light.runtime, row.encode(), dry_run=False, actor=admin)
    assert ["stays" in each.text for each in found.warnings] == [True] * bool(kept)
    session.expire_all()
    assert person.roles == wanted | kept


@pytest.mark.parametrize("how", ["word", "sweep"])
def test_who_may_answer_no_more_has_nothing(light: World, session: Session, how: str) -> None:
    """However it came to it: what they have claimed answers to them no more, and the next word goes to somebody."""
    person = hired(session, "Second", "rep")
    talk = says(light, session)
    talk.rep_id = person.id
    conversations.claim(session, light.runtime, person, talk.id)
    person.grants = [Grant(role="officer")]
    session.commit()
    for act in (
        lambda: responses.respond(session, light.runtime, person, talk.id, "Still me", via="api"),
        lambda: conversations.get(session, person, talk.id),
    ):
        with pytest.raises(NotFound):
            act()
    if how == "word":
        says(light, session, "anybody?")
    else:
        assert pass_by(light, session, 1) == 1
        assert pass_by(light, session, 1) == 0
    assert (talk.rep_id, talk.claimed_by, talk.state) == (light.bank.ids["rep"], None, "open")
    assert not [each for each in session.scalars(select(Letter)) if each.staff_id == person.id and "any" in each.text]


def test_one_ring_finds_all_and_each_has_its_own_transaction(light: World, session: Session) -> None:
    jobs.configure(light.runtime)
    talks = [says(light, session, key=key) for key in ("ana", "bob", "cleo")]
    light.bank.time.pass_by(86400)
    light.bank.bells.rings.clear()
    sweep.sweep(session, light.runtime, "passing")
    commit(session, light.runtime.bells)
    assert [one for one in light.bank.bells.rings if one[1] == "pass_on"] == [("notices", "pass_on", (talks[0].id,))]
    jobs.pass_on(talks[0].id)
    session.expire_all()
    assert [one.passes > 0 for one in talks] == [True] * 3
