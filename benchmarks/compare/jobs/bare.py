"""The ceiling: a pooled aiohttp client on uvloop; nothing kept or checked: python bare.py FROM COUNT IN_FLIGHT."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from urllib.parse import urlencode

import aiohttp
import texting
import uvloop
from yarl import URL


async def main() -> None:
    """Send the numbers from FROM on, IN_FLIGHT at once."""
    first, count, in_flight = map(int, sys.argv[1:])
    waiting = iter(texting.numbers(first + count)[first:])
    url = URL(f"{texting.CARRIER}/2010-04-01/Accounts/{texting.ACCOUNT}/Messages.json")
    pair = base64.b64encode(f"{texting.ACCOUNT}:{texting.TOKEN}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
    callback = "http://localhost:8000/webhooks/sms-status?attempt=" + "0" * 32
    front = urlencode({"From": texting.SENDER, "Body": texting.BODY, "StatusCallback": callback})
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def work() -> None:
            for to in waiting:
                body = f"{front}&To=%2B{to[1:]}".encode()
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()

        cpu, _ = texting.used()
        began = texting.wait_for_the_word()
        await asyncio.gather(*(work() for _ in range(in_flight)))
    after, peak = texting.used()
    print(json.dumps({"began": began, "cpu": after - cpu, "peak_mb": peak}))


if __name__ == "__main__":
    uvloop.run(main())
