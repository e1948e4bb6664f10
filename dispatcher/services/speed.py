"""How fast something goes, as it is now rather than as it was on the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatcher.runtime import Runtime

STEP = 0.1  # seconds


@dataclass(slots=True)
class Speed:
    """Add to `count` whatever happens; half of what is told is about the last tenth of a second."""

    runtime: Runtime
    count: int = 0
    _told: float = 0.0
    _counted: int = 0
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.runtime.monotonic()

    def a_second(self) -> float:
        """How many there are a second."""
        passed = self.runtime.monotonic() - self._since
        if passed >= STEP:
            latest = (self.count - self._counted) / passed
            self._told = (self._told + latest) / 2 if self._counted else latest
            self._counted, self._since = self.count, self._since + passed
        return self._told
