"""What people do in a simulated world at random moments: write, decide, change their minds, answer, opt out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from approvals import decisions, submission
from approvals.submission import Submission
from dispatcher.model import (
    Conversation,
    Customer,
    Delivery,
    DistributionList,
    ListMember,
    Message,
    Staff,
    Suppression,
    Task,
)
from dispatcher.runtime import Runtime
from dispatcher.services import directory, responses, suppressions, tasks
from tests.simulator.town import CUSTOMERS, LISTS
from tests.simulator.world import UseCase, World

WORDS = ("We cut LTMY to hold.", "Raised to buy.", "Rates are left as they are.", "The merger is off.", "Target 42.")


def staff(session: Session, name: str) -> Staff:
    """A member of staff by first name."""
    return session.scalars(select(Staff).where(Staff.email == f"{name}@bank.example")).one()


class People:
    """Everybody in and around the bank. What they do goes through the web or, where it is a vendor's, a callback."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = random.Random(f"people {world.seed}")
        self._marks = 0
        self._acts: dict[Callable[[], None], float] = {
            self.write: 4,
            self.decide: 7,
            self.edit: 1.5,
            self.submit: 1.5,
            self.withdraw: 0.5,
            self.cancel: 0.6,
            self.opt_out: 1.5,
            self.opt_in: 0.7,
            self.change_list: 1.5,
            self.answer: 2,
            self.respond: 1,
            self.do_task: 0.7,
        }

    async def live(self, seconds: float, pause: float) -> None:
        """One act after the other, `pause` seconds apart on average."""
        loop = self.world.loop
        until = loop.time() + seconds
        while loop.time() < until:
            act = self.chance.choices(list(self._acts), list(self._acts.values()))[0]
            act()
            await asyncio.sleep(self.chance.expovariate(1 / pause))

    def messages(self) -> int:
        """How many alerts have been written."""
        with self.world.looking() as session:
            return session.scalar(select(func.count(Message.id))) or 0

    def _do(self, what: str, work: UseCase) -> None:
        self.world.attempt(what, work)

    def _any(self, session: Session, *states: str) -> Message | None:
        found = session.scalars(select(Message).where(Message.state.in_(states)).order_by(Message.id)).all()
        return self.chance.choice(found) if found else None

    # --- alerts

    def form(self, runtime: Runtime) -> Submission:
        chance = self.chance
        form = Submission(
            subject=f"Alert {self._mark()}",
            text=chance.choice(WORDS),
            lists=chance.sample(LISTS, chance.randint(1, 3)),
            urgency="urgent" if chance.random() < 0.3 else "normal",
            topic="rates" if chance.random() < 0.3 else "",
        )
        if chance.random() < 0.2:
            form.valid_for = chance.choice((60, 300, 900))
        if chance.random() < 0.15:
            form.release_at = runtime.now() + timedelta(seconds=chance.uniform(10, 200))
        return form

    def _mark(self) -> int:
        self._marks += 1
        return self._marks

    def write(self) -> None:
        author, draft = self.chance.choice(("ann", "ann", "abe")), self.chance.random() < 0.1

        def work(session: Session, runtime: Runtime) -> None:
            submission.create(session, runtime, staff(session, author), self.form(runtime), draft=draft)

        self._do(f"{author} writes", work)

    def decide(self) -> None:
        officer = self.chance.choice(("olga", "otto", "abe", "ann"))
        decision = self.chance.choices(("approve", "return", "reject"), (8, 1, 1))[0]
        stale = self.chance.random() < 0.1

        def work(session: Session, runtime: Runtime) -> None:
            message = self._any(session, "pending")
            if message is not None:
                digest = message.versions[0].digest if stale else message.current.digest
                decisions.decide(session, runtime, staff(session, officer), message.id, decision, digest, "because")

        self._do(f"{officer} decides: {decision}", work)

    def edit(self) -> None:
        editor = self.chance.choice(("ann", "abe"))
        changes: dict[str, object] = {"text": f"{self.chance.choice(WORDS)} ({self._mark()})"}
        if self.chance.random() < 0.3:
            changes = {"lists": self.chance.sample(LISTS, 2)}

        def work(session: Session, runtime: Runtime) -> None:
            message = self._any(session, "pending", "approved", "returned", "releasing")
            if message is not None:
                submission.edit(session, runtime, staff(session, editor), message.id, changes)

        self._do(f"{editor} edits", work)

    def submit(self) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._any(session, "draft", "returned", "withdrawn")
            if message is not None:
                submission.submit(session, runtime, message.author, message.id)

        self._do("an author submits", work)

    def withdraw(self) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._any(session, "pending", "approved")
            if message is not None:
                submission.withdraw(session, runtime, message.author, message.id)

        self._do("an author withdraws", work)

    def cancel(self) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._any(session, "releasing", "approved", "released")
            if message is not None:
                submission.cancel(session, runtime, staff(session, "olga"), message.id)

        self._do("olga cancels", work)

    # --- customers

    def _points(self) -> tuple[str, str]:
        some = [(channel, address) for _, _, points in CUSTOMERS.values() for channel, address in points.items()]
        return self.chance.choice(some)

    def opt_out(self) -> None:
        channel, address = self._points()
        if channel == "sms" and self.chance.random() < 0.5:
            self._says(channel, address, "STOP")
            return

        topic = "rates" if self.chance.random() < 0.3 else ""

        def work(session: Session, runtime: Runtime) -> None:
            suppressions.suppress(session, runtime, channel, address, "opt-out", "one-click", topic=topic)

        self._do(f"{address} opts out of {channel}", work)

    def opt_in(self) -> None:
        channel, address = self._points()

        def work(session: Session, runtime: Runtime) -> None:
            one = session.scalars(select(Suppression).where(Suppression.lifted_at.is_(None))).first()
            where = (one.channel, one.address) if one is not None else (channel, address)
            suppressions.lift(session, runtime, *where, topic=one.topic if one is not None else "")

        self._do("somebody opts in", work)

    def change_list(self) -> None:
        key, customer = self.chance.choice(LISTS), self.chance.choice(list(CUSTOMERS))

        def work(session: Session, runtime: Runtime) -> None:
            members = session.scalars(
                select(Customer.key)
                .join(ListMember, ListMember.customer_id == Customer.id)
                .join(DistributionList, DistributionList.id == ListMember.list_id)
                .where(DistributionList.key == key)
                .order_by(Customer.key)
            ).all()
            wanted = [one for one in members if one != customer]
            wanted = wanted if customer in members else [*wanted, customer]
            directory.set_members(session, runtime, key, wanted, staff(session, "ada"))

        self._do(f"{customer} joins or leaves {key}", work)

    def answer(self) -> None:
        """Somebody answers the last alert they got, by text message or mail."""
        with self.world.looking() as session:
            found = session.execute(
                select(Delivery.id, Delivery.channel, Delivery.address)
                .join(Delivery.recipients)
                .where(Delivery.channel.in_(("sms", "email")), Delivery.state.in_(("accepted", "delivered")))
                .order_by(Delivery.id)
            ).all()
        if found:
            delivery_id, channel, address = self.chance.choice(found)
            to = f"reply+{self.world.runtimes['web'].token('delivery', delivery_id)}@in.bank.example"
            self._says(channel, address, f"Please call me about this ({self._mark()}).", to)

    def _says(self, channel: str, sender: str, text: str, to: str = "+12025550199") -> None:
        provider = "text-one" if channel == "sms" else "mail-one"
        body: dict[str, object] = {
            "event": f"said-{self._mark()}",
            "channel": channel,
            "sender": sender,
            "recipients": [to],
            "text": text,
            "at": self.world.true_now().isoformat(),
        }
        self.world.note(f"{sender} says {text}")
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            self.world.post(provider, "inbound", body)

    # --- representatives

    def respond(self) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            found = session.scalars(
                select(Conversation).where(Conversation.state != "closed", Conversation.rep_id.is_not(None))
            ).all()
            if found:
                one = self.chance.choice(found)
                rep = session.get_one(Staff, one.rep_id)
                key = f"page:{self._mark()}"
                responses.respond(session, runtime, rep, one.id, "I will ring you.", via="page", dedupe=key)

        self._do("a rep responds", work)

    def do_task(self) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            one = session.scalars(select(Task).where(Task.state == "open").order_by(Task.id)).first()
            if one is not None:
                tasks.close(session, runtime, staff(session, "ada"), one.id)

        self._do("ada closes a task", work)
