"""A whole bank with its carrier in one thread, from one seed: processes, queues, database, time.

What runs is the product's own code, from `dispatcher.jobs` and `dispatcher.clock` downwards; only what lies outside
of it is simulated: the event loop's time, Redis, the providers' side of the wire, and the operating system's right to
kill or stop a process at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from types import CodeType, ModuleType
from typing import Any

from redis.exceptions import ConnectionError as Away
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only, greenlet_spawn

from dispatcher import bells, clock, jobs
from dispatcher.clock import Clock
from dispatcher.model.errors import DispatcherError
from dispatcher.model.ports import WebRequest
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks
from tests.simulator.build import runtime_of, store
from tests.simulator.carrier import Carrier
from tests.simulator.loop import VirtualLoop
from tests.simulator.process import Killed, Process
from tests.simulator.providers import signed
from tests.simulator.redis import Server
from tests.simulator.store import locked, no_answer

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WORKERS = ("sms", "sms", "email", "voice", "notices", "events", "lookups")
IDLE_TICK = 120.0  # seconds between the ticks of a clock while no row is due
UseCase = Callable[[Session, Runtime], Any]


@cache
def _jobs() -> CodeType:
    return compile(inspect.getsource(jobs), jobs.__file__, "exec")


class World:
    """One simulated bank. `chance` is everything's seed; `now` the time of day, which may jump.

    `trip` is asked at every side effect of a process and says what goes wrong there: "" nothing, "kill", "lock"
    (at a begin or before a commit) or "lost" (after a commit).
    """

    def __init__(self, seed: int | str, image: str = "town", since: World | None = None) -> None:
        """A world in a place, or one that goes on from where another, kept under `image`, has come to rest."""
        self.seed = seed
        self.chance = random.Random(f"world {seed}")
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(self._unheard)
        self.jump = timedelta()
        self.counts: Counter[str] = Counter()
        self.history: list[str] = []
        self.faults: list[str] = []  # errors of the product that nothing injected explains
        self.trip: Callable[[Process, str, str], str] = lambda process, kind, when: ""
        self.after_commit: Callable[[], None] = lambda: None
        self.redis = Server(self.loop, random.Random(f"redis {seed}"), self.count)
        self.carrier = Carrier(self.loop, random.Random(f"carrier {seed}"), self.true_now, self.note, self._post)
        self.processes: dict[str, Process] = {}
        self.runtimes: dict[str, Runtime] = {}
        self._all: list[Process] = []
        self._incarnations: Counter[str] = Counter()
        self._posts: set[asyncio.Task[None]] = set()
        store().begin(image)
        self.files: dict[str, bytes] = dict(since.files) if since else {}  # of VAR_DIR
        store().lay_out(self.files)
        if since is not None:
            self.loop.begin_at(since.loop.time())
            self.carrier.go_on(since.carrier)

    # --- time and record

    def true_now(self) -> datetime:
        """What every clock but ours shows."""
        return START + timedelta(seconds=self.loop.time())

    def now(self) -> datetime:
        return self.true_now() + self.jump

    def note(self, text: str) -> None:
        self.history.append(f"{self.loop.time():10.3f} {text}")

    def count(self, what: str) -> None:
        self.counts[what] += 1
        self.note(f"** {what}")

    def digest(self) -> str:
        """The same for two runs exactly when the same things happened in them."""
        return hashlib.sha256("\n".join(self.history).encode()).hexdigest()[:16]

    def _unheard(self, _loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OperationalError | ConnectionError | Away):
            self.faults.append(f"nobody heard of {type(error).__name__}: {error}")

    # --- processes

    def effect(self, process: Process, kind: str, when: str) -> None:
        """Called at every side effect of a live process."""
        if kind == "commit" and when == "after":
            self.after_commit()
        fault = self.trip(process, kind, when)
        if not fault:
            return
        self.count(f"{fault} {when} {kind.partition(' ')[0]}" if fault == "kill" else f"database {fault}")
        if fault == "kill":
            self.kill(process)
        elif fault == "lock":
            if kind == "begin":
                raise locked()
            raise locked().orig or locked()
        elif fault == "lost":
            raise no_answer()

    def boot(self, names: tuple[str, ...] = WORKERS, clocks: int = 1) -> None:
        """Start the web, the clocks and the workers."""
        self.spawn("web")
        for number in range(clocks):
            self.spawn(f"clock-{number + 1}")
        seen: Counter[str] = Counter()
        for queue in names:
            seen[queue] += 1
            self.spawn(f"{queue}-{seen[queue]}")

    def spawn(self, name: str) -> Process:
        self._incarnations[name] += 1
        process = Process(name, self.loop, self, f"{self.seed} {name} {self._incarnations[name]}")
        self.processes[name] = process
        self._all.append(process)
        self.runtimes[name] = runtime = runtime_of(process, self.loop, self.carrier, self.redis, self.now)
        kind = name.partition("-")[0]
        if kind == "clock":
            process.start(self._tick(process, runtime))
        elif kind != "web":
            process.start(self._work(process, runtime, kind))
        return process

    def kill(self, process: Process, back_after: float | None = None) -> None:
        """SIGKILL; the supervisor starts it anew after some seconds."""
        if process.dead:
            return
        self.note(f"{process.name} is killed")
        process.kill()
        delay = self.chance.uniform(1, 15) if back_after is None else back_after
        self.loop.outside(delay, self._restart, process)

    def _restart(self, process: Process) -> None:
        if self.processes[process.name] is process:
            self.note(f"{process.name} starts again")
            self.spawn(process.name)

    def stop(self, process: Process, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        if not process.frozen and not process.dead:
            self.note(f"{process.name} stands still for {seconds:.0f} s")
            process.freeze()
            self.loop.outside(seconds, self._wake, process)

    def _wake(self, process: Process) -> None:
        if process.frozen:
            self.note(f"{process.name} wakes")
            process.thaw()

    async def _work(self, process: Process, runtime: Runtime, queue: str) -> None:
        """RQ's simple worker: one job after the other, and a failed one is logged and forgotten."""
        module = ModuleType(jobs.__name__)  # its own globals, as in a process of its own
        exec(_jobs(), module.__dict__)  # noqa: S102  # the product's own source
        module.__dict__["_run"] = lambda work: await_only(asyncio.wait_for(work, jobs.JOB_LIMIT))
        module.__dict__["configure"](runtime)
        while True:
            _, function, ids = await self.redis.take(queue)
            self.note(f"{process.name} runs {function}{ids}")
            try:
                await greenlet_spawn(module.__dict__[function], *ids)
            except Exception as error:
                self._failed(f"{process.name}: {function}", error)

    async def _tick(self, process: Process, runtime: Runtime) -> None:
        """Clock.run in virtual time, without those ticks that could find nothing: they cost the most."""
        one = Clock(runtime)
        await asyncio.sleep(process.chance.uniform(0, clock.TICK))
        ticked, commits = -IDLE_TICK, -1
        while True:
            now, changed = self.loop.time(), commits != store().commits
            if store().anything_due(self.now()):
                pause = clock.TICK if changed else 3.0
            else:
                pause = 5.0 if changed else IDLE_TICK
            if now - ticked >= pause:
                ticked, commits = now, store().commits
                try:
                    one.tick()
                except (SQLAlchemyError, OSError) as error:
                    self._failed(process.name, error)
            await asyncio.sleep(clock.TICK)

    def _failed(self, where: str, error: Exception) -> None:
        """An injected fault may end a job; anything else is a fault of the product."""
        self.note(f"{where} failed: {type(error).__name__}")
        if not isinstance(error, OperationalError | ConnectionError | Away):
            self.faults.append(f"{where}: {type(error).__name__}: {error}")

    # --- doors

    def door(self, work: UseCase) -> Any:
        """What a page or a resource does, in the web process: one use case, commit, ring.

        Raises the use case's errors; Killed when the process dies meanwhile, OperationalError when the database fails.
        """
        web, runtime = self.processes["web"], self.runtimes["web"]
        if web.dead or web.frozen:
            raise ConnectionError("the web is down")

        def inside() -> Any:
            with runtime.sessions() as session:
                result = work(session, runtime)
                bells.commit(session, runtime.bells)
                return result

        return web.call(inside)

    def attempt(self, what: str, work: UseCase) -> bool:
        """A person's try through the door: True when it was answered, whatever the answer."""
        try:
            self.door(work)
        except DispatcherError as error:
            self.note(f"{what}: no, {type(error).__name__}")
        except (Killed, OperationalError, ConnectionError) as error:
            self.note(f"{what}: no answer, {type(error).__name__}")
            return False
        else:
            self.note(f"{what}: done")
        return True

    def _post(self, provider: str, what: str, body: dict[str, object], authentic: bool, tries: int = 0) -> None:
        """A vendor's callback arrives at the door for webhooks; one that is not answered is sent again some times."""
        request = signed(provider, what, body, authentic)
        try:
            self.door(lambda session, runtime: _keep(session, runtime, provider, what, request))
        except (Killed, OperationalError, ConnectionError):
            if tries < 3 or what == "inbound":
                self.loop.outside(30 * 2 ** min(tries, 6), self._post, provider, what, body, authentic, tries + 1)
            else:
                self.count("callback given up by the vendor")
        else:
            if what == "status" and authentic:
                self.carrier.heard(body)

    def post(self, provider: str, what: str, body: dict[str, object]) -> None:
        """An authentic callback now."""
        self._post(provider, what, body, True)

    @contextlib.contextmanager
    def looking(self) -> Iterator[Session]:
        """A look into the database that is nobody's side effect."""
        with self.runtimes["web"].reader() as session:
            yield session

    # --- running

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let the world go on until this has been done."""
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        """End everything that is left, the dead included, without a trace in the database."""
        for process in self._all:
            for task in process.bury():
                self._bury(task)
        self.loop.close()
        self.files = store().files()
        store().close()

    def _bury(self, task: asyncio.Task[Any]) -> None:
        try:
            self.loop.run_until_complete(asyncio.wait({task}, timeout=60))
        except BaseException as error:
            logging.getLogger(__name__).debug("burial: %s", type(error).__name__)


def _keep(session: Session, runtime: Runtime, provider: str, what: str, request: WebRequest) -> None:
    """The door of `webhooks`, without HTTP: what is not authentic is refused and changes nothing."""
    if runtime.adapters.sources[provider].verify(request):
        callbacks.keep(session, runtime, provider, what, request)
