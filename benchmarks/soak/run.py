"""One soak from an empty folder to its figures."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from benchmarks.soak import ledger
from benchmarks.soak.desk import Desk
from benchmarks.soak.history import History
from benchmarks.soak.nemesis import Nemesis
from benchmarks.soak.people import Caller, People
from benchmarks.soak.system import System
from benchmarks.soak.watch import Watch
from dispatcher.bench import directory
from dispatcher.bootstrap import build
from dispatcher.model import Attempt, Callback, Delivery, Letter, Message, Task
from dispatcher.runtime import Runtime
from dispatcher.services import accounts, verify
from dispatcher.services.oracle import Breach, Question
from dispatcher.settings import load_settings

OPEN = ("queued", "deferred", "sending", "unknown")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one soak is asked to do. Waits are in seconds; `lag` is how far the carrier's look-ups may lag."""

    kills: int = 2000
    database: str = "sqlite"
    seconds: float = 3600
    seed: int = 1
    fastest: float = 0.2
    slowest: float = 2.0
    customers: int = 150
    pause: float = 1.0  # between two releases
    lease: float = 6.0
    look_up_after: float = 1.0
    look_ups_apart: float = 3.0
    longest_stop: float = 12.0
    hang: float = 0.01  # share of requests that the carrier takes and never answers
    settle: float = 400.0

    @property
    def waits(self) -> dict[str, str]:
        """As the product's settings."""
        return {
            "LEASE_SECONDS": f"{self.lease:g}",
            "LOOK_UP_AFTER_SECONDS": f"{self.look_up_after:g}",
            "LOOK_UPS_APART_SECONDS": f"{self.look_ups_apart:g}",
        }


