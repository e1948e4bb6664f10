"""What keeps an order from being confirmed: what came since, and what was read back and did not arrive."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import Letter, OrderRequest, Reply, Response
from dispatcher.model.conversation import MACHINES, UNDECIDED
from dispatcher.services.keywords import plain

_LOST = ("failed", "bounced", "rejected", "suppressed", "expired", "cancelled")
_MOST_WORDS = 200  # of what they have asked for since
_SAME_WITHIN = timedelta(days=1)
_MOST_COMPARED = 50


def asked_since(session: Session, order: OrderRequest) -> OrderRequest | None:
    """The newest request after this one in the same conversation that is not decided: it may be a change of mind."""
    return _newest_after(session, order, UNDECIDED)


def confirmed_since(session: Session, order: OrderRequest) -> OrderRequest | None:
    """A request after this one in the same conversation that has been confirmed: this one may be meant no more."""
    return _newest_after(session, order, ("confirmed",))


def _newest_after(session: Session, order: OrderRequest, states: Collection[str]) -> OrderRequest | None:
    return session.scalars(
        select(OrderRequest)
        .where(
            OrderRequest.conversation_id == order.conversation_id,
            OrderRequest.reply_id > order.reply_id,
            OrderRequest.state.in_(states),
        )
        .order_by(OrderRequest.reply_id.desc())
        .limit(1)
    ).first()


def asked_before(session: Session, order: OrderRequest) -> OrderRequest | None:
    """The latest request of theirs within a day before this one, in any conversation, that says the same and was not
    turned down: this one may be a mail or text that came twice, or somebody asking whether the first has arrived.
    """
    reply, words = order.reply, plain(order.reply.text)
    if reply.customer_id is None or not words:
        return None
    earlier = session.scalars(
        select(OrderRequest)
        .join(Reply, Reply.id == OrderRequest.reply_id)
        .where(
            Reply.customer_id == reply.customer_id,
            Reply.id < reply.id,
            Reply.received_at >= reply.received_at - _SAME_WITHIN,
            OrderRequest.state.in_((*UNDECIDED, "confirmed")),
        )
        .order_by(Reply.id.desc())
        .limit(_MOST_COMPARED)
    )
    return next((one for one in earlier if plain(one.reply.text) == words), None)


def said_since(session: Session, order: OrderRequest) -> Reply | None:
    """The newest that the customer has said in the conversation since it was last read back: it may be a no."""
    last = _last_read_back(session, order)
    if last is None:
        return None
    return session.scalars(
        select(Reply)
        .where(
            Reply.conversation_id == order.conversation_id,
            Reply.received_at > last.created_at,
            Reply.id > order.reply_id,
            Reply.kind.not_in(MACHINES),
        )
        .order_by(Reply.id.desc())
        .limit(1)
    ).first()


def unheard(said: Reply) -> str:
    """Why what its claimer may not have read keeps it from being confirmed."""
    return (
        f"since it was read back they have said (reply {said.id}): {in_quotes(said)}: "
        "read that first, and read it back anew if it is a no"
    )


def since_then(newer: OrderRequest) -> str:
    """Why the older one is not confirmed."""
    return f"they have asked for something else since: {words_of(newer)}: decide that first"


def words_of(order: OrderRequest) -> str:
    """What was asked, in quotes and at most so long as a line may be."""
    return in_quotes(order.reply)


def in_quotes(said: Reply, most: int = _MOST_WORDS) -> str:
    """What was said, in quotes and at most so long as a line may be."""
    words = " ".join(said.text.split())
    return f"“{words[:most]}{'…' if len(words) > most else ''}”" if words else "by telephone"


def told_as(order: OrderRequest, what: str) -> str:
    """The `dedupe` of what its claimer tells the customer of it."""
    claimed = order.claimed_at.isoformat() if order.claimed_at else ""
    return f"order:{order.id}:{claimed}:{what}"


def read_backs(order: OrderRequest) -> str:
    """How the `dedupe` of each response begins by which its claimer has read it back."""
    return told_as(order, "read-back:")


def number_of_read_backs(session: Session, order: OrderRequest) -> int:
    """How often its claimer has read it back."""
    query = select(func.count()).select_from(Response).where(Response.dedupe.startswith(read_backs(order)))
    return session.scalar(query) or 0


def lost_read_back(session: Session, order: OrderRequest) -> Letter | None:
    """The letter by which it was last read back, where the customer did not get that."""
    if not order.read_back:
        return None
    last = _last_read_back(session, order)
    letter = last.letter if last is not None else None
    return letter if letter is not None and letter.state in _LOST else None


def _last_read_back(session: Session, order: OrderRequest) -> Response | None:
    return session.scalars(
        select(Response).where(Response.dedupe.startswith(read_backs(order))).order_by(Response.id.desc()).limit(1)
    ).first()


def not_arrived(letter: Letter) -> str:
    """Why an order whose read-back was lost is not confirmed, and what to do."""
    way = "number" if letter.channel == "sms" else "address"
    return (
        f"What was read back has not arrived ({letter.state}): read it back by telephone and say so, "
        f"or mend their {way} and read it back anew"
    )
