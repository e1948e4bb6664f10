"""The carrier's ledger, and its answers on their way back."""

from __future__ import annotations

import asyncio
import math
import resource
import time
from collections import deque

import orjson

# Mail to these is a notice to the bank's own people and no part of what is measured.
STAFF_DOMAIN = "staff.example"


class Book:
    """The ledger, and when what arrived. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.entries: list[str] = []  # "kind address attempt"
        self.letters = 0
        self.requests = 0
        self.first = self.last = self.answered = 0.0
        self.under_way = self.most_under_way = 0

    def add(self, kind: str, to: str, attempt: str = "") -> bool:
        """Enter one recipient; False for the bank's own people, who are counted apart."""
        if to.endswith(STAFF_DOMAIN):
            self.letters += 1
            return False
        self.entries.append(f"{kind} {to} {attempt}")
        return True

    def arrived(self, at: float, requests: int = 1) -> None:
        """Count a request to customers, or several that belong together."""
        self.requests += requests
        self.first = self.first or at
        self.last = time.time()

    def summary(self) -> bytes:
        """The figures as JSON; `cpu` is what this process has used so far, in seconds."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return orjson.dumps(
            {
                "requests": self.requests,
                "entries": len(self.entries),
                "letters": self.letters,
                "first": self.first,
                "last": self.last,
                "answered": self.answered,
                "under_way": self.under_way,
                "most_under_way": self.most_under_way,
                "cpu": used.ru_utime + used.ru_stime,
            }
        )


class Answers:
    """Answers on their way back: the latency is the same for all, so one queue and one timer do."""

    def __init__(self, book: Book, latency: float) -> None:
        self._book = book
        self._latency = latency
        self._waiting: deque[tuple[float, asyncio.WriteTransport, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, transport: asyncio.WriteTransport, answer: bytes) -> None:
        book = self._book
        book.under_way += 1
        book.most_under_way = max(book.most_under_way, book.under_way)
        if not self._latency:
            book.under_way -= 1
            transport.write(answer)
            book.answered = time.time()
            return
        self._waiting.append((time.monotonic() + self._latency, transport, answer))
        if self._timer is None:
            self._wait(self._latency)

    def _wait(self, seconds: float) -> None:
        # uvloop counts whole milliseconds and rounds down: an early answer would flatter what is measured.
        self._timer = asyncio.get_running_loop().call_later(math.ceil(seconds * 1000) / 1000, self._due)

    def _due(self) -> None:
        self._timer = None
        now = time.monotonic()
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            _, transport, answer = waiting.popleft()
            self._book.under_way -= 1
            if not transport.is_closing():
                transport.write(answer)
        self._book.answered = time.time()
        if waiting:
            self._wait(waiting[0][0] - now)
