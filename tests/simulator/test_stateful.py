"""Alerts, audiences, opt-outs, releases, cancels and callbacks in every order that Hypothesis can think of.

`HYPOTHESIS_PROFILE=soak` tries 2,000 sequences of 50 steps; without it, what a minute allows.
"""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import decisions, submission
from approvals.submission import Submission
from dispatcher.model import Customer, ListMember, Message
from dispatcher.runtime import Runtime
from dispatcher.services import directory, suppressions
from tests.simulator.build import LINES
from tests.simulator.carrier import FATES, Temper
from tests.simulator.judge import Watch, ask, judge
from tests.simulator.people import staff
from tests.simulator.simulation import rest
from tests.simulator.town import HAMLET, HAMLET_STAFF
from tests.simulator.world import UseCase, World

SETTINGS = {
    "ci": settings(max_examples=6, stateful_step_count=14, derandomize=True, database=None),
    "soak": settings(max_examples=2000, stateful_step_count=50),
}
PROCESSES = ("sms", "email", "voice", "notices", "events", "lookups")
LISTS = st.sampled_from(("mail", "text", "call", "lost", "both", "all"))
WHICH = st.integers(0, 3)  # of the alerts there are, counted from the newest
POINTS = st.sampled_from([point for _, _, points in HAMLET.values() for point in points.items()])


class Bank(RuleBasedStateMachine):
    """The hamlet under a hand that does anything at any moment."""

    @initialize()
    def begin(self) -> None:
        logging.disable(logging.CRITICAL)
        self.world = World("stateful", "hamlet")
        self.watch = Watch(self.world)
        self.world.carrier.temper = Temper(lost=1.0)  # what the vendor tells is a rule's to say
        self.world.boot(PROCESSES)
        self.told = 0

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.run(rest(self.world))
            assert judge(self.world, self.watch) == []
        finally:
            self.world.close()
            logging.disable(logging.NOTSET)

    @invariant()
    def all_is_as_promised(self) -> None:
        if hasattr(self, "world"):
            assert ask(self.world, self.watch) == []

    def _do(self, what: str, work: UseCase) -> None:
        self.world.attempt(what, work)

    def _message(self, session: Session, which: int) -> Message | None:
        found = session.scalars(select(Message).order_by(Message.id.desc())).all()
        return found[which % len(found)] if found else None

    # --- alerts

    @rule(key=LISTS, urgent=st.booleans(), valid_for=st.sampled_from((None, None, 60)), later=st.booleans())
    def write(self, key: str, urgent: bool, valid_for: int | None, later: bool) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            form = Submission(
                subject="Downgrade",
                text="We cut LTMY to hold.",
                lists=[key],
                urgency="urgent" if urgent else "normal",
                valid_for=valid_for,
                release_at=runtime.now() + timedelta(seconds=90) if later else None,
            )
            submission.create(session, runtime, staff(session, "ann"), form)

        self._do("write", work)

    @rule(which=WHICH, words=st.sampled_from(("Raised to buy.", "The merger is off.")))
    def edit(self, which: int, words: str) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._message(session, which)
            if message is not None:
                submission.edit(session, runtime, staff(session, "ann"), message.id, {"text": words})

        self._do("edit", work)

    @rule(
        which=WHICH,
        who=st.sampled_from(("olga", "olga", "olga", *HAMLET_STAFF)),
        decision=st.sampled_from(("approve", "approve", "approve", "return", "reject")),
        stale=st.sampled_from((False, False, False, True)),
    )
    def decide(self, which: int, who: str, decision: str, stale: bool) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._message(session, which)
            if message is not None:
                digest = message.versions[0].digest if stale else message.current.digest
                decisions.decide(session, runtime, staff(session, who), message.id, decision, digest, "because")

        self._do("decide", work)

    @rule(which=WHICH, act=st.sampled_from(("submit", "withdraw", "cancel")))
    def move(self, which: int, act: str) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            message = self._message(session, which)
            if message is not None:
                getattr(submission, act)(session, runtime, staff(session, "ann"), message.id)

        self._do(act, work)

    # --- customers

    @rule(key=LISTS, who=st.sampled_from(sorted(HAMLET)))
    def join_or_leave(self, key: str, who: str) -> None:
        def work(session: Session, runtime: Runtime) -> None:
            on = select(Customer.key).join(ListMember).join(Customer.lists).where(Customer.lists.any(key=key))
            members = set(session.scalars(on))
            directory.set_members(session, runtime, key, sorted(members ^ {who}), staff(session, "ada"))

        self._do("members", work)

    @rule(point=POINTS)
    def opt_out(self, point: tuple[str, str]) -> None:
        self._do("opt out", lambda session, runtime: suppressions.suppress(session, runtime, *point, "opt-out", "page"))

    @rule(point=POINTS)
    def opt_in(self, point: tuple[str, str]) -> None:
        self._do("opt in", lambda session, runtime: suppressions.lift(session, runtime, *point))

    # --- the outside

    @precondition(lambda self: self.world.carrier.ledger)
    @rule(
        which=st.integers(0, 20),
        states=st.permutations(("accepted", "delivered", "failed")),
        copies=st.integers(1, 2),
        how_many=st.integers(1, 3),
    )
    def callbacks(self, which: int, states: list[str], copies: int, how_many: int) -> None:
        entry = self.world.carrier.ledger[which % len(self.world.carrier.ledger)]
        for state in states[:how_many]:
            if state == "failed" and entry.channel == "email":
                state = "bounced"
            body: dict[str, object] = {
                "event": f"{entry.ref}:{state}", "state": state, "attempt": entry.attempt, "ref": entry.ref,
                "address": entry.address, "at": self.world.true_now().isoformat(),
            }  # fmt: skip
            for _ in range(copies):
                self.world.post(entry.provider, "status", body)

    @rule(line=st.sampled_from(LINES), fate=st.sampled_from(sorted(FATES)))
    def next_request_meets(self, line: tuple[str, str], fate: str) -> None:
        self.world.carrier.script.setdefault(line[0], []).append(fate)

    @rule(seconds=st.sampled_from((0.05, 1.0, 30.0, 150.0)))
    def time_passes(self, seconds: float) -> None:
        self.world.run(asyncio.sleep(seconds))

    @rule(name=st.sampled_from(("web", "clock-1", "sms-1", "email-1", "voice-1", "notices-1", "events-1")))
    def kill(self, name: str) -> None:
        self.world.kill(self.world.processes[name], back_after=2.0)
        if name == "web":
            self.world.run(asyncio.sleep(3))

    @rule()
    def flush(self) -> None:
        self.world.redis.flush()


TestBank = Bank.TestCase
TestBank.settings = settings(
    SETTINGS[os.environ.get("HYPOTHESIS_PROFILE", "ci")], suppress_health_check=list(HealthCheck)
)
if os.environ.get("HYPOTHESIS_PROFILE") == "soak":
    TestBank = pytest.mark.timeout(0)(TestBank)
