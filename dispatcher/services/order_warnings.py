"""What stands against an order, for who decides it: who may have written it, what came since, what did not arrive."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatcher.model import OrderRequest
from dispatcher.model.conversation import UNDECIDED
from dispatcher.services import order_doubts, reply_store, suppressions


@dataclass(frozen=True, slots=True)
class Against:
    """What stands against an order, in `warnings`. Of these two keep it from being confirmed: a `newer` request that is
    not decided, and that what was read back is `lost`.
    """

    warnings: tuple[str, ...] = ()
    newer: OrderRequest | None = None
    lost: bool = False


def against(session: Session, order: OrderRequest) -> Against:
    """For who decides it: nothing once it is decided."""
    if order.state not in UNDECIDED:
        return Against()
    reply = order.reply
    found = []
    if reply.sender and reply.channel in ("email", "sms", "voice") and not reply_store.is_theirs(reply):
        found.append(f"It came from {reply.sender}: another's address, none of the customer's.")
    if reply_store.UNVERIFIED in reply.note:
        found.append("Its sender is not verified: it may be forged. Ask the customer by telephone.")
    stopped = suppressions.in_force(session, reply.channel, reply.sender.strip().lower())
    if stopped is not None and stopped.reason == "wrong-person":
        what = "address" if reply.channel == "email" else "number"
        found.append(f"This {what} has said it is not theirs ({stopped.source}).")
    newer = order_doubts.asked_since(session, order)
    if newer is not None:
        found.append(f"They have asked for something else since: {order_doubts.words_of(newer)}. Decide that first.")
    confirmed = order_doubts.confirmed_since(session, order)
    if confirmed is not None:
        words = order_doubts.words_of(confirmed)
        found.append(f"A later request of theirs has been confirmed: {words}. Confirm this one only if both are meant.")
    before = order_doubts.asked_before(session, order)
    if before is not None:
        state = "confirmed" if before.state == "confirmed" else "not decided yet"
        found.append(
            f"They have asked the same before: {order_doubts.words_of(before)}, {state}. It may have come twice: "
            "confirm this one only if both are meant."
        )
    said = order_doubts.said_since(session, order)
    if said is not None and newer is None:
        words = order_doubts.in_quotes(said)
        found.append(f"Since it was read back they have said: {words}. Confirm it only if that is a yes.")
    lost = order_doubts.lost_read_back(session, order)
    if lost is not None:
        found.append(f"{order_doubts.not_arrived(lost)}.")
    return Against(tuple(found), newer, lost is not None)
