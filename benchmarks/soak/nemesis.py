"""Kills, stops, flushes and restarts, by a seed. It knows the system's processes and nothing of their work."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.soak.system import PRODUCT, System

# What is done, and how often of a hundred.
ACTS = {"kill": 70, "stop": 20, "flush": 5, "restart valkey": 2, "kill backend": 1, "restart postgresql": 2}
FAULTS = {
    "latency_ms": 40,
    "status_429_share": 0.04,
    "html_200_share": 0.02,
    "callback_duplicates": 1,
    "callback_reorder": True,
}


@dataclass
class Nemesis:
    """One for a run. `fastest` and `slowest` are the seconds between two of its acts."""

    system: System
    chance: random.Random
    kills: int
    fastest: float
    slowest: float
    longest_stop: float
    lag: float
    hang: float
    counts: Counter[str] = field(default_factory=Counter)
    killed: list[tuple[float, str]] = field(default_factory=list)
    _stopped: dict[int, float] = field(default_factory=dict)
    _held: list[threading.Thread] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Until so many were killed or the time is up; then everything is let go on."""
        until = time.monotonic() + seconds
        self._order_faults()
        while self.counts["kill"] < self.kills and time.monotonic() < until:
            self._wake()
            act = self.chance.choices([*ACTS], [*ACTS.values()])[0]
            self._do(act)
            if self.chance.random() < 0.05 or (self.hang and self.counts["kill"] > 0.8 * self.kills):
                # A request that hangs does so for 20 s: the last ones must not hold up the end.
                self.hang = self.hang if self.counts["kill"] < 0.8 * self.kills else 0.0
                self._order_faults()
            time.sleep(self.chance.uniform(self.fastest, self.slowest))
        self.cease()

    def cease(self) -> None:
        """No more faults: what was stopped goes on, what is out comes back."""
        self._wake(all_of_them=True)
        self.system.wait_for_valkey()
        self.system.flush()
        self.system.ask_carrier("DELETE", "/faults")
        self.system.ask_carrier("POST", "/faults", {"latency_ms": 5})

    def _order_faults(self) -> None:
        """Another mood of the carrier: now and then its callbacks are lost, its look-ups lag, or it says little."""
        errors = 0.2 if self.chance.random() < 0.2 else 0.03
        mood = {
            "callbacks_off": self.chance.random() < 0.25,
            "error_500_share": errors,
            "accept_then_500_share": errors,
            "lookup_500_share": 0.3 if self.chance.random() < 0.3 else 0.0,
            "lookup_lag_s": self.chance.uniform(0, self.lag),
            "accept_then_hang_share": self.hang,
            "seed": self.chance.randrange(1, 10**6),
        }
        self.system.ask_carrier("POST", "/faults", {**FAULTS, **mood})
        self.system.history.note(act="faults", **mood)

    def _do(self, act: str) -> None:
        victim = self._victim()
        match act:
            case "kill" if victim:
                self._kill(*victim)
            case "stop" if victim:
                self._stop(*victim)
            case "flush":
                self.system.flush()
            case "restart valkey":
                self.system.kill_valkey()
                time.sleep(self.chance.uniform(0, 1))
                self.system.start_valkey()
            case "kill backend" if self.system.postgres:
                self.system.postgres.kill_backend(self.chance.randrange(1000))
            case "restart postgresql" if self.system.postgres:
                self.system.postgres.crash()
                time.sleep(self.chance.uniform(0, 1))
                self.system.postgres.start()
            case _:
                return
        self.counts[act] += 1
        if act not in ("kill", "stop"):
            self.system.history.note(act=act)

    def _victim(self) -> tuple[str, int] | None:
        """A process of the product, senders more often; of the web server now and then one that answers."""
        names = [name for name in PRODUCT if name in self.system.pids]
        if not names:
            return None
        # Of the web server too much would end what people do; it has its share.
        weights = [3 if name.startswith(("sms", "email")) else 0.6 if name == "web" else 1 for name in names]
        name = self.chance.choices(names, weights)[0]
        pid = self.system.pids.get(name)
        if name == "web" and self.chance.random() < 0.6 and (children := self.system.web_children()):
            pid = self.chance.choice(children)
        return (name, pid) if pid and pid not in self._stopped else None

    def _kill(self, name: str, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.append((time.time(), name))
            self.system.history.note(act="kill", name=name, pid=pid)

    def _stop(self, name: str, pid: int) -> None:
        seconds = self.chance.uniform(0.2, 2.0)
        if self.chance.random() < 0.15:
            seconds = self.chance.uniform(2.0, self.longest_stop)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            self._stopped[pid] = time.monotonic() + seconds
            self.system.history.note(act="stop", name=name, pid=pid, seconds=round(seconds, 2))

    def _wake(self, *, all_of_them: bool = False) -> None:
        now = time.monotonic()
        for pid in [one for one, at in self._stopped.items() if all_of_them or at <= now]:
            del self._stopped[pid]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
