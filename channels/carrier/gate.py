"""The way into the vendors' APIs: credentials and ordered faults, the same for all vendors."""

from __future__ import annotations

import asyncio
import hmac
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from time import time

from aiohttp import web

from channels.carrier.core import Carrier
from channels.carrier.faults import ACCEPT_THEN_500, ACCEPT_THEN_HANG, ERROR, HTML, TOO_MANY

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HANG_SECONDS = 120
_PAGE = "<html><head><title>Welcome</title></head><body>It works.</body></html>"


class Refusal(Exception, ABC):
    """What a vendor answers in place of doing what was asked."""

    @abstractmethod
    def answer(self) -> web.Response: ...


class Front(ABC):
    """Who may ask a vendor, and how it says no."""

    def __init__(self, carrier: Carrier, authorization: bytes) -> None:
        self.carrier = carrier
        self.gate = Gate(carrier, self)
        self._authorization = authorization

    @abstractmethod
    def unauthorized(self) -> web.Response: ...

    @abstractmethod
    def too_many(self) -> web.Response: ...

    @abstractmethod
    def broken(self) -> web.Response: ...

    def known(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self._authorization)

    def guard(self, work: Callable[[web.Request], web.Response]) -> Handler:
        """A handler that looks: credentials, faults, and refusals turned into answers."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not self.known(request):
                return self.unauthorized()
            await request.read()

            def run() -> web.Response:
                try:
                    return work(request)
                except Refusal as no:
                    return no.answer()

            return await self.gate.look(run)

        return handle


class Gate:
    """Runs a request's work, or what the ordered faults make of it."""

    def __init__(self, carrier: Carrier, vendor: Front) -> None:
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
