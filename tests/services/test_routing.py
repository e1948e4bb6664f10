"""Who gets an answer: the rules, whoever is away, and what does not count: the order in which things come."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import AuditEntry, Conversation, Customer, Firm, Grant, Letter, Message, RoutingRule, Staff
from dispatcher.model.errors import NotAllowed, Refused, StateConflict
from dispatcher.services import (
    conversations,
    correcting,
    passing,
    reply_store,
    responses,
    routing,
    routing_rules,
    unclaimed,
)  # fmt: skip
from dispatcher.services.routing import Said
from dispatcher.services.routing_rules import Asked
from dispatcher.services.understanding import Understood
from tests.webhooks.world import World


@pytest.fixture
def world(light: World) -> World:
    return light


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    with world.runtime.sessions() as session:
        yield session


def hired(world: World, session: Session, name: str, *roles: str) -> Staff:
    made = Staff(
        email=f"{name.lower()}@bank.example", name=name, channels=["email"], grants=[Grant(role=one) for one in roles]
    )
    session.add(made)
    session.flush()
    world.bank.ids[name.lower()] = made.id
    return made


def goes_away(world: World, person: Staff, cover: Staff | None = None) -> None:
    person.away_until = world.runtime.now() + timedelta(days=3)
    person.cover_id = cover.id if cover else None


def bob(session: Session) -> Customer:
    return session.scalars(select(Customer).where(Customer.key == "bob")).one()


def alert(world: World, session: Session, urgency: str = "normal", topic: str = "") -> Message:
    commit(session, world.runtime.bells)  # the alert is written by another session
    message = session.get_one(Message, world.alert()["message"])
    message.current.urgency, message.current.topic = urgency, topic
    session.flush()
    return message


def says(world: World, session: Session, message: Message, kind: str, words: str = "") -> Conversation:
    """Bob answers the alert by text message, and it is understood as this."""
    number = session.info["said"] = session.info.get("said", 0) + 1
    reply = reply_store.keep(
        session, world.runtime, dedupe=f"said:{number}", channel="sms", sender="+12025550101",
        understood=Understood(kind, "rule", words), text=words, person=bob(session), message_id=message.id,
    )  # fmt: skip
    return session.get_one(Conversation, reply.conversation_id)


# --- the decision -----------------------------------------------------------------------------------------


RULED: list[tuple[str, list[Said], str, int]] = [
    ("normal", [Said("other", "thanks")], "rep", 30),
    ("urgent", [Said("other", "thanks")], "rep", 5),
    ("normal", [Said("order")], "rep", 3),
    ("urgent", [Said("order")], "rep", 1),
    ("normal", [Said("complaint")], "carla", 15),
    ("urgent", [Said("complaint")], "carla", 15),
    ("normal", [Said("question", "What does the analyst think of LTMY?")], "analyst", 30),
    ("normal", [Said("question", "Was meint Ihr Analyst dazu?")], "analyst", 30),
    ("normal", [Said("question", "Can Gordon Moore say more?")], "analyst", 30),
    ("normal", [Said("question", "What does Moore see at LTMY?")], "analyst", 30),
    ("normal", [Said("call", "Please have your lead analyst ring me")], "analyst", 30),
    ("normal", [Said("question", "what about more semis?")], "rep", 30),
    ("normal", [Said("question", "the analyst consensus is 40, no?")], "rep", 30),
    ("normal", [Said("other", "Thank the analyst, please.")], "rep", 30),
    ("normal", [Said("call")], "rep", 30),
    ("normal", [], "rep", 30),
    # Together: what has to be seen to first decides, in whatever order it came.
    ("normal", [Said("question", "The analyst?"), Said("order"), Said("other")], "rep", 3),
    ("normal", [Said("order"), Said("complaint"), Said("other")], "carla", 15),
    ("normal", [Said("other"), Said("question", "the analyst?")], "analyst", 30),
]


def test_the_rules_that_the_product_comes_with(world: World, session: Session) -> None:
    hired(world, session, "Carla", "compliance")
    names = {number: name for name, number in world.bank.ids.items() if name in ("rep", "analyst", "carla")}
    for urgency in ("normal", "urgent"):
        message, customer = alert(world, session, urgency), bob(session)
        message.author.name = "Gordon Moore"
        for _, said, to, minutes in (one for one in RULED if one[0] == urgency):
            for some in itertools.permutations(said):
                routed = routing.decide(session, world.runtime, customer, message, some)
                assert routed.staff is not None
                assert (names.get(routed.staff.id), routed.minutes) == (to, minutes), (urgency, some)
                assert routed.rule.startswith("rule ")


def test_a_name_that_the_customer_or_their_representative_bears_too_is_no_wish(world: World, session: Session) -> None:
    message, customer = alert(world, session), bob(session)
    message.author.name = "Ana Rep"
    customer.name = "Ana Holt"
    assert not routing.asks_analyst("What now? Regards, Ana", message, customer)
    assert not routing.asks_analyst("Dear Rep, what now?", message, customer)
    assert not routing.asks_analyst("the analyst?", None, customer)


def test_who_is_away_is_stood_in_for(world: World, session: Session) -> None:
    runtime, customer, message = world.runtime, bob(session), alert(world, session)
    rep, admin = (session.get_one(Staff, world.bank.ids[one]) for one in ("rep", "admin"))
    second, third = hired(world, session, "Second", "rep"), hired(world, session, "Third", "rep")

    def owner() -> tuple[int | None, str]:
        routed = routing.decide(session, runtime, customer, message, [Said("other")])
        return routed.staff.id if routed.staff else None, routed.rule

    customer.rep_id = second.id
    session.flush()
    session.expire_all()
    assert owner() == (second.id, "rule 7, Everything else: the representative")
    goes_away(world, second, third)
    assert owner() == (third.id, "rule 7, Everything else: the representative; Second is away: Third")
    goes_away(world, third)
    assert owner()[0] == rep.id, "the firm's"
    assert "Second is away, nobody stands in" in owner()[1]
    goes_away(world, rep)
    assert owner() == (
        admin.id,
        "rule 7, Everything else: the representative; Second and Rep are away, nobody stands in: the desk",
    )
    goes_away(world, admin)
    assert owner() == (
        second.id,
        "rule 7, Everything else: the representative; Second is away, and so is everybody else",
    )
    second.active = rep.active = False
    assert owner()[0] == admin.id, "away, but who else"
    admin.active = False
    assert owner()[0] == third.id, "any representative before nobody"
    third.active = False
    assert owner()[0] is None


def test_complaints_find_compliance_or_the_administrators(world: World, session: Session) -> None:
    message, admin = alert(world, session), world.bank.ids["admin"]
    cid, dan = (hired(world, session, name, "compliance") for name in ("Cid", "Dan"))

    def owner() -> tuple[int, str]:
        routed = routing.decide(session, world.runtime, bob(session), message, [Said("complaint")])
        assert routed.staff is not None
        return routed.staff.id, routed.target

    assert owner() == (cid.id, "compliance")
    goes_away(world, cid)
    assert owner() == (dan.id, "compliance")
    dan.active = False
    assert owner() == (admin, "desk")
    cid.active = False
    assert owner() == (admin, "desk")


def test_an_analyst_who_is_not_there_gets_no_questions(world: World, session: Session) -> None:
    message = alert(world, session)
    goes_away(world, message.author)
    asked = [Said("question", "the analyst?")]
    assert routing.decide(session, world.runtime, bob(session), message, asked).target == "rep"
    message.author.active = False
    assert routing.decide(session, world.runtime, bob(session), message, asked).target == "rep"
    assert routing.decide(session, world.runtime, bob(session), None, asked).target == "rep"


# --- the table --------------------------------------------------------------------------------------------


def test_an_administrator_writes_other_rules(world: World, session: Session) -> None:
    admin = session.get_one(Staff, world.bank.ids["admin"])
    before = routing_rules.read(session)
    assert before.are_defaults
    assert not any(line.never for line in before.lines)
    wanted = [
        Asked("Semis", topic="Semis ", target="person", person="REP@bank.example", minutes=7),
        Asked("Urgent", urgency="urgent", target="desk", minutes=2),
        Asked("All", target="rep", minutes=60),
        Asked("Late", kind="question", target="analyst"),
    ]
    table = routing_rules.put(session, world.runtime, admin, wanted, stamp=before.stamp)
    assert not table.are_defaults
    assert [line.never for line in table.lines] == ["", "", "", "All before it takes all of this"]
    assert [routing_rules.in_words(line) for line in table.lines][:2] == [
        "any answer, topic Semis → rep@bank.example, 7 min",
        "any answer, urgent → the desk, 2 min",
    ]
    for urgency, topic, to, rule in (
        ("normal", "semis", "rep", "rule 1, Semis: a person"),
        ("urgent", "", "admin", "rule 2, Urgent: the desk"),
        ("normal", "", "rep", "rule 3, All: the representative"),
    ):
        message = alert(world, session, urgency, topic)
        routed = routing.decide(session, world.runtime, bob(session), message, [Said("other")])
        assert routed.staff is not None
        assert (routed.staff.id, routed.rule) == (world.bank.ids[to], rule)
    with pytest.raises(StateConflict):
        routing_rules.put(session, world.runtime, admin, wanted, stamp=before.stamp)
    assert routing_rules.put(session, world.runtime, admin, []).stamp == before.stamp
    assert session.scalars(select(RoutingRule)).all() == []
    acts = session.scalars(select(AuditEntry).where(AuditEntry.action == "change routing")).all()
    assert [one.actor for one in acts] == ["admin@bank.example"] * 2
    with pytest.raises(NotAllowed):
        routing_rules.put(session, world.runtime, session.get_one(Staff, world.bank.ids["rep"]), [])


def test_every_wrong_field_of_every_rule_is_named(world: World, session: Session) -> None:
    admin = session.get_one(Staff, world.bank.ids["admin"])
    wanted = [
        Asked("Fine"),
        Asked(" ", kind="opt-out", urgency="soon", topic="x" * 65, target="boss", minutes=0),
        Asked("n" * 101, target="person", minutes=1441),
        Asked("No", target="person", person="nobody@bank.example"),
        Asked("Officer", target="person", person="officer@bank.example"),
        Asked("Both", target="rep", person="rep@bank.example"),
    ]
    with pytest.raises(Refused) as refused:
        routing_rules.put(session, world.runtime, admin, wanted)
    names = {name.removeprefix("rules") for name in refused.value.fields}
    assert names == {
        "[1].name", "[1].kind", "[1].urgency", "[1].topic", "[1].target", "[1].minutes",
        "[2].name", "[2].person", "[2].minutes", "[3].person", "[4].person", "[5].person",
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        routing_rules.put(session, world.runtime, admin, [Asked("Many")] * 51)
    assert set(refused.value.fields) == {"rules"}


def test_without_a_rule_that_fits_it_is_the_representatives(world: World, session: Session) -> None:
    admin = session.get_one(Staff, world.bank.ids["admin"])
    routing_rules.put(session, world.runtime, admin, [Asked("Urgent", urgency="urgent", target="desk")])
    routed = routing.decide(session, world.runtime, bob(session), None, [Said("other")])
    assert routed.staff is not None
    assert (routed.staff.id, routed.rule) == (world.bank.ids["rep"], "no rule fits: the representative")


# --- conversations ----------------------------------------------------------------------------------------

KINDS = (("other", "ok"), ("order", "sell"), ("question", "the analyst?"), ("complaint", "bad"), ("out-of-office", "-"))


def test_the_order_in_which_answers_come_does_not_count(world: World, session: Session) -> None:
    hired(world, session, "Carla", "compliance")
    for some in (*itertools.combinations(KINDS, 2), KINDS[1:4]):
        ends = set()
        for order in itertools.permutations(some):
            message = alert(world, session)
            for kind, words in order:
                talk = says(world, session, message, kind, words)
            ends.add((talk.rep_id, talk.routed_by, talk.routed_to, talk.claim_by, talk.state, talk.passes))
        assert len(ends) == 1, (some, ends)


def test_each_decision_is_on_record_and_in_words(world: World, session: Session) -> None:
    talk = says(world, session, alert(world, session), "order", "sell")
    assert (talk.routed_by, talk.routed_to) == ("rule 3, Orders: the representative", "rep")
    assert talk.claim_by == world.runtime.now() + timedelta(minutes=3)
    [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "route conversation"))
    assert (entry.subject, entry.actor) == (f"conversation {talk.id}", "system")
    for words in ("rule 3, Orders", "rep@bank.example", '"minutes": 3'):
        assert words in entry.detail


def test_a_complaint_takes_the_conversation_from_its_claimer_who_is_told_without_the_words(
    world: World, session: Session
) -> None:
    carla = hired(world, session, "Carla", "compliance")
    rep, message = session.get_one(Staff, world.bank.ids["rep"]), alert(world, session)
    talk = says(world, session, message, "other", "hello")
    conversations.claim(session, world.runtime, rep, talk.id)
    says(world, session, message, "question", "and the analyst?")
    assert (talk.state, talk.claimed_by, talk.rep_id) == ("claimed", rep.id, rep.id), "ordinary words change nothing"
    says(world, session, message, "complaint", "Rep lied to me")
    assert (talk.state, talk.claimed_by, talk.rep_id, talk.routed_to) == ("open", None, carla.id, "compliance")
    told = session.scalars(select(Letter).where(Letter.kind == "moved")).all()
    assert {one.staff_id for one in told} == {rep.id}
    assert not any("lied" in one.text + one.subject or one.conversation_id for one in told)
    assert session.scalars(conversations.visible(session, rep)).all() == []
    assert session.scalars(conversations.visible(session, carla)).all() == [talk]
    conversations.claim(session, world.runtime, carla, talk.id)
    says(world, session, message, "other", "thanks")
    says(world, session, message, "complaint", "again")
    assert (talk.state, talk.claimed_by) == ("claimed", carla.id)
    conversations.close(session, world.runtime, carla, talk.id)
    says(world, session, message, "other", "one more thing")
    assert (talk.state, talk.claimed_by, talk.rep_id) == ("open", None, rep.id), "what was dealt with counts no more"


def test_whom_a_complaint_may_be_about_does_not_take_it_back(world: World, session: Session) -> None:
    rep, admin = (session.get_one(Staff, world.bank.ids[one]) for one in ("rep", "admin"))
    message = alert(world, session)
    talk = says(world, session, message, "other", "hello")
    says(world, session, message, "complaint", "you lied to me")
    assert (talk.state, talk.rep_id, talk.routed_to) == ("open", admin.id, "desk"), "nobody holds the role"
    told = session.scalars(select(Letter).where(Letter.kind == "moved")).all()
    assert {one.staff_id for one in told} == {rep.id}
    assert all("the administrators" in one.text and "lied" not in one.text for one in told)
    due = talk.claim_by
    assert due is not None
    made = responses.respond(session, world.runtime, rep, talk.id, "Here is my answer.", via="mail")
    assert made.letter_id, "the answer goes out"
    assert (talk.state, talk.claimed_by, talk.claim_by, talk.rep_id) == ("open", None, due, admin.id)
    for act in (conversations.claim, conversations.close):
        with pytest.raises(NotAllowed):
            act(session, world.runtime, rep, talk.id)
    with pytest.raises(NotAllowed):
        correcting.correct(session, world.runtime, rep, talk.replies[1].id, "other")
    responses.respond(session, world.runtime, admin, talk.id, "I have looked into it.", via="page")
    assert (talk.state, talk.claimed_by, talk.claim_by) == ("claimed", admin.id, None)
    responses.respond(session, world.runtime, rep, talk.id, "And another.", via="mail")
    assert talk.claimed_by == admin.id
    conversations.close(session, world.runtime, admin, talk.id)
    says(world, session, message, "other", "thank you")
    responses.respond(session, world.runtime, rep, talk.id, "You are welcome.", via="mail")
    assert (talk.state, talk.claimed_by) == ("claimed", rep.id), "what was dealt with counts no more"


def test_whoever_the_rules_give_a_complaint_takes_it_on(world: World, session: Session) -> None:
    rep = session.get_one(Staff, world.bank.ids["rep"])
    session.add(RoutingRule(position=1, name="Complaints", kind="complaint", target="rep", minutes=15))
    session.flush()
    talk = says(world, session, alert(world, session), "complaint", "you are late")
    assert talk.rep_id == rep.id
    assert conversations.claim(session, world.runtime, rep, talk.id).claimed_by == rep.id


def test_a_corrected_kind_routes_anew(world: World, session: Session) -> None:
    carla = hired(world, session, "Carla", "compliance")
    talk = says(world, session, alert(world, session), "other", "hm")
    talk.replies[0].kind = "complaint"
    assert passing.route(session, world.runtime, talk)
    assert talk.rep_id == carla.id
    talk.replies[0].kind = "other"
    assert passing.route(session, world.runtime, talk)
    assert talk.rep_id == world.bank.ids["rep"]
    assert not passing.route(session, world.runtime, talk)


def test_a_claimer_who_is_away_does_not_keep_a_customer_waiting(world: World, session: Session) -> None:
    rep, second = session.get_one(Staff, world.bank.ids["rep"]), hired(world, session, "Second", "rep")
    message = alert(world, session)
    talk = says(world, session, message, "other", "hello")
    conversations.claim(session, world.runtime, rep, talk.id)
    goes_away(world, rep)
    says(world, session, message, "other", "hello?")
    assert (talk.state, talk.claimed_by) == ("claimed", rep.id), "nobody stands in"
    goes_away(world, rep, second)
    says(world, session, message, "other", "anybody?")
    assert (talk.state, talk.claimed_by, talk.rep_id) == ("open", None, second.id)
    assert [one.id for one in routing.people(session, world.runtime, talk)] == [second.id]


def test_machines_and_wishes_start_no_clock(world: World, session: Session) -> None:
    talk = says(world, session, alert(world, session), "out-of-office", "away")
    assert (talk.state, talk.claim_by, talk.rep_id) == ("closed", None, world.bank.ids["rep"])
    other = says(world, session, alert(world, session), "opt-out", "STOP")
    assert (other.state, other.claim_by) == ("closed", None)
    assert unclaimed.due(session, world.runtime) == []


def test_the_desk_is_told_as_a_whole(world: World, session: Session) -> None:
    other = hired(world, session, "Admin2", "admin")
    session.scalars(select(Firm)).one().rep_id = None
    session.flush()
    talk = says(world, session, alert(world, session), "other", "hello")
    assert (talk.rep_id, talk.routed_to) == (world.bank.ids["admin"], "desk")
    people = routing.people(session, world.runtime, talk)
    assert {one.id for one in people} == {world.bank.ids["admin"], other.id}
    conversations.claim(session, world.runtime, other, talk.id)
    commit(session, world.runtime.bells)
    assert other in routing.people(session, world.runtime, talk)
