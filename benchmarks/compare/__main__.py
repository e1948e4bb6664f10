"""One run of everything on one machine: python -m benchmarks.compare; see benchmarks/README.md."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from benchmarks.compare import mailing_list, report
from benchmarks.compare.contenders import CONTENDERS, Contender
from benchmarks.compare.environments import ROOT, environment
from benchmarks.compare.stage import Result, median, of_ours, ours, run
from dispatcher.bench.options import BenchError


@click.command()
@click.option("--recipients", type=click.IntRange(100), default=10_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Runs each; the median counts.")
@click.option("--in-flight", type=click.IntRange(2), default=100, show_default=True)
@click.option("--latency-ms", type=float, multiple=True, default=(0.0, 100.0), show_default=True)
@click.option("--only", multiple=True, help="Names of contenders, `ours` and `mailman`.")
@click.option("--write/--no-write", default=True, help="Results, table and picture into the project.")
def main(
    recipients: int, repeat: int, in_flight: int, latency_ms: tuple[float, ...], only: tuple[str, ...], write: bool
) -> None:
    """Compare."""
    folder = ROOT / "var" / "compare"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in CONTENDERS if not only or one.key in only]
    results: list[Result] = []
    if chosen:
        python = environment("compare", folder)
        for latency in latency_ms:
            results += _texts(chosen, python, not only or "ours" in only, recipients, repeat, latency, in_flight)
    if sys.version_info >= (3, 13):
        print("Left out: Mailman, which needs Python 3.11 or 3.12.", file=sys.stderr)
    elif not only or "mailman" in only:
        results += _mails(environment("mailman", folder), recipients, repeat)
    print(report.table(results))
    if write:
        report.keep(results, repeat)


def _texts(
    chosen: list[Contender], python: Path, with_ours: bool, recipients: int, repeat: int, latency: float, in_flight: int
) -> list[Result]:
    """In turns, so that a busy moment of the machine meets everybody."""
    runs: dict[str, list[Result]] = {}
    for _ in range(repeat):
        if with_ours:
            _note(runs, lambda: of_ours(ours(recipients, latency, in_flight), "sms"))
        for one in chosen:
            _note(runs, partial(run, one, python, recipients, latency, in_flight))
    return [median(some) for some in runs.values()]


def _mails(python: Path, recipients: int, repeat: int) -> list[Result]:
    """Mailman once: filling its list takes it minutes, and its time hardly varies."""
    runs: dict[str, list[Result]] = {}
    for _ in range(repeat):
        _note(runs, lambda: of_ours(ours(recipients, 0, 16, "--mix", "email", "--smtp"), "mail"))
    _note(runs, lambda: mailing_list.run(python, recipients))
    return [median(some) for some in runs.values()]


def _note(runs: dict[str, list[Result]], take: Callable[[], Result]) -> None:
    """One run more; one that comes to nothing is told and left out."""
    try:
        one = take()
    except BenchError as error:
        print(error, file=sys.stderr)
        return
    runs.setdefault(one.key, []).append(one)
    print(f"{one.key:14} {one.latency_ms:4g} ms  {one.seconds:9.3f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
