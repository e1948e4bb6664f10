"""An urgent alert during a large ordinary release: how much longer from its first customer to its last than alone.

    .venv/bin/python -m benchmarks.urgent --ordinary 100000 --urgent 2000

The marks: its spread at most 1.2 times what it is alone, and its first customer within a moment of the approval.
Prints JSON; exit status 1 where something was lost or doubled.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from statistics import median

import click
from sqlalchemy import Engine, insert, literal, select

from dispatcher.bench import directory
from dispatcher.bench.bank import ALERT, Desk
from dispatcher.bench.options import BenchError, Options
from dispatcher.bench.run import Bench, opened
from dispatcher.bench.watch import Progress
from dispatcher.model import Customer, Delivery, DistributionList, ListMember

LIST = "urgent"


class Trial:
    """The people and the lists of one run."""

    def __init__(self, bench: Bench, engine: Engine, urgent: int) -> None:
        self._bench, self._engine = bench, engine
        with engine.begin() as connection:
            number = connection.execute(
                insert(DistributionList).values(key=LIST, name="Urgent").returning(DistributionList.id)
            ).scalar_one()
            step = max(1, bench.options.recipients // urgent)
            chosen = select(literal(number), Customer.id).where(Customer.id % step == 0).limit(urgent)
            connection.execute(insert(ListMember).from_select(["list_id", "customer_id"], chosen))
        self._author, self._officer = (
            Desk(bench.port, bench.token(one)) for one in (directory.AUTHOR, directory.OFFICER)
        )

    def release(self, lists: list[str], urgency: str) -> Progress:
        """Submit and approve; returns when the approval is answered."""
        message = self._author.ask("POST", "/messages", {**ALERT, "lists": lists, "urgency": urgency})
        decision = {"decision": "approve", "digest": message["digest"]}
        self._officer.ask("POST", f"/messages/{message['id']}/decisions", decision)
        return Progress(self._engine, message["id"])

    def spread(self, progress: Progress) -> dict[str, float]:
        """Seconds from the approval to the first, and from the first to the last, once all have been accepted."""
        self._bench.wait_for_the_last(progress)
        first, _, _, last = progress.accepted_at()
        return {"first": first - progress.approved_at(), "spread": last - first}

    def owed(self) -> Counter[tuple[str, str]]:
        """How often each (channel, address) is to be reached, over all messages."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            return Counter((row.channel, row.address) for row in connection.execute(select(Delivery)))


@click.command(help=__doc__)
@click.option("--ordinary", default=100_000, show_default=True, help="Recipients of the ordinary release.")
@click.option("--urgent", default=2_000, show_default=True, help="Recipients of the urgent alert.")
@click.option("--latency-ms", default=100.0, show_default=True)
@click.option("--in-flight", default=100, show_default=True)
@click.option("--times", default=3, show_default=True, help="How often each way; the medians are compared.")
@click.option("--database-url", default="", help="An empty database; SQLite otherwise.")
def main(ordinary: int, urgent: int, latency_ms: float, in_flight: int, times: int, database_url: str) -> None:
    options = Options(ordinary, "sms", latency_ms, in_flight, database_url=database_url)
    try:
        with opened(options, os.environ, lambda line: click.echo(line, err=True)) as bench, bench.running() as engine:
            trial = Trial(bench, engine, urgent)
            alone = [trial.spread(trial.release([LIST], "urgent")) for _ in range(times)]
            going = trial.release(list(directory.LISTS), "normal")
            time.sleep(2)
            during = [trial.spread(trial.release([LIST], "urgent")) for _ in range(times)]
            still_going = not going.is_done()
            bench.wait_for_the_last(going)
            carried, owed = bench.carrier.ledger(), trial.owed()
    except BenchError as error:
        raise click.ClickException(str(error)) from None
    if not still_going:
        raise click.ClickException("the ordinary release was over before the urgent ones: give it more recipients")
    spreads = [median(one["spread"] for one in some) for some in (alone, during)]
    click.echo(
        json.dumps(
            {
                "alone": alone,
                "during": during,
                "spread_alone": spreads[0],
                "spread_during": spreads[1],
                "ratio": spreads[1] / spreads[0],
                "first_during": median(one["first"] for one in during),
                "losses": (owed - carried).total(),
                "duplicates": (carried - owed).total(),
            },
            indent=2,
        )
    )
    sys.exit(0 if carried == owed else 1)


if __name__ == "__main__":
    main()
