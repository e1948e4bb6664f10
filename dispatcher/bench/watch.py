"""Looks at the database from outside while the product works: when the approval was committed, when all was settled."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from sqlalchemy import Engine, func, or_, select

from dispatcher.bench.options import BenchError
from dispatcher.model import Delivery, Message
from dispatcher.model.delivery import unfinished


class CommitWatch(threading.Thread):
    """Notes when a message's approval becomes visible to others, by one look too early rather than too late."""

    def __init__(self, engine: Engine, message_id: int) -> None:
        super().__init__(daemon=True)
        self._query = select(Message.approved_at).where(Message.id == message_id)
        self._connection = engine.connect().execution_options(read_only=True)
        self.at: float | None = None
        self.over = threading.Event()
        self._visible()  # connected and compiled before the clock runs

    def _visible(self) -> bool:
        found = self._connection.execute(self._query).scalar() is not None
        self._connection.rollback()
        return found

    def run(self) -> None:
        """Look until it is there or nobody asks any more."""
        with self._connection:
            looked_at = time.time()
            while not self.over.is_set():
                now = time.time()
                if self._visible():
                    self.at = looked_at
                    return
                looked_at = now
                time.sleep(0.002)


class Progress:
    """How far a release is."""

    def __init__(self, engine: Engine, message_id: int) -> None:
        self._engine, self._message_id = engine, message_id

    def is_done(self) -> bool:
        """True when nothing of it waits or is on its way."""
        # By the indexes: a look every 20 ms must not be what is measured.
        query = select(or_(*unfinished(self._message_id)))
        with self._engine.connect().execution_options(read_only=True) as connection:
            return not connection.execute(query).scalar_one()

    def states(self) -> dict[str, int]:
        """Deliveries by state."""
        query = (
            select(Delivery.state, func.count()).where(Delivery.message_id == self._message_id).group_by(Delivery.state)
        )
        with self._engine.connect().execution_options(read_only=True) as connection:
            return {row.state: row[1] for row in connection.execute(query)}

    def approved_at(self) -> float:
        """When the approving call began to decide, as the database has it."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            at = connection.execute(select(Message.approved_at).where(Message.id == self._message_id)).scalar_one()
        return _seconds(at)

    def accepted_at(self) -> list[float]:
        """Of the accepted deliveries the times of the first, the median, the 95th of a hundred and the last."""
        mine = (Delivery.message_id == self._message_id, Delivery.accepted_at.is_not(None))
        with self._engine.connect().execution_options(read_only=True) as connection:
            count = connection.execute(select(func.count()).where(*mine)).scalar_one()
            if not count:
                raise BenchError(f"nothing was accepted: deliveries are {self.states()}")
            places = (0, (count - 1) // 2, (count - 1) * 95 // 100, count - 1)
            ordered = select(Delivery.accepted_at).where(*mine).order_by(Delivery.accepted_at)
            return [_seconds(connection.execute(ordered.offset(n).limit(1)).scalar_one()) for n in places]

    def owed(self) -> list[tuple[str, str]]:
        """(channel, address) of every delivery."""
        query = select(Delivery.channel, Delivery.address).where(Delivery.message_id == self._message_id)
        with self._engine.connect().execution_options(read_only=True) as connection:
            return [(channel, address) for channel, address in connection.execute(query)]


def _seconds(at: datetime | None) -> float:
    if at is None:
        raise BenchError("the message was not approved")
    return at.timestamp()
