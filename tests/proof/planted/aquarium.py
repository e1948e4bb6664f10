"""A small bank, a carrier with a ledger of its own, and time that passes when told: the water that fish live in.

Everything runs in this process, on SQLite, through the product's own clock, pumps, look-ups and webhooks.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from approvals import decisions
from dispatcher import bells
from dispatcher.clock import Clock
from dispatcher.model import Attempt, Delivery, Message
from dispatcher.model.ports import WebhookSource
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks, news, reconcile, unclaimed, verify
from dispatcher.services import release as releasing
from dispatcher.services.letter_sending import send_letter
from dispatcher.services.oracle import Accepted, Question
from dispatcher.services.sending import Pump
from dispatcher.settings import Settings
from dispatcher.storage import make_engine, make_sessions
from tests.proof.planted.line import Killed, Line, Mortal, Source
from tests.simulator.providers import signature
from tests.small_bank import SmallBank, small_bank
from webhooks import door


def _pass_on(number: int, session: Session, runtime: Runtime) -> None:
    unclaimed.pass_on(session, runtime, number)


class Aquarium:
    """The bank under water. Ana has mail; Bob SMS, then mail, then voice; Cleo voice alone."""

    def __init__(self, folder: Path, url: str) -> None:
        self.engine = make_engine(url)

        @event.listens_for(self.engine, "connect")
        def _in_haste(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA synchronous=OFF")  # nothing here survives a power cut, and nothing has to

        self.sessions = make_sessions(self.engine)
        self.bank: SmallBank = small_bank(self.sessions, folder)
        self.ledger: list[Accepted] = []
        self.lines = {name: Line(name, self.ledger, self.bank.time) for name in ("email", "sms", "voice")}
        self._passed = 0.0
        adapters = dataclasses.replace(
            self.bank.runtime.adapters,
            providers={name: (one,) for name, one in self.lines.items()},
            sources={"carrier": Source()},
        )
        self.runtime = dataclasses.replace(
            self.bank.runtime, adapters=adapters, monotonic=lambda: time.monotonic() + self._passed, aside=_inline
        )
        self.bank.runtime = self.runtime
        self._clock = Clock(self.runtime)
        app = Flask("aquarium")
        app.register_blueprint(door.blueprint(self.runtime))
        self._client = app.test_client()

    def set(self, **settings: object) -> None:
        """Other settings, for what is asked from now on."""
        changed: Settings = self.runtime.settings.model_copy(update=settings)
        object.__setattr__(self.runtime, "settings", changed)

    def add_source(self, name: str, source: WebhookSource) -> None:
        """A vendor's own reader of webhooks."""
        adapters = self.runtime.adapters
        object.__setattr__(adapters, "sources", {**adapters.sources, name: source})

    # --- what people do

    def released(self, **changes: object) -> int:
        """An approved and released alert."""
        with self.sessions() as session:
            return self.bank.released(session, **changes).id

    def submitted(self, by: str = "analyst", **changes: object) -> int:
        from approvals import submission

        with self.sessions() as session:
            staff = self.bank.staff(session, by)
            message = submission.create(session, self.runtime, staff, self.bank.submission(**changes))
            bells.commit(session, self.runtime.bells)
            return message.id

    def approve(self, message_id: int, digest: str, by: str = "officer", audience_seen: str = "") -> None:
        with self.sessions() as session:
            officer = self.bank.staff(session, by)
            decisions.decide(session, self.runtime, officer, message_id, "approve", digest, audience_seen=audience_seen)
            bells.commit(session, self.runtime.bells)

    def digest(self, message_id: int) -> str:
        with self.sessions() as session:
            return session.get_one(Message, message_id).current.digest

    def do(self, work: Callable[[Session, Runtime], object]) -> None:
        """One use case, committed."""
        with self.sessions() as session:
            work(session, self.runtime)
            bells.commit(session, self.runtime.bells)

    # --- what the system does

    def pass_by(self, seconds: float) -> None:
        self._passed += seconds
        self.bank.time.pass_by(seconds)

    def pump(self, channel: str) -> None:
        """One worker sends what is due; it may die over it."""
        asyncio.run(self.pumping(channel))

    async def pumping(self, channel: str) -> None:
        mortal = Mortal(self.engine, expire_on_commit=False)
        self.lines[channel].mortal = mortal
        with contextlib.suppress(Killed):
            await Pump(dataclasses.replace(self.runtime, sessions=mortal), channel).run()

    def turn(self, *, lose_rings: bool = False) -> None:
        """The clock ticks and the workers answer every bell."""
        with contextlib.suppress(Killed):
            self._clock.tick()
        rings, self.bank.bells.rings = list(dict.fromkeys(self.bank.bells.rings)), []
        for _, function, ids in [] if lose_rings else rings:
            self._answer(function, ids)

    def _answer(self, function: str, ids: tuple[int | str, ...]) -> None:
        match function:
            case "fan_out":
                self.pump(str(ids[0]))
            case "look_ups":
                asyncio.run(reconcile.look_ups(self.runtime))
            case "send_letter":
                asyncio.run(send_letter(self.runtime, int(ids[0])))
            case "release":
                self.do(lambda session, runtime: releasing.release_due(session, runtime, int(ids[0])))
            case "pass_on":
                with self.runtime.sessions() as session:
                    due = unclaimed.due(session, self.runtime)
                for number in due:
                    self.do(partial(_pass_on, number))
            case "apply_callbacks":
                self.read_callbacks()

    def settle(self, minutes: int = 8) -> None:
        """Time passes, and everything that is due happens."""
        for _ in range(minutes):
            self.pass_by(65)
            self.turn()

    # --- what the carrier does

    def call_back(self, what: str, body: dict[str, object], *, forged: bool = False) -> int:
        """Post to the door; the HTTP status. `at` is now."""
        raw = json.dumps({"at": self.bank.time().isoformat(), **body}, sort_keys=True).encode()
        proof = "0" * 64 if forged else signature(raw)
        answer = self._client.post(f"/webhooks/carrier/{what}", data=raw, headers={"X-Signature": proof})
        self.read_callbacks()
        return answer.status_code

    def tell(self, address: str, state: str, dedupe: str = "", decision: str = "", *, forged: bool = False) -> int:
        """News of the last attempt to an address."""
        attempt = self.attempt(address)
        key = dedupe or f"{attempt}:{state}"
        body: dict[str, object] = {"dedupe": key, "state": state, "attempt": attempt, "decision": decision}
        return self.call_back("status", body, forged=forged)

    def attempt(self, address: str) -> str:
        with self.sessions() as session:
            query = select(Attempt.id).join(Attempt.delivery).where(Delivery.address == address)
            return session.scalars(query.order_by(Attempt.started_at.desc(), Attempt.n.desc()).limit(1)).one()

    def read_callbacks(self) -> None:
        for _ in range(3):
            with self.sessions() as session:
                claimed = callbacks.claim(session, self.runtime)
                session.commit()
            if not claimed:
                return
            self.do(lambda session, runtime, some=claimed: news.apply_all(session, runtime, some))  # type: ignore[misc]

    # --- the net

    def breaches(self, *, at_rest: bool = True) -> list[str]:
        with self.sessions() as session:
            asked = Question(at_rest=at_rest, ledger=list(self.ledger))
            return [str(one) for one in verify.check(session, self.runtime, asked)]


async def _inline(work: Callable[..., Any], *arguments: Any) -> Any:
    await asyncio.sleep(0)
    return work(*arguments)
