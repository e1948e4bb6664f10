"""The way to a provider's HTTP API: one pooled client that says exactly what is known about a request.

An answer is an `Answer`, whatever its status. `NeverSent` means that no connection came about, so nothing can have
reached the provider. `InDoubt` means that bytes may have left. No POST is ever repeated; a GET, which only looks, is
asked once more by aiohttp when a kept connection was cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 20.0
MOST_BYTES = 10 * 1024 * 1024
# Shorter than any provider's own, so that a connection is seldom closed under a request.
KEEP_SECONDS = 10.0

# What aiohttp raises before the first byte of a request. Its ConnectionTimeoutError covers the wait for a place in
# the pool, for DNS, for TCP and for TLS.
_NO_CONNECTION = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
)


class NeverSent(Exception):
    """No connection: the request certainly did not reach the provider. The text says why."""


class InDoubt(Exception):
    """The request may have been carried out; no answer tells. The text says what happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer; header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON, or None when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def retry_after(self) -> float | None:
        """Seconds of a Retry-After header that is a plain number, at most an hour; else None."""
        value = self.headers.get("Retry-After", "").strip()
        return float(min(int(value), 3600)) if value.isascii() and value.isdigit() else None


class Pool:
    """Kept connections to one provider: made in the running loop when first needed, and anew in another loop."""

    def __init__(self, limit: int, connect: float = CONNECT_SECONDS, total: float = TOTAL_SECONDS) -> None:
        self.limit = limit
        self._timeout = aiohttp.ClientTimeout(total=total, connect=connect, sock_connect=connect)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or loop is not self._loop:
            self._drop()
            # Look-ups come on top of the limit: waiting for a place would count as connecting.
            connector = aiohttp.TCPConnector(limit=self.limit + 8, keepalive_timeout=KEEP_SECONDS, ttl_dns_cache=60)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=self._timeout, trust_env=False
            )
            self._loop = loop
        return self._session

    def _drop(self) -> None:
        """Let go of a session whose loop is gone; its sockets close with it."""
        session, self._session = self._session, None
        if session is not None:
            session.detach()

    async def request(
        self,
        method: str,
        url: str | URL,
        headers: Mapping[str, str],
        body: bytes | None = None,
        most: int = MOST_BYTES,
        timeout: float | None = None,
    ) -> Answer:
        """One request, no redirect followed. Raises NeverSent or InDoubt.

        An answer of more than `most` bytes is in doubt. `timeout`: seconds in all, if other than usual.
        """
        session = self._open()
        limits = (
            self._timeout if timeout is None else aiohttp.ClientTimeout(total=timeout, connect=self._timeout.connect)
        )
        try:
            async with session.request(
                method,
                url if isinstance(url, URL) else URL(url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=limits,
            ) as response:
                content = await _read(response, most)
                return Answer(response.status, response.headers, content)
        except _NO_CONNECTION as error:
            raise NeverSent(f"no connection to the provider ({_said(error)})") from error
        except TimeoutError as error:
            raise InDoubt("the provider did not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise InDoubt(f"the connection broke before an answer came ({_said(error)})") from error

    async def aclose(self) -> None:
        """Close what is open in the running loop."""
        if self._session is not None and self._loop is asyncio.get_running_loop():
            await self._session.close()
            self._session = None
        self._drop()


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    length = response.content_length
    if length is not None and length <= most:
        return await response.read()
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > most:
            raise ValueError(f"an answer of more than {most} bytes")
    return bytes(content)


def _said(error: BaseException) -> str:
    """What went wrong, without addresses: `Cannot connect to host …` names them, the operating system's text not."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return error.os_error.strerror
    return type(error).__name__
