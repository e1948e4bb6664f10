"""What a person says of a reply, and what that does to the contact point it speaks of.

A wish is obeyed as if it had been understood at once; what it was wrongly taken for is undone, and no more than that.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Reply, Staff, Suppression, Task
from dispatcher.model.errors import StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import confirmations, languages, meant_points, ordered, suppressions, tasks, wishes
from dispatcher.services.holding import hold_what_waits

_PLAIN = ("provider", "key", "button")  # what has decided where no words were read


def decided(session: Session, runtime: Runtime, staff: Staff, reply: Reply, kind: str) -> None:
    """A person has said that a reply is of this kind: what it asked for is done, what it was taken for is undone.

    An opt-out counts for the ways that its words name; else it, a wrong person and a wish to come back count for
    the contact point that the reply is about; any other kind lifts the order that was read in it. A forged reply is
    a person's to judge: they have looked.
    """
    own, (channel, address) = _stopped_by(session, reply)
    language = languages.of_answer(reply.text, reply.customer.language if reply.customer else "")
    source = f"{reply.channel}, read by {staff.email}: {wishes.words_of(reply)}"
    if kind in ("opt-out", "wrong-person"):
        points = _named(reply, kind, (channel, address))
        for point in points:
            order = suppressions.suppress(session, runtime, *point, kind, source, staff, reply_id=reply.id)
            if kind == "opt-out":
                confirmations.of_stop(session, runtime, order, reply.customer, reply.conversation_id, language)
        if own is not None and (channel, address) not in points:  # a doubt about the way by which they said it
            suppressions.take_back(session, runtime, channel, address, staff, reasons=("doubt",), topic=own.topic)
    elif kind == "opt-in":
        lifted = suppressions.take_back(
            session, runtime, channel, address, staff, reasons=suppressions.THEIR_OWN, topic=None
        )
        for order in lifted[:1]:
            confirmations.of_return(session, runtime, order, reply.customer, reply.conversation_id, language)
    elif own is not None and (other := ordered.besides(session, own, reply)) is not None:
        suppressions.stand_for(session, runtime, own, staff, other)
    elif own is not None:
        lifted = suppressions.take_back(session, runtime, channel, address, staff, topic=own.topic)
        for order in lifted:
            if order.reason == "opt-out":  # they have read that they get no more
                confirmations.of_return(session, runtime, order, reply.customer, reply.conversation_id, language)
    asked = select(Task).where(Task.dedupe == suppressions.doubt_task(reply.id), Task.closed_by.is_(None))
    for task in session.scalars(asked.with_for_update()):
        tasks.mark_closed(runtime, task, staff, "opt-out" if kind == "opt-out" else "not")
        reply.tries, reply.due_at = 0, None


def require_not_theirs(session: Session, reply: Reply, kind: str) -> None:
    """Raises StateConflict where calling it `kind` would lift what they have ordered by a carrier's keyword, a key, a
    link or a button, for nobody has read that and nobody has misread it; or what they have ordered since it came.
    """
    if kind in ("opt-out", "wrong-person"):
        return
    channel, address = _stopped_by(session, reply)[1]
    plain = ordered.was_plain(session, reply, _PLAIN) and suppressions.all_in_force(session, channel, address)
    if plain or (kind == "opt-in" and ordered.is_since(session, channel, address, reply)):
        raise StateConflict(
            "they have ended this themselves: they take it back by START or on their page", state=reply.state
        )


def make_way(session: Session, runtime: Runtime, reply: Reply, kind: str) -> None:
    """Hold what waits for the contact point for which `decided` will give an order, end one or settle a doubt, before
    anything is put on record. The caller holds the conversation and the reply.
    """
    own, point = _stopped_by(session, reply)
    given = kind in ("opt-out", "wrong-person")
    points = _named(reply, kind, point)
    if given:
        for one in points:
            hold_what_waits(session, runtime, *one)
    if kind == "opt-in" or (own is not None and own.reason == "doubt" and not (given and point in points)):
        hold_what_waits(session, runtime, *point, ends=True)


def _named(reply: Reply, kind: str, point: meant_points.Point) -> list[meant_points.Point]:
    return meant_points.of(reply.customer, point, reply.text) if kind == "opt-out" else [point]


def _stopped_by(session: Session, reply: Reply) -> tuple[Suppression | None, tuple[str, str]]:
    """The order that was read in a reply, if one stands, and the contact point that the reply speaks of."""
    own = session.scalars(
        select(Suppression).where(Suppression.reply_id == reply.id, Suppression.lifted_at.is_(None)).limit(1)
    ).first()
    return own, (own.channel, own.address) if own else _point_of(reply)


def _point_of(reply: Reply) -> tuple[str, str]:
    """The contact point that a reply speaks of: the one it answers, else the one it came from."""
    delivery = reply.delivery
    if delivery is not None and reply.channel in (delivery.channel, "page"):
        return delivery.channel, delivery.address
    return reply.channel, reply.sender.strip()
