"""The way into the vendors' APIs: credentials and ordered faults, the same for both vendors."""

import asyncio
from collections.abc import Callable
from time import time
from typing import Protocol

from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.faults import ACCEPT_THEN_500, ACCEPT_THEN_HANG, ERROR, HTML, TOO_MANY

HANG_SECONDS = 120
_PAGE = "<html><head><title>Welcome</title></head><body>It works.</body></html>"


class Vendor(Protocol):
    """How one vendor says no."""

    def unauthorized(self) -> web.Response: ...

    def too_many(self) -> web.Response: ...

    def broken(self) -> web.Response: ...


class Gate:
    """Runs a request's work, or what the ordered faults make of it."""

    def __init__(self, carrier: Carrier, vendor: Vendor) -> None:
        self._carrier, self._vendor = carrier, vendor

    async def create(self, work: Callable[[], web.Response]) -> web.StreamResponse:
        """For requests that send something."""
        faults = self._carrier.faults
        if faults.quiet:
            return work()
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        if faults.unauthorized:
            return self._vendor.unauthorized()
        fate = faults.draw()
        if fate == TOO_MANY:
            return self._vendor.too_many()
        if fate == ERROR:
            return self._vendor.broken()
        answer = work()
        if faults.callback_first:
            # The callbacks leave at once in this mode; give them the time to arrive before our answer.
            await asyncio.sleep(0.3)
        if answer.status >= 400:
            return answer
        return await self._spoil(answer, fate)

    async def _spoil(self, answer: web.Response, fate: str | None) -> web.StreamResponse:
        if fate == ACCEPT_THEN_500:
            return self._vendor.broken()
        if fate == HTML:
            return web.Response(text=_PAGE, content_type="text/html")
        if fate == ACCEPT_THEN_HANG:
            await asyncio.sleep(HANG_SECONDS)
            raise ConnectionResetError
        return answer

    async def look(self, work: Callable[[], web.Response]) -> web.StreamResponse:
        """For requests that only look or change what is there."""
        faults = self._carrier.faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        if faults.unauthorized:
            return self._vendor.unauthorized()
        if faults.lookup_500_share and faults.chance.random() < faults.lookup_500_share:
            return self._vendor.broken()
        return work()

    def hidden(self, created: float) -> bool:
        """Whether look-ups do not know of a record yet."""
        return time() - created < self._carrier.faults.lookup_lag_s
