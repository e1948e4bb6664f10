"""Webhooks out: signed as the vendors sign, retried as they retry, spoilt when a fault asks for it."""

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit, urlunsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from twilio.request_validator import RequestValidator
from yarl import URL

from channels.carrier.book import Book
from channels.carrier.console import Console
from channels.carrier.faults import Faults
from channels.carrier.records import Doc

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
CONNECTIONS = 64
TOTAL_SECONDS, CONNECT_SECONDS = 15.0, 5.0


@dataclass(frozen=True)
class Answer:
    """What a webhook answered. `status` 0: nothing came, and `body` says why."""

    status: int
    body: bytes = b""
    content_type: str = ""


def overrides(fragment: str) -> tuple[int, set[str], float, float]:
    """Twilio's connection overrides in a URL's fragment: retries, on what, connect and total seconds.

    `#rc=3&rp=all`: three retries on anything. Without: one, and only when no connection came about.
    """
    asked = dict(parse_qsl(fragment))

    def number(name: str, default: float, most: float) -> float:
        try:
            return min(most, max(0.0, float(asked[name])))
        except (KeyError, ValueError):
            return default

    policy = set(asked.get("rp", "ct").replace("all", "ct,rt,4xx,5xx").split(","))
    total = number("tt", 15000, 15000) / 1000
    return int(number("rc", 1, 5)), policy, number("ct", 5000, 10000) / 1000, total


