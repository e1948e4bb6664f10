"""Migrations bring along what is there already, and can be taken back."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from dispatcher.model import (
    Attempt,
    Conversation,
    Customer,
    Decision,
    Delivery,
    Message,
    Recipient,
    Reply,
    Response,
    Staff,
    Version,
)
from dispatcher.services import search
from dispatcher.storage.engine import MIGRATIONS


def test_what_was_said_and_sent_before_is_found_too(engine: Engine, database_url: str) -> None:
    with Session(engine) as session:
        rep = Staff(email="rep@bank.example", name="Rep", channels=[])
        customer = Customer(key="ana", name="Ana Żak")
        nowhere = Customer(key="bob", name="Bob")
        session.add_all([rep, customer, nowhere])
        session.flush()
        talk = Conversation(customer_id=customer.id, rep_id=rep.id, channel="sms")
        session.add(talk)
        session.flush()
        session.add_all(
            [
                Reply(dedupe="r", channel="sms", sender="", text="Größe", conversation_id=talk.id, customer=customer),
                Reply(dedupe="a", channel="email", sender="", text="Größe, secret", kind="alert", state="new"),
                Response(dedupe="s", conversation_id=talk.id, staff_id=rep.id, text="Masse und Größe"),
            ]
        )
        message = Message(author_id=rep.id)
        session.add(message)
        session.flush()
        version = Version(message=message, number=1, editor=rep, subject="", text="Words", digest="d")
        decision = Decision(message=message, version=version, officer=rep, decision="approve", digest="d")
        session.add_all([version, decision])
        went = Delivery(message_id=message.id, channel="sms", address="+12025550100")
        session.add_all([went, Recipient(message_id=message.id, customer_id=customer.id, delivery=went)])
        session.add(Recipient(message_id=message.id, customer_id=nowhere.id, because="unreachable"))
        session.add(Attempt(id="a" * 32, delivery=went, provider="twilio", provider_ref="SM1", state="accepted"))
        session.commit()
        expected = [(customer.id, ""), (nowhere.id, "unreachable")]
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = database_url
    command.downgrade(config, "0002")
    assert not [one for one in inspect(engine).get_table_names() if one.startswith("search_")]
    with engine.begin() as connection:  # nothing is left that would miss the index
        connection.execute(text("UPDATE replies SET text = 'Größe 2'"))
    command.upgrade(config, "head")
    with Session(engine) as session:
        found = search.find(session, session.query(Staff).one(), "groesse zak").hits
    assert sorted((one.kind, one.said.text) for one in found) == [("reply", "Größe 2"), ("response", "Masse und Größe")]
    with Session(engine) as session:
        owed = session.query(Recipient).order_by(Recipient.customer_id).all()
        assert [(one.customer_id, one.because) for one in owed] == expected
        assert owed[0].delivery is not None
        assert owed[0].delivery.recipients == [owed[0]]
        assert [(one.id, one.provider_ref) for one in owed[0].delivery.attempts] == [("a" * 32, "SM1")]
        assert (session.query(Version).one().renditions, session.query(Decision).one().renditions) == (None, "")
