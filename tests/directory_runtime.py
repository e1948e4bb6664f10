"""A runtime for tests of the directory and the audience: real channels, providers that only have to be there."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from channels.email import Email
from channels.fax import Fax
from channels.sms import Sms
from channels.voice import Voice
from dispatcher.bells import Ring
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Adapters, Content, Found, Outbound, Outcome, Probe
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings

WITHOUT_FAX = ("email", "sms", "voice")
ALL = (*WITHOUT_FAX, "fax")


IDLE = Limits("idle", 100)


@dataclass(frozen=True)
class Idle:
    """A provider that is configured but never asked."""

    channel: str
    name: str = "idle"
    limits: Limits = IDLE

    async def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        raise AssertionError("nothing is sent here")
        yield

    async def find(self, probe: Probe) -> Found:
        return Found("cannot say")

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None: ...


class Silent:
    """Bells nobody hears."""

    def ring(self, rings: Iterable[Ring]) -> None: ...

    def workers_on(self, queue: str) -> int:
        return 1


def staff_without_pins(samples: Path) -> bytes:
    """The sample staff with PINs left out: to hash sixteen takes seconds, and to compare them as long again."""
    rows = list(csv.reader(samples.joinpath("staff.csv").read_text("utf-8-sig").splitlines()))
    place = rows[0].index("pin")
    return "\n".join(
        ",".join([*row[:place], row[place] if row is rows[0] else "", *row[place + 1 :]]) for row in rows
    ).encode()


def runtime_for(
    sessions: sessionmaker[Session], carried: Sequence[str] = WITHOUT_FAX, limits: Limits = IDLE, **settings: object
) -> Runtime:
    """A runtime whose `carried` channels have a provider."""
    return Runtime(
        settings=Settings(_env_file=None, secret_key="s" * 40, **settings),  # type: ignore[arg-type]  # kept short
        sessions=sessions,
        redis=Redis(),
        bells=Silent(),
        adapters=Adapters(
            channels={one.name: one for one in (Email(), Sms(), Voice(), Fax())},
            providers={name: (Idle(name, limits=limits),) for name in carried},
            sources={},
        ),
    )
