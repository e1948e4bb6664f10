"""A release that has just been accepted, and the posts by which vendors report on it, signed beforehand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from channels.sendgrid import ATTEMPT
from dispatcher.model import Attempt, ContactPoint, Customer, Delivery, Grant, Message, Recipient, Staff, Version
from dispatcher.model.base import now
from dispatcher.services import accounts
from dispatcher.settings import Settings

EMAIL, PASSWORD = "ada@bank.example", "a burst of thirty thousand"  # of a database that is thrown away
SID, TOKEN = "AC" + "5f" * 16, "t" * 32
TIMESTAMP = "1795168705"


@dataclass(frozen=True, slots=True)
class Post:
    """One request as bytes, and how many events it carries."""

    raw: bytes
    events: int


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery that a provider accepted."""

    attempt: str
    ref: str
    address: str


@dataclass
class Bank:
    """What the vendors know of us, and we of them."""

    url: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def settings(self) -> dict[str, str]:
        """Environment under which the product takes these posts for the vendors'."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "PUBLIC_URL": self.url,
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_SMS_FROM": "+12025550100",
            "TWILIO_VOICE_FROM": "+12025550100",
            "SENDGRID_API_KEY": "SG.none",
            "SENDGRID_EVENT_PUBLIC_KEY": base64.b64encode(public).decode(),
            "EMAIL_FROM": "alerts@bank.example",
            "INBOUND_EMAIL_DOMAIN": "reply.bank.example",
        }


def fill(sessions: sessionmaker[Session], settings: Settings, channel: str, count: int) -> tuple[int, list[Sent]]:
    """A released message with `count` accepted deliveries, written directly: its id, and what was sent."""
    moment = now()
    with sessions() as session:
        author = Staff(
            email=EMAIL,
            name="Ada",
            channels=["email"],
            grants=[Grant(role=one) for one in ("analyst", "officer", "rep")],
        )
        author.password_hash = accounts.hash_password(EMAIL, "Ada", PASSWORD)
        session.add(author)
        session.flush()
        message = Message(
            author_id=author.id, state="released", approved_at=moment, released_at=moment - timedelta(seconds=5)
        )
        message.versions = [
            Version(number=1, editor_id=author.id, subject="Downgrade", text="We cut LTMY to hold.", digest="0" * 64)
        ]
        session.add(message)
        session.flush()
        numbers = range(1, count + 1)
        sent = [
            Sent(
                hashlib.md5(b"attempt %d" % n, usedforsecurity=False).hexdigest(),
                f"SM{n:032x}" if channel == "sms" else f"mail-{n // 1000}",
                f"+1202{5550000 + n:07d}" if channel == "sms" else f"person{n}@firm{n % 50}.example",
            )
            for n in numbers
        ]
        _insert(
            session,
            Customer,
            ({"id": n, "key": f"c{n}", "name": f"Customer {n}", "rep_id": author.id} for n in numbers),
        )
        pairs = list(zip(numbers, sent, strict=True))
        points = ({"customer_id": n, "channel": channel, "address": one.address} for n, one in pairs)
        _insert(session, ContactPoint, points)
        _insert(
            session,
            Delivery,
            (
                {"id": n, "message_id": message.id, "channel": channel, "address": one.address, "state": "accepted",
                 "position": n, "tries": 1, "accepted_at": moment}
                for n, one in pairs
            ),
        )  # fmt: skip
        _insert(
            session,
            Recipient,
            (
                {"message_id": message.id, "customer_id": n, "delivery_id": n, "channel": channel, "because": "first"}
                for n in numbers
            ),
        )
        provider = "twilio" if channel == "sms" else "sendgrid"
        _insert(
            session,
            Attempt,
            (
                {"id": one.attempt, "delivery_id": n, "n": 1, "provider": provider, "provider_ref": one.ref,
                 "state": "accepted", "started_at": moment, "settled_at": moment}
                for n, one in pairs
            ),
        )  # fmt: skip
        session.commit()
        return message.id, sent


def _insert(session: Session, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    session.execute(insert(table), list(rows))


def _request(target: str, content_type: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [
        f"POST {target} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# --- text messages: one post an event -----------------------------------------------------------------------


def sms_posts(bank: Bank, sent: Sequence[Sent], order: random.Random, events: int, array: int) -> list[Post]:
    """One signed post for each of queued, sent and delivered, of all deliveries, shuffled."""
    words = ("delivered", "sent", "queued")[:events]
    posts = [_text_status(bank, one, word, TOKEN) for one in sent for word in words]
    order.shuffle(posts)
    return posts


def forged_posts(bank: Bank, sent: Sequence[Sent], order: random.Random, events: int, array: int) -> list[Post]:
    """The same posts, signed by somebody who does not know our key."""
    return [Post(_text_status(bank, one, "delivered", "f" * 32).raw, 0) for one in sent for _ in range(events)]


def _text_status(bank: Bank, one: Sent, word: str, token: str) -> Post:
    target = f"/webhooks/twilio/sms-status?attempt={one.attempt}"
    form = {
        "SmsSid": one.ref, "SmsStatus": word, "MessageStatus": word, "To": one.address, "MessageSid": one.ref,
        "AccountSid": SID, "From": "+12025550100", "ApiVersion": "2010-04-01",
    }  # fmt: skip
    signed = bank.url + target + "".join(name + value for name, value in sorted(form.items()))
    signature = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    headers = {
        "X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1", "Accept": "*/*",
        "I-Twilio-Idempotency-Token": f"{one.attempt}-{word}",
    }  # fmt: skip
    return Post(_request(target, "application/x-www-form-urlencoded", urlencode(form).encode(), headers), 1)


# --- mail: arrays -------------------------------------------------------------------------------------------


def mail_posts(bank: Bank, sent: Sequence[Sent], order: random.Random, events: int, array: int) -> list[Post]:
    """The events processed, deferred and delivered of all deliveries, shuffled, in signed arrays."""
    words = ("delivered", "processed", "deferred")[:events]
    elements = [_mail_event(one, word) for one in sent for word in words]
    order.shuffle(elements)
    return [_array(bank, elements[first : first + array]) for first in range(0, len(elements), array)]


def _mail_event(one: Sent, word: str) -> dict[str, Any]:
    told = {"delivered": {"response": "250 2.0.0 OK"}, "deferred": {"response": "451 try again", "attempt": "1"}}
    return {
        "email": one.address, "timestamp": int(TIMESTAMP), "event": word, "smtp-id": f"<{one.attempt}@geopod-ismtpd-1>",
        "category": ["message-1"], "sg_event_id": f"{word}-{one.attempt}",
        "sg_message_id": f"{one.ref}.recvd-7d4cfb7f9c-x2k8p-1-6740A1B2-1A.0", ATTEMPT: one.attempt,
        **told.get(word, {}),
    }  # fmt: skip


def _array(bank: Bank, elements: list[dict[str, Any]]) -> Post:
    body = orjson.dumps(elements) + b"\r\n"
    signature = bank.key.sign(TIMESTAMP.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": TIMESTAMP,
    }
    return Post(_request("/webhooks/sendgrid/events", "application/json", body, headers), len(elements))
