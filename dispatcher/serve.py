"""The web server: gunicorn with threads, because live pages hold one thread each."""

from __future__ import annotations

import importlib
import os
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer

from dispatcher.embedded import tie_to_parent
from dispatcher.settings import Settings

THREADS = 64  # live pages hold one each
MOST_WORKERS = 4


def workers() -> int:
    """One process for two processors, the others are the senders'.

    Measured with bursts of webhooks on two (benchmarks/webhooks): pages and webhooks are answered sooner by one process
    than by two, for what arrives together is kept in fewer commits, and half the memory does.
    """
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 1) // 2))


class _Server(BaseApplication):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn started from code: no configuration file of a working directory can change it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
        options: dict[str, Any] = {
            "bind": f"{host}:{settings.port}",
            "workers": workers(),
            "worker_class": "gthread",
            "threads": THREADS,
            # Streams end after a minute by themselves; a stop does not wait for them.
            "graceful_timeout": 5,
            "timeout": 60,
            "keepalive": 15,
            "proc_name": "dispatcher-web",
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_fork": _post_fork,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Runs in each worker after the fork: connections are never carried over it."""
        from dispatcher.app import create_app
        from dispatcher.bootstrap import build

        return create_app(build(self._settings))


def _post_fork(_server: object, worker: Any) -> None:
    tie_to_parent(parent=worker.ppid)()


def serve(settings: Settings) -> int:
    """Serves until told to stop; the exit status. Raises NotConfigured or SettingsError before it begins."""
    # Loaded once, before the fork: the workers start sooner and share the memory. Nothing is connected yet.
    for name in ("dispatcher.app", "dispatcher.bootstrap", "dispatcher.api", "approvals.views", "webhooks"):
        importlib.import_module(name)
    # Workers that cannot be built say so one by one, in tracebacks: what is wrong shows here first, in one line.
    importlib.import_module("dispatcher.bootstrap").build(settings)
    try:
        _Server(settings).run()
    except HaltServer as halt:  # raised again while it halts, when both workers fail
        return int(halt.exit_status)
    return 0
