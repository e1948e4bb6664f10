"""What one benchmark is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Of twenty recipients, how many have each channel as their first choice.
MIXES: Mapping[str, Mapping[str, int]] = {
    "sms": {"sms": 20},
    "email": {"email": 20},
    "voice": {"voice": 20},
    "mixed": {"sms": 10, "email": 9, "voice": 1},
}


class BenchError(Exception):
    """The benchmark cannot go on; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """Recipients, their channels, the carrier's latency, requests under way at once, workers a queue.

    `database_url` empty: SQLite in the run's own folder. `profile`: a folder for a profile of each sending worker.
    `keep`: leave the run's folder behind. `smtp`: mail by SMTP, one each, in place of the HTTP API.
    """

    recipients: int = 10_000
    mix: str = "sms"
    latency_ms: float = 100.0
    in_flight: int = 1000
    workers: int = 2
    database_url: str = ""
    profile: Path | None = None
    keep: bool = False
    smtp: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of the mix."""
        return tuple(MIXES[self.mix])
