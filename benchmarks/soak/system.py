"""The system under fault: database, Valkey, the simulated carrier, and the product's processes out of the nursery."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import redis
from sqlalchemy import Engine, update

from benchmarks.soak.history import History
from benchmarks.soak.postgres import Postgres
from dispatcher import embedded
from dispatcher.bells import QUEUES
from dispatcher.bench import directory
from dispatcher.bench.options import Options
from dispatcher.model import Staff
from dispatcher.settings import Settings, valkey_socket

PYTHON = [sys.executable, "-P", "-m"]
PRODUCT = {
    "web": ["web"],
    "sms-1": ["worker", "sms"],
    "sms-2": ["worker", "sms"],
    **{queue: ["worker", queue] for queue in QUEUES if queue not in ("sms", "fax")},
    "clock": ["clock"],
}
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class System:
    """One run's system. Everything it writes is in `folder`. `waits` are the settings that shorten its waits."""

    folder: Path
    database: str
    customers: int
    waits: dict[str, str]
    history: History
    settings: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    ends: list[dict[str, Any]] = field(default_factory=list)
    postgres: Postgres | None = None
    _valkey: subprocess.Popen[bytes] | None = None
    _carrier: subprocess.Popen[bytes] | None = None
    _nursery: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Fill the database, start everything, and wait until the pages answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        port = _free_ports()
        if self.database == "postgresql":
            self.postgres = Postgres(self.folder / "postgres")
        sqlite = "sqlite:///" + quote(str(self.folder / "dispatcher.sqlite"))
        self.settings = {
            "VAR_DIR": str(self.folder),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PORT": str(port),
            "DATABASE_URL": self.postgres.url if self.postgres else sqlite,
            "REDIS_URL": f"unix://{quote(str(valkey_socket(self.folder)))}",
            "TWILIO_CALLS_PER_SECOND": "50",
            "CAP_MESSAGES_PER_HOUR": "0",
            "CAP_CALLS_PER_NUMBER_DAY": "0",
            "CAP_CALLS_PER_HOUR": "0",
            "CAP_CALLS_PER_CALLER_HOUR": "0",
            **self.waits,
        }
        engine = directory.prepare(Options(recipients=self.customers, mix="mixed"), self.settings["DATABASE_URL"])
        _give_telephones(engine)
        engine.dispose()
        self.start_valkey()
        self.wait_for_valkey()
        self._start_carrier(port)
        environment = self._environment()
        with open(self.folder / "nursery.log", "ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.soak.nursery", str(self.folder)],
                cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()
        for name, command in PRODUCT.items():
            self._order({"name": name, "command": command})
        _wait(self.is_ready, 60, f"the pages do not answer: see {self.folder}")
        _wait(lambda: len(self.pids) == len(PRODUCT), 30, "not every process has started")

    def _environment(self) -> dict[str, str]:
        names = {name.upper() for name in Settings.model_fields}
        inherited = {name: value for name, value in os.environ.items() if name.upper() not in names}
        return {**inherited, **self.settings, "PYTHONUNBUFFERED": "1"}

    # --- the nursery

    def _order(self, order: dict[str, Any]) -> None:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(json.dumps(order).encode() + b"\n")
        self._nursery.stdin.flush()

    def _listen(self) -> None:
        assert self._nursery is not None
        assert self._nursery.stdout is not None
        with self._nursery.stdout as lines:
            for line in lines:
                self._heard(json.loads(line))

    def _heard(self, news: dict[str, Any]) -> None:
        if "started" in news:
            self.pids[news["started"]] = news["pid"]
        else:
            if self.pids.get(news["ended"]) == news["pid"]:
                del self.pids[news["ended"]]
            self.ends.append(news)
        self.history.note(**news)

    def web_children(self) -> list[int]:
        """The processes that answer, below the one that watches over them."""
        with contextlib.suppress(psutil.Error, KeyError):
            return [one.pid for one in psutil.Process(self.pids["web"]).children()]
        return []

    # --- Valkey

    def start_valkey(self) -> None:
        """Start it on what it has kept; it answers when it has read that back."""
        folder, sock = embedded.prepare_valkey(self.folder)
        with open(self.folder / "valkey.log", "ab") as log:
            self._valkey = subprocess.Popen(
                embedded.valkey_command(sock), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_for_valkey(self) -> None:
        """Until it answers."""
        _wait(lambda: embedded.answers(self.settings["REDIS_URL"]), 120, "Valkey does not answer")

    def kill_valkey(self) -> None:
        """No time to write anything."""
        assert self._valkey is not None
        self._valkey.kill()
        self._valkey.wait()

    def flush(self) -> None:
        """Make Redis forget everything."""
        with contextlib.suppress(redis.RedisError, OSError), redis.Redis.from_url(self.settings["REDIS_URL"]) as client:
            client.flushall()

    # --- the carrier

    def _start_carrier(self, port: int) -> None:
        state = str(self.folder / "carrier")
        made = subprocess.run(
            [*PYTHON, "channels.carrier", "init", "--state", state, "--port", str(port + 1),
             "--product-url", f"http://127.0.0.1:{port}"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.settings.update(json.loads(made.stdout))
        self.settings["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        with open(self.folder / "carrier.log", "ab") as log:
            self._carrier = subprocess.Popen(
                [*PYTHON, "channels.carrier", "serve", "--state", state, "--speed", "20"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        _wait(lambda: bool(self.ask_carrier("GET", "/behaviour")), 30, "the carrier does not answer")

    def ask_carrier(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Its control API; nothing where it does not answer."""
        found = ask(int(self.settings["PORT"]) + 1, method, f"/carrier/api{path}", body=body)
        return found[1] if found else {}

    # --- all of it

    def is_ready(self) -> bool:
        """The pages answer."""
        answer = ask(int(self.settings["PORT"]), "GET", "/healthz", seconds=2)
        return answer is not None and answer[0] == 200

    def stop(self) -> None:
        """End everything, at once."""
        if self._nursery is not None and self._nursery.stdin is not None:
            self._nursery.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nursery.wait(10)
            self._nursery.kill()
            self._nursery.wait()
        for child in (self._carrier, self._valkey):
            if child is not None:
                child.kill()
                child.wait()
        if self.postgres is not None:
            self.postgres.stop()


def ask(
    port: int,
    method: str,
    path: str,
    *,
    body: object = None,
    headers: dict[str, str] | None = None,
    seconds: float = 10,
    host: str = "127.0.0.1",
) -> tuple[int, dict[str, Any]] | None:
    """One request: status and JSON, or None where no whole answer came."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    content = json.dumps(body) if body is not None else None
    try:
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        raw = answer.read()
        found = json.loads(raw or b"{}") if "json" in (answer.headers.get_content_type() or "") else {}
        return answer.status, found
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _give_telephones(engine: Engine) -> None:
    """Staff are told by text too, and the officer is rung: what goes to them is in doubt like all else."""
    ways = {directory.AUTHOR: ["email", "sms"], directory.OFFICER: ["sms", "voice"], directory.REP: ["email", "sms"]}
    with engine.begin() as connection:
        for number, (email, channels) in enumerate(ways.items()):
            changed = {"channels": channels, "phone": f"+1202555{number:04}"}
            connection.execute(update(Staff).where(Staff.email == email).values(changed))


def _free_ports() -> int:
    """A port that is free now, as is the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def _wait(ready: Callable[[], bool], seconds: float, otherwise: str) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise RuntimeError(otherwise)
        time.sleep(0.05)
