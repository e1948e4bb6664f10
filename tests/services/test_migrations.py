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
    Grant,
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
        rep = Staff(email="rep@bank.example", name="Rep", channels=[], grants=[Grant(role="rep")])
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


def test_what_was_approved_before_versions_kept_their_renditions_keeps_none(engine: Engine, database_url: str) -> None:
    with Session(engine) as session:
        author, officer = (Staff(email=f"{name}@bank.example", name=name, channels=[]) for name in ("ana", "olga"))
        message = Message(author=author, state="approved")
        version = Version(message=message, number=1, editor=author, subject="Größe", text="Words.", digest="0" * 64)
        version.renditions = {"sms": {"text": "Größe"}}
        decision = Decision(message=message, version=version, officer=officer, decision="approve", digest="0" * 64)
        session.add_all([message, version, decision])
        session.commit()
    was = storage_of(engine)
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = database_url
    command.downgrade(config, "0007")
    for table in ("versions", "decisions"):
        assert "renditions" not in {one["name"] for one in inspect(engine).get_columns(table)}
    command.upgrade(config, "head")
    assert storage_of(engine) == was
    with Session(engine) as session:
        kept = session.query(Version).one()
        assert (kept.subject, kept.renditions) == ("Größe", None)
        assert (kept.digest, kept.input_digest) == (session.query(Decision).one().digest, "0" * 64)
        kept.subject = "Masse"  # what keeps the search is still there
        session.commit()
        if engine.dialect.name == "sqlite":
            triggers = session.execute(
                text("SELECT name FROM sqlite_master WHERE tbl_name = 'versions' AND type = 'trigger'")
            )
            assert triggers.all()


def test_the_indexes_of_attempts_hold_what_is_looked_for(engine: Engine, database_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = database_url
    for revision in ("0006", "head"):
        engine.dispose()
        (command.downgrade if revision == "0006" else command.upgrade)(config, revision)
    kept = (
        "sql FROM sqlite_master WHERE tbl_name"
        if engine.dialect.name == "sqlite"
        else "indexdef FROM pg_indexes WHERE tablename"
    )
    with engine.connect() as connection:
        made = [one for one in connection.scalars(text(f"SELECT {kept} = 'attempts'")) if one and "INDEX ix" in one]
    conditions = {one.split("ix_attempts_")[1].split()[0]: one.partition(" WHERE ")[2].strip("()") for one in made}
    assert conditions == {
        "delivery_id": "",
        "letter_id": "letter_id IS NOT NULL",
        "provider_ref": "provider_ref IS NOT NULL",
    }
    assert "deliveries" not in {one["referred_table"] for one in inspect(engine).get_foreign_keys("attempts")}


def storage_of(engine: Engine) -> list[object]:
    """The files in which PostgreSQL keeps the tables: a table that is written anew gets another one."""
    if engine.dialect.name != "postgresql":
        return []
    with engine.connect() as connection:
        where = "SELECT pg_relation_filenode('versions'), pg_relation_filenode('decisions')"
        return list(connection.execute(text(where)).one())
