"""Judges a simulated world: at every commit what no row tells afterwards, and at the end everything else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sqlalchemy import select

from dispatcher.model import Attempt, Message
from dispatcher.runtime import Runtime
from dispatcher.services import renditions, verify
from tests.simulator.carrier import hash_of
from tests.simulator.world import World, store

# Breaches that are read off times of day, which mean nothing when the clocks were wrong.
BY_TIME = ("started although", "started before", "started after", "is missing or empty")


class Watch:
    """Looks at the database after each commit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._raw = store().raw
        self._last = 0
        self._doubts: dict[str, float] = {}
        self.settled_in: list[float] = []  # seconds from doubt to certainty
        self.breaches: list[str] = []
        world.after_commit = self.look

    def look(self) -> None:
        """Called after each commit that wrote something: nothing else has happened since."""
        for row in self._raw.execute(_STARTED, (self._last,)):
            number, attempt, channel, address, suppressed, state, open_ones = row
            self._last = max(self._last, number)
            name = f"attempt {attempt} by {channel} to {address}"
            if suppressed:
                self.breaches.append(f"P4 {name} was committed while an opt-out was in force")
            if state not in (None, "releasing", "released"):
                self.breaches.append(f"P4 {name} was committed while its message was {state}")
            if open_ones > 1:
                self.breaches.append(f"P2 {name} was committed while another attempt was open")
        now = self._world.loop.time()
        doubts = {one for (one,) in self._raw.execute("SELECT id FROM attempts WHERE state = 'unknown'")}
        for one in doubts - self._doubts.keys():
            self._doubts[one] = now
        for one in self._doubts.keys() - doubts:
            self.settled_in.append(round(now - self._doubts.pop(one), 1))


_STARTED = """
SELECT a.rowid, a.id, coalesce(d.channel, l.channel), coalesce(d.address, l.address),
  (d.id IS NOT NULL OR l.kind = 'response') AND EXISTS (
    SELECT 1 FROM suppressions s WHERE s.channel = coalesce(d.channel, l.channel)
    AND s.address = coalesce(d.address, l.address) AND s.lifted_at IS NULL),
  m.state,
  (SELECT count(*) FROM attempts o WHERE o.delivery_id = a.delivery_id AND o.state IN ('sending', 'unknown'))
FROM attempts a LEFT JOIN deliveries d ON d.id = a.delivery_id LEFT JOIN letters l ON l.id = a.letter_id
LEFT JOIN messages m ON m.id = d.message_id
WHERE a.rowid > ? ORDER BY a.rowid
"""


def judge(world: World, watch: Watch, *, clock_was_wrong: bool = False) -> list[str]:
    """Every breach of a promise that the database, the carrier's ledger and the watch show."""
    found = [*watch.breaches, *(f"fault {one}" for one in world.faults)]
    found += [f"P1 {count} {kind} never came to rest" for kind, count in store().waiting().items()]
    runtime = world.runtimes["web"]
    with runtime.sessions() as session:
        breaches = [str(one) for one in verify.check(session, runtime)]
    found += [one for one in breaches if not (clock_was_wrong and any(text in one for text in BY_TIME))]
    found += ledger(world, runtime)
    return found


def ledger(world: World, runtime: Runtime) -> list[str]:
    """What truly arrived, against what the database says and what was approved."""
    found = []
    times: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for entry in world.carrier.ledger:
        times[entry.category, entry.channel, entry.address].append(entry.attempt)
    for (category, channel, address), attempts in times.items():
        if len(attempts) > 1:
            found.append(f"P2 {category} reached {address} by {channel} {len(attempts)} times: {', '.join(attempts)}")
    with world.looking() as session:
        known = {one.id: one for one in session.scalars(select(Attempt))}
        approved: dict[tuple[str, str], str] = {}
        for entry in world.carrier.ledger:
            attempt = known.get(entry.attempt)
            if attempt is None:
                found.append(f"P1 attempt {entry.attempt} reached {entry.address} and is not in the database")
                continue
            if attempt.delivery is None:
                continue
            key = (entry.category, entry.channel)
            if key not in approved:
                message = session.get_one(Message, int(entry.category.removeprefix("message-")))
                approved[key] = hash_of(replace(renditions.content_for(session, runtime, message, entry.channel)))
            if approved[key] != entry.what:
                found.append(f"P3 {entry.category} by {entry.channel} to {entry.address} is not what was approved")
    reached = {entry.attempt for entry in world.carrier.ledger}
    for one in known.values():
        if one.state in ("accepted", "delivered", "bounced") and one.id not in reached:
            found.append(f"P1 attempt {one.id} is {one.state}, and the carrier never got it")
    return found
