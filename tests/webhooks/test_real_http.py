"""The door and the list of texts over real HTTP: our own web server, the simulated carrier, the real adapters."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import gzip
import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from channels import registry
from dispatcher import bootstrap, jobs
from dispatcher.model import Callback, ContactPoint, Customer, Grant, Poll, Reply, Staff, Suppression, Task
from dispatcher.model.ports import BROUGHT_BY
from dispatcher.runtime import Runtime
from dispatcher.services import missed_texts
from dispatcher.services.oracle import Question
from dispatcher.services.oracle_news import only_authentic
from dispatcher.settings import Settings
from dispatcher.storage import migrate
from tests.channels.test_sendgrid_inbound import fields, multipart, raw
from tests.loopback import free_port, up

ROOT = Path(__file__).parents[2]
CARRIER = [sys.executable, "-m", "channels.carrier"]
LATER = timedelta(minutes=2)  # what is younger its webhook may still bring
Json = Any


@dataclass
class Place:
    """The carrier's address, the web server's, and a runtime of ours on the same database."""

    carrier: str
    port: int
    runtime: Runtime
    secret: str

    def control(self, method: str, path: str, body: Json = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.carrier}/carrier/api{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
            return json.loads(content) if content else None

    def text(self, sender: str, body: str) -> str:
        """Somebody texts us; the text's id."""
        sid: str = self.control("POST", "/sms", {"from": sender, "body": body})["sid"]
        return sid

    def lose(self, share: float) -> None:
        self.control("POST", "/faults", {"texts_lost_share": share})

    def later(self, after: timedelta = LATER) -> Runtime:
        return dataclasses.replace(self.runtime, now=lambda: self.runtime.now() + after)

    def find(self, after: timedelta = LATER) -> int:
        """What the job of the clock does, so much later."""
        runtime = dataclasses.replace(self.later(after), adapters=registry.build(self.runtime.settings))

        async def ask() -> int:
            try:
                return await missed_texts.look(runtime, "twilio")
            finally:
                for provider in runtime.adapters.providers["sms"]:
                    await provider.aclose()

        return asyncio.run(ask())

    def due_again(self) -> None:
        with self.runtime.sessions() as session:
            for poll in session.scalars(select(Poll)):
                poll.due_at = self.runtime.now() - timedelta(hours=1)
            session.commit()

    def apply(self) -> None:
        jobs.configure(self.later())
        jobs.apply_callbacks()

    def replies(self, sender: str) -> list[Reply]:
        with self.runtime.sessions() as session:
            return list(session.scalars(select(Reply).where(Reply.sender == sender).order_by(Reply.id)))

    def stopped(self, number: str) -> bool:
        with self.runtime.sessions() as session:
            order = select(Suppression.id).where(Suppression.address == number, Suppression.lifted_at.is_(None))
            return session.scalar(order) is not None

    def last(self) -> int:
        """The number of the last callback that was kept."""
        with self.runtime.sessions() as session:
            return session.scalar(select(func.max(Callback.id))) or 0

    def kept_after(self, number: int) -> list[bytes]:
        with self.runtime.sessions() as session:
            return list(session.scalars(select(Callback.body).where(Callback.id > number)))

    def states(self) -> set[str]:
        with self.runtime.sessions() as session:
            return set(session.scalars(select(Callback.state)))

    def wait(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        until = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.02)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("real-http")
    port, carriers = free_port(), free_port()
    made = subprocess.run(
        [*CARRIER, "init", "--state", str(folder), "--port", str(carriers), "--product-url", f"http://127.0.0.1:{port}"],
        capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    environment = {
        **json.loads(made.stdout),
        "VAR_DIR": str(folder),
        "SECRET_KEY": "k" * 40,
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    given: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    settings = Settings(_env_file=None, **given)
    migrate(settings.database_url)
    started = [
        subprocess.Popen(command, cwd=folder, env={**os.environ, **environment, **more}, stderr=subprocess.DEVNULL)
        for command, more in (
            ([*CARRIER, "serve", "--state", str(folder)], {"CARRIER_DIE_WITH_PARENT": "1", "PYTHONPATH": str(ROOT)}),
            ([sys.executable, "-m", "dispatcher.cli", "web"], {"PYTHONPATH": str(ROOT)}),
        )
    ]
    found = Place(settings.twilio_api_url, port, bootstrap.build(settings), environment["SENDGRID_INBOUND_SECRET"])
    with found.runtime.sessions() as session:
        session.add(Staff(email="admin@bank.example", name="Ada", channels=["email"], grants=[Grant(role="admin")]))
        rep = Staff(email="rep@bank.example", name="Rae", channels=["email"], grants=[Grant(role="rep")])
        session.add(rep)
        session.flush()
        for last in range(101, 110):
            point = ContactPoint(channel="sms", address=f"+12025550{last}")
            session.add(Customer(key=f"c{last}", name=f"Customer {last}", rep_id=rep.id, contact_points=[point]))
        session.commit()
    try:
        for url in (f"{found.carrier}/healthz", f"http://127.0.0.1:{port}/healthz"):
            found.wait(partial(up, url))
        yield found
    finally:
        for one in started:
            one.terminate()
        for one in started:
            one.wait(60)


# --- the door ---------------------------------------------------------------------------------------------

FORM = "multipart/form-data; boundary=xYzZY"
MIB = 1_000_000


def mail(**more: Any) -> bytes:
    """A form like the vendor's, of a mail that never was before."""
    head = f"Message-ID: <{uuid.uuid4().hex}@mail.example>\r\nFrom: Ana <ana@simon.example>\r\nSubject: Re: x\r\n"
    return multipart(fields(**{"headers": head, **more}))


POSTS: list[tuple[str, str, bytes, dict[str, str]]] = [
    # what it is, where, the body, its headers
    ("a mail", "", mail(), {"Content-Type": FORM}),
    ("another content type", "", mail(), {"Content-Type": "text/plain"}),
    ("no content type", "", mail(), {}),
    ("a content type of nonsense", "", mail(), {"Content-Type": "\u00ff;;;===;boundary"}),
    ("another boundary", "", mail(), {"Content-Type": "multipart/form-data; boundary=other"}),
    ("a form without an end", "", mail()[:-9], {"Content-Type": FORM}),
    ("half a mail", "", mail()[:300], {"Content-Type": FORM}),
    ("nothing", "", b"", {"Content-Type": FORM}),
    ("noise", "", os.urandom(5000), {"Content-Type": FORM}),
    ("JSON", "", b'{"text": "Sell all"}', {"Content-Type": "application/json"}),
    ("a web form", "", b"text=Sell+all&from=a%40b.example", {"Content-Type": "application/x-www-form-urlencoded"}),
    ("no headers", "", mail(headers=None), {"Content-Type": FORM}),
    ("no text", "", mail(text=None, html=None), {"Content-Type": FORM}),
    ("no envelope", "", mail(envelope=None, to=None), {"Content-Type": FORM}),
    ("charsets of nonsense", "", mail(charsets='{"text": 7, "html": null}', text=b"\xff\x00"), {"Content-Type": FORM}),
    ("an unknown charset", "", mail(charsets='{"text": "x-none"}', text=b"caf\xe9"), {"Content-Type": FORM}),
    ("a thousand fields", "", mail(**{f"f{n}": "x" for n in range(1000)}), {"Content-Type": FORM}),
    ("a file name in Latin-1", "", mail(attachment1=("Gr\xfc\xdfe.pdf".encode("latin-1"), "application/pdf", b"%PDF-")),
     {"Content-Type": FORM}),
    ("a whole mail", "", raw(b"Message-ID: <w@x>\r\nFrom: a@b.example\r\n\r\nSell"), {"Content-Type": FORM}),
    ("a whole mail of noise", "", raw(os.urandom(3000)), {"Content-Type": FORM}),
    ("30 MB", "", mail(attachment1=("a.bin", "application/octet-stream", b"x" * 30 * MIB)), {"Content-Type": FORM}),
    ("5 MB of words", "", mail(text="word " * MIB), {"Content-Type": FORM}),
    ("in pieces", "", mail(), {"Content-Type": FORM, "Transfer-Encoding": "chunked"}),
    ("compressed", "", gzip.compress(mail()), {"Content-Type": FORM, "Content-Encoding": "gzip"}),
    ("expecting to be asked", "", mail(), {"Content-Type": FORM, "Expect": "100-continue"}),
    ("a slash at the end", "/", mail(), {"Content-Type": FORM}),
    ("the secret in the path", "/SECRET", mail(), {"Content-Type": FORM, "Authorization": ""}),
    ("the secret in the query", "?secret=SECRET", mail(), {"Content-Type": FORM, "Authorization": ""}),
    ("another host", "", mail(), {"Content-Type": FORM, "Host": "evil.example"}),
    ("cookies and an origin", "", mail(), {"Content-Type": FORM, "Origin": "https://evil.example", "Cookie": "a=b"}),
]  # fmt: skip


def posted(place: Place, path: str, body: bytes, headers: dict[str, str]) -> int:
    pair = base64.b64encode(f"inbound:{place.secret}".encode()).decode()
    given = {"Authorization": f"Basic {pair}", **headers}
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=60)
    pieces: Any = iter([body[:100], body[100:]]) if "Transfer-Encoding" in headers else body
    connection.request(
        "POST", f"/webhooks/sendgrid/inbound{path.replace('SECRET', place.secret)}", pieces,
        {name: value for name, value in given.items() if value and name != "Transfer-Encoding"},
        encode_chunked="Transfer-Encoding" in headers,
    )  # fmt: skip
    status = connection.getresponse().status
    connection.close()
    return status


def test_every_authentic_post_is_taken_and_kept_byte_for_byte(place: Place) -> None:
    wrong = []
    for what, path, body, headers in POSTS:
        before = place.last()
        status = posted(place, path, body, headers)
        kept = place.kept_after(before)
        if status != 204 or kept != [body]:
            wrong.append(f"{what}: {status}, {len(kept)} kept")
    assert not wrong, "\n".join(wrong)
    for _ in range(20):  # each time the job takes what it can in five seconds
        place.apply()
        if place.states() == {"applied"}:
            break
    assert place.states() == {"applied"}, "whatever it is, it has become something that a person sees"
    with place.runtime.sessions() as session:
        replies = session.scalars(select(Reply).where(Reply.channel == "email")).all()
        assert len(replies) == len(POSTS)
        unread = [one for one in replies if one.subject == "A mail that could not be read"]
        assert {one.state for one in unread} == {"unmatched"}
        assert len(unread) >= 4
        assert all(one.files and one.text for one in unread)
        assert any("Sell all" in one.text for one in unread)


def test_what_is_not_authentic_is_asked_for_again(place: Place) -> None:
    for path, headers in (
        ("", {"Authorization": ""}),
        ("/wrong", {"Authorization": ""}),
        ("", {"Authorization": "Basic !"}),
    ):
        assert posted(place, path, mail(), {"Content-Type": FORM, **headers}) == 503


# --- texts ------------------------------------------------------------------------------------------------


def numbers() -> Iterator[str]:
    yield from (f"+12025550{last}" for last in range(101, 110))


NUMBERS = numbers()


def test_a_text_whose_webhook_was_lost_is_found_once(place: Place) -> None:
    number = next(NUMBERS)
    place.find()  # from here on
    place.lose(1)
    sid = place.text(number, "Please call me, grüße 👀")
    place.lose(0)
    place.due_again()
    assert place.find() == 1
    place.apply()
    (reply,) = place.replies(number)
    assert (reply.text, reply.channel, reply.state) == ("Please call me, grüße 👀", "sms", "matched")
    assert reply.dedupe.endswith(sid)
    assert abs(reply.received_at - place.runtime.now()) < timedelta(minutes=1)
    with place.runtime.sessions() as session:
        told = [one.text for one in session.scalars(select(Task).where(Task.kind == "alarm"))]
    assert any("came to us by no webhook" in one for one in told)
    for _ in range(2):
        place.due_again()
        assert place.find() == 0
    place.apply()
    assert len(place.replies(number)) == 1


def test_a_text_that_came_by_both_ways_is_one(place: Place) -> None:
    number = next(NUMBERS)
    place.find()
    before = place.last()
    place.text(number, "Sell 500")
    place.wait(lambda: place.last() > before)
    place.due_again()
    assert place.find() == 0
    place.apply()
    assert len(place.replies(number)) == 1


def test_the_oracle_takes_what_was_asked_for_as_proven_and_nothing_that_only_says_so(place: Place) -> None:
    number = next(NUMBERS)
    before = place.last()
    place.text(number, "Sell 700")
    place.wait(lambda: place.last() > before)
    place.lose(1)
    place.text(number, "Sell 800")
    place.lose(0)
    place.due_again()
    assert place.find() == 1
    bring(place, number, f"SM{'e' * 32}", "Sell 900", {"X-Brought-By": "list"})
    with place.runtime.sessions() as session:
        kept = select(Callback.id, Callback.headers).where(Callback.what == "sms").order_by(Callback.id.desc()).limit(3)
        (forged, _), (asked_for, _), _ = rows = session.execute(kept).all()
        assert [BROUGHT_BY in headers for _, headers in rows] == [False, True, False]
        assert list(only_authentic(session, place.runtime, Question(ledger=[]))) == []
        changed = update(Callback).where(Callback.id.in_((forged, asked_for))).values(body=b"Body=Buy")
        session.execute(changed.execution_options(synchronize_session=False))
        told = [(one.subject, one.text) for one in only_authentic(session, place.runtime, Question(ledger=[]))]
        assert (f"callback {forged}", "was taken, and is not twilio's") in told
        assert (f"callback {asked_for}", "was taken, and is not twilio's") not in told
        session.rollback()


def test_found_first_and_brought_later_it_is_one(place: Place) -> None:
    """The list first, and at the same moment from many sides: one callback, one reply."""
    number = next(NUMBERS)
    place.lose(1)
    sid = place.text(number, "Sell 600")
    place.lose(0)
    place.due_again()
    asked = [threading.Thread(target=place.find) for _ in range(3)]
    brought = [threading.Thread(target=bring, args=(place, number, sid, "Sell 600")) for _ in range(3)]
    for one in (*asked, *brought):
        one.start()
    for one in (*asked, *brought):
        one.join()
    place.due_again()
    assert place.find() == 0
    place.apply()
    assert [one.text for one in place.replies(number)] == ["Sell 600"]


def bring(place: Place, sender: str, sid: str, body: str, headers: Mapping[str, str] | None = None) -> None:
    """The vendor's webhook of a text, at last."""
    from twilio.request_validator import RequestValidator

    settings = place.runtime.settings
    url = f"{settings.public_url}/webhooks/twilio/sms"
    form = {
        "MessageSid": sid, "SmsSid": sid, "AccountSid": settings.twilio_account_sid, "From": sender,
        "To": settings.twilio_sms_from[0], "Body": body, "NumMedia": "0", "SmsStatus": "received",
    }  # fmt: skip
    token = settings.twilio_auth_token.get_secret_value()
    signature = RequestValidator(token).compute_signature(url, form)
    data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data, {"X-Twilio-Signature": signature, **(headers or {})})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def test_a_stop_that_no_webhook_brought_is_obeyed_and_a_later_start_counts(place: Place) -> None:
    number, other = next(NUMBERS), next(NUMBERS)
    place.lose(1)
    place.text(number, "STOP")
    place.text(other, "STOP")
    time.sleep(1.1)  # the list knows whole seconds
    place.lose(0)
    before = place.last()
    place.text(other, "START")
    place.wait(lambda: place.last() > before)
    place.apply()
    place.due_again()
    assert place.find() == 2
    place.apply()
    assert place.stopped(number)
    assert not place.stopped(other), "they have asked for it again since"
    assert [one.kind for one in place.replies(other)] == ["opt-in", "opt-out"]


def test_after_an_outage_it_is_asked_for_as_far_back_as_it_last_worked(place: Place) -> None:
    place.find()
    with place.runtime.sessions() as session:
        poll = session.scalars(select(Poll)).one()
        worked = poll.asked_to = place.runtime.now() - timedelta(days=2)
        session.commit()
    place.control("POST", "/faults", {"lookup_500_share": 1})
    place.due_again()
    assert place.find() == 0
    with place.runtime.sessions() as session:
        assert session.scalars(select(Poll)).one().asked_to == worked
        told = [one.text for one in session.scalars(select(Task).where(Task.kind == "alarm"))]
        assert told
    place.control("POST", "/faults", {"lookup_500_share": 0})
    place.due_again()
    place.find()
    with place.runtime.sessions() as session:
        assert session.scalars(select(Poll)).one().asked_to > worked + timedelta(days=1)
    assert place.find(timedelta(0)) == 0, "it is not due again"
