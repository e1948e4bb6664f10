"""The processes of one run: started, measured, and ended whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from dispatcher.bench.options import BenchError
from dispatcher.embedded import PARENT, tie_to_parent

PYTHON = [sys.executable, "-P", "-m"]
STOP_SECONDS = 8.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """Children in the order of their start; they end with this process, even a killed one."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self.environment = {**environment, PARENT: str(os.getpid())}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def add_environment(self, more: Mapping[str, str]) -> None:
        """What processes that are started from now on find as well."""
        self.environment.update(more)

    def start(self, name: str, command: list[str], cwd: Path | None = None, says: bool = False) -> dict[str, int]:
        """Start one; its output goes to NAME.log. With `says`, what it tells as its first line, as JSON."""
        with open(self._log(name), "ab") as log:
            child = subprocess.Popen(
                command,
                cwd=cwd or self._folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if says else log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, who end them in order
                preexec_fn=tie_to_parent(signal.SIGTERM),
            )
        self._children[name] = child
        if not says:
            return {}
        assert child.stdout is not None
        with child.stdout:
            line = child.stdout.readline()
        if not line:
            raise BenchError(f"{name} did not start: {self._last_words(name)}")
        told: dict[str, int] = json.loads(line)
        return told

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"

    def all_live(self) -> None:
        """Raises BenchError naming the first child that has ended."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise BenchError(f"{name} ended with status {child.returncode}: {self._last_words(name)}")

    def wait(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `ready`. Raises BenchError when a child ends meanwhile or the time is up."""
        until = time.monotonic() + seconds
        while not ready():
            self.all_live()
            if time.monotonic() > until:
                raise BenchError(f"{what} after {seconds:g} s: look at {self._folder}")
            time.sleep(0.02)

    def wait_until_idle(self, seconds: float = 20.0) -> None:
        """Wait until nobody computes any more: loading takes a process a second, which is not to be measured."""
        until = time.monotonic() + seconds
        names = list(self._children)
        before = self.cpu(names)
        while time.monotonic() < until:
            time.sleep(0.5)
            after = self.cpu(names)
            if after - before < 0.03:
                return
            before = after

    def cpu(self, names: list[str]) -> float:
        """CPU seconds used so far by these, their threads and all that they started."""
        return sum(_cpu(pid) for name in names for pid in _family(self._children[name].pid))

    def peak_mb(self, names: list[str]) -> float:
        """The most memory that any one of these has held, in MB (RSS)."""
        return max((_peak(pid) for name in names for pid in _family(self._children[name].pid)), default=0.0)

    def stop(self) -> list[str]:
        """End all in the opposite order, first kindly; the names of those that had to be killed."""
        killed = []
        for group in ([name for name in self._children if name != "valkey"], ["valkey"]):
            children = {name: self._children[name] for name in reversed(group) if name in self._children}
            for child in children.values():
                with contextlib.suppress(ProcessLookupError):
                    child.terminate()
            until = time.monotonic() + STOP_SECONDS
            for name, child in children.items():
                try:
                    child.wait(max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    killed.append(name)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)  # what it leaves behind ends as well
                child.wait()
        return killed


def _family(pid: int) -> list[int]:
    """A process and its living descendants, as far as the system tells."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    family = [pid]
    for one in family:
        family += children.get(one, [])
    return family


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _ps(pid, "time")
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return _ps(pid, "rss") / 1024
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(peak.split()[1]) / 1024


def _ps(pid: int, what: str) -> float:
    """Where there is no /proc: a figure of `ps`, minutes and seconds as seconds; 0 for a process that has ended."""
    done = subprocess.run(["ps", "-o", f"{what}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    seconds = 0.0
    for part in done.stdout.strip().split(":"):
        seconds = seconds * 60 + float(part or 0)
    return seconds
