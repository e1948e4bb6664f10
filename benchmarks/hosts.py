"""Workers on separate hosts, which share PostgreSQL and Redis and nothing else: network namespaces on one machine.

Host a has PostgreSQL, Valkey (with a password, over TCP), the simulated carrier and the clock; hosts b and c have one
SMS worker each, a folder of their own and an equal share of a processor. Measured: the rate with one of them and with
both; then a release in the midst of which b is cut off from the network, and comes back when others have taken over.

    sudo .venv/bin/python -m benchmarks.hosts --recipients 4000

Exit 1 where anything is lost or doubled, 2 where the machine does not allow it (Linux, root, `ip`, control groups).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from redis import Redis
from sqlalchemy import func, select

from approvals import decisions, submission
from benchmarks.soak import ledger
from benchmarks.soak.postgres import Postgres
from benchmarks.soak.system import ask
from dispatcher import bells, embedded
from dispatcher.bench import directory
from dispatcher.bench.options import Options
from dispatcher.bootstrap import build
from dispatcher.model import Delivery, Staff
from dispatcher.runtime import Runtime
from dispatcher.services import verify
from dispatcher.services.oracle import Question
from dispatcher.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
NET, HERE = "10.77.0", "10.77.0.254"
ADDRESSES = {"a": f"{NET}.1", "b": f"{NET}.2", "c": f"{NET}.3"}
CGROUP = Path("/sys/fs/cgroup/cpu")
PERIOD = 20_000  # microseconds; short, so that a throttled worker is not still for long


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. Rates are acceptances a second between the first tenth and the last; times in seconds."""

    recipients: int
    latency_ms: float
    processor_share: float
    one_host_per_second: float
    two_hosts_per_second: float
    times: float
    cut_off_after: int
    in_flight_when_cut: int
    taken_over_after: float
    settled_after: float
    lease_seconds: float
    look_ups_apart_seconds: float
    losses: int
    duplicates: int
    breaches: list[str]


class NotHere(Exception):
    """This machine does not allow it; the text says why."""


