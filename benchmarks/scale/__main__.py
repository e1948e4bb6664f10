"""How cost grows with the number of recipients: python -m benchmarks.scale; see benchmarks/README.md."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.compare.environments import ROOT
from benchmarks.compare.report import machine, replace_part
from benchmarks.compare.stage import ours
from benchmarks.scale.audience import audience_seconds
from tests.postgres import connected, start_postgres, stop_postgres

SIZES = {"sqlite": (1_000, 10_000, 100_000), "postgresql": (1_000, 10_000, 100_000, 1_000_000)}


@click.command()
@click.option("--only", type=click.Choice(tuple(SIZES)), multiple=True)
@click.option("--most", type=int, default=1_000_000, show_default=True, help="No run with more recipients.")
@click.option("--in-flight", type=click.IntRange(2), default=100, show_default=True)
@click.option("--write/--no-write", default=True, help="Results and table into the project.")
def main(only: tuple[str, ...], most: int, in_flight: int, write: bool) -> None:
    """Texts that the provider takes at once, so that what is measured is our own cost."""
    rows: list[dict[str, Any]] = []
    for database in only or SIZES:
        for size in (one for one in SIZES[database] if one <= most):
            with _database(database) as url:
                audience = audience_seconds(size, url)
            with _database(database) as url:
                figures = ours(size, 0, in_flight, *(["--database-url", url] if database != "sqlite" else []))
            rows.append({**figures, "audience_seconds": round(audience, 4)})
            print(f"{database} {size}: {figures['seconds']} s, audience {audience:.3f} s", file=sys.stderr)
    print(table(rows))
    if write:
        folder = ROOT / "benchmarks" / "results"
        folder.mkdir(exist_ok=True)
        (folder / "scale.json").write_text(json.dumps({"machine": machine(), "results": rows}, indent=1) + "\n")
        replace_part(ROOT / "docs" / "benchmarks.md", "scale", table(rows))


def table(rows: list[dict[str, Any]]) -> str:
    """The runs as Markdown."""
    lines = [
        "| database | recipients | seconds | a second | CPU s per 1,000 | largest worker, MB | audience resolved, s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        lines.append(
            f"| {row['database']} | {row['recipients']:,} | {row['seconds']:.2f} | {row['per_second']:,.0f} | "
            f"{row['cpu_per_1000']:.3f} | {row['peak_mb']:.0f} | {row['audience_seconds']:.2f} |"
        )
    return "\n".join(lines)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """An empty database, durable as in production."""
    folder = Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'dispatcher.sqlite'}"
            return
        url = start_postgres(folder)
        with connected(url) as connection:
            for option in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {option} = on")
            # The default fits a machine of the nineties; a quarter of the memory is what its manual advises.
            connection.exec_driver_sql("ALTER SYSTEM SET max_wal_size = '8GB'")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        yield url
    finally:
        if kind != "sqlite":
            stop_postgres(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
