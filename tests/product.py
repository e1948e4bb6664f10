"""The whole product as a subprocess, for journeys: started, stopped and searched for faults."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from click.testing import CliRunner

from dispatcher.cli import main

ROOT = Path(__file__).resolve().parents[1]
RUN_MARK = "DISPATCHER_TEST_PRODUCT"


class Product:
    """A running `dispatcher up` of its own: own VAR_DIR, own ports, own processes."""

    def __init__(self, var_dir: Path, port: int, env: dict[str, str], arguments: tuple[str, ...]) -> None:
        self.var_dir = var_dir
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.carrier_url = f"http://127.0.0.1:{port + 1}"
        self.arguments = arguments
        self.env = {**os.environ, "VAR_DIR": str(var_dir), "PORT": str(port), RUN_MARK: str(var_dir), **env}
        self.output = var_dir.parent / f"{var_dir.name}.out"
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.expect_tracebacks = False

    @property
    def database_url(self) -> str:
        """Where its rows are."""
        url = self.env.get("DATABASE_URL") or f"sqlite:///{self.var_dir / 'dispatcher.sqlite'}"
        return url.replace("postgresql://", "postgresql+psycopg://")

    # --- its life

    def launch(self) -> subprocess.Popen[bytes]:
        """Starts it and does not wait."""
        self.var_dir.parent.mkdir(parents=True, exist_ok=True)
        with open(self.output, "ab") as out:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-P", "-m", "dispatcher.cli", "up", *self.arguments],
                cwd=self.var_dir.parent,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.supervisor

    def start(self, timeout: float = 150) -> Product:
        """Starts it and waits until it can work."""
        before = len(self.said()) if self.output.exists() else 0
        supervisor = self.launch()
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if supervisor.poll() is not None:
                self.supervisor = None  # it has said so itself; the end of the test need not repeat it
                raise AssertionError(f"the product ended at its start:\n{self.said()}")
            if "goes on from here" in self.said()[before:]:  # the last line: all of it has been said
                return self
            time.sleep(0.1)
        raise AssertionError(f"not ready after {timeout} s:\n{self.said()}\n{self.log()[-4000:]}")

    def stop(self, timeout: float = 90) -> int:
        """Ctrl-C; returns the exit status."""
        assert self.supervisor is not None
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGINT)
        try:
            return self.supervisor.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"Ctrl-C did not stop it in {timeout} s:\n{self.said()}") from None

    def kill(self) -> None:
        """What the kernel's out-of-memory killer does: no time to tidy up."""
        assert self.supervisor is not None
        self.supervisor.kill()
        self.supervisor.wait(60)

    # --- looking at it

    def processes(self) -> list[psutil.Process]:
        """Every living process of this product, orphans too: they carry its mark in their environment."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get(RUN_MARK) == str(self.var_dir)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def command_lines(self) -> dict[int, str]:
        """The command line of each living process of this product, by its id."""
        found = {}
        for process in self.processes():
            with contextlib.suppress(psutil.Error):  # one that has just ended has none any more
                found[process.pid] = " ".join(process.cmdline())
        return found

    def gone(self, timeout: float = 60) -> bool:
        """True as soon as no process of it is left."""
        until = time.monotonic() + timeout
        while self.processes():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def child(self, words: str) -> psutil.Process:
        """The process whose command line contains the words, such as `worker sms`."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):  # one that has just ended has no command line any more
                if words in " ".join(process.cmdline()) and process.ppid() == self.supervisor_pid:
                    return process
        raise LookupError(words)

    @property
    def supervisor_pid(self) -> int:
        assert self.supervisor is not None
        return self.supervisor.pid

    def status(self, path: str) -> int:
        """HTTP status of a page of the product; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def said(self) -> str:
        """What it wrote to its terminal."""
        return self.output.read_text(errors="replace")

    def log(self) -> str:
        """All log files, each line with its file's name."""
        lines = []
        for file in sorted((self.var_dir / "logs").glob("*.log")):
            lines += [f"{file.stem}: {line}\n" for line in file.read_text(errors="replace").splitlines()]
        return "".join(lines)

    def tracebacks(self) -> str:
        """Lines of the logs around each traceback, empty when there is none."""
        lines = self.log().splitlines()
        at = [n for n, line in enumerate(lines) if re.search(r"Traceback \(most recent", line)]
        return "\n\n".join("\n".join(lines[max(0, n - 2) : n + 30]) for n in at)

    # --- using it

    def run(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of the product with the product's settings."""
        self.var_dir.parent.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [sys.executable, "-P", "-m", "dispatcher.cli", *arguments],
            cwd=self.var_dir.parent,
            env=self.env,
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def token(self, email: str) -> str:
        """A new API token of a member of staff; by a process of its own it would take seconds."""
        done = CliRunner().invoke(main, ["token", email], env=self.env)
        assert done.exit_code == 0, done.output
        return done.stdout.strip()
