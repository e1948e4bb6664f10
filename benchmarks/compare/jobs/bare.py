"""The ceiling: a pooled client on uvloop; nothing kept or checked: python bare.py CLIENT FROM COUNT IN_FLIGHT.

CLIENT is pyreqwest, which the product uses, or aiohttp.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import texting
import uvloop
from pyreqwest.client import ClientBuilder
from pyreqwest.http import HeaderMap, Url
from yarl import URL

Post = Callable[[bytes], Awaitable[None]]

ADDRESS = f"{texting.CARRIER}/2010-04-01/Accounts/{texting.ACCOUNT}/Messages.json"
PAIR = base64.b64encode(f"{texting.ACCOUNT}:{texting.TOKEN}".encode()).decode()
HEADERS = {"Authorization": f"Basic {PAIR}", "Content-Type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def by_aiohttp(in_flight: int) -> AsyncIterator[Post]:
    """Posts by aiohttp."""
    url, connector = URL(ADDRESS), aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def post(body: bytes) -> None:
            async with session.post(url, data=body, headers=HEADERS) as answer:
                await answer.read()

        yield post


@asynccontextmanager
async def by_pyreqwest(in_flight: int) -> AsyncIterator[Post]:
    """Posts by pyreqwest."""
    url, headers = Url(ADDRESS), HeaderMap(HEADERS)
    async with ClientBuilder().max_connections(in_flight).no_proxy().build() as client:

        async def post(body: bytes) -> None:
            answer = await client.post(url).headers(headers).body_bytes(body).build().send()
            await answer.bytes()

        yield post


CLIENTS = {"aiohttp": by_aiohttp, "pyreqwest": by_pyreqwest}


async def main() -> None:
    """Send the numbers from FROM on, IN_FLIGHT at once."""
    first, count, in_flight = map(int, sys.argv[2:])
    waiting = iter(texting.numbers(first + count)[first:])
    callback = "http://localhost:8000/webhooks/sms-status?attempt=" + "0" * 32
    front = urlencode({"From": texting.SENDER, "Body": texting.BODY, "StatusCallback": callback})
    async with CLIENTS[sys.argv[1]](in_flight) as post:

        async def work() -> None:
            for to in waiting:
                await post(f"{front}&To=%2B{to[1:]}".encode())

        cpu, _ = texting.used()
        began = texting.wait_for_the_word()
        await asyncio.gather(*(work() for _ in range(in_flight)))
    after, peak = texting.used()
    print(json.dumps({"began": began, "cpu": after - cpu, "peak_mb": peak}))


if __name__ == "__main__":
    uvloop.run(main())
