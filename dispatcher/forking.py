"""Children that are forked with everything loaded: to load the product takes each process seconds of a processor.

Only from a process with one thread and without open connections, which `dispatcher up` is.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import IO

from setproctitle import getproctitle, setproctitle
from sqlalchemy.orm import configure_mappers

# macOS ends a process that was forked and uses the system's libraries.
CAN_FORK = sys.platform == "linux"
# A title keeps to the room of the arguments: behind it stands the environment, by which people and tests find what is
# whose. setproctitle finds that room by the environment, as long as it stands where it stood at the beginning.
os.environ.setdefault("SPT_NOENV", "1")
getproctitle()
_WISHES = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOADED = (
    "dispatcher.serve", "dispatcher.worker", "dispatcher.clock", "dispatcher.app", "dispatcher.bootstrap",
    "dispatcher.api", "approvals.views", "webhooks",
)  # fmt: skip


def load() -> None:
    """Load what the processes need, and keep the collector from touching it, which would copy it into each of them."""
    if not CAN_FORK:
        return
    for name in LOADED:
        importlib.import_module(name)
    configure_mappers()
    gc.collect()
    gc.freeze()


class Forked:
    """A forked child, with what the supervisor uses of subprocess.Popen. `stdout` reads both of its outputs."""

    def __init__(
        self, work: Callable[[], object], title: str, env: Mapping[str, str], tie: Callable[[], None],
        keep_open: tuple[int, ...] = (),
    ) -> None:  # fmt: skip
        reading, writing = os.pipe()

        def live() -> None:
            os.setsid()  # the terminal's Ctrl-C is for the supervisor
            tie()
            _as_started_alone(writing, keep_open)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.environ.clear()
            os.environ.update(env)
            setproctitle(title)
            work()

        self._process = multiprocessing.get_context("fork").Process(target=live, name=title)
        # What arrives before the child handles signals as its own waits until then: taken by the parent's handlers, a
        # wish to stop would be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _WISHES)
        try:
            self._process.start()
        except OSError:
            os.close(reading)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(writing)
        self.stdout: IO[bytes] | None = open(reading, "rb", buffering=0)  # noqa: SIM115  # the supervisor reads and closes it

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, minus the signal's number when killed; None while it lives."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same, looked up."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """The same, when it has ended."""
        self._process.join()
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def _as_started_alone(output: int, keep_open: tuple[int, ...]) -> None:
    """Nothing of the parent's is left open, and signals mean what they mean to a fresh process."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, ours in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
        os.dup2(ours, standard)
    first = 3
    for kept in sorted(keep_open):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for its life
    sys.stdout, sys.stderr = (open(one, "w", buffering=1, closefd=False) for one in (1, 2))  # noqa: SIM115  # for its life
