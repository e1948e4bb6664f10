"""How long what a worker claimed is its own, and how long it may leave."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.runtime import Runtime

# Of the lease: within so much of it everything leaves that was claimed. What waits longer goes back, so that a cancel,
# an opt-out or a pause meanwhile counts for it; and a request has time to be answered before the lease ends.
_LEAVES_WITHIN = 1 / 4


def lease_of(runtime: Runtime) -> timedelta:
    """A worker that has not renewed for so long is dead."""
    return timedelta(seconds=runtime.settings.lease_seconds)


class Lease:
    """Whether what was claimed may still leave, by this worker's own clock, which no standing still stops.

    A worker that was suspended and wakes must not send what others may have taken over meanwhile.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Made before the claim is committed."""
        self._runtime = runtime
        self._until = runtime.monotonic() + runtime.settings.lease_seconds * _LEAVES_WITHIN

    def holds(self) -> bool:
        return self._runtime.monotonic() < self._until
