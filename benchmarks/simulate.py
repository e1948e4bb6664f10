"""Many simulated worlds, one seed each: `python -m benchmarks.simulate --seeds 5000 --seconds 600`.

Prints figures as JSON, with the seed of each failure. `--seed N` replays one, with everything that happened in it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from tests.simulator.simulation import Verdict, simulate


@dataclass
class Figures:
    """What all seeds together showed. Times to settle are seconds of the simulated time."""

    seeds: int = 0
    hours: float = 0.0
    messages: int = 0
    sends: int = 0
    settled_in: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)

    def add(self, one: dict[str, Any]) -> None:
        self.seeds += 1
        self.hours += one["hours"]
        self.messages += one["messages"]
        self.sends += one["sends"]
        self.settled_in += one["settled_in"]
        self.faults.update(one["faults"])
        if one["breaches"]:
            self.failures[one["seed"]] = one["breaches"]

    def as_json(self, seconds: float) -> dict[str, Any]:
        told = [text for some in self.failures.values() for text in some]
        return {
            "seeds": self.seeds,
            "seconds": round(seconds, 1),
            "simulated_hours": round(self.hours, 1),
            "messages": self.messages,
            "sends": self.sends,
            "unknown_outcomes": len(self.settled_in),
            "unknown_settled_p50": _percentile(self.settled_in, 0.50),
            "unknown_settled_p99": _percentile(self.settled_in, 0.99),
            "faults": dict(self.faults.most_common()),
            "faults_in_all": sum(self.faults.values()),
            "losses": sum(text.startswith("P1") for text in told),
            "duplicates": sum(text.startswith("P2") for text in told),
            "other_breaches": sum(not text.startswith(("P1", "P2")) for text in told),
            "failed_seeds": {str(seed): some[:5] for seed, some in sorted(self.failures.items())},
        }


def _percentile(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _line(verdict: Verdict) -> str:
    return json.dumps(
        {
            "seed": verdict.seed, "breaches": verdict.breaches, "digest": verdict.digest, "hours": verdict.hours,
            "messages": verdict.messages, "sends": verdict.sends, "settled_in": verdict.settled_in,
            "faults": verdict.faults,
        }
    )  # fmt: skip


def replay(seed: int) -> int:
    """Show one world: its history, then the verdict."""
    verdict = simulate(seed)
    print("\n".join(verdict.history))
    print(f"\nhistory {verdict.digest}: {verdict.hours:.1f} h, {verdict.messages} messages, {verdict.sends} sends")
    for text in verdict.breaches:
        print(f"BREACH {text}")
    return 1 if verdict.breaches else 0


def some(seeds: range) -> None:
    """The part of one child process: a line for each seed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that it tidies up
    for seed in seeds:
        print(_line(simulate(seed)), flush=True)


def many(first: int, count: int, seconds: float, processes: int) -> Figures:
    """Seeds from `first` on, over several processes, until `count` of them or the time has gone by."""
    lines: Queue[str | None] = Queue()
    children = []
    for number in range(processes):
        of = f"{first + number}:{first + count}:{processes}"
        command = [sys.executable, "-m", "benchmarks.simulate", "--part", of]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        children.append(child)
        threading.Thread(target=_listen, args=(child, lines), daemon=True).start()
    figures, left, until = Figures(), processes, time.monotonic() + seconds
    while left and (rest := until - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=min(rest, 1.0))
        except Empty:
            continue
        if line is None:
            left -= 1
        else:
            figures.add(json.loads(line))
            _show(figures)
    for child in children:
        child.terminate()
        child.wait()
    return figures


def _listen(child: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        lines.put(line)
    lines.put(None)


def _show(figures: Figures) -> None:
    if sys.stderr.isatty():
        text = f"\r{figures.seeds} seeds, {figures.sends} sends, {len(figures.failures)} failed "
        print(text, end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no seed broke a promise, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many at the most")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long at the most")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="replay this one and show its history")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.seed is not None:
        return replay(asked.seed)
    if asked.part:
        some(range(*(int(part) for part in asked.part.split(":"))))
        return 0
    began = time.monotonic()
    figures = many(asked.first, asked.seeds, asked.seconds, asked.processes)
    print(json.dumps(figures.as_json(time.monotonic() - began), indent=2))
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main())
