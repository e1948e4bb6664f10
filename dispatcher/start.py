"""`dispatcher up`: everything the product needs, in order, until Ctrl-C."""

from __future__ import annotations

import errno
import fcntl
import functools
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from dispatcher import embedded, forking
from dispatcher.bells import QUEUES
from dispatcher.demo import SAMPLES, Directory, bring_up_to_date, fill_directory
from dispatcher.model.errors import NotConfigured
from dispatcher.settings import Settings, SettingsError, beside_carrier, carrier_settings_path
from dispatcher.supervisor import Child, StartError, Supervisor

READY_SECONDS = 60.0
Command = Callable[[tuple[str, ...]], object]
PYTHON = [sys.executable, "-P", "-m"]  # -P: files in the working directory are not ours to import


@dataclass
class Up:
    """One run of the product."""

    settings: Settings
    demo: bool
    speed: float
    console: Console
    command: Command
    lock: int = -1
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(
            lambda line: self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        )
        # Children get absolute names: their settings must not depend on where they were started.
        self.env = {"VAR_DIR": str(self.settings.var_dir)}

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def child(self, name: str, command: list[str], **more: object) -> Child:
        """Starts a child that logs to VAR_DIR/logs/NAME.log and holds the lock while it lives."""
        log = self.settings.var_dir / "logs" / f"{name.replace(' ', '-')}.log"
        child = Child(name, command, log, env=self.env, keep_open=(self.lock,), **more)  # type: ignore[arg-type]  # keywords of Child
        return self.supervisor.start(child)

    def _ours(self, *words: str) -> Child:
        """Starts a process that does one of our own commands, such as `worker sms`."""
        return self.child(
            " ".join(words), [*PYTHON, "dispatcher.cli", *words], work=functools.partial(self.command, words)
        )

    def run(self) -> int:
        """Starts, watches and stops everything; returns the exit status."""
        ports = [self.settings.port] + ([self.settings.port + 1] if self.settings.without_account() else [])
        self.lock = lock_folder(self.settings.var_dir)
        for port in ports:
            check_port(self.settings.bind, port)
        doors: list[Child] = []
        servers: list[Child] = []
        with self.supervisor.listening():
            try:
                directory = self._start(doors, servers)
                if directory is not None:
                    self._banner(directory)
                    self.supervisor.run()
                self.console.print("Stopping …")
            finally:
                # Who rings and works first; then whom they call; the doorbell last.
                self.supervisor.stop(doors, *([server] for server in reversed(servers)))
        return 0

    def _start(self, doors: list[Child], servers: list[Child]) -> Directory | None:
        """All processes in the order in which they need each other. None when stopped meanwhile."""
        watch, url = self.supervisor, self.settings.redis_url
        valkey = self._valkey()
        if valkey:
            servers.append(valkey)
        asked = self._ask_carrier()
        bring_up_to_date(self.settings)
        if valkey and not watch.wait_for(lambda: embedded.answers(url), 30, valkey):
            return None
        if asked:
            self.env.update(self.settings.stand_in(carrier_settings(asked, self.settings)))
            self.env["TELEPHONE_SPEED"] = f"{self.speed:g}"
            servers.append(carrier := self.child("carrier", self._carrier("serve", "--bind", self.settings.bind)))
        directory = fill_directory(beside_carrier(self.settings), self.demo)
        forking.load()
        doors.append(web := self._ours("web"))
        bind, port = self.settings.bind, self.settings.port
        if asked and not watch.wait_for(lambda: listens(bind, port + 1), 30, carrier):
            return None
        if not watch.wait_for(lambda: is_ready(bind, port, web), READY_SECONDS, web):
            return None
        # After the pages, which somebody waits for. What is rung meanwhile waits in the queues.
        doors += [self._ours("worker", name) for name in QUEUES]
        doors.append(self._ours("clock"))
        return directory

    def _valkey(self) -> Child | None:
        if not self.settings.embedded_redis:
            return None
        folder, socket_path = embedded.prepare_valkey(self.settings.var_dir)
        return self.child(
            "valkey",
            embedded.valkey_command(socket_path),
            cwd=folder,
            tidy=lambda: embedded.prepare_valkey(self.settings.var_dir),
            ends_with=15,  # killed, it would lose its last second
        )

    # --- the simulated carrier

    def _carrier(self, verb: str, *more: str) -> list[str]:
        state = str(self.settings.var_dir / "carrier")
        command = [*PYTHON, "channels.carrier", verb, "--state", state, "--port", str(self.settings.port + 1), *more]
        return command + (["--speed", f"{self.speed:g}"] if verb == "serve" and self.speed != 1 else [])

    def _ask_carrier(self) -> subprocess.Popen[bytes] | None:
        if not self.settings.without_account():
            return None
        self.env["CARRIER_DIE_WITH_PARENT"] = "1"
        command = self._carrier("init", "--product-url", self.settings.public_url)
        if self.demo:
            command += ["--directory", str(SAMPLES / "customers.csv"), "--directory", str(SAMPLES / "staff.csv")]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _banner(self, directory: Directory) -> None:
        settings = self.settings
        host = "localhost" if settings.bind in ("127.0.0.1", "0.0.0.0", "::", "::1", "localhost") else settings.bind  # noqa: S104  # compared, not bound to
        lines = [("Open", settings.public_url)]
        lines += [(f"  as {role}", email) for role, email in directory.sign_ins]
        if directory.password:
            lines.append(("  password", f"{directory.password}  (the same for all of them)"))
        elif not directory.sign_ins:
            lines.append(("Sign in", "nobody yet: dispatcher import staff FILE.csv, then dispatcher password EMAIL"))
        if simulated := settings.without_account():
            lines.append(("Customers' telephones", f"http://{host}:{settings.port + 1}"))
            lines.append(("  and mailboxes", f"simulated: nothing leaves this machine by {' or '.join(simulated)}"))
        lines.append(("Data and logs", str(settings.var_dir)))
        lines.append(("Stop", "Ctrl-C (the next start goes on from here)"))
        self.console.print(f"\n[bold]{settings.firm_name}: Dispatcher is ready[/bold]")
        for name, value in lines:
            self.console.print(f"  {name:<22} {value}", markup=False, highlight=False, soft_wrap=True)
        self.console.print()


