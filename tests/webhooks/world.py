"""A small bank whose alert has gone out, the real adapters, and a vendor who signs what it posts."""

from __future__ import annotations

import base64
import dataclasses
import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

import webhooks
from channels.sendgrid_webhooks import SendGridWebhooks
from channels.twilio_line import TwilioLine
from channels.twilio_webhooks import TwilioWebhooks
from dispatcher import jobs
from dispatcher.model import (
    Attempt,
    ContactPoint,
    Customer,
    Delivery,
    Letter,
    Media,
    Message,
    Preference,
    Recipient,
    Reply,
    Staff,
    Version,
)
from dispatcher.runtime import Runtime
from dispatcher.services import references
from dispatcher.settings import Settings
from tests.small_bank import SmallBank, small_bank
from tests.small_bank import fill as small_bank_in

PUBLIC_URL = "https://alerts.bank.example"
SID, TOKEN, SECRET = "AC" + "5f" * 16, "t" * 32, "mail-secret"
OURS, LINE = "+12025550100", "+18005550100"
EVENT_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    EVENT_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
SUBJECT, TEXT = "Downgrade", "We cut LTMY to hold."


@dataclass
class World:
    """The bank, its application and its vendors' posts. Ana has mail, Bob SMS, Cleo a telephone (in German);
    Dora and Emil share a telephone for SMS."""

    bank: SmallBank
    runtime: Runtime
    client: FlaskClient
    validator: RequestValidator = field(default_factory=lambda: RequestValidator(TOKEN))

    # --- what went out

    def alert(
        self, *, days_ago: float = 0, recording: bool = False, state: str = "released", urgency: str = "normal"
    ) -> dict[str, int]:
        """A released alert with a delivery to each: the ids of the deliveries, and of the message as "message"."""
        with self.runtime.sessions() as session:
            media = None
            if recording:
                media = Media(sha256=uuid.uuid4().hex * 2, media_type="audio/wav", size=1, seconds=9, content=b"x")
                session.add(media)
                session.flush()
            released = self.runtime.now() - timedelta(days=days_ago)
            message = Message(author_id=self.bank.ids["analyst"], state=state, released_at=released)
            message.versions = [
                Version(
                    number=1, editor_id=self.bank.ids["analyst"], subject=SUBJECT, text=TEXT, digest="0" * 64,
                    recording_id=media.id if media else None, urgency=urgency,
                )
            ]  # fmt: skip
            session.add(message)
            session.flush()
            ids = {"message": message.id}
            for names, channel, address in (
                (("ana",), "email", "ana@simon.example"),
                (("bob",), "sms", "+12025550101"),
                (("cleo",), "voice", "+12025550102"),
                (("dora", "emil"), "sms", "+12025550103"),
            ):
                delivery = Delivery(
                    message_id=message.id, channel=channel, address=address, state="accepted", accepted_at=released,
                    language="de" if names == ("cleo",) else "en",
                )  # fmt: skip
                session.add(delivery)
                session.flush()
                session.add(self._attempt(delivery.id))
                for name in names:
                    ids[name] = delivery.id
                    session.add(
                        Recipient(
                            message_id=message.id, customer_id=self.bank.ids[name], delivery_id=delivery.id,
                            channel=channel, because="first choice",
                        )
                    )  # fmt: skip
            session.commit()
            return ids

    def _attempt(self, delivery_id: int) -> Attempt:
        return Attempt(
            id=uuid.uuid4().hex, delivery_id=delivery_id, provider="twilio", state="accepted",
            provider_ref=f"ref{delivery_id}", started_at=self.runtime.now(),
        )  # fmt: skip

    def attempt_of(self, delivery_id: int) -> str:
        with self.runtime.sessions() as session:
            return session.scalars(select(Attempt.id).where(Attempt.delivery_id == delivery_id)).one()

    # --- what vendors post

    def twilio(self, target: str, fields: dict[str, str], *, token: str = TOKEN, headers: Any = None) -> TestResponse:
        """A signed post to `/webhooks/twilio/<target>`, or to a whole address of ours."""
        url = target if target.startswith("http") else f"{PUBLIC_URL}/webhooks/twilio/{target}"
        form = {"AccountSid": SID, **fields}
        signature = (self.validator if token == TOKEN else RequestValidator(token)).compute_signature(url, form)
        parts = urlsplit(url)
        return self.client.post(
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            data=urlencode(form),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature, **(headers or {})},
        )

    def sms(self, sender: str, text: str, sid: str = "", **more: str) -> TestResponse:
        form = {"MessageSid": sid or f"SM{uuid.uuid4().hex}", "From": sender, "To": OURS, "Body": text, **more}
        return self.twilio("sms", form)

    def voice(self, target: str = "voice", **fields: str) -> TestResponse:
        form = {"CallSid": "CA" + "1" * 32, "From": OURS, "To": "+12025550102", "Direction": "outbound-api"}
        return self.twilio(target, {**form, "CallStatus": "in-progress", **fields})

    def mail(
        self,
        sender: str,
        to: str,
        text: str,
        subject: str = f"Re: {SUBJECT}",
        *,
        secret: str = SECRET,
        headers: str = "",
        spf: str = "pass",
        message_id: str = "",
        html: str = "",
    ) -> TestResponse:
        """An inbound mail as SendGrid posts it."""
        message_id = message_id or f"<{uuid.uuid4().hex}@mail.example>"
        block = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n{headers}\r\n"
        fields = {
            "headers": block, "from": sender, "to": to, "subject": subject, "text": text, "html": html, "SPF": spf,
            "envelope": json.dumps({"to": [to], "from": sender}), "dkim": "none",
            "charsets": json.dumps({"to": "UTF-8", "text": "UTF-8", "subject": "UTF-8", "from": "UTF-8"}),
        }  # fmt: skip
        body = b"".join(
            f'--xYzZY\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
            if value
        )
        password = base64.b64encode(f"inbound:{secret}".encode()).decode()
        return self.client.post(
            "/webhooks/sendgrid/inbound",
            data=body + b"--xYzZY--\r\n",
            content_type="multipart/form-data; boundary=xYzZY",
            headers={"Authorization": f"Basic {password}"},
        )

    def events(self, *events: dict[str, Any], forged: bool = False) -> TestResponse:
        body = json.dumps(events).encode() + b"\r\n"
        signature = EVENT_KEY.sign(b"1795168705" + body, ec.ECDSA(hashes.SHA256()))
        return self.client.post(
            "/webhooks/sendgrid/events",
            data=body + (b" " if forged else b""),
            content_type="application/json",
            headers={
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": "1795168705",
            },
        )

    # --- what we make of it

    def work(self) -> None:
        """What the events worker does with all that was rung for: its own job, in this process."""
        while due := [ring for ring in self.bank.bells.rings if ring[1] == "apply_callbacks"]:
            self.bank.bells.rings = [ring for ring in self.bank.bells.rings if ring not in due]
            self.apply_due()

    def apply_due(self) -> None:
        """The job that the clock rings for as well."""
        jobs.configure(self.runtime)
        jobs.apply_callbacks()

    def replies(self) -> list[Reply]:
        with self.runtime.sessions() as session:
            return list(session.scalars(select(Reply).order_by(Reply.id)))

    def count(self, table: type) -> int:
        with self.runtime.sessions() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def letters(self, kind: str = "reply") -> list[Letter]:
        with self.runtime.sessions() as session:
            return list(session.scalars(select(Letter).where(Letter.kind == kind).order_by(Letter.id)))

    def reply_to(self, delivery_id: int) -> str:
        return f"reply+{self.runtime.token('delivery', delivery_id)}@in.bank.example"

    def staff_address(self, letter: Letter) -> str:
        return f"staff+{self.runtime.token('letter', letter.id)}@in.bank.example"

    def reference(self, conversation_id: int | None, name: str = "rep") -> str:
        """What this person's answer to a conversation begins with, by text message."""
        assert conversation_id is not None
        return references.of_conversation(self.runtime, conversation_id, self.bank.ids[name])

    def customer_address(self, letter: Letter) -> str:
        return f"conv+{self.runtime.token('letter', letter.id)}@in.bank.example"


