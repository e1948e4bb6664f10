"""One contender at work: a fresh carrier, a fresh Redis, its processes; what it took."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.compare.contenders import Contender
from dispatcher import embedded
from dispatcher.bench.bank import CarrierDesk
from dispatcher.bench.options import BenchError
from dispatcher.bench.processes import PYTHON, Processes
from dispatcher.settings import valkey_socket

JOBS = Path(__file__).with_name("jobs")
STALL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds from the first hand-over to the last answer of the provider, for all recipients."""

    key: str
    work: str  # sms or mail
    recipients: int
    measured: int  # of the recipients; the times are scaled up where it is fewer
    latency_ms: float
    in_flight: int
    seconds: float
    first_ms: float
    cpu_per_1000: float
    peak_mb: float
    losses: int
    duplicates: int

    def as_json(self) -> dict[str, Any]:
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def run(contender: Contender, python: Path, recipients: int, latency_ms: float, in_flight: int) -> Result:
    """One run. Raises BenchError where it comes to nothing."""
    count = max(100, int(recipients * contender.share)) if contender.share < 1 else recipients
    plan = contender.plan(count, in_flight)
    folder = Path(tempfile.mkdtemp(prefix="compare-"))
    redis = f"unix://{valkey_socket(folder)}"
    processes = Processes(folder, {**os.environ, "REDIS_URL": redis, "PYTHONPATH": str(JOBS)})
    try:
        told = _start_servers(processes, folder, redis, latency_ms)
        carrier = CarrierDesk(told["port"])
        processes.add_environment({"CARRIER_URL": f"http://127.0.0.1:{told['port']}"})
        processes.add_environment({"PYTHONPATH": ""})
        names: list[str] = []
        for n, command in enumerate(plan.workers):
            names.append(f"worker-{n}")
            processes.start(names[-1], _command(python, command, redis), cwd=JOBS)
        if names:
            time.sleep(1.0)
            processes.wait_until_idle()
        before = processes.cpu(names)
        told_by = _begin(processes.environment, [_command(python, one, redis) for one in plan.starters])
        summary = _wait(carrier, count)
        cpu, peak = processes.cpu(names) - before, processes.peak_mb(names)
        if not names:  # who begins the work does it all
            cpu, peak = sum(one["cpu"] for one in told_by), max(one["peak_mb"] for one in told_by)
        began = min(one["began"] for one in told_by)
        ledger = carrier.ledger()
        scale = recipients / count
        return Result(
            key=contender.key,
            work="sms",
            recipients=recipients,
            measured=count,
            latency_ms=latency_ms,
            in_flight=in_flight,
            seconds=(summary["answered"] - began) * scale,
            first_ms=max(0.0, summary["first"] - began) * 1000,
            cpu_per_1000=cpu / count * 1000,
            peak_mb=peak,
            losses=count - len(ledger),
            duplicates=sum(times - 1 for times in ledger.values()),
        )
    finally:
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _start_servers(processes: Processes, folder: Path, redis: str, latency_ms: float) -> dict[str, int]:
    place, path = embedded.prepare_valkey(folder)
    processes.start("valkey", embedded.valkey_command(path), cwd=place)
    processes.wait(lambda: embedded.answers(redis), 30, "Valkey does not answer")
    processes.add_environment({"PYTHONPATH": str(Path(__file__).resolve().parents[2])})
    command = [*PYTHON, "dispatcher.bench.carrier", "--latency-ms", f"{latency_ms:g}"]
    return processes.start("carrier", command, says=True)


def _command(python: Path, command: tuple[str, ...], redis: str) -> list[str]:
    return [str(python.with_name(command[0])), *(part.format(redis=redis) for part in command[1:])]


def _begin(environment: dict[str, str], commands: list[list[str]]) -> list[dict[str, float]]:
    """Run those who begin the work, all at the same moment; when each did, what it used."""
    running = [
        subprocess.Popen(
            command, cwd=JOBS, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=embedded.tie_to_parent(),
        )
        for command in commands
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()  # loaded
    told = []
    for process in running:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("\n")
            process.stdin.flush()
    for command, process in zip(commands, running, strict=True):
        out, err = process.communicate()
        if process.returncode:
            raise BenchError(f"{' '.join(command)}: {(err.strip().splitlines() or ['failed'])[-1]}")
        told.append(json.loads(out))
    return told


def _wait(carrier: CarrierDesk, entries: int) -> dict[str, Any]:
    moved_at, last = time.monotonic(), -1
    while True:
        summary = carrier.summary()
        if summary["entries"] >= entries and not summary["under_way"]:
            return summary
        if summary["entries"] != last:
            moved_at, last = time.monotonic(), summary["entries"]
        if time.monotonic() - moved_at > STALL_SECONDS:
            raise BenchError(f"{last} of {entries} after {STALL_SECONDS:g} s without any more")
        time.sleep(0.05)


def ours(recipients: int, latency_ms: float, in_flight: int, *more: str) -> dict[str, Any]:
    """The figures of one `dispatcher bench`."""
    command = [*PYTHON, "dispatcher.cli", "bench", "--recipients", str(recipients), "--latency-ms", f"{latency_ms:g}"]
    command += ["--in-flight", str(in_flight), "--workers", "2", "--json", *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, check=False)
    if done.returncode:
        raise BenchError("dispatcher bench failed")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def median(runs: list[Result]) -> Result:
    """The run in the middle by its time, with the losses and duplicates of all."""
    middle = sorted(runs, key=lambda one: one.seconds)[len(runs) // 2]
    return replace(middle, losses=sum(one.losses for one in runs), duplicates=sum(one.duplicates for one in runs))


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def of_ours(figures: dict[str, Any], work: str) -> Result:
    """The product's figures, counted by its own harder rule: from the beginning of the approval to the last commit."""
    return Result(
        key="ours",
        work=work,
        recipients=figures["recipients"],
        measured=figures["recipients"],
        latency_ms=figures["latency_ms"],
        in_flight=figures["in_flight"],
        seconds=figures["seconds"],
        first_ms=figures["first_ms"],
        cpu_per_1000=figures["cpu_per_1000"],
        peak_mb=figures["peak_mb"],
        losses=figures["losses"],
        duplicates=figures["duplicates"],
    )
