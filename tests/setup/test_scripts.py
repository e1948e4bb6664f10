"""The scripts, the locks and the lists that must agree with each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.bells import QUEUES

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "dev.txt"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_carry_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    assert not re.search(r"(?m)(^|[\s\"'=])/\w", text), "a path of the machine that made it"
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert len(entries) > 40
    for entry in entries:
        assert re.match(r"[a-zA-Z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_both_locks_agree_and_hold_everything_asked_for() -> None:
    runtime, dev = (dict(re.findall(r"(?m)^([a-zA-Z0-9._-]+)==(\S+)", lock.read_text())) for lock in LOCKS)
    assert {name: dev.get(name) for name in runtime} == runtime
    for source, locked in (("runtime.in", runtime), ("dev.in", dev), ("build.in", runtime)):
        asked = re.findall(r"(?m)^([a-zA-Z0-9._-]+)", (ROOT / "requirements" / source).read_text())
        missing = [name for name in asked if re.sub(r"[._-]+", "-", name).lower() not in locked and name != "-r"]
        assert not missing, f"run `make lock`: {missing}"


def test_the_procfile_names_every_process() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert lines.pop("web") == "dispatcher web"
    assert lines.pop("clock") == "dispatcher clock"
    assert set(lines.values()) == {f"dispatcher worker {queue}" for queue in QUEUES}


@pytest.mark.parametrize("script", ["run", "test"])
def test_scripts_are_plain_shell_and_may_be_executed(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0


def test_set_up_is_done_once(tmp_path: Path) -> None:
    """With stamps in place nothing is asked of pip: a second start needs no network."""
    marks = list((ROOT / ".venv").glob(".set-up-*"))
    if not marks:
        pytest.skip("the environment was not made by ./run")
    before = {mark: mark.stat().st_mtime_ns for mark in marks}
    env = {**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run([str(ROOT / "run"), "--setup"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "Ready: .venv/bin/dispatcher\n"
    assert {mark: mark.stat().st_mtime_ns for mark in marks} == before


def test_without_python_the_script_says_what_is_needed(tmp_path: Path) -> None:
    """A copy of the tree where no Python can be found and nothing can be installed."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "id", "cat", "cksum", "grep", "env"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    tree = tmp_path / "tree"
    (tree / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "run", tree)
    shutil.copy(ROOT / "pyproject.toml", tree)
    shutil.copy(LOCKS[0], tree / "requirements")
    done = subprocess.run([str(tree / "run"), "--setup"], env={"PATH": str(tools)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_unknown_words_after_setup_are_refused() -> None:
    done = subprocess.run([str(ROOT / "run"), "--setup", "everything"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "usage: ./run --setup [dev]\n"


def test_help_is_quick_because_it_loads_nothing() -> None:
    code = "import sys, dispatcher.cli; print(sorted({'sqlalchemy', 'flask', 'rq', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
