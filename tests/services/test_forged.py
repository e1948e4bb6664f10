"""A mail in somebody's name that their own domain disowns: kept, marked, and nothing done on its word, whatever it asks
and whatever token of ours came along."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from dispatcher.model import (
    AuditEntry,
    Letter,
    Message,
    OrderRequest,
    Reply,
    Response,
    Suppression,
)
from dispatcher.services import suppressions
from tests.webhooks.world import World

ANA, REP, ANALYST = "ana@simon.example", "rep@bank.example", "analyst@bank.example"


@pytest.fixture
def world(light: World) -> World:
    return light


WISHES = [
    # what is written, what it would be
    ("unsubscribe", "opt-out"),
    ("Please take me off this list.", "opt-out"),
    ("I am not Ana, you have the wrong person", "wrong-person"),
    ("Sell 500 SAP at market", "order"),
    ("Kaufe 500 SAP limit 118", "order"),
]


@pytest.mark.parametrize("tokened", [True, False])
@pytest.mark.parametrize(("words", "kind"), WISHES)
def test_nothing_a_customer_could_ask_for_is_done(world: World, words: str, kind: str, tokened: bool) -> None:
    ids = world.alert()
    to = world.reply_to(ids["ana"]) if tokened else "alerts@in.bank.example"
    world.mail(ANA, to, words, spf="fail")
    world.work()
    (reply,) = world.replies()
    assert (reply.kind, reply.doubt, reply.state) == ("other", kind, "matched")
    assert "forged" in reply.note
    assert reply.sender_check == "spf=fail dkim=none"
    assert (world.count(Suppression), world.count(OrderRequest)) == (0, 0)
    with world.runtime.sessions() as session:
        to_ana = session.scalars(select(Letter).where(Letter.address == ANA)).all()
    assert to_ana == [], "nothing is written to whom it pretends to be from"


@pytest.mark.parametrize("words", ["start", "Please resume the alerts"])
def test_it_brings_nobody_back(world: World, words: str) -> None:
    ids = world.alert()
    with world.runtime.sessions() as session:
        suppressions.suppress(session, world.runtime, "email", ANA, "opt-out", "page", "customer ana")
        session.commit()
    world.mail(ANA, world.reply_to(ids["ana"]), words, spf="fail")
    world.work()
    with world.runtime.sessions() as session:
        assert suppressions.in_force(session, "email", ANA) is not None


def test_a_representative_s_answer_goes_to_nobody(world: World) -> None:
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "What do you think?")
    world.work()
    notice = next(one for one in world.letters() if one.address == REP)
    world.mail(REP, world.staff_address(notice), "Sell everything you have.", spf="fail")
    world.work()
    assert world.count(Response) == 0
    last = world.replies()[-1]
    assert "not passed on" in last.note
    with world.runtime.sessions() as session:
        assert session.scalars(select(Letter).where(Letter.address == ANA)).all() == []


def test_an_analyst_s_alert_becomes_no_draft(world: World) -> None:
    before = world.count(Message)
    world.mail(ANALYST, "alerts@in.bank.example", "to: semis\n\nWe cut LTMY to sell.", "Alert", spf="fail")
    world.work()
    assert world.count(Message) == before
    assert all(one.kind != "alert" or one.state == "settled" for one in world.replies())


def test_it_is_on_record_like_any_other(world: World) -> None:
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "unsubscribe", spf="fail")
    world.work()
    with world.runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Reply)) == 1
        assert "receive reply" in session.scalars(select(AuditEntry.action)).all()
        assert "suppress" not in " ".join(session.scalars(select(AuditEntry.action)))


def test_without_proof_a_token_is_enough_to_stop_but_not_to_deceive(world: World) -> None:
    """Many firms have neither SPF nor DKIM: who knows the token may stop what comes to that address."""
    ids = world.alert()
    world.mail(ANA, world.reply_to(ids["ana"]), "unsubscribe", spf="none")
    world.work()
    with world.runtime.sessions() as session:
        assert suppressions.in_force(session, "email", ANA) is not None
    assert world.replies()[0].note.startswith("sender not verified: SPF none")
