"""Watches over child processes: starts them, keeps their logs, restarts what dies, stops all.

One thread and one loop, so that starting a child (a fork) never meets a lock held by another thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

from dispatcher.embedded import PARENT, tie_to_parent
from dispatcher.forking import CAN_FORK, Forked

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
LONG_ENOUGH = 60.0  # alive for so long, a child counts as well again
STOP_SECONDS = 8.0
LOG_BYTES = 20_000_000  # then the file becomes NAME.log.1

IMPORTANT = re.compile(rb"\b(ERROR|CRITICAL)\b|\"level\": ?\"(error|critical)\"")
REASON = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Exit|Refused)\b")


class StartError(Exception):
    """The product cannot start; the text says why in one line."""


@dataclass
class Child:
    """A process that should be alive. `tidy` runs before each start; `ends_with` is its signal when we are gone.

    With `work` it is forked and does that, where a process can be forked; else it is the command.
    """

    name: str
    command: list[str]
    log_path: Path
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    tidy: Callable[[], object] = lambda: None
    ends_with: int = signal.SIGKILL
    keep_open: tuple[int, ...] = ()
    work: Callable[[], object] | None = None
    process: subprocess.Popen[bytes] | Forked | None = None
    log: IO[bytes] | None = None
    rest: bytes = b""
    tail: list[str] = field(default_factory=list)
    started: float = 0.0
    due: float | None = None
    delay: float = FIRST_DELAY
    ends: int = 0
    shown: float = 0.0

    @property
    def alive(self) -> bool:
        """True while its process runs."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """The line of its log that tells most about its end."""
        reasons = [line for line in self.tail if REASON.match(line)]
        return (reasons or self.tail or ["it wrote nothing"])[-1]


class Supervisor:
    """The children, in the order of their start. Stopped in the opposite order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self.say = say
        self.asked_to_stop = False
        self.starting = True
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Takes Ctrl-C, TERM, a closed terminal and the end of children as wishes, handled in the loop."""
        signals = [signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # started by nohup, it outlives its terminal
            signals.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in signals}
        old = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old)
            for number, action in before.items():
                signal.signal(number, action)

    def _note(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.asked_to_stop = True

    # --- children

    def start(self, child: Child) -> Child:
        """Starts a child and keeps it in mind."""
        child.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.children.append(child)
        self._spawn(child)
        return child

    def _spawn(self, child: Child) -> None:
        child.due = None
        child.started = time.monotonic()
        child.tail.clear()
        try:
            child.tidy()
            child.process = _process(child)
        except OSError as error:
            self._note_line(child, f"OSError: {error}".encode())
            self._plan_restart(child, "could not start")
            return
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._write(
            child, f"--- {time.strftime('%FT%TZ', time.gmtime())} started, process {child.process.pid}\n".encode()
        )

    def _plan_restart(self, child: Child, how: str) -> None:
        now = time.monotonic()
        child.ends += 1
        if now - child.started > LONG_ENOUGH:
            child.delay = FIRST_DELAY
        child.due = now + child.delay
        if not self.starting:
            self.say(f"{child.name} {how}, again in {child.delay:g} s: {child.last_words()} ({child.log_path})")
        child.delay = min(child.delay * 2, LONGEST_DELAY)

    # --- logs

    def _read(self, child: Child, stream: IO[bytes]) -> None:
        try:
            block = os.read(stream.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not block:
            self._selector.unregister(stream)
            stream.close()
            return
        *lines, child.rest = (child.rest + block).split(b"\n")
        for line in lines:
            self._note_line(child, line)
        if len(child.rest) > 1 << 16:  # a line without an end must not fill the memory
            self._note_line(child, child.rest)
            child.rest = b""

    def _note_line(self, child: Child, line: bytes) -> None:
        self._write(child, line + b"\n")
        words = line.decode(errors="replace").strip()
        if not words:
            return
        child.tail = [*child.tail[-59:], words[:500]]
        now = time.monotonic()
        if IMPORTANT.search(line) and not self.starting and now - child.shown > 2:
            child.shown = now
            self.say(f"{child.name}: {words[:300]}")

    def _write(self, child: Child, block: bytes) -> None:
        # A full disk must not end the supervisor: it is what keeps the rest alive.
        with contextlib.suppress(OSError):
            if child.log is None:
                child.log = open(child.log_path, "ab", buffering=0)  # noqa: SIM115  # kept open while the child lives
            if child.log.tell() > LOG_BYTES:
                child.log.close()
                child.log_path.replace(f"{child.log_path}.1")
                child.log = open(child.log_path, "ab", buffering=0)  # noqa: SIM115  # kept open while the child lives
            child.log.write(block)

    # --- the loop

    def turn(self, longest: float = 1.0) -> None:
        """One turn: read what was written, notice who ended, start who is due."""
        due = [child.due - time.monotonic() for child in self.children if child.due is not None]
        for key, _ in self._selector.select(max(0.0, min([longest, *due]))):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
            else:
                self._read(key.data, key.fileobj)  # type: ignore[arg-type]  # a pipe, as registered
        for child in self.children:
            if child.process is not None and child.due is None and not child.alive:
                self._end_group(child)
                self._plan_restart(child, how_it_ended(child.process.returncode))
            if child.due is not None and time.monotonic() >= child.due and not self.asked_to_stop:
                self._spawn(child)

    def wait_for(self, ready: Callable[[], bool], seconds: float, needs: Child) -> bool:
        """Turns until ready; False when asked to stop. Raises StartError when the needed child ended or time is up."""
        until = time.monotonic() + seconds
        while not self.asked_to_stop:
            self.turn(0.05)
            if needs.ends:
                self.turn(0.05)  # its last words
                fail(needs, "did not start")
            if ready():
                return True
            if time.monotonic() > until:
                fail(needs, f"is not ready after {seconds:g} s")
        return False

    def run(self) -> None:
        """Watches until asked to stop."""
        self.starting = False
        while not self.asked_to_stop:
            self.turn()

    # --- the end

    def stop(self, *groups: list[Child]) -> None:
        """Stops the groups one after the other: TERM to all of a group, KILL to who is still there after 8 s."""
        for group in groups:
            self.asked_to_stop = False  # a second Ctrl-C from here on means: at once
            living = [child for child in group if child.alive]
            for child in living:
                assert child.process is not None
                with contextlib.suppress(ProcessLookupError):
                    child.process.terminate()
            until = time.monotonic() + STOP_SECONDS
            while any(child.alive for child in living) and time.monotonic() < until and not self.asked_to_stop:
                self._drain(0.1)
            for child in living:
                self._end_group(child)
                if child.process is not None:
                    child.process.wait()
        self._close()

    def _close(self) -> None:
        """The last words of everybody; who still holds a log open (a stray grandchild) is not waited for."""
        until = time.monotonic() + 0.5
        while len(self._selector.get_map()) > 1 and time.monotonic() < until:
            self._drain(0.05)
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]  # a pipe, as registered
        for child in self.children:
            if child.log is not None:
                child.log.close()
                child.log = None

    def _drain(self, longest: float) -> None:
        for key, _ in self._selector.select(longest):
            if key.data is not None:
                self._read(key.data, key.fileobj)  # type: ignore[arg-type]  # a pipe, as registered
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)

    def _end_group(self, child: Child) -> None:
        """What a child leaves behind when it ends (the web server's own children) ends as well."""
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)


def _process(child: Child) -> subprocess.Popen[bytes] | Forked:
    env = {**os.environ, **child.env, PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
    tie = tie_to_parent(child.ends_with)
    if child.work is not None and CAN_FORK:
        return Forked(child.work, f"dispatcher {child.name}", env, tie, child.keep_open)
    return subprocess.Popen(
        child.command,
        cwd=child.cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # The terminal's Ctrl-C is for us; the children are stopped in order.
        start_new_session=True,
        pass_fds=child.keep_open,
        preexec_fn=tie,
    )


def how_it_ended(status: int | None) -> str:
    """An exit status in words."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"was killed ({signal.Signals(-status).name})"
    return f"ended with status {status}"


def fail(child: Child, what: str) -> NoReturn:
    """Raises the one line that a failed start shows."""
    raise StartError(f"{child.name} {what}: {child.last_words()} (more in {child.log_path})")
