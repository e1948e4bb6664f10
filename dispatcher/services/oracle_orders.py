"""P6, orders: each is a request that somebody is always told of, and that only who read it back has accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import String, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, OrderRequest, Reply, Task
from dispatcher.runtime import Runtime
from dispatcher.services.audit import fingerprint
from dispatcher.services.oracle import MOST, Breach, Promise, Question


def every_order_is_a_request(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """An answer that is an order, and is somebody's, waits as one or was decided; what is none any more does not."""
    lost = select(Reply.id).where(
        Reply.kind == "order",
        Reply.conversation_id.is_not(None),
        ~exists().where(OrderRequest.reply_id == Reply.id, OrderRequest.state != "withdrawn"),
    )
    for number in session.scalars(lost.order_by(Reply.id).limit(MOST)):
        yield Breach("P6", f"reply {number}", "is an order, and no request was made of it")
    idle = (
        select(OrderRequest.id, Reply.kind)
        .join(Reply, Reply.id == OrderRequest.reply_id)
        .where(OrderRequest.state.in_(("waiting", "claimed")), Reply.kind != "order")
    )
    for row in session.execute(idle.order_by(OrderRequest.id).limit(MOST)):
        yield Breach("P6", f"order {row.id}", f"is still to be decided, but the answer is {row.kind}")


def always_told(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """While it is undecided, more people are told at a time that is set, or it is a task of somebody's."""
    front = literal("order:") + cast(OrderRequest.id, String) + ":%"
    in_hand = exists().where(Task.kind == "order", Task.state == "open", Task.dedupe.like(front))
    idle = select(OrderRequest.id, OrderRequest.state).where(
        or_(
            and_(OrderRequest.state.in_(("waiting", "claimed")), OrderRequest.due_at.is_(None), ~in_hand),
            and_(OrderRequest.state == "claimed", OrderRequest.claimed_by.is_(None)),
        )
    )
    for row in session.execute(idle.order_by(OrderRequest.id).limit(MOST)):
        yield Breach("P6", f"order {row.id}", f"is {row.state}, and nobody will be told of it again")


def accepted_as_read_back(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """Who claimed it has read it back and decided it, and the record says so, of these very words."""
    entries: dict[tuple[str, str], tuple[str, str | None]] = {}
    rows = session.execute(
        select(AuditEntry.action, AuditEntry.subject, AuditEntry.actor, AuditEntry.detail)
        .where(AuditEntry.action.in_(("read back order", "confirm order", "decline order")))
        .order_by(AuditEntry.seq)
        .execution_options(yield_per=1000)
    )
    for action, subject, actor, detail in rows:
        entries[action, subject] = (actor, _words(detail))
    decided = select(OrderRequest).where(OrderRequest.state.in_(("confirmed", "declined")))
    for one in session.scalars(decided.order_by(OrderRequest.id)):
        name = f"order {one.id}"
        if one.decider is None or one.claimed_by != one.decided_by or one.decided_at is None:
            yield Breach("P6", name, f"is {one.state}, but not by who had claimed it")
            continue
        if one.state == "confirmed" and not one.read_back:
            yield Breach("P6", name, "was accepted, and never read back")
        actor, words = entries.get(("confirm order" if one.state == "confirmed" else "decline order", name), ("", None))
        if actor != one.decider.email:
            yield Breach("P6", name, f"is {one.state}, and the record does not say so")
        elif one.state == "confirmed" and words != fingerprint(one.read_back):
            yield Breach("P6", name, "was accepted in other words than it holds")


def _words(detail: str) -> str | None:
    try:
        found = json.loads(detail).get("words")
    except ValueError:
        return None  # changed by somebody: the chain says so
    return found if isinstance(found, str) else None


ALL: tuple[Promise, ...] = (every_order_is_a_request, always_told, accepted_as_read_back)
