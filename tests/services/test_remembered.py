"""Who reads what of a customer's history."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dispatcher.bells import commit
from dispatcher.model import Customer, Grant, Staff
from dispatcher.services import exports, own_links, preferences, remembered, reply_store
from dispatcher.services.exports import Asked
from dispatcher.services.understanding import Understood
from tests.webhooks.world import World

COMPLAINT, QUESTION = "Your Mr Rep is never there", "How late is it?"


@pytest.fixture
def world(light: World) -> World:
    return light


def said(world: World, text: str, kind: str, message_id: int | None = None) -> None:
    with world.runtime.sessions() as session:
        reply_store.keep(
            session, world.runtime, dedupe=text, channel="sms", sender="+12025550101", text=text,
            understood=Understood(kind, "rule", text), message_id=message_id,
            person=session.get_one(Customer, world.bank.ids["bob"]),
        )  # fmt: skip
        commit(session, world.runtime.bells)


@pytest.mark.parametrize(("who", "reads"), [("rep", False), ("officer", True), ("admin", True)])
def test_a_complaint_is_not_read_by_whom_it_may_be_about(world: World, who: str, reads: bool) -> None:
    with world.runtime.sessions() as session:
        session.add(Staff(email="c@bank.example", name="Carla", channels=["email"], grants=[Grant(role="compliance")]))
        session.commit()
    ids = world.alert()
    said(world, QUESTION, "question")
    said(world, COMPLAINT, "complaint", ids["message"])
    with world.runtime.sessions() as session:
        staff = world.bank.staff(session, who)
        bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
        told = remembered.of_customer(session, staff, bob)
        assert {one["text"] for one in told if one["kind"] == "reply"} == {QUESTION} | ({COMPLAINT} if reads else set())
        assert any(one["kind"] == "alert" and one["answered_after"] is not None for one in told) is reads
        written = "".join(exports.export(session, world.runtime, staff, "history", Asked(customer="bob")))
        assert (COMPLAINT in written, QUESTION in written) == (reads, True)


def test_no_link_by_which_they_act_is_shown_to_anybody_else(world: World) -> None:
    """Neither the one of our confirmation nor what they have quoted of ours."""
    ids = world.alert()
    bob = world.bank.ids["bob"]
    tokens = [world.runtime.token(purpose, bob) for purpose in ("customer", "delivery", "letter", "media")]
    links = " ".join((f"(https://alerts.bank.example/p/{tokens[0]}?a=1)", f"HTTPS://alerts.bank.example/R/{tokens[1]}.",
                      f"<conv+{tokens[2]}@in.bank.example>", f"/audio/{tokens[3]}.wav"))  # fmt: skip
    said(world, f"Is {links} mine?", "question", ids["message"])
    with world.runtime.sessions() as session:
        preferences.stop(session, world.runtime, session.get_one(Customer, bob), "sms", "preferences page")
        commit(session, world.runtime.bells)
        staff = world.bank.staff(session, "rep")
        shown = repr(remembered.of_customer(session, staff, session.get_one(Customer, bob)))
        tables = [
            "".join(exports.export(session, world.runtime, staff, name, Asked(customer="bob")))
            for name in ("history", "replies")
        ]
    for told in (shown, *tables):
        assert f"Is ({own_links.SHOWN} " in told
        assert not [one for one in tokens if one in told.lower()]
    assert f"brings them back: {own_links.SHOWN}" in shown
