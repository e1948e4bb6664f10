"""P5: only authentic news moves states, in any order the same way. P7: one fallback for a contact point that failed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from dispatcher.model import Attempt, Callback, ContactPoint, Delivery, Letter, Message, ProviderEvent, Recipient
from dispatcher.model.delivery import FALLBACK, NOBODY, after
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import BROUGHT_BY
from dispatcher.runtime import Runtime
from dispatcher.services.callbacks import LIVE, as_request
from dispatcher.services.oracle import MOST, Breach, Promise, Question, recipient

# --- P5 ---------------------------------------------------------------------------------------------------


def every_receipt_kept(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What was delivered or bounced has news that says so, in a callback that was kept."""
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        told = exists().where(
            column == table.id, ProviderEvent.attempt_id == Attempt.id, ProviderEvent.state == table.state
        )
        # News that does not name the attempt goes by the provider's own reference or the address.
        told_besides = exists().where(
            column == table.id,
            ProviderEvent.attempt_id.is_(None),
            ProviderEvent.provider == Attempt.provider,
            ProviderEvent.state == table.state,
        )
        untold = select(table.id, table.state).where(table.state.in_(("delivered", "bounced")), ~told, ~told_besides)
        for row in session.execute(untold.order_by(table.id).limit(MOST)):
            text = f"is {row.state}, and no callback that was kept says so"
            yield Breach("P5", f"{table.__name__.lower()} {row.id}", text)


def news_counts(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """No news that was applied would move anything now: whatever order it came in, the state is the same."""
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        rows = session.execute(
            select(table.id, table.state, ProviderEvent.state.label("news"))
            .join(Attempt, column == table.id)
            .join(ProviderEvent, ProviderEvent.attempt_id == Attempt.id)
            .join(Callback, Callback.id == ProviderEvent.callback_id)
            .where(
                Callback.state == "applied",
                ProviderEvent.parked.is_(False),
                ProviderEvent.state.in_(("delivered", "bounced", "failed", "rejected")),
                # Of an earlier attempt only good news counts, and none once a person had it sent again.
                or_(ProviderEvent.state == "delivered", Attempt.n == table.tries),
                Attempt.resent_by.is_(None),
                # A call that reached nobody waits to be made again.
                ~and_(table.state == "deferred", func.coalesce(Attempt.code, "").in_(NOBODY)),
                table.state != ProviderEvent.state,
            )
            .order_by(table.id)
        )
        for (number, state), some in groupby(rows, key=lambda row: (row.id, row.state)):
            missed = sorted({row.news for row in some if after(state, row.news) != state})
            if missed:
                text = f"is {state}, though its news said {' and '.join(missed)}"
                yield Breach("P5", f"{table.__name__.lower()} {number}", text)


def only_authentic(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Where keys are those of then (asked with a ledger alone): each kept callback still proves itself, and came once.

    Those that prove themselves by a secret which is not kept cannot; none of their kind does. Nor those that were
    emptied because they held a PIN, nor what nobody sent us: what we asked the provider for.
    """
    if asked.ledger is None:
        return
    kinds = session.execute(select(Callback.provider, Callback.what).distinct()).all()
    for provider, what in kinds:
        source = runtime.adapters.sources.get(provider)
        if source is None:
            continue
        forged, proven = [], 0
        bodies: dict[bytes, int] = {}
        whole = Callback.what.not_in(LIVE) | (Callback.body != b"")
        kept = select(Callback).where(Callback.provider == provider, Callback.what == what, whole).order_by(Callback.id)
        for callback in session.scalars(kept.execution_options(yield_per=500)):
            try:
                true = source.verify(as_request(callback))
            except ProviderError:
                true = False
            proven += true
            asked_for = BROUGHT_BY in callback.headers
            same = hashlib.sha256(callback.query.encode() + b"\x1f" + callback.body).digest()
            first = bodies.setdefault(same, callback.id)
            if first != callback.id and what not in LIVE:
                yield Breach("P5", f"callback {callback.id}", f"was taken twice: it is callback {first} to the letter")
            if not (true or asked_for):
                forged.append(callback.id)
            session.expunge(callback)
        for number in forged[:MOST] if proven else []:
            yield Breach("P5", f"callback {number}", f"was taken, and is not {provider}'s")


# --- P7 ---------------------------------------------------------------------------------------------------


def for_somebody(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """What is still to be sent is for somebody: a contact point that people moved on from is left alone."""
    alive = select(Delivery.id, Delivery.state, Delivery.message_id).where(
        Delivery.state.in_(("queued", "deferred", "sending", "accepted")),
        ~Delivery.recipients.any(),
    )
    for row in session.execute(alive.order_by(Delivery.id).limit(MOST)):
        yield Breach("P7", f"delivery {row.id}", f"is {row.state}, but everybody moved on from it to another")


def one_fallback_each(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Nobody has more fallbacks than contact points of theirs that failed, and none while an earlier one may arrive."""
    owed = aliased(Recipient)
    rows = session.execute(
        select(
            owed.customer_id,
            owed.message_id,
            owed.delivery_id,
            Delivery.id.label("other"),
            Delivery.state,
            Delivery.position,
        )
        .join(Delivery, Delivery.message_id == owed.message_id)
        .join(
            ContactPoint,
            and_(
                ContactPoint.customer_id == owed.customer_id,
                ContactPoint.channel == Delivery.channel,
                ContactPoint.address == Delivery.address,
            ),
        )
        .join(Message, Message.id == owed.message_id)
        .where(
            owed.message_id.in_(select(Delivery.message_id).where(Delivery.position == FALLBACK)),
            owed.because.like("fallback:%"),
            Delivery.id != owed.delivery_id,
            # Still somebody else's: then it is theirs and not a first one of this recipient.
            ~Delivery.recipients.any(),
            Delivery.state.in_(("queued", "deferred", "sending", "unknown", "accepted")),
        )
        .order_by(owed.message_id, owed.customer_id)
        .limit(MOST)
    )
    for row in rows:
        text = f"went on to delivery {row.delivery_id} while delivery {row.other} was {row.state}"
        yield Breach("P7", recipient(row.message_id, row.customer_id), text)


ALL: tuple[Promise, ...] = (every_receipt_kept, news_counts, only_authentic, for_somebody, one_fallback_each)
