"""Looks at open attempts several times a second: how long what a dead worker left lies, how long doubt lasts."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.model import Attempt, Delivery
from dispatcher.model.delivery import in_states
from dispatcher.storage import make_engine

EVERY = 0.25
LEFT_LYING = 2.0  # seconds after a kill in which the living would have ended theirs


@dataclass(slots=True)
class Seen:
    """One attempt: when it was seen open first and last, in doubt first, and when it was known."""

    channel: str
    first: float
    sending_until: float = 0.0
    doubted: float = 0.0
    closed: float = 0.0


@dataclass
class Watch:
    """Reads alone; a database that is away is asked again."""

    url: str
    over: threading.Event = field(default_factory=threading.Event)
    attempts: dict[str, Seen] = field(default_factory=dict)
    open_now: int = 0

    def run(self) -> None:
        """Until `over`."""
        engine = make_engine(self.url).execution_options(read_only=True)
        while not self.over.is_set():
            with contextlib.suppress(SQLAlchemyError):  # away: the next look will do
                self._look(engine)
            self.over.wait(EVERY)
        engine.dispose()

    def _look(self, engine: Engine) -> None:
        query = (
            select(Attempt.id, Delivery.channel, Delivery.state)
            .join(Delivery, (Delivery.id == Attempt.delivery_id) & (Delivery.tries == Attempt.n))
            .where(in_states(Delivery.state, "sending", "unknown"))
        )
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        now = time.time()
        for row in rows:
            seen = self.attempts.setdefault(row.id, Seen(row.channel, now))
            if row.state == "sending":
                seen.sending_until = now
            elif not seen.doubted:
                seen.doubted = now
        living = {row.id for row in rows}
        for number, seen in self.attempts.items():
            if not seen.closed and number not in living:
                seen.closed = now
        self.open_now = len(rows)

    def recoveries(self, kills: list[tuple[float, str]]) -> list[float]:
        """For each attempt that lay after a sender was killed: seconds until somebody took it over."""
        found = []
        for at, name in kills:
            channel = name.split("-")[0]
            for seen in self.attempts.values():
                lay = seen.channel == channel and seen.first <= at and seen.sending_until >= at + LEFT_LYING
                if lay:
                    found.append((seen.doubted or seen.closed or time.time()) - at)
        return found

    def doubts(self) -> list[float]:
        """Seconds that each doubt lasted, of those that ended."""
        return [seen.closed - seen.doubted for seen in self.attempts.values() if seen.doubted and seen.closed]
