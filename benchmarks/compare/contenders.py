"""Who takes part and how each is set up: as its documentation recommends, on as many processes as there are cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CORES = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """Processes to start beforehand and the one that begins the work; paths are those of its environment's bin."""

    workers: tuple[tuple[str, ...], ...]
    starters: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Contender:
    """`share` is the part of the recipients it gets: the slow ones fewer, and their time is scaled up."""

    key: str
    name: str
    how: str
    plan: Callable[[int, int], Plan]  # recipients, requests in flight
    share: float = 1.0


def _start(what: str) -> Callable[[int], tuple[str, ...]]:
    return lambda count: ("python", "start.py", what, str(count))


def _rq(preloaded: bool) -> Callable[[int, int], Plan]:
    worker = ("python", "rq_preloaded.py") if preloaded else ("rq", "worker", "--url", "{redis}", "-q", "texts")
    return lambda count, _: Plan((worker,) * CORES, (_start("rq")(count),))


def _celery(count: int, in_flight: int) -> Plan:
    # One request a process: more processes than cores where each waits for the provider.
    processes = str(CORES if in_flight <= CORES else min(in_flight, 64))
    worker = ("celery", "-A", "celery_jobs", "worker", "-P", "prefork", "-c", processes, "-l", "warning")
    return Plan((worker,), (_start("celery")(count),))


def _dramatiq(count: int, in_flight: int) -> Plan:
    threads = str(max(8, min(in_flight // CORES, 64)))
    worker = ("dramatiq", "dramatiq_jobs", "--processes", str(CORES), "--threads", threads)
    return Plan((worker,), (_start("dramatiq")(count),))


def _threads(count: int, _: int) -> Plan:
    return Plan((), (_start("threads")(count),))


def _bare(client: str) -> Callable[[int, int], Plan]:
    def plan(count: int, in_flight: int) -> Plan:
        part = count // CORES
        parts = [(n * part, part if n < CORES - 1 else count - n * part) for n in range(CORES)]
        each = str(max(1, in_flight // CORES))
        return Plan((), tuple(("python", "bare.py", client, str(first), str(many), each) for first, many in parts))

    return plan


BARE = f"{CORES} processes, uvloop, pooled; nothing kept or checked"

CONTENDERS = (
    Contender("bare", "bare client, the same as ours", BARE, _bare("pyreqwest")),
    Contender("bare-aiohttp", "bare aiohttp client", BARE, _bare("aiohttp")),
    Contender("threads", "SDK in a thread pool", "one process, 64 threads, a kept connection each", _threads),
    Contender("dramatiq", "Dramatiq", f"one message each, Redis, {CORES} processes, 8 to 64 threads each", _dramatiq),
    Contender("celery", "Celery", "one task each, Redis, prefork, 2 to 64 processes, no results", _celery),
    Contender("rq-preloaded", "RQ, imports beforehand", f"one job each, {CORES} forking workers", _rq(True), share=0.1),
    Contender("rq", "RQ", f"one job each, {CORES} × `rq worker`", _rq(False), share=0.02),
)