class Postman:
    """`twilio` posts now and tells the answer; `later` and `fax_event` queue news that nobody waits for."""

    def __init__(self, console: Console, book: Book, faults: Callable[[], Faults]) -> None:
        self._console, self._book, self._faults = console, book, faults
        self._validator = RequestValidator(console.auth_token)
        key = serialization.load_pem_private_key(console.event_private_key.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("event_private_key in carrier.json is not an EC key")
        self._event_key = key
        self._fax_key = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(console.fax_private_key))
        self._queue: asyncio.Queue[tuple[str, Callable[[], Awaitable[Answer]]]] = asyncio.Queue()
        self.idle = 0

    async def start(self) -> list[asyncio.Task[None]]:
        """Open connections and the workers that empty the callback queue."""
        # Shorter than the product's 15 s: a connection must not be closed while a request is on its way.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=10)
        self.session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        )
        return [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]

    async def close(self) -> None:
        await self.session.close()

    @property
    def waiting(self) -> int:
        """Status callbacks not yet answered or given up."""
        return self._queue.qsize() + CONNECTIONS - self.idle

    def later(self, url: str, fields: dict[str, str], method: str = "POST") -> None:
        """Queue a status callback, subject to the callback faults."""
        self._put(url, lambda: self.twilio(url, fields, method))

    def fax_event(self, url: str, event: Doc) -> None:
        """Queue news of a fax, subject to the same faults."""
        self._put(url, lambda: self._fax(url, event))

    def _put(self, url: str, post: Callable[[], Awaitable[Answer]]) -> None:
        faults = self._faults()
        if faults.callbacks_off or not url:
            return
        delay = faults.callback_delay_ms / 1000
        loop = asyncio.get_running_loop()
        for _ in range(1 + faults.callback_duplicates):
            if faults.strikes(faults.callbacks_lost_share):
                continue
            wait = delay + (faults.chance.uniform(0, 2) if faults.callback_reorder else 0)
            if wait:
                loop.call_later(wait, self._queue.put_nowait, (url, post))
            else:
                self._queue.put_nowait((url, post))

    async def live(self, url: str, fields: dict[str, str], method: str) -> Answer:
        """One request of a live call, whose answer is waited for; copied, or its answer lost, as faults ask."""
        faults = self._faults()
        for _ in range(faults.voice_copies):
            self.copy(url, fields, method)
        answer = await self.twilio(url, fields, method)
        if faults.strikes(faults.voice_lost_share):
            return Answer(0, b"the answer was lost")
        return answer

    def copy(self, url: str, fields: dict[str, str], method: str) -> None:
        """Post a request of a live call once more; nobody reads the answer."""
        self._queue.put_nowait((url, lambda: self.twilio(url, fields, method)))

    async def _work(self) -> None:
        while True:
            self.idle += 1
            url, post = await self._queue.get()
            self.idle -= 1
            answer = await post()
            if not 200 <= answer.status < 300:
                self._complain(url, answer)

    def _complain(self, url: str, answer: Answer) -> None:
        reason = f"HTTP {answer.status}" if answer.status else answer.body.decode("utf-8", "replace")
        self._book.alert(11200 if answer.status else 11205, f"Callback failed: {reason}", url=url)

    async def twilio(self, url: str, fields: dict[str, str], method: str = "POST") -> Answer:
        """One signed Twilio webhook, with the retries its URL asks for, within 15 s in all."""
        bare, fragment = urldefrag(url)
        retries, policy, connect, total = overrides(fragment)
        if method == "GET":
            parts = urlsplit(bare)
            query = "&".join(filter(None, [parts.query, urlencode(fields)]))
            bare, form = urlunsplit(parts._replace(query=query)), {}
        else:
            form = fields
        headers = {
            "X-Twilio-Signature": self._validator.compute_signature(bare, form),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        body = None if method == "GET" else urlencode(form).encode()
        if body is not None:
            headers["Content-Type"] = FORM
        deadline = time() + total
        return await self._tries(
            lambda left: self._once(method, bare, body, headers, min(connect, left), left),
            retries,
            policy,
            deadline,
        )

    async def _tries(
        self,
        once: Callable[[float], Awaitable[tuple[Answer, str]]],
        retries: int,
        policy: set[str],
        deadline: float,
    ) -> Answer:
        while True:
            answer, failure = await once(max(0.1, deadline - time()))
            if not failure or failure not in policy or retries <= 0 or time() >= deadline:
                return answer
            retries -= 1
            await asyncio.sleep(0.1)

    async def _once(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], connect: float, total: float
    ) -> tuple[Answer, str]:
        """One try: the answer, and what kind of failure it was (`ct`, `rt`, `4xx`, `5xx` or none)."""
        limits = aiohttp.ClientTimeout(total=total, sock_connect=connect)
        try:
            async with self.session.request(
                method, URL(url, encoded=True), data=body, headers=headers, timeout=limits
            ) as reply:
                content = await reply.read()
                answer = Answer(reply.status, content, reply.content_type)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as trouble:
            return Answer(0, str(trouble).encode()), "ct"
        except (TimeoutError, aiohttp.ClientError, OSError) as trouble:
            return Answer(0, (str(trouble) or type(trouble).__name__).encode()), "rt"
        return answer, f"{answer.status // 100}xx" if answer.status >= 400 else ""

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One plain POST without retries or redirects, as SendGrid's webhooks are."""
        limits = aiohttp.ClientTimeout(total=30, sock_connect=CONNECT_SECONDS)
        try:
            async with self.session.post(
                url, data=body, headers=headers, timeout=limits, allow_redirects=False
            ) as reply:
                return Answer(reply.status, await reply.read(), reply.content_type)
        except (TimeoutError, aiohttp.ClientError, OSError) as trouble:
            return Answer(0, (str(trouble) or type(trouble).__name__).encode())

    async def _fax(self, url: str, event: Doc) -> Answer:
        """One piece of news of a fax, signed anew for each of three tries."""
        answer = Answer(0)
        for attempt in range(1, 4):
            body = orjson.dumps({"data": event, "meta": {"attempt": attempt, "delivered_to": url}})
            timestamp = str(int(time()))
            signature = self._fax_key.sign(f"{timestamp}|".encode() + body)
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "telnyx-webhooks",
                "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
                "telnyx-timestamp": timestamp,
            }
            answer = await self.post(url, body, headers)
            if 200 <= answer.status < 300:
                break
            await asyncio.sleep(0.5)
        return answer

    async def fetch(self, url: str, most: int) -> Answer:
        """GET a media file of at most `most` bytes; a longer one gives status 0."""
        limits = aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS)
        try:
            async with self.session.get(url, timeout=limits, headers={"User-Agent": "TwilioProxy/1.1"}) as reply:
                body = bytearray()
                async for chunk in reply.content.iter_chunked(65536):
                    body += chunk
                    if len(body) > most:
                        return Answer(0, f"larger than {most} bytes".encode())
                return Answer(reply.status, bytes(body), reply.content_type)
        except (TimeoutError, aiohttp.ClientError, OSError) as trouble:
            return Answer(0, (str(trouble) or type(trouble).__name__).encode())

    def event_headers(self, body: bytes) -> dict[str, str]:
        """SendGrid's signature over the timestamp and the raw body, made anew for each try."""
        timestamp = str(int(time()))
        signature = self._event_key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": "application/json;charset=utf-8",
            "User-Agent": "SendGrid Event API",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
