"""A small real server that stands in for a vendor: it records what comes and answers as it is told.

Every request it gets is held against the vendor's OpenAPI file when the test ends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from aiohttp import web
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

SPECS = Path(__file__).resolve().parents[1] / "specs"


NO_END = 1_000_000


@dataclass(frozen=True)
class Came:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> dict[str, bytes]:
        """The parts of an upload."""
        kind = f"Content-Type: {self.headers['content-type']}\r\n\r\n"
        found = message_from_bytes(kind.encode() + self.body, policy=HTTP)
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in found.iter_parts()
        }  # type: ignore[attr-defined]  # the policy's class has it


@dataclass(frozen=True)
class Answer:
    """`how`: answer, hang (never), reset (cut the connection). `seconds`: until then."""

    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"
    seconds: float = 0


def as_json(document: Any, status: int = 200, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(document), {"Content-Type": "application/json", **names})


class Stub:
    """`answer` decides; `came` holds all requests. At the most `answered` of them are; those that come first wait
    until `together` are there at once."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.answer: Callable[[Came], Answer] = lambda came: Answer(404)
        self.most_at_once = 0
        self.answered = NO_END
        self.together = 1
        self._now = 0
        self.connections = 0
        self.checked = True

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        came = Came(
            request.method,
            request.rel_url.raw_path,
            request.rel_url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        self.came.append(came)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        number = len(self.came)
        try:
            while number > self.answered or self.most_at_once < self.together:  # noqa: ASYNC110  # told by a thread
                await asyncio.sleep(0.002)
            answer = self.answer(came)
            if answer.seconds:
                await asyncio.sleep(answer.seconds)
            if answer.how == "hang":
                await asyncio.sleep(NO_END)
            if answer.how == "reset":
                assert request.transport is not None
                request.transport.abort()
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            return web.Response(status=answer.status, body=body, headers=answer.headers)
        finally:
            self._now -= 1

    def posts(self) -> list[Came]:
        return [came for came in self.came if came.method == "POST"]


@contextmanager
def running(port: int = 0) -> Iterator[tuple[Stub, str, Callable[[], None]]]:
    """The stub in a thread of its own, its URL, and a function that closes it and its connections at once."""
    stub = Stub()
    loop = asyncio.new_event_loop()
    application = web.Application(client_max_size=40 * 1024 * 1024)
    application.router.add_route("*", "/{tail:.*}", stub._handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    bound: list[int] = []
    ready = threading.Event()

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound.append(runner.addresses[0][1])

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        ready.set()
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(60)
    open_ = [True]

    def close() -> None:
        if open_:
            open_.clear()
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)

    try:
        yield stub, f"http://127.0.0.1:{bound[0]}", close
    finally:
        close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
    if stub.checked:
        for came in stub.came:
            assert_described(came)


@cache
def _description(name: str) -> OpenAPI:
    return OpenAPI.from_file_path(str(SPECS / name))


@cache
def _known_parameters(path: str) -> frozenset[str]:
    document = json.loads((SPECS / "twilio_api_v2010.json").read_text())
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    return frozenset(body["schema"]["properties"])


def assert_described(came: Came) -> None:
    """The request is one that the vendor's own description allows."""
    if came.path.startswith("/2010-04-01/"):
        name, host = "twilio_api_v2010.json", "https://api.twilio.com"
    elif came.path.startswith("/v2/faxes"):
        name, host = "telnyx_fax_v2_subset.json", "https://api.telnyx.com"
    else:
        host = "https://api.sendgrid.com"
        name = next(
            f"sendgrid_{name}_v3.json"
            for start, name in (
                ("/v3/mail/send", "mail"),
                ("/v3/scopes", "scopes"),
                ("/v3/logs", "logs"),
                ("/v3/messages", "email_activity"),
            )
            if came.path.startswith(start)
        )
    if came.path.endswith(".wav"):
        return  # the description knows only a recording's .json
    body, kind = came.body, came.headers.get("content-type", "application/json").partition(";")[0]
    if kind == "multipart/form-data":  # its fields are described as those of JSON; the file is any bytes
        fields = {one: value.decode() for one, value in came.parts.items() if one != "contents"}
        body, kind = json.dumps(fields).encode(), "application/json"
    request = MockRequest(
        host,
        came.method.lower(),
        came.path,
        args=dict(parse_qsl(came.query, keep_blank_values=True)),
        headers=came.headers,
        data=body or None,
        content_type=kind,
    )
    _description(name).validate_request(request)
    if came.method == "POST" and name.startswith("twilio"):
        resource = came.path.rpartition("/")[2]
        known = _known_parameters(f"/2010-04-01/Accounts/{{AccountSid}}/{resource}")
        assert set(came.form) <= known, f"Twilio knows no {set(came.form) - known}"


_NUMBERS = itertools.count(1)


def sid(kind: str) -> str:
    return f"{kind}{next(_NUMBERS):032x}"


def attempt() -> str:
    return f"{next(_NUMBERS):032x}"
