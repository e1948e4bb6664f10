"""The figures of one run, and how they are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. Seconds count from the moment the approving call began; docs/benchmarks.md explains each."""

    recipients: int
    mix: str
    latency_ms: float
    in_flight: int
    workers: int
    database: str
    seconds: float
    seconds_after_answer: float
    seconds_seen: float
    approval_seconds: float
    per_second: float
    bound_seconds: float
    cpu_per_1000: float
    peak_mb: float
    first_ms: float
    spread_p50: float
    spread_p95: float
    spread_last: float
    losses: int
    duplicates: int
    not_accepted: int
    requests: int
    in_flight_most: int
    fill_seconds: float
    carrier_cpu_per_1000: float

    @property
    def sound(self) -> bool:
        """True when every recipient was served exactly once."""
        return not (self.losses or self.duplicates or self.not_accepted)

    def as_json(self) -> dict[str, Any]:
        """For `--json`: names and plain numbers."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def show(figures: Figures, console: Console) -> None:
    """A small table for people."""
    f = figures
    table = Table(title=f"{f.recipients:,} recipients, {f.mix}, {f.latency_ms:g} ms, {f.in_flight} in flight", box=None)
    table.add_column("", style="bold")
    table.add_column("", justify="right")
    table.add_column("", style="dim")
    for name, value, about in (
        ("all accepted after", f"{f.seconds:.3f} s", f"from the approval; bound {f.bound_seconds:.3f} s"),
        ("rate", f"{f.per_second:,.0f}/s", f"{f.workers} workers a queue, {f.database}"),
        ("the approving call", f"{f.approval_seconds:.3f} s", "audience resolved, deliveries made"),
        ("first request", f"{f.first_ms:.0f} ms", "after the approval was committed"),
        ("spread", f"{f.spread_last:.3f} s", f"first to last; p50 {f.spread_p50:.3f}, p95 {f.spread_p95:.3f}"),
        ("CPU per 1,000", f"{f.cpu_per_1000:.3f} s", f"workers alone; carrier {f.carrier_cpu_per_1000:.3f}"),
        ("memory", f"{f.peak_mb:.0f} MB", "the largest worker"),
        ("requests", f"{f.requests:,}", f"at most {f.in_flight_most} at once"),
        ("losses, duplicates", f"{f.losses}, {f.duplicates}", "by the carrier's ledger; both must be 0"),
    ):
        table.add_row(name, value, about)
    if f.not_accepted:
        table.add_row("not accepted", f"{f.not_accepted}", "deliveries that the database does not call accepted")
    console.print(table)