def up(settings: Settings, command: Command, *, demo: bool = False, speed: float = 1.0) -> int:
    """Runs the product until Ctrl-C; 0 then, else one line on standard error and 1 (2 for a missing setting).

    `command` does what the command line does with the same words, in the process that calls it.
    """
    try:
        return Up(settings, demo, speed, Console(), command).run()
    except (StartError, embedded.EmbeddedError) as error:
        print(error, file=sys.stderr)
        return 1
    except (NotConfigured, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2


def lock_folder(folder: Path) -> int:
    """Holds VAR_DIR for this run. Children inherit the lock, so a killed run holds it until its last child is gone."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + 10
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode().strip()
            if owner.isdigit() and is_alive(int(owner)):
                raise StartError(f"already running on {folder} (process {owner}): stop it or set VAR_DIR") from None
            if time.monotonic() > until:
                raise StartError(f"processes of an earlier run still use {folder}: end them or set VAR_DIR") from None
            time.sleep(0.1)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def is_alive(process: int) -> bool:
    """True while a process of this number runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check_port(bind: str, port: int) -> None:
    """Raises StartError when the port cannot be had."""
    if port > 65535:
        raise StartError("PORT 65535 leaves no port for the simulated carrier: set a lower PORT")
    try:
        family, kind, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(f"port {port} is taken: stop what uses it or set PORT") from None
        if error.errno == errno.EACCES:
            raise StartError(f"port {port} needs rights this user lacks: set PORT to 1024 or above") from None
        raise StartError(f"BIND {bind} is not an address of this machine: {error.strerror}") from None


def carrier_settings(asked: subprocess.Popen[bytes], settings: Settings) -> dict[str, str]:
    """What the simulated carrier printed; kept, for the commands that people start by hand."""
    try:
        out, said = asked.communicate(timeout=60)
        offered = {str(name): str(value) for name, value in json.loads(out).items()}
    except (ValueError, AttributeError, subprocess.TimeoutExpired):
        asked.kill()
        lines = said.decode(errors="replace").strip().splitlines() if "said" in locals() else []
        raise StartError(f"the simulated carrier gave no settings: {(lines or ['no answer'])[-1]}") from None
    path = carrier_settings_path(settings.var_dir)
    path.touch(mode=0o600)
    path.write_text(json.dumps(offered))
    return offered


def reachable(bind: str) -> str:
    """The address at which a server bound there answers on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bind, bind)  # noqa: S104  # compared, not bound to


def listens(bind: str, port: int) -> bool:
    """True when somebody accepts connections there."""
    try:
        socket.create_connection((reachable(bind), port), timeout=1).close()
    except OSError:
        return False
    return True


def is_ready(bind: str, port: int, web: Child) -> bool:
    """True when the pages, the database and Redis are there; what is missing becomes the child's last words.

    Work left over from before an outage does not count: only the workers, which start after this, can do it.
    """
    connection = http.client.HTTPConnection(reachable(bind), port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        words = answer.read(1000).decode(errors="replace")
        parts = json.loads(words)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    able = bool(parts.get("database") == "ok" and parts.get("redis") == "ok")
    if not able:
        web.tail.append(f"/readyz {answer.status}: {words}")
    return able
