"""An analyst, an officer and customers while everything falls over: they go on, and ask again when nobody answered."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soak.system import System, ask
from dispatcher.bench import directory

QUESTIONS = ("Is it a price target?", "Thanks. Call me.", "Who cut it?", "I sold.", "What of the convertible?")
WORDS = (*QUESTIONS, "Sell 500 at 42.")
STOPS = ("STOP", "Unsubscribe")


@dataclass
class Caller:
    """Asks the product by its API for whoever has a token, until `over`."""

    system: System
    tokens: dict[str, str]
    over: threading.Event = field(default_factory=threading.Event)
    refused: list[str] = field(default_factory=list)

    def insist(self, who: str, method: str, path: str, body: object, key: str) -> dict[str, Any] | None:
        """Ask until somebody answers; the key makes sure that it is done once."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **({"Idempotency-Key": key} if key else {})}
        port = int(self.system.settings["PORT"])
        while not self.over.is_set():
            answer = ask(port, method, f"/api/v1{path}", body=body, headers=headers, seconds=10)
            if answer is not None and answer[0] < 300:
                return answer[1]
            told = str(answer[1].get("title", "")) if answer else ""
            # Too early: the first try is still at work, or its process died over it.
            early = answer is not None and answer[0] == 409 and "still" in told
            if answer is not None and 400 <= answer[0] < 500 and answer[0] != 429 and not early:
                self.refused.append(f"{method} {path}: {answer[0]} {told}")
                self.system.history.note(refused=self.refused[-1])
                return None
            self.over.wait(0.1)
        return None


@dataclass
class People:
    """Releases a message every `pause` seconds to one of the lists; now and then a customer answers or opts out."""

    caller: Caller
    chance: random.Random
    pause: float
    customers: int
    approved: int = 0
    replies: int = 0
    opted_out: int = 0

    def run(self) -> None:
        """Until it is over."""
        number = 0
        while not self.caller.over.is_set():
            started = time.monotonic()
            number += 1
            self._release(number)
            for _ in range(self.chance.randrange(4)):
                self._write()
            self.caller.over.wait(max(0.0, self.pause - (time.monotonic() - started)))

    def _release(self, number: int) -> None:
        body = {
            "subject": f"Note {number}",
            "text": f"Number {number}: we lower our rating to sell.",
            "lists": [self.chance.choice(directory.LISTS)],
            "urgency": "urgent" if self.chance.random() < 0.2 else "normal",
        }
        made = self.caller.insist("author", "POST", "/messages", body, f"write-{number}")
        if made is None:
            return
        decision = {"decision": "approve", "digest": made["digest"]}
        path = f"/messages/{made['id']}/decisions"
        if self.caller.insist("officer", "POST", path, decision, f"approve-{number}") is not None:
            self.approved += 1
        if self.chance.random() < 0.05:
            self.caller.insist("author", "POST", f"/messages/{made['id']}/cancel", {}, f"cancel-{number}")

    def _write(self) -> None:
        """A customer texts back; few of them STOP."""
        sender = f"+1{2_022_000_000 + self.chance.randrange(self.customers)}"
        stops = self.chance.random() < 0.1
        said = self.chance.choice(STOPS if stops else WORDS)
        if self.caller.system.ask_carrier("POST", "/sms", {"from": sender, "body": said}):
            self.replies += 1
            self.opted_out += stops
