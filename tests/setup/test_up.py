"""The whole product: starts, survives, goes on, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import redis

from dispatcher.bells import QUEUES
from dispatcher.settings import valkey_socket
from tests.product import Product

pytestmark = pytest.mark.journey
Make = Callable[..., Product]
Eventually = Callable[..., object]
WEB = "master [dispatcher-web]"


def names(product: Product) -> set[str]:
    """Which of its processes run, by a telling part of their command line."""
    lines = product.command_lines().values()
    ours = (WEB, "dispatcher clock", "dispatcher worker sms", "dispatcher worker email")
    parts = ("valkey", "channels.carrier serve", *ours)
    return {part for part in parts if any(part in line for line in lines)}


def valkey_of(product: Product) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(valkey_socket(product.var_dir)), socket_timeout=60)


def test_it_says_where_and_how_stops_on_ctrl_c_and_goes_on_afterwards(product: Make) -> None:
    started = product(start=False).start()  # a first start, with the import of the samples
    assert len(names(started)) == 6
    said = started.said()
    assert f"http://localhost:{started.port}" in said
    assert f"http://localhost:{started.port + 1}" in said
    password = (started.var_dir / "demo-password").read_text()
    assert password in said
    assert "@" in said
    assert (started.var_dir / "demo-password").stat().st_mode & 0o077 == 0
    with closing(valkey_of(started)) as client:
        client.set("rung", "before")

    assert started.stop() == 0
    assert started.gone(), "Ctrl-C left processes"

    started.start()
    with closing(valkey_of(started)) as client:
        assert client.get("rung") == b"before"
    assert started.said().count(password) == 2


def test_killed_it_leaves_no_orphan_and_the_next_start_goes_on(product: Make) -> None:
    started = product()
    with closing(valkey_of(started)) as client:
        client.set("rung", "before")
    time.sleep(1.2)  # what Valkey may lose is one second
    started.kill()
    # At once: the new one waits for what is left of the old one.
    started.start()
    with closing(valkey_of(started)) as client:
        assert client.get("rung") == b"before"
    started.kill()
    assert started.gone(), f"orphans: {started.command_lines()}"


def test_what_dies_is_started_again(product: Make, eventually: Eventually) -> None:
    started = product()
    started.expect_tracebacks = True  # of those who were talking to the victim
    for words in ("dispatcher worker sms", WEB, "dispatcher clock", "channels.carrier", "valkey"):
        victim = started.child(words)
        victim.kill()
        victim.wait(60)
        eventually(lambda: revived(started, words, victim), 60, f"{words} runs again")  # noqa: B023
        eventually(lambda: started.status("/readyz") == 200, 60, f"ready after {words} was killed")
    assert started.said().count("was killed (SIGKILL)") == 5
    eventually(lambda: workers_registered(started) == len(QUEUES), 60, "all workers on the new Valkey")


def revived(product: Product, words: str, victim: psutil.Process) -> bool:
    found = [line for pid, line in product.command_lines().items() if pid != victim.pid]
    return any(words in line for line in found)


def workers_registered(product: Product) -> int:
    try:
        with closing(valkey_of(product)) as client:
            return sum(1 for key in client.smembers("rq:workers") if client.exists(key))  # type: ignore[union-attr]
    except redis.RedisError:
        return -1


def test_a_second_start_is_refused_and_the_terminals_ctrl_c_stops_once(product: Make) -> None:
    started = product()
    second = started.run("up")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "already running" in second.stderr
    assert str(started.var_dir) in second.stderr
    assert started.status("/readyz") == 200
    no_log_leaks_into(started)
    # A terminal sends it to the whole group.
    assert started.supervisor is not None
    os.killpg(started.supervisor.pid, signal.SIGINT)
    assert started.supervisor.wait(60) == 0
    assert started.gone()


def no_log_leaks_into(started: Product) -> None:
    """The lock is shared with children on purpose; nothing else of the supervisor may be."""
    if not Path("/proc/self/fd").exists():
        return
    for words in ("dispatcher worker sms", WEB):
        folder = Path(f"/proc/{started.child(words).pid}/fd")
        assert not [link for link in map(os.readlink, folder.iterdir()) if "/logs/" in link]


@pytest.mark.parametrize("name", ["ümläut %41?# and spaces", "deep/" + "x" * 60 + "/" + "y" * 60])
def test_odd_folders_work(product: Make, name: str) -> None:
    started = product(name=name)
    assert started.status("/readyz") == 200
    path = valkey_socket(started.var_dir)
    assert len(os.fsencode(path)) < 104
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_taken_port_is_named(product: Make, tmp_path: Path) -> None:
    for shift in (0, 1):
        refused = product(name=f"var{shift}", start=False)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", refused.port + shift))
            taken.listen()
            done = refused.run("up")
        assert done.returncode == 1
        assert done.stderr == f"port {refused.port + shift} is taken: stop what uses it or set PORT\n"
        assert refused.gone()


def test_with_accounts_there_is_no_carrier(product: Make) -> None:
    env = {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "TWILIO_SMS_FROM": "+12125550100",
        "TWILIO_VOICE_FROM": "+12125550100",
        "SENDGRID_API_KEY": "SG.none",
        "EMAIL_FROM": "alerts@bank.example",
        "INBOUND_EMAIL_DOMAIN": "reply.bank.example",
    }
    started = product(env=env, arguments=())
    assert "channels.carrier serve" not in names(started)
    assert "nobody yet" in started.said()


def test_a_stop_during_the_start_stops(product: Make) -> None:
    early = product(start=False)
    early.launch()
    time.sleep(1.5)
    assert early.stop() == 0
    assert early.gone()


def test_a_server_that_cannot_start_says_why_in_one_line(product: Make) -> None:
    broken = product(start=False)
    broken.var_dir.mkdir()
    (broken.var_dir / "valkey").mkdir()
    (broken.var_dir / "valkey" / "appendonlydir").write_text("in the way")
    done = broken.run("up")
    assert done.returncode == 1
    assert done.stderr.startswith("valkey did not start: ")
    assert done.stderr.count("\n") == 1
    assert str(broken.var_dir / "logs" / "valkey.log") in done.stderr
    assert broken.gone()
