"""The main things that happen at the bank, as short as can be: what came before, what is done, what must follow.

Everybody who gets no answer looks whether it was done after all, and if not does it again: nothing else may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import decisions, submission
from approvals.submission import Submission
from dispatcher.model import Attempt, Conversation, Customer, Delivery, Letter, Message, Reply, Response, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services import imports, responses, suppressions
from tests.simulator.people import staff
from tests.simulator.world import START, UseCase, World

Act = Callable[[World], Awaitable[None]]
Goal = Callable[[Session], bool]


@dataclass(frozen=True)
class Scenario:
    """`before` is done first and not tormented; `script` are the fates of the requests that `act` leads to."""

    name: str
    act: Act
    goal: Goal
    before: tuple[Act, ...] = ()
    script: Mapping[str, list[str]] = field(default_factory=dict)


async def insist(world: World, what: str, work: UseCase, done: Goal) -> None:
    """A person, or a program with an idempotency key, who goes on until it has been done."""
    for _ in range(10):
        with world.looking() as session:
            if done(session):
                return
        world.attempt(what, work)
        await asyncio.sleep(4)


def _count(*where: object) -> Goal:
    return lambda session: bool(session.scalar(select(func.count()).where(*where)))  # type: ignore[arg-type]  # columns


# --- what people and vendors do


def writes(list_key: str, **more: object) -> Act:
    async def act(world: World) -> None:
        form = Submission(subject="Downgrade", text="We cut LTMY to hold.", lists=[list_key])
        for name, value in more.items():
            setattr(form, name, value)

        def work(session: Session, runtime: Runtime) -> None:
            submission.create(session, runtime, staff(session, "ann"), form)

        await insist(world, "ann writes", work, _count(Message.id > 0))

    return act


async def approves(world: World) -> None:
    def work(session: Session, runtime: Runtime) -> None:
        message = session.scalars(select(Message)).one()
        decisions.decide(session, runtime, staff(session, "olga"), message.id, "approve", message.current.digest)

    await insist(world, "olga approves", work, _count(Message.approved_at.is_not(None)))


async def edits(world: World) -> None:
    def work(session: Session, runtime: Runtime) -> None:
        message = session.scalars(select(Message)).one()
        submission.edit(session, runtime, staff(session, "ann"), message.id, {"text": "We raise LTMY to buy."})

    await insist(world, "ann edits", work, _count(Message.version > 1))


async def approves_and_cancels(world: World) -> None:
    await approves(world)

    def work(session: Session, runtime: Runtime) -> None:
        message = session.scalars(select(Message)).one()
        submission.cancel(session, runtime, staff(session, "olga"), message.id)

    await insist(world, "olga cancels", work, _count(Message.state == "cancelled"))


async def approves_and_bob_opts_out(world: World) -> None:
    await approves(world)

    def work(session: Session, runtime: Runtime) -> None:
        suppressions.suppress(session, runtime, "sms", "+12025550102", "opt-out", "one-click", "customer bob")

    await insist(world, "bob opts out", work, _count(Suppression.lifted_at.is_(None)))


def news(state: str, copies: int = 2) -> Act:
    async def act(world: World) -> None:
        entry = next(one for one in reversed(world.carrier.ledger) if one.category.startswith("message-"))
        body: dict[str, object] = {
            "event": f"late:{state}", "state": state, "outcome": "", "attempt": entry.attempt, "ref": entry.ref,
            "address": entry.address, "at": world.true_now().isoformat(),
        }  # fmt: skip
        for _ in range(copies):
            world.post(entry.provider, "status", body)
            await asyncio.sleep(0.5)

    return act


def says(channel: str, sender: str, text: str, *, by_token: bool = False) -> Act:
    async def act(world: World) -> None:
        to = "+12025550199"
        if by_token:
            with world.looking() as session:
                number = session.scalars(select(Delivery.id).where(Delivery.address == sender)).one()
            to = f"reply+{world.runtimes['web'].token('delivery', number)}@in.bank.example"
        body: dict[str, object] = {
            "event": f"said:{text}", "channel": channel, "sender": sender, "recipients": [to], "text": text,
            "at": world.true_now().isoformat(),
        }  # fmt: skip
        for _ in range(2):
            world.post("text-one" if channel == "sms" else "mail-one", "inbound", body)
            await asyncio.sleep(0.5)

    return act


async def answers_aloud(world: World) -> None:
    with world.looking() as session:
        attempt = session.scalars(select(Attempt.id).where(Attempt.delivery_id.is_not(None))).one()
    body: dict[str, object] = {"event": "spoke", "attempt": attempt, "call": "C1", "recording": "R1"}
    world.post("call-one", "recording-status", body)


async def responds(world: World) -> None:
    def work(session: Session, runtime: Runtime) -> None:
        one = session.scalars(select(Conversation)).one()
        rita = staff(session, "rita")
        responses.respond(session, runtime, rita, one.id, "I will ring you.", via="page", dedupe="page:one")

    await insist(world, "rita responds", work, _count(Response.id > 0))


async def imports_customers(world: World) -> None:
    columns = "customer_id,name,firm,rep_email,email,sms,voice,fax,channels,language,timezone,quiet_hours,lists"
    rows = (
        "zoe,Zoe,New Ltd,rita@bank.example,zoe@new.example,,,,email,en,UTC,,mail",
        "yan,Yan,New Ltd,nobody,,,,,,,,,mail",
    )
    text = "\n".join((columns, *rows)).encode()

    def work(session: Session, runtime: Runtime) -> None:
        imports.import_customers(session, runtime, text, dry_run=False, actor=staff(session, "ada"))

    await insist(world, "ada imports", work, _count(Customer.key == "zoe"))


# --- what must have come of it


def reached(channel: str, *states: str) -> Goal:
    wanted = states or ("accepted", "delivered")
    return lambda session: any(
        one.state in wanted for one in session.scalars(select(Delivery).where(Delivery.channel == channel))
    )


def told(kind: str, state: tuple[str, ...] = ("accepted", "delivered")) -> Goal:
    return lambda session: any(one.state in state for one in session.scalars(select(Letter).where(Letter.kind == kind)))


def both(*goals: Goal) -> Goal:
    return lambda session: all(goal(session) for goal in goals)


# A call is never repeated on doubt: who may not have been called is handed to their rep, as the oracle knows.
CALLED = reached("voice", "accepted", "delivered", "failed")
SOON = START + timedelta(seconds=400)
ALL = (
    Scenario("submit", writes("text"), told("approval")),
    Scenario("approve and release by text", approves, both(reached("sms"), told("decision")), (writes("text"),)),
    Scenario("approve and release by mail", approves, reached("email"), (writes("mail"),)),
    Scenario("approve and release by call", approves, CALLED, (writes("call"),)),
    Scenario("deferred, then sent", approves, reached("sms"), (writes("text"),), {"text-one": ["429"]}),
    Scenario(
        "unknown, then found", approves, reached("sms"), (writes("text"),), {"text-one": ["500 after accepting"]}
    ),
    Scenario("unknown, then absent", approves, reached("sms"), (writes("text"),), {"text-one": ["half-open"]}),
    Scenario(
        "a call in doubt goes on to the next channel",
        approves, reached("sms"), (writes("both"),), {"call-one": ["500"]},
    ),
    Scenario("a number that is nobody's", approves, CALLED, (writes("lost"),)),
    Scenario("the account is refused", approves, reached("sms"), (writes("text"),), {"text-one": ["401"]}),
    Scenario("quiet hours", approves, reached("sms"), (writes("night"),)),
    Scenario(
        "stale before it could leave",
        approves, reached("sms", "expired", "accepted", "delivered"), (writes("text", valid_for=60),),
        {"text-one": ["429"] * 9, "text-two": ["429"] * 9},
    ),
    Scenario(
        "cancelled in mid-release",
        approves_and_cancels, _count(Message.state == "cancelled"), (writes("all"),), {"text-one": ["429"] * 6},
    ),
    Scenario(
        "opted out while it waits",
        approves_and_bob_opts_out, _count(Suppression.lifted_at.is_(None)), (writes("text"),), {"text-one": ["429"]},
    ),
    Scenario("delivered, told twice", news("delivered"), reached("sms", "delivered"), (writes("text"), approves)),
    Scenario("bounced, told twice", news("bounced"), reached("email", "bounced"), (writes("mail"), approves)),
    Scenario("failed, on to the next channel", news("failed"), reached("sms"), (writes("both"), approves)),
    Scenario("an answer by text", says("sms", "+12025550102", "Call me"), told("reply"), (writes("text"), approves)),
    Scenario(
        "an answer by mail",
        says("email", "ana@simon.example", "Call me", by_token=True), told("reply"), (writes("mail"), approves),
    ),
    Scenario(
        "STOP by text", says("sms", "+12025550102", "STOP"), _count(Suppression.lifted_at.is_(None)),
        (writes("text"), approves),
    ),
    Scenario(
        "a spoken answer", answers_aloud, both(_count(Reply.recording_id.is_not(None)), told("reply")),
        (writes("call"), approves),
    ),
    Scenario(
        "a rep's response", responds, told("response"),
        (writes("text"), approves, says("sms", "+12025550102", "Call me")),
    ),
    Scenario(
        "a rep's response in doubt", responds, told("response"),
        (writes("text"), approves, says("sms", "+12025550102", "Call me")), {"text-one": ["half-open"]},
    ),
    Scenario("a release at its time", approves, reached("sms"), (writes("text", release_at=SOON),)),
    Scenario(
        "edited after the approval", edits, _count(Message.state == "pending", Message.approved_at.is_(None)),
        (writes("text", release_at=START + timedelta(hours=5)), approves),
    ),
    Scenario(
        "an import of customers", imports_customers, _count(Customer.key == "zoe", Customer.lists.any(key="mail"))
    ),
)  # fmt: skip
