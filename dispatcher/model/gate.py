"""What stands between a claimed message and its request: the limits of an account, and a gate that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.model.ports import Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account allows, over all workers and hosts.

    `requests` may be under way at once on the whole account, whatever they carry; `a_second` starts are allowed on
    this channel (None: as fast as the provider accepts); one request carries up to `recipients_a_request`.
    """

    account: str
    requests: int
    a_second: float | None = None
    recipients_a_request: int = 1


# Why something did not leave though a provider might have taken it: codes of an Outcome that is no news of the provider
# and costs the message no try.
BARRED = {
    "lease": "the sender's lease ran out",
    "circuit": "the provider is out",
    "stopped": "stopped before it left",
}


class Gate(Protocol):
    """Passed by each request of a send, one after the other."""

    async def enter(self) -> str:
        """Waits for a place. "" when the request may leave now, then `leave` follows; else a code of BARRED."""

    def leave(self, outcomes: Sequence[Outcome] = ()) -> None:
        """The request is over; what became of those it carried, as far as that is known."""


class OpenGate:
    """Lets everything pass: for a send outside a release."""

    async def enter(self) -> str:
        return ""

    def leave(self, outcomes: Sequence[Outcome] = ()) -> None:
        return None
