"""Kill the product's processes thousands of times and ask the oracle.

    .venv/bin/python -m benchmarks.soak --kills 2000 --database postgresql

Exit 1 on any breach. `--folder` keeps the history (JSON lines), the logs and the database.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.soak.run import Plan, soak


@click.command()
@click.option("--kills", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=3600.0, show_default=True, help="At most, before the end.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the nemesis and of what people do.")
@click.option("--fastest", type=float, default=0.2, show_default=True, help="Seconds between two acts, at least.")
@click.option("--slowest", type=float, default=2.0, show_default=True, help="And at most.")
@click.option("--customers", type=click.IntRange(10), default=150, show_default=True)
@click.option("--pause", type=float, default=1.0, show_default=True, help="Seconds between two releases.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep everything there.")
def main(
    kills: int,
    database: str,
    seconds: float,
    seed: int,
    fastest: float,
    slowest: float,
    customers: int,
    pause: float,
    folder: Path | None,
) -> None:
    """The kill soak: JSON on standard output."""  # fmt: skip
    plan = Plan(
        kills=kills, database=database, seconds=seconds, seed=seed, fastest=fastest, slowest=slowest,
        customers=customers, pause=pause,
    )  # fmt: skip
    figures = soak(plan, folder, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(asdict(figures), indent=2))
    sys.exit(0 if figures.clean else 1)


if __name__ == "__main__":
    main()
