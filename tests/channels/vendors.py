"""Vendors for the contract cases: for each a stand-in that can be told what kind of day it is, and its adapter."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiosmtpd import smtp as server_side
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from channels.http import Pool
from channels.sendgrid import SendGrid
from channels.smtp import Smtp
from channels.telnyx_fax import TelnyxFax
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, Content, Outbound, Outcome, Provider, Rendition
from dispatcher.settings import Settings
from tests.channels.stub import NO_END, Answer, Came, Stub, as_json, attempt, running, sid
from tests.loopback import free_port

ACCOUNT = "AC" + "5f3d8c1b" * 4
FAX_KEY = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
FAX_PUBLIC_KEY = base64.b64encode(FAX_KEY.public_key().public_bytes_raw()).decode()
PATIENT = 60.0  # seconds until an adapter under test gives up waiting: a slow machine is no hanging vendor
# Where it is one. What has not even arrived by then is in doubt as well.
BRIEF = 1.0


def settings(url: str = "http://127.0.0.1:9", **more: Any) -> Settings:
    """Complete settings that reach nobody but `url`."""
    base: dict[str, Any] = {
        "public_url": "https://alerts.bank.example",
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": "secret-token-of-the-account",
        "twilio_api_url": url,
        "twilio_sms_from": "+13395550100,+13395550110",
        "twilio_voice_from": "+13395550101",
        "sendgrid_api_key": "SG.key",
        "sendgrid_api_url": url,
        "email_from": "alerts@bank.example",
        "inbound_email_domain": "in.bank.example",
        "telnyx_api_key": "KEY0123",
        "telnyx_api_url": url,
        "telnyx_connection_id": "234423",
        "telnyx_public_key": FAX_PUBLIC_KEY,
        "fax_line": "+13395550104",
    }
    return Settings(_env_file=None, **{**base, **more})


def outbounds(addresses: Sequence[str]) -> list[Outbound]:
    return [Outbound(attempt(), address, f"tok{n}", f"pref{n}") for n, address in enumerate(addresses)]


def content(**more: Any) -> Content:
    base: dict[str, Any] = {
        "rendition": Rendition(
            subject="Flooding at pump house 3",
            text=f"Flooding – pump house 3. https://alerts.bank.example/r/{REPLY_TAG}",
            html=f'<p>Flooding</p><a href="https://alerts.bank.example/r/{REPLY_TAG}">Answer</a>',
        ),
        "sender_name": "Example Bank",
        "reply_to": f"reply+{REPLY_TAG}@in.bank.example",
        "unsubscribe_url": f"https://alerts.bank.example/p/{PREFS_TAG}/one-click",
        "category": "message-7",
        "valid_for": 3600,
    }
    return Content(**{**base, **more})


async def collect(provider: Provider, what: Content, batch: Sequence[Outbound]) -> list[Outcome]:
    return [outcome async for outcome in provider.send(what, batch)]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # it comes true in another thread
            await asyncio.sleep(0.002)


def an_hour_passes() -> None:
    """By the clock of the running loop: whoever waits in it for an answer has waited too long. (HTTP has a clock of its
    own.)
    """
    loop = asyncio.get_running_loop()
    clock = loop.time
    loop.time = lambda: clock() + 3600  # type: ignore[method-assign]


TIME_WAIT = "06"


def _sockets() -> list[list[str]]:
    """This machine's TCP sockets: both ends, as :PORT in hexadecimal digits, and the state."""
    table = Path("/proc/net/tcp")
    rows = [line.split()[1:4] for line in table.read_text().splitlines()[1:]] if table.exists() else []
    return [[f":{one.rpartition(':')[2]}" for one in row[:2]] + row[2:] for row in rows]


class Vendor(ABC):
    """What the contract needs of one."""

    name = ""
    days = frozenset({"unauthorized", "busy", "broken", "hang", "reset", "html"})

    @abstractmethod
    def close(self) -> None:
        """The vendor goes away, its connections with it."""

    @abstractmethod
    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider: ...

    @abstractmethod
    def day(self, kind: str, bad: Sequence[str] = ()) -> None:
        """good, or one of `days`; addresses in `bad` are refused."""

    @abstractmethod
    def answers(self, number: int) -> None:
        """Of all messages that come, no more than so many are answered until this is said again."""

    @abstractmethod
    def arrived(self) -> Counter[str]:
        """How often each address was asked for."""

    @abstractmethod
    def requests(self) -> int: ...

    @abstractmethod
    def address(self) -> str: ...


