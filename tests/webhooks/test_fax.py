"""Faxes: what becomes of those we sent, and those that customers send us, through the door and the events worker."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

import webhooks
from channels.fax import Fax
from channels.telnyx import state_for
from channels.telnyx_webhooks import TelnyxWebhooks
from dispatcher import jobs
from dispatcher.model import (
    Attempt,
    Callback,
    ContactPoint,
    Customer,
    Delivery,
    Grant,
    Letter,
    Message,
    Preference,
    Recipient,
    Reply,
    Staff,
    Task,
    Version,
)
from dispatcher.model.errors import ProviderError, Refused
from dispatcher.model.ports import File, WebRequest
from dispatcher.services import (
    codes,
    conversations,
    correcting,
    fax_documents,
    missed_texts,
    responses,
    suppressions,
    sweep,
)
from tests.channels.vendors import FAX_KEY, FAX_PUBLIC_KEY
from tests.small_bank import Scripted
from tests.webhooks.world import World, world_of

FAY, OURS, STRANGER = "+12025550188", "+13395550104", "+12025550177"
PDF = b"%PDF-1.4 two pages"


@dataclass
class Store(Scripted):
    """A provider of faxes that keeps what came."""

    kept: dict[str, bytes | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    listed: list[WebRequest] = field(default_factory=list)

    async def received_between(self, since: datetime, until: datetime) -> list[WebRequest]:
        return self.listed

    async def fetch_document(self, ref: str) -> File | None:
        self.asked.append(ref)
        found = self.kept.get(ref)
        if isinstance(found, Exception):
            raise found
        return None if found is None else File("fax.pdf", "application/pdf", found)


@dataclass
class FaxWorld:
    """A small bank whose customer Fay has a fax machine, then mail; her alert went out by fax."""

    world: World
    store: Store
    delivery: int
    attempt: str

    def post(
        self, kind: str, fax_id: str = "fax-1", *, age: float = 0, forged: bool = False, **payload: Any
    ) -> TestResponse:
        base = {
            "fax_id": fax_id,
            "direction": "outbound",
            "to": FAY,
            "client_state": state_for(self.attempt, "message-1"),
        }
        event = {"event_type": kind, "id": f"{kind} {fax_id}", "occurred_at": "2026-11-20T09:31:00Z"}
        body = json.dumps({"data": {**event, "payload": {**base, **payload}}, "meta": {"attempt": uuid.uuid4().int}})
        at = str(int(time.time() - age))
        signature = base64.b64encode(FAX_KEY.sign(f"{at}|{body}".encode())).decode()
        headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": signature}
        return self.world.client.post("/webhooks/telnyx/fax", data=body + " " * forged, headers=headers)

    def receive(self, sender: str = FAY, fax_id: str = "in-1", pages: int = 2) -> Reply:
        more = {"direction": "inbound", "from": sender, "to": OURS, "page_count": pages, "client_state": None}
        assert self.post("fax.received", fax_id, **more).status_code == 204
        self.world.work()
        return self.world.replies()[-1]

    def state(self) -> tuple[str, str | None, str | None]:
        with self.world.runtime.sessions() as session:
            one = session.get_one(Delivery, self.delivery)
            return one.state, one.outcome, one.error

    def fetch(self) -> None:
        """What the events worker does with what was rung for."""
        jobs.configure(self.world.runtime)
        for _, name, args in list(self.world.bank.bells.rings):
            if name == "fetch_document":
                jobs.fetch_document(*args)

    def files(self, reply_id: int) -> list[tuple[str, bytes | None, str]]:
        with self.world.runtime.sessions() as session:
            rows = session.get_one(Reply, reply_id).files
            return [(one.name, one.media.content if one.media else None, one.note) for one in rows]


@pytest.fixture
def fax(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> FaxWorld:
    world = world_of(sqlite_sessions, tmp_path)
    store = Store("fax", name="telnyx")
    settings = world.runtime.settings.model_copy(update={"telnyx_public_key": FAX_PUBLIC_KEY, "fax_line": OURS})
    adapters = dataclasses.replace(
        world.runtime.adapters,
        sources={**world.runtime.adapters.sources, "telnyx": TelnyxWebhooks(settings)},
        channels={**world.runtime.adapters.channels, "fax": Fax()},
        providers={**world.runtime.adapters.providers, "fax": (store,)},
    )
    world.runtime = world.bank.runtime = dataclasses.replace(world.runtime, settings=settings, adapters=adapters)
    app = Flask("fax-test")
    webhooks.register(app, world.runtime)
    world.client = app.test_client()
    with world.runtime.sessions() as session:
        customer = Customer(
            key="fay", name="Fay Stone", rep_id=world.bank.ids["rep"],
            contact_points=[
                ContactPoint(channel="fax", address=FAY), ContactPoint(channel="email", address="fay@f.example"),
            ],
            preferences=[Preference(rank=0, channel="fax"), Preference(rank=1, channel="email")],
        )  # fmt: skip
        at = world.runtime.now()
        message = Message(author_id=world.bank.ids["analyst"], state="released", released_at=at)
        message.versions = [
            Version(
                number=1, editor_id=world.bank.ids["analyst"], subject="Downgrade", text="To hold.", digest="0" * 64
            )
        ]
        session.add_all([customer, message])
        session.flush()
        delivery = Delivery(
            message_id=message.id, channel="fax", address=FAY, state="accepted", accepted_at=at, tries=1
        )
        session.add(delivery)
        session.flush()
        attempt = Attempt(
            id=uuid.uuid4().hex, delivery_id=delivery.id, provider="telnyx", state="accepted", provider_ref="fax-1",
            started_at=at, settled_at=at,
        )  # fmt: skip
        session.add_all([
            attempt,
            Recipient(
                message_id=message.id, customer_id=customer.id, delivery_id=delivery.id, channel="fax", because="first",
            ),
        ])  # fmt: skip
        world.bank.ids["fay"] = customer.id
        session.commit()
        return FaxWorld(world, store, delivery.id, attempt.id)


# --- what became of those we sent


def test_any_order_and_any_copies_end_alike(fax: FaxWorld) -> None:
    kinds = ("fax.queued", "fax.sending.started", "fax.delivered")
    for order in permutations(kinds):
        for kind in order:
            assert fax.post(kind).status_code == 204
        fax.world.work()
        assert fax.state() == ("delivered", None, None)
    with fax.world.runtime.sessions() as session:
        assert len(session.scalars(select(Callback)).all()) == len(kinds), "copies are kept once"


def test_what_they_did_not_sign_just_now_changes_nothing(fax: FaxWorld) -> None:
    assert fax.post("fax.delivered", forged=True).status_code == 403
    assert fax.post("fax.delivered", age=600).status_code == 403
    assert fax.world.client.post("/webhooks/telnyx/fax", data=b"{}").status_code == 403
    fax.world.work()
    assert fax.state()[0] == "accepted"


@pytest.mark.parametrize(("reason", "said"), [("user_busy", "busy"), ("receiver_no_answer", "no answer")])
def test_a_fax_that_nobody_took_is_sent_again_by_policy(fax: FaxWorld, reason: str, said: str) -> None:
    fax.post("fax.failed", failure_reason=reason)
    fax.post("fax.sending.started")
    fax.world.work()
    state, outcome, error = fax.state()
    assert (state, outcome) == ("deferred", said.replace(" ", "-"))
    assert error == f"{said} at 09:30 UTC, sent again at 09:33"


@pytest.mark.parametrize(
    ("reason", "is_valid"), [("receiver_unallocated_number", False), ("receiver_call_dropped", True), ("new_one", True)]
)
def test_a_fax_that_failed_goes_on_by_the_next_channel(fax: FaxWorld, reason: str, is_valid: bool) -> None:
    fax.post("fax.failed", failure_reason=reason)
    fax.world.work()
    assert fax.state()[0] == "failed"
    with fax.world.runtime.sessions() as session:
        assert session.scalars(select(Delivery.state).where(Delivery.address == "fay@f.example")).all() == ["queued"]
        assert session.scalars(select(ContactPoint.valid).where(ContactPoint.address == FAY)).one() is is_valid


# --- what customers send


def test_a_fax_is_an_answer_for_the_representative(fax: FaxWorld) -> None:
    fax.store.kept["in-1"] = PDF
    reply = fax.receive()
    assert (reply.state, reply.kind, reply.channel, reply.text) == ("matched", "other", "fax", "Came by fax, 2 pages.")
    assert (reply.customer_id, reply.message_id) == (fax.world.bank.ids["fay"], 1)
    letter = fax.world.letters()[0]
    assert (letter.address, "by fax" in letter.text) == ("rep@bank.example", True)
    assert fax.files(reply.id) == [("fax.pdf", None, fax_documents.ON_ITS_WAY)]
    fax.fetch()
    assert fax.files(reply.id) == [("fax.pdf", PDF, "")]
    fax.fetch()
    fax.receive()
    assert fax.store.asked == ["in-1"], "fetched once, and a copy is no second answer"
    assert len(fax.world.replies()) == 1
    with fax.world.runtime.sessions() as session:
        assert not session.scalars(select(Letter).where(Letter.customer_id.is_not(None))).all(), "nothing by itself"


def test_a_fax_whose_webhook_was_lost_is_found_and_counts_once(fax: FaxWorld) -> None:
    payload = {"fax_id": "in-1", "direction": "inbound", "from": FAY, "to": OURS}
    body = json.dumps({"data": {"event_type": "fax.received", "payload": payload}}).encode()
    fax.store.listed = [WebRequest("POST", "/webhooks/telnyx/fax", {}, body)]
    assert asyncio.run(missed_texts.look(fax.world.runtime, "telnyx")) == 1
    fax.world.work()
    assert fax.receive().text == "Came by fax, pages not counted."
    assert len(fax.world.replies()) == 1
    with fax.world.runtime.sessions() as session:
        assert "1 fax came to us by no webhook" in session.scalars(select(Task.text)).one()


def test_a_fax_of_nobody_we_know_waits_for_a_person(fax: FaxWorld) -> None:
    fax.store.kept["in-1"] = PDF
    reply = fax.receive(STRANGER, pages=1)
    fax.fetch()
    assert (reply.state, reply.sender, reply.text) == ("unmatched", STRANGER, "Came by fax, 1 page.")
    assert fax.files(reply.id) == [("fax.pdf", PDF, "")]
    runtime = fax.world.runtime
    with runtime.sessions() as session:
        admin = session.scalars(select(Staff).join(Grant).where(Grant.role == "admin")).first()
        admin = admin or Staff(email="admin@bank.example", name="Adam", grants=[Grant(role="admin")])
        session.add(admin)
        session.flush()
        for wrong in ("nobody", "1000000", ""):
            with pytest.raises(Refused, match="no alert with this code"):
                conversations.assign(session, runtime, admin, reply.id, wrong)
        code = codes.make(runtime, fax.delivery)
        given = conversations.assign(session, runtime, admin, reply.id, f"{code}#")
        assert (given.customer_id, given.message_id, given.state) == (fax.world.bank.ids["fay"], 1, "matched")


def test_no_more_faxes_is_obeyed_when_a_person_says_that_it_is_so(fax: FaxWorld) -> None:
    reply = fax.receive()
    runtime = fax.world.runtime
    with runtime.sessions() as session:
        rep = session.get_one(Staff, fax.world.bank.ids["rep"])
        assert correcting.correct(session, runtime, rep, reply.id, "opt-out").kind == "opt-out"
        order = suppressions.in_force(session, "fax", FAY)
        assert order is not None
        assert order.reason == "opt-out"


def test_pages_that_cannot_be_had_are_tried_for_hours_and_then_a_task(fax: FaxWorld) -> None:
    fax.store.kept["in-1"] = ProviderError("the provider answered 500")
    reply = fax.receive()
    runtime, clock = fax.world.runtime, fax.world.bank.time
    fax.fetch()
    fax.fetch()
    assert len(fax.store.asked) == 1, "not before its time"
    for minutes in fax_documents.WAITS:
        clock.pass_by(60 * minutes + 10)
        fax.world.bank.bells.rings.clear()
        with runtime.sessions() as session:
            found = sweep.sweep(session, runtime, "documents")
        if found["documents"]:
            jobs.configure(runtime)
            jobs.fetch_document(reply.id)
    assert len(fax.store.asked) == len(fax_documents.WAITS)
    assert fax.files(reply.id) == [("fax.pdf", None, fax_documents.LOST)]
    with runtime.sessions() as session:
        (task,) = session.scalars(select(Task)).all()
        assert (task.rep_id, "send it once more" in task.text) == (fax.world.bank.ids["rep"], True)
        assert sweep.sweep(session, runtime, "documents") == {"documents": 0}


def test_an_answer_goes_by_what_the_customer_prefers(fax: FaxWorld) -> None:
    reply = fax.receive()
    runtime = fax.world.runtime

    def answer(text: str) -> tuple[str, str, str]:
        with runtime.sessions() as session:
            rep = session.get_one(Staff, fax.world.bank.ids["rep"])
            made = responses.respond(session, runtime, rep, reply.conversation_id or 0, text, via="page")
            session.commit()
            letter = session.get_one(Letter, made.letter_id)
            return letter.channel, letter.address, letter.text

    channel, address, text = answer("We can.")
    assert (channel, address) == ("fax", FAY)
    assert text.endswith(f"fax it back to {OURS}, or call +18005550100")
    with runtime.sessions() as session:
        customer = session.get_one(Customer, fax.world.bank.ids["fay"])
        customer.language = "de"
        session.commit()
    assert answer("Gern.")[2].endswith(f"faxen Sie sie an {OURS}, oder rufen Sie +18005550100 an")
    with runtime.sessions() as session:
        customer = session.get_one(Customer, fax.world.bank.ids["fay"])
        customer.preferences[0].channel, customer.preferences[1].channel = "email", "fax"
        session.commit()
    assert answer("Really.")[:2] == ("email", "fay@f.example")
