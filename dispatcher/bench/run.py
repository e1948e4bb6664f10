"""One benchmark from an empty folder to its figures."""

from __future__ import annotations

import contextlib
import http.client
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from redis import Redis
from rq import Queue, Worker
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from dispatcher import embedded
from dispatcher.bench import directory
from dispatcher.bench.bank import ALERT, CarrierDesk, Desk
from dispatcher.bench.carrier import ACCOUNT
from dispatcher.bench.figures import Figures
from dispatcher.bench.options import BenchError, Options
from dispatcher.bench.processes import PYTHON, Processes
from dispatcher.bench.watch import CommitWatch, Progress
from dispatcher.settings import Settings, valkey_socket

BESIDE = ("notices", "lookups")  # queues whose one worker runs beside those that are measured
START_SECONDS = 60.0
STALL_SECONDS = 120.0
POLL_SECONDS = 0.02

Say = Callable[[str], None]


@dataclass
class Bench:
    """One run. Everything it writes is in `folder`."""

    options: Options
    environment: Mapping[str, str]
    folder: Path
    say: Say
    go_on: Callable[[], None]
    processes: Processes = field(init=False)
    settings: dict[str, str] = field(init=False)
    carrier: CarrierDesk = field(init=False)
    port: int = 0
    fill_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.port = _free_port()
        self.settings = {
            "VAR_DIR": str(self.folder),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PORT": str(self.port),
            "DATABASE_URL": self.options.database_url or f"sqlite:///{self.folder / 'dispatcher.sqlite'}",
            "REDIS_URL": f"unix://{valkey_socket(self.folder)}",
        }

    @contextlib.contextmanager
    def running(self) -> Iterator[Engine]:
        """The product on a full directory, loaded and idle. Raises BenchError where it cannot be had."""
        started = time.monotonic()
        self.say("Filling the directory …")
        engine = self._filled()
        self.fill_seconds = time.monotonic() - started
        # Settings of this machine's own product must reach nobody here, least of all an account.
        names = {name.upper() for name in Settings.model_fields}
        inherited = {name: value for name, value in self.environment.items() if name.upper() not in names}
        self.processes = Processes(self.folder, {**inherited, **self.settings})
        try:
            self.say("Starting the product …")
            self._start()
            self.go_on()
            yield engine
        finally:
            if killed := self.processes.stop():
                self.say(f"Did not stop when told to: {', '.join(killed)}")
            if self.options.database_url:
                with contextlib.suppress(DBAPIError):
                    directory.clear(engine)
            engine.dispose()

    def _filled(self) -> Engine:
        try:
            return directory.prepare(self.options, self.settings["DATABASE_URL"])
        except (DBAPIError, ArgumentError) as error:
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise BenchError(f"--database-url cannot be used: {reason}") from None

    # --- the product

    def _start(self) -> None:
        """Doorbell, carrier, web, workers, clock; back when all of them are loaded and idle."""
        folder, sock = embedded.prepare_valkey(self.folder)
        self.processes.start("valkey", embedded.valkey_command(sock), cwd=folder)
        url = self.settings["REDIS_URL"]
        self.processes.wait(lambda: embedded.answers(url), START_SECONDS, "Valkey does not answer")
        latency = f"{self.options.latency_ms:g}"
        told = self.processes.start(
            "carrier", [*PYTHON, "dispatcher.bench.carrier", "--latency-ms", latency], says=True
        )
        self.carrier = CarrierDesk(told["port"])
        self.settings.update(self._account(f"http://127.0.0.1:{told['port']}"))
        if self.options.smtp:
            self.settings.update(EMAIL_PROVIDER="smtp", SMTP_URL=f"smtp://127.0.0.1:{told['smtp']}")
        self.processes.add_environment(self.settings)
        self.processes.start("web", [*PYTHON, "dispatcher.cli", "web"])
        for name in self.senders:
            self.processes.start(name, self._worker(name))
        for queue in BESIDE:
            self.processes.start(f"worker-{queue}", [*PYTHON, "dispatcher.cli", "worker", queue])
        self.processes.start("clock", [*PYTHON, "dispatcher.cli", "clock"])
        self.processes.wait(lambda: _is_ready(self.port), START_SECONDS, "the web server is not ready")
        with Redis.from_url(url) as redis:
            self.processes.wait(lambda: self._workers_are_there(redis), START_SECONDS, "the workers are not ready")
        self.processes.wait_until_idle()

    @property
    def senders(self) -> list[str]:
        """Names of the worker processes that send."""
        return [f"worker-{channel}-{n}" for channel in self.options.channels for n in range(self.options.workers)]

    def _worker(self, name: str) -> list[str]:
        queue = name.split("-")[1]
        if self.options.profile is None:
            return [*PYTHON, "dispatcher.cli", "worker", queue]
        self.options.profile.mkdir(parents=True, exist_ok=True)
        path = (self.options.profile / f"{name}.prof").resolve()
        return [*PYTHON, "dispatcher.bench.profiled", str(path), queue]

    def _workers_are_there(self, redis: Redis) -> bool:
        wanted = dict.fromkeys(self.options.channels, self.options.workers) | dict.fromkeys(BESIDE, 1)
        return all(
            Worker.count(queue=Queue(name, connection=redis, serializer="json")) >= count
            for name, count in wanted.items()
        )

    def _account(self, url: str) -> dict[str, str]:
        """An account at the carrier whose limits are those of the run, and no other limit."""
        in_flight = str(self.options.in_flight)
        return {
            "TWILIO_API_URL": url,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            "TWILIO_SMS_FROM": "+12025550100",
            "TWILIO_VOICE_FROM": "+12025550101",
            "TWILIO_CONCURRENT_REQUESTS": in_flight,
            "TWILIO_CALLS_PER_SECOND": "1000000",
            "CAP_CALLS_PER_HOUR": "0",
            "SENDGRID_API_URL": url,
            "SENDGRID_API_KEY": f"SG.{secrets.token_hex(16)}",
            "SENDGRID_CONCURRENT_REQUESTS": in_flight,
            "SMTP_CONNECTIONS": in_flight,
            "EMAIL_FROM": "alerts@bank.example",
            "INBOUND_EMAIL_DOMAIN": "in.bank.example",
        }

    def token(self, email: str) -> str:
        """An API token of a member of staff."""
        done = subprocess.run(
            [*PYTHON, "dispatcher.cli", "token", email],
            env=self.processes.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"no API token: {done.stderr.strip()}")
        return done.stdout.strip()

    # --- the measuring

    def measure(self, engine: Engine) -> Figures:
        """One release, from its approval to its last acceptance, with the product running and idle."""
        author, officer = (Desk(self.port, self.token(email)) for email in (directory.AUTHOR, directory.OFFICER))
        message = author.ask("POST", "/messages", {**ALERT, "lists": list(directory.LISTS)})
        for _ in range(4):  # the officer reads it; each web process has then answered once
            officer.ask("GET", f"/messages/{message['id']}")
        self.processes.wait_until_idle()
        before = self.carrier.summary()
        cpu = self.processes.cpu(self.senders)
        watch = CommitWatch(engine, message["id"])
        watch.start()
        self.say("Approving …")
        asked_at = time.time()
        try:
            officer.ask(
                "POST", f"/messages/{message['id']}/decisions", {"decision": "approve", "digest": message["digest"]}
            )
        finally:
            watch.over.set()
        answered_at = time.time()
        progress = Progress(engine, message["id"])
        self.wait_for_the_last(progress)
        seen_at = time.time()
        cpu = self.processes.cpu(self.senders) - cpu
        after = self.carrier.summary()
        watch.join()
        return self._figures(
            progress, cpu, before, after,
            asked_at=asked_at, committed_at=min(watch.at or answered_at, answered_at),
            answered_at=answered_at, seen_at=seen_at,
        )  # fmt: skip

    def wait_for_the_last(self, progress: Progress) -> None:
        """Raises BenchError when nothing arrives at the carrier for long."""
        requests, moved_at = -1, time.monotonic()
        while not progress.is_done():
            self.processes.all_live()
            if time.monotonic() - moved_at > 5:
                now = int(self.carrier.summary()["requests"])
                if now == requests and time.monotonic() - moved_at > STALL_SECONDS:
                    raise BenchError(f"no request for {STALL_SECONDS:g} s: deliveries are {progress.states()}")
                if now != requests:
                    requests, moved_at = now, time.monotonic()
            time.sleep(POLL_SECONDS)

    def _figures(
        self,
        progress: Progress,
        cpu: float,
        before: dict[str, float],
        after: dict[str, float],
        *,
        asked_at: float,
        committed_at: float,
        answered_at: float,
        seen_at: float,
    ) -> Figures:
        options = self.options
        approved_at = progress.approved_at()
        first, median, most, last = progress.accepted_at()
        ledger, owed = self.carrier.ledger(), progress.owed()
        requests = int(after["requests"])
        thousands = options.recipients / 1000
        return Figures(
            recipients=options.recipients,
            mix=options.mix,
            latency_ms=options.latency_ms,
            in_flight=options.in_flight,
            workers=options.workers,
            database=self.settings["DATABASE_URL"].partition(":")[0].partition("+")[0],
            seconds=last - approved_at,
            seconds_after_answer=last - answered_at,
            seconds_seen=seen_at - approved_at,
            approval_seconds=answered_at - asked_at,
            per_second=options.recipients / (last - approved_at),
            bound_seconds=max(1.0, requests / options.in_flight) * options.latency_ms / 1000,
            cpu_per_1000=cpu / thousands,
            peak_mb=self.processes.peak_mb(self.senders),
            first_ms=(after["first"] - max(committed_at, approved_at)) * 1000,
            spread_p50=median - first,
            spread_p95=most - first,
            spread_last=last - first,
            losses=options.recipients - len(owed) + sum(one not in ledger for one in owed),
            duplicates=sum(count - 1 for count in ledger.values()),
            not_accepted=sum(count for state, count in progress.states().items() if state != "accepted"),
            requests=requests,
            in_flight_most=int(after["most_under_way"]),
            fill_seconds=self.fill_seconds,
            carrier_cpu_per_1000=(after["cpu"] - before["cpu"]) / thousands,
        )


