"""The supervisor on small children: back-off, logs, stubborn ones, what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from dispatcher import embedded, supervisor
from dispatcher.forking import CAN_FORK, Forked
from dispatcher.settings import valkey_socket
from dispatcher.supervisor import Child, StartError, Supervisor, how_it_ended


class Watched(Supervisor):
    """A supervisor that keeps what it would have said, and stops everything at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        super().__init__(self.said.append)
        self.starting = False
        self.folder = folder

    def python(self, name: str, code: str) -> Child:
        return self.start(Child(name, [sys.executable, "-c", code], self.folder / "logs" / f"{name}.log"))

    def until(self, what: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.said
            self.turn(0.05)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(tmp_path)
    with one.listening():
        yield one
        one.stop([child for child in one.children if child.alive])


def test_back_off_doubles_up_to_the_longest_and_starts_anew_after_a_good_while(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY", 0.2)
    child = watched.python("brief", "raise SystemExit(3)")
    child.delay = 0.05
    watched.until(lambda: child.ends >= 4)
    assert child.delay == 0.2
    assert [line.split("again in ")[1].split()[0] for line in watched.said[:4]] == ["0.05", "0.1", "0.2", "0.2"]
    assert "brief ended with status 3" in watched.said[0]
    monkeypatch.setattr(supervisor, "LONG_ENOUGH", 0.0)
    watched.until(lambda: child.ends >= 5)
    assert child.delay == 0.1


def test_the_reason_is_found_in_the_last_lines(watched: Watched) -> None:
    child = watched.python("loud", "print('begins'); raise ValueError('the reason')")
    watched.until(lambda: child.ends)
    assert child.last_words() == "ValueError: the reason"
    assert "ValueError: the reason" in watched.said[-1]
    assert str(child.log_path) in watched.said[-1]


def test_a_needed_child_that_ends_or_never_gets_ready_fails_the_start(watched: Watched) -> None:
    gone = watched.python("gone", "import sys; sys.exit('no such thing')")
    with pytest.raises(StartError, match="gone did not start: no such thing"):
        watched.wait_for(lambda: False, 60, gone)
    slow = watched.python("slow", "import time; time.sleep(60)")
    with pytest.raises(StartError, match=r"slow is not ready after 0\.3 s"):
        watched.wait_for(lambda: False, 0.3, slow)


def test_a_program_that_is_not_there_is_told_and_tried_again(watched: Watched) -> None:
    child = watched.start(Child("absent", ["/nonexistent/program"], watched.folder / "logs" / "absent.log"))
    assert child.due is not None
    assert "absent could not start" in watched.said[0]
    assert "No such file" in watched.said[0]


def test_important_lines_reach_the_terminal_others_the_file(watched: Watched) -> None:
    code = "import time; print('INFO quiet', flush=True); print('ERROR bad', flush=True); time.sleep(60)"
    child = watched.python("talker", code)
    watched.until(lambda: watched.said)
    assert watched.said == ["talker: ERROR bad"]
    assert "INFO quiet" in child.log_path.read_text()


def test_logs_are_cut_and_lines_without_end_do_not_fill_the_memory(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100_000)
    child = watched.python("flood", "import sys; [sys.stdout.write('x' * 1000) for _ in range(400)]; input")
    watched.until(lambda: child.ends)
    watched.until(lambda: Path(f"{child.log_path}.1").exists())
    assert len(child.rest) <= 1 << 17
    assert child.log_path.stat().st_size < 400_000


def test_a_stubborn_child_is_killed_with_its_own_children(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('child', child.pid, flush=True); time.sleep(60)\n"
    )
    child = watched.python("stubborn", code)
    watched.until(lambda: any("child" in line for line in child.tail))
    grandchild = psutil.Process(int(child.tail[-1].split()[1]))
    watched.stop([child])
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL
    grandchild.wait(60)


def test_groups_stop_one_after_the_other(watched: Watched) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_): time.sleep(0.3); print('ended', time.monotonic(), flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(60)\n"
    )
    first, second = watched.python("first", code), watched.python("second", code)
    watched.until(lambda: first.tail and second.tail)
    watched.stop([second], [first])
    ends = [float(child.tail[-1].split()[1]) for child in (second, first)]
    assert ends[1] - ends[0] > 0.25
    assert [child.process.returncode for child in (first, second) if child.process] == [0, 0]


def test_exit_statuses_in_words() -> None:
    assert how_it_ended(-9) == "was killed (SIGKILL)"
    assert how_it_ended(1) == "ended with status 1"


PARENT = """
import os, sys, time
from pathlib import Path
from dispatcher import embedded
if {without_kernel}:
    embedded._libc = None
child = embedded.start_valkey(Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("without_kernel", [False, True], ids=["kernel", "watching"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_valkey_ends_with_its_parent_and_keeps_its_data(
    tmp_path: Path, eventually: Callable[..., object], without_kernel: bool, number: int
) -> None:
    """Linux has a signal for it; elsewhere a process stands between and watches."""
    path = str(valkey_socket(tmp_path))
    for turn in (1, 2):
        code = PARENT.format(without_kernel=without_kernel)
        with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            child = psutil.Process(int(parent.stdout.readline()))
            eventually(lambda: embedded.answers(f"unix://{path}"), 60, "Valkey answers")
            family = [child, *child.children(recursive=True)]
            with redis.Redis(unix_socket_path=path, decode_responses=True) as client:
                assert client.get("kept") == (None if turn == 1 else "yes")
                client.set("kept", "yes")
            parent.send_signal(number)
        gone, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
        assert gone


def test_the_socket_of_valkey_is_private(valkey: str) -> None:
    path = Path(valkey.removeprefix("unix://"))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.getuid()
    (tmp_path / "valkey").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    with pytest.raises(embedded.EmbeddedError, match="belongs to somebody else"):
        embedded.prepare_valkey(tmp_path)


@pytest.mark.skipif(not CAN_FORK, reason="here every child is a command")
def test_a_forked_child_is_as_one_started_alone(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PARENT", "kept")
    (mine, other), (kept, _) = os.pipe(), os.pipe()

    def work() -> None:
        print("outputs are one log")
        print("as a command's are", file=sys.stderr)
        open_files = [fd for fd in (mine, other, kept) if Path(f"/proc/self/fd/{fd}").exists()]
        print(f"open: {open_files == [kept]}, group: {os.getpgid(0) == os.getpid()}, stdin: {sys.stdin.read()!r}")
        print(f"env: {os.environ['OF_THE_PARENT']} {os.environ['OF_THE_CHILD']} {os.environ[embedded.PARENT]}")
        print(f"ctrl-c: {signal.getsignal(signal.SIGINT) is signal.default_int_handler}")
        raise SystemExit(3)

    log = watched.folder / "logs" / "forked.log"
    child = Child("forked", ["/nonexistent"], log, env={"OF_THE_CHILD": "too"}, work=work, keep_open=(kept,))
    watched.start(child)
    watched.until(lambda: child.ends)
    words = log.read_text()
    assert "outputs are one log\nas a command's are\nopen: True, group: True, stdin: ''\n" in words
    assert f"env: kept too {os.getpid()}\nctrl-c: True\n" in words
    assert "forked ended with status 3" in watched.said[0]


@pytest.mark.skipif(not CAN_FORK, reason="here every child is a command")
def test_a_forked_child_is_named_stopped_and_ends_with_its_supervisor(watched: Watched, tmp_path: Path) -> None:
    child = Child("sleeps", [], tmp_path / "sleeps.log", work=lambda: time.sleep(60))
    watched.start(child)
    assert child.process is not None
    watched.until(lambda: psutil.Process(child.process.pid).cmdline()[0].startswith("dispatcher sleeps"))
    watched.stop([child])
    assert child.process.returncode == -signal.SIGTERM
    at_once = [Forked(lambda: time.sleep(60), "at once", os.environ, lambda: None) for _ in range(10)]
    for one in at_once:
        one.terminate()  # before it handles signals as its own
    assert [one.wait() for one in at_once] == [-signal.SIGTERM] * 10
    for one in at_once:
        assert one.stdout is not None
        one.stdout.close()
    code = (
        "import os, sys, time; from pathlib import Path; from dispatcher.supervisor import Child, Supervisor\n"
        "one = Supervisor(print); log = Path(sys.argv[1])\n"
        "child = one.start(Child('x', [], log, work=lambda: time.sleep(60)))\n"
        "print(child.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "x.log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    orphan.wait(60)


def test_a_forked_child_that_fails_says_why(watched: Watched, tmp_path: Path) -> None:
    def work() -> None:
        raise ValueError("the reason")

    child = Child("fails", [sys.executable, "-c", "raise ValueError('the reason')"], tmp_path / "fails.log", work=work)
    watched.start(child)
    watched.until(lambda: child.ends)
    assert "ValueError: the reason" in watched.said[0]
