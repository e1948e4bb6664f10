"""Posts to addresses that administrators chose: never into this network, never where a redirect leads."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from dispatcher.model.ports import Posted
from dispatcher.settings import LOCAL_HOSTS

SECONDS = 10.0
MOST_BYTES = 64 * 1024  # of an answer, of which nothing is kept
# What Python calls global, though it may lead to any IPv4 address.
_TUNNELS = tuple(ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class NotPublic(OSError):
    """The name leads into a private network."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's, whatever it is wrapped in."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in one for one in _TUNNELS):
            return False
    return found.is_global and not found.is_multicast


class PublicResolver(AbstractResolver):
    """Looks a name up for each connection and lets through public addresses alone; `allowed` names may lead anywhere.

    The connection is made to what was looked at here: a name that is changed in between leads nowhere else.
    """

    def __init__(self, resolver: AbstractResolver, allowed: frozenset[str]) -> None:
        self._resolver, self._allowed = resolver, allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host.rstrip(".").lower() not in self._allowed and not all(is_public(one["host"]) for one in found):
            raise NotPublic("the name leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


class Poster:
    """One client for all outgoing webhooks. `allowed` hosts may be private; `local`: this machine may be posted to."""

    def __init__(self, allowed: tuple[str, ...], local: bool, resolver: AbstractResolver | None = None) -> None:
        self._allowed = frozenset((*allowed, *(LOCAL_HOSTS if local else ())))
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            if self._session is not None:
                self._session.detach()  # its loop is gone, and its sockets with it
            resolver = PublicResolver(self._resolver or aiohttp.ThreadedResolver(), self._allowed)
            connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=100, keepalive_timeout=5)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                trust_env=False,
            )
            self._loop = loop
        return self._session

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """What became of it; raises nothing for the receiver's sake. What went wrong is told without addresses."""
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
        # An address in digits is not looked up, so the resolver never sees it.
        if host not in self._allowed and _is_number(host) and not is_public(host):
            return Posted(None, error="the address is not public")
        try:
            async with self._open().post(URL(url), headers=headers, data=body, allow_redirects=False) as answer:
                await answer.content.read(MOST_BYTES)
                return Posted(answer.status, _retry_after(answer), "" if answer.ok else f"it answered {answer.status}")
        except TimeoutError:
            return Posted(None, error=f"no answer within {SECONDS:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            if isinstance(cause, NotPublic):
                return Posted(None, error=str(cause))
            number = cause.errno if isinstance(cause, OSError) else None
            return Posted(None, error=os.strerror(number) if number else type(error).__name__)

    async def aclose(self) -> None:
        """Close what is open in the running loop."""
        if self._session is not None and self._loop is asyncio.get_running_loop():
            await self._session.close()
        self._session = None


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.replace(".", "").isdigit()  # 127.1 and 2130706433: never looked up, and no public address
    return True


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    value = answer.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None