@contextlib.contextmanager
def opened(options: Options, environment: Mapping[str, str], say: Say = lambda _: None) -> Iterator[Bench]:
    """A benchmark in a folder of its own, which is gone afterwards. Raises BenchError or KeyboardInterrupt."""
    _allow_many_files(options.in_flight)
    if options.smtp and "email" not in options.channels:
        raise BenchError(f"--smtp is for mail, and there is none in --mix {options.mix}")
    if options.database_url:
        _check_reachable(options.database_url)
    with _stopped_by_signals() as go_on, _own_folder(options.keep, say) as folder:
        yield Bench(options, environment, folder, say, go_on)


def run(options: Options, environment: Mapping[str, str], say: Say = lambda _: None) -> Figures:
    """One release, measured. Raises BenchError or KeyboardInterrupt."""
    with opened(options, environment, say) as bench, bench.running() as engine:
        return bench.measure(engine)


@contextlib.contextmanager
def _own_folder(keep: bool, say: Say) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dispatcher-bench-"))
    try:
        yield folder
    finally:
        if keep:
            say(f"Kept: {folder}")
        else:
            # A process that was killed a moment ago may have written once more in the middle of it.
            for _ in range(20):
                shutil.rmtree(folder, ignore_errors=True)
                if not folder.exists():
                    break
                time.sleep(0.1)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[Callable[[], None]]:
    """TERM and a closed terminal end a run as Ctrl-C does: with everything tidied up.

    What is yielded raises KeyboardInterrupt where a signal has come: Python ignores an exception in a hook of a fork,
    and with it the signal.
    """
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        raise KeyboardInterrupt

    def go_on() -> None:
        if stopped:
            raise KeyboardInterrupt

    numbers = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield go_on
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _allow_many_files(in_flight: int) -> None:
    """Each request under way is a connection, here and at the carrier."""
    wanted = in_flight + 512
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise BenchError(f"--in-flight {in_flight} needs {wanted} open files, and this user may have {hard}")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _check_reachable(url: str) -> None:
    try:
        engine = create_engine(url)
        engine.connect().close()
        engine.dispose()
    except (DBAPIError, ArgumentError, ImportError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise BenchError(f"--database-url cannot be used: {reason}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
