"""Where a call stands. Nothing of it is remembered here: it is in the address of the call's next request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

MOST_MISSES = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is: its state, the number of its step, how often in a row no right key came, how often the alert
    was heard, and a number of the state's own.

    The step's number makes the address of every request of a call another one, so that a vendor's copy of a request
    is known from the same key pressed again.
    """

    state: str = "start"
    step: int = 0
    misses: int = 0
    plays: int = 1
    at: int = 0
    again: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Place:
        """The place that an address was made for; the start for one that nobody made."""

        def number(name: str, otherwise: int = 0) -> int:
            text = query.get(name, "")
            return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else otherwise

        return cls(query.get("s", "start"), number("n"), number("m"), number("p", 1), number("a"))

    def query(self) -> dict[str, str | int]:
        """What an address carries of it."""
        return {"s": self.state, "n": self.step, "m": self.misses, "p": self.plays, "a": self.at}

    def to(self, state: str, *, at: int = 0) -> Place:
        """The next step. Misses are counted anew, unless a key was just missed and the same is asked again."""
        misses = self.misses if self.again else 0
        return Place(state, self.step + 1, misses, self.plays, at)

    def heard_again(self) -> Place:
        """Here, with the alert heard once more."""
        return replace(self, plays=self.plays + 1)

    def still_missing(self) -> Place:
        """Here, with the misses to be counted on in the next state."""
        return replace(self, again=True)

    def missed(self) -> Place:
        """Here, after a key that was none."""
        return replace(self, misses=self.misses + 1, again=True)

    @property
    def is_hopeless(self) -> bool:
        """Nobody who would press a right key seems to be there."""
        return self.misses >= MOST_MISSES