class HttpVendor(Vendor):
    def __init__(self, stub: Stub, url: str, close: Callable[[], None]) -> None:
        self.stub, self.url, self._close = stub, url, close
        self._numbers = itertools.count(1000)
        self.day("good")

    def close(self) -> None:
        """As far as the client's own thread, which is told by the kernel, has heard of it."""
        self._close()
        port = f":{int(self.url.rpartition(':')[2]):04X}"
        until = time.monotonic() + PATIENT
        while any(port in end and state != TIME_WAIT for *end, state in _sockets()) and time.monotonic() < until:
            time.sleep(0.002)

    def day(self, kind: str, bad: Sequence[str] = ()) -> None:
        self.stub.answer = lambda came: self._answer(kind, set(bad), came)

    def answers(self, number: int) -> None:
        self.stub.answered = number

    def _answer(self, kind: str, bad: set[str], came: Came) -> Answer:
        match kind:
            case "unauthorized":
                return self.unauthorized()
            case "busy":
                return self.busy()
            case "broken":
                return Answer(500, "oops")
            case "hang" | "reset":
                return Answer(how=kind)
            case "html":
                return Answer(200, "<html>It works</html>", {"Content-Type": "text/html"})
        return self.judged(came, bad)

    def requests(self) -> int:
        return len(self.stub.came)

    @abstractmethod
    def unauthorized(self) -> Answer: ...

    @abstractmethod
    def busy(self) -> Answer: ...

    @abstractmethod
    def judged(self, came: Came, bad: set[str]) -> Answer: ...


class Twilio(HttpVendor):
    resource = "Messages"

    def unauthorized(self) -> Answer:
        return as_json({"code": 20003, "message": "Authenticate", "status": 401}, 401)

    def busy(self) -> Answer:
        return as_json({"code": 20429, "message": "Too Many Requests", "status": 429}, 429, Retry_After="7")

    def judged(self, came: Came, bad: set[str]) -> Answer:
        if came.form["To"][0] in bad:
            return as_json({"code": 21211, "message": "The 'To' number is not valid.", "status": 400}, 400)
        return as_json({"sid": sid("SM"), "status": "queued"}, 201)

    def arrived(self) -> Counter[str]:
        return Counter(came.form["To"][0] for came in self.stub.posts())

    def address(self) -> str:
        return f"+1202555{next(self._numbers)}"


class Texts(Twilio):
    name = "twilio sms"

    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider:
        return TwilioSms(settings(self.url, twilio_concurrent_requests=limit), Pool(PATIENT, total))


class Calls(Twilio):
    name = "twilio voice"

    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider:
        return TwilioVoice(settings(self.url, twilio_concurrent_requests=limit), Pool(PATIENT, total))


class Faxes(HttpVendor):
    name = "telnyx"

    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider:
        return TelnyxFax(settings(self.url, telnyx_concurrent_requests=limit), Pool(PATIENT, total))

    def unauthorized(self) -> Answer:
        return as_json({"errors": [{"code": "10009", "title": "Authentication failed"}]}, 401)

    def busy(self) -> Answer:
        return as_json({"errors": [{"code": "10011", "title": "Too many requests"}]}, 429, Retry_After="7")

    def judged(self, came: Came, bad: set[str]) -> Answer:
        if came.parts["to"].decode() in bad:
            wrong = {"code": "10002", "title": "Invalid phone number", "source": {"pointer": "/to"}}
            return as_json({"errors": [wrong]}, 422)
        return as_json({"data": {"id": str(uuid4()), "status": "queued"}}, 202)

    def arrived(self) -> Counter[str]:
        return Counter(came.parts["to"].decode() for came in self.stub.posts())

    def address(self) -> str:
        return f"+1202555{next(self._numbers)}"


