"""One text by the official SDK, as its documentation shows it; the client and its connections are kept."""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

CARRIER = os.environ.get("CARRIER_URL", "")
ACCOUNT, TOKEN, SENDER = "AC" + "0b5e" * 8, "token", "+12025550100"
BODY = (
    "Example Bank: Guidance cut at a grid operator. The operator cut its guidance for the year after the close: "
    "we lower our rating to sell, target 41. Answer: http://localhost:8000/r/aeklrxrvmdbhb6m3xq7yfeskzbudq2"
)


class Here(TwilioHttpClient):
    """The SDK's own client, sent to the carrier of the benchmark, with a connection for each thread."""

    def __init__(self, connections: int = 64) -> None:
        super().__init__(timeout=20)
        self.session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=connections))

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", CARRIER), *args, **more)


_kept: list[Client] = []


def client() -> Client:
    """The one client of this process."""
    if not _kept:
        _kept.append(Client(ACCOUNT, TOKEN, http_client=Here()))
    return _kept[0]


def send(to: str) -> str:
    """Send one text; its reference."""
    made = client().messages.create(
        to=to, from_=SENDER, body=BODY, status_callback="http://localhost:8000/webhooks/sms-status?attempt=" + "0" * 32
    )
    return str(made.sid)


def wait_for_the_word() -> float:
    """Say that everything is loaded, wait until all may begin; the time then."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.time()


def used() -> tuple[float, float]:
    """CPU seconds and the most memory in MB of this process so far."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime, mine.ru_maxrss / 1024


def numbers(count: int) -> list[str]:
    """Telephone numbers, all different."""
    return [f"+1{2_000_000_000 + n}" for n in range(count)]
