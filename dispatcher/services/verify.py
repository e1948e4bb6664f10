"""Recomputes the audit chain and the product's promises over the database, and names every row that breaks one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry
from dispatcher.model.audit import GENESIS, chained
from dispatcher.runtime import Runtime
from dispatcher.services import (
    evidence,
    oracle_approved,
    oracle_kept,
    oracle_ledger,
    oracle_news,
    oracle_once,
    oracle_orders,
    oracle_record,
)
from dispatcher.services.oracle import Accepted, Breach, Promise, Question

__all__ = ["Accepted", "Breach", "Question", "check"]

PROMISES: tuple[Promise, ...] = (
    *oracle_kept.ALL,
    *oracle_once.ALL,
    *oracle_orders.ALL,
    *oracle_approved.ALL,
    *oracle_news.ALL,
    *oracle_record.ALL,
    *evidence.ALL,
    *oracle_ledger.ALL,
)

ANCHORS = "audit-anchors.jsonl"
ANCHORED_WITHIN = timedelta(minutes=10)  # the clock writes one each minute in which something was recorded
MOST_CHANGED = 50  # entries named one by one; more are one fault, e.g. another SECRET_KEY


def check(session: Session, runtime: Runtime, asked: Question | None = None) -> list[Breach]:
    """Every breach found, the audit chain's first; empty when all is as promised. Changes nothing.

    `asked` brings a carrier's ledger, and says whether all should be settled by now. Call it on a session that has
    not begun: the whole check then sees one moment and keeps nobody waiting.
    """
    if not session.in_transaction():
        one_moment = {"isolation_level": "REPEATABLE READ"} if session.get_bind().dialect.name == "postgresql" else {}
        session.connection(execution_options={"read_only": True, **one_moment})
    found = list(_chain(session, runtime))
    for promise in PROMISES:
        found += promise(session, runtime, asked or Question())
    return found


# --- P8: the audit chain ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """Where the walk along the chain is."""

    seq: int = 0
    hash: str = GENESIS
    changed: int = 0
    first: str = ""  # when the first entry was written


def _chain(session: Session, runtime: Runtime) -> Iterator[Breach]:
    anchors, faults = read_anchors(runtime.settings.var_dir / ANCHORS)
    yield from faults
    key, walk = runtime.key("audit"), _Walk()
    entries = session.scalars(
        select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=1000)
    )  # fmt: skip
    for entry in entries:
        yield from _entry(key, walk, entry, anchors.get(entry.seq))
        session.expunge(entry)
    if walk.changed > MOST_CHANGED:
        yield Breach(
            "P8", "audit", f"{walk.changed} of {walk.seq} entries do not fit the key: is SECRET_KEY the one of before?"
        )
    if not anchors and walk.first and runtime.now() - datetime.fromisoformat(walk.first) > ANCHORED_WITHIN:
        yield Breach(
            "P8", ANCHORS, "is missing or empty: without it nobody can tell whether the record's end was cut off"
        )
    if anchors and max(anchors) > walk.seq:
        last = max(anchors)
        yield Breach(
            "P8", f"audit {walk.seq + 1}",
            f"entries {walk.seq + 1} to {last} are missing: entry {last} was anchored outside the database",
        )  # fmt: skip


def _entry(key: bytes, walk: _Walk, entry: AuditEntry, anchored: str | None) -> Iterator[Breach]:
    name = f"audit {entry.seq}"
    if entry.seq != walk.seq + 1:
        first, last = walk.seq + 1, entry.seq - 1
        which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        yield Breach("P8", f"audit {first}", f"{which} missing, before entry {entry.seq} of {entry.at}")
    digest = chained(key, entry.previous, entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail)
    if digest != entry.hash:
        walk.changed += 1
        if walk.changed <= MOST_CHANGED:
            yield Breach("P8", name, f"was changed after it was written ({entry.action}, {entry.subject})")
    elif entry.seq == walk.seq + 1 and entry.previous != walk.hash:
        yield Breach("P8", name, f"does not follow on entry {walk.seq}: one of the two was put in another's place")
    if anchored is not None and anchored != entry.hash:
        yield Breach("P8", name, "is not the entry that was anchored outside the database")
    walk.seq, walk.hash, walk.first = entry.seq, entry.hash, walk.first or entry.at


def read_anchors(path: Path) -> tuple[dict[int, str], list[Breach]]:
    """The hash of each anchored entry, and the lines that cannot be read. A last line that was cut off is no fault."""
    anchors: dict[int, str] = {}
    faults = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}, []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            noted = json.loads(line)
            seq, digest = int(noted["seq"]), str(noted["hash"])
        except (ValueError, KeyError, TypeError):
            if number < len(text.splitlines()) or text.endswith("\n"):
                faults.append(Breach("P8", f"{ANCHORS} line {number}", "cannot be read"))
            continue
        if anchors.setdefault(seq, digest) != digest:
            faults.append(Breach("P8", f"{ANCHORS} line {number}", f"names another entry {seq} than a line before"))
    return anchors, faults