class Mails(HttpVendor):
    name = "sendgrid"

    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider:
        return SendGrid(settings(self.url, sendgrid_concurrent_requests=limit), Pool(PATIENT, total))

    def unauthorized(self) -> Answer:
        return as_json({"errors": [{"message": "The provided authorization grant is invalid", "field": None}]}, 401)

    def busy(self) -> Answer:
        return as_json({"errors": [{"message": "too many requests"}]}, 429, X_RateLimit_Reset=str(int(time.time()) + 7))

    def judged(self, came: Came, bad: set[str]) -> Answer:
        people = [person["to"][0]["email"] for person in came.json["personalizations"]]
        wrong = [
            {"message": "Does not contain a valid address.", "field": f"personalizations.{n}.to.0.email"}
            for n, address in enumerate(people)
            if address in bad
        ]
        return as_json({"errors": wrong}, 400) if wrong else Answer(202, headers={"X-Message-Id": sid("")[:22]})

    def arrived(self) -> Counter[str]:
        """Those of requests that were not refused whole."""
        return Counter(
            person["to"][0]["email"]
            for came in self.stub.posts()
            if (answer := self.stub.answer(came)).status == 202 or answer.how == "hang"
            for person in came.json["personalizations"]
        )

    def address(self) -> str:
        return f"ana.{next(self._numbers)}@firm.example"


class SmtpDay:
    """aiosmtpd's hooks."""

    def __init__(self) -> None:
        self.kind, self.bad, self.answered = "good", set[str](), NO_END
        self.arrived: Counter[str] = Counter()
        self.mails: list[Any] = []
        self.sessions: set[int] = set()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.sessions.add(id(session))
        if self.kind == "unauthorized":
            return "530 5.7.0 Authentication required"
        if self.kind == "busy":
            return "451 4.7.0 Try again later"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address in self.bad:
            return "550 5.1.1 The email account does not exist"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.arrived[envelope.rcpt_tos[0]] += 1
        number = self.arrived.total()
        while self.kind == "hang" or number > self.answered:  # noqa: ASYNC110  # told by another thread
            await asyncio.sleep(0.002)
        if self.kind == "reset":
            server.transport.abort()
            return "250 OK"
        self.mails.append(envelope)
        return "250 2.0.0 OK"


class _Server(Controller):
    def factory(self) -> server_side.SMTP:
        return server_side.SMTP(self.handler, hostname="mx.example", enable_SMTPUTF8=False)


class SmtpVendor(Vendor):
    name = "smtp"
    days = frozenset({"unauthorized", "busy", "hang", "reset"})

    def __init__(self, hooks: SmtpDay, port: int, close: Callable[[], None]) -> None:
        self.hooks, self.port, self._close = hooks, port, close
        self._numbers = itertools.count(1000)

    def close(self) -> None:
        self._close()

    def provider(self, limit: int = 10, total: float = PATIENT) -> Provider:
        url = f"smtp://127.0.0.1:{self.port}"
        return Smtp(settings(smtp_url=url, smtp_connections=limit), connect=PATIENT, command=PATIENT)

    def day(self, kind: str, bad: Sequence[str] = ()) -> None:
        self.hooks.kind, self.hooks.bad = kind, set(bad)

    def answers(self, number: int) -> None:
        self.hooks.answered = number

    def arrived(self) -> Counter[str]:
        return self.hooks.arrived

    def requests(self) -> int:
        return len(self.hooks.sessions)

    def address(self) -> str:
        return f"ana.{next(self._numbers)}@firm.example"


@contextmanager
def smtp_running() -> Iterator[SmtpVendor]:
    hooks = SmtpDay()
    controller = _Server(hooks, hostname="127.0.0.1", port=free_port())
    controller.start()
    running_ = [True]

    def close() -> None:
        if running_:
            running_.clear()
            controller.stop()

    try:
        yield SmtpVendor(hooks, controller.port, close)
    finally:
        close()


KINDS: dict[str, type[HttpVendor]] = {kind.name: kind for kind in (Texts, Calls, Faxes, Mails)}


def days_of(name: str) -> frozenset[str]:
    return SmtpVendor.days if name == "smtp" else KINDS[name].days


@contextmanager
def vendor_of(name: str) -> Iterator[Vendor]:
    if name == "smtp":
        with smtp_running() as vendor:
            yield vendor
        return
    with running() as (stub, url, close):
        yield KINDS[name](stub, url, close)
