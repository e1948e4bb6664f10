"""Judges a simulated world: at every commit what no row tells afterwards, and at the end everything else."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.services import verify
from dispatcher.services.oracle import SKEW, Accepted, Question
from tests.simulator.build import store
from tests.simulator.world import World


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
    AND s.address = coalesce(d.address, l.address) AND s.lifted_at IS NULL
    AND (s.topic = '' OR s.topic = (SELECT v.topic FROM versions v WHERE v.message_id = m.id AND v.number = m.version))
    AND (d.id IS NOT NULL OR s.reason <> 'doubt')),
  m.state,
  (SELECT count(*) FROM attempts o WHERE o.delivery_id = a.delivery_id AND o.state IN ('sending', 'unknown'))
FROM attempts a LEFT JOIN deliveries d ON d.id = a.delivery_id LEFT JOIN letters l ON l.id = a.letter_id
LEFT JOIN messages m ON m.id = d.message_id
WHERE a.rowid > ? ORDER BY a.rowid
"""


def ask(world: World, watch: Watch, *, clock_was_wrong: bool = False, at_rest: bool = False) -> list[str]:
    """Every breach of a promise that the oracle and the watch find now, with all that the carrier knows."""
    asked = Question(
        skew=timedelta(hours=3) if clock_was_wrong else SKEW,
        at_rest=at_rest,
        ledger=[
            Accepted(
                channel=one.channel,
                address=one.address,
                at=one.when,
                attempt=one.attempt,
                ref=one.ref,
                subject=one.rendition.subject,
                text=one.rendition.text,
                html=one.rendition.html,
                told=world.carrier.told.get(one.ref, ""),
            )
            for one in world.carrier.ledger
        ],
    )
    runtime = world.runtimes["web"]
    with runtime.sessions() as session:
        breaches = [str(one) for one in verify.check(session, runtime, asked)]
    return [*watch.breaches, *(f"fault {one}" for one in world.faults), *breaches]


def judge(world: World, watch: Watch, *, clock_was_wrong: bool = False) -> list[str]:
    """The same when nothing is to move any more."""
    found = ask(world, watch, clock_was_wrong=clock_was_wrong, at_rest=True)
    return [*found, *(f"P1 {count} {kind} never came to rest" for kind, count in store().waiting().items())]
