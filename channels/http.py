"""The way to a provider's HTTP API: one pooled client that says exactly what is known about a request.

An answer is an `Answer`, whatever its status. `NeverSent` means that no connection came about, so nothing can have
reached the provider. `InDoubt` means that bytes may have left. Nothing is ever repeated that had begun to leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DetailedPyreqwestError
from pyreqwest.http import HeaderMap, Url
from pyreqwest.response import Response

CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 20.0
MOST_BYTES = 10 * 1024 * 1024
# Shorter than any provider's own, so that a connection is seldom closed under a request.
KEEP_SECONDS = 10.0

# What hyper calls a failure of DNS, TCP or TLS, before the first byte of a request. The library's own classes do not
# tell: to it a ConnectTimeoutError is also an answer that never came, a ConnectError also a connection cut under way.
_CONNECTING = "client error (Connect)"


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
        value = self.header("Retry-After").strip()
        return float(min(int(value), 3600)) if value.isascii() and value.isdigit() and len(value) < 10 else None

    def header(self, name: str) -> str:
        """A header's value, "" where there is none or it is no text."""
        try:
            return self.headers.get(name, "")
        except ValueError:
            return ""


class Pool:
    """Kept connections to one provider, made when first needed.

    Never before a fork: the library's thread, which all clients of a process share, does not live on in the child.
    """

    def __init__(
        self,
        connect: float | None = None,
        total: float | None = None,
        leads_to: tuple[str, str] | None = None,
    ) -> None:
        """`connect`, `total`: seconds, if other than usual. `leads_to`: a name and the address that it stands for here,
        whatever it stands for elsewhere.
        """
        self._connect, self._total = connect or CONNECT_SECONDS, total or TOTAL_SECONDS
        self._leads_to = leads_to
        self._client: Client | None = None

    def open(self) -> Client:
        """The client, made here if it is not there yet: to read the authorities takes a hundredth of a second."""
        if self._client is None:
            connect = timedelta(seconds=self._connect)
            builder = (
                # No limit, which adapters keep: who waits for a place in there and is cancelled leaves all the same.
                ClientBuilder()
                .connect_timeout(connect)
                .timeout(timedelta(seconds=self._total))
                .pool_idle_timeout(timedelta(seconds=KEEP_SECONDS))
                .follow_redirects(False)
                .no_proxy()
                .gzip(False)
                .brotli(False)
                .zstd(False)
                .deflate(False)
            )
            if self._leads_to is not None:
                builder = builder.resolve(*self._leads_to, 0)
            self._client = builder.build()
        return self._client

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        most: int = MOST_BYTES,
        timeout: float | None = None,
        whole: bool = True,
    ) -> Answer:
        """One request, no redirect followed. Raises NeverSent or InDoubt; where it is cancelled, it may be carried out.

        An answer of more than `most` bytes is in doubt, unless it need not be `whole`. `timeout`: seconds in all, if
        other than usual.
        """
        try:
            asking = self.open().request(method, _parsed(url)).headers(headers)
            if body is not None:
                asking = asking.body_bytes(body)
            if timeout is not None:
                asking = asking.timeout(timedelta(seconds=timeout))
            request = asking.build_streamed()
        except ValueError as error:
            # Its text may hold a header, and so a credential.
            raise NeverSent("no request that could be sent: look at the address and the credentials") from error
        try:
            # The library's own time limit: to watch each request from here takes as long as to make it.
            async with request as response:
                content = await _read(response, most, whole)
                return Answer(response.status, response.headers, content)
        except DetailedPyreqwestError as error:
            said = [cause["message"] for cause in error.details["causes"] or ()]
            # The first names the address; the last is what the operating system or TLS said.
            why = said[-1] if len(said) > 1 else type(error).__name__
            if _CONNECTING in said:
                raise NeverSent(f"no connection ({why})") from error
            if isinstance(error, TimeoutError):
                raise InDoubt("no answer in time") from error
            raise InDoubt(f"the connection broke before an answer came ({why})") from error

    async def aclose(self) -> None:
        """Close what is open."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def prepared(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The same for many requests, checked and encoded once. ValueError where one cannot be sent."""
    try:
        return HeaderMap(headers)
    except ValueError:
        raise ValueError(f"one of {', '.join(headers)} cannot be sent: look at the credentials") from None


@lru_cache(maxsize=64)
def _parsed(url: str) -> Url:
    """To read an address takes longer than all else about a request here."""
    found = Url(url)
    if found.scheme not in ("http", "https"):
        raise ValueError("no address of a web server")
    return found


async def _read(response: Response, most: int, whole: bool) -> bytes:
    length = response.get_header("Content-Length") or ""
    if length.isdigit() and int(length) <= most:
        return (await response.bytes()).to_bytes()
    content = bytearray()
    while (chunk := await response.body_reader.read_chunk()) is not None:
        content += chunk
        if len(content) > most:
            if whole:
                raise InDoubt(f"the answer has more than {most} bytes")
            break
    return bytes(content)
