"""Somebody who uses the pages in a steady rhythm; a process of its own, so that the burst does not slow the watch."""

from __future__ import annotations

import http.client
import re
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlencode

from benchmarks.webhooks_vendor import EMAIL, PASSWORD

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class _Browser:
    """One kept connection and one cookie."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("localhost", port, timeout=60)
        self._cookie = ""

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            self._connection.request(method, path, urlencode(form or {}), headers)
            answer = self._connection.getresponse()
        except (http.client.HTTPException, ConnectionError):
            self._connection.close()  # a kept connection that the server had given up
            self._connection.request(method, path, urlencode(form or {}), headers)
            answer = self._connection.getresponse()
        if cookie := answer.getheader("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return answer.status, answer.read().decode()


def watch_pages(port: int, message: int, every: float, stop: Event, results: Queue[Any]) -> None:
    """Signs in, says so, then asks for one page after the other until told to stop; hands over what each took."""
    browser = _Browser(port)
    found = _TOKEN.search(browser.ask("GET", "/sign-in")[1])
    assert found, "the form for signing in has no token"
    status, _ = browser.ask("POST", "/sign-in", {"csrf_token": found[1], "email": EMAIL, "password": PASSWORD})
    assert status == 302, f"signing in was answered {status}"
    pages = {"/messages": "/messages", "/inbox": "/inbox", "/reports": f"/reports/{message}"}
    for path in pages.values():
        status, _ = browser.ask("GET", path)
        assert status == 200, f"{path} was answered {status}"
    results.put("signed in")
    seen: list[tuple[str, float, float]] = []
    names = list(pages)
    if not every:
        stop.wait()
    while not stop.is_set():
        name = names[len(seen) % len(names)]
        began = time.monotonic()
        status, _ = browser.ask("GET", pages[name])
        took = time.monotonic() - began
        assert status == 200, f"{name} was answered {status}"
        seen.append((name, began, took))
        time.sleep(max(0.0, every - took))
    results.put(seen)
