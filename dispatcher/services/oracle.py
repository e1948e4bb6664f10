"""What the oracle is asked and what it answers. The promises themselves are in `oracle_*` and `evidence`, by number.

The same functions look at a bank's database (`dispatcher verify`) and, in tests, at what a carrier truly got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dispatcher.runtime import Runtime

# Rows are stamped before they are committed, by hosts whose clocks differ a little: only more than this is a breach.
SKEW = timedelta(seconds=1)
MOST = 1000  # rows named for one fault

TAKEN = ("accepted", "delivered", "bounced")  # states of an attempt that the provider took


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that a row breaks. `promise` is P1 to P9, `subject` names the row, e.g. "delivery 31"."""

    promise: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise} {self.subject}: {self.text}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One acceptance in a carrier's own ledger, which knows what truly reached a telephone or a mailbox.

    `attempt` is our id where it travelled along, `ref` the carrier's own. `subject`, `text` and `html` are what was
    carried, tokens in place; None where the carrier cannot say. `told` is the last thing about it that the carrier
    got through to us: delivered, failed (bounces and drops too), or "".
    """

    channel: str
    address: str
    at: datetime | None = None
    attempt: str = ""
    ref: str = ""
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """How to look. `skew` is how far clocks may differ; `at_rest` says that all should be settled by now."""

    skew: timedelta = SKEW
    at_rest: bool = False
    ledger: Sequence[Accepted] | None = None


Promise = Callable[[Session, Runtime, Question], Iterator[Breach]]


def recipient(message_id: int, customer_id: int) -> str:
    """How a breach names one."""
    return f"customer {customer_id} of message {message_id}"
