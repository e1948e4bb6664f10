"""A small bank in a database, and a runtime around it whose providers do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from approvals import decisions, submission
from approvals.submission import Submission
from channels.email import Email
from channels.sms import Sms
from channels.voice import Voice
from dispatcher import bells
from dispatcher.bells import Ring
from dispatcher.model import (
    ContactPoint,
    Customer,
    DistributionList,
    Firm,
    Grant,
    ListMember,
    Message,
    Preference,
    Staff,
)
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Adapters, Content, Found, Outbound, Outcome, Probe
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings
from tests.kept import Fill, filled


@dataclass
class Collected:
    """Bells that keep what was rung."""

    rings: list[Ring] = field(default_factory=list)

    def ring(self, rings: Iterable[Ring]) -> None:
        self.rings += list(rings)

    def workers_on(self, queue: str) -> int:
        return 1


FIFTY = Limits("scripted", 50)


def ref_of(one: Outbound) -> str:
    """As the provider knows what it has made of it."""
    return f"ref {one.attempt}"


@dataclass
class Scripted:
    """A provider that answers by script: a function from an Outbound to its Outcome, and remembers what it got."""

    channel: str
    name: str = "scripted"
    limits: Limits = FIFTY
    answer: Callable[[Outbound], Outcome | None] = lambda one: Outcome(
        one.attempt, "accepted", provider_ref=ref_of(one)
    )
    found: Found = field(default_factory=lambda: Found("cannot say"))
    got: list[Outbound] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    before_send: Callable[[], None] = lambda: None
    seconds: float = 0.0  # until it answers

    async def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        self.before_send()
        self.contents.append(content)
        for one in batch:
            if barred := await content.gate.enter():
                yield Outcome(one.attempt, "deferred", code=barred)
                continue
            outcome = None
            try:
                await asyncio.sleep(self.seconds)
                self.got.append(one)
                outcome = self.answer(one)
            finally:
                content.gate.leave([outcome or Outcome(one.attempt, "unknown")])
            if outcome is not None:
                yield outcome

    async def find(self, probe: Probe) -> Found:
        return self.found

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None:
        return None


@dataclass
class Time:
    """A clock that stands still until it is moved."""

    at: datetime = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class SmallBank:
    """Three customers on two lists: Ana by mail, Bob by SMS then mail, Cleo by voice; Rita owns them all."""

    runtime: Runtime
    sessions: sessionmaker[Session]
    bells: Collected
    time: Time
    providers: dict[str, Scripted]
    ids: dict[str, int]

    def staff(self, session: Session, name: str) -> Staff:
        return session.get_one(Staff, self.ids[name])

    def submission(self, **changes: object) -> Submission:
        form = Submission(subject="Downgrade", text="We cut LTMY to hold.", lists=["semis", "top"])
        for name, value in changes.items():
            setattr(form, name, value)
        return form

    def submitted(self, session: Session, **changes: object) -> Message:
        message = submission.create(session, self.runtime, self.staff(session, "analyst"), self.submission(**changes))
        bells.commit(session, self.runtime.bells)
        return message

    def released(self, session: Session, **changes: object) -> Message:
        message = self.submitted(session, **changes)
        officer = self.staff(session, "officer")
        decisions.decide(session, self.runtime, officer, message.id, "approve", message.current.digest)
        bells.commit(session, self.runtime.bells)
        return message


def _person(session: Session, name: str, *roles: str) -> int:
    person = Staff(
        email=f"{name}@bank.example",
        name=name.title(),
        phone="+12025550199" if name == "rep" else None,
        channels=["email"],
        grants=[Grant(role=role) for role in roles],
    )
    session.add(person)
    session.flush()
    return person.id


def fill(session: Session) -> dict[str, int]:
    """Staff, a firm, two lists and three customers; their ids."""
    ids = {
        "analyst": _person(session, "analyst", "analyst"),
        "colleague": _person(session, "colleague", "analyst", "officer"),
        "officer": _person(session, "officer", "officer"),
        "other": _person(session, "other", "officer"),
        "rep": _person(session, "rep", "rep"),
        "admin": _person(session, "admin", "admin"),
    }
    firm = Firm(name="Simon LLC", rep_id=ids["rep"])
    lists = {key: DistributionList(key=key, name=key.title()) for key in ("semis", "top")}
    session.add_all([firm, *lists.values()])
    session.flush()
    for name, channels, keys in (
        ("ana", {"email": "ana@simon.example"}, ("semis", "top")),
        ("bob", {"sms": "+12025550101", "email": "bob@simon.example"}, ("semis",)),
        ("cleo", {"voice": "+12025550102"}, ("top",)),
    ):
        customer = Customer(
            key=name,
            name=name.title(),
            firm=firm,
            contact_points=[ContactPoint(channel=one, address=where) for one, where in channels.items()],
            preferences=[Preference(rank=rank, channel=one) for rank, one in enumerate(channels)],
        )
        session.add(customer)
        session.flush()
        ids[name] = customer.id
        session.add_all(ListMember(list_id=lists[key].id, customer_id=customer.id) for key in keys)
    return ids


def small_bank(
    sessions: sessionmaker[Session], folder: Path, redis_url: str = "redis://127.0.0.1:1", fill: Fill = fill
) -> SmallBank:
    """Fill the database and build the runtime. Without `redis_url`, Redis is a port nobody listens on."""
    settings = Settings(
        _env_file=None, var_dir=folder, secret_key="k" * 40, twilio_calls_per_second=1000, redis_url=redis_url
    )
    providers = {name: Scripted(name) for name in ("email", "sms", "voice")}
    collected, time = Collected(), Time()
    runtime = Runtime(
        settings=settings,
        sessions=sessions,
        redis=Redis.from_url(redis_url, socket_connect_timeout=0.2),
        bells=collected,
        adapters=Adapters(
            channels={"email": Email(), "sms": Sms(), "voice": Voice()},
            providers={name: (one,) for name, one in providers.items()},
            sources={},
        ),
        now=time,
    )
    ids = filled(sessions, fill)
    return SmallBank(runtime, sessions, collected, time, providers, ids)
