"""The burst that comes back: three events for each delivery, while somebody uses the pages.

Starts the real web server, events worker and clock on a folder, a Valkey and (unless `--database-url` names another,
which must be empty) an SQLite database of their own; fills in a release that has just been accepted; signs every post
as the vendor does, before the measurement; sends them over kept connections as fast as they are answered.

    .venv/bin/python -m benchmarks.webhooks --deliveries 10000 --kind sms
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import uvloop
from sqlalchemy import func, select

from benchmarks.webhooks_vendor import Bank, Post, fill, forged_posts, mail_posts, sms_posts
from benchmarks.webhooks_visitor import watch_pages
from dispatcher import embedded
from dispatcher.model import Callback, Delivery, ProviderEvent
from dispatcher.settings import Settings, load_settings, valkey_socket
from dispatcher.storage import make_engine, make_sessions, migrate

PYTHON = [sys.executable, "-P", "-m", "dispatcher.cli"]
QUIET_SECONDS = 5.0


@dataclass
class Product:
    """The processes that are measured."""

    settings: Settings
    env: dict[str, str]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        with open(self.settings.var_dir / f"{name}.log", "ab") as log:
            self.children[name] = subprocess.Popen(
                [*PYTHON, *command], env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def processes(self, name: str) -> list[psutil.Process]:
        top = psutil.Process(self.children[name].pid)
        return [top, *top.children(recursive=True)]

    def cpu(self, name: str) -> float:
        """Seconds of a processor so far."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self.processes(name)))

    def megabytes(self, name: str) -> float:
        """Memory of the largest process of this name."""
        return float(max(one.memory_info().rss for one in self.processes(name)) / 1e6)


@contextmanager
def running(settings: Settings, env: dict[str, str]) -> Iterator[Product]:
    """Web, events worker and clock, stopped at the end."""
    product = Product(settings, env)
    valkey = embedded.start_valkey(settings.var_dir) if settings.embedded_redis else None
    try:
        until = time.monotonic() + 60
        while not embedded.answers(settings.redis_url):
            _wait(until, "Redis does not answer")
        product.start("web", "web")
        product.start("events", "worker", "events")
        product.start("clock", "clock")
        while not _listens(settings.port):
            _wait(until, f"the pages do not answer, see {settings.var_dir}/web.log")
        time.sleep(3)  # the worker loads
        yield product
    finally:
        for child in product.children.values():
            child.send_signal(signal.SIGTERM)
        for child in product.children.values():
            child.wait(15)
        if valkey is not None:
            valkey.terminate()
            valkey.wait(10)


def _wait(until: float, why: str) -> None:
    if time.monotonic() > until:
        raise SystemExit(why)
    time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the burst --------------------------------------------------------------------------------------------


