"""The clock: every second, what is due and what was left lying; every minute, an anchor for the audit chain."""

from __future__ import annotations

import json
import logging
import signal
import threading
import time
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.bells import Ring
from dispatcher.model import AuditEntry, Reply
from dispatcher.runtime import Runtime
from dispatcher.services import idempotency, sweep

log = logging.getLogger(__name__)

TICK = 1.0
# A ring may wait in a queue, so it is not repeated at once; a channel's is answered quickly or heard by nobody.
REPEAT_RING_AFTER, REPEAT_FAN_OUT_AFTER = 20.0, 3.0
ANCHOR_EVERY = 60.0


class Clock:
    """One clock. Several at once do no harm: every ring is for a row that only one worker can claim."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._rung: dict[Ring, float] = {}
        self._anchored_at = 0.0
        self._anchor = 0

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
        with self._runtime.sessions() as session:
            sweep.sweep(session, self._runtime)
            late = self._runtime.now() - timedelta(seconds=60)
            for reply_id in session.scalars(
                select(Reply.id)
                .where(Reply.recording_ref.is_not(None), Reply.recording_id.is_(None), Reply.received_at < late)
                .where(Reply.received_at > late - timedelta(days=1))
                .limit(100)
            ):
                session.info.setdefault("rings", []).append(("events", "fetch_recording", (reply_id,)))
            session.commit()
            rings: list[Ring] = session.info.pop("rings", [])
        now = self._runtime.monotonic()
        self._rung = {ring: at for ring, at in self._rung.items() if now - at < _repeat_after(self._runtime, ring)}
        fresh = [ring for ring in dict.fromkeys(rings) if ring not in self._rung]
        self._rung.update(dict.fromkeys(fresh, now))
        self._runtime.bells.ring(fresh)
        if now - self._anchored_at > ANCHOR_EVERY:
            self._anchored_at = now
            self._write_anchor()
            with self._runtime.sessions() as session:
                idempotency.forget_old(session, self._runtime.now())
                session.commit()

    def _write_anchor(self) -> None:
        """Note the head of the audit chain outside the database, so that a cut-off end is noticed."""
        with self._runtime.sessions() as session:
            head = session.execute(
                select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)
            ).one_or_none()
        if head is None or head.seq == self._anchor:
            return
        self._anchor = head.seq
        line = {"seq": head.seq, "hash": head.hash, "at": self._runtime.now().isoformat(timespec="seconds")}
        with open(self._runtime.settings.var_dir / "audit-anchors.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _repeat_after(runtime: Runtime, ring: Ring) -> float:
    """Seconds for which a ring may wait in its queue; no longer than until the same doubt is looked up again."""
    if ring[1] == "fan_out":
        return REPEAT_FAN_OUT_AFTER
    return min(REPEAT_RING_AFTER, runtime.settings.look_ups_apart_seconds)


def run(runtime: Runtime) -> None:
    """Run the clock in this process until it is told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Clock(runtime).run(stop)
