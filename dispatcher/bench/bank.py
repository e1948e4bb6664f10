"""The bank's people at the API, and the carrier's figures."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from dispatcher.bench.options import BenchError


def call(port: int, method: str, path: str, token: str = "", body: object = None, seconds: float = 600) -> bytes:
    """One request on loopback; the answer's body. Raises BenchError for anything but success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body)
    try:
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        raw = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"{method} {path}: {error}") from None
    finally:
        connection.close()
    if answer.status >= 300:
        raise BenchError(f"{method} {path}: {answer.status} {raw[:300].decode(errors='replace')}")
    return raw


@dataclass(frozen=True, slots=True)
class Desk:
    """A member of staff at the API."""

    port: int
    token: str

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The answer's JSON."""
        found: dict[str, Any] = json.loads(call(self.port, method, f"/api/v1{path}", self.token, body))
        return found


@dataclass(frozen=True, slots=True)
class CarrierDesk:
    """The running carrier of the benchmark."""

    port: int

    def summary(self) -> dict[str, Any]:
        """Requests, times of the first and the last, CPU used; see `Book.summary`."""
        found: dict[str, Any] = json.loads(call(self.port, "GET", "/summary"))
        return found

    def ledger(self) -> Counter[tuple[str, str]]:
        """How often each (channel, address) was asked for."""
        lines = call(self.port, "GET", "/ledger").decode().splitlines()
        return Counter(tuple(line.split(" ")[:2]) for line in lines)  # type: ignore[misc]  # two words a line


ALERT = {
    "subject": "Guidance cut at a grid operator",
    "text": "The operator cut its guidance for the year after the close: we lower our rating to sell, target 41.",
    "topic": "ratings",
}