@dataclass
class Answers:
    """What came back: seconds and status of each post, in no order."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0


async def _send_all(port: int, posts: Sequence[Post], connections: int, a_second: float) -> Answers:
    """As fast as they are answered, or with `a_second` on a schedule that does not wait for slow answers."""
    answers, waiting, start = Answers(), iter(enumerate(posts)), time.monotonic()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, post in waiting:
            due = start + number / a_second if a_second else 0.0
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            began = time.monotonic()
            for _ in range(3):
                try:
                    if writer.is_closing():
                        reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(post.raw)
                    status = await _answer(reader, writer)
                    break
                except (OSError, asyncio.IncompleteReadError):
                    answers.broken += 1
                    writer.close()
            else:
                status = 0
            answers.seconds.append(time.monotonic() - began)
            answers.statuses[status] += 1
        writer.close()

    await asyncio.gather(*(connection() for _ in range(min(connections, len(posts)))))
    return answers


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    if b"content-length:" in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r")[0]))
    if b"connection: close" in head:
        writer.close()
    return status


def _marks(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def _by_page(seen: Sequence[tuple[str, float]]) -> dict[str, dict[str, float]]:
    return {page: _marks([took for name, took in seen if name == page]) for page in sorted({name for name, _ in seen})}


# --- one measurement --------------------------------------------------------------------------------------


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """One burst on a fresh product: the figures."""
    with tempfile.TemporaryDirectory(prefix="webhooks-") as folder:
        port = given.port or _free_port()
        bank = Bank(f"http://localhost:{port}")
        names = {"VAR_DIR": folder, "PORT": str(port), **bank.settings()}
        if given.database_url:
            names["DATABASE_URL"] = given.database_url
        os.environ.update(names)
        settings = load_settings(var_dir=Path(folder))
        assert settings.redis_url.startswith("unix:") or not valkey_socket(Path(folder)).exists()
        migrate(settings.database_url)
        engine = make_engine(settings.database_url)
        sessions = make_sessions(engine)
        message, deliveries = fill(sessions, settings, "email" if given.kind == "email" else "sms", given.deliveries)
        order = random.Random(given.seed)  # noqa: S311  # a shuffle that can be repeated
        make = {"sms": sms_posts, "email": mail_posts, "forged": forged_posts}[given.kind]
        posts = make(bank, deliveries, order, given.events, given.array)
        with running(settings, dict(os.environ)) as product:
            figures = _burst(product, given, message, posts, sessions)
        engine.dispose()
        figures["tracebacks"] = sum(
            one.read_text(errors="replace").count("Traceback") for one in Path(folder).glob("*.log")
        )
        if given.logs:
            for one in Path(folder).glob("*.log"):
                print(f"--- {one.name}\n{one.read_text(errors='replace')[-4000:]}", file=sys.stderr)
        return figures


def _burst(
    product: Product, given: argparse.Namespace, message: int, posts: list[Post], sessions: Any
) -> dict[str, Any]:
    port = product.settings.port
    events = sum(post.events for post in posts)
    spawn = multiprocessing.get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    visitor = spawn.Process(target=watch_pages, args=(port, message, given.page_every, stop, results), daemon=True)
    visitor.start()
    while results.empty():  # signed in
        if not visitor.is_alive():
            raise SystemExit("the visitor could not sign in")
        time.sleep(0.05)
    results.get()
    signed_in = product.cpu("web")
    time.sleep(QUIET_SECONDS)
    before = {name: product.cpu(name) for name in product.children}
    start = time.monotonic()
    answers = uvloop.run(_send_all(port, posts, given.connections, given.rate))
    answered = time.monotonic() - start
    applied = _applied(sessions, start, given.deliveries if given.kind != "forged" else 0, given.patience)
    used = {name: product.cpu(name) - before[name] for name in product.children}
    stop.set()
    pages = results.get(timeout=30)
    visitor.join(10)
    quiet = [(name, took) for name, at, took in pages if at < start]
    busy = [(name, took) for name, at, took in pages if start <= at < start + applied]
    per = max(1, events) / 1000
    return {
        "kind": given.kind,
        "database": product.settings.database_url.partition(":")[0],
        "posts": len(posts),
        "events": events,
        "connections": given.connections,
        "posts_per_second": round(len(posts) / answered, 1),
        "answer_ms": _marks(answers.seconds),
        "answers": dict(answers.statuses),
        "broken_connections": answers.broken,
        "seconds_until_answered": round(answered, 2),
        "seconds_until_applied": round(applied, 2),
        "applied_per_second": round(events / applied, 1),
        "page_ms_before": _marks([took for _, took in quiet]),
        "page_ms_during": _marks([took for _, took in busy]),
        "page_ms_before_by_page": _by_page(quiet),
        "page_ms_during_by_page": _by_page(busy),
        "pages_during": len(busy),
        "cpu_ms_per_page_before": round(1000 * (before["web"] - signed_in) / max(1, len(quiet)), 1),
        "cpu_seconds": {name: round(value, 2) for name, value in used.items()},
        "cpu_per_1000_events": {name: round(value / per, 3) for name, value in used.items()},
        "megabytes": {name: round(product.megabytes(name), 1) for name in product.children},
        **_ends(sessions),
    }


def _applied(sessions: Any, start: float, deliveries: int, patience: float) -> float:
    """Seconds from `start` until nothing kept waits to be applied."""
    with sessions(bind=sessions.kw["bind"].execution_options(read_only=True)) as session:
        while time.monotonic() - start < patience:
            left = session.scalar(select(func.count()).select_from(Callback).where(Callback.state == "new"))
            done = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == "delivered"))
            session.rollback()
            if not left and (done or 0) >= deliveries:
                break
            time.sleep(0.1)
    return time.monotonic() - start


def _ends(sessions: Any) -> dict[str, Any]:
    with sessions() as session:

        def by_state(table: Any) -> dict[str, int]:
            return dict(session.execute(select(table.state, func.count()).group_by(table.state)).all())

        return {
            "deliveries_by_state": by_state(Delivery),
            "callbacks_by_state": by_state(Callback),
            "events_kept": session.scalar(select(func.count()).select_from(ProviderEvent)),
        }


def main() -> None:
    """One burst; prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("sms", "email", "forged"), default="sms")
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=3, help="events for each delivery, 1 to 3")
    parser.add_argument("--array", type=int, default=1000, help="events in one post of the mail vendor")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.0, help="posts a second; 0: as fast as they are answered")
    parser.add_argument("--page-every", type=float, default=0.1, help="seconds between two pages; 0: none")
    parser.add_argument("--database-url", default="", help="an empty database; default: SQLite in a folder of its own")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait until everything is applied")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--logs", action="store_true", help="print the ends of the processes' logs")
    print(json.dumps(measure(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
