"""The representative while everything falls over: answers customers, claims orders, reads them back, confirms them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from benchmarks.soak.people import Caller

PAUSE = 0.3  # seconds between two acts


@dataclass
class Desk:
    """One act after the other, each with its key, so that asking again does nothing twice."""

    caller: Caller
    chance: random.Random
    answered: int = 0
    decided: int = 0

    def run(self) -> None:
        """Until it is over."""
        number = 0
        while not self.caller.over.wait(PAUSE):
            number += 1
            if self.chance.random() < 0.5:
                self._answer(number)
            else:
                self._order(number)

    def _answer(self, number: int) -> None:
        found = self.caller.insist("rep", "GET", "/conversations?state=open", None, "")
        if not found or not found["items"]:
            return
        path = f"/conversations/{self.chance.choice(found['items'])['id']}/responses"
        said = {"text": f"Answer {number}: we stay with it."}
        self.answered += self.caller.insist("rep", "POST", path, said, f"answer-{number}") is not None

    def _order(self, number: int) -> None:
        """The next step of one that is not decided."""
        found = self.caller.insist("rep", "GET", "/orders", None, "")
        open_ = [one for one in found["items"] if one["state"] in ("waiting", "claimed")] if found else []
        if not open_:
            return
        order = self.chance.choice(open_)
        last = "confirm" if self.chance.random() < 0.7 else "decline"
        step = "claim" if order["state"] == "waiting" else last if order["read_back"] else "read-back"
        said = {"read-back": {"text": "You sell 500 at 42."}, "decline": {"reason": "The market is closed."}}
        path, key = f"/orders/{order['id']}/{step}", f"{step}-{number}"
        done = self.caller.insist("rep", "POST", path, said.get(step, {}), key)
        self.decided += done is not None and step in ("confirm", "decline")
