"""The clock: every second, what is due and what was left lying; every minute, whether the database is what it was."""

from __future__ import annotations

import logging
import signal
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from dispatcher.bells import Ring
from dispatcher.runtime import Runtime
from dispatcher.services import caps, idempotency, missed_texts, reconcile, sweep
from dispatcher.watch import observe

log = logging.getLogger(__name__)

TICK = 1.0
# A ring may wait in a queue, so it is not repeated at once; a channel's is answered quickly or heard by nobody.
REPEAT_RING_AFTER, REPEAT_FAN_OUT_AFTER = 20.0, 3.0
OBSERVE_EVERY = 60.0
JUMP = 2.0  # seconds by which the time of day may run off between two ticks; ordinary corrections are far smaller
AWAY = 60.0  # seconds without a tick, after which posts of the vendors may have found nobody


class Clock:
    """One clock. Several at once do no harm: every ring is for a row that only one worker can claim."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._rung: dict[Ring, float] = {}
        self._observed_at: float | None = None
        self._ticked_at: float | None = None
        self._ahead: float | None = None  # of the time of day before the monotonic clock, at the last tick

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop. A tick that fails is logged and the next one tried."""
        while not stop.is_set():
            started = time.monotonic()
            try:
                self.tick()
            except (SQLAlchemyError, OSError) as error:
                log.warning("the clock waits for the database or disk: %s", type(error).__name__)
            stop.wait(max(0.1, TICK - (time.monotonic() - started)))

    def tick(self) -> None:
        """One round. A row that was rung for a moment ago is not rung for again: it may wait in a queue."""
        if self._observed_at is None or self._runtime.monotonic() - self._observed_at > OBSERVE_EVERY:
            self._observe()
        with self._runtime.sessions() as session:
            ahead = self._runtime.now().timestamp() - self._runtime.monotonic()
            if self._ahead is not None and abs(ahead - self._ahead) > JUMP:
                log.warning("the time of day has jumped by %+.0f s", ahead - self._ahead)
                reconcile.mistrust_times(session, self._runtime)
                session.commit()
            if self._ticked_at is None or self._runtime.monotonic() - self._ticked_at > AWAY:
                missed_texts.ask_at_once(session, self._runtime)
                session.commit()
            for part in sweep.PARTS:
                sweep.sweep(session, self._runtime, part)
                session.commit()  # each takes its locks in its own order
            rings: list[Ring] = session.info.pop("rings", [])
        self._ahead = ahead  # only now: a tick that failed must not have noticed in vain
        now = self._ticked_at = self._runtime.monotonic()
        self._rung = {ring: at for ring, at in self._rung.items() if now - at < _repeat_after(self._runtime, ring)}
        fresh = [ring for ring in dict.fromkeys(rings) if ring not in self._rung]
        self._rung.update(dict.fromkeys(fresh, now))
        self._runtime.bells.ring(fresh)

    def _observe(self) -> None:
        """Before anything is rung for: a restored database waits for a person. Then note how far it is."""
        observe(self._runtime, anchors=True)
        self._observed_at = self._runtime.monotonic()
        with self._runtime.sessions() as session:
            idempotency.forget_old(session, self._runtime.now())
            caps.forget_old(session, self._runtime.now())
            session.commit()


def _repeat_after(runtime: Runtime, ring: Ring) -> float:
    """Seconds for which a ring may wait in its queue; no longer than until the same doubt is looked up again."""
    if ring[1] == "fan_out":
        return REPEAT_FAN_OUT_AFTER
    if ring[1] == "look_ups":
        return min(REPEAT_FAN_OUT_AFTER, runtime.settings.look_ups_apart_seconds)
    return REPEAT_RING_AFTER


def run(runtime: Runtime) -> None:
    """Run the clock in this process until it is told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Clock(runtime).run(stop)
