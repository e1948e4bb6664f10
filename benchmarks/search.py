"""How long a search over so many replies takes, for an administrator and for one representative of fifty.

    .venv/bin/python -m benchmarks.search --replies 100000 [--database-url postgresql://…]

The database named must be empty; without one it is SQLite in a folder of its own. The mark: 200 ms for each question.
Prints JSON; exit status 1 where a question took longer.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Customer, Firm, Grant, Reply, Staff
from dispatcher.services import search
from dispatcher.storage import make_engine, make_sessions, migrate

MARK = 0.2  # seconds
REPS, CUSTOMERS, VOCABULARY = 50, 20_000, 30_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
# By how much they find: in every reply, in every tenth, in a few, one of them, none.
QUESTIONS = (
    "please", "order", "limit", "w17", "w29999", "needle", "nothing", '"please call"', '"order limit"', "w1*", "p*",
    "please -order", "please order limit", '"customer 7" please', "müller", "w17 w18", "-please order", "house please",
)  # fmt: skip


def words(chance: random.Random) -> str:
    """Some thirty words, common and rare as in a language, and a few that are asked for."""
    some = [f"w{int(VOCABULARY * chance.random() ** 4)}" for _ in range(28)]
    some += ["please"] + ["order limit"] * (chance.random() < 0.1) + ["call"] * (chance.random() < 0.2)
    chance.shuffle(some)
    return " ".join(some)


def rows(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)  # noqa: S311  # the same words each time
    for number in range(1, count + 1):
        customer = number % CUSTOMERS + 1
        said = words(chance) + (" needle" if number == count // 2 else "")
        yield {
            "dedupe": f"r{number}", "conversation_id": customer, "customer_id": customer, "channel": "email",
            "sender": "", "subject": "", "text": said, "original": said, "note": "",
            "received_at": AT + timedelta(seconds=number),
        }  # fmt: skip


def fill(session: Session, replies: int) -> None:
    """Fifty representatives with their customers, a conversation with each, and what they wrote."""
    staff = [{"email": f"r{n}@bank.example", "name": f"Rep {n}", "channels": []} for n in range(REPS + 1)]
    session.execute(insert(Staff), staff)
    session.add_all(Grant(staff_id=n + 1, role="rep" if n else "admin") for n in range(REPS + 1))
    session.execute(insert(Firm), [{"name": f"House {n}"} for n in range(500)])
    people = range(1, CUSTOMERS + 1)
    session.execute(
        insert(Customer),
        [
            {"key": f"C{n}", "name": f"Customer {n}" + " Müller" * (n % 97 == 0), "firm_id": n % 500 + 1,
             "rep_id": n % REPS + 2}
            for n in people
        ],
    )  # fmt: skip
    session.execute(
        insert(Conversation), [{"customer_id": n, "rep_id": n % REPS + 2, "channel": "email"} for n in people]
    )
    made = rows(replies)
    while some := list(islice(made, 5000)):
        session.execute(insert(Reply), some)


def asked(session: Session, staff: Staff, question: str, times: int) -> tuple[float, int]:
    """Median seconds, and how many of its first page it found."""
    took, hits = [], 0
    for _ in range(times):
        begun = time.perf_counter()
        hits = len(search.find(session, staff, question).hits) if question[0] != "-" or " " in question else 0
        took.append(time.perf_counter() - begun)
    return median(took), hits


@click.command()
@click.option("--replies", default=100_000, show_default=True)
@click.option("--times", default=5, show_default=True, help="Each question is asked.")
@click.option("--database-url", default="")
def main(replies: int, times: int, database_url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = database_url or f"sqlite:///{Path(folder) / 'search.sqlite'}"
        migrate(url)
        sessions = make_sessions(make_engine(url))
        with sessions() as session:
            begun = time.perf_counter()
            fill(session, replies)
            session.commit()
            filled = time.perf_counter() - begun
            session.execute(text("ANALYZE"))
            session.commit()
        figures: dict[str, Any] = {"replies": replies, "write_ms_each": round(1000 * filled / replies, 3), "ms": {}}
        with sessions() as session:
            for name, email in (("admin", "r0@bank.example"), ("rep", "r1@bank.example")):
                staff = session.scalars(select(Staff).where(Staff.email == email)).one()
                figures["ms"][name] = {
                    question: [round(1000 * took, 1), hits]
                    for question in QUESTIONS
                    for took, hits in [asked(session, staff, question, times)]
                }
    slowest = max(took for one in figures["ms"].values() for took, _ in one.values())
    print(json.dumps(figures | {"slowest_ms": slowest}, indent=2, ensure_ascii=False))
    sys.exit(slowest > 1000 * MARK)


if __name__ == "__main__":
    main()