def fill(session: Session) -> dict[str, int]:
    """The small bank, and two customers more who share a telephone."""
    ids = small_bank_in(session)
    rep = session.get_one(Staff, ids["rep"])
    rep.channels = ["email", "sms"]
    session.get_one(Customer, ids["cleo"]).language = "de"
    for name in ("dora", "emil"):
        customer = Customer(
            key=name,
            name=f"{name.title()} Stone",
            rep_id=ids["rep"],
            contact_points=[ContactPoint(channel="sms", address="+12025550103")],
            preferences=[Preference(rank=0, channel="sms")],
        )
        session.add(customer)
        session.flush()
        ids[name] = customer.id
    return ids


def world_of(sessions: sessionmaker[Session], folder: Path) -> World:
    """Build it on an empty, migrated database."""
    bank = small_bank(sessions, folder, fill=fill)
    settings = Settings(
        _env_file=None,
        var_dir=folder,
        secret_key="k" * 40,
        public_url=PUBLIC_URL,
        twilio_account_sid=SID,
        twilio_auth_token=TOKEN,
        twilio_voice_from=OURS,
        customer_line=LINE,
        sendgrid_event_public_key=PUBLIC_KEY,
        sendgrid_inbound_secret=SECRET,
        inbound_email_domain="in.bank.example",
    )
    adapters = dataclasses.replace(
        bank.runtime.adapters,
        sources={"twilio": TwilioWebhooks(settings), "sendgrid": SendGridWebhooks(settings)},
        lines={"twilio": TwilioLine(settings)},
    )
    for name, provider in bank.providers.items():
        provider.name = "sendgrid" if name == "email" else "twilio"
    runtime = dataclasses.replace(bank.runtime, settings=settings, adapters=adapters)
    app = Flask("webhooks-test")
    webhooks.register(app, runtime)
    return World(bank, runtime, app.test_client())