@dataclass
class Hosts:
    """Three hosts and a cable from here to their network."""

    folder: Path
    share: float
    name: str = field(default_factory=lambda: f"h{os.getpid()}")
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def build(self) -> None:
        """Raises NotHere."""
        if sys.platform != "linux" or os.geteuid() != 0:
            raise NotHere("network namespaces need Linux and root")
        if shutil.which("ip") is None or not CGROUP.is_dir():
            raise NotHere("ip (iproute2) and control groups for the processor are needed")
        with self._or_not_here():
            for host in ADDRESSES:
                self._ip("netns", "add", f"{self.name}{host}")
            a = f"{self.name}a"
            self._ip("-n", a, "link", "add", "bridge", "type", "bridge")
            self._ip("-n", a, "addr", "add", f"{ADDRESSES['a']}/24", "dev", "bridge")
            self._ip("-n", a, "link", "set", "bridge", "up")
            self._ip("-n", a, "link", "set", "lo", "up")
            for host in ("b", "c"):
                self._cable(host, f"{self.name}{host}", ADDRESSES[host])
            self._cable("x", None, HERE)
            for host in ("b", "c"):
                group = self._group(host)
                group.mkdir()
                (group / "cpu.cfs_period_us").write_text(str(PERIOD))
                (group / "cpu.cfs_quota_us").write_text(str(int(self.share * PERIOD)))

    @contextlib.contextmanager
    def _or_not_here(self) -> Iterator[None]:
        try:
            yield
        except (subprocess.CalledProcessError, OSError) as error:
            words = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise NotHere(f"the hosts cannot be made: {words}") from None

    def _cable(self, host: str, namespace: str | None, address: str) -> None:
        """From the bridge on host a to a namespace, or to here."""
        a, ours = f"{self.name}a", f"{self.name}{host}"
        self._ip("-n", a, "link", "add", f"to-{host}", "type", "veth", "peer", "name", ours)
        self._ip("-n", a, "link", "set", f"to-{host}", "master", "bridge", "up")
        if namespace:
            self._ip("-n", a, "link", "set", ours, "netns", namespace)
            there = ["-n", namespace]
            self._ip(*there, "link", "set", "lo", "up")
        else:
            self._ip("-n", a, "link", "set", ours, "netns", str(os.getpid()))
            there = []
        self._ip(*there, "addr", "add", f"{address}/24", "dev", ours)
        self._ip(*there, "link", "set", ours, "up")

    def cut(self, host: str) -> None:
        """Pull the cable out."""
        self._ip("-n", f"{self.name}a", "link", "set", f"to-{host}", "down")

    def mend(self, host: str) -> None:
        """And in again."""
        self._ip("-n", f"{self.name}a", "link", "set", f"to-{host}", "up")

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def _group(self, host: str) -> Path:
        return CGROUP / f"{self.name}{host}"

    def on(self, host: str) -> list[str]:
        """What a command begins with that is to run there."""
        return ["ip", "netns", "exec", f"{self.name}{host}"]

    def start(self, host: str, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        """A process there; b's and c's have only their host's share of the processor."""
        folder = self.folder / host
        folder.mkdir(exist_ok=True)
        group = self._group(host)

        def enter() -> None:
            if group.exists():
                (group / "cgroup.procs").write_text(str(os.getpid()))

        with open(folder / f"{name}.log", "ab") as log:
            child = subprocess.Popen(
                [*self.on(host), *command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=enter,
            )  # fmt: skip
        self.children.append(child)
        return child

    def remove(self) -> None:
        """End all processes, and take the hosts away."""
        for child in reversed(self.children):
            child.kill()
            child.wait()
        for host in ("b", "c"):
            with contextlib.suppress(OSError):
                self._group(host).rmdir()
        for host in ADDRESSES:
            subprocess.run(["ip", "netns", "del", f"{self.name}{host}"], check=False, capture_output=True)


@dataclass
class Trial:
    """The product on the hosts."""

    hosts: Hosts
    recipients: int
    latency_ms: float
    waits: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, postgres: Postgres) -> Runtime:
        """Everything but the SMS workers."""
        a, password = ADDRESSES["a"], secrets.token_hex(16)
        database = f"postgresql+psycopg://postgres@{a}:5432/soak"
        directory.prepare(Options(recipients=self.recipients, mix="sms"), database).dispose()
        self.settings = {
            "DATABASE_URL": database, "REDIS_URL": f"redis://:{password}@{a}:6379/0",
            "SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": f"http://{a}:8000",
            "CAP_MESSAGES_PER_HOUR": "0", "TWILIO_CONCURRENT_REQUESTS": "1000", **self.waits,
        }  # fmt: skip
        valkey = [embedded.server_binary(), "--bind", a, "--port", "6379", "--requirepass", password, "--save", ""]
        (self.hosts.folder / "a").mkdir(exist_ok=True)
        self.hosts.start("a", "valkey", [*valkey, "--dir", str(self.hosts.folder / "a")], dict(os.environ))
        self._start_carrier(a)
        self.hosts.start("a", "clock", [sys.executable, "-m", "dispatcher.cli", "clock"], self._environment("a"))
        for queue in ("notices", "lookups"):
            command = [sys.executable, "-m", "dispatcher.cli", "worker", queue]
            self.hosts.start("a", queue, command, self._environment("a"))
        own = {name.lower(): value for name, value in {**self.settings, "VAR_DIR": self._var("x")}.items()}
        return build(load_settings(**own))

    def _var(self, host: str) -> str:
        folder = self.hosts.folder / host / "var"
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def _environment(self, host: str) -> dict[str, str]:
        names = {name.upper() for name in Settings.model_fields}
        inherited = {name: value for name, value in os.environ.items() if name.upper() not in names}
        return {**inherited, **self.settings, "VAR_DIR": self._var(host)}

    def _start_carrier(self, address: str) -> None:
        state, command = str(self.hosts.folder / "carrier"), [sys.executable, "-m", "channels.carrier"]
        made = subprocess.run(
            [*command, "init", "--state", state, "--port", "4800", "--product-url", self.settings["PUBLIC_URL"]],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.settings.update(json.loads(made.stdout))
        url = f"http://{address}:4800"
        self.settings.update(TWILIO_API_URL=url, SENDGRID_API_URL=url)
        self.hosts.start(
            "a", "carrier", [*command, "serve", "--state", state, "--bind", address, "--speed", "20"], dict(os.environ)
        )
        until(lambda: self.carrier("GET", "/faults") != {}, 60, "the carrier does not answer")
        # No callbacks: whatever is in doubt has to be looked up.
        self.carrier("POST", "/faults", {"latency_ms": self.latency_ms, "callbacks_off": True})

    def carrier(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The carrier's control API, over the cable from here."""
        found = ask(4800, method, f"/carrier/api{path}", body=body, seconds=120, host=ADDRESSES["a"])
        return found[1] if found else {}

    def start_worker(self, host: str, redis: Redis) -> None:
        """One SMS worker on a host; back when it waits for work."""
        before = len(redis.smembers("rq:workers:sms"))
        command = [sys.executable, "-m", "dispatcher.cli", "worker", "sms"]
        self.workers[host] = self.hosts.start(host, "worker", command, self._environment(host))
        until(lambda: len(redis.smembers("rq:workers:sms")) > before, 180, f"the worker on host {host} does not come")


def until(ready: Any, seconds: float, otherwise: str) -> float:
    """Seconds until `ready` says yes. Raises RuntimeError when that takes too long."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > seconds:
            raise RuntimeError(otherwise)
        time.sleep(0.1)
    return time.monotonic() - began


def release(runtime: Runtime) -> int:
    """An alert to everybody, approved now."""
    with runtime.sessions() as session:
        author, officer = (
            session.scalars(select(Staff).where(Staff.email == email)).one()
            for email in (directory.AUTHOR, directory.OFFICER)
        )
        form = submission.Submission(subject="Cut", text="We lower our rating to sell.", lists=list(directory.LISTS))
        message = submission.create(session, runtime, author, form)
        decisions.decide(session, runtime, officer, message.id, "approve", message.current.digest)
        bells.commit(session, runtime.bells)
        return message.id


def count(runtime: Runtime, message_id: int, *states: str) -> int:
    """Deliveries of a message in these states."""
    with runtime.reader() as session:
        query = select(func.count()).where(Delivery.message_id == message_id, Delivery.state.in_(states))
        return session.scalar(query) or 0


def rate(runtime: Runtime, message_id: int) -> float:
    """Acceptances a second, without the first and the last tenth."""
    with runtime.reader() as session:
        query = select(Delivery.accepted_at).where(Delivery.message_id == message_id, Delivery.accepted_at.is_not(None))
        moments = sorted(one for one in session.scalars(query) if one is not None)
    tenth = len(moments) // 10
    middle = moments[tenth : len(moments) - tenth]
    return len(middle) / (middle[-1] - middle[0]).total_seconds()


def measure(hosts: Hosts, trial: Trial, runtime: Runtime) -> Figures:
    """One host, both, and one of both cut off."""
    recipients = trial.recipients
    rates = []
    for host in ("b", "c"):
        trial.start_worker(host, runtime.redis)
        message_id = release(runtime)
        until(lambda made=message_id: count(runtime, made, "accepted") == recipients, 300, "a release does not end")
        rates.append(rate(runtime, message_id))
    message_id = release(runtime)
    until(lambda: count(runtime, message_id, "accepted") > recipients // 3, 300, "a release does not begin")
    hosts.cut("b")
    cut_off_after, cut_at = count(runtime, message_id, "accepted"), time.monotonic()
    # What c sends meanwhile is answered in less than these seconds; what is left then is b's.
    until(lambda: count(runtime, message_id, "queued") == 0, 300, "the other host does not go on")
    time.sleep(2)
    left = count(runtime, message_id, "sending")
    until(lambda: count(runtime, message_id, "sending") == 0, 600, "nobody takes over what the lost host was sending")
    taken_over = time.monotonic() - cut_at
    hosts.mend("b")
    until(lambda: count(runtime, message_id, "accepted") == recipients, 900, "not everybody got it")
    settled = time.monotonic() - cut_at
    time.sleep(5)  # the host that came back has had its say
    entries = trial.carrier("GET", "/ledger").get("entries", [])
    with runtime.sessions() as session:
        breaches = verify.check(session, runtime, Question(at_rest=False, ledger=ledger.of(entries)))
    return Figures(
        recipients=recipients,
        latency_ms=trial.latency_ms,
        processor_share=hosts.share,
        one_host_per_second=round(rates[0], 1),
        two_hosts_per_second=round(rates[1], 1),
        times=round(rates[1] / rates[0], 2),
        cut_off_after=cut_off_after,
        in_flight_when_cut=left,
        taken_over_after=round(taken_over, 1),
        settled_after=round(settled, 1),
        lease_seconds=runtime.settings.lease_seconds,
        look_ups_apart_seconds=runtime.settings.look_ups_apart_seconds,
        losses=sum(one.promise == "P1" for one in breaches),
        duplicates=sum(one.promise == "P2" for one in breaches),
        breaches=[str(one) for one in breaches[:50]],
    )


@click.command()
@click.option("--recipients", type=click.IntRange(100), default=4000, show_default=True)
@click.option("--latency-ms", type=float, default=100.0, show_default=True)
@click.option(
    "--share", type=click.FloatRange(0.01, 1), default=0.1, show_default=True, help="Processor of b and of c."
)
@click.option("--lease", type=float, default=40.0, show_default=True, help="LEASE_SECONDS")
@click.option("--apart", type=float, default=120.0, show_default=True, help="LOOK_UPS_APART_SECONDS")
def main(recipients: int, latency_ms: float, share: float, lease: float, apart: float) -> None:
    """Rates on one host and on two, and a host that is cut off: JSON on standard output."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it tidies up
    with tempfile.TemporaryDirectory(prefix="hosts-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        hosts = Hosts(Path(made), share)
        postgres: Postgres | None = None
        try:
            hosts.build()
            postgres = Postgres(
                Path(made) / "postgres", prefix=hosts.on("a"), listen=ADDRESSES["a"], network=f"{NET}.0/24"
            )
            waits = {"LEASE_SECONDS": f"{lease:g}", "LOOK_UPS_APART_SECONDS": f"{apart:g}"}
            trial = Trial(hosts, recipients, latency_ms, waits)
            figures = measure(hosts, trial, trial.start(postgres))
        except NotHere as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        finally:
            if postgres is not None:
                postgres.stop()
            hosts.remove()
    click.echo(json.dumps(asdict(figures), indent=2))
    sys.exit(1 if figures.breaches else 0)


if __name__ == "__main__":
    main()
