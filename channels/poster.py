"""Posts to addresses that administrators chose: never into this network, never where a redirect leads."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping

from pyreqwest.http import Url

from channels.http import InDoubt, NeverSent, Pool
from dispatcher.model.ports import Posted
from dispatcher.settings import LOCAL_HOSTS

SECONDS = 10.0
MOST_BYTES = 64 * 1024  # of an answer, of which nothing is kept
MOST_KEPT = 20  # receivers to whom connections are kept
MOST_TRIED = 3  # addresses of one name
CONNECT_SECONDS = 3.0
# What Python calls global, though it may lead to any IPv4 address, or is nobody's on the internet.
_TUNNELS = tuple(ipaddress.ip_network(one) for one in (
    "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "::ffff:0:0:0/96", "fec0::/10", "5f00::/16",
    "192.0.0.0/24", "192.88.99.0/24",
))  # fmt: skip


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's, whatever it is wrapped in."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return is_public(str(found.ipv4_mapped))
    if any(found in one for one in _TUNNELS):
        return False
    return found.is_global and not found.is_multicast


async def addresses_of(name: str) -> list[str]:
    """The IP addresses of a name; OSError where it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Poster:
    """One client for all outgoing webhooks. `allowed` hosts may be private; `local`: this machine may be posted to.

    A name is looked up for each post, and the connection is made to the address that was looked at: a name that is
    changed in between leads nowhere else.
    """

    def __init__(
        self,
        allowed: tuple[str, ...],
        local: bool,
        look_up: Callable[[str], Awaitable[list[str]]] = addresses_of,
    ) -> None:
        self._allowed = frozenset((*allowed, *(LOCAL_HOSTS if local else ())))
        self._look_up = look_up
        self._pools: dict[tuple[str, str], Pool] = {}

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """What became of it; raises nothing for the receiver's sake. What went wrong is told without addresses."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._post(url, headers, body)
        except (NeverSent, InDoubt) as error:
            return Posted(None, error=str(error))
        except TimeoutError:
            return Posted(None, error=f"no answer within {SECONDS:g} s")

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        host, addresses = await self._leads_to(url)
        why = NeverSent("the name is not known")
        for address in addresses:
            try:
                answer = await self._pool(host, address).request("POST", url, headers, body, MOST_BYTES, whole=False)
            except NeverSent as error:
                why = error  # the next one may listen
                continue
            good = 200 <= answer.status < 400
            return Posted(answer.status, answer.retry_after(), "" if good else f"it answered {answer.status}")
        raise why

    async def _leads_to(self, url: str) -> tuple[str, list[str]]:
        """The host and the addresses that it leads to now, if it may lead there. Raises NeverSent."""
        try:
            # As it is read by who connects: 0x7f.1 is an address to one and a name to another.
            host = (Url(url).host_str or "").strip("[]")
        except ValueError as error:
            raise NeverSent("this is no address of a web server") from error
        free = host.rstrip(".") in self._allowed
        if _is_address(host):
            if not (free or is_public(host)):
                raise NeverSent("the address is not public")
            return host, [host]
        try:
            found = sorted(set(await self._look_up(host)))
        except (OSError, ValueError) as error:  # ValueError: a name that no name can be
            raise NeverSent("the name is not known") from error
        if not (free or all(is_public(one) for one in found)):
            raise NeverSent("the name leads to an address that is not public")
        return host, found[:MOST_TRIED]

    def _pool(self, host: str, address: str) -> Pool:
        pool = self._pools.pop((host, address), None) or Pool(CONNECT_SECONDS, SECONDS, (host, address))
        self._pools[host, address] = pool
        if len(self._pools) > MOST_KEPT:
            del self._pools[next(iter(self._pools))]  # what is under way there comes to its end
        return pool

    async def aclose(self) -> None:
        """Close what is open."""
        while self._pools:
            await self._pools.popitem()[1].aclose()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
