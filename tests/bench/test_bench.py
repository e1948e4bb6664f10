"""The benchmark as people start it: its figures, its refusals, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from dispatcher.cli import main

COMMAND = [sys.executable, "-P", "-m", "dispatcher.cli", "bench"]
# What the documentation promises to those who read the JSON.
PROMISED = {
    "seconds", "per_second", "bound_seconds", "cpu_per_1000", "peak_mb", "first_ms", "spread_p50", "spread_p95",
    "spread_last", "losses", "duplicates",
}  # fmt: skip


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files with a short name: a socket's path must fit."""
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        yield Path(folder)


def bench(temporary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.run([*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=600, check=False)


def left_behind(temporary: Path) -> list[str]:
    """Files, and processes that were started in the folder."""
    processes = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("VAR_DIR", "").startswith(str(temporary)):
                processes.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return [str(path) for path in temporary.iterdir()] + processes


def test_a_small_run_has_all_figures_and_loses_nothing(temporary: Path) -> None:
    arguments = ("--recipients", "200", "--mix", "mixed", "--smtp")
    requests = 110 + 4 * 90  # a text, a call: one each; a mail: four commands
    done = bench(temporary, "--latency-ms", "5", "--in-flight", "20", "--workers", "1", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    assert set(figures) >= PROMISED
    assert (figures["losses"], figures["duplicates"], figures["not_accepted"]) == (0, 0, 0)
    assert figures["requests"] == requests
    assert figures["bound_seconds"] == pytest.approx(requests * 0.005 / 20, rel=0.01)
    assert figures["seconds"] > figures["spread_last"] >= figures["spread_p95"] >= figures["spread_p50"] >= 0
    assert 0 < figures["cpu_per_1000"] < 60
    assert 20 < figures["peak_mb"] < 500
    assert left_behind(temporary) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--mix", "fax"], "--mix"),
        (["--recipients", "0"], "--recipients"),
        (["--latency-ms", "-1"], "--latency-ms"),
        (["--in-flight", "0"], "--in-flight"),
        (["--database-url", "mysql://localhost/x"], "--database-url"),
        (["--database-url", "postgresql://nobody@127.0.0.1:1/x"], "--database-url"),
        (["--mix", "sms", "--smtp"], "--smtp"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], named: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    done = CliRunner().invoke(main, ["bench", *arguments])
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code in (1, 2)
    assert named in done.stderr.splitlines()[-1]
    assert left_behind(temporary) == []


def test_a_database_with_something_in_it_is_left_alone(temporary: Path) -> None:
    url = f"sqlite:///{temporary / 'mine.sqlite'}"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE precious (id INTEGER)"))
    done = bench(temporary, "--recipients", "10", "--database-url", url)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    with create_engine(url).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 1


def test_a_stopped_run_leaves_nothing_behind(temporary: Path) -> None:
    env = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*COMMAND, "--recipients", "100"],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests run in the background ignore it
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "Starting the product" in line:
                break
        time.sleep(1.0)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
        assert run.wait(60) == 130, said
    assert left_behind(temporary) == []
