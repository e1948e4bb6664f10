"""One run of everything on one machine: python -m benchmarks.compare; see benchmarks/README.md."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.compare import report
from benchmarks.compare.contenders import CONTENDERS, Contender
from benchmarks.compare.environments import ROOT, environment
from benchmarks.compare.stage import Result, median, of_ours, ours, run
from dispatcher.bench.options import BenchError


@click.command()
@click.option("--recipients", type=click.IntRange(100), default=10_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Runs each; the median counts.")
@click.option("--in-flight", type=click.IntRange(2), default=100, show_default=True)
@click.option("--latency-ms", type=float, multiple=True, default=(0.0, 100.0), show_default=True)
@click.option("--only", multiple=True, help="Names of contenders, and `ours`.")
@click.option("--write/--no-write", default=True, help="Results, table and picture into the project.")
def main(
    recipients: int, repeat: int, in_flight: int, latency_ms: tuple[float, ...], only: tuple[str, ...], write: bool
) -> None:
    """Compare."""
    chosen = [one for one in CONTENDERS if not only or one.key in only]
    folder = ROOT / "var" / "compare"
    folder.mkdir(parents=True, exist_ok=True)
    python = environment("compare", folder)
    results: list[Result] = []
    for latency in latency_ms:
        runs: dict[str, list[Result]] = {}
        for _ in range(repeat):  # in turns, so that a busy moment of the machine meets everybody
            if not only or "ours" in only:
                _note(runs, of_ours(ours(recipients, latency, in_flight)))
            for contender in chosen:
                _note(runs, _tried(contender, python, recipients, latency, in_flight))
        results += [median(some) for some in runs.values()]
    print(report.table(results))
    if write:
        report.keep(results, repeat)


def _tried(contender: Contender, python: Path, recipients: int, latency: float, in_flight: int) -> Result | None:
    try:
        return run(contender, python, recipients, latency, in_flight)
    except BenchError as error:
        print(f"{contender.name}: {error}", file=sys.stderr)
        return None


def _note(runs: dict[str, list[Result]], one: Result | None) -> None:
    if one is not None:
        runs.setdefault(one.key, []).append(one)
        print(f"{one.key:14} {one.latency_ms:4g} ms  {one.seconds:9.3f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
