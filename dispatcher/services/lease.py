"""How long a worker may go on with what it claimed."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.runtime import Runtime

_EARLY = 1 / 8  # of the lease: its end, in which nothing more is started


def lease_of(runtime: Runtime) -> timedelta:
    """A worker that has not renewed for so long is dead."""
    return timedelta(seconds=runtime.settings.lease_seconds)


class Lease:
    """How long this worker may go on sending what it claimed, by its own clock, which no standing still stops.

    A worker that was suspended and wakes must not send what others may have taken over meanwhile.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._until = self._end()

    def renew(self) -> None:
        """Called before each lease is committed. One that has run out stays so: others may have taken over."""
        if self.holds():
            self._until = self._end()

    def _end(self) -> float:
        return self._runtime.monotonic() + self._runtime.settings.lease_seconds * (1 - _EARLY)

    def holds(self) -> bool:
        return self._runtime.monotonic() < self._until
