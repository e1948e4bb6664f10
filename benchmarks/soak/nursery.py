"""Starts the product's processes by forking a process that has everything loaded, and starts anew what has ended.

A fresh interpreter takes a second of a processor to load the product; killed several times a second, it would spend
the soak loading. A forked one runs the same command, `dispatcher worker sms`, at once. Reads orders as JSON lines,
writes what started and ended the same way; ends, with all of them, when its orders end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from dispatcher import forking
from dispatcher.embedded import tie_to_parent

TURN = 0.02
FIRST_REST, LONGEST_REST = 0.2, 2.0  # seconds before one that ended by itself is started again


class Nursery:
    """Children by name. One that is killed is back at once; one that ends by itself, after a rest."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._wanted: dict[str, list[str]] = {}
        self._names: dict[int, str] = {}
        self._due: dict[str, float] = {}
        self._rests: dict[str, float] = {}

    def run(self) -> None:
        """Until standard input ends."""
        orders = sys.stdin.fileno()
        rest = b""
        while True:
            if select.select([orders], [], [], TURN)[0]:
                block = os.read(orders, 65536)
                if not block:
                    return
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
            self._bury()
            now = time.monotonic()
            for name in [one for one, at in self._due.items() if at <= now]:
                del self._due[name]
                self._bear(name)

    def _obey(self, order: dict[str, Any]) -> None:
        self._wanted[order["name"]] = order["command"]
        self._due[order["name"]] = 0.0

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            name = self._names.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            # What it left behind (the web server's own children) ends with it, as its supervisor would see to.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            _say({"ended": name, "pid": pid, "status": code})
            rest = 0.0 if code == -signal.SIGKILL else min(self._rests.get(name, FIRST_REST) * 2, LONGEST_REST)
            self._rests[name] = rest or FIRST_REST
            self._due[name] = time.monotonic() + rest

    def _bear(self, name: str) -> None:
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            self._live(name, parent)
        self._names[pid] = name
        _say({"started": name, "pid": pid})

    def _live(self, name: str, parent: int) -> NoReturn:
        status = 70
        try:
            os.setsid()
            tie_to_parent(signal.SIGKILL, parent)()
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            log = os.open(self._logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            from dispatcher.cli import main

            main(args=self._wanted[name], prog_name="dispatcher")
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stderr.flush()
            os._exit(status)

    def close(self) -> None:
        """End all, at once."""
        for pid in self._names:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _say(news: dict[str, Any]) -> None:
    os.write(1, json.dumps({**news, "at": time.time()}).encode() + b"\n")


def main() -> None:
    from channels import registry
    from dispatcher.settings import load_settings

    registry.build(load_settings())  # loads every adapter; connects nothing
    forking.load()
    nursery = Nursery(Path(sys.argv[1]))
    try:
        nursery.run()
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