def brisk(kills: int, database: str, seed: int) -> Plan:
    """A plan for a test: short waits and many kills a second; a slow machine has all the time that it needs."""
    return Plan(
        kills=kills, database=database, seed=seed, seconds=400, fastest=0.05, slowest=0.3, customers=100,
        lease=4, look_up_after=0.5, look_ups_apart=2, longest_stop=8, hang=0, settle=400,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Times are in seconds; `breaches` are those the oracle named."""

    plan: dict[str, object]
    kills: int
    stops: int
    flushes: int
    valkey_restarts: int
    postgresql_restarts: int
    messages: int
    replies: int
    opt_outs: int
    responses: int
    orders: int
    deliveries: dict[str, int]
    attempts: int
    acceptances: int
    losses: int
    duplicates: int
    breaches: list[str]
    unknowns: int
    settled_p50: float | None
    settled_p99: float | None
    left_lying: int
    recovered_p50: float | None
    recovered_p99: float | None
    tasks: dict[str, int]
    ended_by_themselves: dict[str, int]
    refused: list[str]
    at_rest_after: float
    at_rest: bool
    seconds: float
    kept: str = ""  # the folder, where it is left to be looked at

    @property
    def clean(self) -> bool:
        return not self.breaches and self.at_rest


def soak(plan: Plan, folder: Path | None = None, say: Callable[[str], None] = lambda line: None) -> Figures:
    """Run it. Where all is well its folder is removed, unless it was named."""
    if folder is not None:
        return _soak(plan, folder, say)
    # Short, for sockets; PostgreSQL runs as another user, who must reach it.
    made = Path(tempfile.mkdtemp(prefix="soak-"))
    made.chmod(0o755)
    say(f"All of it is in {made}")
    figures = _soak(plan, made, say)
    if figures.clean:
        shutil.rmtree(made, ignore_errors=True)
    return replace(figures, kept="" if figures.clean else str(made))


def _soak(plan: Plan, folder: Path, say: Callable[[str], None]) -> Figures:
    began = time.monotonic()
    history = History(folder / "history.jsonl")
    history.note(plan=asdict(plan))
    system = System(folder / "var", plan.database, plan.customers, plan.waits, history)
    try:
        say(f"Starting the product on {plan.database} …")
        system.start()
        runtime = build(load_settings(**{name.lower(): value for name, value in system.settings.items()}))
        caller = Caller(system, _tokens(runtime))
        people = People(caller, _seeded(plan.seed + 1), plan.pause, plan.customers)
        desk = Desk(caller, _seeded(plan.seed + 2))
        nemesis = Nemesis(
            system, _seeded(plan.seed), plan.kills, plan.fastest, plan.slowest, plan.longest_stop,
            lag=0.6 * plan.look_ups_apart, hang=plan.hang,
        )  # fmt: skip
        watch = Watch(system.settings["DATABASE_URL"])
        threads = [threading.Thread(target=one.run, daemon=True) for one in (people, desk, watch)]
        for thread in threads:
            thread.start()
        say("Killing …")
        nemesis.run(plan.seconds)
        caller.over.set()
        for thread in threads[:2]:
            thread.join(30)
        say("No more faults; waiting until all is settled …")
        stopped = time.monotonic()
        rest = _until_at_rest(runtime, plan.settle, say)
        rested = time.monotonic() - stopped
        watch.over.set()
        threads[2].join(10)
        say("Asking the oracle …")
        entries = system.ask_carrier("GET", "/ledger").get("entries", [])
        with runtime.sessions() as session:
            breaches = verify.check(session, runtime, Question(at_rest=True, ledger=ledger.of(entries)))
        with runtime.sessions() as session:
            figures = _figures(
                session, plan, nemesis, people, desk, watch, system, breaches, len(entries), rest, rested, began
            )
        runtime.sessions.kw["bind"].dispose()
        return figures
    finally:
        system.stop()
        history.close()


def _seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # to be repeated, not to be secret


def _tokens(runtime: Runtime) -> dict[str, str]:
    with runtime.sessions() as session:
        made = {
            "author": accounts.make_token(session, runtime, directory.AUTHOR),
            "officer": accounts.make_token(session, runtime, directory.OFFICER),
            "rep": accounts.make_token(session, runtime, directory.REP),
        }
        session.commit()
    return made


def _until_at_rest(runtime: Runtime, seconds: float, say: Callable[[str], None]) -> bool:
    """Wait until nothing is open any more; False when that took too long."""
    until = time.monotonic() + seconds
    quiet = 0
    while time.monotonic() < until:
        try:
            with runtime.reader() as session:
                left = _open(session)
        except SQLAlchemyError:
            left = -1
        quiet = quiet + 1 if left == 0 else 0
        if quiet == 4:
            return True
        time.sleep(0.5)
    say(f"{left} rows are still open after {seconds:g} s")
    return False


def _open(session: Session) -> int:
    by_person = select(Task.delivery_id).where(Task.kind == "unknown", Task.delivery_id.is_not(None))
    letters_by_person = select(Task.letter_id).where(Task.kind == "unknown", Task.letter_id.is_not(None))
    return sum(
        session.scalar(query) or 0
        for query in (
            select(func.count()).where(
                Delivery.state.in_(OPEN), or_(Delivery.state != "unknown", Delivery.id.not_in(by_person))
            ),
            select(func.count()).where(
                Letter.state.in_(OPEN), or_(Letter.state != "unknown", Letter.id.not_in(letters_by_person))
            ),
            select(func.count()).where(Callback.state == "new"),
            select(func.count()).where(Message.state == "releasing"),
        )
    )


def _figures(
    session: Session,
    plan: Plan,
    nemesis: Nemesis,
    people: People,
    desk: Desk,
    watch: Watch,
    system: System,
    breaches: list[Breach],
    acceptances: int,
    rest: bool,
    rested: float,
    began: float,
) -> Figures:
    recovered, settled = watch.recoveries(nemesis.killed), watch.doubts()
    states = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
    tasks = session.execute(select(Task.kind, func.count()).group_by(Task.kind)).all()
    ended = Counter(one["ended"] for one in system.ends if one["status"] != -9)
    return Figures(
        plan=asdict(plan),
        kills=nemesis.counts["kill"],
        stops=nemesis.counts["stop"],
        flushes=nemesis.counts["flush"],
        valkey_restarts=nemesis.counts["restart valkey"],
        postgresql_restarts=nemesis.counts["restart postgresql"] + nemesis.counts["kill backend"],
        messages=people.approved,
        replies=people.replies,
        opt_outs=people.opted_out,
        responses=desk.answered,
        orders=desk.decided,
        deliveries={str(row[0]): int(row[1]) for row in states},
        attempts=session.scalar(select(func.count()).select_from(Attempt)) or 0,
        acceptances=acceptances,
        losses=sum(one.promise == "P1" for one in breaches),
        duplicates=sum(one.promise == "P2" for one in breaches),
        breaches=[str(one) for one in breaches[:100]],
        unknowns=sum(bool(one.doubted) for one in watch.attempts.values()),
        settled_p50=_share(settled, 0.5),
        settled_p99=_share(settled, 0.99),
        left_lying=len(recovered),
        recovered_p50=_share(recovered, 0.5),
        recovered_p99=_share(recovered, 0.99),
        tasks={str(row[0]): int(row[1]) for row in tasks},
        ended_by_themselves=dict(ended),
        refused=people.caller.refused[:20],
        at_rest_after=round(rested, 1),
        at_rest=rest,
        seconds=round(time.monotonic() - began, 1),
    )


def _share(figures: Sequence[float], share: float) -> float | None:
    ranked = sorted(figures)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 2) if ranked else None
