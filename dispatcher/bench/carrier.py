"""A carrier that costs next to nothing: just enough HTTP/1.1 to take texts, calls and mails and to remember them.

    python -m dispatcher.bench.carrier --latency-ms 100

It prints its ports (HTTP and SMTP) as one line of JSON, answers each request after the latency, and keeps a ledger of
(kind, address, attempt). It checks nothing and calls nobody back: it must never be what limits.
"""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import cast

import click
import orjson
import uvloop

from dispatcher.bench.book import Answers, Book
from dispatcher.bench.sink import MailWire
from dispatcher.embedded import watch_parent

ACCOUNT = "AC" + "0b5e" * 8

_DATE = formatdate(usegmt=True).replace("GMT", "+0000")
# SID and TO are replaced in each answer.
_TEXT = orjson.dumps(
    {
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "x" * 160, "date_created": _DATE,
        "date_sent": None, "date_updated": _DATE, "direction": "outbound-api", "error_code": None,
        "error_message": None, "from": "+12025550100", "messaging_service_sid": None, "num_media": "0",
        "num_segments": "2", "price": None, "price_unit": "USD", "sid": "SMSID", "status": "queued",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SMSID/Media.json"}, "to": "TO",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SMSID.json",
    }
)  # fmt: skip
_CALL = orjson.dumps(
    {
        "account_sid": ACCOUNT, "answered_by": None, "api_version": "2010-04-01", "caller_name": None,
        "date_created": None, "date_updated": None, "direction": "outbound-api", "duration": None, "end_time": None,
        "forwarded_from": None, "from": "+12025550101", "from_formatted": "(202) 555-0101", "group_sid": None,
        "parent_call_sid": None, "phone_number_sid": f"PN{ACCOUNT[2:]}", "price": None, "price_unit": "USD",
        "queue_time": "0", "sid": "CASID", "start_time": None, "status": "queued",
        "subresource_uris": {"recordings": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CASID/Recordings.json"},
        "to": "TO", "to_formatted": "TO", "trunk_sid": None,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CASID.json",
    }
)  # fmt: skip


def _template(answer: bytes) -> bytes:
    """An answer as a template: one formatting is all that it costs then."""
    return answer.replace(b"%", b"%%").replace(b"SID", b"%(sid)b").replace(b'"TO"', b'"%(to)b"')


_TEXT_TEMPLATE, _CALL_TEMPLATE = _template(_TEXT), _template(_CALL)


def text_answer(number: int, to: str) -> bytes:
    """What a created text is answered with."""
    return _created(_TEXT_TEMPLATE, number, to)


def call_answer(number: int, to: str) -> bytes:
    """What a created call is answered with."""
    return _created(_CALL_TEMPLATE, number, to)


def mail_answer(number: int) -> bytes:
    """What a request with mails is answered with."""
    return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nX-Message-Id: %022d\r\n\r\n" % number


def _created(template: bytes, number: int, to: str) -> bytes:
    body = template % {b"sid": b"%032x" % number, b"to": to.encode()}
    return b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Wire(asyncio.Protocol):
    """One connection. Requests may come in pieces or several at once."""

    def __init__(self, book: Book, answers: Answers) -> None:
        self._book, self._answers = book, answers
        self._rest = b""
        self._pieces: list[bytes] = []
        self._wanted = 0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        # A mail request is large and comes in many pieces: joined once, when the last is there.
        self._pieces.append(data)
        self._wanted -= len(data)
        if self._wanted > 0:
            return
        rest = b"".join(self._pieces)
        while True:
            end = rest.find(b"\r\n\r\n")
            if end < 0:
                missing = 1
                break
            head = rest[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            body_end = end + 4
            if at >= 0:
                body_end += int(head[at + 17 :].split(b"\r\n", 1)[0])
            missing = body_end - len(rest)
            if missing > 0:
                break
            self._take(rest[:end], rest[end + 4 : body_end])
            rest = rest[body_end:]
            if not rest:
                missing = 1
                break
        self._pieces = [rest] if rest else []
        self._wanted = missing

    def _take(self, head: bytes, body: bytes) -> None:
        at = time.time()
        line = head[: head.find(b"\r\n")]
        if b"/Messages.json " in line:
            self._book.arrived(at)
            to = _field(body, b"To=", b"&")
            self._book.add("sms", to, _field(body, b"attempt%3D", b"%"))
            self._answers.send(self._transport, text_answer(self._book.requests, to))
        elif b"/v3/mail/send " in line:
            self._take_mail(at, body)
        elif b"/Calls.json " in line:
            self._book.arrived(at)
            to = _field(body, b"To=", b"&")
            self._book.add("voice", to, _field(body, b"attempt%3D", b"%"))
            self._answers.send(self._transport, call_answer(self._book.requests, to))
        elif line.startswith(b"GET /ledger "):
            self._plain("\n".join(self._book.entries).encode())
        elif line.startswith(b"GET /summary "):
            self._plain(self._book.summary())
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _take_mail(self, at: float, body: bytes) -> None:
        people = orjson.loads(body)["personalizations"]
        noted = [
            self._book.add("email", one["to"][0]["email"], one.get("custom_args", {}).get("attempt_id", ""))
            for one in people
        ]
        if any(noted):
            self._book.arrived(at)
            self._answers.send(self._transport, mail_answer(self._book.requests))
        else:
            self._transport.write(mail_answer(self._book.letters))

    def _plain(self, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _field(body: bytes, name: bytes, end: bytes) -> str:
    """A form field as it stands, numbers with their +; "" where there is none."""
    at = body.find(name)
    if at < 0:
        return ""
    at += len(name)
    until = body.find(end, at + 3 if body.startswith(b"%2B", at) else at)
    return body[at : until if until >= 0 else None].decode().replace("%2B", "+")


async def serve(latency: float, port: int = 0) -> None:
    """Listen on loopback, say where, and go on until killed. `latency` is in seconds."""
    book = Book()
    answers = Answers(book, latency)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(book, answers), "127.0.0.1", port, backlog=4096)
    mail = await loop.create_server(lambda: MailWire(book, answers), "127.0.0.1", 0, backlog=4096)
    ports = {"port": server.sockets[0].getsockname()[1], "smtp": mail.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await asyncio.gather(server.serve_forever(), mail.serve_forever())


@click.command()
@click.option("--latency-ms", type=click.FloatRange(min=0), default=100.0)
@click.option("--port", type=click.IntRange(0, 65535), default=0)
def main(latency_ms: float, port: int) -> None:
    """The carrier of the benchmark."""
    watch_parent()
    uvloop.run(serve(latency_ms / 1000, port))


if __name__ == "__main__":
    main()
